//! The pages of a column chunk, and the values that they add to a column.

use super::super::typed::{Budget, Growing, spread};
use super::super::unpack::{Codec, Packed};
use super::super::{TableFault, text_of};
use super::Damage;
use super::decode::{deltas, hybrid, plain, split, texts, texts_by_length, texts_by_prefix};
use super::kind::{Kind, Leaf, Physical};
use super::meta::{Chunk, Page, PageHeader};
use crate::table::column::Interner;

/// What is wrong with a value, and its row in the file; or with a page as a whole.
pub(super) struct Fault {
    pub(super) row: Option<usize>,
    pub(super) fault: TableFault,
}

impl<F: Into<TableFault>> From<F> for Fault {
    fn from(fault: F) -> Self {
        Self { row: None, fault: fault.into() }
    }
}

/// The values that data pages point to.
enum Dictionary {
    None,
    Numbers(Vec<f64>),
    /// Where each text is among the bytes, and its code in the column once it has occurred there.
    Texts {
        bytes: Vec<u8>,
        places: Vec<PlaceOfText>,
    },
}

/// Adds the values of a chunk of so many rows, whose pages are `pages`, to a column.
pub(super) fn read(
    leaf: &Leaf,
    kind: Kind,
    chunk: &Chunk,
    rows: usize,
    mut pages: &[u8],
    column: &mut Growing,
    budget: &mut Budget,
) -> Result<(), Fault> {
    let codec = codec(chunk.codec)?;
    let mut dictionary = Dictionary::None;
    let mut left = rows;
    while left > 0 {
        let (header, rest) = PageHeader::read(pages)?;
        let Some((page, rest)) = usize::try_from(header.packed).ok().and_then(|bytes| rest.split_at_checked(bytes))
        else {
            let found = format!("{} bytes of a column", rest.len());
            return Err(Damage::new("a page", found, format!("{} bytes", header.packed)).into());
        };
        pages = rest;
        if let Some(expected) = header.checksum {
            let found = crc32fast::hash(page);
            if found != expected {
                return Err(
                    Damage::new("a page", format!("the checksum {found:08x}"), format!("{expected:08x}")).into()
                );
            }
        }
        let count = |values: u64, left: usize| match usize::try_from(values) {
            Ok(values) if values <= left => Ok(values),
            _ => {
                Err(Damage::new("a page", format!("{values} values"), format!("at most the {left} rows that are left")))
            }
        };
        match header.page {
            Page::Dictionary { values, encoding } => {
                if !matches!(encoding, 0 | 2) || !matches!(dictionary, Dictionary::None) {
                    return Err(Damage::new(
                        "a dictionary",
                        format!("a second one, or encoding {encoding}"),
                        "one, plain",
                    )
                    .into());
                }
                let bytes = Packed { codec, bytes: page, unpacked: header.unpacked }.unpack(budget)?.into_owned();
                dictionary = Dictionary::read(leaf, kind, values, bytes, budget)?;
            }
            Page::Data { values, encoding, levels } => {
                let count = count(values, left)?;
                let page = Packed { codec, bytes: page, unpacked: header.unpacked }.unpack(budget)?;
                let (levels, values) = if leaf.optional {
                    if levels != 3 {
                        return Err(Damage::new("a page", format!("levels of the encoding {levels}"), "RLE (3)").into());
                    }
                    let (length, rest) =
                        page.split_first_chunk().ok_or_else(|| Damage::new("a page", "its end", "levels"))?;
                    let length = u32::from_le_bytes(*length) as usize;
                    let split = rest.split_at_checked(length);
                    let (levels, values) = split.ok_or_else(|| {
                        Damage::new("a page", format!("{} bytes", rest.len()), format!("{length} of levels"))
                    })?;
                    (Some(levels), values)
                } else {
                    (None, &*page)
                };
                Values { leaf, kind, row: rows - left, budget }.page(
                    levels,
                    values,
                    count,
                    encoding,
                    &mut dictionary,
                    column,
                )?;
                left -= count;
            }
            Page::Data2 { values, encoding, definition, repetition, packed } => {
                let count = count(values, left)?;
                let lengths = definition.checked_add(repetition).and_then(|levels| usize::try_from(levels).ok());
                let split = lengths.and_then(|levels| page.split_at_checked(levels));
                let Some((levels, values)) = split else {
                    let found = format!("{} bytes", page.len());
                    return Err(Damage::new("a page", found, format!("{definition} + {repetition} of levels")).into());
                };
                let levels = leaf.optional.then(|| &levels[repetition as usize..]);
                let unpacked = header.unpacked.saturating_sub(definition + repetition);
                let codec = if packed { codec } else { Codec::None };
                let values = Packed { codec, bytes: values, unpacked }.unpack(budget)?;
                Values { leaf, kind, row: rows - left, budget }.page(
                    levels,
                    &values,
                    count,
                    encoding,
                    &mut dictionary,
                    column,
                )?;
                left -= count;
            }
            Page::Other => {}
        }
    }
    budget.give_back(dictionary.bytes());
    Ok(())
}

