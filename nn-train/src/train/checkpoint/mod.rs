//! Checkpoints: the state of a run or a session as one file, from which it goes on bit for bit.
//!
//! [`RunState::save`] writes one and [`RunState::load`] reads it, [`load_network`] reads only the network from it, and
//! [`Checkpoints`](crate::Checkpoints) is the callback that writes them in the course of a run.
//!
//! ```
//! use nn_train::checkpoint::load_network;
//! use nn_train::prelude::*;
//!
//! network! { struct Xor<2 => 4 tanh => 1>; }
//!
//! # let file = std::env::temp_dir().join(format!("nn-train-doc-{}.ckpt", std::process::id()));
//! # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
//! let trainer = Trainer::builder().batch_size(2).epochs(10).build()?;
//! let mut net = Xor::new(1);
//! let mut run = trainer.run(&mut net, &data)?;
//! run.next();
//! run.state()?.save(&file)?;
//! run.finish()?;
//!
//! // In another program:
//! let state = RunState::load(&file)?;
//! let mut resumed = Xor::zeros();
//! trainer.run(&mut resumed, &data)?.resume(&state)?.finish()?;
//! assert_eq!(resumed, net);
//! let after_one_epoch: Xor = load_network(&file)?;
//! # assert_ne!(after_one_epoch, net);
//! # std::fs::remove_file(file).map_err(Error::callback)?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # What is in it
//!
//! The declaration, the number type, the parameters, the optimiser's memory, the steps and samples that number the
//! schedule and the dropout masks, the seed, the learning rate if one was set, the plan, the position in the epoch and
//! what it depends on ([`Batches`](crate::Batches)), the history, what the callbacks keep, and the version of the
//! library. Not in it are the data and the trainer's settings: a run goes on under the trainer and on the data that it
//! is given, which must be the same ones for the same bits.
//!
//! # Written whole or not at all
//!
//! A file is written under another name in the same folder, flushed to the disk, and renamed. Until then what stood at
//! its path stands there still, and after an error nothing is left of the new one. Then the folder is flushed, so that
//! the new name outlasts a power cut too; if that alone fails, the error says so, and the new file is at its path,
//! whole. A program that is killed leaves a hidden file `.name.….unfinished`, which the next save of the same name, or
//! a run with [`Checkpoints`](crate::Checkpoints) in the same folder, removes. A symbolic link at the path is replaced
//! by the file.
//!
//! # The format
//!
//! Version 2. A front, contents, and a checksum; numbers of the front and the checksum are in little-endian order.
//!
//! ```text
//! offset  bytes
//!      0      8  89 4E 4E 54 0D 0A 1A 0A: no text, and spoilt by whoever takes it for one
//!      8      4  version of the format
//!     12      8  length of the whole file
//!     20      …  contents
//!    end-4    4  CRC-32 (as in zlib) of all bytes before it
//! ```
//!
//! The contents are values in the [wire format of postcard](https://postcard.jamesmunns.com/wire-format), one behind the
//! other, and nothing else:
//!
//! ```text
//! number type           text, "f32" or "f64"
//! version of the library text
//! kind                  0 for a session, 1 for a run
//! session               SessionState, which begins with the architecture and the parameters
//!                       (of a run also:)
//! position              Position
//! batches               Batches
//! history               History
//! callbacks             list of CallbackState
//! best                  optional: metric, goal and number for which the file was kept as the best
//! ```
//!
//! Version 1 ended `Batches` with its field `blocks`. Structures are their fields in the order of their declaration. A list
//! of numbers is a byte array of their bits in little-endian order.
//!
//! Signature, version, length and checksum will stand where they are in every version to come, and every version that
//! there has been will be read.
//!
//! # Limits
//!
//! - A file is read into memory as a whole. Length and checksum are compared before anything else is looked at. The
//!   checksum finds every error of up to 32 bits in a row, and all but one in 4 × 10⁹ of any others.
//! - It protects from accidents, not from somebody who writes files: such a file can hold any parameters, but leads to no
//!   panic. A length in it is compared with the bytes that are left, so that a state takes about as much memory as its file
//!   has bytes, and never more than a hundred times that, which takes a file of nothing but empty lists.

