//! The buffers of a record batch, and the values in them.

use std::borrow::Cow;
use std::collections::HashMap;

use polars_arrow_format::ipc::planus::Vector;
use polars_arrow_format::ipc::{BufferRef, CompressionType, DictionaryBatchRef, FieldNodeRef, RecordBatchRef};

use super::super::typed::{Budget, Damage, Growing, decimal};
use super::super::unpack::{Codec, Packed};
use super::super::{TableFault, text_of};
use super::schema::{Extent, Field, Kind};
use super::unreadable;
use crate::half::from_half;

/// What is wrong, and in which row of the batch, if it is in one.
type Fault = (Option<usize>, TableFault);

/// Milliseconds of a day.
const DAY: f64 = 86_400_000.0;

/// A record batch, whose fields are read or skipped one after the other.
pub(super) struct Batch<'b> {
    pub(super) rows: usize,
    nodes: Vector<'b, FieldNodeRef<'b>>,
    buffers: Vector<'b, BufferRef<'b>>,
    variadic: Vector<'b, i64>,
    codec: Option<Codec>,
    body: &'b [u8],
    /// How many of each have been passed.
    passed: Extent,
}

fn damage(found: impl Into<String>, expected: impl Into<String>) -> Damage {
    Damage::new("a batch", found, expected)
}

impl<'b> Batch<'b> {
    pub(super) fn new(batch: &RecordBatchRef<'b>, body: &'b [u8]) -> Result<Self, TableFault> {
        let parts = || {
            let codec = batch.compression()?.map(|compression| compression.codec()).transpose()?;
            let variadic = batch.variadic_buffer_counts()?.unwrap_or(Vector::new_empty());
            let (nodes, buffers) = (batch.nodes()?, batch.buffers()?);
            Ok((batch.length()?, nodes, buffers, variadic, codec))
        };
        let (rows, nodes, buffers, variadic, codec) = parts().map_err(|error| unreadable(&error))?;
        let rows = usize::try_from(rows).map_err(|_| damage(format!("{rows} rows"), "at least 0"))?;
        let codec = codec.map(|codec| match codec {
            CompressionType::Lz4Frame => Codec::Lz4Frame,
            CompressionType::Zstd => Codec::Zstd,
        });
        let (nodes, buffers) = (nodes.unwrap_or(Vector::new_empty()), buffers.unwrap_or(Vector::new_empty()));
        Ok(Self { rows, nodes, buffers, variadic, codec, body, passed: Extent::default() })
    }

    /// Passes a field without reading it.
    pub(super) fn skip(&mut self, field: &Field) -> Result<(), Damage> {
        self.passed.nodes += field.extent.nodes;
        self.passed.buffers += field.extent.buffers;
        for _ in 0..field.extent.views {
            self.passed.buffers += self.variadic()?;
        }
        Ok(())
    }

    /// The count of buffers more that the next field of views has.
    fn variadic(&mut self) -> Result<usize, Damage> {
        let count = self.variadic.get(self.passed.views).unwrap_or(0);
        self.passed.views += 1;
        usize::try_from(count)
            .ok()
            .filter(|&count| count <= self.buffers.len())
            .ok_or_else(|| damage(format!("{count} buffers of a column"), format!("at most {}", self.buffers.len())))
    }

    /// The rows of the next field's values.
    fn node(&mut self) -> Result<usize, Damage> {
        let node = self.nodes.get(self.passed.nodes).ok_or_else(|| damage("its end", "one more column"))?;
        self.passed.nodes += 1;
        let rows = node.length();
        usize::try_from(rows).map_err(|_| damage(format!("{rows} rows of a column"), "at least 0"))
    }

