//! What can be wrong with what a step is given.

use thiserror::Error;

/// Why a step was refused. Nothing has been written to the caller's outputs when it is returned.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum StepError {
    /// The environment forces an instruction set that does not exist or that the CPU lacks.
    #[error(transparent)]
    Isa(#[from] crate::isa::IsaError),
    /// The network has a number that its number type has not.
    #[error(transparent)]
    Architecture(#[from] crate::ArchitectureError),
    /// A plan for no samples or no threads.
    #[error("{what} is 0, expected at least 1")]
    Zero {
        /// `"batch_rows"` or `"threads"`.
        what: &'static str,
    },
    /// The engine asked for is not made for such a network.
    #[error("the {engine} engine does not suit this network: {reason}")]
    Unsuited {
        /// The engine.
        engine: crate::EngineKind,
        /// Why it does not.
        reason: &'static str,
    },
    /// The precision asked for is not available.
    #[error("the precision {precision} is not available: {reason}")]
    Precision {
        /// The precision.
        precision: crate::Precision,
        /// What it takes.
        reason: &'static str,
    },
    /// A batch without a sample; the cost is a mean over m samples and m = 0 has none.
    #[error("{what} holds no sample; a batch needs at least 1")]
    NoRows {
        /// The slice.
        what: &'static str,
    },
    /// A slice does not end at the end of a sample.
    #[error("{what} holds {len} numbers, which is no multiple of the {width} of one sample")]
    Ragged {
        /// The slice.
        what: &'static str,
        /// Its length.
        len: usize,
        /// The numbers in one sample.
        width: usize,
    },
    /// Inputs and targets, or inputs and outputs, do not hold the same number of samples.
    #[error("{what} holds {found} samples, but inputs holds {expected}")]
    Rows {
        /// The slice that disagrees with the inputs.
        what: &'static str,
        /// The samples in the inputs.
        expected: usize,
        /// The samples in the slice.
        found: usize,
    },
    /// A slice does not have the length that the architecture asks for.
    #[error("{what} holds {found} numbers, expected {expected}")]
    Length {
        /// The slice.
        what: &'static str,
        /// The length that the architecture asks for.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// A batch was made for samples of another width than the engine's network takes.
    #[error("the batch's {what} are {found} wide, but the network's are {expected}")]
    Width {
        /// Inputs or targets.
        what: &'static str,
        /// The network's width.
        expected: usize,
        /// The batch's width.
        found: usize,
    },
    /// An index in a batch's order points past the samples.
    #[error("order[{position}] is sample {index}, but there are only {rows} samples")]
    Order {
        /// The place in the order.
        position: usize,
        /// The index found there.
        index: u64,
        /// The number of samples.
        rows: usize,
    },
    /// A sample's weight is negative, infinite or not a number.
    #[error("weights[{position}] is {value}, expected a finite number ≥ 0")]
    Weight {
        /// The sample.
        position: usize,
        /// The value found, printed as it was.
        value: Shown,
    },
    /// The weight decay is negative, infinite or not a number.
    #[error("decay is {value}, expected a finite number ≥ 0")]
    Decay {
        /// The value found, printed as it was.
        value: Shown,
    },
    /// A layer is too wide for the engine.
    #[error("the {engine} engine takes layers up to {max} wide, but one is {found}")]
    TooWide {
        /// The engine.
        engine: &'static str,
        /// The widest layer that it takes.
        max: usize,
        /// The network's widest layer.
        found: usize,
    },
    /// The system has no memory for a network's parameters or a step's scratch.
    #[error("no memory for {bytes} bytes")]
    Memory {
        /// The bytes asked for.
        bytes: usize,
    },
}

/// A number in an error: compared by its bits, so that an error that carries NaN equals itself.
#[derive(Clone, Copy)]
pub struct Shown(pub f64);

impl PartialEq for Shown {
    fn eq(&self, other: &Self) -> bool {
        self.0.to_bits() == other.0.to_bits()
    }
}

impl Eq for Shown {}

impl std::fmt::Debug for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// `slice` has exactly `expected` numbers.
pub(crate) fn check_length<T>(what: &'static str, slice: &[T], expected: usize) -> Result<(), StepError> {
    if slice.len() == expected { Ok(()) } else { Err(StepError::Length { what, expected, found: slice.len() }) }
}

/// The number of samples of `width` in `slice`, at least one.
pub(crate) fn rows_of<T>(what: &'static str, slice: &[T], width: usize) -> Result<usize, StepError> {
    if slice.is_empty() {
        return Err(StepError::NoRows { what });
    }
    if !slice.len().is_multiple_of(width) {
        return Err(StepError::Ragged { what, len: slice.len(), width });
    }
    Ok(slice.len() / width)
}

/// `outputs` holds `rows` samples of `width`.
pub(crate) fn check_outputs<T>(outputs: &[T], width: usize, rows: usize) -> Result<(), StepError> {
    let found = rows_of("outputs", outputs, width)?;
    if found == rows { Ok(()) } else { Err(StepError::Rows { what: "outputs", expected: rows, found }) }
}

/// The weight decay is finite and not negative.
pub(crate) fn check_decay(decay: f64) -> Result<(), StepError> {
    if decay.is_finite() && decay >= 0.0 { Ok(()) } else { Err(StepError::Decay { value: Shown(decay) }) }
}
