//! Tables from Arrow IPC files and streams.

mod batch;
mod schema;

use std::path::Path;

use polars_arrow_format::ipc::planus::ReadAsRoot;
use polars_arrow_format::ipc::{FooterRef, MessageHeaderRef, MessageRef, SchemaRef};

use self::batch::{Batch, Dictionaries};
use self::schema::Schema;
use super::read::MOST_ROWS;
use super::typed::{Budget, Damage, Growing, Input, Settings, table};
use super::{MOST_COLUMNS, Place, Table, TableFault};
use crate::error::Error;

/// What a file begins and ends with; a stream has no such.
const MAGIC: &[u8; 6] = b"ARROW1";
/// What a file of the older Feather format begins with.
const FEATHER_1: &[u8; 4] = b"FEA1";
/// What stands before the length of a message.
const CONTINUATION: [u8; 4] = [0xFF; 4];
/// Bytes behind the footer: its length and the magic number.
const TAIL: u64 = 10;

/// Reads a [`Table`] from an Arrow IPC file (Feather, version 2) or an Arrow IPC stream, with settings. Which of them it is the first
/// bytes tell.
///
/// | type of the column | becomes |
/// |---|---|
/// | whole numbers, signed or not, of 8 to 64 bits; float16, float32, float64 | the number, beyond 2⁵³ the nearest `f64` |
/// | truth values | 1 and 0 |
/// | decimals of 32, 64 and 128 bits | the nearest `f64` |
/// | dates | days since 1970-01-01 |
/// | times of day, timestamps, durations | seconds since midnight, or since 1970-01-01 00:00 in the zone of the file, most often UTC; or in all |
/// | utf8, large_utf8, string_view | text |
/// | dictionaries of one of these | what their values become |
/// | null | a number that is always missing |
/// | lists, maps, structures, unions, bytes, intervals, runs, decimals of 256 bits | an error with the name of the column, unless it is not asked for |
///
/// A value that is null is missing, and so is NaN. Buffers may be packed by LZ4 or Zstandard.
///
/// ```no_run
/// use nn_train::table::{Arrow, Table};
///
/// let all = Table::from_arrow("flights.feather")?;
/// let few = Arrow::new().columns(["dep_delay", "carrier"]).read("flights.arrow")?;
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Memory
/// Of a file one record batch is held at a time, and the buffers of one column of it unpacked, beside the dictionaries. The table takes 8
/// bytes for a number and 4 for a text, and each different text once, with 48 more; and as long as the file is read, a dictionary
/// takes 8 bytes a text for each column that needs it. Whatever a file holds, neither the table with the dictionaries
/// nor what is unpacked may take more than 100 times the bytes of the file and 16 MiB, unless [`max_bytes`](Self::max_bytes)
/// says otherwise. Texts may lie over each other in a file: what they are longer than the bytes unpacked for them counts as unpacked.
/// While a column grows it can take up to three times its memory, for a moment.
#[derive(Debug, Default)]
#[must_use]
pub struct Arrow<'a> {
    settings: Settings<'a>,
}

