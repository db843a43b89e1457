//! Comma-separated values in parts of some megabytes, each a whole small file, so that any number of rows takes the memory of
//! one part.

use std::io::{self, Read};

use csv::{ByteRecord, ReaderBuilder};
use flate2::read::MultiGzDecoder;
use nn_train::Error;

use crate::failure::Failure;

/// Bytes of a part.
const PART: usize = 4 << 20;
/// The most bytes of one row.
const ROW: usize = 64 << 20;

/// A few rows as a file of their own.
pub(crate) struct Part {
    /// The header, where there is one, and whole rows.
    pub(crate) text: Vec<u8>,
    /// The bytes of the header.
    pub(crate) header: usize,
    /// How many lines of rows came before these.
    lines_before: u64,
}

impl Part {
    /// Tells `error`, which counts lines within the part, in terms of the file called `name`.
    pub(crate) fn relocate(&self, error: Error, name: &str) -> Error {
        match error {
            Error::Table { mut place, fault } => {
                place.source = Some(name.to_owned());
                place.line = place.line.map(|line| line + self.lines_before);
                if place.line.is_none() {
                    place.row = None;
                }
                Error::Table { place, fault }
            }
            error => error,
        }
    }
}

/// The parts of a file, one after the other.
pub(crate) struct Parts<'a> {
    reader: Box<dyn Read + Send + 'a>,
    name: String,
    delimiter: u8,
    part: usize,
    header: Option<Vec<u8>>,
    /// What has been read and not yet been given out.
    text: Vec<u8>,
    ended: bool,
    begun: bool,
    lines: u64,
}

impl<'a> Parts<'a> {
    /// The parts of what `reader` reads, plain or gzip. `name` is for messages.
    pub(crate) fn new(
        reader: impl Read + Send + 'a,
        name: &str,
        delimiter: u8,
        has_header: bool,
    ) -> Result<Self, Failure> {
        Self::of_size(reader, name, delimiter, has_header, PART)
    }

    fn of_size(
        mut reader: impl Read + Send + 'a,
        name: &str,
        delimiter: u8,
        has_header: bool,
        part: usize,
    ) -> Result<Self, Failure> {
        // Of a file's first bytes: gzip, or a byte order mark.
        let mut first = Vec::new();
        let failed = |error: io::Error| Failure::work(format!("could not read {name}: {error}"));
        (&mut reader).take(3).read_to_end(&mut first).map_err(failed)?;
        let packed = first.starts_with(&[0x1F, 0x8B]);
        if first == *b"\xEF\xBB\xBF" {
            first.clear();
        }
        let all = io::Cursor::new(first).chain(reader);
        let reader: Box<dyn Read + Send + 'a> = if packed { Box::new(MultiGzDecoder::new(all)) } else { Box::new(all) };
        let header = if has_header { None } else { Some(Vec::new()) };
        let (name, text) = (name.to_owned(), Vec::new());
        Ok(Self { reader, name, delimiter, part, header, text, ended: false, begun: false, lines: 0 })
    }

    /// The next part. There is at least one, which may have no row.
    pub(crate) fn next(&mut self) -> Result<Option<Part>, Failure> {
        self.fill(self.part)?;
        if self.header.is_none() {
            let end = self.whole(header)?;
            let rows = self.text.split_off(end);
            self.header = Some(std::mem::replace(&mut self.text, rows));
        }
        let blank = self.text.trim_ascii().is_empty();
        if self.begun && (self.text.is_empty() || self.ended && blank) {
            return Ok(None);
        }
        self.begun = true;
        let end = if self.ended { self.text.len() } else { self.whole(rows)? };
        let header = self.header.clone().unwrap_or_default();
        let rows = self.text.split_off(end);
        let given = std::mem::replace(&mut self.text, rows);
        let (lines_before, lines) = (self.lines, lines(&given));
        self.lines += lines;
        let header_bytes = header.len();
        let mut text = header;
        text.extend(given);
        Ok(Some(Part { text, header: header_bytes, lines_before }))
    }

