//! NPY, NumPy's format of one array.
//!
//! Its header is a Python dictionary of three entries, which is all that is read of Python here.

use std::io::{self, Read, Write};

use super::array::Array;
use super::fault::ArrayFault as Fault;
use super::item::{Item, Stored};
use super::numbers::{self, Bytes, Header, Report, Trouble, fill};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// The longest header that is read: an array of numbers has one of about a hundred bytes.
const LONGEST: usize = 1 << 13;

const EXPECTED: &str = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4)} or the like";

/// Reads an array.
pub(super) fn read<I: Item>(mut reader: impl Read, known: Bytes, report: Report<'_>) -> Result<Array<I>, Trouble> {
    let (header, fortran) = header(&mut reader)?;
    let numbers = numbers::read(&header, reader, known, report)?;
    let sizes = header.sizes.iter().map(|&size| size as usize).collect();
    if fortran { Array::from_fortran(numbers, sizes) } else { Ok(Array::of(numbers, sizes)) }
}

/// Writes an array.
pub(super) fn write<I: Item>(array: &Array<I>, writer: &mut (impl Write + ?Sized)) -> io::Result<()> {
    let sizes: Vec<String> = array.sizes().iter().map(usize::to_string).collect();
    let comma = if sizes.len() == 1 { "," } else { "" };
    let order = if I::STORED.bytes() == 1 { '|' } else { '<' };
    let mut text = format!(
        "{{'descr': '{order}{}', 'fortran_order': False, 'shape': ({}{comma}), }}",
        I::STORED.name(),
        sizes.join(", ")
    );
    // The numbers begin at a multiple of 64 bytes, and a line ends before them.
    let filled = (10 + text.len() + 1).next_multiple_of(64);
    text.extend(std::iter::repeat_n(' ', filled - 10 - text.len() - 1));
    text.push('\n');
    writer.write_all(MAGIC)?;
    writer.write_all(&[1, 0])?;
    let length = u16::try_from(text.len()).map_err(|_| io::Error::other("there are too many sizes"))?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(text.as_bytes())?;
    let mut bytes = Vec::new();
    for numbers in array.numbers().chunks(1 << 13) {
        bytes.clear();
        numbers.iter().for_each(|number| number.put(&mut bytes));
        writer.write_all(&bytes)?;
    }
    Ok(())
}

/// Reads what stands before the numbers; whether the first dimension runs fastest.
fn header(reader: &mut impl Read) -> Result<(Header, bool), Trouble> {
    let mut front = [0; 8];
    let found = fill(reader, &mut front).map_err(Trouble::Read)?;
    let seen = found.min(MAGIC.len());
    if seen == 0 || front[..seen] != MAGIC[..seen] {
        return Err(Fault::Magic { found: front[..seen].to_vec(), expected: "93 4e 55 4d 50 59 (NPY)" }.into());
    }
    let ends = |found, expected| Fault::HeaderEnds { found, expected };
    if found < front.len() {
        return Err(ends(found, 10).into());
    }
    // From version 2 on the length has 4 bytes; 3 only says that the text is UTF-8.
    let bytes = match front[6] {
        1 => 2,
        2 | 3 => 4,
        version => {
            let found = format!("{version}.{}", front[7]);
            return Err(Fault::Header { what: "the version", found, expected: "1.0, 2.0 or 3.0" }.into());
        }
    };
    let mut length = [0; 4];
    let found = fill(reader, &mut length[..bytes]).map_err(Trouble::Read)?;
    if found < bytes {
        return Err(ends(8 + found, 8 + bytes).into());
    }
    let length = u32::from_le_bytes(length) as usize;
    if length > LONGEST {
        return Err(
            Fault::Header { what: "its length", found: length.to_string(), expected: "at most 8192 bytes" }.into()
        );
    }
    let mut text = vec![0; length];
    let found = fill(reader, &mut text).map_err(Trouble::Read)?;
    if found < length {
        return Err(ends(8 + bytes + found, 8 + bytes + length).into());
    }
    let text = String::from_utf8_lossy(&text);
    let entries = Entries::read(&text).ok_or_else(|| entry("the dictionary", text.trim_end(), EXPECTED))?;
    let (stored, big_endian) = number_type(entries.descr).ok_or_else(|| {
        entry(
            "the type",
            entries.descr,
            "a bool, an integer or a float of at most 8 bytes, such as '<f4', '>i8' or '|b1'",
        )
    })?;
    let header = Header { stored, big_endian, sizes: entries.shape, bytes: (8 + bytes + length) as u64 };
    Ok((header, entries.fortran_order))
}

fn entry(what: &'static str, found: &str, expected: &'static str) -> Fault {
    // Enough to know it by.
    Fault::Header { what, found: found.chars().take(200).collect(), expected }
}

/// The type that a text such as `<f4` stands for, and whether its most significant byte comes first.
fn number_type(text: &str) -> Option<(Stored, bool)> {
    let (order, name) = text.split_at_checked(1)?;
    let stored = Stored::named(name)?;
    match order {
        "<" => Some((stored, false)),
        ">" => Some((stored, true)),
        "|" if stored.bytes() == 1 => Some((stored, false)),
        "=" => Some((stored, cfg!(target_endian = "big"))),
        _ => None,
    }
}

/// The entries of the dictionary.
struct Entries<'t> {
    descr: &'t str,
    fortran_order: bool,
    shape: Vec<u64>,
}

impl<'t> Entries<'t> {
    /// Reads a dictionary of just these three entries, in any order.
    fn read(text: &'t str) -> Option<Self> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        while !rest.is_empty() {
            let (key, after) = quoted(rest)?;
            let value = after.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" if descr.is_none() => {
                    // A type of several fields is a list; it is named as it stands.
                    let (name, after) = quoted(value).unwrap_or((value, ""));
                    descr = Some(name);
                    after
                }
                "fortran_order" if fortran_order.is_none() => {
                    let (order, after) = [("True", true), ("False", false)]
                        .into_iter()
                        .find_map(|(word, order)| value.strip_prefix(word).map(|after| (order, after)))?;
                    fortran_order = Some(order);
                    after
                }
                "shape" if shape.is_none() => {
                    let (sizes, after) = value.strip_prefix('(')?.split_once(')')?;
                    let sizes = sizes.trim().trim_end_matches(',');
                    let mut sizes = sizes.split(',').map(|size| size.trim().trim_end_matches('L'));
                    shape = Some(if let Some("") = sizes.clone().next() {
                        sizes.nth(1).is_none().then(Vec::new)?
                    } else {
                        sizes.map(|size| size.parse().ok()).collect::<Option<Vec<u64>>>()?
                    });
                    after
                }
                _ => return None,
            };
            rest = rest.trim_start();
            rest = if rest.is_empty() { rest } else { rest.strip_prefix(',')?.trim_start() };
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Some(Self { descr, fortran_order, shape }),
            // The list of fields has taken the other entries with it.
            (Some(descr), _, _) if descr.starts_with('[') => {
                Some(Self { descr, fortran_order: false, shape: Vec::new() })
            }
            _ => None,
        }
    }
}

/// What stands in quotation marks at the front, and what is behind it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let mark = text.chars().next().filter(|mark| matches!(mark, '\'' | '"'))?;
    text[1..].split_once(mark)
}
