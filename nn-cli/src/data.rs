//! Tables from files of every kind that is read, told by the names of the files.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use nn_train::arrays::{Array, Npz};
use nn_train::table::{Arrow, Column, Csv, Parquet, Table, TableFault};

use crate::arguments::bytes;
use crate::failure::Failure;
use crate::model::Kind;
use crate::output::Output;

/// What a file of data is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Comma-separated values, plain or gzip: .csv, .csv.gz
    Csv,
    /// Tab-separated values, plain or gzip: .tsv, .tsv.gz
    Tsv,
    /// Parquet: .parquet
    Parquet,
    /// Arrow IPC, files and streams, Feather: .arrow, .feather, .ipc
    Arrow,
    /// An array of NumPy's, a row a sample: .npy
    Npy,
    /// Arrays of NumPy's, each a column or several: .npz
    Npz,
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Csv => "csv",
            Self::Tsv => "tsv",
            Self::Parquet => "parquet",
            Self::Arrow => "arrow",
            Self::Npy => "npy",
            Self::Npz => "npz",
        })
    }
}

/// The names by which files are known, for messages.
pub(crate) const NAMES: &str = ".csv, .tsv, .csv.gz, .tsv.gz, .parquet, .arrow, .feather, .npy or .npz";

impl Format {
    /// What the name of a file says that it is.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_string_lossy().to_lowercase();
        let unpacked = name.strip_suffix(".gz").unwrap_or(&name);
        match unpacked.rsplit_once('.')?.1 {
            "csv" | "txt" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "parquet" if unpacked == name => Some(Self::Parquet),
            "arrow" | "feather" | "ipc" if unpacked == name => Some(Self::Arrow),
            "npy" if unpacked == name => Some(Self::Npy),
            "npz" if unpacked == name => Some(Self::Npz),
            _ => None,
        }
    }
}

/// How files of data are read.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Reading")]
pub(crate) struct Reading {
    /// What the file is, where its name does not say it
    #[arg(long = "format", value_name = "FORMAT", value_enum)]
    format: Option<Format>,
    /// What stands between two values of CSV: a character, or tab [default: a comma; a tab in .tsv]
    #[arg(long, value_name = "CHAR", value_parser = delimiter)]
    delimiter: Option<u8>,
    /// The first line of CSV is a row like the others; columns are called "column 1" and so on
    #[arg(long)]
    no_header: bool,
    /// What stands for a missing value in CSV besides an empty value, NA, NaN, null and the like: -999,?
    #[arg(long, value_name = "TEXTS", value_delimiter = ',', allow_hyphen_values = true)]
    missing: Option<Vec<String>>,
    /// All that stands for a missing value in CSV, beside an empty value
    #[arg(long, value_name = "TEXTS", value_delimiter = ',', allow_hyphen_values = true, conflicts_with = "missing")]
    only_missing: Option<Vec<String>>,
    /// Columns of CSV that are text though they look like numbers
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    text: Vec<String>,
    /// Columns of CSV that are numbers: another value in them is an error
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    number: Vec<String>,
    /// Spaces around names and values of CSV do not belong to them
    #[arg(long)]
    trim: bool,
    /// Read bytes that are not UTF-8 as replacement characters
    #[arg(long)]
    lossy: bool,
    /// The most that a file may unpack to, such as 2GB [default: 100 times its size and 1 MiB, of Parquet and Arrow 16 MiB]
    #[arg(long, value_name = "BYTES", value_parser = bytes)]
    max_bytes: Option<u64>,
}

/// A character, or the name of one that is hard to type.
fn delimiter(text: &str) -> Result<u8, String> {
    match text {
        "tab" | "\\t" => Ok(b'\t'),
        _ => match text.as_bytes() {
            [byte] => Ok(*byte),
            _ => Err("expected one ASCII character such as ; or |, or tab".to_owned()),
        },
    }
}

