//! What can be wrong with a file of an array.

use std::fmt;

use thiserror::Error;

/// Why a file is not one of an array that can be read, or not the array that is needed: the part of
/// [`Error::Array`](crate::Error::Array) that says so.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArrayFault {
    /// It begins with other bytes.
    #[error("begins with {}, expected {expected}", Hex(found))]
    Magic {
        /// What stands there.
        found: Vec<u8>,
        /// What should.
        expected: &'static str,
    },
    /// Its header is not one that is known.
    #[error("{what} in its header: {found}; expected {expected}")]
    Header {
        /// Which part.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// It ends before its header does.
    #[error("ends after {found} bytes of its header, expected {expected}")]
    HeaderEnds {
        /// The bytes there are.
        found: usize,
        /// The bytes that there should be.
        expected: usize,
    },
    /// Its sizes multiply to more than this machine can address.
    #[error("is {} by its sizes, expected no more than memory can hold", Extent(sizes, *bytes))]
    TooLarge {
        /// The sizes.
        sizes: Vec<u64>,
        /// Bytes of a number.
        bytes: usize,
    },
    /// It has fewer bytes than its sizes say.
    #[error("ends after {found} bytes, expected {} as its sizes say", Extent(sizes, *bytes))]
    Truncated {
        /// The bytes there are.
        found: u64,
        /// The sizes.
        sizes: Vec<u64>,
        /// Bytes of a number.
        bytes: usize,
    },
    /// It goes on after all that its sizes say.
    #[error("goes on after {} bytes, expected to end there as its sizes say", Extent(sizes, *bytes))]
    Trailing {
        /// The sizes.
        sizes: Vec<u64>,
        /// Bytes of a number.
        bytes: usize,
    },
    /// It unpacks to more than is allowed.
    #[error("is {} unpacked, expected no more than {limit}, as it is {packed} bytes packed", Extent(sizes, *bytes))]
    Unpacked {
        /// The sizes.
        sizes: Vec<u64>,
        /// Bytes of a number.
        bytes: usize,
        /// The bytes that there are in the file.
        packed: u64,
        /// The most bytes allowed.
        limit: u64,
    },
    /// It has another number of dimensions, or other sizes, than are needed.
    #[error("the sizes are {}, expected {expected}", Extent(found, 1))]
    Sizes {
        /// The sizes.
        found: Vec<u64>,
        /// What is needed.
        expected: String,
    },
    /// One of its numbers is not one of the type asked for.
    #[error("number {place} is {found}, expected {expected}")]
    Number {
        /// Which one, in the order of the file, from 0.
        place: usize,
        /// What it is.
        found: String,
        /// What the type takes.
        expected: &'static str,
    },
    /// It is packed, and is not sound.
    #[error("damaged {format}: {reason}")]
    Packed {
        /// `"gzip"` or `"zip"`.
        format: &'static str,
        /// What whoever unpacked it said.
        reason: String,
    },
    /// An archive has no such array.
    #[error("there is no array {name:?}; expected {}", OneOf(names))]
    Missing {
        /// What was asked for.
        name: String,
        /// The arrays that there are.
        names: Vec<String>,
    },
}

/// Bytes as hexadecimal numbers.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("nothing"),
            [first, rest @ ..] => {
                write!(f, "{first:02x}")?;
                rest.iter().try_for_each(|byte| write!(f, " {byte:02x}"))
            }
        }
    }
}

/// Sizes, and the bytes of a number, as a product.
struct Extent<'a>(&'a [u64], usize);

impl fmt::Display for Extent<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut factors: Vec<String> = self.0.iter().map(u64::to_string).collect();
        if self.1 != 1 || factors.is_empty() {
            factors.push(self.1.to_string());
        }
        f.write_str(&factors.join(" × "))
    }
}

/// Names to choose from.
struct OneOf<'a>(&'a [String]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => f.write_str("one, but the archive has none"),
            names => write!(f, "one of {}", names.join(", ")),
        }
    }
}
