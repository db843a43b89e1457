//! The fields of a schema: what their values become, and how many buffers they have.

use polars_arrow_format::ipc::{
    DateUnit, Endianness, FieldRef, IntRef, Precision, SchemaRef, TimeUnit, TypeRef, UnionMode,
};

use super::super::TableFault;
use super::super::typed::{Damage, Unit};
use super::unreadable;

/// How deep fields may be within each other.
const DEPTH: u32 = 32;
/// The most fields, those within others counted too.
const MOST_FIELDS: usize = 1 << 17;

/// The fields of a table, one a column.
pub(super) struct Schema {
    pub(super) fields: Vec<Field>,
}

/// A column.
pub(super) struct Field {
    pub(super) name: String,
    /// What its values become, or what they are, if a table holds no such.
    pub(super) kind: Result<Kind, String>,
    /// Where they are places in a dictionary, its number and how places are written.
    pub(super) dictionary: Option<(i64, Kind)>,
    pub(super) extent: Extent,
}

/// How much a field has in a record batch.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Extent {
    pub(super) nodes: usize,
    pub(super) buffers: usize,
    /// Fields of views, which have any number of buffers more each.
    pub(super) views: usize,
}

/// What values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Null,
    Truth,
    /// Whole numbers of so many bytes.
    Whole {
        bytes: usize,
        signed: bool,
    },
    /// Floats of so many bytes.
    Float(usize),
    Decimal {
        bytes: usize,
        scale: u32,
    },
    /// Times, written in so many bytes.
    Time {
        bytes: usize,
        unit: Unit,
    },
    /// Dates in milliseconds.
    Milliseconds,
    Text {
        large: bool,
    },
    View,
}

impl Kind {
    pub(super) fn is_text(self) -> bool {
        matches!(self, Self::Text { .. } | Self::View)
    }
}

impl Schema {
    /// A schema from `bytes` bytes.
    pub(super) fn read(schema: SchemaRef<'_>, bytes: usize) -> Result<Self, TableFault> {
        let read = schema.endianness().and_then(|endianness| Ok((endianness, schema.fields()?)));
        let (endianness, found) = read.map_err(|error| unreadable(&error))?;
        if endianness == Endianness::Big {
            return Err(Damage::new("the schema", "numbers in big-endian order", "little-endian order").into());
        }
        let (mut fields, mut left, mut names) = (Vec::new(), MOST_FIELDS, bytes);
        for field in found.into_iter().flat_map(|fields| fields.iter()) {
            let field = field.map_err(|error| unreadable(&error))?;
            let name = field.name().map_err(|error| unreadable(&error))?.unwrap_or_default();
            // No byte is in two names, so that they take no more memory than the schema does.
            names = names.checked_sub(name.len()).ok_or_else(|| {
                Damage::new("the schema", "names that are longer than itself", "no more bytes than it has")
            })?;
            let name = name.to_owned();
            fields.push(Field { name, ..column(field, &mut left).map_err(|error| unreadable(&error))?? });
        }
        Ok(Self { fields })
    }
}

type Found<T> = Result<Result<T, Damage>, polars_arrow_format::ipc::planus::Error>;

/// A column, but for its name.
fn column(field: FieldRef<'_>, left: &mut usize) -> Found<Field> {
    let kind = match field.type_() {
        Ok(Some(values)) => kind(values)?,
        Ok(None) => Err("a type that is not there".to_owned()),
        Err(error) => return Err(error),
    };
    let mut dictionary = None;
    let mut kind = kind;
    if let Some(encoding) = field.dictionary()? {
        let index = match encoding.index_type()? {
            Some(index) => whole(index)?,
            None => Ok(Kind::Whole { bytes: 4, signed: true }),
        };
        match index {
            Ok(index) => dictionary = Some((encoding.id()?, index)),
            Err(found) => kind = Err(format!("a dictionary with places of {found}")),
        }
    }
    Ok(extent(field, left, DEPTH)?.map(|extent| Field { name: String::new(), kind, dictionary, extent }))
}

fn whole(number: IntRef<'_>) -> Result<Result<Kind, String>, polars_arrow_format::ipc::planus::Error> {
    let (bits, signed) = (number.bit_width()?, number.is_signed()?);
    Ok(match bits {
        8 | 16 | 32 | 64 => Ok(Kind::Whole { bytes: bits as usize / 8, signed }),
        _ => Err(format!("whole numbers of {bits} bits")),
    })
}

fn unit(unit: TimeUnit) -> Unit {
    match unit {
        TimeUnit::Second => Unit::Seconds,
        TimeUnit::Millisecond => Unit::Milliseconds,
        TimeUnit::Microsecond => Unit::Microseconds,
        TimeUnit::Nanosecond => Unit::Nanoseconds,
    }
}