/// Whether a name stands for the standard input or output.
pub(crate) fn is_standard(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The name of a file for messages.
pub(crate) fn name_of(path: &Path) -> String {
    if is_standard(path) { "the standard input".to_owned() } else { path.display().to_string() }
}

impl Reading {
    /// What a file is.
    pub(crate) fn format(&self, path: &Path) -> Result<Format, Failure> {
        check_data(path)?;
        let format = match self.format {
            Some(format) => Some(format),
            None if is_standard(path) => Some(Format::Csv),
            None => Format::of(path),
        };
        let format = format.ok_or_else(|| {
            let path = path.display();
            Failure::usage(format!("what {path} is cannot be told by its name; expected {NAMES}, or --format"))
        })?;
        self.check(path, format)?;
        Ok(format)
    }

    /// Refuses options that would do nothing for a file of this format, and plain CSV that is too large.
    fn check(&self, path: &Path, format: Format) -> Result<(), Failure> {
        if matches!(format, Format::Csv | Format::Tsv) {
            return match self.max_bytes {
                Some(limit) if is_plain_larger(path, limit) => Err(Failure::work(format!(
                    "{}: the file is larger than --max-bytes {limit}; allow more, or leave the option out",
                    path.display()
                ))),
                _ => Ok(()),
            };
        }
        let options = [
            ("--delimiter", self.delimiter.is_some()),
            ("--no-header", self.no_header),
            ("--missing", self.missing.is_some()),
            ("--only-missing", self.only_missing.is_some()),
            ("--text", !self.text.is_empty()),
            ("--number", !self.number.is_empty()),
            ("--trim", self.trim),
            ("--lossy", self.lossy),
            ("--max-bytes", self.max_bytes.is_some() && format == Format::Npy),
        ];
        match options.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => {
                Err(Failure::usage(format!("{option} does nothing for {}, which is {format}", name_of(path))))
            }
            None => Ok(()),
        }
    }

    /// Whether the columns of CSV have names.
    pub(crate) fn has_header(&self) -> bool {
        !self.no_header
    }

    /// The delimiter that was asked for, if one was: a model remembers it, and one that the name of a file says is not to be
    /// remembered.
    fn asked_for(&self, path: &Path, format: Format) -> Option<u8> {
        self.delimiter.or_else(|| (format == Format::Tsv && Format::of(path) != Some(format)).then_some(b'\t'))
    }

    /// What stands between values of a file that `csv` is going to read.
    pub(crate) fn delimiter(&self, csv: &Csv<'_>, path: &Path, format: Format) -> u8 {
        self.asked_for(path, format).unwrap_or_else(|| csv.delimiter_of(path))
    }

    /// `csv` with these settings, for a file.
    pub(crate) fn csv<'a>(&self, mut csv: Csv<'a>, path: &Path, format: Format) -> Csv<'a> {
        if let Some(delimiter) = self.asked_for(path, format) {
            csv = csv.delimiter(delimiter);
        }
        if self.no_header {
            csv = csv.no_header();
        }
        if let Some(missing) = &self.missing {
            csv = csv.also_missing(missing);
        }
        if let Some(missing) = &self.only_missing {
            csv = csv.missing(missing.iter().map(String::as_str).chain([""]));
        }
        if self.trim {
            csv = csv.trim();
        }
        if self.lossy {
            csv = csv.lossy();
        }
        if let Some(bytes) = self.max_bytes {
            csv = csv.max_bytes(bytes);
        }
        let csv = self.text.iter().fold(csv, |csv, name| csv.text(name));
        self.number.iter().fold(csv, |csv, name| csv.number(name))
    }

    /// Columns of CSV that are text because of a few values, with the first of these.
    pub(crate) fn nearly_numbers(&self, table: &Table, path: &Path) -> Vec<NearlyNumbers> {
        if !self.format(path).is_ok_and(|format| matches!(format, Format::Csv | Format::Tsv)) {
            return Vec::new();
        }
        let columns = table.columns().filter(|(name, _)| !self.text.iter().any(|text| text == name));
        columns.filter_map(|(name, column)| NearlyNumbers::of(table, name, column)).collect()
    }

    /// What is said of a table of one column whose name looks like several.
    pub(crate) fn other_delimiter(&self, names: &[String]) -> Option<String> {
        let [name] = names else { return None };
        let found = [(';', "';'"), ('\t', "tab"), ('|', "'|'")].into_iter().find(|(char, _)| name.contains(*char));
        let (_, shown) = found.filter(|_| self.delimiter.is_none() && !name.contains(','))?;
        Some(format!("there is one column, {name:?}; try --delimiter {shown}"))
    }

    /// The table in a file, or in the standard input. `csv` says what is known of CSV already.
    pub(crate) fn table(&self, path: &Path, csv: Csv<'static>, output: &Output) -> Result<Table, Failure> {
        let format = self.format(path)?;
        if is_standard(path) && !matches!(format, Format::Csv | Format::Tsv) {
            return Err(Failure::usage(format!("the standard input is read as CSV; for {format} name a file")));
        }
        let bar = bar(path, output);
        let report = |read, of| {
            bar.set_length(of);
            bar.set_position(read);
        };
        let table = match format {
            Format::Csv | Format::Tsv => {
                let csv = self.csv(csv, path, format).on_progress(report);
                if is_standard(path) { csv.read_from(io::stdin().lock()) } else { csv.read(path) }
            }
            Format::Parquet => {
                let parquet = Parquet::new().on_progress(report);
                match self.max_bytes {
                    Some(bytes) => parquet.max_bytes(bytes).read(path),
                    None => parquet.read(path),
                }
            }
            Format::Arrow => {
                let arrow = Arrow::new().on_progress(report);
                match self.max_bytes {
                    Some(bytes) => arrow.max_bytes(bytes).read(path),
                    None => arrow.read(path),
                }
            }
            Format::Npy => return array_table(&Array::read_npy(path)?, "column", path),
            Format::Npz => return archive_table(path, self.max_bytes),
        };
        bar.finish_and_clear();
        let table = table?;
        if let Some(hint) = self.other_delimiter(table.names()) {
            output.note(format_args!("{}: {hint}", name_of(path)));
        }
        Ok(table)
    }
}

