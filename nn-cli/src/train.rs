//! `train`: from a table to a model.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fmt, io::IsTerminal};

use clap::{Args, ValueEnum};
use nn_train::table::{Csv, Table};
use nn_train::tabular::{Prepared, Rates, Recipe, Task};
use nn_train::{
    Activation, Adagrad, Adam, Bundle, Callback, Checkpoints, CsvLog, DynNetwork, Interrupt, JsonLines, Lion, Network,
    Precision, Progress, RmsProp, RunState, Sgd, TrainerBuilder,
};
use serde_json::json;

use crate::arguments::{Widths, count_in, hidden_activation, not_negative, part, positive, set_threads, share, widths};
use crate::data::{Reading, is_standard, name_of};
use crate::evaluate;
use crate::failure::Failure;
use crate::output::{Output, check_new};

/// Train a network on a table
///
/// All that is needed is the table and the column to predict. Whether that is a number or a class is told by its values. Numbers
/// are scaled, texts become inputs, missing values are filled; a share of the rows chooses the best epoch, whose network is kept.
/// The defaults are those of the library's preset (docs/tabular.md), and each of them is an option.
///
/// Ctrl-C ends training after the step that is under way, and the best network so far is written. Pressed twice it ends the
/// program at once.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// The rows to learn from: a file, or - for the standard input
    #[arg(value_name = "DATA")]
    data: PathBuf,
    /// The column to predict
    #[arg(long, short, value_name = "COLUMN")]
    target: String,
    /// The model to write [default: the name of the data, ending in .nn]
    #[arg(long, short, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the model, the log and the checkpoints of another run
    #[arg(long)]
    force: bool,
    /// The target is classes, though it may look like numbers
    #[arg(long, conflicts_with = "numbers")]
    classes: bool,
    /// The target is a number, though it has few different values
    #[arg(long)]
    numbers: bool,
    #[command(flatten)]
    columns: Columns,
    #[command(flatten)]
    network: Shape,
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    files: Files,
    #[command(flatten)]
    reading: Reading,
}

/// What is learned from.
#[derive(Debug, Args)]
#[command(next_help_heading = "Columns")]
struct Columns {
    /// Columns to leave out
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    without: Vec<String>,
    /// The only columns to learn from [default: all others]
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',', conflicts_with = "without")]
    inputs: Option<Vec<String>>,
    /// The column that says how many times each row counts
    #[arg(long, value_name = "COLUMN")]
    weights: Option<String>,
    /// The most categories of a column of text that get an input each, the most frequent ones [default: 128]
    #[arg(long, value_name = "N", value_parser = count_in(1..=65_536))]
    max_categories: Option<usize>,
}

/// The network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
struct Shape {
    /// The widths of the hidden layers, or none [default: 256,256,256]
    #[arg(long, value_name = "WIDTHS", value_parser = widths)]
    layers: Option<Widths>,
    /// The activation of the hidden layers: relu, silu, tanh, gelu and others [default: silu]
    #[arg(long, value_name = "NAME", value_parser = hidden_activation)]
    activation: Option<Activation>,
    /// The share of each hidden layer that is dropped in a step
    #[arg(long, value_name = "SHARE", value_parser = share)]
    dropout: Option<f64>,
}

