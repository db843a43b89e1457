//! What the values of a column are, and which number stands for each.

use super::super::typed::{Unit, decimal, wide};
use super::Damage;
use super::meta::Footer;
use crate::half::from_half;

/// An element of the schema, as it stands in the footer.
#[derive(Debug, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) physical: Option<i64>,
    pub(super) length: i64,
    /// 0 required, 1 optional, 2 repeated.
    pub(super) repetition: i64,
    pub(super) children: Option<u64>,
    pub(super) converted: Option<i64>,
    /// Of decimals, where it is said in the older way.
    pub(super) scale: Option<i64>,
    pub(super) logical: Option<Logical>,
}

/// What an element is meant to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Logical {
    Text,
    /// Of so many digits behind the point.
    Decimal {
        scale: i64,
    },
    Date,
    Time(Unit),
    Integer {
        signed: bool,
    },
    Null,
    Half,
    Other(&'static str),
}

/// How values stand in a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    Truth,
    I32,
    I64,
    I96,
    F32,
    F64,
    Bytes,
    Fixed(usize),
}

impl Physical {
    /// The bytes of a value, where all have the same.
    pub(super) fn bytes(self) -> Option<usize> {
        match self {
            Self::Truth | Self::Bytes => None,
            Self::I32 | Self::F32 => Some(4),
            Self::I64 | Self::F64 => Some(8),
            Self::I96 => Some(12),
            Self::Fixed(length) => Some(length),
        }
    }
}

/// What the values of a column become.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    /// Whole numbers, truth values, floats and days, as they are.
    Number,
    Unsigned,
    /// In seconds.
    Time(Unit),
    /// Of so many digits behind the point.
    Decimal(u32),
    Half,
    Text,
}

impl Kind {
    /// The number that bytes of a page stand for. The bytes are as many as a value takes.
    pub(super) fn number(self, physical: Physical, bytes: &[u8]) -> f64 {
        match (physical, self) {
            (Physical::I32, _) => self.whole(physical, i64::from(i32::from_le_bytes(front(bytes)))),
            (Physical::I64, _) => self.whole(physical, i64::from_le_bytes(front(bytes))),
            (Physical::F32, _) => f64::from(f32::from_le_bytes(front(bytes))),
            (Physical::F64, _) => f64::from_le_bytes(front(bytes)),
            // Nanoseconds of the day, and the day by Julian's count.
            (Physical::I96, _) => {
                let nanoseconds = i64::from_le_bytes(front(bytes)) as f64;
                let day = bytes.get(8..).map_or(0, |day| u32::from_le_bytes(front(day)));
                (f64::from(day) - 2_440_588.0) * 86_400.0 + nanoseconds / 1e9
            }
            (_, Self::Half) => from_half(u16::from_le_bytes(front(bytes))),
            (_, Self::Decimal(scale)) => decimal(wide(bytes), scale),
            _ => f64::NAN,
        }
    }

    /// The number that a whole number of a page stands for.
    pub(super) fn whole(self, physical: Physical, number: i64) -> f64 {
        match self {
            Self::Unsigned if physical == Physical::I32 => f64::from(number as u32),
            Self::Unsigned => number as u64 as f64,
            Self::Time(unit) => unit.seconds(number),
            Self::Decimal(scale) => decimal(i128::from(number), scale),
            _ => number as f64,
        }
    }
}

/// The first bytes, of which there are enough.
fn front<const BYTES: usize>(bytes: &[u8]) -> [u8; BYTES] {
    bytes.first_chunk().copied().unwrap_or([0; BYTES])
}

/// A column at the top of the schema.
#[derive(Debug)]
pub(super) struct Leaf {
    pub(super) name: String,
    /// The place of its chunk in each row group.
    pub(super) place: usize,
    pub(super) optional: bool,
    pub(super) physical: Physical,
    /// What its values become, or what they are, if a table holds no such.
    pub(super) kind: Result<Kind, String>,
}

