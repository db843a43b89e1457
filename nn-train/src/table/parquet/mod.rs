//! Tables from Parquet files.

mod bytes;
mod column;
mod decode;
mod kind;
mod meta;
mod thrift;

use std::path::Path;

use self::column::Fault;
use self::kind::{Kind, Leaf};
use self::meta::Footer;
use super::read::MOST_ROWS;
use super::typed::{Damage, Growing, Input, Settings, table};
use super::{MOST_COLUMNS, Place, Table, TableFault};
use crate::error::Error;

const MAGIC: [u8; 4] = *b"PAR1";
/// What a file with an encrypted footer begins and ends with.
const ENCRYPTED: [u8; 4] = *b"PARE";
/// Bytes behind the footer: its length and the magic number.
const TAIL: u64 = 8;

/// Reads a [`Table`] from a Parquet file, with settings.
///
/// | type of the column | becomes |
/// |---|---|
/// | whole numbers, signed or not, of 8 to 64 bits; float16, float32, float64 | the number, beyond 2⁵³ the nearest `f64` |
/// | truth values | 1 and 0 |
/// | decimals of up to 38 digits | the nearest `f64` |
/// | dates | days since 1970-01-01 |
/// | times of day, timestamps (INT96 too) | seconds since midnight, or since 1970-01-01 00:00 in the zone of the file, most often UTC |
/// | text, enumerations, JSON, and bytes without a meaning | text; bytes that are not UTF-8 are an error |
/// | lists, maps, structures, UUID, intervals and the like | an error with the name of the column, unless it is not asked for |
///
/// A value that is not there is missing, and so is NaN. pandas' categories are their texts, and its index, where it is no plain range, is
/// a column named as in the file, `__index_level_0__` for one without a name.
///
/// ```no_run
/// use nn_train::table::{Parquet, Table};
///
/// let all = Table::from_parquet("flights.parquet")?;
/// let few = Parquet::new().columns(["dep_delay", "carrier"]).read("flights.parquet")?;
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// Pages may be packed by Snappy, gzip, Zstandard or LZ4 (`LZ4_RAW`). LZO, Brotli and encryption are errors that say so. Pages of
/// versions 1 and 2 are read, in each encoding that there is but `BIT_PACKED`, which is no longer written, and their checksums
/// compared where they have one.
///
/// # Memory
/// Of a file one column of one row group is held at a time, and one page of it unpacked. The table takes 8 bytes for a number and 4
/// for a text, and each different text once, with 48 more. The dictionary of a column takes 8 bytes for a number and 24 for a text until
/// the next row group, and a page 1 byte for each row that can be missing and up to 16 for the lengths of its text. Whatever a file
/// holds, neither the table with these nor its pages together may take more than 100 times the bytes of the file and 16 MiB, unless
/// [`max_bytes`](Self::max_bytes) says otherwise; the footer takes no more than 256 bytes for each of its own. While the different
/// texts of a column grow they can take up to three times their memory, for a moment.
#[derive(Debug, Default)]
#[must_use]
pub struct Parquet<'a> {
    settings: Settings<'a>,
}

impl<'a> Parquet<'a> {
    /// All columns.
    pub fn new() -> Self {
        Self::default()
    }

    /// These columns only, in this order. Of the others nothing is read.
    pub fn columns<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.columns = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// All columns but these.
    pub fn without<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.settings.without = names.into_iter().map(Into::into).collect();
        self
    }

    /// The most bytes that the pages may unpack to, and that the table may take with the dictionary and the page that are being read.
    pub fn max_bytes(mut self, bytes: u64) -> Self {
        self.settings.max_bytes = Some(bytes);
        self
    }

    /// Calls `report` after each column of each row group with the bytes of the file that have been read and those that are to be.
    pub fn on_progress(mut self, report: impl FnMut(u64, u64) + 'a) -> Self {
        self.settings.on_progress = Some(Box::new(report));
        self
    }

    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be read, [`Error::Table`] with row group, column and row for what is wrong in it.
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
    /// Reads a Parquet file: [`Parquet`] with its defaults.
    ///
    /// # Errors
    /// As [`Parquet::read`].
    pub fn from_parquet(path: impl AsRef<Path>) -> Result<Self, Error> {
        Parquet::new().read(path)
    }
}

/// A column that was asked for.
struct Wanted<'f> {
    leaf: &'f Leaf,
    kind: Kind,
    growing: Growing,
}

