//! What stands around the contents of this library's own files: a front with signature, version and length, and a checksum
//! at the end. Checkpoints and bundles are such files.
//!
//! ```text
//! offset  bytes
//!      0      8  signature
//!      8      4  version of the format
//!     12      8  length of the whole file
//!     20      …  contents: number type, version of the library, and what the kind of file says
//!    end-4    4  CRC-32 (as in zlib) of all bytes before it
//! ```
//!
//! Numbers are in little-endian order, the contents in postcard's format.

mod fault;
mod parts;
mod write;

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

pub use fault::FileFault;
use nn_kernels::StepError;
pub(crate) use parts::Parts;

use crate::error::Error;

/// Bytes before the contents.
const FRONT: usize = 20;
/// Bytes behind them.
const BACK: usize = 4;

/// A kind of file.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Envelope {
    /// What it begins with: no text, and spoilt by whoever takes it for one.
    signature: [u8; 8],
    /// The version of the format that is written, the newest that is read.
    version: u32,
    /// What messages call it.
    name: &'static str,
}

/// The states of runs and sessions.
pub(crate) const CHECKPOINT: Envelope = Envelope { signature: *b"\x89NNT\r\n\x1a\n", version: 2, name: "a checkpoint" };
/// Networks with what prepares their inputs.
pub(crate) const BUNDLE: Envelope = Envelope { signature: *b"\x89NNB\r\n\x1a\n", version: 1, name: "a bundle" };

/// The signatures of this library's other files, to tell somebody who mixes them up.
const OTHERS: [([u8; 8], &str); 2] =
    [(*b"\x89NNR\r\n\x1a\n", "a file of records"), (*b"\x89NNE\r\n\x1a\n", "a network for small devices")];

impl Envelope {
    /// The signature, as far as there are bytes.
    fn check_signature(&self, file: &[u8]) -> Result<(), FileFault> {
        let begins = |signature: &[u8; 8]| file.iter().zip(signature).all(|(found, expected)| found == expected);
        if begins(&self.signature) {
            return Ok(());
        }
        let known = [CHECKPOINT, BUNDLE].map(|known| (known.signature, known.name)).into_iter().chain(OTHERS);
        let found = known.into_iter().find(|(signature, _)| file.starts_with(signature)).map(|(_, name)| name);
        Err(FileFault::Signature { expected: self.name, found })
    }

    /// All bytes of a file. A large one of something else is not read to its end. `at` makes an error of what is wrong with
    /// the file.
    pub(crate) fn read_file(&self, path: &Path, at: impl FnOnce(FileFault) -> Error) -> Result<Vec<u8>, Error> {
        let failed = |operation| move |error: io::Error| Error::io(operation, path.display(), &error);
        let mut file = File::open(path).map_err(failed("open"))?;
        let mut bytes = Vec::new();
        Read::by_ref(&mut file).take(FRONT as u64).read_to_end(&mut bytes).map_err(failed("read"))?;
        self.check_signature(&bytes).map_err(at)?;
        let length = file.metadata().map_err(failed("read"))?.len() as usize;
        bytes.try_reserve_exact(length).map_err(|_| StepError::Memory { bytes: length })?;
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        Ok(bytes)
    }
}
