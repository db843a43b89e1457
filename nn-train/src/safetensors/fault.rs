//! What can be wrong with a file of safetensors, or with what should be written to one.

use nn_kernels::{ArchitectureError, number_text};
use thiserror::Error;

use crate::bundle::BundleFault;

/// Why a file of safetensors is not one that a network can be made of, or a network is not one that can be written to one: the part
/// of [`Error::Safetensors`](crate::Error::Safetensors) that says so.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum SafetensorsFault {
    /// It does not begin as such a file does.
    #[error("this is no file of safetensors; expected the length of a header in its first 8 bytes, and {{ behind it")]
    NotSafetensors,
    /// Its header is larger than one of a plain network.
    #[error("its header has {found} bytes; expected at most {limit}, as much as ten thousand tensors take")]
    Header {
        /// The bytes that it says that its header has.
        found: u64,
        /// The most that are read.
        limit: u64,
    },
    /// It is not as long as its header says.
    #[error("it has {found} bytes; expected {expected} by its header")]
    Length {
        /// The bytes that it should have.
        expected: u64,
        /// The bytes that it has.
        found: u64,
    },
    /// Its header does not say what the format wants.
    #[error(
        "its header cannot be read: {reason}; expected the tensors' types, shapes and places, one behind the other"
    )]
    Format {
        /// What the reader says.
        reason: String,
    },
    /// The entry of this library in its header is not what such a one is.
    #[error("the entry \"nn-train\" of its header: {found}; expected {expected}")]
    Note {
        /// What is wrong.
        found: String,
        /// What would have been right.
        expected: &'static str,
    },
    /// There is no tensor to make a layer of.
    #[error("it has no tensor {prefix}….weight; expected one for each layer")]
    NoLayer {
        /// What the names of tensors should begin with.
        prefix: String,
    },
    /// A tensor is none of a linear layer.
    #[error("the tensor {tensor:?} is no part of a linear layer; expected names that end in .weight and .bias")]
    Tensor {
        /// Its name.
        tensor: String,
    },
    /// A layer that was asked for by name, or that a bias belongs to, has no weights.
    #[error("there is no tensor {tensor:?}; expected the weights of a linear layer")]
    Missing {
        /// Its name.
        tensor: String,
    },
    /// A tensor is of numbers that are no parameters.
    #[error("the tensor {tensor:?} is of {found}; expected F32, F64, F16 or BF16")]
    NumberType {
        /// Its name.
        tensor: String,
        /// Its type, as the format calls it.
        found: String,
    },
    /// A tensor has another shape.
    #[error("the tensor {tensor:?} has the shape {found:?}; expected {expected}")]
    Shape {
        /// Its name.
        tensor: String,
        /// Its shape.
        found: Vec<usize>,
        /// What would have been right.
        expected: String,
    },
    /// A parameter is none in the network's numbers.
    #[error("number {index} of the tensor {tensor:?} is {}; expected one that is finite in {element}", number_text(*value))]
    Parameter {
        /// The tensor's name.
        tensor: String,
        /// Which of its numbers, counted from 0.
        index: usize,
        /// What it is.
        value: f64,
        /// The network's number type.
        element: &'static str,
    },
    /// Nothing says what is computed behind the layers.
    #[error(
        "it does not say what the activations are; expected them from whoever reads it: Reader::hidden, activations or like"
    )]
    NoActivations,
    /// The layers are not as wide as those that it should be like.
    #[error("its layers are {found}; expected {expected}")]
    Widths {
        /// The widths that [`like`](super::Reader::like) says, `64 => 32 => 10`.
        expected: String,
        /// Those of the tensors.
        found: String,
    },
    /// There is not one activation for each layer.
    #[error("there are {found} activations; expected {expected}, one for each layer")]
    Activations {
        /// The layers.
        expected: usize,
        /// The activations.
        found: usize,
    },
    /// There is not one name for each layer.
    #[error("there are {found} names of layers; expected {expected}, one for each layer")]
    Names {
        /// The layers.
        expected: usize,
        /// The names.
        found: usize,
    },
    /// Two layers have one name.
    #[error("two layers are called {name:?}; expected a name of its own for each")]
    NameTwice {
        /// The name.
        name: String,
    },
    /// The layers and activations are no network.
    #[error(transparent)]
    Architecture(#[from] ArchitectureError),
    /// The standardizers and classes that it names do not fit its network.
    #[error("the entry \"nn-train\" of its header: {0}")]
    Bundle(Box<BundleFault>),
}
