//! What files that say the types of their columns share: which columns to read, how much to unpack, and numbers of types that
//! Rust has not.

use std::fmt;
use std::fs::File;
use std::io::{self, Cursor, Read, Seek, SeekFrom};
use std::path::Path;

use nn_kernels::StepError;

use super::column::Interner;
use super::lines::Origin;
use super::{Column, Place, Table, TableFault, expected_name};
use crate::error::Error;
use crate::memory::unpacked_limit;

/// How many bytes the pages or buffers of a file may unpack to, and its columns take, in any case.
const FREE: u64 = 16 << 20;

/// What is called with the bytes done so far and all bytes.
pub(super) type OnProgress<'a> = Box<dyn FnMut(u64, u64) + 'a>;

/// What a reader of such files can be told.
#[derive(Default)]
pub(super) struct Settings<'a> {
    pub(super) columns: Option<Vec<String>>,
    pub(super) without: Vec<String>,
    pub(super) max_bytes: Option<u64>,
    pub(super) on_progress: Option<OnProgress<'a>>,
}

impl fmt::Debug for Settings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { columns, without, max_bytes, .. } = self;
        let mut fields = f.debug_struct("Settings");
        fields.field("columns", columns).field("without", without).field("max_bytes", max_bytes).finish_non_exhaustive()
    }
}

impl Settings<'_> {
    /// The places of the columns to read, in the order in which they are asked for.
    pub(super) fn choose(&self, names: &[&str], place: &Place) -> Result<Vec<usize>, Error> {
        let find = |name: &String| {
            names.iter().position(|other| other == name).ok_or_else(|| {
                let expected = expected_name(name, names.iter().copied());
                Error::table(place.clone().column(name), TableFault::UnknownColumn { expected })
            })
        };
        let mut chosen = match &self.columns {
            Some(columns) => columns.iter().map(find).collect::<Result<_, _>>()?,
            None => (0..names.len()).collect::<Vec<_>>(),
        };
        let without = self.without.iter().map(find).collect::<Result<Vec<_>, _>>()?;
        chosen.retain(|place| !without.contains(place));
        Ok(chosen)
    }

    pub(super) fn report(&mut self, done: u64, all: u64) {
        if let Some(report) = &mut self.on_progress {
            report(done, all);
        }
    }

    /// How much a file of so many bytes may take.
    pub(super) fn budget(&self, length: u64) -> Budget {
        let limit = unpacked_limit(length, FREE, self.max_bytes);
        Budget { limit, unpacked: 0, table: 0 }
    }
}

/// The bytes that may be unpacked and the bytes that the table may take: each as many as `limit`.
#[derive(Debug)]
pub(super) struct Budget {
    limit: u64,
    unpacked: u64,
    table: u64,
}

impl Budget {
    pub(super) fn unpack(&mut self, bytes: u64) -> Result<(), TableFault> {
        self.unpacked = self.unpacked.saturating_add(bytes);
        self.check(self.unpacked)
    }

    pub(super) fn table(&mut self, bytes: u64) -> Result<(), TableFault> {
        self.table = self.table.saturating_add(bytes);
        self.check(self.table)
    }

    /// Gives back what is no longer held.
    #[cfg(feature = "parquet")]
    pub(super) fn give_back(&mut self, bytes: u64) {
        self.table = self.table.saturating_sub(bytes);
    }

    fn check(&self, bytes: u64) -> Result<(), TableFault> {
        if bytes > self.limit { Err(TableFault::TooLarge { limit: self.limit }) } else { Ok(()) }
    }
}

/// A part of a file that is not what the format says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Damage {
    what: &'static str,
    found: String,
    expected: String,
}

impl Damage {
    pub(super) fn new(what: &'static str, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { what, found: found.into(), expected: expected.into() }
    }
}

impl From<Damage> for TableFault {
    fn from(Damage { what, found, expected }: Damage) -> Self {
        Self::Damaged { what, found, expected }
    }
}

trait ReadSeek: Read + Seek {}
impl<R: Read + Seek> ReadSeek for R {}

/// The bytes of a file, read where they are needed.
pub(super) struct Input<'a> {
    reader: Box<dyn ReadSeek + 'a>,
    pub(super) length: u64,
    pub(super) place: Place,
}

impl<'a> Input<'a> {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let place = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (length, file) = opened.map_err(|error| Error::io("read", &place, &error))?;
        Ok(Self { reader: Box::new(file), length, place: Place { source: Some(place), ..Place::default() } })
    }

    pub(super) fn bytes(bytes: &'a [u8]) -> Self {
        let place = Place { source: Some("the input".to_owned()), ..Place::default() };
        Self { reader: Box::new(Cursor::new(bytes)), length: bytes.len() as u64, place }
    }

    /// Replaces `bytes` by so many from `start` on.
    pub(super) fn read(&mut self, start: u64, count: u64, bytes: &mut Vec<u8>) -> Result<(), Error> {
        if start.checked_add(count).is_none_or(|end| end > self.length) {
            let found = format!("{} bytes", self.length);
            let expected = format!("{count} more from byte {start} on");
            return Err(Error::table(self.place.clone(), Damage::new("the file", found, expected).into()));
        }
        bytes.clear();
        let room = count as usize;
        bytes.try_reserve_exact(room).map_err(|_| StepError::Memory { bytes: room })?;
        let read = self.reader.seek(SeekFrom::Start(start)).and_then(|_| {
            let read = self.reader.by_ref().take(count).read_to_end(bytes)?;
            if read < room { Err(io::ErrorKind::UnexpectedEof.into()) } else { Ok(()) }
        });
        read.map_err(|error| Error::io("read", &self.place, &error))
    }
}

