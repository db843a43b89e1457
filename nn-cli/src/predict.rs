//! `predict`: what a model says of new rows.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use nn_train::Interrupt;
use nn_train::bundle::AnyBundle;
use nn_train::table::{Column, Csv, Table, Value as Cell};
use serde_json::{Map, Value, json};

use crate::arguments::{count_in, set_threads};
use crate::csv_stream::{self, Parts};
use crate::data::{self, Format, Reading, name_of};
use crate::failure::Failure;
use crate::model;
use crate::output::{Contents, Destination, Output, is_stdout, signals_for};

/// Predict the target of new rows
///
/// Rows come from a file or the standard input, and predictions go to a file or the standard output, as CSV with a line a row: the
/// target, and for classes the probability of each. CSV is read, predicted and written in parts of 4 MiB, so any number of rows
/// takes the same memory. The columns that the model needs may stand in any order, others are ignored.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The model
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// The rows: a file, or - for the standard input
    #[arg(value_name = "DATA", default_value = "-")]
    data: PathBuf,
    /// Columns to pass through, before the predictions
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    keep: Vec<String>,
    /// The file to write, as CSV [default: the standard output]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file that --out names
    #[arg(long, requires = "out")]
    force: bool,
    /// Of classes the most probable one alone, without the probabilities
    #[arg(long)]
    no_probabilities: bool,
    /// Threads to work on [default: all cores]
    #[arg(long, value_name = "N", value_parser = count_in(1..=1024))]
    threads: Option<usize>,
    #[command(flatten)]
    reading: Reading,
}

const EXAMPLES: &str = "Examples:
  nn-train predict diamonds.nn new.csv > prices.csv
  nn-train predict diamonds.nn new.csv --keep id,carat --out prices.csv
  zcat new.csv.gz | nn-train predict diamonds.nn - | head
  nn-train predict iris.nn new.csv --json                 {\"predictions\":[{\"species\":\"setosa\",…},…],…}";

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    set_threads(arguments.threads)?;
    let out = arguments.out.as_deref().filter(|path| !data::is_standard(path) && !is_stdout(path));
    let inputs = [&*arguments.model, &*arguments.data];
    let out = out.map(|path| Destination::new(path, arguments.force, &inputs)).transpose()?;
    let signals = out.as_ref().and_then(|_| signals_for(&arguments.data).transpose()).transpose()?;
    let work = Work { bundle: model::bundle(&arguments.model)?, arguments, signals };
    if arguments.no_probabilities && work.bundle.classes().is_none() {
        return Err(Failure::usage("--no-probabilities is for classes, and this model predicts numbers"));
    }
    let mut rows = 0;
    if let Some(out) = out {
        out.stream(|writer| {
            rows = work.predict(&mut Csvs { writer, begun: false }, output)?;
            Ok(())
        })?;
        let path = out.named();
        let value = json!({ "model": arguments.model, "rows": rows, "out": path });
        return output.result(&value, format_args!("{rows} rows predicted, in {}", path.display()));
    }
    let mut failure = None;
    let written = output.write(|writer| {
        let predicted = if output.is_json() {
            let mut objects = Objects { writer, model: &arguments.model, rows: 0, begun: false };
            let predicted = work.predict(&mut objects, output).map(drop);
            objects.end(predicted)
        } else {
            work.predict(&mut Csvs { writer, begun: false }, output).map(drop)
        };
        predicted.or_else(|contents| match contents {
            Contents::Disk(error) => Err(error),
            Contents::Failure(reason) => {
                failure = Some(reason);
                Ok(())
            }
        })
    });
    failure.map_or(written, Err)
}

/// A model and what it is asked for.
struct Work<'a> {
    bundle: AnyBundle,
    arguments: &'a Arguments,
    signals: Option<Interrupt>,
}

