//! Why a network cannot be exported, or a file not read.

use nn_kernels::{Activation, number_text};
use thiserror::Error;

/// Why a network cannot be written as an ONNX file, or why an ONNX file is not one of a network that can be read: the part of
/// [`Error::Onnx`](crate::Error::Onnx) that says so.
///
/// Layers are counted from 1, as Θ^(l) is.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum OnnxFault {
    // --- writing ---
    /// Settings of an export contradict each other.
    #[error("{reason}")]
    Settings {
        /// What contradicts what, and what was expected.
        reason: &'static str,
    },
    /// The network does not take or give as many numbers as it should.
    #[error("the network has {found} {what}; expected {expected}, as {of} has")]
    Width {
        /// Inputs or outputs.
        what: &'static str,
        /// The network's.
        found: usize,
        /// What it should have.
        expected: usize,
        /// What says so.
        of: &'static str,
    },
    /// There is not a name for each class.
    #[error("there are {found} names of classes; expected {expected} for a network of as many outputs as this one")]
    Classes {
        /// The names.
        found: usize,
        /// The classes that the outputs tell apart.
        expected: usize,
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
    /// A parameter is infinite or NaN.
    #[error("{what} {index} of Θ^({layer}) is {}; expected a finite number", number_text(*value))]
    Parameter {
        /// Which Θ^(l).
        layer: usize,
        /// `"weight"`, counted row by row, or `"bias"`.
        what: &'static str,
        /// Which of them.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// An activation that there are no operators for.
    #[error("the activation {name} of Θ^({layer}) has no form in ONNX; expected one that has")]
    NoForm {
        /// Which Θ^(l).
        layer: usize,
        /// The activation.
        name: &'static str,
    },
    /// A column of the table cannot be an input.
    #[error("column {name:?} {reason}")]
    Column {
        /// The column.
        name: String,
        /// Why not.
        reason: &'static str,
    },
    /// A key of the metadata is there twice, or is one of the two that the library writes itself.
    #[error(
        "the key {key:?} of the metadata stands there twice; expected each once (the library writes nn-train.architecture and nn-train.loss itself)"
    )]
    Key {
        /// The key.
        key: String,
    },
    /// More bytes than a file of the format has.
    #[error("it has {found} bytes; expected at most {limit}")]
    TooLarge {
        /// The bytes.
        found: u64,
        /// The most that there may be.
        limit: u64,
    },

    // --- reading ---
    /// The bytes are not those of an ONNX file.
    #[error("this is no ONNX file, or it is damaged: {reason}")]
    Damaged {
        /// What is wrong.
        reason: String,
    },
    /// It holds no graph.
    #[error("it holds no graph; expected one of operators")]
    NoGraph,
    /// There are more parts than in any graph of a plain network.
    #[error("it has {found} {what}; expected at most {limit}, more than a plain network needs")]
    Many {
        /// Operators, initialisers and so on.
        what: &'static str,
        /// How many there are.
        found: usize,
        /// The most that are read.
        limit: usize,
    },
    /// It has the operators of an old version.
    #[error("its operators are those of version {found}; expected 7 or later")]
    Version {
        /// The version.
        found: i64,
    },
    /// It holds functions or sparse tensors of its own.
    #[error("it holds {what}; expected operators and plain tensors only")]
    Unreadable {
        /// What it holds.
        what: &'static str,
    },
    /// It has not one input.
    #[error("it has {} inputs{}; expected 1", names.len(), listed(names))]
    Inputs {
        /// Their names.
        names: Vec<String>,
    },
    /// It has not one output of numbers.
    #[error("it has {} outputs of numbers{}; expected 1", names.len(), listed(names))]
    Outputs {
        /// Their names.
        names: Vec<String>,
    },
    /// An operator that a plain network has not, or not there.
    #[error("node {node:?} is the operator {operator}; expected {expected}")]
    Operator {
        /// The operator's name, behind its domain where that is not ONNX' own.
        operator: String,
        /// The node's name, or that of its output where it has none.
        node: String,
        /// What could stand there.
        expected: &'static str,
    },
    /// An attribute or a constant of an operator is one that is not known.
    #[error("node {node:?}, the operator {operator}: {what} is {found}; expected {expected}")]
    Attribute {
        /// The operator's name.
        operator: String,
        /// The node's name, or that of its output where it has none.
        node: String,
        /// Which attribute or input.
        what: &'static str,
        /// What it is.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// What follows a layer is no activation of this library.
    #[error(
        "node {node:?}, the operator {operator}: what it makes of layer {layer} is no activation that is known; expected {expected}"
    )]
    Activation {
        /// The last operator.
        operator: String,
        /// Its node.
        node: String,
        /// Which Θ^(l).
        layer: usize,
        /// The names of those that are.
        expected: String,
    },
    /// A tensor cannot be used.
    #[error("tensor {name:?}: {what} {found}; expected {expected}")]
    Tensor {
        /// Its name.
        name: String,
        /// What of it.
        what: &'static str,
        /// What it is.
        found: String,
        /// What would have been right.
        expected: String,
    },
    /// A tensor that an operator takes is not there, or is computed later.
    #[error(
        "node {node:?}, the operator {operator}, takes the tensor {name:?}, which is not there; expected an input, an initialiser or the output of a node before it"
    )]
    Missing {
        /// The tensor.
        name: String,
        /// The operator's name.
        operator: String,
        /// Its node.
        node: String,
    },
    /// The file's numbers are of another type than was asked for.
    #[error("its weights are {found}; expected {expected}")]
    Element {
        /// The file's.
        found: &'static str,
        /// What was asked for.
        expected: &'static str,
    },
}

/// Some names in brackets.
fn listed(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [first, .., last] if names.len() > 4 => format!(" ({first:?} … {last:?})"),
        names => format!(" ({})", names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(", ")),
    }
}
