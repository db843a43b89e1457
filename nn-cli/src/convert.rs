//! `convert`: data from one kind of file to another.

use std::fmt;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use nn_train::arrays::{Array, NpzWriter};
use nn_train::preprocess::{Preprocess, Scaling};
use nn_train::records::{InputFormat, TargetFormat, Writer};
use nn_train::table::{Column, Csv, Table};
use nn_train::{DynDataset, Element, Records, Rows, Source};
use serde_json::{Value, json};

use crate::arguments::positive;
use crate::data::{self, Format, Reading, name_of};
use crate::evaluate::known;
use crate::failure::Failure;
use crate::model::{self, Kind};
use crate::output::{Destination, Output};
use crate::streamed::Streamed;

/// Convert data from one kind of file to another
///
/// A table becomes CSV, or arrays of NumPy's, or records: a file that training reads block by block, for data larger than memory.
/// For records, and for arrays of inputs and targets, columns become the numbers that a network takes: --target says which are
/// predicted, texts become an input a category, and with --model everything is scaled as for that model. CSV is then written to
/// records part by part, so that it may be larger than memory.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The file to read, or - for CSV on the standard input: a table, an IDX file of images (name-ubyte, .idx, .gz of them), or records (.nnr)
    #[arg(value_name = "INPUT")]
    input: PathBuf,
    /// The file to write: .csv, .npy, .npz or .nnr (records)
    #[arg(value_name = "OUTPUT")]
    output: PathBuf,
    /// The format to write, where the name does not tell it
    #[arg(long, value_enum)]
    to: Option<Target>,
    /// Overwrite the file
    #[arg(long)]
    force: bool,
    /// The columns to take, in this order [default: all]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    select: Option<Vec<String>>,
    /// Columns to leave out
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    without: Vec<String>,
    /// The columns to predict, for records and for arrays x and y
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    target: Vec<String>,
    /// The target is classes, though it looks like numbers
    #[arg(long, requires = "target")]
    classes: bool,
    /// The model whose preprocessing makes inputs and targets of the columns
    #[arg(long, value_name = "MODEL", conflicts_with_all = ["target", "select", "without"])]
    model: Option<PathBuf>,
    /// The classes of images or rows of an array: an IDX or NPY file of labels
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// What the numbers of IDX and NPY inputs are divided by: 255 for pixels
    #[arg(long, value_name = "NUMBER", requires = "labels", value_parser = positive)]
    scale: Option<f64>,
    /// Keep inputs that are whole numbers from 0 to 255, divided by --scale, as bytes in records
    #[arg(long, requires = "labels")]
    bytes: bool,
    /// The numbers that are written [default: f64 in arrays, f32 in records]
    #[arg(long, value_enum)]
    precision: Option<Numbers>,
    #[command(flatten)]
    reading: Reading,
}

const EXAMPLES: &str = "Examples:
  nn-train convert diamonds.npz diamonds.csv
  nn-train convert flights.csv.gz flights.nnr --target arr_delay --without tailnum
  nn-train convert flights.csv arrays.npz --target arr_delay      arrays x and y
  nn-train convert train-images-idx3-ubyte.gz mnist.nnr --labels train-labels-idx1-ubyte.gz --scale 255 --bytes";

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Target {
    /// Comma-separated values: .csv
    Csv,
    /// One array of NumPy's, a row a sample: .npy
    Npy,
    /// Arrays of NumPy's, x and y or one a column: .npz
    Npz,
    /// Records, for data larger than memory: .nnr
    Records,
}

impl Target {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()?.to_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "npy" => Some(Self::Npy),
            "npz" => Some(Self::Npz),
            "nnr" | "records" => Some(Self::Records),
            _ => None,
        }
    }
}

/// The numbers that are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Numbers {
    /// 4 bytes each
    F32,
    /// 8 bytes each
    F64,
}

/// What has been written.
struct Written {
    rows: u64,
    what: String,
    more: Value,
}

