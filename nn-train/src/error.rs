//! What can go wrong, named.

use nn_kernels::{ArchitectureError, Element, ParseError, StepError, number_text};
use thiserror::Error;

#[cfg(feature = "arrays")]
use crate::arrays::ArrayFault;
#[cfg(feature = "bundle")]
use crate::bundle::BundleFault;
use crate::collective::CollectiveFault;
use crate::network::{UnknownInit, difference};
#[cfg(feature = "onnx")]
use crate::onnx::OnnxFault;
#[cfg(feature = "records")]
use crate::records::RecordsFault;
#[cfg(feature = "safetensors")]
use crate::safetensors::SafetensorsFault;
#[cfg(feature = "tables")]
use crate::table::{Place, TableFault};
#[cfg(feature = "checkpoints")]
use crate::train::checkpoint::CheckpointFault;

/// Why something was refused or stopped. Each message names the thing, what it was, and what was expected.
///
/// Rows, samples and columns are counted from 0, as they are indexed; epochs, steps and layers from 1, as the
/// formulas number them.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// There is no sample; a cost is a mean over m samples and m = 0 has none.
    #[error("{what} holds no sample; expected at least 1")]
    Empty {
        /// What is empty.
        what: &'static str,
    },
    /// Two things that go together sample by sample do not have the same length.
    #[error("{what} holds {found} rows, expected {expected}, one for each of the inputs")]
    Length {
        /// What disagrees with the inputs.
        what: &'static str,
        /// How many inputs there are.
        expected: usize,
        /// How many of the other there are.
        found: usize,
    },
    /// A number in the data is infinite or not a number.
    #[error("{what}, row {row}, column {column} is {value}; expected a finite number")]
    NonFinite {
        /// Inputs or targets.
        what: &'static str,
        /// The sample.
        row: usize,
        /// The feature.
        column: usize,
        /// What stands there.
        value: f64,
    },
    /// A class label is out of range.
    #[error("the label of sample {sample} is {label}; expected {}", a_label(*classes))]
    Label {
        /// The sample.
        sample: usize,
        /// Its label.
        label: usize,
        /// The classes that there are.
        classes: usize,
    },
    /// A target was asked for its class and is none.
    #[error("the target of sample {sample} is no class; expected {expected}")]
    NotAClass {
        /// The sample.
        sample: usize,
        /// What a class looks like.
        expected: &'static str,
    },
    /// The counts of a confusion matrix do not form a square.
    #[error("row {row} of the confusion matrix has {found} counts; expected {expected}, one for each row")]
    Counts {
        /// The row.
        row: usize,
        /// The number of rows.
        expected: usize,
        /// The counts in this row.
        found: usize,
    },
    /// A count of a confusion matrix is negative, infinite or not a number.
    #[error(
        "the count in row {row}, column {column} of the confusion matrix is {value}; expected a finite number that is \
         not negative"
    )]
    Count {
        /// The row.
        row: usize,
        /// The column.
        column: usize,
        /// The count.
        value: f64,
    },
    /// The weight of a sample is negative, infinite or not a number.
    #[error("the weight of sample {sample} is {value}; expected a finite number that is not negative")]
    Weight {
        /// The sample.
        sample: usize,
        /// Its weight.
        value: f64,
    },
    /// Every sample counts 0 times.
    #[error("all samples of {what} have the weight 0; expected one above 0")]
    Weightless {
        /// What the samples are.
        what: &'static str,
    },
    /// There is not one weight for each class.
    #[error("there are {found} class weights; expected {expected}, one for each class")]
    ClassWeights {
        /// The classes.
        expected: usize,
        /// The weights.
        found: usize,
    },
    /// The weight of a class is negative, infinite or not a number, or becomes 0 or infinite in the data's numbers.
    #[error("the weight of class {class} is {value}; expected 0 or a positive number that does not round to 0 or ∞")]
    ClassWeight {
        /// The class.
        class: usize,
        /// Its weight.
        value: f64,
    },
    /// A target is a number that the loss does not take.
    #[error("the target of sample {sample}, column {column} is {value}; expected {expected}")]
    Target {
        /// The sample.
        sample: usize,
        /// The column.
        column: usize,
        /// What stands there.
        value: f64,
        /// What the loss takes.
        expected: &'static str,
    },
    /// A softmax's target is not a distribution over the classes.
    #[error(
        "the targets of sample {sample} sum to {sum}; expected 1 ± {tolerance}, as cross-entropy on a softmax takes the \
         probabilities of the classes"
    )]
    TargetSum {
        /// The sample.
        sample: usize,
        /// What its targets sum to.
        sum: f64,
        /// How far from 1 that may be.
        tolerance: f64,
    },
    /// A row of a source is not as wide as the source said.
    #[error("the {what} of row {row} is {found} wide; expected {expected}")]
    RowWidth {
        /// Input or target.
        what: &'static str,
        /// The row.
        row: u64,
        /// The width that the source has.
        expected: usize,
        /// The row's width.
        found: usize,
    },
    /// A source did not push one row for each index.
    #[error("the source was asked for {expected} rows and pushed {found}; expected one for each index")]
    SourceRows {
        /// The rows asked for.
        expected: usize,
        /// The rows pushed.
        found: usize,
    },
    /// A stream ended before its time.
    #[error("the stream ended after {found} rows; expected {expected}")]
    StreamEnded {
        /// The rows that an epoch was said to have.
        expected: u64,
        /// The rows that came.
        found: u64,
    },
    /// A stream did not end in time.
    #[error("the stream goes on after {expected} rows; expected it to end there")]
    StreamGoesOn {
        /// The rows that an epoch was said to have.
        expected: u64,
    },
    /// A stream was asked for rows in another order than its own.
    #[error("row {found} of a stream was asked for; expected row {expected}, the next, or row 0")]
    StreamOrder {
        /// The row that comes next.
        expected: u64,
        /// The row asked for.
        found: u64,
    },
    /// A source could not read a row.
    #[error("the source failed: {reason}")]
    Source {
        /// What it said.
        reason: String,
    },
    /// An output is NaN, which decides for no class.
    #[error("output {column} for sample {sample} is NaN; expected a number, for a class to be read from it")]
    NaNOutput {
        /// The sample.
        sample: usize,
        /// The output.
        column: usize,
    },
    /// An output is a number that a metric does not take.
    #[error("output {column} for sample {sample} is {value}; expected {expected}")]
    Output {
        /// The sample.
        sample: usize,
        /// The output.
        column: usize,
        /// What it is.
        value: f64,
        /// What the metric takes.
        expected: &'static str,
    },
    /// The outputs for a sample are not a distribution over the classes.
    #[error(
        "the outputs for sample {sample} sum to {sum}; expected 1 ± {tolerance}, as the metric takes the probabilities of \
         the classes"
    )]
    OutputSum {
        /// The sample.
        sample: usize,
        /// What its outputs sum to.
        sum: f64,
        /// How far from 1 that may be.
        tolerance: f64,
    },
    /// An index points past the data.
    #[error("index {index} points past the {len} samples")]
    Index {
        /// The index.
        index: usize,
        /// The samples that there are.
        len: usize,
    },
    /// A split would leave a part without a sample.
    #[error("a split of {samples} samples by {fraction} leaves the {part} part empty; expected at least 1 in each")]
    EmptyPart {
        /// The samples to split.
        samples: usize,
        /// The share of the first part.
        fraction: f64,
        /// `"first"` or `"second"`.
        part: &'static str,
    },
    /// Data is standardised already; to do so twice would lose the constants of the first time.
    #[error("the {what} are standardised already; expected raw {what}")]
    AlreadyStandardized {
        /// Inputs or targets.
        what: &'static str,
    },
    /// Data that should lend its standardisation has none.
    #[error("the data has not been standardised; expected data that `{by}()` made")]
    NotStandardized {
        /// The method that would have.
        by: &'static str,
    },
    /// Rows have another width than a standardizer has constants for.
    #[error("{what} has {found} features; expected {expected}, as many as the standardizer has constants for")]
    Features {
        /// What is standardised.
        what: &'static str,
        /// The features of the standardizer.
        expected: usize,
        /// The features found.
        found: usize,
    },
    /// A standardizer's mean is infinite or NaN.
    #[error("feature {column} has the mean {value}; expected a finite number")]
    Mean {
        /// The feature.
        column: usize,
        /// The mean found.
        value: f64,
    },
    /// A standardizer cannot divide by this deviation.
    #[error("feature {column} has the standard deviation {value}; expected a finite number above 0")]
    Deviation {
        /// The feature.
        column: usize,
        /// The deviation found.
        value: f64,
    },
    /// A standardizer's constants are not one for each feature.
    #[error("the standardizer has {found} {name}; expected {expected}, one for each mean")]
    Constants {
        /// What there are more or less of than means.
        name: &'static str,
        /// The means.
        expected: usize,
        /// The constants found.
        found: usize,
    },
    /// A setting is out of its range.
    #[error("{name} is {value}; expected {expected}")]
    Setting {
        /// The setting's name, as its setter is called.
        name: &'static str,
        /// The value found.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// An argument of a function is out of its range.
    #[error("{name} is {value}; expected {expected}")]
    Argument {
        /// The argument's name.
        name: &'static str,
        /// The value found.
        value: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// There is none of something that is needed.
    #[error("there is no {what}; expected {expected}")]
    Missing {
        /// What there is none of.
        what: &'static str,
        /// What would have been right.
        expected: &'static str,
    },
    /// Numbers that are divided by their sum have one that overflows.
    #[error("the sum of {what} is {}; expected {expected}", number_text(*value))]
    Sum {
        /// What was summed.
        what: &'static str,
        /// What it comes to.
        value: f64,
        /// What would have been right.
        expected: &'static str,
    },
    /// An optimiser keeps another count of numbers for each parameter than it may.
    #[error("the optimiser's slots, Optimizer::slots, are {found}; expected {expected}")]
    Slots {
        /// What the optimiser says.
        found: usize,
        /// What would have been right.
        expected: &'static str,
    },
    /// The operating system refused the threads.
    #[error("could not start {threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
    /// A state is not one that this training can go on from.
    #[error("{what} in the state: {found}; expected {expected}")]
    State {
        /// What does not fit.
        what: &'static str,
        /// What the training has.
        expected: String,
        /// What the state has.
        found: String,
    },
    /// No trial of a search has come to a score.
    #[error("all {trials} trials of the search failed, the first of them so: {first}")]
    AllFailed {
        /// How many there were.
        trials: usize,
        /// Why the first failed.
        first: Box<Error>,
    },
    /// The score of a trial is not finite.
    #[error("the score is {}; expected a finite number", number_text(*value))]
    Score {
        /// What it is.
        value: f64,
    },
    /// A callback that saves the run is called before one that is part of what is saved.
    #[error(
        "a callback saves the run's state before `{callback}` has been called; expected it to be added after those that \
         keep something"
    )]
    CallbackOrder {
        /// The name of the one that comes too late.
        callback: String,
    },
    /// A callback ended the run.
    #[error("a callback ended the run: {reason}")]
    Callback {
        /// What it said.
        reason: String,
    },
    /// A run that begins anew would overwrite what another run has written: see [`Callback`](crate::Callback#files).
    #[cfg(any(feature = "checkpoints", feature = "logs", feature = "tensorboard"))]
    #[error(
        "{place} is there already; expected nothing, `overwrite(true)`, or a run that is resumed and goes on with it"
    )]
    Exists {
        /// The path of the file.
        place: String,
    },
    /// What a resumed run should go on with is not of that run: see [`Callback`](crate::Callback#files).
    #[cfg(any(feature = "checkpoints", feature = "logs"))]
    #[error(
        "{place} is not of the run that is resumed: {why}; expected that run's own, or none: move it, or choose another place"
    )]
    AnotherRun {
        /// The path of the file.
        place: String,
        /// What tells so.
        why: String,
    },
    /// The system refused to do something with a file or a folder.
    #[error("could not {operation} {place}: {reason}")]
    Io {
        /// What was to be done: `"write"`, `"read"`, `"flush"` and so on.
        operation: &'static str,
        /// The path of the file or folder, or `"the log"` or `"the progress"` for another writer.
        place: String,
        /// What kind of error it was.
        kind: std::io::ErrorKind,
        /// What the system said.
        reason: String,
    },
    /// A file is not a checkpoint that can be gone on from.
    #[cfg(feature = "checkpoints")]
    #[error("{place}: {fault}")]
    Checkpoint {
        /// The path of the file.
        place: String,
        /// What is wrong with it.
        fault: CheckpointFault,
    },
    /// Parts make no bundle, a file is none, or a bundle does not predict from this.
    #[cfg(feature = "bundle")]
    #[error("{place}: {fault}")]
    Bundle {
        /// The path of the file, or `"the bundle"` for one in memory.
        place: String,
        /// What is wrong with it.
        fault: BundleFault,
    },
    /// A file is not one of safetensors that a network can be made of, or a network is not one that can be written to one.
    #[cfg(feature = "safetensors")]
    #[error("{place}: {fault}")]
    Safetensors {
        /// The path of the file, or `"the safetensors"` for bytes in memory.
        place: String,
        /// What is wrong with it.
        fault: SafetensorsFault,
    },
    /// Something is wrong with a table, or with what should be made of it.
    #[cfg(feature = "tables")]
    #[error("{place}: {fault}")]
    Table {
        /// Where: the file, the line and the column, as far as they are known.
        place: Box<Place>,
        /// What is wrong.
        fault: Box<TableFault>,
    },
    /// A file does not hold an array that can be read, or an array is not the one that is needed.
    #[cfg(feature = "arrays")]
    #[error("{place}: {fault}")]
    Array {
        /// The path of the file, with the name of the array in an archive; `"inputs"` and the like for one in memory.
        place: String,
        /// What is wrong with it.
        fault: ArrayFault,
    },
    /// A file is not one of records that can be read.
    #[cfg(feature = "records")]
    #[error("{place}: {fault}")]
    Records {
        /// The path of the file.
        place: String,
        /// What is wrong with it.
        fault: RecordsFault,
    },
    /// A network cannot be written as an ONNX file, or a file is not one of a network that can be read.
    #[cfg(feature = "onnx")]
    #[error("{place}: {fault}")]
    Onnx {
        /// The path of the file, or `"the ONNX model"` for one that is being made and `"the input"` for bytes.
        place: String,
        /// What is wrong.
        fault: Box<OnnxFault>,
    },
    /// Training met a number that is not finite. The parameters and the optimiser's memory are those from before the
    /// step, bit for bit.
    #[error(
        "{}{}step {step}: {quantity} of Θ^({layer}) is not finite{}; the parameters are as they were before the step{}",
        rank.map_or_else(String::new, |rank| format!("rank {rank}, ")),
        epoch.map_or_else(String::new, |epoch| format!("epoch {epoch}, ")),
        learning_rate.map_or_else(String::new, |rate| format!(" at the learning rate {}", number_text(rate))),
        if learning_rate.is_some() { REMEDIES } else { "" }
    )]
    Diverged {
        /// The epoch, from 1; a [`Session`](crate::Session) has none.
        epoch: Option<usize>,
        /// The step within the epoch, or of the session, from 1.
        step: u64,
        /// Which Θ^(l). A gradient: the last that is not finite, since back-propagation goes on from there to the
        /// layers before; an update: the first that is not finite; the cost: the output layer.
        layer: usize,
        /// What overflowed first.
        quantity: Quantity,
        /// The step's learning rate, where it has one.
        learning_rate: Option<f64>,
        /// The process whose samples it came of, of several that train together: the lowest one; none where it came of the sum.
        rank: Option<usize>,
    },
    /// Samples are not as wide as the network, or the type, takes them.
    #[error("the {what} are {found} wide; expected {expected}")]
    Width {
        /// Inputs or targets.
        what: &'static str,
        /// The width of the network or type.
        expected: usize,
        /// The data's width.
        found: usize,
    },
    /// A network has another shape than the type that it should become.
    #[error("the architecture is `{found}`; expected `{expected}`{}", difference(expected, found))]
    AnotherArchitecture {
        /// The type's architecture.
        expected: String,
        /// The network's architecture.
        found: String,
    },
    /// The rows of a source cannot be divided among the processes that train together.
    #[error("{found} cannot be divided {pieces}; expected {expected}")]
    Division {
        /// What there is.
        found: String,
        /// Among how many ranks, or into how many parts.
        pieces: String,
        /// What could be.
        expected: &'static str,
    },
    /// A process of several that train together could not go on, and so none of them does.
    #[error("rank {rank}: {reason}")]
    Rank {
        /// Which one: the lowest, where several could not.
        rank: usize,
        /// Why.
        reason: String,
    },
    /// Processes that train together could not sum their numbers.
    #[error("the collective: {0}")]
    Collective(#[from] CollectiveFault),
    /// An architecture is invalid.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A text is no architecture, activation or loss.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// A text is no initialisation.
    #[error(transparent)]
    UnknownInit(#[from] UnknownInit),
    /// A network cannot be exported to a small device.
    #[cfg(feature = "embedded")]
    #[error(transparent)]
    Export(#[from] crate::embedded::ExportFault),
    /// A step engine refused its input.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// What usually helps where training diverges.
const REMEDIES: &str =
    "; a lower rate or a warm-up, clip_norm, or standardised inputs and targets usually keep training from it";

/// What is not finite when training diverges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// J, while every gradient is finite.
    Cost,
    /// Δ^(l).
    Gradient,
    /// The new parameters Θ^(l), or the optimiser's new memory of them.
    Update,
}

impl std::fmt::Display for Quantity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Cost => "the cost at the output",
            Self::Gradient => "the gradient",
            Self::Update => "the optimiser's update",
        })
    }
}

