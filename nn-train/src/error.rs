//! What can go wrong, named.

use nn_kernels::{ArchitectureError, StepError};
use thiserror::Error;

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
    /// There are more samples than a training order can number.
    #[error("the data holds {found} samples, expected at most {max}")]
    TooManySamples {
        /// The samples found.
        found: usize,
        /// The most that there may be.
        max: usize,
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
    #[error("the label of sample {sample} is {label}; expected one of the {classes} classes 0..={}", classes - 1)]
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
    #[error("the data is standardised already; expected raw data")]
    AlreadyStandardized,
    /// Data that should lend its standardisation has none.
    #[error("the data has not been standardised; expected data that `standardized()` made")]
    NotStandardized,
    /// A feature varies beyond what its number type can express.
    #[error("feature {column} has the standard deviation {value}; expected a finite number")]
    Deviation {
        /// The feature.
        column: usize,
        /// The deviation found.
        value: f64,
    },
    /// A standardizer's constants are not one for each feature.
    #[error("the standardizer has {found} {name}; expected {expected}, one for each feature")]
    Constants {
        /// Means or deviations.
        name: &'static str,
        /// The features of a sample.
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
    /// The operating system refused the threads.
    #[error("could not start {threads} threads: {reason}")]
    Threads {
        /// How many were asked for.
        threads: usize,
        /// What the system said.
        reason: String,
    },
    /// Training met a number that is not finite. The parameters are those from before the step, bit for bit.
    #[error(
        "{}step {step}: {quantity} of Θ^({layer}) is not finite; the parameters are as they were before the step",
        epoch.map_or_else(String::new, |epoch| format!("epoch {epoch}, "))
    )]
    Diverged {
        /// The epoch, from 1; a [`Stepper`](crate::Stepper) has none.
        epoch: Option<usize>,
        /// The step within the epoch, or of the stepper, from 1.
        step: usize,
        /// Which Θ^(l). A gradient: the last that is not finite, since back-propagation goes on from there to the
        /// layers before; an update: the first that is not finite; the cost: the output layer.
        layer: usize,
        /// What overflowed first.
        quantity: Quantity,
    },
    /// Samples are not as wide as the network takes them.
    #[error("the {what} are {found} wide; expected {expected}, as wide as the network's")]
    Width {
        /// Inputs or targets.
        what: &'static str,
        /// The network's width.
        expected: usize,
        /// The data's width.
        found: usize,
    },
    /// A network has another shape than the type that it should become.
    #[error("the architecture is `{found}`; expected `{expected}`")]
    AnotherArchitecture {
        /// The type's architecture.
        expected: String,
        /// The network's architecture.
        found: String,
    },
    /// An architecture is invalid.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// A step engine refused what it was given.
    #[error(transparent)]
    Step(#[from] StepError),
}

/// What is not finite when training diverges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Quantity {
    /// J, while every gradient is finite.
    Cost,
    /// Δ^(l).
    Gradient,
    /// What the optimiser would make of Θ^(l), or what it remembers of it.
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
    /// A setting that is out of range.
    pub(crate) fn setting(name: &'static str, value: impl ToString, expected: &'static str) -> Self {
        Self::Setting { name, value: value.to_string(), expected }
    }
}

/// λ is finite and not negative.
pub(crate) fn check_l2(l2: f64) -> Result<(), Error> {
    if l2.is_finite() && l2 >= 0.0 {
        Ok(())
    } else {
        Err(Error::setting("l2", l2, "a finite number that is not negative"))
    }
}
