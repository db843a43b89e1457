//! Why a network cannot be exported.

use nn_kernels::number_text;
use thiserror::Error;

/// Why a network cannot be exported to a small device.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum ExportFault {
    /// A parameter, or what 8 bits make of it, is infinite or NaN, or becomes so in `f32`.
    #[error("{what} {index} of Θ^({layer}) is {}; expected a finite number of f32", number_text(*value))]
    Parameter {
        /// Which Θ^(l), counted from 1.
        layer: usize,
        /// `"weight"`, counted row by row, or `"bias"`; of a network in 8 bits `"8-bit scale"` or `"8-bit bias"`, one a row.
        what: &'static str,
        /// Which of them.
        index: usize,
        /// What it is.
        value: f64,
    },
    /// A constant of a standardizer is none in `f32`.
    #[error("{what} {index} of the standardizer becomes {becomes} in f32; expected a finite number{}", if *above_zero { " above 0" } else { "" })]
    Constant {
        /// `"mean"`, `"deviation"` or `"reciprocal of deviation"`.
        what: &'static str,
        /// Which of them.
        index: usize,
        /// What it becomes.
        becomes: f32,
        /// Whether it may not be 0.
        above_zero: bool,
    },
    /// An activation that the predictor does not know.
    #[error("the activation {name} of Θ^({layer}) has no embedded form; expected one that has")]
    Activation {
        /// Which Θ^(l), counted from 1.
        layer: usize,
        /// The activation.
        name: &'static str,
    },
    /// A calibration sample drives a layer out of the numbers that there are.
    #[error("an input of Θ^({layer}) is {value} for calibration sample {sample}; expected a finite number")]
    Calibration {
        /// The sample.
        sample: usize,
        /// Which Θ^(l), counted from 1.
        layer: usize,
        /// The input.
        value: f32,
    },
    /// More bytes than the format counts.
    #[error("the network takes {bytes} bytes; expected at most {}", u32::MAX)]
    TooLarge {
        /// The bytes.
        bytes: usize,
    },
    /// A source file of so many numbers would take a compiler long.
    #[error(
        "the source would hold {parameters} numbers; expected at most {max}: write `bytes` to a file and use `include_model!`"
    )]
    SourceTooLarge {
        /// The network's numbers.
        parameters: usize,
        /// The most numbers that a source file may hold.
        max: usize,
    },
    /// The file would not be one that the predictor takes.
    #[error(transparent)]
    Format(#[from] nn_embedded::Fault),
}
