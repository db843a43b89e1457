//! The encodings of values: each calls a function for every value, and takes no memory for them, but for lengths of texts.

use super::super::TableFault;
use super::super::typed::Budget;
use super::Damage;
use super::bytes::Bytes;

fn damage(what: &'static str, found: impl Into<String>, expected: impl Into<String>) -> Damage {
    Damage::new(what, found, expected)
}

const LEVELS: &str = "runs of numbers";
const DELTAS: &str = "deltas";

/// Numbers of `width` bits each, at most 64, the least significant bit first. What is not there is 0.
struct Bits<'b> {
    bytes: &'b [u8],
    width: u32,
    at: usize,
}

impl<'b> Bits<'b> {
    fn new(bytes: &'b [u8], width: u32) -> Self {
        Self { bytes, width, at: 0 }
    }

    fn next(&mut self) -> u64 {
        let (byte, bit) = (self.at / 8, self.at % 8);
        self.at += self.width as usize;
        let rest = self.bytes.get(byte..).unwrap_or_default();
        let mask = u64::MAX.checked_shr(64 - self.width).unwrap_or(0);
        if let (Some(bytes), true) = (rest.first_chunk(), self.width <= 57) {
            return u64::from_le_bytes(*bytes) >> bit & mask;
        }
        let mut bytes = [0; 16];
        let count = rest.len().min(16);
        bytes[..count].copy_from_slice(&rest[..count]);
        (u128::from_le_bytes(bytes) >> bit) as u64 & mask
    }
}

/// RLE: `count` numbers of `width` bits, in runs of equal ones and groups of packed ones. `each` is told a number and how often it stands.
pub(super) fn hybrid(
    bytes: &[u8],
    width: u32,
    count: usize,
    mut each: impl FnMut(u32, usize) -> Result<(), Damage>,
) -> Result<(), Damage> {
    if width > 32 {
        return Err(damage(LEVELS, format!("{width} bits a number"), "at most 32"));
    }
    if width == 0 {
        return if count > 0 { each(0, count) } else { Ok(()) };
    }
    let mut bytes = Bytes(bytes);
    let mut left = count;
    while left > 0 {
        let head = bytes.number(LEVELS)?;
        let length = usize::try_from(head >> 1).unwrap_or(usize::MAX);
        if head & 1 == 0 {
            let value = bytes.take(width.div_ceil(8) as usize, LEVELS)?;
            let value = value.iter().rev().fold(0, |value, &byte| value << 8 | u32::from(byte));
            let times = length.min(left);
            if times > 0 {
                each(value, times)?;
            }
            left -= times;
        } else {
            // Groups of 8; of the last one some numbers are there to fill it, and some writers leave those bytes out.
            let values = length.saturating_mul(8).min(left);
            let whole = length.saturating_mul(width as usize);
            let needed = (values * width as usize).div_ceil(8);
            let packed = if whole > bytes.0.len() { needed } else { whole };
            let mut bits = Bits::new(bytes.take(packed, LEVELS)?, width);
            for _ in 0..values {
                each(bits.next() as u32, 1)?;
            }
            left -= values;
        }
    }
    Ok(())
}

/// DELTA_BINARY_PACKED: `count` whole numbers. Returns what follows them.
pub(super) fn deltas(
    bytes: &[u8],
    count: usize,
    mut each: impl FnMut(i64) -> Result<(), Damage>,
) -> Result<&[u8], Damage> {
    let mut bytes = Bytes(bytes);
    let [block, parts, found] = {
        let mut number = || bytes.number(DELTAS);
        [number()?, number()?, number()?]
    };
    let mut value = bytes.signed(DELTAS)?;
    if found != count as u64 {
        return Err(damage(DELTAS, format!("{found} numbers"), format!("{count}")));
    }
    let size =
        block.checked_div(parts).filter(|&size| block <= 1 << 20 && size > 0 && size % 8 == 0 && size * parts == block);
    let Some(size) = size.map(|size| size as usize) else {
        let found = format!("blocks of {block} numbers in {parts} parts");
        return Err(damage(DELTAS, found, "parts of a multiple of 8 numbers, at most 1,048,576 a block"));
    };
    let mut left = count;
    if left > 0 {
        each(value)?;
        left -= 1;
    }
    while left > 0 {
        let least = bytes.signed(DELTAS)?;
        let widths = bytes.take(parts as usize, DELTAS)?;
        for &width in widths {
            if left == 0 {
                // What is said of parts that are not needed is not read.
                break;
            }
            if width > 64 {
                return Err(damage(DELTAS, format!("{width} bits a number"), "at most 64"));
            }
            let values = size.min(left);
            let whole = size / 8 * usize::from(width);
            let needed = (values * usize::from(width)).div_ceil(8);
            let packed = if whole > bytes.0.len() { needed } else { whole };
            let mut bits = Bits::new(bytes.take(packed, DELTAS)?, u32::from(width));
            for _ in 0..values {
                value = value.wrapping_add(least).wrapping_add(bits.next() as i64);
                each(value)?;
            }
            left -= values;
        }
    }
    Ok(bytes.0)
}

