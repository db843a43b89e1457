//! What the footer of a file says, and what stands before each page.
//!
//! Of the footer only what reading needs is kept: some dozens of bytes a column chunk.

use super::super::typed::Unit;
use super::Damage;
use super::kind::{Element, Logical};
use super::thrift::{Field, Thrift};

/// The most elements of a schema: the columns of a table, as many groups around them, and the root.
const MOST_ELEMENTS: usize = (1 << 17) + 1;

/// The footer.
#[derive(Debug, Default)]
pub(super) struct Footer {
    pub(super) schema: Vec<Element>,
    pub(super) rows: u64,
    pub(super) groups: Vec<Group>,
}

/// A row group.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) rows: u64,
    /// One for each leaf of the schema.
    pub(super) chunks: Vec<Chunk>,
}

/// Where the values of a column in a row group are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Chunk {
    pub(super) codec: i32,
    pub(super) values: u64,
    /// Where its first page begins.
    pub(super) start: u64,
    /// Bytes of all its pages.
    pub(super) bytes: u64,
    /// In another file, or encrypted.
    pub(super) elsewhere: bool,
}

impl Footer {
    pub(super) fn read(bytes: &[u8]) -> Result<Self, Damage> {
        let mut footer = Self::default();
        let (mut rows, mut encrypted) = (None, false);
        Thrift::new(bytes).structure(|number, field| {
            match number {
                2 => field.structures(|thrift| {
                    if footer.schema.len() == MOST_ELEMENTS {
                        return Err(Damage::new("the schema", "more than 131,073 elements", "no more"));
                    }
                    footer.schema.push(element(thrift)?);
                    Ok(())
                })?,
                3 => rows = Some(field.count()?),
                4 => field.structures(|thrift| {
                    footer.groups.push(group(thrift)?);
                    Ok(())
                })?,
                8 => encrypted = true,
                _ => {}
            }
            Ok(())
        })?;
        if encrypted {
            return Err(Damage::new("the file", "encrypted columns", "none"));
        }
        footer.rows = needed(rows, "the number of rows")?;
        Ok(footer)
    }
}

/// What must be there.
fn needed<V>(value: Option<V>, expected: &'static str) -> Result<V, Damage> {
    value.ok_or_else(|| Damage::new("a header", "one that lacks a part", expected))
}

fn element(thrift: &mut Thrift<'_>) -> Result<Element, Damage> {
    let mut element = Element::default();
    let mut name = None;
    thrift.structure(|number, field| {
        match number {
            1 => element.physical = Some(field.number()?),
            2 => element.length = field.number()?,
            3 => element.repetition = field.number()?,
            4 => name = Some(String::from_utf8_lossy(field.bytes()?).into_owned()),
            5 => element.children = Some(field.count()?),
            6 => element.converted = Some(field.number()?),
            7 => element.scale = Some(field.number()?),
            10 => element.logical = logical(field)?,
            _ => {}
        }
        Ok(())
    })?;
    element.name = needed(name, "the name of a column")?;
    Ok(element)
}

/// A union: a structure of one field.
fn logical(field: Field<'_, '_>) -> Result<Option<Logical>, Damage> {
    let mut logical = None;
    field.structure(|number, field| {
        logical = Some(match number {
            1 | 4 | 12 => Logical::Text,
            2 => Logical::Other("a map"),
            3 => Logical::Other("a list"),
            5 => {
                let mut scale = None;
                field.structure(|number, field| {
                    if number == 1 {
                        scale = Some(field.number()?);
                    }
                    Ok(())
                })?;
                Logical::Decimal { scale: needed(scale, "the scale of a decimal")? }
            }
            6 => Logical::Date,
            7 | 8 => {
                let mut unit = None;
                field.structure(|number, field| {
                    if number == 2 {
                        field.structure(|number, _| {
                            unit = match number {
                                1 => Some(Unit::Milliseconds),
                                2 => Some(Unit::Microseconds),
                                3 => Some(Unit::Nanoseconds),
                                _ => None,
                            };
                            Ok(())
                        })?;
                    }
                    Ok(())
                })?;
                Logical::Time(needed(unit, "the unit of a time")?)
            }
            10 => {
                let mut signed = true;
                field.structure(|number, field| {
                    if number == 2 {
                        signed = field.truth()?;
                    }
                    Ok(())
                })?;
                Logical::Integer { signed }
            }
            11 => Logical::Null,
            13 => Logical::Other("BSON"),
            14 => Logical::Other("UUID"),
            15 => Logical::Half,
            16 => Logical::Other("a variant"),
            17 => Logical::Other("a geometry"),
            18 => Logical::Other("a geography"),
            _ => Logical::Other("a logical type that is not known"),
        });
        Ok(())
    })?;
    Ok(logical)
}

