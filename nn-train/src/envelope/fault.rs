//! What can be wrong with a file of this library.

use thiserror::Error;

/// What is wrong with a checkpoint or a bundle as a file: its front, its checksum, or contents that are not what the format
/// says.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum FileFault {
    /// It does not begin as such a file does.
    #[error("this is {}", not_what_is_expected(expected, *found))]
    Signature {
        /// What it should be.
        expected: &'static str,
        /// What it is, where it is another file of this library.
        found: Option<&'static str>,
    },
    /// It ends too early.
    #[error("it ends after {found} bytes; expected {expected}")]
    Truncated {
        /// The bytes that it should have.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// Something stands behind its end.
    #[error("it has {found} bytes; expected it to end after {expected}")]
    TooLong {
        /// The bytes that it should have.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// Its bytes are not those that were written.
    #[error("it is damaged: its checksum is {found:08x}; expected {expected:08x}")]
    Checksum {
        /// What it says that the checksum of its bytes is.
        expected: u32,
        /// What the checksum of its bytes is.
        found: u32,
    },
    /// A newer version of the library has written it.
    #[error("it is in version {found} of the format; expected at most {newest}, the newest that this version reads")]
    Version {
        /// Its version.
        found: u32,
        /// The newest that can be read.
        newest: u32,
    },
    /// It is of a network of other numbers.
    #[error("its numbers are {found}; expected {expected}")]
    NumberType {
        /// The number type asked for, `"f32"` or `"f64"`.
        expected: &'static str,
        /// The number type of the file.
        found: String,
    },
    /// Its bytes are those that were written, and are not what the format says.
    #[error("{what} in it: {found}; expected {expected}")]
    Contents {
        /// Which part.
        what: &'static str,
        /// What the format says.
        expected: String,
        /// What stands there.
        found: String,
    },
}

fn not_what_is_expected(expected: &str, found: Option<&str>) -> String {
    match found {
        Some(found) => format!("{found}; expected {expected}"),
        None => format!("not {expected}; expected the signature of one in the first 8 bytes"),
    }
}