fn read(mut settings: Settings<'_>, mut input: Input<'_>) -> Result<Table, Error> {
    let place = input.place.clone();
    let wrong = |damage: Damage| Error::table(place.clone(), damage.into());
    let mut budget = settings.budget(input.length);
    let footer = footer(&mut input)?;
    let (leaves, chunks) = kind::leaves(&footer).map_err(wrong)?;
    if leaves.len() > MOST_COLUMNS {
        let fault = TableFault::TooManyColumns { found: leaves.len(), limit: MOST_COLUMNS };
        return Err(Error::table(place, fault));
    }
    let rows = check(&footer, chunks, input.length).map_err(|fault| Error::table(place.clone(), fault))?;
    let names: Vec<&str> = leaves.iter().map(|leaf| leaf.name.as_str()).collect();
    let chosen = settings.choose(&names, &place)?;
    let mut wanted = Vec::new();
    for leaf in chosen.into_iter().map(|place| &leaves[place]) {
        let at = |fault| Error::table(place.clone().column(&leaf.name), fault);
        let kind = leaf.kind.clone().map_err(|found| at(TableFault::Type { found }))?;
        let text = kind == Kind::Text;
        budget.table(Growing::row_bytes(text).saturating_mul(rows as u64)).map_err(at)?;
        wanted.push(Wanted { leaf, kind, growing: Growing::new(text, rows)? });
    }
    let bytes_of =
        |column: &Wanted<'_>| footer.groups.iter().map(|group| group.chunks[column.leaf.place].bytes).sum::<u64>();
    let (mut done, all) = (0, wanted.iter().map(bytes_of).sum());
    let (mut pages, mut first) = (Vec::new(), 0);
    for (number, group) in footer.groups.iter().enumerate() {
        let rows = group.rows as usize;
        for Wanted { leaf, kind, growing } in &mut wanted {
            let here = Place { part: Some(format!("row group {number}")), ..place.clone() }.column(&leaf.name);
            let chunk = &group.chunks[leaf.place];
            if chunk.elsewhere || chunk.values != group.rows {
                let found = format!("{} values, or values in another file, or encrypted", chunk.values);
                let damage = Damage::new("a column", found, format!("{rows} values in this file"));
                return Err(Error::table(here, damage.into()));
            }
            input.place = here;
            input.read(chunk.start, chunk.bytes, &mut pages)?;
            column::read(leaf, *kind, chunk, rows, &pages, growing, &mut budget).map_err(|Fault { row, fault }| {
                Error::table(Place { row: row.map(|row| first + row), ..input.place.clone() }, fault)
            })?;
            done += chunk.bytes;
            settings.report(done, all);
        }
        first += rows;
    }
    let (names, columns) = wanted.into_iter().map(|column| (column.leaf.name.clone(), column.growing)).unzip();
    table(names, columns, &place)
}

/// Reads the footer.
fn footer(input: &mut Input<'_>) -> Result<Footer, Error> {
    let place = input.place.clone();
    let wrong =
        |found: String, expected: &str| Error::table(place.clone(), Damage::new("the file", found, expected).into());
    let mut bytes = Vec::new();
    input.read(0, input.length.min(4), &mut bytes)?;
    if bytes.is_empty() {
        return Err(wrong("nothing".to_owned(), "a Parquet file"));
    }
    if bytes != MAGIC {
        let what = if bytes == ENCRYPTED { ", an encrypted file" } else { "" };
        return Err(wrong(format!("\"{}\" at its beginning{what}", bytes.escape_ascii()), "\"PAR1\""));
    }
    let Some(front) = input.length.checked_sub(TAIL).filter(|&front| front >= 4) else {
        return Err(wrong(format!("{} bytes", input.length), "at least 12"));
    };
    input.read(front, TAIL, &mut bytes)?;
    let (length, magic) = bytes.split_at(4);
    if magic != MAGIC {
        return Err(wrong(format!("\"{}\" at its end", magic.escape_ascii()), "\"PAR1\": a file that is whole"));
    }
    let length = length.iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
    let Some(start) = front.checked_sub(length).filter(|&start| start >= 4) else {
        return Err(wrong(format!("a footer of {length} bytes in a file of {}", input.length), "a shorter one"));
    };
    input.read(start, length, &mut bytes)?;
    Footer::read(&bytes).map_err(|damage| Error::table(place.clone(), damage.into()))
}

/// The rows of the file, once all numbers of the footer agree with each other and with its length.
fn check(footer: &Footer, chunks: usize, length: u64) -> Result<usize, TableFault> {
    let mut bytes = 0_u64;
    let mut rows = 0_u64;
    for group in &footer.groups {
        if group.chunks.len() != chunks {
            let expected = format!("{chunks}, as the schema says");
            return Err(Damage::new("a row group", format!("{} columns", group.chunks.len()), expected).into());
        }
        rows = rows.saturating_add(group.rows);
        bytes = group.chunks.iter().fold(bytes, |bytes, chunk| bytes.saturating_add(chunk.bytes));
    }
    if rows != footer.rows {
        let expected = format!("{}, as the footer says", footer.rows);
        return Err(Damage::new("the row groups", format!("{rows} rows"), expected).into());
    }
    // No byte is in two columns, so that reading takes no longer than the file is long.
    if bytes > length {
        let expected = format!("no more than the {length} of the file");
        return Err(Damage::new("the columns", format!("{bytes} bytes"), expected).into());
    }
    match usize::try_from(rows) {
        Ok(rows) if rows < MOST_ROWS => Ok(rows),
        _ => Err(TableFault::TooManyRows { limit: MOST_ROWS - 1 }),
    }
}