fn group(thrift: &mut Thrift<'_>) -> Result<Group, Damage> {
    let (mut chunks, mut rows) = (Vec::new(), None);
    thrift.structure(|number, field| {
        match number {
            1 => field.structures(|thrift| {
                chunks.push(chunk(thrift)?);
                Ok(())
            })?,
            3 => rows = Some(field.count()?),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Group { rows: needed(rows, "the rows of a row group")?, chunks })
}

fn chunk(thrift: &mut Thrift<'_>) -> Result<Chunk, Damage> {
    let (mut codec, mut values, mut bytes) = (None, None, None);
    let (mut data, mut dictionary) = (None, None);
    let mut elsewhere = false;
    thrift.structure(|number, field| {
        match number {
            1 => elsewhere |= !field.bytes()?.is_empty(),
            3 => field.structure(|number, field| {
                match number {
                    4 => codec = Some(field.number()?),
                    5 => values = Some(field.count()?),
                    7 => bytes = Some(field.count()?),
                    9 => data = Some(field.count()?),
                    11 => dictionary = Some(field.count()?),
                    _ => {}
                }
                Ok(())
            })?,
            8 | 9 => elsewhere = true,
            _ => {}
        }
        Ok(())
    })?;
    let data = needed(data, "where the pages of a column begin")?;
    Ok(Chunk {
        codec: needed(codec, "what the pages of a column are packed by")? as i32,
        values: needed(values, "the values of a column")?,
        // Some writers say 0 where there is no dictionary.
        start: dictionary.filter(|&dictionary| dictionary > 0 && dictionary < data).unwrap_or(data),
        bytes: needed(bytes, "the bytes of a column")?,
        elsewhere,
    })
}

/// What stands before a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageHeader {
    pub(super) page: Page,
    /// Bytes of the page in the file, and unpacked.
    pub(super) packed: u64,
    pub(super) unpacked: u64,
    pub(super) checksum: Option<u32>,
}

/// The kinds of pages.
#[derive(Debug, Clone, Copy)]
pub(super) enum Page {
    Dictionary {
        values: u64,
        encoding: i64,
    },
    Data {
        values: u64,
        encoding: i64,
        levels: i64,
    },
    /// Version 2: levels stand before what is packed.
    Data2 {
        values: u64,
        encoding: i64,
        definition: u64,
        repetition: u64,
        packed: bool,
    },
    /// An index, which is not read.
    Other,
}

impl PageHeader {
    /// The header at the front of `bytes`, and what follows it.
    pub(super) fn read(bytes: &[u8]) -> Result<(Self, &[u8]), Damage> {
        let mut thrift = Thrift::new(bytes);
        let (mut kind, mut unpacked, mut packed, mut checksum) = (None, None, None, None);
        let mut parts = [None; 8];
        let (mut definition, mut repetition, mut is_packed) = (0, 0, true);
        thrift.structure(|number, field| {
            match number {
                1 => kind = Some(field.number()?),
                2 => unpacked = Some(field.count()?),
                3 => packed = Some(field.count()?),
                4 => checksum = Some(field.number()? as u32),
                5 | 7 | 8 => {
                    let part = number;
                    let [mut values, mut encoding, mut levels] = [None; 3];
                    field.structure(|number, field| {
                        match (part, number) {
                            (_, 1) => values = Some(field.count()?),
                            (5 | 7, 2) | (8, 4) => encoding = Some(field.number()? as u64),
                            (5, 3) => levels = Some(field.number()? as u64),
                            (8, 5) => definition = field.count()?,
                            (8, 6) => repetition = field.count()?,
                            (8, 7) => is_packed = field.truth()?,
                            _ => {}
                        }
                        Ok(())
                    })?;
                    parts[number as usize - 1] = Some([
                        needed(values, "the values of a page")?,
                        needed(encoding, "how the values of a page are encoded")?,
                        levels.unwrap_or(3),
                    ]);
                }
                _ => {}
            }
            Ok(())
        })?;
        let part = |number: usize| needed(parts[number - 1], "what is in a page");
        let page = match needed(kind, "the kind of a page")? {
            0 => part(5).map(|[values, encoding, levels]| Page::Data {
                values,
                encoding: encoding as i64,
                levels: levels as i64,
            })?,
            2 => part(7).map(|[values, encoding, _]| Page::Dictionary { values, encoding: encoding as i64 })?,
            3 => part(8).map(|[values, encoding, _]| Page::Data2 {
                values,
                encoding: encoding as i64,
                definition,
                repetition,
                packed: is_packed,
            })?,
            _ => Page::Other,
        };
        let header = Self {
            page,
            packed: needed(packed, "the bytes of a page")?,
            unpacked: needed(unpacked, "the bytes of a page, unpacked")?,
            checksum,
        };
        Ok((header, thrift.rest()))
    }
}