    /// Where that ends which `find` finds in the text, of which as much more is read as is needed. What is not whole at the end of
    /// the file never will be: whoever reads the part says what is wrong.
    fn whole(&mut self, find: impl Fn(&[u8], u8) -> Option<usize>) -> Result<usize, Failure> {
        let mut wanted = self.part;
        loop {
            if let Some(end) = find(&self.text, self.delimiter) {
                return Ok(end);
            }
            if self.ended {
                return Ok(self.text.len());
            }
            if self.text.len() >= ROW {
                let (name, line, limit) = (&self.name, self.lines + 1, ROW >> 20);
                return Err(Failure::work(format!(
                    "{name}: a row after line {line} is longer than {limit} MiB; is a quote open, or is this no text?"
                )));
            }
            wanted *= 2;
            self.fill(wanted)?;
        }
    }

    /// Reads on until there are so many bytes.
    fn fill(&mut self, wanted: usize) -> Result<(), Failure> {
        let missing = wanted.saturating_sub(self.text.len());
        if self.ended || missing == 0 {
            return Ok(());
        }
        let read = Read::by_ref(&mut self.reader).take(missing as u64).read_to_end(&mut self.text);
        let read = read.map_err(|error| Failure::work(format!("could not read {}: {error}", self.name)))?;
        self.ended = read < missing;
        Ok(())
    }
}

/// Line breaks: LF, CRLF, or CR.
fn lines(text: &[u8]) -> u64 {
    let feeds = text.iter().filter(|&&byte| byte == b'\n').count();
    let alone = |pair: &&[u8]| pair[0] == b'\r' && pair.get(1) != Some(&b'\n');
    let returns = if text.contains(&b'\r') { text.windows(2).filter(alone).count() } else { 0 };
    (feeds + returns + usize::from(text.last() == Some(&b'\r'))) as u64
}

fn reader(text: &[u8], delimiter: u8) -> csv::Reader<&[u8]> {
    ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text)
}

/// Where the first record ends, if it surely does within the text.
fn header(text: &[u8], delimiter: u8) -> Option<usize> {
    let mut reader = reader(text, delimiter);
    reader.read_byte_record(&mut ByteRecord::new()).ok()?;
    let mut end = reader.position().byte() as usize;
    if text.get(end) == Some(&b'\n') && text[..end].ends_with(b"\r") {
        end += 1;
    }
    (end < text.len() || text.ends_with(b"\n")).then_some(end)
}

/// Where the last record ends that surely does within the text.
fn rows(text: &[u8], delimiter: u8) -> Option<usize> {
    if !text.contains(&b'"') {
        let end = text.iter().rposition(|&byte| byte == b'\n');
        // Behind the last byte a line feed may follow.
        let end = end.or_else(|| text.split_last()?.1.iter().rposition(|&byte| byte == b'\r'));
        return Some(end? + 1);
    }
    let (mut reader, mut record) = (reader(text, delimiter), ByteRecord::new());
    let mut start = 0;
    while reader.read_byte_record(&mut record).ok()? {
        let end = reader.position().byte() as usize;
        if end >= text.len() {
            break;
        }
        start = end;
    }
    if text.get(start) == Some(&b'\n') && text[..start].ends_with(b"\r") {
        start += 1;
    }
    (start > 0).then_some(start)
}