/// Bytes of so many lengths.
fn bytes_of_lengths(count: usize) -> u64 {
    (count as u64).saturating_mul(size_of::<usize>() as u64)
}

/// Lengths as deltas, `count` of them, and what follows them. Who drops them gives their memory back.
fn lengths<'b>(bytes: &'b [u8], count: usize, budget: &mut Budget) -> Result<(Vec<usize>, &'b [u8]), TableFault> {
    budget.table(bytes_of_lengths(count))?;
    let mut lengths = Vec::new();
    let room = lengths.try_reserve_exact(count);
    room.map_err(|_| damage("a page", "no memory for the lengths of texts", "some"))?;
    let rest = deltas(bytes, count, |length| {
        lengths.push(usize::try_from(length).map_err(|_| damage("a text", format!("{length} bytes"), "at least 0"))?);
        Ok(())
    })?;
    Ok((lengths, rest))
}

/// DELTA_LENGTH_BYTE_ARRAY: `count` texts, whose lengths stand before all of them.
pub(super) fn texts_by_length<'b, E: From<Damage> + From<TableFault>>(
    bytes: &'b [u8],
    count: usize,
    budget: &mut Budget,
    mut each: impl FnMut(&'b [u8], &mut Budget) -> Result<(), E>,
) -> Result<(), E> {
    let (lengths, rest) = lengths(bytes, count, budget)?;
    let mut rest = Bytes(rest);
    for length in lengths {
        each(rest.take(length, "a text")?, budget)?;
    }
    budget.give_back(bytes_of_lengths(count));
    Ok(())
}

/// DELTA_BYTE_ARRAY: `count` texts that begin as the one before does, each charged as if it were unpacked.
pub(super) fn texts_by_prefix<E: From<Damage> + From<TableFault>>(
    bytes: &[u8],
    count: usize,
    budget: &mut Budget,
    mut each: impl FnMut(&[u8], &mut Budget) -> Result<(), E>,
) -> Result<(), E> {
    let (prefixes, rest) = lengths(bytes, count, budget)?;
    let mut prefixes = prefixes.into_iter();
    let mut text = Vec::new();
    texts_by_length(rest, count, budget, |end, budget| {
        let prefix = prefixes.next().unwrap_or(0);
        if prefix > text.len() {
            let expected = format!("at most the {} of the text before", text.len());
            return Err(damage("a text", format!("{prefix} bytes as before"), expected).into());
        }
        budget.unpack((prefix + end.len()) as u64)?;
        text.truncate(prefix);
        text.extend_from_slice(end);
        each(&text, budget)
    })?;
    budget.give_back(bytes_of_lengths(count));
    Ok(())
}

/// PLAIN texts: `count` of them, each after its length.
pub(super) fn texts<'b, E: From<Damage>>(
    bytes: &'b [u8],
    count: usize,
    mut each: impl FnMut(&'b [u8]) -> Result<(), E>,
) -> Result<(), E> {
    let mut bytes = Bytes(bytes);
    for _ in 0..count {
        let length = bytes.take(4, "a text")?;
        let length = length.iter().rev().fold(0, |length, &byte| length << 8 | usize::from(byte));
        each(bytes.take(length, "a text")?)?;
    }
    Ok(())
}

/// Values of `width` bytes: `count` of them, one behind the other.
pub(super) fn plain(bytes: &[u8], width: usize, count: usize) -> Result<std::slice::ChunksExact<'_, u8>, Damage> {
    let needed = count.saturating_mul(width);
    Ok(Bytes(bytes).take(needed, "the values of a page")?.chunks_exact(width))
}