    /// The next buffer, unpacked.
    fn buffer(&mut self, budget: &mut Budget) -> Result<Cow<'b, [u8]>, TableFault> {
        let buffer = self.buffers.get(self.passed.buffers).ok_or_else(|| damage("its end", "one more buffer"))?;
        self.passed.buffers += 1;
        let (start, length) = (buffer.offset(), buffer.length());
        let range = usize::try_from(start).ok().zip(usize::try_from(length).ok());
        let bytes = range.and_then(|(start, length)| self.body.get(start..start.checked_add(length)?));
        let bytes = bytes.ok_or_else(|| {
            let found = format!("a buffer of {length} bytes at byte {start}");
            damage(found, format!("one within its {} bytes", self.body.len()))
        })?;
        let Some(codec) = self.codec.filter(|_| !bytes.is_empty()) else { return Ok(Cow::Borrowed(bytes)) };
        let (unpacked, bytes) = bytes
            .split_first_chunk()
            .ok_or_else(|| damage(format!("a packed buffer of {length} bytes"), "at least 8"))?;
        match i64::from_le_bytes(*unpacked) {
            // Not packed, since it would have become longer.
            -1 => Ok(Cow::Borrowed(bytes)),
            unpacked => {
                let wrong = || damage(format!("a buffer of {unpacked} bytes"), "at least 0");
                let unpacked = u64::try_from(unpacked).map_err(|_| wrong())?;
                Packed { codec, bytes, unpacked }.unpack(budget)
            }
        }
    }

    /// Reads the next field's values of a kind: `each` is called for every row. Texts may lie over each other, and each is read as a
    /// whole: beyond the bytes that were unpacked for them, which are in the budget, they are charged as if they were unpacked.
    fn values(
        &mut self,
        kind: Kind,
        budget: &mut Budget,
        mut each: impl FnMut(Value<'_>, &mut Budget) -> Result<(), TableFault>,
    ) -> Result<(), Fault> {
        let whole = |fault: Damage| (None, fault.into());
        let rows = self.node().map_err(whole)?;
        if rows != self.rows {
            return Err(whole(damage(format!("{rows} rows of a column"), format!("{}", self.rows))));
        }
        if kind == Kind::Null {
            return (0..rows).try_for_each(|row| each(Value::Missing, budget).map_err(|fault| (Some(row), fault)));
        }
        let of_batch = |fault| (None, fault);
        let validity = self.buffer(budget).map_err(of_batch)?;
        if !validity.is_empty() && validity.len() < rows.div_ceil(8) {
            return Err(whole(short(validity.len(), rows.div_ceil(8))));
        }
        let present = |row: usize| validity.is_empty() || validity[row / 8] >> (row % 8) & 1 == 1;
        // What stands where there is no value means nothing.
        let mut give = |row: usize, value: Result<Value<'_>, Damage>, budget: &mut Budget| {
            let value = if present(row) { value } else { Ok(Value::Missing) };
            value.map_err(TableFault::from).and_then(|value| each(value, budget)).map_err(|fault| (Some(row), fault))
        };
        let data = self.buffer(budget).map_err(of_batch)?;
        let needed = match kind {
            Kind::Null => 0,
            Kind::Truth => rows.div_ceil(8),
            Kind::Whole { bytes, .. } | Kind::Float(bytes) | Kind::Decimal { bytes, .. } | Kind::Time { bytes, .. } => {
                rows.saturating_mul(bytes)
            }
            Kind::Milliseconds => rows.saturating_mul(8),
            // Offsets: no rows may have none.
            Kind::Text { large } => {
                if rows == 0 {
                    0
                } else {
                    (rows + 1).saturating_mul(if large { 8 } else { 4 })
                }
            }
            Kind::View => rows.saturating_mul(16),
        };
        if data.len() < needed {
            return Err(whole(short(data.len(), needed)));
        }
        match kind {
            Kind::Null => {}
            Kind::Truth => {
                for row in 0..rows {
                    give(row, Ok(Value::Number(f64::from(data[row / 8] >> (row % 8) & 1))), budget)?;
                }
            }
            Kind::Text { large } => {
                let texts = self.buffer(budget).map_err(of_batch)?;
                let mut paid = unpacked([&texts]);
                let offset = |row: usize| {
                    if large {
                        i64::from_le_bytes(at(&data, row))
                    } else {
                        i64::from(i32::from_le_bytes(at(&data, row)))
                    }
                };
                for row in 0..rows {
                    let (start, end) = (offset(row), offset(row + 1));
                    let range = usize::try_from(start).ok().zip(usize::try_from(end).ok());
                    let text = range.and_then(|(start, end)| texts.get(start..end));
                    let wrong = || {
                        let found = format!("a text from byte {start} to {end}");
                        damage(found, format!("one within the {} bytes of texts", texts.len()))
                    };
                    charge(text.filter(|_| present(row)), &mut paid, budget).map_err(|fault| (Some(row), fault))?;
                    give(row, text.map(Value::Text).ok_or_else(wrong), budget)?;
                }
            }
            Kind::View => {
                let count = self.variadic().map_err(whole)?;
                let buffers =
                    (0..count).map(|_| self.buffer(budget)).collect::<Result<Vec<_>, _>>().map_err(of_batch)?;
                let mut paid = unpacked(buffers.iter().chain([&data]));
                for (row, view) in data.chunks_exact(16).take(rows).enumerate() {
                    let length = i32::from_le_bytes(at(view, 0));
                    let text = usize::try_from(length).ok().and_then(|length| {
                        if length <= 12 {
                            return view.get(4..4 + length);
                        }
                        let buffer = usize::try_from(i32::from_le_bytes(at(view, 2))).ok()?;
                        let start = usize::try_from(i32::from_le_bytes(at(view, 3))).ok()?;
                        buffers.get(buffer)?.get(start..start.checked_add(length)?)
                    });
                    let wrong = || damage(format!("a view of {length} bytes"), "one within the buffers of texts");
                    charge(text.filter(|_| present(row)), &mut paid, budget).map_err(|fault| (Some(row), fault))?;
                    give(row, text.map(Value::Text).ok_or_else(wrong), budget)?;
                }
            }
            _ => {
                for row in 0..rows {
                    give(row, Ok(number(kind, &data, row)), budget)?;
                }
            }
        }
        Ok(())
    }
}