impl fmt::Display for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} rows, {}", self.rows, self.what)
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let to = &arguments.output;
    let target = arguments.to.or_else(|| Target::of(to)).ok_or_else(|| {
        let to = to.display();
        Failure::usage(format!(
            "what {to} is to be cannot be told by its name; expected .csv, .npy, .npz or .nnr, or --to"
        ))
    })?;
    arguments.check(target)?;
    let files = [arguments.model.as_deref(), arguments.labels.as_deref()];
    let inputs: Vec<&Path> = [&*arguments.input].into_iter().chain(files.into_iter().flatten()).collect();
    let destination = Destination::new(to, arguments.force, &inputs)?;
    let usual = if target == Target::Records { Numbers::F32 } else { Numbers::F64 };
    let written = match arguments.precision.unwrap_or(usual) {
        Numbers::F32 => arguments.convert::<f32>(target, &destination, output)?,
        Numbers::F64 => arguments.convert::<f64>(target, &destination, output)?,
    };
    let mut value = json!({
        "input": arguments.input,
        "output": to,
        "rows": written.rows,
        "bytes": destination.bytes(),
    });
    if let (Value::Object(value), Value::Object(more)) = (&mut value, &written.more) {
        value.extend(more.clone());
    }
    output.result_of(&destination, &value, format_args!("{}: {written}", to.display()))
}

/// Whether a file is IDX, by its name: `train-images-idx3-ubyte`, `x.idx`, packed or not.
fn is_idx(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    name.ends_with("-ubyte") || name.rsplit_once('.').is_some_and(|(_, end)| end.starts_with("idx"))
}

impl Arguments {
    /// Refuses options that would do nothing.
    fn check(&self, target: Target) -> Result<(), Failure> {
        let as_it_is = matches!(target, Target::Csv | Target::Npy);
        if as_it_is && (self.model.is_some() || !self.target.is_empty()) {
            return Err(Failure::usage(
                "--model and --target are for records and .npz; .csv and .npy hold the columns as they are",
            ));
        }
        if target == Target::Csv && self.precision.is_some() {
            return Err(Failure::usage("--precision does nothing for .csv, which holds numbers as text"));
        }
        Ok(())
    }

    /// Refuses options for the columns of a table where there is none.
    fn check_no_columns(&self) -> Result<(), Failure> {
        let options = [
            ("--select", self.select.is_some()),
            ("--without", !self.without.is_empty()),
            ("--target", !self.target.is_empty()),
            ("--model", self.model.is_some()),
        ];
        match options.into_iter().find(|(_, given)| *given) {
            Some((option, _)) => Err(Failure::usage(format!(
                "{option} is for tables, and {} has no columns with names",
                self.input.display()
            ))),
            None => Ok(()),
        }
    }

    fn convert<T: Item>(&self, target: Target, to: &Destination, output: &Output) -> Result<Written, Failure> {
        if is_idx(&self.input) || self.labels.is_some() {
            self.check_no_columns()?;
            return self.arrays::<T>(target, to);
        }
        if !data::is_standard(&self.input) && Kind::of(&self.input)? == Kind::Records {
            self.check_no_columns()?;
            return self.records::<T>(target, to);
        }
        let format = self.reading.format(&self.input)?;
        let csv = match &self.model {
            Some(path) => {
                let preprocess = self.preprocess(path)?;
                // The standard input cannot be read twice.
                let is_csv = matches!(format, Format::Csv | Format::Tsv) && !data::is_standard(&self.input);
                if target == Target::Records && is_csv {
                    return self.stream::<T>(&preprocess, format, to, output);
                }
                preprocess.csv()
            }
            None => Csv::new(),
        };
        let table = self.reading.table(&self.input, csv, output)?;
        let table = match &self.select {
            Some(names) => table.select(names)?,
            None => table,
        };
        let table = if self.without.is_empty() { table } else { table.without(&self.without)? };
        self.table::<T>(&table, target, to, output)
    }

    /// What a model makes of columns.
    fn preprocess(&self, path: &Path) -> Result<Preprocess, Failure> {
        let bundle = model::bundle(path)?;
        bundle.preprocess().cloned().ok_or_else(|| {
            Failure::work(format!(
                "{}: this model takes rows of numbers; it has nothing to make of columns",
                path.display()
            ))
        })
    }

