//! How a file of comma-separated values is to be read.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::read::read;
use super::source::{packed, unpack};
use super::{Place, Table};
use crate::error::Error;

/// What a column is read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Number,
    Text,
}

/// How values stand in a file. The files to predict from are taken to be like the one that was learned from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) struct Format {
    /// Unless the name of the file says it.
    pub(super) delimiter: Option<u8>,
    pub(super) missing: Vec<String>,
    pub(super) trim: bool,
    pub(super) lossy: bool,
}

impl Default for Format {
    fn default() -> Self {
        Self { delimiter: None, missing: Csv::MISSING.map(str::to_owned).into(), trim: false, lossy: false }
    }
}

/// What messages call bytes that are from no file.
const INPUT: &str = "the input";

/// What is called with the bytes read so far and all bytes.
type OnProgress<'a> = Box<dyn FnMut(u64, u64) + 'a>;

/// Reads a [`Table`] from comma-separated values, with settings.
///
/// | by default | |
/// |---|---|
/// | the first line | the names of the columns; one without a name is called by its place, `column 1` |
/// | delimiter | a comma; a tab in files whose names end in `.tsv` or `.tsv.gz` |
/// | missing values | [`Csv::MISSING`], spaces around them aside |
/// | kinds | a column is numbers when every value that is not missing is one, otherwise text |
/// | quotes | `"`, doubled within; a quoted value may hold delimiters and line breaks |
/// | line ends | LF, CRLF or CR; empty lines are skipped |
/// | a row of another length | an error |
/// | encoding | UTF-8, with or without a byte order mark; other bytes are an error |
/// | gzip | recognised by its first bytes, wherever it comes from |
///
/// ```
/// use nn_train::table::{Column, Csv};
///
/// let text = b"zip\tincome\n07030\t51000\n10001\t-\n";
/// let table = Csv::new().delimiter(b'\t').missing(["-"]).text("zip").read_bytes(text)?;
/// assert_eq!(table.column("zip")?, &Column::text(["07030", "10001"]));
/// assert!(table.value(1, "income")?.is_missing());
///
/// let error = Csv::new().number("x").read_bytes(b"x\n1\n2,5\n").unwrap_err();
/// assert_eq!(error.to_string(), "the input, line 3: found 2 fields; expected 1, as in the first line");
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Memory
/// The text is held while it is read. The columns of a usual file take 1 to 2 times as much. Whatever a file holds, all
/// together takes no more than 32 bytes for each byte of its text and 1 KiB for each of its at most 65,536 columns. Of a gzip
/// file no more is unpacked than [`max_bytes`](Self::max_bytes) allows.
#[must_use]
pub struct Csv<'a> {
    pub(super) format: Format,
    pub(super) names: Option<Vec<String>>,
    pub(super) header: bool,
    /// Columns that are to be of a kind, and whether they must be there.
    pub(super) kinds: Vec<(String, Kind, bool)>,
    pub(super) max_bytes: Option<u64>,
    pub(super) on_progress: Option<OnProgress<'a>>,
}

impl<'a> Csv<'a> {
    /// What stands for a missing value unless [`missing`](Self::missing) says otherwise.
    pub const MISSING: [&'static str; 10] = ["", "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "<NA>", "#N/A"];

    /// The defaults.
    pub fn new() -> Self {
        Self {
            format: Format::default(),
            names: None,
            header: true,
            kinds: Vec::new(),
            max_bytes: None,
            on_progress: None,
        }
    }

    /// What stands between two values: `b';'`, for instance.
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.format.delimiter = Some(delimiter);
        self
    }

    /// What is taken to stand between two values of a file of this name: what was [set](Self::delimiter), otherwise a tab where
    /// the name says so, or a comma.
    ///
    /// ```
    /// # use nn_train::table::Csv;
    /// assert_eq!(Csv::new().delimiter_of("flats.tsv.gz"), b'\t');
    /// assert_eq!(Csv::new().delimiter(b';').delimiter_of("flats.tsv"), b';');
    /// ```
    #[must_use]
    pub fn delimiter_of(&self, path: impl AsRef<Path>) -> u8 {
        let name = path.as_ref().display().to_string();
        let tabs = name.strip_suffix(".gz").unwrap_or(&name).ends_with(".tsv");
        self.format.delimiter.unwrap_or(if tabs { b'\t' } else { b',' })
    }

    /// The first line is a row like the others. The columns are called `column 1`, `column 2` and so on unless
    /// [`names`](Self::names) are given.
    pub fn no_header(mut self) -> Self {
        self.header = false;
        self
    }