mod contents;
mod fault;
#[cfg(test)]
pub(super) mod tests;

use std::path::Path;

use nn_kernels::Element;
use serde::{Deserialize, Serialize};

pub(super) use self::contents::Contents;
pub use self::fault::CheckpointFault;
use super::{Goal, RunState, SessionState};
use crate::disk::{self, System};
use crate::envelope::CHECKPOINT;
pub use crate::envelope::FileFault;
use crate::error::Error;
use crate::network::Network;

/// What stands for a path in messages about bytes in memory.
const MEMORY: &str = "the checkpoint";

/// For what a checkpoint was kept as the best.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BestNumber {
    /// The [name](super::Metric::name) of the metric.
    pub(super) metric: String,
    pub(super) goal: Goal,
    #[serde(with = "crate::number")]
    pub(super) number: f64,
}

impl<T: Element> RunState<T> {
    /// Writes the state to a file, whole or not at all: see [`checkpoint`](crate::checkpoint).
    ///
    /// # Errors
    /// [`Error::Io`] names the file and what could not be done with it. What stood there before stands there still.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        save(&System, path.as_ref(), &Contents::Run(self, None))
    }

    /// Reads a state from a file.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] for a file that is no checkpoint of a run in the number type `T`, is damaged, or was
    /// written by a newer version; [`Error::Io`] when it cannot be read, and
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        load_run(path.as_ref()).map(|(state, _)| state)
    }

    /// The bytes of the file that [`save`](Self::save) writes, to be kept elsewhere than in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Contents::Run(self, None).to_bytes()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// As [`load`](Self::load), but for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        contents::run(bytes).map(|(state, _)| state).map_err(|fault| contents::at(MEMORY, fault))
    }
}

impl<T: Element> SessionState<T> {
    /// Writes the state to a file, whole or not at all: see [`checkpoint`](crate::checkpoint).
    ///
    /// # Errors
    /// As [`RunState::save`].
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        save(&System, path.as_ref(), &Contents::Session(self))
    }

    /// Reads a state from a file. From that of a run it takes the session's part.
    ///
    /// # Errors
    /// As [`RunState::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        from_file(path.as_ref(), |bytes, place| contents::session(bytes).map_err(|fault| contents::at(place, fault)))
    }

    /// The bytes of the file that [`save`](Self::save) writes, to be kept elsewhere than in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        Contents::Session(self).to_bytes()
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// As [`load`](Self::load), but for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        contents::session(bytes).map_err(|fault| contents::at(MEMORY, fault))
    }
}

/// Reads the network from a checkpoint, as it was when that was written, and nothing else of it. `N` is a declared
/// network or a [`DynNetwork`](crate::DynNetwork), which takes the architecture from the file.
///
/// # Errors
/// [`Error::AnotherArchitecture`] for a checkpoint of another network than `N`, which names the first layer that
/// differs; otherwise as [`RunState::load`].
pub fn load_network<N: Network>(path: impl AsRef<Path>) -> Result<N, Error> {
    from_file(path.as_ref(), contents::network)
}

/// Writes a file.
pub(super) fn save<D: disk::Disk, T: Element>(disk: &D, path: &Path, contents: &Contents<'_, T>) -> Result<(), Error> {
    disk::write_whole(disk, path, |writer| contents.write(writer))
}

/// Reads the state of a run, and for what number it was kept as the best.
pub(super) fn load_run<T: Element>(path: &Path) -> Result<(RunState<T>, Option<BestNumber>), Error> {
    from_file(path, |bytes, place| contents::run(bytes).map_err(|fault| contents::at(place, fault)))
}

fn from_file<V>(path: &Path, decode: impl FnOnce(&[u8], &str) -> Result<V, Error>) -> Result<V, Error> {
    let place = path.display().to_string();
    let bytes = CHECKPOINT.read_file(path, |fault| contents::at(&place, fault))?;
    decode(&bytes, &place)
}