impl Error {
    /// What a callback returns that could not do its work, for instance because a file could not be written.
    #[must_use]
    pub fn callback(reason: impl ToString) -> Self {
        Self::Callback { reason: reason.to_string() }
    }

    /// What went wrong in a [`Source`](crate::Source).
    pub fn source(reason: impl ToString) -> Self {
        Self::Source { reason: reason.to_string() }
    }

    /// Something could not be written.
    #[cfg(any(feature = "logs", feature = "plot", feature = "progress", feature = "tables", feature = "tensorboard"))]
    pub(crate) fn write(place: impl ToString, error: &std::io::Error) -> Self {
        Self::io("write", place, error)
    }

    /// Something could not be done with a file.
    #[cfg(any(
        feature = "arrays",
        feature = "bundle",
        feature = "checkpoints",
        feature = "logs",
        feature = "plot",
        feature = "progress",
        feature = "records",
        feature = "tables",
        feature = "tensorboard"
    ))]
    pub(crate) fn io(operation: &'static str, place: impl ToString, error: &std::io::Error) -> Self {
        Self::Io { operation, place: place.to_string(), kind: error.kind(), reason: error.to_string() }
    }

    /// Something is wrong with a table.
    #[cfg(feature = "tables")]
    pub(crate) fn table(place: Place, fault: TableFault) -> Self {
        Self::Table { place: Box::new(place), fault: Box::new(fault) }
    }

    /// Something is wrong with an ONNX file.
    #[cfg(feature = "onnx")]
    pub(crate) fn onnx(place: &str, fault: OnnxFault) -> Self {
        Self::Onnx { place: place.to_owned(), fault: Box::new(fault) }
    }

    /// The same error at another sample, where it is at one.
    pub(crate) fn at_sample(mut self, number: usize) -> Self {
        if let Self::NonFinite { row: sample, .. } | Self::Target { sample, .. } | Self::TargetSum { sample, .. } =
            &mut self
        {
            *sample = number;
        }
        self
    }

    /// A setting that is out of range.
    pub(crate) fn number(name: &'static str, value: f64, expected: &'static str) -> Self {
        Self::setting(name, number_text(value), expected)
    }

    /// The same for a setting that is no `f64`.
    pub(crate) fn setting(name: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Setting { name, value: value.to_string(), expected }
    }

    /// An argument that is out of range.
    pub(crate) fn argument(name: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Argument { name, value: value.to_string(), expected }
    }
}

/// What a label of so many classes is.
fn a_label(classes: usize) -> String {
    match classes.checked_sub(1) {
        Some(last) => format!("one of the {classes} classes 0..={last}"),
        None => "no label at all, as there are no classes".to_owned(),
    }
}

/// Whether `value` is 0, or rounds neither to 0 nor to infinity in `T`.
pub(crate) fn is_expressible<T: Element>(value: f64) -> bool {
    let rounded = T::from_f64(value);
    rounded.is_finite() && (rounded != T::ZERO || value == 0.0)
}

/// A setting that is finite and not negative.
pub(crate) fn check_not_negative(name: &'static str, value: f64) -> Result<(), Error> {
    if value.is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(Error::number(name, value, "a finite number that is not negative"))
    }
}

/// `lambda`, the setting `name`, divided by `rows`: where that can be expressed in the network's type.
pub(crate) fn per_row<T: Element>(
    name: &'static str,
    lambda: f64,
    rows: usize,
    expected: &'static str,
) -> Result<f64, Error> {
    let decay = lambda / rows as f64;
    // It may also round to 0 in f64.
    if is_expressible::<T>(decay) && (decay != 0.0 || lambda == 0.0) {
        return Ok(decay);
    }
    Err(Error::number(name, lambda, expected))
}