fn kind(values: TypeRef<'_>) -> Result<Result<Kind, String>, polars_arrow_format::ipc::planus::Error> {
    Ok(match values {
        TypeRef::Null(_) => Ok(Kind::Null),
        TypeRef::Bool(_) => Ok(Kind::Truth),
        TypeRef::Int(number) => whole(number)?,
        TypeRef::FloatingPoint(number) => Ok(Kind::Float(match number.precision()? {
            Precision::Half => 2,
            Precision::Single => 4,
            Precision::Double => 8,
        })),
        TypeRef::Decimal(decimal) => match (decimal.bit_width()?, u32::try_from(decimal.scale()?)) {
            (bits @ (32 | 64 | 128), Ok(scale)) => Ok(Kind::Decimal { bytes: bits as usize / 8, scale }),
            (bits, _) => Err(format!("decimals of {bits} bits, {} behind the point", decimal.scale()?)),
        },
        TypeRef::Date(date) => Ok(match date.unit()? {
            DateUnit::Day => Kind::Whole { bytes: 4, signed: true },
            DateUnit::Millisecond => Kind::Milliseconds,
        }),
        TypeRef::Time(time) => match time.bit_width()? {
            bits @ (32 | 64) => Ok(Kind::Time { bytes: bits as usize / 8, unit: unit(time.unit()?) }),
            bits => Err(format!("times of {bits} bits")),
        },
        TypeRef::Timestamp(time) => Ok(Kind::Time { bytes: 8, unit: unit(time.unit()?) }),
        TypeRef::Duration(time) => Ok(Kind::Time { bytes: 8, unit: unit(time.unit()?) }),
        TypeRef::Utf8(_) => Ok(Kind::Text { large: false }),
        TypeRef::LargeUtf8(_) => Ok(Kind::Text { large: true }),
        TypeRef::Utf8View(_) => Ok(Kind::View),
        TypeRef::Binary(_) | TypeRef::LargeBinary(_) | TypeRef::BinaryView(_) => Err("bytes".to_owned()),
        TypeRef::FixedSizeBinary(bytes) => Err(format!("{} bytes", bytes.byte_width()?)),
        TypeRef::Interval(_) => Err("intervals".to_owned()),
        TypeRef::Struct(_) => Err("structures".to_owned()),
        TypeRef::Map(_) => Err("maps".to_owned()),
        TypeRef::Union(_) => Err("unions".to_owned()),
        TypeRef::RunEndEncoded(_) => Err("runs of equal values".to_owned()),
        TypeRef::List(_)
        | TypeRef::LargeList(_)
        | TypeRef::ListView(_)
        | TypeRef::LargeListView(_)
        | TypeRef::FixedSizeList(_) => Err("lists".to_owned()),
    })
}

/// What a field and those within it have in a batch.
fn extent(field: FieldRef<'_>, left: &mut usize, depth: u32) -> Found<Extent> {
    let deeper = depth.checked_sub(1);
    let (Some(fewer), Some(depth)) = (left.checked_sub(1), deeper) else {
        return Ok(Err(Damage::new("the schema", "more than 131,072 fields, or 32 within each other", "fewer")));
    };
    *left = fewer;
    if field.dictionary()?.is_some() {
        // Places; what is within the values is in the dictionary.
        return Ok(Ok(Extent { nodes: 1, buffers: 2, views: 0 }));
    }
    let (mut buffers, mut views) = (2, 0);
    match field.type_()? {
        Some(TypeRef::Null(_) | TypeRef::RunEndEncoded(_)) => buffers = 0,
        Some(TypeRef::Struct(_) | TypeRef::FixedSizeList(_)) => buffers = 1,
        Some(TypeRef::Union(union)) => buffers = if union.mode()? == UnionMode::Dense { 2 } else { 1 },
        Some(
            TypeRef::Utf8(_)
            | TypeRef::LargeUtf8(_)
            | TypeRef::Binary(_)
            | TypeRef::LargeBinary(_)
            | TypeRef::ListView(_)
            | TypeRef::LargeListView(_),
        ) => buffers = 3,
        Some(TypeRef::Utf8View(_) | TypeRef::BinaryView(_)) => views = 1,
        _ => {}
    }
    let mut all = Extent { nodes: 1, buffers, views };
    for child in field.children()?.into_iter().flat_map(|children| children.iter()) {
        match extent(child?, left, depth)? {
            Ok(child) => {
                all.nodes += child.nodes;
                all.buffers += child.buffers;
                all.views += child.views;
            }
            Err(damage) => return Ok(Err(damage)),
        }
    }
    Ok(Ok(all))
}
