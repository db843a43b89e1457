//! One sample forward, for control loops: no threads, no packing.

use crate::{Architecture, Element, StepError};

/// A^(L) of one sample: `x` has S_1 numbers, `out` S_L. `scratch` grows once to twice the widest hidden layer.
///
/// # Errors
/// [`StepError::Length`] when a length is not the architecture's; `out` is then as it was.
pub fn predict_one<T: Element>(
    _architecture: &Architecture,
    _theta: &[T],
    _x: &[T],
    _out: &mut [T],
    _scratch: &mut Vec<T>,
) -> Result<(), StepError> {
    unimplemented!("lands shortly")
}
