//! The numbers behind a header: as many as the sizes say, none on trust.

use std::io::{self, Read};

use super::fault::ArrayFault as Fault;
use super::item::{Item, Stored};
use crate::memory::{FREE, unpacked_limit};

/// Bytes that are read at a time, a multiple of every number's.
const CHUNK: usize = 1 << 16;
/// Numbers for which there is room at first, where nothing but the sizes says how many there will be.
const ROOM: usize = 1 << 16;
/// How often progress is reported, in bytes.
const REPORT: u64 = 1 << 20;

/// Why an array could not be read.
pub(super) enum Trouble {
    Fault(Fault),
    /// The system could not read, or what is read could not be unpacked.
    Read(io::Error),
    /// There is no memory for so many bytes.
    Memory(usize),
}

impl Trouble {
    /// The same of what is unpacked from `format`. Errors of the system have numbers, and stay what they are, but for a place
    /// that a damaged archive gives and no file has. All others come from whoever unpacks, that of a checksum too.
    pub(super) fn unpacking(self, format: &'static str) -> Self {
        match self {
            Self::Read(error) if error.raw_os_error().is_none() || error.kind() == io::ErrorKind::InvalidInput => {
                Fault::Packed { format, reason: error.to_string() }.into()
            }
            other => other,
        }
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

/// What is known of the bytes behind a header before they are read.
#[derive(Debug, Clone, Copy)]
pub(super) enum Bytes {
    /// How many there are, with those of the header.
    Counted(u64),
    /// How many there are packed, and to how many they may unpack.
    Packed { packed: u64, limit: u64 },
}

impl Bytes {
    /// Packed bytes, under the limit where one is set.
    pub(super) fn packed(packed: u64, limit: Option<u64>) -> Self {
        Self::Packed { packed, limit: unpacked_limit(packed, FREE, limit) }
    }
}

/// What a header says.
pub(super) struct Header {
    pub(super) stored: Stored,
    pub(super) big_endian: bool,
    pub(super) sizes: Vec<u64>,
    /// Bytes of the header itself.
    pub(super) bytes: u64,
}

/// What is told the bytes of an array's numbers that have been read, and how many there are.
pub(super) type Report<'r> = &'r mut dyn FnMut(u64, u64);

/// Reads the numbers of an array, and sees that nothing follows. `report` is called about once a mebibyte, and at the end.
pub(super) fn read<I: Item>(
    header: &Header,
    mut reader: impl Read,
    known: Bytes,
    report: Report<'_>,
) -> Result<Vec<I>, Trouble> {
    let Header { stored, big_endian, ref sizes, bytes: front } = *header;
    let each = stored.bytes();
    let count = sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(usize::try_from(size).ok()?));
    // A size of 0 makes the product 0 only behind those before it.
    let count = if sizes.contains(&0) { Some(0) } else { count };
    let too_large = || Fault::TooLarge { sizes: sizes.clone(), bytes: each };
    let count = count.filter(|count| count.checked_mul(each.max(size_of::<I>())).is_some()).ok_or_else(too_large)?;
    let expected = (count * each) as u64;
    let truncated = |found| Fault::Truncated { found, sizes: sizes.clone(), bytes: each };
    let trailing = || Fault::Trailing { sizes: sizes.clone(), bytes: each };
    let room = match known {
        Bytes::Counted(all) => {
            let found = all.saturating_sub(front);
            if found < expected {
                return Err(truncated(found).into());
            }
            if found > expected {
                return Err(trailing().into());
            }
            count
        }
        Bytes::Packed { packed, limit } if expected > limit => {
            return Err(Fault::Unpacked { sizes: sizes.clone(), bytes: each, packed, limit }.into());
        }
        Bytes::Packed { .. } => count.min(ROOM),
    };
    let mut numbers: Vec<I> = Vec::new();
    let memory = |count: usize| move |_| Trouble::Memory(count.saturating_mul(size_of::<I>()));
    numbers.try_reserve_exact(room).map_err(memory(room))?;
    let mut buffer = vec![0; CHUNK.min(count * each)];
    let mut left = count * each;
    while left > 0 {
        let wanted = &mut buffer[..CHUNK.min(left)];
        let found = fill(&mut reader, wanted).map_err(Trouble::Read)?;
        if found < wanted.len() {
            return Err(truncated((count * each - left + found) as u64).into());
        }
        numbers.try_reserve(found / each).map_err(memory(count))?;
        stored.decode(big_endian, wanted, &mut numbers).map_err(|number| {
            let (place, found) = (numbers.len(), number.text());
            Fault::Number { place, found, expected: I::EXPECTED }
        })?;
        left -= found;
        let done = expected - left as u64;
        if done % REPORT < found as u64 && left > 0 {
            report(done, expected);
        }
    }
    match fill(&mut reader, &mut [0]).map_err(Trouble::Read)? {
        0 => {
            report(expected, expected);
            Ok(numbers)
        }
        _ => Err(trailing().into()),
    }
}

/// Reads until `bytes` are full or there are no more, and says how many there were.
pub(super) fn fill(reader: &mut impl Read, bytes: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < bytes.len() {
        match reader.read(&mut bytes[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
