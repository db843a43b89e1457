//! From the text of a file to columns.
//!
//! The text is in memory. A first look at some rows says which columns are text; then all rows are read, column by
//! column as they come. Where a column of numbers goes on with something else it is text from the beginning, so all is
//! read once more.
//!
//! The crate csv reads records. Rows without a quote need less: a value ends at the next delimiter, and a number is
//! parsed where it stands, which tells where it ends. That is about twice as fast.

use std::ops::ControlFlow;

use csv::{ByteRecord, ReaderBuilder};
use memchr::{memchr, memchr_iter, memchr3};

use super::column::Interner;
use super::csv::{Csv, Kind};
use super::lines::Origin;
use super::number::{long, number, short};
use super::{Column, MOST_COLUMNS, Place, Table, TableFault, check_names, expected_name};
use crate::error::Error;

/// The rows of the first look.
const SAMPLE: usize = 1000;
/// Texts are numbered by 32 bits.
pub(super) const MOST_ROWS: usize = u32::MAX as usize;
/// How often progress is reported.
const REPORT: usize = 1 << 20;

/// A column while it is read.
enum Growing {
    Number(Vec<f64>),
    Text(Box<Interner>),
    /// Text that was taken for numbers.
    Misjudged,
}

/// Where a row begins.
#[derive(Clone, Copy)]
struct At {
    row: usize,
    line: u64,
    byte: usize,
}

/// A file and how to read it.
struct Reading<'a, 'b> {
    settings: &'a mut Csv<'b>,
    delimiter: u8,
    /// What follows the header.
    text: &'a [u8],
    /// The line in which that begins.
    line: u64,
    names: Vec<String>,
    source: &'a Place,
    quoted: bool,
    /// The markers of missing values that are numbers.
    markers: Vec<f64>,
    /// The kinds that are settled, and whether the caller did so.
    kinds: Vec<Option<(Kind, bool)>>,
    /// When progress is next reported.
    report: usize,
}

/// The table in `text`.
pub(super) fn read(settings: &mut Csv<'_>, delimiter: u8, text: &[u8], source: &Place) -> Result<Table, Error> {
    let mut reader = ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text);
    let mut first = ByteRecord::new();
    if !reader.read_byte_record(&mut first).map_err(|error| unreadable(source, error))? {
        return Err(Error::table(source.clone(), TableFault::Empty));
    }
    if first.len() > MOST_COLUMNS {
        let fault = TableFault::TooManyColumns { found: first.len(), limit: MOST_COLUMNS };
        return Err(Error::table(source.clone(), fault));
    }
    let names = names(settings, &first, source)?;
    check_names(&names).map_err(|(name, fault)| Error::table(source.clone().column(name), fault))?;
    let (text, line) = if settings.header {
        let position = reader.position();
        let (header, rows) = text.split_at(position.byte() as usize);
        // A CR that ends a line by itself is not counted there.
        let uncounted = header.ends_with(b"\r") && !rows.starts_with(b"\n");
        (rows, position.line() + u64::from(uncounted))
    } else {
        (text, 1)
    };
    // NaN is missing in any case.
    let markers = settings.format.missing.iter().filter_map(|marker| number(marker.as_bytes()));
    let markers = markers.filter(|marker| !marker.is_nan()).collect();
    let quoted = memchr(b'"', text).is_some();
    let kinds = kinds(settings, &names, source)?;
    Reading { settings, delimiter, text, line, names, source, quoted, markers, kinds, report: REPORT }.table()
}

/// The names of the columns.
fn names(settings: &Csv<'_>, first: &ByteRecord, source: &Place) -> Result<Vec<String>, Error> {
    let expected = first.len();
    if let Some(names) = &settings.names {
        if names.len() != expected {
            return Err(Error::table(source.clone(), TableFault::Names { found: names.len(), expected }));
        }
        return Ok(names.clone());
    }
    let name = |(index, field): (usize, &[u8])| {
        let place = format!("column {}", index + 1);
        if !settings.header {
            return Ok(place);
        }
        let field = if settings.format.trim { field.trim_ascii() } else { field };
        let place_in_header = || Place { line: Some(1), ..source.clone() }.column(&place);
        let name = text(field, settings.format.lossy).map_err(|fault| Error::table(place_in_header(), fault))?;
        Ok(if name.is_empty() { place } else { name })
    };
    first.iter().enumerate().map(name).collect()
}

/// The kind of each column that the settings name.
fn kinds(settings: &Csv<'_>, names: &[String], source: &Place) -> Result<Vec<Option<(Kind, bool)>>, Error> {
    let mut kinds = vec![None; names.len()];
    for (name, kind, required) in &settings.kinds {
        match names.iter().position(|other| other == name) {
            Some(index) => kinds[index] = Some((*kind, true)),
            None if *required => {
                let expected = expected_name(name, names.iter().map(String::as_str));
                return Err(Error::table(source.clone().column(name), TableFault::UnknownColumn { expected }));
            }
            None => {}
        }
    }
    Ok(kinds)
}