/// A column of text most of whose values are numbers.
pub(crate) struct NearlyNumbers {
    pub(crate) column: String,
    numbers: usize,
    present: usize,
    line: Option<u64>,
    found: String,
}

impl NearlyNumbers {
    fn of(table: &Table, name: &str, column: &Column) -> Option<Self> {
        let Column::Text(text) = column else { return None };
        let is_number: Vec<bool> = text.categories().map(|text| text.trim().parse::<f64>().is_ok()).collect();
        let (mut numbers, mut present) = (0, 0);
        for code in text.codes().flatten() {
            (numbers, present) = (numbers + usize::from(is_number[code]), present + 1);
        }
        // Nine of ten, and not all: then somebody has said that it is text.
        if numbers == present || 10 * numbers < 9 * present {
            return None;
        }
        match table.numbers(name) {
            Err(nn_train::Error::Table { place, fault }) => match *fault {
                TableFault::NotANumber { found } => {
                    Some(Self { column: name.to_owned(), numbers, present, line: place.line, found })
                }
                _ => None,
            },
            _ => None,
        }
    }
}

impl fmt::Display for NearlyNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { column, numbers, present, line, found } = self;
        write!(f, "{column}: {numbers} of {present} values are numbers, ")?;
        match line {
            Some(line) => write!(f, "line {line} is {found:?}")?,
            None => write!(f, "one is {found:?}")?,
        }
        let quoted = found.replace('\'', "'\\''");
        write!(f, "; --missing '{quoted}' if it stands for none, --number {column} to make it an error")
    }
}

/// Whether a file has no byte. Of a pipe that is not known before it is read.
pub(crate) fn is_empty(path: &Path) -> bool {
    path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() == 0)
}

/// Whether a file that is not packed is larger than this.
fn is_plain_larger(path: &Path, limit: u64) -> bool {
    let mut first = Vec::new();
    let is_larger = path.metadata().is_ok_and(|metadata| metadata.is_file() && metadata.len() > limit);
    is_larger && File::open(path).and_then(|file| file.take(2).read_to_end(&mut first)).is_ok() && first != [0x1F, 0x8B]
}