/// How it is trained.
#[derive(Debug, Args)]
#[command(next_help_heading = "Training")]
struct Training {
    /// The most passes over the rows [default: by their number]
    #[arg(long, value_name = "N", value_parser = count_in(1..=1_000_000))]
    epochs: Option<usize>,
    /// Rows in a step [default: 256, or fewer of small tables]
    #[arg(long, value_name = "N", value_parser = count_in(1..=u64::from(u32::MAX)))]
    batch_size: Option<usize>,
    /// The largest learning rate
    #[arg(long, value_name = "RATE", value_parser = positive)]
    learning_rate: Option<f64>,
    /// The course of the learning rate [default: flat-cosine]
    #[arg(long, value_enum)]
    schedule: Option<Schedule>,
    /// The optimiser [default: adamw]
    #[arg(long, value_enum)]
    optimizer: Option<Optimizer>,
    /// The decay of the weights, of adamw and lion
    #[arg(long, value_name = "DECAY", value_parser = not_negative)]
    weight_decay: Option<f64>,
    /// λ of the term λ/2m Σθ² of the cost
    #[arg(long, value_name = "LAMBDA", value_parser = not_negative)]
    l2: Option<f64>,
    /// The largest norm of a step's gradient
    #[arg(long, value_name = "NORM", value_parser = positive)]
    clip_norm: Option<f64>,
    /// The share of each class that is spread over all classes
    #[arg(long, value_name = "SHARE", value_parser = share)]
    label_smoothing: Option<f64>,
    /// Rows that choose the best epoch: a share of all, or a file [default: 0.2]
    #[arg(long, value_name = "SHARE or FILE", value_parser = validation)]
    validation: Option<Validation>,
    /// A share of the rows that is set aside, and on which the model is measured at the end
    #[arg(long, value_name = "SHARE", value_parser = part)]
    test: Option<f64>,
    /// Epochs without a better score after which training ends [default: a third of all]
    #[arg(long, value_name = "N", value_parser = count_in(1..=1_000_000))]
    patience: Option<usize>,
    /// Seed of everything that is drawn: the same seed gives the same model
    #[arg(long, value_name = "N", default_value_t = 0)]
    seed: u64,
    /// Threads to train on; they change no bit of the model [default: all cores]
    #[arg(long, value_name = "N", value_parser = count_in(1..=1024))]
    threads: Option<usize>,
    /// The numbers to compute products in
    #[arg(long, value_enum, default_value_t = Products::F32)]
    precision: Products,
}

/// What is written in the course of a run.
#[derive(Debug, Args)]
#[command(next_help_heading = "Files of a run")]
struct Files {
    /// A folder for checkpoints, from which --resume goes on
    #[arg(long, value_name = "FOLDER")]
    checkpoints: Option<PathBuf>,
    /// Epochs from one checkpoint to the next
    #[arg(long, value_name = "N", requires = "checkpoints", default_value_t = 1, value_parser = count_in(1..=1_000_000))]
    checkpoint_every: usize,
    /// Go on where the run whose checkpoints are there was ended; the same command without it began that run
    #[arg(long, requires = "checkpoints")]
    resume: bool,
    /// A file for a line an epoch, .csv or .jsonl
    #[arg(long, value_name = "FILE")]
    log: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  nn-train train diamonds.csv --target price
  nn-train train iris.csv --target species --layers 64,32 --seed 1 --test 0.2
  nn-train train flights.csv --target late --classes --without flight,tailnum --out flights.nn
  nn-train train big.csv.gz --target y --checkpoints run1 --log run1.csv
  nn-train train big.csv.gz --target y --checkpoints run1 --log run1.csv --resume";

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Schedule {
    /// The same rate in every step
    Constant,
    /// Down to 0 along a cosine
    Cosine,
    /// The same rate for a while, then down to 0 along a cosine
    FlatCosine,
    /// Up and down again
    OneCycle,
}

impl From<Schedule> for Rates {
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Constant => Self::Constant,
            Schedule::Cosine => Self::Cosine,
            Schedule::FlatCosine => Self::FlatCosine,
            Schedule::OneCycle => Self::OneCycle,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Optimizer {
    Adamw,
    Adam,
    Sgd,
    Rmsprop,
    Adagrad,
    Lion,
}

impl Optimizer {
    /// The largest rate that suits the optimiser, where nobody asks for another one.
    fn learning_rate(self) -> Option<f64> {
        match self {
            // The recipe's own.
            Self::Adamw => None,
            Self::Adam | Self::Rmsprop => Some(0.002),
            Self::Sgd => Some(0.05),
            Self::Adagrad => Some(0.01),
            Self::Lion => Some(0.0003),
        }
    }