/// The columns of a schema, and how many chunks each row group has.
pub(super) fn leaves(footer: &Footer) -> Result<(Vec<Leaf>, usize), Damage> {
    let mut leaves = Vec::new();
    let mut elements = footer.schema.iter();
    let wrong = |found: &str| Damage::new("the schema", found, "a tree");
    let root = elements.next().ok_or_else(|| wrong("nothing"))?;
    let (mut chunks, mut left) = (0, root.children.unwrap_or(0));
    while left > 0 {
        left -= 1;
        let element = elements.next().ok_or_else(|| wrong("fewer elements than it says"))?;
        let place = chunks;
        let mut inside = element.children.unwrap_or(0);
        if let Some(children) = element.children {
            // A list, a map or a structure: only how many chunks it has is needed.
            while inside > 0 {
                let element = elements.next().ok_or_else(|| wrong("fewer elements than it says"))?;
                inside = (inside - 1).saturating_add(element.children.unwrap_or(0));
                chunks += usize::from(element.children.is_none());
            }
            let what = match (element.logical, element.converted) {
                (Some(Logical::Other(what)), _) => what,
                (_, Some(1 | 2)) => "a map",
                (_, Some(3)) => "a list",
                _ => "a structure",
            };
            let kind = Err(format!("{what} ({children} columns within it)"));
            leaves.push(Leaf { name: element.name.clone(), place, optional: true, physical: Physical::Bytes, kind });
        } else {
            chunks += 1;
            let physical = physical(element)?;
            let kind = if element.repetition == 2 { Err("a list".to_owned()) } else { kind(element, physical) };
            let optional = element.repetition != 0;
            leaves.push(Leaf { name: element.name.clone(), place, optional, physical, kind });
        }
    }
    if elements.next().is_some() {
        return Err(wrong("more elements than its root says"));
    }
    Ok((leaves, chunks))
}

fn physical(element: &Element) -> Result<Physical, Damage> {
    Ok(match element.physical {
        Some(0) => Physical::Truth,
        Some(1) => Physical::I32,
        Some(2) => Physical::I64,
        Some(3) => Physical::I96,
        Some(4) => Physical::F32,
        Some(5) => Physical::F64,
        Some(6) => Physical::Bytes,
        Some(7) => {
            Physical::Fixed(usize::try_from(element.length).ok().filter(|&length| length > 0).ok_or_else(|| {
                Damage::new("the schema", format!("values of {} bytes", element.length), "values of at least 1")
            })?)
        }
        other => {
            let found = other.map_or("a column without a type".to_owned(), |code| format!("the type {code}"));
            return Err(Damage::new("the schema", found, "a type from 0 to 7"));
        }
    })
}

/// The newer way to say it goes before the older one.
fn logical(element: &Element) -> Option<Logical> {
    if element.logical.is_some() {
        return element.logical;
    }
    Some(match element.converted? {
        0 | 4 | 19 => Logical::Text,
        1 | 2 => Logical::Other("a map"),
        3 => Logical::Other("a list"),
        5 => Logical::Decimal { scale: element.scale.unwrap_or(0) },
        6 => Logical::Date,
        7 | 9 => Logical::Time(Unit::Milliseconds),
        8 | 10 => Logical::Time(Unit::Microseconds),
        11..=14 => Logical::Integer { signed: false },
        15..=18 => Logical::Integer { signed: true },
        20 => Logical::Other("BSON"),
        21 => Logical::Other("an interval"),
        _ => Logical::Other("a converted type that is not known"),
    })
}

fn kind(element: &Element, physical: Physical) -> Result<Kind, String> {
    let logical = logical(element);
    let whole = matches!(physical, Physical::I32 | Physical::I64);
    match (logical, physical) {
        (Some(Logical::Other(what)), _) => Err(what.to_owned()),
        // All of them missing.
        (Some(Logical::Null), Physical::Truth | Physical::I32 | Physical::I64 | Physical::F32 | Physical::F64) => {
            Ok(Kind::Number)
        }
        (None, Physical::Truth | Physical::I32 | Physical::I64 | Physical::I96 | Physical::F32 | Physical::F64)
        | (Some(Logical::Date), Physical::I32) => Ok(Kind::Number),
        (Some(Logical::Integer { signed }), _) if whole => Ok(if signed { Kind::Number } else { Kind::Unsigned }),
        (Some(Logical::Time(unit)), _) if whole => Ok(Kind::Time(unit)),
        (
            Some(Logical::Decimal { scale }),
            Physical::I32 | Physical::I64 | Physical::Bytes | Physical::Fixed(..=16),
        ) => match element.scale.filter(|&other| other != scale) {
            Some(other) => Err(format!("a decimal whose scale is {scale}, and in the older way {other}")),
            None => u32::try_from(scale).map(Kind::Decimal).map_err(|_| "a decimal of a negative scale".to_owned()),
        },
        (Some(Logical::Half), Physical::Fixed(2)) => Ok(Kind::Half),
        // Before there were logical types, text was bytes.
        (Some(Logical::Text) | None, Physical::Bytes) => Ok(Kind::Text),
        (None, Physical::Fixed(length)) => Err(format!("{length} bytes")),
        (Some(logical), physical) => Err(format!("{logical:?} as {physical:?}").to_lowercase()),
    }
}