    fn table<T: Item>(
        &self,
        table: &Table,
        target: Target,
        to: &Destination,
        output: &Output,
    ) -> Result<Written, Failure> {
        let (rows, columns) = (table.rows() as u64, table.names().len());
        let has_targets = !self.target.is_empty() || self.model.is_some();
        let written = |what: String| Written { rows, what, more: json!({ "columns": table.names() }) };
        match target {
            Target::Csv => {
                to.write(|path| table.write_csv(path))?;
                Ok(written(format!("{columns} columns")))
            }
            Target::Npy => {
                let numbers = rows_of::<T>(table)?;
                let array = Array::new(numbers, [table.rows(), columns])?;
                to.write(|path| array.write_npy(path))?;
                Ok(written(format!("{columns} columns of {}", T::NAME)))
            }
            Target::Npz if !has_targets => {
                let arrays: Vec<(&String, Array<T>)> = table
                    .names()
                    .iter()
                    .map(|name| {
                        let numbers = numbers_of(table, name)?.iter().map(|&number| narrow(number, name));
                        let numbers = numbers.collect::<Result<_, _>>()?;
                        Ok((name, Array::new(numbers, [table.rows()])?))
                    })
                    .collect::<Result<_, Failure>>()?;
                let archive =
                    arrays.iter().fold(NpzWriter::new(), |archive, (name, array)| archive.array(*name, array));
                to.write(|path| archive.write(path))?;
                Ok(written(format!("{columns} arrays of {}", T::NAME)))
            }
            Target::Npz | Target::Records => {
                let name = name_of(&self.input);
                let (preprocess, table) = match &self.model {
                    Some(path) => {
                        let preprocess = self.preprocess(path)?;
                        let table = known(table, &preprocess.target_names(), &name, output)?;
                        (preprocess, table)
                    }
                    None if self.target.is_empty() => {
                        return Err(Failure::usage("records need --target, the columns to predict, or --model"));
                    }
                    None => {
                        let targets: Vec<&str> = self.target.iter().map(String::as_str).collect();
                        let table = known(table, &targets, &name, output)?;
                        (self.plain(&table)?, table)
                    }
                };
                if self.model.is_none() {
                    output.note(format_args!("inputs: {}", preprocess.input_names().join(", ")));
                }
                let data = preprocess.dataset::<T>(&table)?;
                let classes = preprocess.classes().is_some();
                let mut written = self.data(&data, target, classes, None, to)?;
                written.more["input_names"] = json!(preprocess.input_names());
                written.more["classes"] = json!(preprocess.classes());
                Ok(written)
            }
        }
    }

    /// Writes records of a CSV file of any size.
    fn stream<T: Item>(
        &self,
        preprocess: &Preprocess,
        format: Format,
        to: &Destination,
        output: &Output,
    ) -> Result<Written, Failure> {
        let rows = Streamed::<T>::open(&self.input, &self.reading, format, preprocess)?;
        if rows.without_target() > 0 {
            output.note(format_args!("{} rows have no target and are left out", rows.without_target()));
        }
        let mut writer = Writer::new();
        if preprocess.classes().is_some() {
            writer = writer.target_format(TargetFormat::Label);
        }
        let written = to.write(|path| writer.write(&rows, path));
        if let (Err(_), Some(signal)) = (&written, rows.ended()) {
            return Err(Failure::ended(signal, Some(format!("ended by {signal}: nothing is written"))));
        }
        written?;
        let (width, target_width) = (rows.input_width(), rows.target_width());
        Ok(Written {
            rows: rows.len(),
            what: format!("{width} inputs, {target_width} outputs"),
            more: json!({
                "inputs": width,
                "outputs": target_width,
                "input_names": preprocess.input_names(),
                "classes": preprocess.classes(),
            }),
        })
    }

    /// Columns as the numbers that they are, texts as an input a category.
    fn plain(&self, table: &Table) -> Result<Preprocess, Failure> {
        let mut settings = Preprocess::for_targets(&self.target).scaling(Scaling::None).scale_targets(false);
        if self.classes {
            settings = settings.classes();
        }
        Ok(settings.fit(table)?)
    }