    fn set(self, trainer: TrainerBuilder, decay: Option<f64>) -> TrainerBuilder {
        match self {
            Self::Adamw => trainer,
            Self::Adam => trainer.optimizer(Adam::default()),
            Self::Sgd => trainer.optimizer(Sgd::default().momentum(0.9)),
            Self::Rmsprop => trainer.optimizer(RmsProp::default()),
            Self::Adagrad => trainer.optimizer(Adagrad::default()),
            Self::Lion => {
                trainer.optimizer(decay.map_or_else(Lion::default, |decay| Lion::default().weight_decay(decay)))
            }
        }
    }
}

/// What products are computed in; parameters are `f32`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Products {
    /// Single precision
    F32,
    /// bfloat16, where the CPU has instructions for it and they are faster
    Bf16,
}

/// Where the rows that choose the best epoch come from.
#[derive(Debug, Clone, PartialEq)]
enum Validation {
    Share(f64),
    File(PathBuf),
}

fn validation(text: &str) -> Result<Validation, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share <= 0.5 => Ok(Validation::Share(share)),
        Ok(_) => Err("expected a share above 0 and at most 0.5, or the name of a file".to_owned()),
        Err(_) => Ok(Validation::File(PathBuf::from(text))),
    }
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let out = arguments.out();
    check_new(&out, arguments.force || arguments.files.resume, "--out")?;
    arguments.check_decay()?;
    set_threads(arguments.training.threads)?;

    let reading = &arguments.reading;
    let table = reading.table(&arguments.data, Csv::new(), output)?;
    table.column(&arguments.target)?;
    let (test, table) = arguments.parts(table, output)?;
    let validation = match &arguments.training.validation {
        Some(Validation::File(path)) => Some(reading.table(path, like(&table), output)?),
        _ => None,
    };

    let recipe = arguments.recipe();
    let prepared = recipe.prepare(&table, validation.as_ref())?.with_trainer(|trainer| arguments.trainer(trainer))?;
    describe(&prepared, &arguments.target, output);
    let rows = table.rows();
    drop((table, validation));
    let measured_on = prepared.validation_data().clone();

    let mut interrupt = Interrupt::on_signals()?;
    let state = arguments.files.state(output)?;
    let every = if std::io::stderr().is_terminal() { 1 } else { prepared.epochs().div_ceil(10) };
    let mut callbacks: Vec<Box<dyn Callback<DynNetwork<f32>> + '_>> = Vec::new();
    callbacks.push(Box::new(Progress::stderr().every_epochs(every).quiet(output.is_quiet())));
    callbacks.extend(arguments.files.log(arguments.force)?);
    callbacks.push(Box::new(&mut interrupt));
    callbacks.extend(arguments.files.checkpoints(arguments.force));
    let fitted = prepared.train_with(callbacks, state.as_ref())?;
    let interrupted = interrupt.received();
    drop(interrupt);
    if interrupted.is_some() && fitted.history().is_empty() {
        return Err(Failure::work("ended before the first epoch was over: there is no model yet"));
    }

    let (history, best) = (fitted.history().len(), fitted.best_epoch().map(|epoch| epoch.number));
    let mut value = json!({
        "model": out,
        "target": arguments.target,
        "task": fitted.task().to_string(),
        "rows": rows,
        "train_rows": fitted.train_rows(),
        "validation_rows": fitted.validation_rows(),
        "rows_without_target": fitted.rows_without_target(),
        "left_out": fitted.left_out().iter().map(|column| &column.name).collect::<Vec<_>>(),
        "network": fitted.network().architecture().to_string(),
        "parameters": fitted.network().parameters().len(),
        "epochs": history,
        "best_epoch": best,
        "interrupted": interrupted.is_some(),
    });
    let (network, preprocess) = fitted.into_parts();
    let classes = preprocess.classes();
    let (measured, text) = evaluate::measure(&network, &measured_on, classes, false)?;
    value["validation"] = measured;
    let mut summary = format!("validation, {text}");
    if let Some(test) = test {
        let (measured, text) = evaluate::of_table(&network, &preprocess, &test, false)?;
        value["test"] = measured;
        summary += &format!("\n\ntest, {text}");
    }
    Bundle::new(network, preprocess)?.save(&out)?;
    value["seconds"] = json!(begun.elapsed().as_secs_f64());
    if let Some(signal) = interrupted {
        output.note(format_args!("ended by {signal}"));
    }
    let kept = Kept { history, best, out: &out };
    output.result(&value, format_args!("{summary}\n\n{kept}"))
}