/// BYTE_STREAM_SPLIT: the first bytes of all values, then the second ones, and so on.
pub(super) fn split(bytes: &[u8], width: usize, count: usize, mut each: impl FnMut(&[u8])) -> Result<(), Damage> {
    let bytes = Bytes(bytes).take(count.saturating_mul(width), "the values of a page")?;
    let mut value = [0; 16];
    let Some(value) = value.get_mut(..width) else {
        return Err(damage("the values of a page", format!("{width} bytes each, split"), "at most 16"));
    };
    for row in 0..count {
        for (byte, place) in value.iter_mut().zip((row..).step_by(count)) {
            *byte = bytes[place];
        }
        each(value);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::super::typed::Settings;
    use super::*;

    fn runs(bytes: &[u8], width: u32, count: usize) -> Result<Vec<u32>, Damage> {
        let mut numbers = Vec::new();
        hybrid(bytes, width, count, |value, times| {
            numbers.extend(std::iter::repeat_n(value, times));
            Ok(())
        })?;
        Ok(numbers)
    }

    #[test]
    fn runs_of_numbers() {
        // The example of the format's description: 0 to 7 in 3 bits each; then 5, 3 times.
        let bytes = [0x03, 0b1000_1000, 0b1100_0110, 0b1111_1010, 0x06, 5];
        assert_eq!(runs(&bytes, 3, 11), Ok(vec![0, 1, 2, 3, 4, 5, 6, 7, 5, 5, 5]));
        assert_eq!(runs(&bytes, 3, 6), Ok(vec![0, 1, 2, 3, 4, 5]));
        // A last group cut to the bytes that are needed.
        assert_eq!(runs(&bytes[..3], 3, 5), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(runs(&[], 0, 2), Ok(vec![0, 0]));
        for (bytes, width, count) in [(&bytes[..2], 3, 8), (&bytes, 3, 12), (&bytes, 33, 1), (&[0x80; 12], 1, 1)] {
            assert!(runs(bytes, width, count).is_err(), "{bytes:?}");
        }
    }

    #[test]
    fn bits_of_every_width() {
        for width in 1..=64 {
            let number = |index: u64| index.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (64 - width);
            let mut bytes = vec![0; (20 * width as usize).div_ceil(8)];
            for index in 0..20 {
                for bit in 0..width as usize {
                    let place = index as usize * width as usize + bit;
                    bytes[place / 8] |= ((number(index) >> bit & 1) as u8) << (place % 8);
                }
            }
            let mut bits = Bits::new(&bytes, width);
            assert!((0..20).all(|index| bits.next() == number(index)), "{width}");
        }
    }

    #[test]
    fn numbers_as_deltas() {
        let read = |bytes: &[u8], count| {
            let mut numbers = Vec::new();
            deltas(bytes, count, |number| {
                numbers.push(number);
                Ok(())
            })?;
            Ok::<_, Damage>(numbers)
        };
        // Blocks of 8 in one part: the first number 7; then the least difference -2 and 2 bits each.
        let bytes = [8, 1, 5, 14, 3, 2, 0b1101_0010, 0];
        assert_eq!(read(&bytes, 5), Ok(vec![7, 7, 5, 4, 5]));
        assert_eq!(read(&[8, 1, 1, 14], 1), Ok(vec![7]));
        for (bytes, count) in [(&bytes[..6], 5), (&bytes, 4), (&[8, 0, 1, 14], 1), (&[7, 1, 1, 14], 1)] {
            assert!(read(bytes, count).is_err(), "{bytes:?}");
        }
    }

    type Each<'e> = &'e mut dyn FnMut(&[u8], &mut Budget) -> Result<(), TableFault>;

    fn collect(read: impl FnOnce(Each<'_>, &mut Budget) -> Result<(), TableFault>) -> Result<Vec<String>, TableFault> {
        let mut texts = Vec::new();
        let mut each = |text: &[u8], _: &mut Budget| {
            texts.push(String::from_utf8_lossy(text).into_owned());
            Ok(())
        };
        read(&mut each, &mut Settings::default().budget(0))?;
        Ok(texts)
    }

    #[test]
    fn texts_of_each_encoding() {
        // Lengths 2 and 1; prefixes 0 and 1.
        let lengths = [8, 1, 2, 4, 1, 0];
        let prefixes = [8, 1, 2, 0, 2, 0];
        let by_length = [&lengths[..], b"abc"].concat();
        assert_eq!(
            collect(|each, budget| texts_by_length(&by_length, 2, budget, each)),
            Ok(vec!["ab".into(), "c".into()])
        );
        let by_prefix = [&prefixes[..], &by_length].concat();
        let read = |bytes: &[u8]| collect(|each, budget| texts_by_prefix(bytes, 2, budget, each));
        assert_eq!(read(&by_prefix), Ok(vec!["ab".into(), "ac".into()]));
        assert!(read(&by_prefix[..by_prefix.len() - 1]).is_err());
        let plain = [2, 0, 0, 0, b'a', b'b', 0, 0, 0, 0];
        assert_eq!(
            collect(|each, budget| texts(&plain, 2, |text| each(text, budget))),
            Ok(vec!["ab".into(), String::new()])
        );
        assert!(collect(|each, budget| texts(&plain[..5], 1, |text| each(text, budget))).is_err());
    }

    #[test]
    fn bytes_that_are_split() {
        let mut values = Vec::new();
        split(&[1, 2, 3, 4, 5, 6], 2, 3, |value| values.push(value.to_vec())).expect("as many as needed");
        assert_eq!(values, [[1, 4], [2, 5], [3, 6]]);
        assert!(split(&[0; 5], 2, 3, |_| ()).is_err());
        assert!(split(&[0; 17], 17, 1, |_| ()).is_err());
    }
}