impl Work<'_> {
    /// Predicts all rows; how many there were.
    fn predict(&self, sink: &mut dyn Sink, output: &Output) -> Result<usize, Contents> {
        let Arguments { data, reading, keep, .. } = self.arguments;
        let format = reading.format(data)?;
        if !matches!(format, Format::Csv | Format::Tsv) {
            let table = reading.table(data, self.csv(), output)?;
            let kept: Vec<Column> = keep.iter().map(|name| table.column(name).cloned()).collect::<Result<_, _>>()?;
            sink.rows(&self.joined(&table, kept)?)?;
            return Ok(table.rows());
        }
        let name = name_of(data);
        let delimiter = reading.delimiter(&self.csv(), data, format);
        let mut parts = Parts::new(data::open(data)?, &name, delimiter, reading.has_header())?;
        let mut rows = 0;
        while let Some(part) = parts.next()? {
            if let Some(signal) = self.signals.as_ref().and_then(Interrupt::received) {
                return Err(Failure::ended(signal, Some(format!("ended by {signal}: nothing is written"))).into());
            }
            let csv = reading.csv(self.csv(), data, format).delimiter(delimiter);
            let table = csv.read_bytes(&part.text).map_err(|error| part.relocate(error, &name))?;
            if let Some(hint) = reading.other_delimiter(table.names()).filter(|_| rows == 0) {
                output.note(format_args!("{name}: {hint}"));
            }
            let place = |column: &String| {
                // An error that says which columns there are.
                table.column(column)?;
                Ok::<_, nn_train::Error>(table.names().iter().position(|name| name == column).unwrap_or_default())
            };
            let places: Vec<usize> =
                keep.iter().map(place).collect::<Result<_, _>>().map_err(|error| part.relocate(error, &name))?;
            let kept = if places.is_empty() { Vec::new() } else { csv_stream::columns(&part, delimiter, &places)? };
            let column = |(texts, &place): (Vec<String>, &usize)| match table.columns().nth(place) {
                Some((_, column)) if output.is_json() => typed(texts, column),
                _ => Column::text(texts),
            };
            let kept = kept.into_iter().zip(&places).map(column).collect();
            let joined = self.joined(&table, kept).map_err(|error| part.relocate(error, &name))?;
            sink.rows(&joined)?;
            rows += table.rows();
        }
        Ok(rows)
    }

    fn csv(&self) -> Csv<'static> {
        self.bundle.preprocess().map_or_else(Csv::new, |preprocess| preprocess.csv())
    }

    /// The columns that are kept, and the predictions.
    fn joined(&self, table: &Table, kept: Vec<Column>) -> Result<Table, nn_train::Error> {
        let keep = &self.arguments.keep;
        let predictions = match self.bundle.preprocess() {
            Some(_) => self.bundle.predict(table)?.to_table()?,
            None => of_numbers(
                &self.bundle,
                &table.without(keep).or_else(|error| if keep.is_empty() { Ok(table.clone()) } else { Err(error) })?,
            )?,
        };
        let classes = self.bundle.classes().is_some();
        let shown = if classes && self.arguments.no_probabilities { 1 } else { usize::MAX };
        let kept_columns = keep.iter().cloned().zip(kept);
        let predicted = predictions.columns().take(shown).map(|(name, column)| {
            // The prediction of a column that is kept stands beside it.
            let taken = keep.iter().any(|kept| kept == name);
            (if taken { format!("predicted {name}") } else { name.to_owned() }, column.clone())
        });
        Table::new(kept_columns.chain(predicted))
    }
}

/// What a model that takes rows of numbers makes of the columns of a table, in their order.
fn of_numbers(bundle: &AnyBundle, table: &Table) -> Result<Table, nn_train::Error> {
    let width = table.names().len();
    let columns: Vec<&[f64]> = table.names().iter().map(|name| table.numbers(name)).collect::<Result<_, _>>()?;
    let inputs = (0..table.rows()).flat_map(|row| columns.iter().map(move |column| column[row]));
    let expected = bundle.architecture().inputs();
    if width != expected {
        return Err(nn_train::Error::Width { what: "rows", expected, found: width });
    }
    let (outputs, labels): (Vec<f64>, Option<Vec<String>>) = match bundle {
        AnyBundle::F32(bundle) => {
            let outputs = bundle.predict_rows(&inputs.map(|input| input as f32).collect::<Vec<_>>())?;
            let labels = bundle.classes().map(|_| bundle.labels(&outputs)).transpose()?;
            let labels = labels.map(|labels| labels.into_iter().map(str::to_owned).collect());
            (outputs.into_iter().map(f64::from).collect(), labels)
        }
        AnyBundle::F64(bundle) => {
            let outputs = bundle.predict_rows(&inputs.collect::<Vec<_>>())?;
            let labels = bundle.classes().map(|_| bundle.labels(&outputs)).transpose()?;
            let labels = labels.map(|labels| labels.into_iter().map(str::to_owned).collect());
            (outputs, labels)
        }
        _ => (Vec::new(), None),
    };
    let outputs_of = bundle.architecture().outputs();
    let column =
        |index: usize| Column::from(outputs.iter().skip(index).step_by(outputs_of).copied().collect::<Vec<_>>());
    let mut result = Vec::new();
    match (bundle.classes(), labels) {
        (Some(classes), Some(labels)) => {
            result.push(("class".to_owned(), Column::text(labels)));
            if let ([first, second], 1) = (classes, outputs_of) {
                let others: Vec<f64> = outputs.iter().map(|second| 1.0 - second).collect();
                result.push((format!("probability of {first}"), Column::from(others)));
                result.push((format!("probability of {second}"), column(0)));
            } else {
                let names = classes.iter().enumerate();
                result.extend(names.map(|(index, class)| (format!("probability of {class}"), column(index))));
            }
        }
        _ => result.extend((0..outputs_of).map(|index| (format!("output {}", index + 1), column(index)))),
    }
    Table::new(result)
}

