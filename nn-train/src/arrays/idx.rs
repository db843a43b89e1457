//! IDX, the format of the MNIST data and its likes, plain or packed by gzip.

use std::io::{BufRead, Read};

use flate2::bufread::MultiGzDecoder;

use super::array::Array;
use super::fault::ArrayFault as Fault;
use super::item::{Item, Stored};
use super::numbers::{self, Bytes, Header, Report, Trouble, fill};

/// What every gzip file begins with; an IDX file begins with zeros.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// Reads an array of a file that has `length` bytes; where it is packed, under the limit if one is set. Whether it is packed is told
/// by its first bytes, not by its name.
pub(super) fn read<I: Item>(
    mut reader: impl BufRead,
    length: u64,
    limit: Option<u64>,
    report: Report<'_>,
) -> Result<Array<I>, Trouble> {
    let start = reader.fill_buf().map_err(Trouble::Read)?;
    if !start.starts_with(&GZIP) {
        return read_plain(reader, Bytes::Counted(length), report);
    }
    read_plain(MultiGzDecoder::new(reader), Bytes::packed(length, limit), report)
        .map_err(|trouble| trouble.unpacking("gzip"))
}

fn read_plain<I: Item>(mut reader: impl Read, known: Bytes, report: Report<'_>) -> Result<Array<I>, Trouble> {
    let mut front = [0; 4];
    let found = fill(&mut reader, &mut front).map_err(Trouble::Read)?;
    let stored = match front {
        [0, 0, code, dimensions] if found == 4 && dimensions > 0 => stored(code),
        _ => None,
    };
    let Some(stored) = stored else {
        let expected = "00 00, a type from 08 to 0e and the number of dimensions (IDX)";
        return Err(Fault::Magic { found: front[..found].to_vec(), expected }.into());
    };
    let mut sizes = vec![0; 4 * usize::from(front[3])];
    let found = fill(&mut reader, &mut sizes).map_err(Trouble::Read)?;
    if found < sizes.len() {
        return Err(Fault::HeaderEnds { found: 4 + found, expected: 4 + sizes.len() }.into());
    }
    let bytes = 4 + sizes.len() as u64;
    let sizes: Vec<u64> = sizes.as_chunks().0.iter().map(|&size| u64::from(u32::from_be_bytes(size))).collect();
    let header = Header { stored, big_endian: true, sizes, bytes };
    let numbers = numbers::read(&header, reader, known, report)?;
    Ok(Array::of(numbers, header.sizes.iter().map(|&size| size as usize).collect()))
}

/// The type of a code.
fn stored(code: u8) -> Option<Stored> {
    Some(match code {
        0x08 => Stored::u8,
        0x09 => Stored::i8,
        0x0b => Stored::i16,
        0x0c => Stored::i32,
        0x0d => Stored::f32,
        0x0e => Stored::f64,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::io::{self, BufReader};

    use super::*;

    /// A disk that fails.
    struct Failing;

    impl Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            // EIO.
            Err(io::Error::from_raw_os_error(5))
        }
    }

    #[test]
    fn a_disk_that_fails_is_no_damage() {
        for front in [&[0x1f, 0x8b, 8, 0][..], &[0, 0, 8, 1]] {
            let trouble = read::<u8>(front.chain(BufReader::new(Failing)), 100, None, &mut |_, _| ()).err();
            assert!(matches!(trouble, Some(Trouble::Read(error)) if error.raw_os_error() == Some(5)), "{front:?}");
        }
    }
}
