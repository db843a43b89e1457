//! Reading a file part by part.

use std::cmp::Ordering;
use std::ops::Range;

use nn_kernels::{Architecture, Element};
use serde::Deserialize;

use super::{BACK, Envelope, FRONT, FileFault as Fault};

/// What is in a file whose length and checksum are right, part by part.
pub(crate) struct Parts<'b> {
    left: &'b [u8],
    #[cfg(feature = "checkpoints")]
    version: u32,
    number_type: &'b str,
}

impl Envelope {
    /// Checks front, length and checksum. What is left is what the kind of file says.
    pub(crate) fn open<'b>(&self, file: &'b [u8]) -> Result<Parts<'b>, Fault> {
        self.check_signature(file)?;
        let found = file.len() as u64;
        let ends = file.split_first_chunk::<FRONT>().and_then(|(front, rest)| Some((front, rest.split_last_chunk()?)));
        let Some((front, (contents, back))) = ends else {
            return Err(Fault::Truncated { expected: (FRONT + BACK) as u64, found });
        };
        let number =
            |at: Range<usize>| front[at].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let (version, expected) = (number(8..12) as u32, number(12..20));
        match expected.cmp(&found) {
            Ordering::Equal => {}
            Ordering::Greater => return Err(Fault::Truncated { expected, found }),
            Ordering::Less => return Err(Fault::TooLong { expected, found }),
        }
        let (expected, found) = (u32::from_le_bytes(*back), crc32fast::hash(&file[..file.len() - BACK]));
        if expected != found {
            return Err(Fault::Checksum { expected, found });
        }
        if !(1..=self.version).contains(&version) {
            // There has been no version 0.
            return Err(Fault::Version { found: version, newest: self.version });
        }
        let mut parts = Parts {
            left: contents,
            #[cfg(feature = "checkpoints")]
            version,
            number_type: "",
        };
        parts.number_type = parts.next("the number type")?;
        // For whoever looks into the file.
        let _: &str = parts.next("the version of the library")?;
        Ok(parts)
    }
}

impl<'b> Parts<'b> {
    /// The version of the format that the file is written in.
    #[cfg(feature = "checkpoints")]
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// `"f32"` or `"f64"`, or what a later version may add.
    #[cfg(feature = "bundle")]
    pub(crate) fn number_type(&self) -> &'b str {
        self.number_type
    }

    /// The numbers are of the type `T`.
    pub(crate) fn check_number_type<T: Element>(&self) -> Result<(), Fault> {
        if self.number_type == T::NAME {
            return Ok(());
        }
        Err(Fault::NumberType { expected: T::NAME, found: self.number_type.to_owned() })
    }

    /// The part that comes next, which messages call `what`.
    pub(crate) fn next<V: Deserialize<'b>>(&mut self, what: &'static str) -> Result<V, Fault> {
        let (value, left) = postcard::take_from_bytes(self.left)
            .map_err(|error| contents(what, "what the format says", error.to_string()))?;
        self.left = left;
        Ok(value)
    }

    /// The network that comes next: its architecture and its parameters.
    pub(crate) fn network<T: Element>(&mut self) -> Result<(Architecture, Vec<T>), Fault> {
        #[derive(Deserialize)]
        #[serde(bound = "T: Element")]
        struct Start<T> {
            architecture: String,
            #[serde(with = "crate::number::list")]
            parameters: Vec<T>,
        }
        let Start { architecture, parameters } = self.next("the network")?;
        Ok((self.architecture::<T>(&architecture, parameters.len())?, parameters))
    }

    /// The architecture that the file names, if it has so many parameters.
    pub(crate) fn architecture<T: Element>(&self, text: &str, parameters: usize) -> Result<Architecture, Fault> {
        let wrong = |error: String| contents("the architecture", error, format!("`{text}`"));
        let architecture: Architecture =
            text.parse().map_err(|error: nn_kernels::ParseError| wrong(error.to_string()))?;
        architecture.check_element::<T>().map_err(|error| wrong(error.to_string()))?;
        if parameters != architecture.params() {
            let expected = format!("{} of `{text}`", architecture.params());
            return Err(contents("the parameters", expected, parameters.to_string()));
        }
        Ok(architecture)
    }

    /// Nothing is left.
    pub(crate) fn end(&self) -> Result<(), Fault> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(contents("the end", "nothing behind it", format!("{left} bytes"))),
        }
    }
}

/// A part is not what the format says.
fn contents(what: &'static str, expected: impl Into<String>, found: String) -> Fault {
    Fault::Contents { what, expected: expected.into(), found }
}
