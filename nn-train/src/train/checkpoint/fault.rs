//! What can be wrong with a file that should be a checkpoint.

use thiserror::Error;

use crate::envelope::FileFault;

/// Why a file is not a checkpoint that can be gone on from: the part of
/// [`Error::Checkpoint`](crate::Error::Checkpoint) that says so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CheckpointFault {
    /// It is no checkpoint, is damaged, or is of another number type.
    #[error(transparent)]
    File(#[from] FileFault),
    /// It is the state of something else.
    #[error("it holds the state of a {found}; expected that of a {expected}")]
    Kind {
        /// What was asked for.
        expected: &'static str,
        /// What it is.
        found: &'static str,
    },
}