/// A value of a row.
#[derive(Clone, Copy)]
enum Value<'v> {
    Missing,
    Number(f64),
    /// A number that is also a place.
    Whole(f64, u64),
    Text(&'v [u8]),
}

/// The bytes of those buffers that had to be unpacked: they are in the budget.
fn unpacked<'b>(buffers: impl IntoIterator<Item = &'b Cow<'b, [u8]>>) -> u64 {
    let bytes = |buffer: &Cow<'_, [u8]>| if let Cow::Owned(bytes) = buffer { bytes.len() as u64 } else { 0 };
    buffers.into_iter().map(bytes).sum()
}

/// Charges a text, of which so many bytes have been paid for.
fn charge(text: Option<&[u8]>, paid: &mut u64, budget: &mut Budget) -> Result<(), TableFault> {
    let length = text.map_or(0, <[u8]>::len) as u64;
    budget.unpack(length.saturating_sub(*paid))?;
    *paid = paid.saturating_sub(length);
    Ok(())
}

fn short(found: usize, expected: usize) -> Damage {
    damage(format!("a buffer of {found} bytes"), format!("at least {expected}"))
}

/// The bytes of number `place` of a buffer.
fn at<const BYTES: usize>(data: &[u8], place: usize) -> [u8; BYTES] {
    data.get(place * BYTES..).and_then(|data| data.first_chunk()).copied().unwrap_or([0; BYTES])
}