/// A column while it is read.
pub(super) enum Growing {
    Numbers(Vec<f64>),
    Texts(Box<Interner>),
}

impl Growing {
    /// Numbers or texts, with room for so many rows.
    pub(super) fn new(text: bool, rows: usize) -> Result<Self, Error> {
        if text {
            let texts = Interner::try_with_capacity(rows).ok_or(StepError::Memory { bytes: rows.saturating_mul(4) })?;
            return Ok(Self::Texts(Box::new(texts)));
        }
        let mut numbers = Vec::new();
        numbers.try_reserve_exact(rows).map_err(|_| StepError::Memory { bytes: rows.saturating_mul(8) })?;
        Ok(Self::Numbers(numbers))
    }

    /// Bytes of a row.
    pub(super) fn row_bytes(text: bool) -> u64 {
        if text { 4 } else { 8 }
    }

    pub(super) fn finish(self) -> Column {
        match self {
            Self::Numbers(numbers) => Column::Number(numbers),
            Self::Texts(texts) => Column::Text(texts.finish()),
        }
    }
}

/// The table of these columns.
pub(super) fn table(names: Vec<String>, columns: Vec<Growing>, place: &Place) -> Result<Table, Error> {
    let origin = Origin::typed(place.source.as_deref().unwrap_or_default());
    Table::of(names, columns.into_iter().map(Growing::finish).collect(), origin)
}

/// Moves the values from place `start` on to where `present` says that there is one, and puts `missing` everywhere else.
#[cfg(feature = "parquet")]
pub(super) fn spread<V: Copy>(values: &mut Vec<V>, start: usize, present: &[bool], missing: V) {
    let mut from = values.len();
    values.resize(start + present.len(), missing);
    for (row, &present) in present.iter().enumerate().rev() {
        let to = start + row;
        if present {
            from -= 1;
            values[to] = values[from];
            if from == to {
                // All before it are where they belong.
                return;
            }
        } else {
            values[to] = missing;
        }
    }
}

/// A unit of times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    #[cfg_attr(not(feature = "arrow"), expect(dead_code, reason = "Parquet has none"))]
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
}

impl Unit {
    pub(super) fn seconds(self, time: i64) -> f64 {
        let units = match self {
            Self::Seconds => 1.0,
            Self::Milliseconds => 1e3,
            Self::Microseconds => 1e6,
            Self::Nanoseconds => 1e9,
        };
        time as f64 / units
    }
}

/// The number of up to 16 bytes, the most significant first.
#[cfg(feature = "parquet")]
pub(super) fn wide(bytes: &[u8]) -> i128 {
    let sign = if bytes.first().is_some_and(|byte| byte >> 7 == 1) { -1 } else { 0 };
    bytes.iter().fold(sign, |number, &byte| number << 8 | i128::from(byte))
}

/// The number nearest to `unscaled` / 10^`scale`.
pub(super) fn decimal(unscaled: i128, scale: u32) -> f64 {
    // Both exact, so that the quotient is rounded once.
    const EXACT: u32 = 22;
    if scale <= EXACT && unscaled.unsigned_abs() <= 1 << 53 {
        return unscaled as f64 / 10_f64.powi(scale as i32);
    }
    format!("{unscaled}e-{scale}").parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_the_nearest_numbers() {
        for (unscaled, scale, text) in [
            (12_345, 2, "123.45"),
            (-1, 22, "-1e-22"),
            (9_007_199_254_740_993, 3, "9007199254740.993"),
            (123_456_789_012_345_678_901_234_567_890, 17, "1234567890123.45678901234567890"),
            (5, 400, "0"),
        ] {
            assert_eq!(Ok(decimal(unscaled, scale)), text.parse());
        }
    }

    #[cfg(feature = "parquet")]
    #[test]
    fn values_go_to_their_rows() {
        let spread_of = |present: &[bool]| {
            let mut values = vec![9];
            values.extend(1..=present.iter().filter(|present| **present).count());
            spread(&mut values, 1, present, 0);
            values
        };
        assert_eq!(spread_of(&[true, false, true, true, false]), [9, 1, 0, 2, 3, 0]);
        assert_eq!(spread_of(&[false, false, true]), [9, 0, 0, 1]);
        assert_eq!(spread_of(&[false, false]), [9, 0, 0]);
        assert_eq!(spread_of(&[true, true]), [9, 1, 2]);
        assert_eq!(spread_of(&[]), [9]);
    }
}