/// Which network was kept, and where it is.
struct Kept<'a> {
    history: usize,
    best: Option<usize>,
    out: &'a Path,
}

impl fmt::Display for Kept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { history, best, out } = self;
        let out = out.display();
        match best {
            Some(best) => write!(f, "the best of {history} epochs was {best}; its network is in {out}"),
            None => write!(f, "no epoch of {history} had a score; the last network is in {out}"),
        }
    }
}

/// How another file with the columns of `table` is read: the same kinds.
fn like(table: &Table) -> Csv<'static> {
    table.columns().fold(Csv::new(), |csv, (name, column)| match column {
        nn_train::table::Column::Number(_) => csv.number(name),
        nn_train::table::Column::Text(_) => csv.text(name),
    })
}

/// Says what is going to be done.
fn describe(prepared: &Prepared, target: &str, output: &Output) {
    let what = match (prepared.task(), prepared.preprocess().classes()) {
        (Task::Classes, Some(classes)) => format!("{} classes", classes.len()),
        _ => "a number".to_owned(),
    };
    let (train, validation) = (prepared.train_rows(), prepared.validation_rows());
    output.note(format_args!("{target:?} is {what}; {train} rows to train on, {validation} to choose the best epoch"));
    let without = prepared.rows_without_target();
    if without > 0 {
        output.note(format_args!("{without} rows have no {target:?} and are left out"));
    }
    for column in prepared.left_out() {
        output.note(format_args!("left out: {column}"));
    }
    output.note(format_args!(
        "{} ({} parameters), batches of {}, up to {} epochs",
        prepared.network().architecture(),
        prepared.network().parameters().len(),
        prepared.batch_size(),
        prepared.epochs()
    ));
}

impl Arguments {
    /// Where the model goes.
    fn out(&self) -> PathBuf {
        if let Some(out) = &self.out {
            return out.clone();
        }
        let name = if is_standard(&self.data) {
            "model".into()
        } else {
            self.data.file_name().unwrap_or_default().to_string_lossy()
        };
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        Path::new(name).with_extension("nn")
    }

    fn check_decay(&self) -> Result<(), Failure> {
        let Training { optimizer, weight_decay, .. } = &self.training;
        match optimizer.unwrap_or(Optimizer::Adamw) {
            Optimizer::Adamw | Optimizer::Lion => Ok(()),
            _ if weight_decay.is_some() => Err(Failure::usage(
                "--weight-decay is of the optimisers adamw and lion; --l2 pulls the weights with any",
            )),
            _ => Ok(()),
        }
    }

    /// The rows for the test, and all others.
    fn parts(&self, table: Table, output: &Output) -> Result<(Option<Table>, Table), Failure> {
        let Some(share) = self.training.test else { return Ok((None, table)) };
        let table = evaluate::known(&table, &[&self.target], &name_of(&self.data), output)?;
        let classes = self.classes || !self.numbers && Task::of(&table, &self.target)? == Task::Classes;
        // Another seed than that of the rows that choose the epoch, which are drawn from what is left.
        let seed = self.training.seed.wrapping_add(1);
        let (test, rest) =
            if classes { table.stratified_split(&self.target, share, seed)? } else { table.split(share, seed)? };
        Ok((Some(test), rest))
    }