    /// Writes inputs and targets.
    fn data<T: Item>(
        &self,
        data: &DynDataset<T>,
        target: Target,
        classes: bool,
        bytes: Option<f64>,
        to: &Destination,
    ) -> Result<Written, Failure> {
        let (rows, width, target_width) = (data.len(), data.input_width(), data.target_width());
        match target {
            Target::Records => {
                let mut writer = Writer::new();
                if classes {
                    writer = writer.target_format(TargetFormat::Label);
                }
                if let Some(scale) = bytes {
                    writer = writer.input_format(InputFormat::Bytes { scale });
                }
                to.write(|path| writer.write(data, path))?;
            }
            Target::Npz | Target::Npy | Target::Csv if classes => {
                let labels = Array::new(data.labels()?, [rows])?;
                self.x_and_y(data, &labels, target, to)?;
            }
            Target::Npz | Target::Npy | Target::Csv => {
                let targets = Array::new(data.targets().to_vec(), [rows, target_width])?;
                self.x_and_y(data, &targets, target, to)?;
            }
        }
        let what = if classes { "classes" } else { "numbers" };
        Ok(Written {
            rows: rows as u64,
            what: format!("{width} inputs, {target_width} outputs of {what}"),
            more: json!({ "inputs": width, "outputs": target_width }),
        })
    }

    /// Writes inputs and targets as arrays, or as columns side by side.
    fn x_and_y<T: Item, U: nn_train::arrays::Item + ToNumber>(
        &self,
        data: &DynDataset<T>,
        targets: &Array<U>,
        target: Target,
        to: &Destination,
    ) -> Result<(), Failure> {
        let (rows, width) = (data.len(), data.input_width());
        if target == Target::Npz {
            let inputs = Array::new(data.inputs().to_vec(), [rows, width])?;
            return to.write(|path| NpzWriter::new().array("x", &inputs).array("y", targets).write(path));
        }
        let target_width = targets.numbers().len() / rows.max(1);
        if target == Target::Npy {
            let mut numbers = Vec::with_capacity(rows * (width + target_width));
            for (input, target) in data.inputs().chunks_exact(width).zip(targets.numbers().chunks_exact(target_width)) {
                numbers.extend_from_slice(input);
                numbers.extend(target.iter().map(|number| T::from_f64(number.number())));
            }
            let array = Array::new(numbers, [rows, width + target_width])?;
            return to.write(|path| array.write_npy(path));
        }
        let column = |index: usize| {
            let numbers = data.inputs().iter().skip(index).step_by(width);
            Column::from(numbers.map(|number| number.to_f64()).collect::<Vec<_>>())
        };
        let target_column = |index: usize| {
            let numbers = targets.numbers().iter().skip(index).step_by(target_width);
            Column::from(numbers.map(|number| number.number()).collect::<Vec<_>>())
        };
        let inputs = (0..width).map(|index| (format!("x {}", index + 1), column(index)));
        let outputs = (0..target_width).map(|index| {
            (if target_width == 1 { "y".to_owned() } else { format!("y {}", index + 1) }, target_column(index))
        });
        let table = Table::new(inputs.chain(outputs))?;
        to.write(|path| table.write_csv(path))
    }

    /// Images, or the rows of an array, with or without labels.
    fn arrays<T: Item>(&self, target: Target, to: &Destination) -> Result<Written, Failure> {
        let scale = self.scale.unwrap_or(1.0);
        // Pixels alone stay bytes.
        if self.labels.is_none()
            && target == Target::Npy
            && let Ok(bytes) = read_array::<u8>(&self.input)
        {
            to.write(|path| bytes.write_npy(path))?;
            let (sizes, rows) = (bytes.sizes(), bytes.sizes().first().copied().unwrap_or(0));
            let what = format!("sizes {sizes:?}, bytes");
            return Ok(Written { rows: rows as u64, what, more: json!({ "sizes": sizes }) });
        }
        let inputs: Array<T> = read_array(&self.input)?;
        let sizes = inputs.sizes().to_vec();
        let rows = sizes.first().copied().unwrap_or(0);
        let Some(path) = &self.labels else {
            return match target {
                Target::Npy => {
                    to.write(|path| inputs.write_npy(path))?;
                    Ok(Written { rows: rows as u64, what: format!("sizes {sizes:?}"), more: json!({ "sizes": sizes }) })
                }
                _ => Err(Failure::usage(
                    "images alone become an array, .npy; with --labels they become records, .npz or .csv as well",
                )),
            };
        };
        let inputs = inputs.map(|number| T::from_f64(number.to_f64() / scale));
        let labels: Array<usize> = read_array(path)?;
        let classes = labels.numbers().iter().max().map_or(0, |&most| most.saturating_add(1));
        let width = if classes == 2 { 1 } else { classes };
        if classes < 2 {
            return Err(Failure::work(format!("{}: all labels are 0; expected two classes at least", path.display())));
        }
        let data = inputs.with_labels(&labels, width)?;
        let mut written = self.data(&data, target, true, self.bytes.then_some(1.0 / scale), to)?;
        written.more["classes"] = json!(classes);
        Ok(written)
    }