impl<'a> Arrow<'a> {
    /// All columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// These columns only, in this order.
    pub fn columns<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.columns = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// All columns but these.
    pub fn without<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.without = names.into_iter().map(Into::into).collect();
        self
    }

    /// The most bytes that buffers may unpack to, and that the table may take with the dictionaries.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_bytes = Some(bytes);
        self
    }

    /// Calls `report` after each record batch with the bytes of the file that have been read and all bytes.
    pub fn on_progress(mut self, report: impl FnMut(u64, u64) + 'a) -> Self {
        self.settings.on_progress = Some(Box::new(report));
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Table`] with record batch, column and row for what is wrong in it.
    pub fn read(self, path: impl AsRef<Path>) -> Result<Table, Error> {
        read(self.settings, Input::open(path.as_ref())?)
    }

    /// Reads what is in memory.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_bytes(self, bytes: &[u8]) -> Result<Table, Error> {
        read(self.settings, Input::bytes(bytes))
    }
}

impl Table {
    /// Reads an Arrow IPC file (Feather, version 2) or stream: [`Arrow`] with its defaults.
    ///
    /// # Errors
    /// As [`Arrow::read`].
    pub fn from_arrow(path: impl AsRef<Path>) -> Result<Self, Error> {
        Arrow::new().read(path)
    }
}

fn read(settings: Settings<'_>, mut input: Input<'_>) -> Result<Table, Error> {
    let mut front = Vec::new();
    input.read(0, input.length.min(6), &mut front)?;
    if front == MAGIC {
        file(settings, input)
    } else if front.starts_with(&CONTINUATION) {
        stream(settings, input)
    } else {
        let what = if front.starts_with(FEATHER_1) { ", the Feather format of version 1" } else { "" };
        let found = format!("\"{}\" at its beginning{what}", front.escape_ascii());
        let damage = Damage::new("the file", found, "\"ARROW1\", or FF FF FF FF of a stream");
        Err(Error::table(input.place, damage.into()))
    }
}

/// A header that its reader does not take.
fn unreadable(error: &polars_arrow_format::ipc::planus::Error) -> TableFault {
    Damage::new("a header", format!("a fault ({error})"), "one of Arrow's").into()
}

/// The columns that are read.
struct Reading<'s> {
    settings: Settings<'s>,
    place: Place,
    schema: Schema,
    /// The places of the columns among the fields.
    chosen: Vec<usize>,
    columns: Vec<Growing>,
    rows: usize,
    batches: usize,
    dictionaries: Dictionaries,
    budget: Budget,
}

impl<'s> Reading<'s> {
    fn new(settings: Settings<'s>, input: &Input<'_>, schema: SchemaRef<'_>, bytes: usize) -> Result<Self, Error> {
        let place = input.place.clone();
        let schema = Schema::read(schema, bytes).map_err(|fault| Error::table(place.clone(), fault))?;
        if schema.fields.len() > MOST_COLUMNS {
            let fault = TableFault::TooManyColumns { found: schema.fields.len(), limit: MOST_COLUMNS };
            return Err(Error::table(place, fault));
        }
        let names: Vec<&str> = schema.fields.iter().map(|field| field.name.as_str()).collect();
        let chosen = settings.choose(&names, &place)?;
        let mut columns = Vec::new();
        for field in chosen.iter().map(|&field| &schema.fields[field]) {
            let kind = field.kind.as_ref().map_err(|found| {
                Error::table(place.clone().column(&field.name), TableFault::Type { found: found.clone() })
            })?;
            columns.push(Growing::new(kind.is_text(), 0)?);
        }
        let wanted = chosen.iter().map(|&field| &schema.fields[field]);
        let dictionaries = Dictionaries::of(wanted);
        let budget = settings.budget(input.length);
        Ok(Self { settings, place, schema, chosen, columns, rows: 0, batches: 0, dictionaries, budget })
    }

    /// Takes what a message brings.
    fn message(&mut self, message: &MessageRef<'_>, body: &[u8]) -> Result<(), Error> {
        let at = |fault| Error::table(self.place.clone(), fault);
        match message.header().map_err(|error| at(unreadable(&error)))? {
            Some(MessageHeaderRef::RecordBatch(batch)) => {
                let part = Place { part: Some(format!("record batch {}", self.batches)), ..self.place.clone() };
                let mut batch = Batch::new(&batch, body).map_err(|fault| Error::table(part.clone(), fault))?;
                let rows = batch.rows;
                if rows > MOST_ROWS - 1 - self.rows.min(MOST_ROWS - 1) {
                    return Err(Error::table(part, TableFault::TooManyRows { limit: MOST_ROWS - 1 }));
                }
                // Fields come in the order of the schema, columns in the order in which they were asked for.
                for (number, field) in self.schema.fields.iter().enumerate() {
                    let fault = |(row, fault): (Option<usize>, TableFault)| {
                        let row = row.map(|row| self.rows + row);
                        Error::table(Place { row, ..part.clone() }.column(&field.name), fault)
                    };
                    match self.chosen.iter().position(|&chosen| chosen == number) {
                        Some(column) => {
                            let growing = &mut self.columns[column];
                            let Self { dictionaries, budget, .. } = self;
                            dictionaries.column(column, &mut batch, field, growing, budget).map_err(fault)?;
                        }
                        None => batch.skip(field).map_err(|damage| fault((None, damage.into())))?,
                    }
                }
                self.rows += rows;
                self.batches += 1;
            }
            Some(MessageHeaderRef::DictionaryBatch(dictionary)) => {
                self.dictionaries.read(&dictionary, body, &mut self.budget).map_err(at)?;
            }
            Some(MessageHeaderRef::Schema(_)) => {
                return Err(at(Damage::new("a message", "a second schema", "a record batch").into()));
            }
            _ => {
                return Err(at(Damage::new("a message", "neither batch nor dictionary", "one of them").into()));
            }
        }
        Ok(())
    }

    fn table(self) -> Result<Table, Error> {
        let names = self.chosen.iter().map(|&field| self.schema.fields[field].name.clone()).collect();
        table(names, self.columns, &self.place)
    }
}

/// The bytes of the header of a message at `start`, where it may have up to `most` with its length before it, in `header`, and
/// where its body begins; none at the end of a stream.
fn header(input: &mut Input<'_>, start: u64, header: &mut Vec<u8>) -> Result<Option<u64>, Error> {
    if start == input.length {
        return Ok(None);
    }
    input.read(start, 4, header)?;
    let mut at = start + 4;
    // Before version 0.15 of Arrow the length stood alone.
    if header[..] == CONTINUATION {
        input.read(at, 4, header)?;
        at += 4;
    }
    let length = header.iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
    if length == 0 {
        return Ok(None);
    }
    input.read(at, length, header)?;
    Ok(Some(at + length))
}

/// A message, and the length of its body.
fn message<'b>(header: &'b [u8], place: &Place) -> Result<(MessageRef<'b>, u64), Error> {
    let at = |fault| Error::table(place.clone(), fault);
    let read = MessageRef::read_as_root(header).and_then(|message| {
        let body = message.body_length()?;
        message.version()?;
        Ok((message, body))
    });
    let (message, body) = read.map_err(|error| at(unreadable(&error)))?;
    let wrong = || at(Damage::new("a message", format!("a body of {body} bytes"), "at least 0").into());
    Ok((message, u64::try_from(body).map_err(|_| wrong())?))
}

fn stream(settings: Settings<'_>, mut input: Input<'_>) -> Result<Table, Error> {
    let place = input.place.clone();
    let (mut bytes, mut body) = (Vec::new(), Vec::new());
    let missing = || Error::table(place.clone(), Damage::new("the file", "no schema", "one at its front").into());
    let mut at = header(&mut input, 0, &mut bytes)?.ok_or_else(missing)?;
    let (first, length) = message(&bytes, &place)?;
    let MessageHeaderRef::Schema(schema) =
        first.header().map_err(|error| Error::table(place.clone(), unreadable(&error)))?.ok_or_else(missing)?
    else {
        return Err(missing());
    };
    let mut reading = Reading::new(settings, &input, schema, bytes.len())?;
    at = at.saturating_add(length);
    while let Some(start) = header(&mut input, at, &mut bytes)? {
        let (message, length) = message(&bytes, &place)?;
        input.read(start, length, &mut body)?;
        at = start + length;
        reading.message(&message, &body)?;
        reading.settings.report(at, input.length);
    }
    reading.settings.report(input.length, input.length);
    reading.table()
}

fn file(settings: Settings<'_>, mut input: Input<'_>) -> Result<Table, Error> {
    let place = input.place.clone();
    let wrong =
        |found: String, expected: &str| Error::table(place.clone(), Damage::new("the file", found, expected).into());
    let Some(front) = input.length.checked_sub(TAIL).filter(|&front| front >= 8) else {
        return Err(wrong(format!("{} bytes", input.length), "at least 18"));
    };
    let (mut footer, mut bytes, mut body) = (Vec::new(), Vec::new(), Vec::new());
    input.read(front, TAIL, &mut bytes)?;
    let (length, magic) = bytes.split_at(4);
    if magic != MAGIC {
        return Err(wrong(format!("\"{}\" at its end", magic.escape_ascii()), "\"ARROW1\": a file that is whole"));
    }
    let length = length.iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
    let Some(start) = front.checked_sub(length).filter(|&start| start >= 8) else {
        return Err(wrong(format!("a footer of {length} bytes in a file of {}", input.length), "a shorter one"));
    };
    input.read(start, length, &mut footer)?;
    let parts = FooterRef::read_as_root(&footer).and_then(|footer| {
        footer.version()?;
        Ok((footer.schema()?, footer.dictionaries()?, footer.record_batches()?))
    });
    let (schema, dictionaries, batches) = parts.map_err(|error| Error::table(place.clone(), unreadable(&error)))?;
    let schema = schema.ok_or_else(|| wrong("no schema".to_owned(), "one in its footer"))?;
    let mut reading = Reading::new(settings, &input, schema, footer.len())?;
    let mut left = input.length;
    let blocks = dictionaries.into_iter().flat_map(|blocks| blocks.iter());
    for block in blocks.chain(batches.into_iter().flat_map(|blocks| blocks.iter())) {
        let [start, head, length] =
            [block.offset(), i64::from(block.meta_data_length()), block.body_length()].map(u64::try_from);
        let (Ok(start), Ok(head), Ok(length)) = (start, head, length) else {
            return Err(wrong("a batch of less than 0 bytes".to_owned(), "one of some"));
        };
        // No byte is in two batches, and texts that lie over each other in one are in the budget: so time is bounded too.
        let rest = left.checked_sub(length).and_then(|left| left.checked_sub(head));
        left =
            rest.ok_or_else(|| wrong("batches that are longer than the file".to_owned(), "no more bytes than it has"))?;
        if header(&mut input, start, &mut bytes)?.is_none() || bytes.len() as u64 > head {
            return Err(wrong("no batch".to_owned(), "one where the footer says it is"));
        }
        let (message, _) = message(&bytes, &place)?;
        let body_start =
            start.checked_add(head).ok_or_else(|| wrong("a batch behind its end".to_owned(), "one in it"))?;
        input.read(body_start, length, &mut body)?;
        reading.message(&message, &body)?;
        reading.settings.report(input.length - left, input.length);
    }
    reading.settings.report(input.length, input.length);
    reading.table()
}