fn codec(code: i32) -> Result<Codec, Damage> {
    let name = match code {
        0 => return Ok(Codec::None),
        1 => return Ok(Codec::Snappy),
        2 => return Ok(Codec::Gzip),
        6 => return Ok(Codec::Zstd),
        7 => return Ok(Codec::Lz4Block),
        3 => "LZO",
        4 => "Brotli",
        5 => "LZ4 in Hadoop's frames",
        _ => "a codec that is not known",
    };
    Err(Damage::new("a column", format!("pages packed by {name} ({code})"), "none, Snappy, gzip, Zstandard or LZ4_RAW"))
}

/// What a text of a dictionary takes beside its bytes.
type PlaceOfText = (usize, usize, Option<u32>);

impl Dictionary {
    fn read(leaf: &Leaf, kind: Kind, values: u64, bytes: Vec<u8>, budget: &mut Budget) -> Result<Self, Fault> {
        let physical = leaf.physical;
        // The least bytes of a value: of a text its length.
        let least = match (physical.bytes(), physical) {
            (Some(width), _) => width,
            (None, Physical::Bytes) => 4,
            (None, _) => return Err(Damage::new("a dictionary", "one of truth values", "none of them").into()),
        };
        let Some(count) = usize::try_from(values).ok().filter(|&count| count <= bytes.len() / least) else {
            let found = format!("{values} values in {} bytes", bytes.len());
            return Err(Damage::new("a dictionary", found, format!("{least} bytes or more for each")).into());
        };
        let no_memory = |_| Damage::new("a dictionary", "no memory", "some");
        if kind == Kind::Text {
            let start = bytes.as_ptr() as usize;
            budget.table((count * size_of::<PlaceOfText>()) as u64)?;
            let mut places = Vec::new();
            places.try_reserve_exact(count).map_err(no_memory)?;
            texts(&bytes, count, |text| {
                let place = text.as_ptr() as usize - start;
                places.push((place, place + text.len(), None));
                Ok::<_, Damage>(())
            })?;
            return Ok(Self::Texts { bytes, places });
        }
        budget.table((count * size_of::<f64>()) as u64)?;
        let mut numbers = Vec::new();
        numbers.try_reserve_exact(count).map_err(no_memory)?;
        match physical.bytes() {
            Some(width) => numbers.extend(plain(&bytes, width, count)?.map(|value| kind.number(physical, value))),
            None => texts(&bytes, count, |value| {
                numbers.push(big(leaf, kind, value)?);
                Ok::<_, Damage>(())
            })?,
        }
        Ok(Self::Numbers(numbers))
    }

    /// The bytes that it takes, beside those of its page.
    fn bytes(&self) -> u64 {
        let bytes = match self {
            Self::None => 0,
            Self::Numbers(numbers) => size_of_val(&numbers[..]),
            Self::Texts { places, .. } => size_of_val(&places[..]),
        };
        bytes as u64
    }
}