/// The text of a field.
pub(super) fn text(field: &[u8], lossy: bool) -> Result<String, TableFault> {
    match std::str::from_utf8(field) {
        Ok(text) => Ok(text.to_owned()),
        Err(_) if lossy => Ok(String::from_utf8_lossy(field).into_owned()),
        Err(_) => Err(TableFault::NotUtf8 { found: shown(field) }),
    }
}

/// A field in a message.
fn shown(field: &[u8]) -> String {
    const LONGEST: usize = 40;
    let text = String::from_utf8_lossy(&field[..field.len().min(4 * LONGEST)]).into_owned();
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What the crate csv says; it reads bytes from memory, so this is for the day when it says more.
fn unreadable(source: &Place, error: csv::Error) -> Error {
    Error::io("read", source, &std::io::Error::other(error))
}

impl Reading<'_, '_> {
    fn table(mut self) -> Result<Table, Error> {
        // What is text mostly shows soon.
        while self.rows(SAMPLE)?.is_none() {}
        loop {
            if let Some((columns, origin)) = self.rows(MOST_ROWS)? {
                let total = self.text.len() as u64;
                if let Some(report) = &mut self.settings.on_progress {
                    report(total, total);
                }
                return Table::of(self.names, columns, origin);
            }
        }
    }

    /// The columns of up to so many rows; none if one of them turned out to be text, which is then settled.
    fn rows(&mut self, limit: usize) -> Result<Option<(Vec<Column>, Origin)>, Error> {
        let mut columns = self.growing(limit);
        let mut origin = Origin::file(self.source.source.as_deref().unwrap_or_default(), self.settings);
        self.report = if limit == SAMPLE { usize::MAX } else { REPORT };
        if self.quoted {
            self.quoted_rows(limit, &mut columns, &mut origin)?;
        } else {
            self.plain_rows(limit, &mut columns, &mut origin)?;
        }
        let mut all_right = true;
        for (column, kind) in columns.iter().zip(&mut self.kinds) {
            if matches!(column, Growing::Misjudged) {
                (*kind, all_right) = (Some((Kind::Text, false)), false);
            }
        }
        let finish = |column| match column {
            Growing::Number(numbers) => Column::Number(numbers),
            Growing::Text(text) => Column::Text(text.finish()),
            Growing::Misjudged => Column::Number(Vec::new()),
        };
        Ok(all_right.then(|| (columns.into_iter().map(finish).collect(), origin)))
    }

    /// Columns without a row, with room for as many as there can be.
    fn growing(&self, limit: usize) -> Vec<Growing> {
        // A row ends with a line break, and a value with one byte at least.
        let breaks = |byte| memchr_iter(byte, self.text).count();
        let lines = Some(breaks(b'\n')).filter(|&lines| lines > 0).unwrap_or_else(|| breaks(b'\r')) + 1;
        let rows = lines.min(self.text.len() / self.names.len() + 1).min(limit);
        let grow = |kind: &Option<(Kind, bool)>| match kind {
            Some((Kind::Text, _)) => Growing::Text(Box::new(Interner::with_capacity(rows))),
            _ => Growing::Number(Vec::with_capacity(rows)),
        };
        self.kinds.iter().map(grow).collect()
    }

    /// Rows by the crate csv.
    fn quoted_rows(&mut self, limit: usize, columns: &mut [Growing], origin: &mut Origin) -> Result<(), Error> {
        let text = self.text;
        let mut reader = ReaderBuilder::new();
        let mut reader = reader.delimiter(self.delimiter).has_headers(false).flexible(true).from_reader(text);
        let mut record = ByteRecord::new();
        let mut at = At { row: 0, line: self.line, byte: 0 };
        while at.row < limit && reader.read_byte_record(&mut record).map_err(|error| unreadable(self.source, error))? {
            if let Some(position) = record.position() {
                // Empty lines, and the second half of a CRLF, are counted to the record that follows them.
                let byte = position.byte() as usize;
                let before = text[byte..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n'));
                let (bytes, lines) =
                    before.fold((0, 0), |(bytes, lines), &byte| (bytes + 1, lines + u64::from(byte == b'\n')));
                (at.line, at.byte) = (self.line + position.line() - 1 + lines, byte + bytes);
            }
            self.check_fields(at, record.len())?;
            for (index, (field, column)) in record.iter().zip(&mut *columns).enumerate() {
                self.push(column, field, at, index)?;
            }
            self.end_row(&mut at, origin)?;
        }
        if at.row < limit && ends_in_quotes(&text[at.byte..], self.delimiter) {
            return Err(Error::table(self.place(at), TableFault::OpenQuote));
        }
        Ok(())
    }

    /// Rows of a text without a quote.
    fn plain_rows(&mut self, limit: usize, columns: &mut [Growing], origin: &mut Origin) -> Result<(), Error> {
        let mut rest = self.text;
        let mut at = At { row: 0, line: self.line, byte: 0 };
        while at.row < limit {
            while let [first @ (b'\n' | b'\r'), following @ ..] = rest {
                // The first half of a CRLF is no line of its own.
                at.line += u64::from(*first == b'\n' || following.first() != Some(&b'\n'));
                rest = following;
            }
            if rest.is_empty() {
                break;
            }
            at.byte = self.text.len() - rest.len();
            rest = match self.plain_row(rest, columns, at)? {
                ControlFlow::Continue(rest) => rest,
                ControlFlow::Break(found) => {
                    self.check_fields(at, found)?;
                    rest
                }
            };
            self.end_row(&mut at, origin)?;
        }
        Ok(())
    }

    /// One row, and what follows it, beginning with the line break; or the number of its fields, if that is wrong.
    fn plain_row<'t>(
        &self,
        row: &'t [u8],
        columns: &mut [Growing],
        at: At,
    ) -> Result<ControlFlow<usize, &'t [u8]>, Error> {
        let last = columns.len() - 1;
        let mut rest = row;
        for (index, column) in columns.iter_mut().enumerate() {
            // What ends the field, if it is the right one: the end of the row for the last, a delimiter for the others.
            let ends = |byte: Option<&u8>| match byte {
                Some(b'\n' | b'\r') | None => index == last,
                Some(&byte) => byte == self.delimiter && index < last,
            };
            let length = match column {
                Growing::Number(numbers) if self.markers.is_empty() => {
                    let right = |&(_, length): &(f64, usize)| ends(rest.get(length));
                    let number = short(rest).filter(right).or_else(|| long(rest).filter(right));
                    number.map(|(number, length)| {
                        numbers.push(number);
                        length
                    })
                }
                _ => None,
            };
            let length = match length {
                Some(length) => length,
                None => {
                    let length = memchr3(self.delimiter, b'\n', b'\r', rest).unwrap_or(rest.len());
                    if !ends(rest.get(length)) {
                        let line = memchr::memchr2(b'\n', b'\r', row).map_or(row, |end| &row[..end]);
                        return Ok(ControlFlow::Break(memchr_iter(self.delimiter, line).count() + 1));
                    }
                    self.push(column, &rest[..length], at, index)?;
                    length
                }
            };
            rest = &rest[length + usize::from(index < last)..];
        }
        Ok(ControlFlow::Continue(rest))
    }

    /// Adds a field to its column.
    fn push(&self, column: &mut Growing, field: &[u8], at: At, index: usize) -> Result<(), Error> {
        let fault = |fault| Error::table(self.place(at).column(&self.names[index]), fault);
        match column {
            Growing::Number(numbers) => match number(field) {
                Some(number) => numbers.push(if self.markers.contains(&number) { f64::NAN } else { number }),
                None if self.is_missing(field) => numbers.push(f64::NAN),
                None if self.kinds[index].is_some() => {
                    return Err(fault(TableFault::NotANumber { found: shown(field) }));
                }
                None => *column = Growing::Misjudged,
            },
            Growing::Text(texts) => {
                let field = if self.settings.format.trim { field.trim_ascii() } else { field };
                if self.is_missing(field) {
                    texts.push_missing();
                } else if !texts.push_known(field) {
                    texts.push(&text(field, self.settings.format.lossy).map_err(fault)?);
                }
            }
            Growing::Misjudged => {}
        }
        Ok(())
    }

    fn is_missing(&self, field: &[u8]) -> bool {
        let field = field.trim_ascii();
        self.settings.format.missing.iter().any(|marker| marker.as_bytes() == field)
    }

    fn check_fields(&self, at: At, found: usize) -> Result<(), Error> {
        let expected = self.names.len();
        if found == expected {
            return Ok(());
        }
        let open = self.quoted && ends_in_quotes(&self.text[at.byte..], self.delimiter);
        let fault = if open { TableFault::OpenQuote } else { TableFault::Fields { found, expected } };
        Err(Error::table(self.place(at), fault))
    }

    /// A row is complete.
    fn end_row(&mut self, at: &mut At, origin: &mut Origin) -> Result<(), Error> {
        origin.push(at.row, at.line);
        at.row += 1;
        if at.row == MOST_ROWS {
            return Err(Error::table(self.place(*at), TableFault::TooManyRows { limit: MOST_ROWS - 1 }));
        }
        if at.byte >= self.report {
            self.report = at.byte.saturating_add(REPORT);
            if let Some(report) = &mut self.settings.on_progress {
                report(at.byte as u64, self.text.len() as u64);
            }
        }
        Ok(())
    }

    fn place(&self, at: At) -> Place {
        Place { line: Some(at.line), row: Some(at.row), ..self.source.clone() }
    }
}

/// Whether a text ends within a quoted field.
fn ends_in_quotes(text: &[u8], delimiter: u8) -> bool {
    let (mut inside, mut begins) = (false, true);
    let mut bytes = text.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if inside {
            // Two quotes stand for one.
            inside = byte != b'"' || bytes.next_if_eq(&&b'"').is_some();
            begins = false;
        } else {
            inside = begins && byte == b'"';
            begins = byte == delimiter || matches!(byte, b'\n' | b'\r');
        }
    }
    inside
}