/// A number of a buffer that is long enough.
fn number(kind: Kind, data: &[u8], row: usize) -> Value<'static> {
    let signed = |bytes| match bytes {
        1 => i64::from(i8::from_le_bytes(at(data, row))),
        2 => i64::from(i16::from_le_bytes(at(data, row))),
        4 => i64::from(i32::from_le_bytes(at(data, row))),
        _ => i64::from_le_bytes(at(data, row)),
    };
    match kind {
        Kind::Whole { bytes, signed: true } => {
            let number = signed(bytes);
            Value::Whole(number as f64, u64::try_from(number).unwrap_or(u64::MAX))
        }
        Kind::Whole { bytes, .. } => {
            let number = match bytes {
                1 => u64::from(u8::from_le_bytes(at(data, row))),
                2 => u64::from(u16::from_le_bytes(at(data, row))),
                4 => u64::from(u32::from_le_bytes(at(data, row))),
                _ => u64::from_le_bytes(at(data, row)),
            };
            Value::Whole(number as f64, number)
        }
        Kind::Float(2) => Value::Number(from_half(u16::from_le_bytes(at(data, row)))),
        Kind::Float(4) => Value::Number(f64::from(f32::from_le_bytes(at(data, row)))),
        Kind::Float(_) => Value::Number(f64::from_le_bytes(at(data, row))),
        Kind::Decimal { bytes: 16, scale } => Value::Number(decimal(i128::from_le_bytes(at(data, row)), scale)),
        Kind::Decimal { bytes, scale } => Value::Number(decimal(i128::from(signed(bytes)), scale)),
        Kind::Time { bytes, unit } => Value::Number(unit.seconds(signed(bytes))),
        Kind::Milliseconds => Value::Number(signed(8) as f64 / DAY),
        Kind::Null | Kind::Truth | Kind::Text { .. } | Kind::View => Value::Missing,
    }
}

/// The dictionaries that are there so far, by their number.
pub(super) struct Dictionaries {
    by_id: HashMap<i64, Dictionary>,
}

/// A dictionary that is needed.
struct Dictionary {
    field: Kind,
    /// Its values, once they have come.
    values: Option<Growing>,
    /// By the number of a column, the code there of each of its different texts, once it has occurred.
    codes: HashMap<usize, Vec<Option<u32>>>,
}