/// A decimal of any number of bytes.
fn big(leaf: &Leaf, kind: Kind, bytes: &[u8]) -> Result<f64, Damage> {
    if bytes.len() > 16 {
        return Err(Damage::new("a decimal", format!("{} bytes", bytes.len()), "at most 16"));
    }
    Ok(kind.number(leaf.physical, bytes))
}

/// The values of a page.
struct Values<'v> {
    leaf: &'v Leaf,
    kind: Kind,
    /// The first row, in the row group.
    row: usize,
    budget: &'v mut Budget,
}

impl Values<'_> {
    fn page(
        mut self,
        levels: Option<&[u8]>,
        bytes: &[u8],
        count: usize,
        encoding: i64,
        dictionary: &mut Dictionary,
        column: &mut Growing,
    ) -> Result<(), Fault> {
        let mut present = Vec::new();
        let mut there = count;
        if let Some(levels) = levels {
            there = 0;
            self.budget.table(count as u64)?;
            present.try_reserve_exact(count).map_err(|_| Damage::new("a page", "no memory for its levels", "some"))?;
            hybrid(levels, 1, count, |level, times| {
                there += if level == 1 { times } else { 0 };
                present.extend(std::iter::repeat_n(level == 1, times));
                Ok(())
            })?;
        }
        match column {
            Growing::Numbers(numbers) => {
                let start = numbers.len();
                self.numbers(bytes, there, encoding, dictionary, numbers)?;
                if there < count {
                    spread(numbers, start, &present, f64::NAN);
                }
            }
            Growing::Texts(texts) => {
                let start = texts.rows();
                self.texts(bytes, there, &present, encoding, dictionary, texts)?;
                if there < count {
                    texts.spread(start, &present);
                }
            }
        }
        self.budget.give_back(present.len() as u64);
        Ok(())
    }

    /// The bits of a number in a page of places in the dictionary, and these.
    fn places<'b>(&self, bytes: &'b [u8]) -> Result<(u32, &'b [u8]), Damage> {
        let (&width, places) =
            bytes.split_first().ok_or_else(|| Damage::new("a page", "its end", "places in the dictionary"))?;
        Ok((u32::from(width), places))
    }

    fn encoding(&self, encoding: i64) -> Damage {
        let found = format!("values of the encoding {encoding}");
        let what = format!("{:?}", self.leaf.physical).to_lowercase();
        Damage::new("a page", found, format!("an encoding of {what} values, and a dictionary before one that needs it"))
    }

    fn numbers(
        &mut self,
        bytes: &[u8],
        count: usize,
        encoding: i64,
        dictionary: &Dictionary,
        numbers: &mut Vec<f64>,
    ) -> Result<(), TableFault> {
        let (kind, physical) = (self.kind, self.leaf.physical);
        match (encoding, physical, dictionary) {
            // Pages of nothing but missing values are what they are.
            _ if count == 0 => {}
            (2 | 8, _, Dictionary::Numbers(values)) => {
                let (width, places) = self.places(bytes)?;
                hybrid(places, width, count, |place, times| {
                    let value = values.get(place as usize).ok_or_else(|| outside(place, values.len()))?;
                    numbers.extend(std::iter::repeat_n(*value, times));
                    Ok(())
                })?;
            }
            (0, Physical::Truth, _) => {
                let needed = count.div_ceil(8);
                let bits =
                    plain(bytes, 1, needed)?.flat_map(|byte| (0..8).map(move |bit| f64::from(byte[0] >> bit & 1)));
                numbers.extend(bits.take(count));
            }
            (3, Physical::Truth, _) => {
                let runs = bytes.get(4..).ok_or_else(|| Damage::new("a page", "its end", "truth values"))?;
                hybrid(runs, 1, count, |value, times| {
                    numbers.extend(std::iter::repeat_n(f64::from(value), times));
                    Ok(())
                })?;
            }
            (0, Physical::F64, _) => {
                numbers.extend(plain(bytes, 8, count)?.map(|value| kind.number(Physical::F64, value)))
            }
            (0, Physical::Bytes, _) => texts(bytes, count, |value| {
                numbers.push(big(self.leaf, kind, value)?);
                Ok::<_, Damage>(())
            })?,
            (0, _, _) => {
                let width = physical.bytes().ok_or_else(|| self.encoding(encoding))?;
                numbers.extend(plain(bytes, width, count)?.map(|value| kind.number(physical, value)));
            }
            (5, Physical::I32, _) => {
                // Differences wrap around in 32 bits.
                deltas(bytes, count, |number| {
                    numbers.push(kind.whole(physical, i64::from(number as i32)));
                    Ok(())
                })?;
            }
            (5, Physical::I64, _) => {
                deltas(bytes, count, |number| {
                    numbers.push(kind.whole(physical, number));
                    Ok(())
                })?;
            }
            (6, Physical::Bytes, _) => texts_by_length(bytes, count, self.budget, |value, _| {
                numbers.push(big(self.leaf, kind, value)?);
                Ok::<_, TableFault>(())
            })?,
            (7, Physical::Bytes | Physical::Fixed(..=16), _) => {
                texts_by_prefix(bytes, count, self.budget, |value, _| {
                    if physical.bytes().is_some_and(|width| width != value.len()) {
                        let found = format!("{} bytes", value.len());
                        return Err(Damage::new("a value", found, "as many as its type has").into());
                    }
                    numbers.push(big(self.leaf, kind, value)?);
                    Ok::<_, TableFault>(())
                })?;
            }
            (9, _, _) => {
                let width = physical.bytes().ok_or_else(|| self.encoding(encoding))?;
                split(bytes, width, count, |value| numbers.push(kind.number(physical, value)))?;
            }
            _ => return Err(self.encoding(encoding).into()),
        }
        Ok(())
    }

    fn texts(
        &mut self,
        bytes: &[u8],
        count: usize,
        present: &[bool],
        encoding: i64,
        dictionary: &mut Dictionary,
        column: &mut Interner,
    ) -> Result<(), Fault> {
        let start = column.rows();
        let first = self.row;
        let push = |column: &mut Interner, text: &[u8], budget: &mut Budget| {
            let value = column.rows() - start;
            text_of(column, text, budget).map_err(|fault| {
                // Only those that are there have been added; where none can be missing, nothing is marked.
                let row = (0..present.len()).filter(|&row| present[row]).nth(value).unwrap_or(value);
                Fault { row: Some(first + row), fault }
            })
        };
        match (encoding, dictionary) {
            _ if count == 0 => {}
            (2 | 8, Dictionary::Texts { bytes: texts, places: codes }) => {
                let (width, places) = self.places(bytes)?;
                let budget = &mut *self.budget;
                let mut fault = None;
                let found = hybrid(places, width, count, |place, times| {
                    let known = codes.len();
                    let (start, end, code) = codes.get_mut(place as usize).ok_or_else(|| outside(place, known))?;
                    match *code {
                        Some(code) => column.push_code(code, times),
                        None => match push(column, &texts[*start..*end], budget) {
                            Ok(new) => {
                                *code = Some(new);
                                column.push_code(new, times - 1);
                            }
                            Err(wrong) => {
                                fault = Some(wrong);
                                return Err(Damage::new("a text", "bytes", "UTF-8"));
                            }
                        },
                    }
                    Ok(())
                });
                match fault {
                    Some(fault) => return Err(fault),
                    None => found?,
                }
            }
            (0, _) => texts(bytes, count, |text| push(column, text, self.budget).map(drop))?,
            (6, _) => texts_by_length(bytes, count, self.budget, |text, budget| push(column, text, budget).map(drop))?,
            (7, _) => texts_by_prefix(bytes, count, self.budget, |text, budget| push(column, text, budget).map(drop))?,
            _ => return Err(self.encoding(encoding).into()),
        }
        Ok(())
    }
}

fn outside(place: u32, values: usize) -> Damage {
    Damage::new("a value", format!("place {place} of the dictionary"), format!("one of its {values}"))
}
