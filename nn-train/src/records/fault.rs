//! What can be wrong with a file of records.

use thiserror::Error;

/// Why a file is not one of records that can be read: the part of [`Error::Records`](crate::Error::Records) that says so.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum RecordsFault {
    /// It does not begin as such a file does.
    #[error("this is no file of records; expected the signature of one in the first 8 bytes")]
    NotRecords,
    /// A newer version of the library has written it.
    #[error("it is in version {found} of the format; expected at most {newest}, the newest that this version reads")]
    Version {
        /// Its version.
        found: u32,
        /// The newest that can be read.
        newest: u32,
    },
    /// The bytes of its header or of a block are not those that were written.
    #[error("{what} is damaged: its checksum is {found:08x}; expected {expected:08x}")]
    Checksum {
        /// The header, or a block, counted from 0.
        what: String,
        /// What the checksum of its bytes was when the file was written.
        expected: u32,
        /// What the checksum of its bytes is.
        found: u32,
    },
    /// Its header, whose checksum is right, says what the format does not know.
    #[error("{what} in its header: {found}; expected {expected}")]
    Header {
        /// Which field.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What the format says.
        expected: &'static str,
    },
    /// It holds no record.
    #[error("it holds 0 records; expected at least 1")]
    Empty,
    /// It is not as long as its header says.
    #[error("it has {found} bytes; expected {expected} by its header")]
    Length {
        /// The bytes that it should have.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// It cannot be read within so little memory.
    #[error("{found} bytes of memory are not enough to read it; expected at least {expected}, for two of its blocks")]
    Memory {
        /// The bytes that two blocks and their orders take.
        expected: u64,
        /// The bytes allowed.
        found: u64,
    },
    /// It differs from a file that it is to be one source with.
    #[error("{what}: {found}; expected {expected} as in {like}")]
    Unlike {
        /// What differs.
        what: &'static str,
        /// What the other file has.
        expected: String,
        /// What it has.
        found: String,
        /// The other file.
        like: String,
    },
    /// It is not as it was when it was opened.
    #[error("{what}: {found}; expected {expected} as when it was opened first")]
    Changed {
        /// What differs.
        what: &'static str,
        /// What it had.
        expected: String,
        /// What it has.
        found: String,
    },
}
