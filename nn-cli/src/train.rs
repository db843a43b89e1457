//! `train`: from a table to a model.

use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{fmt, io::IsTerminal};

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use nn_train::preprocess::Scaling;
use nn_train::table::{Csv, Table, TableFault};
use nn_train::tabular::{LeftOut, Prepared, Rates, Recipe, Task};
use nn_train::{
    Activation, Adagrad, Adam, Bundle, Callback, Checkpoints, CsvLog, DynNetwork, Error, Interrupt, JsonLines, Lion,
    Network, Precision, Progress, RmsProp, RunState, Sgd, TrainerBuilder,
};
use serde_json::json;

use crate::arguments::{ActivationParser, Widths, count_in, not_negative, part, positive, set_threads, share, widths};
use crate::data::{Reading, is_standard, name_of};
use crate::evaluate;
use crate::failure::Failure;
use crate::fingerprint::{Fingerprint, Settings};
use crate::output::{Destination, Output, Unheeded, check_place};
use crate::ranks::Ranks;

/// Train a network on a table
///
/// All that is needed is the table and the column to predict. Whether that is a number or a class is told by its values. Numbers
/// are scaled, texts become inputs, missing values are filled; a share of the rows chooses the best epoch, whose network is kept.
/// The defaults are those of the library's preset (docs/tabular.md), and each of them is an option.
///
/// Ctrl-C ends training after the step that is under way, and the best network so far is written; the exit status is then 130, or
/// 143 after SIGTERM. Pressed twice it ends the program at once.
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
    /// Train together with the other processes that mpirun has started; the first one prints and writes the files
    #[arg(long, help_heading = "Training")]
    mpi: bool,
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
    /// How numbers are scaled [default: robust-clipped]
    #[arg(long, value_enum)]
    scaling: Option<Scales>,
    /// The bins of a column of numbers, each an input that says how far the number is through it; 0 for none [default: by the
    /// number of columns, at most 32]
    #[arg(long, value_name = "N", value_parser = count_in(0..=4096))]
    bins: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Scales {
    /// To mean 0 and standard deviation 1
    Standard,
    /// By the median and the quartiles
    Robust,
    /// The same, and smoothly within ±3
    RobustClipped,
    /// To a normal distribution, by quantiles
    Quantile,
    /// As they are
    None,
}

impl From<Scales> for Scaling {
    fn from(scales: Scales) -> Self {
        match scales {
            Scales::Standard => Self::Standard,
            Scales::Robust => Self::Robust,
            Scales::RobustClipped => Self::RobustClipped,
            Scales::Quantile => Self::Quantile,
            Scales::None => Self::None,
        }
    }
}

