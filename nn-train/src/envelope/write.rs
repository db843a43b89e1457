//! Writing a file from its front to its checksum.

use std::io::{self, Write};

use crc32fast::Hasher;
use nn_kernels::Element;
use postcard::ser_flavors::Size;
use serde::Serialize;

use super::{BACK, Envelope, FRONT};

impl Envelope {
    /// Writes the file from its first to its last byte. The contents are of a network of `T`.
    pub(crate) fn write<T: Element, C: Serialize>(&self, contents: &C, writer: &mut dyn Write) -> io::Result<()> {
        let contents = (T::NAME, env!("CARGO_PKG_VERSION"), contents);
        let length = postcard::serialize_with_flavor(&contents, Size::default()).map_err(io::Error::other)?;
        let mut writer = Hashed { writer, hasher: Hasher::new(), failure: None };
        writer.write_all(&self.signature)?;
        writer.write_all(&self.version.to_le_bytes())?;
        writer.write_all(&((FRONT + length + BACK) as u64).to_le_bytes())?;
        if let Err(error) = postcard::to_io(&contents, &mut writer) {
            return Err(writer.failure.unwrap_or_else(|| io::Error::other(error)));
        }
        let Hashed { writer, hasher, .. } = writer;
        writer.write_all(&hasher.finalize().to_le_bytes())
    }

    /// The bytes of the file.
    pub(crate) fn to_bytes<T: Element, C: Serialize>(&self, contents: &C) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A vector takes everything.
        let written = self.write::<T, C>(contents, &mut bytes);
        debug_assert!(written.is_ok(), "{written:?}");
        bytes
    }
}

/// Forms the checksum of what is written, and keeps why it could not be, which postcard does not tell.
struct Hashed<'w> {
    writer: &'w mut dyn Write,
    hasher: Hasher,
    failure: Option<io::Error>,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.writer.write_all(bytes) {
            let kind = error.kind();
            self.failure = Some(error);
            return Err(kind.into());
        }
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Whoever gave the writer does.
        Ok(())
    }
}