/// Where predictions go.
trait Sink {
    fn rows(&mut self, table: &Table) -> Result<(), Contents>;
}

/// As comma-separated values.
struct Csvs<'a> {
    writer: &'a mut dyn Write,
    begun: bool,
}

impl Sink for Csvs<'_> {
    fn rows(&mut self, table: &Table) -> Result<(), Contents> {
        let mut text = Vec::new();
        table.write_csv_to(&mut text)?;
        let mut header = Vec::new();
        if std::mem::replace(&mut self.begun, true) {
            table.head(0).write_csv_to(&mut header)?;
        }
        self.writer.write_all(&text[header.len()..])?;
        // Whoever waits for rows should have them.
        Ok(self.writer.flush()?)
    }
}

/// As one JSON object, written row by row.
struct Objects<'a> {
    writer: &'a mut dyn Write,
    model: &'a Path,
    rows: usize,
    begun: bool,
}

impl Objects<'_> {
    fn begin(&mut self) -> Result<(), Contents> {
        if !std::mem::replace(&mut self.begun, true) {
            write!(self.writer, "{{\"model\":{},\"predictions\":[", json!(self.model))?;
        }
        Ok(())
    }

    /// Closes the object. What went wrong after the first row stands at its end, beside the rows before.
    fn end(mut self, predicted: Result<(), Contents>) -> Result<(), Contents> {
        match predicted {
            Err(Contents::Failure(failure)) if self.begun => {
                let message = failure.message();
                let (rows, error) = (self.rows, json!(message));
                writeln!(self.writer, "],\"rows\":{rows},\"error\":{error},\"status\":1}}")?;
                Err(Contents::Failure(Failure::Told(message.to_owned())))
            }
            Ok(()) => {
                self.begin()?;
                Ok(writeln!(self.writer, "],\"rows\":{}}}", self.rows)?)
            }
            failed => failed,
        }
    }
}

impl Sink for Objects<'_> {
    fn rows(&mut self, table: &Table) -> Result<(), Contents> {
        self.begin()?;
        for row in 0..table.rows() {
            let cell = |column: &Column| match column.value(row) {
                // As it is usually written: 3, not 3.0.
                Cell::Number(number) if number.fract() == 0.0 && number.abs() < EXACT => json!(number as i64),
                Cell::Number(number) => json!(number),
                Cell::Text(text) => json!(text),
                Cell::Missing => Value::Null,
            };
            let object: Map<String, Value> =
                table.columns().map(|(name, column)| (name.to_owned(), cell(column))).collect();
            let comma = if self.rows > 0 { "," } else { "" };
            write!(self.writer, "{comma}{}", Value::Object(object))?;
            self.rows += 1;
        }
        Ok(())
    }
}

/// Whole numbers below it are exact, and have 15 digits at most.
const EXACT: f64 = 1e15;

/// A column that is kept, for JSON: numbers where all of them are written as JSON writes numbers, 7 and not 007, otherwise text.
/// Missing values are missing.
fn typed(texts: Vec<String>, column: &Column) -> Column {
    let is_missing = |row: usize| column.value(row).is_missing();
    let is_number = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(Value::Number(number)) => number.is_f64() || number.as_f64().is_some_and(|number| number.abs() < EXACT),
        _ => false,
    };
    let numbers = matches!(column, Column::Number(_))
        && texts.iter().enumerate().all(|(row, text)| is_missing(row) || is_number(text.trim()));
    if numbers {
        return column.clone();
    }
    Column::optional_text(texts.into_iter().enumerate().map(|(row, text)| (!is_missing(row)).then_some(text)))
}