/// Refuses what is surely no data: an empty file, records, a model.
fn check_data(path: &Path) -> Result<(), Failure> {
    if is_standard(path) || !path.is_file() {
        return Ok(());
    }
    let name = path.display();
    if is_empty(path) {
        return Err(Failure::work(format!("{name}: the file is empty; expected a header and rows")));
    }
    match Kind::of(path)? {
        Kind::Records => Err(Failure::work(format!(
            "{name}: records are for programs (docs/larger-than-memory.md); expected a table, or `nn-train convert` to \
             make one of them"
        ))),
        Kind::Bundle | Kind::Checkpoint | Kind::Embedded | Kind::Safetensors | Kind::Onnx => {
            Err(Failure::work(format!("{name}: this is a model; expected data: {NAMES}")))
        }
        Kind::Other => Ok(()),
    }
}

/// Shows how much of a large file has been read, on a terminal.
fn bar(path: &Path, output: &Output) -> ProgressBar {
    /// Smaller files are there before anybody looks.
    const LARGE: u64 = 16 << 20;
    let size = path.metadata().map_or(0, |metadata| metadata.len());
    if output.is_quiet() || size < LARGE {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{msg} {wide_bar} {percent} %");
    let bar = ProgressBar::with_draw_target(Some(size), ProgressDrawTarget::stderr());
    bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
        .with_message(format!("reading {}", path.display()))
}

/// The columns of an array, `name 1` and so on: its first dimension is that of the rows. One of a single dimension is a column of
/// that name.
fn array_columns(array: &Array<f64>, name: &str, path: &Path) -> Result<Vec<(String, Column)>, Failure> {
    let sizes = array.sizes();
    let width = match sizes {
        [] => return Err(Failure::work(format!("{}: {name} is one number; expected rows of them", path.display()))),
        [_] => 1,
        [rows, ..] => array.numbers().len().checked_div(*rows).unwrap_or(0),
    };
    let column =
        |index: usize| Column::from(array.numbers().iter().skip(index).step_by(width).copied().collect::<Vec<_>>());
    if let [_] = sizes {
        return Ok(vec![(name.to_owned(), column(0))]);
    }
    Ok((0..width).map(|index| (format!("{name} {}", index + 1), column(index))).collect())
}

fn array_table(array: &Array<f64>, name: &str, path: &Path) -> Result<Table, Failure> {
    Ok(Table::new(array_columns(array, name, path)?)?)
}

/// All arrays of an archive side by side.
fn archive_table(path: &Path, max_bytes: Option<u64>) -> Result<Table, Failure> {
    let mut archive = Npz::open(path)?;
    if let Some(bytes) = max_bytes {
        archive = archive.limit(bytes);
    }
    let names = archive.names().to_vec();
    let mut columns = Vec::new();
    for name in names {
        columns.extend(array_columns(&archive.array(&name)?, &name, path)?);
    }
    Ok(Table::new(columns)?)
}

/// Opens a file, or the standard input.
pub(crate) fn open(path: &Path) -> Result<Box<dyn Read + Send>, Failure> {
    if is_standard(path) {
        return Ok(Box::new(io::stdin()));
    }
    let file = File::open(path).map_err(|error| Failure::file("open", path, &error))?;
    Ok(Box::new(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_tells_the_format() {
        let of = |name: &str| Format::of(Path::new(name));
        assert_eq!(
            (of("a.csv"), of("A.CSV.GZ"), of("b/c.tsv.gz")),
            (Some(Format::Csv), Some(Format::Csv), Some(Format::Tsv))
        );
        assert_eq!((of("x.npy"), of("x.npz"), of("x.npy.gz")), (Some(Format::Npy), Some(Format::Npz), None));
        assert_eq!((of("csv"), of("x.xlsx"), of("..")), (None, None, None));
    }

    #[test]
    fn a_delimiter_is_one_character() {
        assert_eq!((delimiter(";"), delimiter("tab"), delimiter("\\t")), (Ok(b';'), Ok(b'\t'), Ok(b'\t')));
        assert!(delimiter("").is_err() && delimiter(";;").is_err() && delimiter("€").is_err());
    }
}