    /// Records as arrays or as a table.
    fn records<T: Item>(&self, target: Target, to: &Destination) -> Result<Written, Failure> {
        if target == Target::Records {
            return Err(Failure::usage("the input is a file of records already; expected .csv, .npy or .npz to write"));
        }
        let records = Records::<T>::open(&self.input)?;
        let (width, target_width) = (records.input_width(), records.target_width());
        let classes = records.target_format() == TargetFormat::Label;
        let mut rows = Rows::of(&records)?;
        let (mut inputs, mut targets) = (Vec::new(), Vec::new());
        /// Records read at a time.
        const STEP: usize = 4096;
        for first in (0..records.len()).step_by(STEP) {
            let indices: Vec<u64> = (first..records.len().min(first + STEP as u64)).collect();
            rows.fill(&records, &indices)?;
            inputs.extend_from_slice(rows.inputs());
            targets.extend_from_slice(rows.targets());
        }
        let data = DynDataset::new(inputs, width, targets, target_width)?;
        self.data(&data, target, classes, None, to)
    }
}

/// A number type of networks that is one of arrays too.
trait Item: Element + nn_train::arrays::Item + ToNumber {}
impl Item for f32 {}
impl Item for f64 {}

/// A number as `f64`.
trait ToNumber: Copy {
    fn number(self) -> f64;
}

impl ToNumber for f32 {
    fn number(self) -> f64 {
        self.into()
    }
}

impl ToNumber for f64 {
    fn number(self) -> f64 {
        self
    }
}

impl ToNumber for usize {
    fn number(self) -> f64 {
        self as f64
    }
}

/// An array of an IDX or NPY file.
fn read_array<T: nn_train::arrays::Item>(path: &Path) -> Result<Array<T>, Failure> {
    if is_idx(path) {
        return Ok(Array::read_idx(path)?);
    }
    match Format::of(path) {
        Some(Format::Npy) => Ok(Array::read_npy(path)?),
        _ => Err(Failure::usage(format!(
            "{}: expected an IDX file (name-ubyte, .idx, .gz of them) or .npy beside --labels",
            path.display()
        ))),
    }
}

/// The numbers of a column; text is an error that says what to do.
fn numbers_of<'a>(table: &'a Table, name: &str) -> Result<&'a [f64], Failure> {
    match table.column(name)? {
        Column::Number(numbers) => Ok(numbers),
        Column::Text(_) => Err(Failure::work(format!(
            "column {name:?} holds text, and arrays hold numbers; leave it out by --without, or give --target, and each of its \
             categories becomes an input"
        ))),
    }
}

/// A number of a column in another type, if it fits.
fn narrow<T: Element>(number: f64, name: &str) -> Result<T, Failure> {
    let narrow = T::from_f64(number);
    if number.is_finite() && !narrow.to_f64().is_finite() {
        return Err(Failure::work(format!(
            "column {name:?} holds {number:e}, which {} does not; --precision f64",
            T::NAME
        )));
    }
    Ok(narrow)
}

/// All columns, row by row.
fn rows_of<T: Element>(table: &Table) -> Result<Vec<T>, Failure> {
    let columns: Vec<(&String, &[f64])> =
        table.names().iter().map(|name| Ok((name, numbers_of(table, name)?))).collect::<Result<_, Failure>>()?;
    let cells = (0..table.rows()).flat_map(|row| columns.iter().map(move |(name, column)| (name, column[row])));
    cells.map(|(name, number)| narrow(number, name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_what_a_file_is() {
        let idx = |name: &str| is_idx(Path::new(name));
        assert!(idx("train-images-idx3-ubyte.gz") && idx("t10k-labels.idx1-ubyte") && idx("x.idx"));
        assert!(!idx("x.csv") && !idx("idx") && !idx("x.gz"));
        let target = |name: &str| Target::of(Path::new(name));
        assert_eq!(
            (target("a.nnr"), target("a.NPY"), target("a.xlsx")),
            (Some(Target::Records), Some(Target::Npy), None)
        );
    }
}