impl Dictionaries {
    /// Those that these fields need.
    pub(super) fn of<'f>(fields: impl Iterator<Item = &'f Field>) -> Self {
        let needed = fields.filter_map(|field| {
            let (kind, (id, _)) = (field.kind.as_ref().ok()?, field.dictionary.as_ref()?);
            Some((*id, Dictionary { field: *kind, values: None, codes: HashMap::new() }))
        });
        Self { by_id: needed.collect() }
    }

    /// Takes the values of a dictionary, if it is needed.
    pub(super) fn read(
        &mut self,
        batch: &DictionaryBatchRef<'_>,
        body: &[u8],
        budget: &mut Budget,
    ) -> Result<(), TableFault> {
        let parts = batch.id().and_then(|id| Ok((id, batch.data()?, batch.is_delta()?)));
        let (id, data, delta) = parts.map_err(|error| unreadable(&error))?;
        let Some(Dictionary { field, values, codes }) = self.by_id.get_mut(&id) else { return Ok(()) };
        let data = data.ok_or_else(|| Damage::new("a dictionary", "no values", "some"))?;
        let mut batch = Batch::new(&data, body)?;
        let new = || Growing::new(field.is_text(), 0).map_err(|_| Damage::new("a dictionary", "no memory", "some"));
        let mut growing = match values.take() {
            Some(values) if delta => values,
            _ => {
                codes.clear();
                new()?
            }
        };
        plain(&mut batch, *field, &mut growing, budget).map_err(|(row, fault)| match (row, fault) {
            (Some(row), TableFault::NotUtf8 { found }) => {
                Damage::new("a dictionary", format!("{found:?} at place {row}"), "UTF-8").into()
            }
            (_, fault) => fault,
        })?;
        *values = Some(growing);
        Ok(())
    }

    /// Adds the values of the next field of a batch to its column, which is number `number`.
    pub(super) fn column(
        &mut self,
        number: usize,
        batch: &mut Batch<'_>,
        field: &Field,
        column: &mut Growing,
        budget: &mut Budget,
    ) -> Result<(), Fault> {
        let Some((id, index)) = field.dictionary else {
            let kind = field.kind.as_ref().copied().unwrap_or(Kind::Null);
            return plain(batch, kind, column, budget);
        };
        let bytes = Growing::row_bytes(matches!(column, Growing::Texts(_)));
        budget.table(bytes.saturating_mul(batch.rows as u64)).map_err(|fault| (None, fault))?;
        // A column of nothing but missing values needs none.
        let (none, mut no_codes) = (Growing::Numbers(Vec::new()), HashMap::new());
        let (values, codes) = match self.by_id.get_mut(&id) {
            Some(Dictionary { values: Some(values), codes, .. }) => (&*values, codes),
            _ => (&none, &mut no_codes),
        };
        let outside = |place: u64, len: usize| {
            TableFault::from(damage(format!("place {place} of a dictionary"), format!("one of its {len}")))
        };
        match (values, column) {
            (Growing::Numbers(values), Growing::Numbers(numbers)) => batch.values(index, budget, |value, _| {
                numbers.push(match value {
                    Value::Whole(_, place) => {
                        let value = usize::try_from(place).ok().and_then(|place| values.get(place));
                        *value.ok_or_else(|| outside(place, values.len()))?
                    }
                    _ => f64::NAN,
                });
                Ok(())
            }),
            (Growing::Texts(values), Growing::Texts(texts)) => {
                let codes = codes.entry(number).or_default();
                // What has come since the last batch.
                let more = (values.different() - codes.len()) * size_of::<Option<u32>>();
                budget.table(more as u64).map_err(|fault| (None, fault))?;
                codes.resize(values.different(), None);
                batch.values(index, budget, |value, budget| {
                    let Value::Whole(_, place) = value else {
                        texts.push_missing();
                        return Ok(());
                    };
                    let found = usize::try_from(place).ok().filter(|&place| place < values.rows());
                    let Some(code) = values.code(found.ok_or_else(|| outside(place, values.rows()))?) else {
                        texts.push_missing();
                        return Ok(());
                    };
                    match codes[code as usize] {
                        Some(code) => texts.push_code(code, 1),
                        None => {
                            // Once for each column, whether it knows the text or not.
                            let text = values.text(code).as_bytes();
                            budget.unpack(text.len() as u64)?;
                            codes[code as usize] = Some(text_of(texts, text, budget)?);
                        }
                    }
                    Ok(())
                })
            }
            (_, column) => batch.values(index, budget, |value, _| match (value, &mut *column) {
                (Value::Missing, Growing::Numbers(numbers)) => {
                    numbers.push(f64::NAN);
                    Ok(())
                }
                (Value::Missing, Growing::Texts(texts)) => {
                    texts.push_missing();
                    Ok(())
                }
                _ => Err(damage("a place in a dictionary that has not come", "the dictionary before it").into()),
            }),
        }
    }
}

/// Adds values that stand as they are.
fn plain(batch: &mut Batch<'_>, kind: Kind, column: &mut Growing, budget: &mut Budget) -> Result<(), Fault> {
    let bytes = Growing::row_bytes(kind.is_text());
    budget.table(bytes.saturating_mul(batch.rows as u64)).map_err(|fault| (None, fault))?;
    match column {
        Growing::Numbers(numbers) => batch.values(kind, budget, |value, _| {
            numbers.push(match value {
                Value::Number(number) | Value::Whole(number, _) => number,
                Value::Missing | Value::Text(_) => f64::NAN,
            });
            Ok(())
        }),
        Growing::Texts(texts) => batch.values(kind, budget, |value, budget| match value {
            Value::Text(text) => text_of(texts, text, budget).map(drop),
            _ => {
                texts.push_missing();
                Ok(())
            }
        }),
    }
}