    /// Names for all columns, in place of those in the header.
    pub fn names<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.names = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// What stands for a missing value, in place of [`Csv::MISSING`]. A marker that is a number, `"-999"`, goes by its
    /// value in columns of numbers. NaN is missing in any case, and without `""` an empty value is a text.
    pub fn missing<S: Into<String>>(mut self, markers: impl IntoIterator<Item = S>) -> Self {
        self.format.missing = markers.into_iter().map(Into::into).collect();
        self
    }

    /// What stands for a missing value besides what does already.
    ///
    /// ```
    /// # use nn_train::table::Csv;
    /// let table = Csv::new().also_missing(["-999"]).read_bytes(b"x\n1\nNA\n-999\n")?;
    /// assert_eq!(table.column("x")?.missing(), 2);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    pub fn also_missing<S: Into<String>>(mut self, markers: impl IntoIterator<Item = S>) -> Self {
        self.format.missing.extend(markers.into_iter().map(Into::into));
        self
    }

    /// This column holds text, though it may look like numbers: postal codes, say.
    pub fn text(mut self, name: impl Into<String>) -> Self {
        self.kinds.push((name.into(), Kind::Text, true));
        self
    }

    /// This column holds numbers; another value is an error that names its line.
    pub fn number(mut self, name: impl Into<String>) -> Self {
        self.kinds.push((name.into(), Kind::Number, true));
        self
    }

    /// This column is of a kind if it is there.
    pub(crate) fn kind(mut self, name: &str, number: bool) -> Self {
        self.kinds.push((name.to_owned(), if number { Kind::Number } else { Kind::Text }, false));
        self
    }

    /// As another file was read, but for names, kinds and limits.
    pub(crate) fn format(mut self, format: &Format) -> Self {
        self.format = format.clone();
        self
    }

    /// Spaces around names and values do not belong to them. Around numbers and markers they never do.
    pub fn trim(mut self) -> Self {
        self.format.trim = true;
        self
    }

    /// Bytes that are not UTF-8 become replacement characters, U+FFFD, instead of an error.
    pub fn lossy(mut self) -> Self {
        self.format.lossy = true;
        self
    }

    /// The most bytes of text to hold. By default a gzip file may unpack to 100 times its size and 1 MiB, and other files
    /// are as large as they are.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Calls `report` with the bytes that have been read and the bytes that there are, about once a mebibyte and at the
    /// end. It begins again where a column that seemed to be numbers turns out to be text.
    pub fn on_progress(mut self, report: impl FnMut(u64, u64) + 'a) -> Self {
        self.on_progress = Some(Box::new(report));
        self
    }

    /// Reads a file, gzip or plain.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read or unpacked, [`Error::Table`] with line and column for what is wrong in it,
    /// [`Error::Setting`] for a delimiter that cannot be one.
    pub fn read(self, path: impl AsRef<Path>) -> Result<Table, Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let delimiter = self.delimiter_of(path);
        let open = || {
            let file = File::open(path)?;
            let bytes = file.metadata()?.len();
            Ok((file, bytes))
        };
        let (file, bytes) = open().map_err(|error| Error::io("read", &place, &error))?;
        let text = unpack(file, bytes, self.max_bytes, &place)?;
        self.read_text(&text, &place, delimiter)
    }

    /// Reads from anything, the standard input for instance, gzip or plain.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_from(self, reader: impl Read) -> Result<Table, Error> {
        let text = unpack(reader, 0, self.max_bytes, INPUT)?;
        self.read_text(&text, INPUT, b',')
    }

    /// Reads what is in memory, gzip or plain.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn read_bytes(self, bytes: &[u8]) -> Result<Table, Error> {
        if packed(bytes) { self.read_from(bytes) } else { self.read_text(bytes, INPUT, b',') }
    }

    /// Reads with this delimiter unless another was set.
    fn read_text(mut self, text: &[u8], source: &str, delimiter: u8) -> Result<Table, Error> {
        let delimiter = self.format.delimiter.unwrap_or(delimiter);
        if delimiter.is_ascii_alphanumeric() || b"+-.\"\r\n".contains(&delimiter) || !delimiter.is_ascii() {
            let expected = "an ASCII character that is no letter, digit, sign, point, quote or line break";
            return Err(Error::setting("delimiter", delimiter.escape_ascii(), expected));
        }
        let source = Place { source: Some(source.to_owned()), ..Place::default() };
        // Byte order mark.
        read(&mut self, delimiter, text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text), &source)
    }
}

impl Default for Csv<'_> {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Csv<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = f.debug_struct("Csv");
        fields.field("format", &self.format).field("names", &self.names).field("header", &self.header);
        fields.field("kinds", &self.kinds).field("max_bytes", &self.max_bytes).finish_non_exhaustive()
    }
}