/// The network.
#[derive(Debug, Args)]
#[command(next_help_heading = "Network")]
struct Shape {
    /// The widths of the hidden layers, or none [default: 256,256,256]
    #[arg(long, value_name = "WIDTHS", value_parser = widths)]
    layers: Option<Widths>,
    /// The activation of the hidden layers, or leaky_relu(0.01) and the like [default: silu]
    #[arg(long, value_name = "NAME", value_parser = ActivationParser::Hidden)]
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
    /// L2 penalty on the weights
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
    /// Continue the run whose checkpoints are there; the same command without it began that run
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

/// All that is known before the first step.
struct Ready<'a> {
    /// Where the model goes; of several processes, only the first one writes.
    out: Option<Destination>,
    state: Option<RunState<f32>>,
    fingerprint: Option<(&'a Path, Fingerprint)>,
    prepared: Prepared,
    test: Option<Table>,
    /// Columns that are left out since they number the rows.
    numbers: Vec<LeftOut>,
    rows: usize,
}

pub(crate) fn run(arguments: &Arguments, output: &Output) -> Result<(), Failure> {
    let ranks = Ranks::start(arguments.mpi)?;
    let output = &ranks.output(output);
    train(arguments, &ranks, output).map_err(|failure| ranks.tell(failure, output))
}

fn train(arguments: &Arguments, ranks: &Ranks, output: &Output) -> Result<(), Failure> {
    let begun = Instant::now();
    let state =
        ranks.first_bytes(|| Ok(arguments.files.state(output)?.map_or(Vec::new(), |state| state.to_bytes())))?;
    // Nothing is written before all processes have looked at what is there.
    let ready = ranks.agree(arguments.check().and_then(|()| arguments.ready(&state, ranks, output)))?;
    let Ready { out, state, fingerprint, prepared, test, numbers, rows } = ready;
    let overwrite = arguments.force || state.is_some();
    let measured_on = prepared.validation_data().clone();

    let begun_run = Interrupt::on_signals().map_err(Failure::from).and_then(|interrupt| {
        if let (Some((folder, fingerprint)), None) = (&fingerprint, &state) {
            fingerprint.save(folder)?;
        }
        Ok(interrupt)
    });
    let mut interrupt = ranks.agree(begun_run)?;
    let every = if std::io::stderr().is_terminal() { 1 } else { prepared.epochs().div_ceil(10) };
    // Somebody may have read enough of the lines.
    let progress = if std::io::stderr().is_terminal() { Progress::stderr() } else { Progress::writer(Unheeded) };
    let mut callbacks: Vec<Box<dyn Callback<DynNetwork<f32>> + '_>> = Vec::new();
    callbacks.push(Box::new(progress.every_epochs(every).quiet(output.is_quiet())));
    callbacks.extend(arguments.files.log(overwrite)?);
    callbacks.push(Box::new(&mut interrupt));
    callbacks.extend(arguments.files.checkpoints(arguments.force));
    let fitted = prepared.train_with(callbacks, state.as_ref()).map_err(|error| ranks.failure(error))?;
    // A signal may have come to one of several processes.
    let interrupted = ranks.received(interrupt.received())?;
    let Some(out) = out else { return Ok(()) };
    if let Some(signal) = interrupted
        && fitted.history().is_empty()
    {
        let message = Some("ended before the first epoch was over: there is no model yet".to_owned());
        return Err(Failure::ended(signal, message));
    }

    let (history, best) = (fitted.history().len(), fitted.best_epoch().map(|epoch| epoch.number));
    let left_out = numbers.iter().chain(fitted.left_out()).map(|column| &column.name);
    let mut value = json!({
        "model": out.named(),
        "target": arguments.target,
        "task": fitted.task().to_string(),
        "rows": rows,
        "train_rows": fitted.train_rows(),
        "validation_rows": fitted.validation_rows(),
        "rows_without_target": fitted.rows_without_target(),
        "left_out": left_out.collect::<Vec<_>>(),
        "network": fitted.network().architecture().to_string(),
        "parameters": fitted.network().parameters().len(),
        "epochs": history,
        "best_epoch": best,
        "interrupted": interrupted.is_some(),
    });
    let (network, preprocess) = fitted.into_parts();
    // Whatever becomes of the figures, the model is there.
    let bundle = Bundle::new(network, preprocess.clone())?;
    out.write(|path| bundle.save(path))?;
    drop(interrupt);
    let (network, classes) = (bundle.network(), preprocess.classes());
    let (measured, text) = evaluate::measure(network, &measured_on, classes, false)?;
    value["validation"] = measured;
    let mut summary = format!("validation, {text}");
    if let Some(test) = test {
        let (measured, text) = evaluate::of_table(network, &preprocess, &test, false)?;
        value["test"] = measured;
        summary += &format!("\n\ntest, {text}");
    }
    value["seconds"] = json!(begun.elapsed().as_secs_f64());
    if let Some(signal) = interrupted {
        output.note(format_args!("ended by {signal}"));
    }
    let kept = Kept { history, best, out: out.named() };
    output.result_of(&out, &value, format_args!("{summary}\n\n{kept}"))?;
    interrupted.map_or(Ok(()), |signal| Err(Failure::ended(signal, None)))
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
fn describe(prepared: &Prepared, numbers: &[LeftOut], target: &str, output: &Output) {
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
    for column in numbers.iter().chain(prepared.left_out()) {
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
    /// Reads everything, and refuses what cannot come to a good end. Nothing is written.
    fn ready(&self, state: &[u8], ranks: &Ranks, output: &Output) -> Result<Ready<'_>, Failure> {
        let state = if state.is_empty() { None } else { Some(RunState::from_bytes(state)?) };
        let inputs = self.inputs();
        let out = if ranks.is_first() {
            let out = Destination::new(&self.out(), self.force || state.is_some(), &inputs)?;
            self.files.check(&[&inputs[..], &[out.named()]].concat())?;
            Some(out)
        } else {
            None
        };
        set_threads(self.training.threads)?;

        let reading = &self.reading;
        let table = reading.table(&self.data, Csv::new(), output)?;
        self.check_columns(&table, output)?;
        let validation = match &self.training.validation {
            Some(Validation::File(path)) => Some(reading.table(path, like(&table), output)?),
            _ => None,
        };
        let folder = self.files.checkpoints.as_deref().filter(|_| ranks.is_first());
        let fingerprint = folder.map(|folder| {
            let fingerprint = Fingerprint::new(self.settings(), &table, validation.as_ref());
            (folder, fingerprint)
        });
        match (&fingerprint, &state) {
            (Some((folder, fingerprint)), Some(_)) if !fingerprint.check(folder)? => {
                output.note(format_args!("{}: no run.json: settings and data are not compared", folder.display()));
            }
            (Some((folder, _)), None) => self.files.check_new(folder, self.force)?,
            _ => {}
        }

        let recipe = self.recipe();
        // Once rows are set aside, what is left of such a column has gaps.
        let numbers = recipe.row_numbers(&table)?;
        let recipe = recipe.without(numbers.iter().map(|column| &column.name));
        let (test, table) = self.parts(table, output)?;
        let prepared = recipe.prepare(&table, validation.as_ref()).map_err(|error| self.advice(error))?;
        if prepared.task() == Task::Numbers && self.training.label_smoothing.is_some() {
            let target = &self.target;
            return Err(Failure::usage(format!("--label-smoothing is for classes, and {target:?} is a number")));
        }
        let prepared = prepared.with_trainer(|trainer| {
            let trainer = self.trainer(trainer);
            match ranks.collective() {
                Some(collective) => trainer.collective(collective),
                None => trainer,
            }
        })?;
        describe(&prepared, &numbers, &self.target, output);
        let rows = table.rows();
        Ok(Ready { out, state, fingerprint, prepared, test, numbers, rows })
    }

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

    /// The files that are read.
    fn inputs(&self) -> Vec<&Path> {
        let validation = match &self.training.validation {
            Some(Validation::File(path)) => Some(&**path),
            _ => None,
        };
        [&*self.data].into_iter().chain(validation).collect()
    }

    /// Refuses options that contradict each other or would do nothing.
    fn check(&self) -> Result<(), Failure> {
        /// Of files that are no model of this program.
        const OTHERS: [&str; 11] =
            ["onnx", "safetensors", "rs", "nnb", "nnr", "ckpt", "csv", "tsv", "parquet", "npy", "npz"];
        let Training { optimizer, weight_decay, .. } = &self.training;
        if weight_decay.is_some() && !matches!(optimizer, None | Some(Optimizer::Adamw | Optimizer::Lion)) {
            return Err(Failure::usage(
                "--weight-decay is of the optimisers adamw and lion; --l2 pulls the weights with any",
            ));
        }
        if self.network.layers.as_ref().is_some_and(|Widths(widths)| widths.is_empty()) {
            let options =
                [("--activation", self.network.activation.is_some()), ("--dropout", self.network.dropout.is_some())];
            if let Some((option, _)) = options.into_iter().find(|(_, given)| *given) {
                return Err(Failure::usage(format!("{option} is of hidden layers, and --layers none has none")));
            }
        }
        let ending =
            self.out.as_deref().and_then(Path::extension).map(|ending| ending.to_string_lossy().to_lowercase());
        if let (Some(out), Some(ending)) = (&self.out, ending.filter(|ending| OTHERS.contains(&&**ending))) {
            let out = out.display();
            return Err(Failure::usage(format!(
                "--out {out}: a model of this program is written, not a file of .{ending}; name it .nn, and `nn-train export` \
                 writes it for other programs"
            )));
        }
        match &self.training.validation {
            Some(Validation::File(path)) if is_standard(path) => {
                Err(Failure::usage("--validation is a share or a file, not the standard input"))
            }
            _ => Ok(()),
        }
    }

    /// Says what is odd about the columns, and refuses a table without the target.
    fn check_columns(&self, table: &Table, output: &Output) -> Result<(), Failure> {
        if let Some(hint) = self.reading.other_delimiter(table.names()) {
            return Err(Failure::work(format!("{}: {hint}", name_of(&self.data))));
        }
        table.column(&self.target)?;
        let columns = &self.columns;
        let is_used = |name: &String| {
            *name != self.target
                && !columns.without.contains(name)
                && columns.inputs.as_ref().is_none_or(|inputs| inputs.contains(name))
        };
        for nearly in self.reading.nearly_numbers(table, &self.data) {
            if is_used(&nearly.column) {
                output.note(nearly);
            }
        }
        Ok(())
    }

    /// What the model depends on, beside the data, by options.
    fn settings(&self) -> Settings {
        let (columns, shape, training) = (&self.columns, &self.network, &self.training);
        let name = |value: Option<PossibleValue>| value.map(|value| value.get_name().to_owned());
        let count = |count: Option<usize>| count.map(|count| count.to_string());
        let number = |number: Option<f64>| number.map(|number| number.to_string());
        let list = |names: &[String]| (!names.is_empty()).then(|| names.join(","));
        let widths = |Widths(widths): &Widths| {
            let widths: Vec<String> = widths.iter().map(usize::to_string).collect();
            if widths.is_empty() { "none".to_owned() } else { widths.join(",") }
        };
        let validation = training.validation.as_ref().map(|validation| match validation {
            Validation::Share(share) => share.to_string(),
            Validation::File(_) => "a file".to_owned(),
        });
        let texts = [
            ("--target", Some(self.target.clone())),
            ("--seed", Some(training.seed.to_string())),
            ("--without", list(&columns.without)),
            ("--inputs", columns.inputs.as_deref().and_then(list)),
            ("--weights", columns.weights.clone()),
            ("--max-categories", count(columns.max_categories)),
            ("--scaling", name(columns.scaling.and_then(|scaling| scaling.to_possible_value()))),
            ("--bins", count(columns.bins)),
            ("--layers", shape.layers.as_ref().map(widths)),
            ("--activation", shape.activation.map(|activation| activation.to_string())),
            ("--dropout", number(shape.dropout)),
            ("--epochs", count(training.epochs)),
            ("--batch-size", count(training.batch_size)),
            ("--learning-rate", number(training.learning_rate)),
            ("--schedule", name(training.schedule.and_then(|schedule| schedule.to_possible_value()))),
            ("--optimizer", name(training.optimizer.and_then(|optimizer| optimizer.to_possible_value()))),
            ("--weight-decay", number(training.weight_decay)),
            ("--l2", number(training.l2)),
            ("--clip-norm", number(training.clip_norm)),
            ("--label-smoothing", number(training.label_smoothing)),
            ("--validation", validation),
            ("--test", number(training.test)),
            ("--patience", count(training.patience)),
            ("--precision", name(training.precision.to_possible_value())),
        ];
        let texts = texts.into_iter().filter_map(|(option, text)| Some((option.to_owned(), json!(text?))));
        let flags = [("--classes", self.classes), ("--numbers", self.numbers)];
        let flags = flags.into_iter().filter(|(_, given)| *given).map(|(option, _)| (option.to_owned(), json!(true)));
        texts.chain(flags).collect()
    }

    /// An error of the recipe in terms of the options.
    fn advice(&self, error: Error) -> Failure {
        match error {
            Error::Table { place, fault } => match *fault {
                TableFault::ManyClasses { found, limit } if self.classes => Failure::work(format!(
                    "{place}: the target has {found} classes, and at most {limit} are taken, as each becomes an output; if it \
                     should be a number, drop --classes"
                )),
                fault => Error::Table { place, fault: fault.into() }.into(),
            },
            Error::EmptyPart { .. } => match self.training.validation {
                Some(Validation::Share(share)) => {
                    Failure::work(format!("--validation {share} leaves no row to choose the best epoch"))
                }
                _ => error.into(),
            },
            error => error.into(),
        }
    }

    /// The rows for the test, and all others.
    fn parts(&self, table: Table, output: &Output) -> Result<(Option<Table>, Table), Failure> {
        let Some(share) = self.training.test else { return Ok((None, table)) };
        let table = evaluate::known(&table, &[&self.target], &name_of(&self.data), output)?;
        let classes = self.classes || !self.numbers && Task::of(&table, &self.target)? == Task::Classes;
        // Another seed than that of the rows that choose the epoch, which are drawn from what is left.
        let seed = self.training.seed.wrapping_add(1);
        let parts = if classes { table.stratified_split(&self.target, share, seed) } else { table.split(share, seed) };
        let (test, rest) = parts.map_err(|error| match error {
            Error::EmptyPart { part: "first", .. } => Failure::work(format!("--test {share} sets no row aside")),
            Error::EmptyPart { .. } => Failure::work(format!("--test {share} leaves no rows to train on")),
            error => error.into(),
        })?;
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
        if let Some(scaling) = columns.scaling {
            recipe = recipe.scaling(scaling.into());
        }
        if let Some(bins) = columns.bins {
            recipe = recipe.bins(bins);
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
            return Err(Failure::work(format!(
                "{} has no checkpoint to resume from; without --resume the run begins",
                folder.display()
            )));
        };
        output.note(format_args!("going on from {}, after {} epochs", path.display(), state.history.len()));
        Ok(Some(state))
    }

    /// Refuses a log that cannot be written.
    fn check(&self, others: &[&Path]) -> Result<(), Failure> {
        let Some(path) = &self.log else { return Ok(()) };
        check_place(path, others)?;
        self.log(false).map(drop)
    }

    /// Refuses a folder with the checkpoints of another run.
    fn check_new(&self, folder: &Path, force: bool) -> Result<(), Failure> {
        match Checkpoints::latest::<f32>(folder)?.found {
            Some((path, _)) if !force => Err(Error::Exists { place: path.display().to_string() }.into()),
            _ => Ok(()),
        }
    }

    fn checkpoints<'a>(&self, force: bool) -> Option<Box<dyn Callback<DynNetwork<f32>> + 'a>> {
        let folder = self.checkpoints.as_ref()?;
        Some(Box::new(Checkpoints::new(folder).every_epochs(self.checkpoint_every as u64).overwrite(force)))
    }

    fn log<'a>(&self, overwrite: bool) -> Result<Option<Box<dyn Callback<DynNetwork<f32>> + 'a>>, Failure> {
        let Some(path) = &self.log else { return Ok(None) };
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
