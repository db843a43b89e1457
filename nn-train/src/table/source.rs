//! The bytes of a file, unpacked, and no more of them than allowed.

use std::io::{self, Read};

use flate2::read::MultiGzDecoder;

use super::{Place, TableFault};
use crate::error::Error;
use crate::memory::{FREE, unpacked_limit};

/// Whether these are the first bytes of a gzip file.
pub(super) fn packed(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0x1F, 0x8B])
}

/// Counts the bytes that are read through it.
struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.bytes += read as u64;
        Ok(read)
    }
}

/// All bytes of `reader`, about `size` of them, unpacked if they are gzip.
pub(super) fn unpack(mut reader: impl Read, size: u64, limit: Option<u64>, place: &str) -> Result<Vec<u8>, Error> {
    let io = |error: io::Error| Error::io("read", place, &error);
    let mut first = Vec::new();
    (&mut reader).take(2).read_to_end(&mut first).map_err(io)?;
    let mut text = Vec::new();
    if packed(&first) {
        let packed = Counted { reader: first.chain(reader), bytes: 0 };
        let mut unpacked = MultiGzDecoder::new(packed);
        let mut end = false;
        while !end {
            end = (&mut unpacked).take(1 << 16).read_to_end(&mut text).map_err(io)? == 0;
            check(&text, unpacked_limit(unpacked.get_ref().bytes, FREE, limit), place)?;
        }
    } else {
        // The size is a promise only.
        let known = usize::try_from(size.min(limit.unwrap_or(size))).unwrap_or(usize::MAX);
        text.try_reserve_exact(known).map_err(|_| io(io::ErrorKind::OutOfMemory.into()))?;
        let limit = limit.unwrap_or(u64::MAX);
        first.chain(reader).take(limit.saturating_add(1)).read_to_end(&mut text).map_err(io)?;
        check(&text, limit, place)?;
    }
    Ok(text)
}

fn check(text: &[u8], limit: u64, place: &str) -> Result<(), Error> {
    if text.len() as u64 > limit {
        let place = Place { source: Some(place.to_owned()), ..Place::default() };
        return Err(Error::table(place, TableFault::TooLarge { limit }));
    }
    Ok(())
}