    fn recipe(&self) -> Recipe {
        let (columns, shape, training) = (&self.columns, &self.network, &self.training);
        let mut recipe = Recipe::for_target(&self.target).without(&columns.without).seed(training.seed);
        if self.classes {
            recipe = recipe.classes();
        }
        if self.numbers {
            recipe = recipe.numbers();
        }
        if let Some(names) = &columns.inputs {
            recipe = recipe.inputs(names);
        }
        if let Some(name) = &columns.weights {
            recipe = recipe.weights(name);
        }
        if let Some(categories) = columns.max_categories {
            recipe = recipe.categories(categories);
        }
        if let Some(Widths(widths)) = &shape.layers {
            recipe = recipe.hidden(widths.iter().copied());
        }
        if let Some(activation) = shape.activation {
            recipe = recipe.activation(activation);
        }
        if let Some(dropout) = shape.dropout {
            recipe = recipe.dropout(dropout);
        }
        if let Some(epochs) = training.epochs {
            recipe = recipe.epochs(epochs);
        }
        if let Some(batch_size) = training.batch_size {
            recipe = recipe.batch_size(batch_size);
        }
        if let Some(rate) = training.learning_rate.or_else(|| training.optimizer?.learning_rate()) {
            recipe = recipe.learning_rate(rate);
        }
        if let Some(schedule) = training.schedule {
            recipe = recipe.rates(schedule.into());
        }
        if let Some(decay) = training.weight_decay {
            recipe = recipe.weight_decay(decay);
        }
        if let Some(smoothing) = training.label_smoothing {
            recipe = recipe.label_smoothing(smoothing);
        }
        if let Some(Validation::Share(share)) = training.validation {
            recipe = recipe.validation(share);
        }
        if let Some(patience) = training.patience {
            recipe = recipe.patience(patience);
        }
        if let Some(threads) = training.threads {
            recipe = recipe.threads(threads);
        }
        recipe
    }

    /// What the recipe has no setting for.
    fn trainer(&self, mut trainer: TrainerBuilder) -> TrainerBuilder {
        let training = &self.training;
        if let Some(optimizer) = training.optimizer {
            trainer = optimizer.set(trainer, training.weight_decay);
        }
        if let Some(l2) = training.l2 {
            trainer = trainer.l2(l2);
        }
        if let Some(norm) = training.clip_norm {
            trainer = trainer.clip_norm(norm);
        }
        if training.precision == Products::Bf16 {
            trainer = trainer.precision(Precision::Bf16);
        }
        trainer
    }
}

impl Files {
    /// What the run goes on from, if it does.
    fn state(&self, output: &Output) -> Result<Option<RunState<f32>>, Failure> {
        let Some(folder) = self.checkpoints.as_ref().filter(|_| self.resume) else { return Ok(None) };
        let latest = Checkpoints::latest(folder)?;
        for (path, why) in &latest.skipped {
            output.note(format_args!("skipped {}: {why}", path.display()));
        }
        let Some((path, state)) = latest.found else {
            output.note(format_args!("{} has no checkpoint to go on from: a new run", folder.display()));
            return Ok(None);
        };
        output.note(format_args!("going on from {}, after {} epochs", path.display(), state.history.len()));
        Ok(Some(state))
    }

    fn checkpoints<'a>(&self, force: bool) -> Option<Box<dyn Callback<DynNetwork<f32>> + 'a>> {
        let folder = self.checkpoints.as_ref()?;
        Some(Box::new(Checkpoints::new(folder).every_epochs(self.checkpoint_every as u64).overwrite(force)))
    }

    fn log<'a>(&self, force: bool) -> Result<Option<Box<dyn Callback<DynNetwork<f32>> + 'a>>, Failure> {
        let Some(path) = &self.log else { return Ok(None) };
        // A run that was ended before its first checkpoint has left a log.
        let overwrite = force || self.resume;
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv") => Ok(Some(Box::new(CsvLog::file(path).overwrite(overwrite)))),
            Some("jsonl") => Ok(Some(Box::new(JsonLines::file(path).overwrite(overwrite)))),
            _ => Err(Failure::usage(format!("--log {}: expected a name that ends in .csv or .jsonl", path.display()))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn validation_is_a_share_or_a_file() {
        assert_eq!(validation("0.25"), Ok(Validation::Share(0.25)));
        assert_eq!(validation("rows.csv"), Ok(Validation::File("rows.csv".into())));
        for wrong in ["0", "0.6", "-1", "NaN", "inf", "2"] {
            assert!(validation(wrong).is_err(), "{wrong}");
        }
    }
}