/// The values of the columns at `places` as they stand in a part, row by row, to be passed on untouched.
pub(crate) fn columns(part: &Part, delimiter: u8, places: &[usize]) -> Result<Vec<Vec<String>>, Failure> {
    let mut reader = reader(&part.text[part.header..], delimiter);
    let mut record = ByteRecord::new();
    let mut columns = vec![Vec::new(); places.len()];
    while reader.read_byte_record(&mut record).map_err(Failure::work)? {
        for (column, &place) in columns.iter_mut().zip(places) {
            column.push(String::from_utf8_lossy(record.get(place).unwrap_or_default()).into_owned());
        }
    }
    Ok(columns)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use nn_train::table::{Csv, Table};

    use super::*;

    /// The rows of all parts of so many bytes, and how many parts there were.
    fn together(text: &[u8], part: usize) -> (Vec<Vec<String>>, usize) {
        let mut parts = Parts::of_size(text, "x.csv", b',', true, part).unwrap();
        let (mut rows, mut count) = (Vec::new(), 0);
        while let Some(part) = parts.next().unwrap() {
            let table = Csv::new().text("a").read_bytes(&part.text).unwrap();
            rows.extend(values(&table));
            let kept = columns(&part, b',', &[0]).unwrap();
            assert_eq!(kept[0].len(), table.rows());
            count += 1;
        }
        (rows, count)
    }

    fn values(table: &Table) -> Vec<Vec<String>> {
        let value = |row: usize, name: &String| format!("{:?}", table.value(row, name).unwrap());
        (0..table.rows()).map(|row| table.names().iter().map(|name| value(row, name)).collect()).collect()
    }

    #[test]
    fn parts_of_any_size_have_the_rows_of_the_whole() {
        let plain: String = (0..50).map(|row| format!("r{row},{}\n", row * 7)).collect();
        let quoted: String = (0..50).map(|row| format!("\"x\ny{row},\"\"z\",{row}\n")).collect();
        let files = [
            format!("a,b\n{plain}"),
            format!("\u{FEFF}a,b\n{plain}"),
            format!("a,b\r\n{}", plain.replace('\n', "\r\n")),
            format!("a,b\r{}", plain.replace('\n', "\r")),
            format!("\"a\",b\n{quoted}"),
            format!("a,\"b\nc\"\n{quoted}{plain}"),
            format!("a,b\n{plain}\n\n\n"),
            format!("a,b\n{}", plain.trim_end()),
            format!("a,b\n{plain}x\"y,3\n{plain}"),
        ];
        for file in files {
            let whole = values(&Csv::new().text("a").read_bytes(file.as_bytes()).unwrap());
            for part in [1, 2, 3, 7, 16, 64, 100, 1000, 1 << 20] {
                let (rows, parts) = together(file.as_bytes(), part);
                assert_eq!(rows, whole, "{part}: {file:?}");
                assert!(parts > 1 || part > 64, "{part}: {parts}");
            }
        }
    }

    #[test]
    fn a_file_without_rows_is_one_part() {
        for file in ["", "a,b", "a,b\n", "a,b\n\n"] {
            let mut parts = Parts::of_size(file.as_bytes(), "x.csv", b',', true, 4).unwrap();
            assert!(parts.next().unwrap().is_some_and(|part| part.text.trim_ascii() == file.trim().as_bytes()));
            assert!(parts.next().unwrap().is_none());
        }
    }

    #[test]
    fn an_error_names_the_line_of_the_file() {
        for (break_, header) in [("\n", "a,b"), ("\r\n", "a,b"), ("\r", "a,b"), ("\n", "a,\"b\n\"")] {
            let rows: Vec<String> =
                (0..100).map(|row| if row == 77 { "x,1,2".to_owned() } else { "x,1".to_owned() }).collect();
            let text = format!("{header}{break_}{}{break_}", rows.join(break_));
            let expected = Csv::new().read_bytes(text.as_bytes()).unwrap_err().to_string();
            for size in [1, 10, 64, 1000] {
                let mut parts = Parts::of_size(text.as_bytes(), "the input", b',', true, size).unwrap();
                let error = loop {
                    let part = parts.next().unwrap().unwrap();
                    if let Err(error) = Csv::new().read_bytes(&part.text) {
                        break part.relocate(error, "the input").to_string();
                    }
                };
                assert_eq!(error, expected, "{size}");
            }
        }
    }

    #[test]
    fn gzip_is_unpacked_on_the_way() {
        use std::io::Write;
        let rows: String = (0..1000).map(|row| format!("r{row},{row}\n")).collect();
        let text = format!("a,b\n{rows}");
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        assert_eq!(together(&packed.finish().unwrap(), 100), together(text.as_bytes(), 100));
    }
}
