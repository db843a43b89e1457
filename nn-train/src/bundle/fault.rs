//! What can be wrong with a bundle.

use nn_kernels::{Activation, number_text};
use thiserror::Error;

use crate::envelope::FileFault;
use crate::table::TableFault;

/// Why parts make no bundle, a file is none, or a bundle does not predict from this: the part of
/// [`Error::Bundle`](crate::Error::Bundle) that says so.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum BundleFault {
    /// The file is no bundle, is damaged, or is of another number type.
    #[error(transparent)]
    File(#[from] FileFault),
    /// The network has other widths than the preprocessing: [`TableFault::Width`].
    #[error("{0}")]
    Preprocess(Box<TableFault>),
    /// A standardizer has constants for another width.
    #[error(
        "the standardizer of the {what} is for {found} features; expected {expected}, as wide as the network's {what}"
    )]
    Standardizer {
        /// `"inputs"` or `"targets"`.
        what: &'static str,
        /// S_1 or S_L.
        expected: usize,
        /// The features of the standardizer.
        found: usize,
    },
    /// There is not a name for each class.
    #[error("there are names of {found} classes; expected {expected}, as the network has outputs for")]
    Classes {
        /// S_L, or 2 where S_L is 1.
        expected: usize,
        /// The names.
        found: usize,
    },
    /// Two classes have one name.
    #[error("two classes are called {name:?}; expected a name of its own for each")]
    ClassTwice {
        /// The name.
        name: String,
    },
    /// The outputs are no probabilities, where there are classes.
    #[error("the output is {found}; expected {expected}, whose outputs are the probabilities of classes")]
    Output {
        /// The activation of the output layer.
        found: Activation,
        /// What would have been right.
        expected: &'static str,
    },
    /// Targets are to be brought back to their units, and are probabilities.
    #[error("there are classes and a standardizer of the targets; expected one of them")]
    StandardizedClasses,
    /// A parameter is infinite or NaN.
    #[error("{what} {index} of Θ^({layer}) is {}; expected a finite number", number_text(*value))]
    Parameter {
        /// Which Θ^(l), counted from 1.
        layer: usize,
        /// `"weight"`, counted row by row, or `"bias"`.
        what: &'static str,
        /// Which of them.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// It predicts from something else.
    #[error("it predicts from {found}; expected one that predicts from {expected}")]
    Inputs {
        /// What it was asked to predict from: `"a table"` or `"rows of numbers"`.
        expected: &'static str,
        /// What it predicts from.
        found: &'static str,
    },
}
