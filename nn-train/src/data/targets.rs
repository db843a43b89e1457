//! What a loss takes for a target.

use nn_kernels::{Activation, Architecture, Element, Loss};

use crate::error::Error;

/// What the targets of a network have to be, beyond finite numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TargetRule {
    /// The loss takes any number.
    Any,
    /// Cross-entropy on a sigmoid takes probabilities: each number is in [0, 1]. Beyond that the loss has no lower
    /// bound, and training runs away along it.
    Probabilities,
    /// Cross-entropy on a softmax takes a distribution over the classes: each number is in [0, 1], and each row sums
    /// to 1 within [`sum_tolerance`].
    Distribution,
}

/// How far from 1 a row of class probabilities may sum: 10⁻³ in `f32`, 10⁻⁶ in `f64`.
///
/// A row that sums to 1 + e makes the gradient a - y off by e · a. In `f32` that is 10⁻³ at most, less than rounding to
/// bfloat16 does, and it lets pass what was written with four decimals. Whoever chose `f64` wants a gradient that
/// agrees with central differences, which are good to 10⁻⁶ or so; probabilities that an `f32` softmax gave still pass.
/// Whatever is no distribution at all (a row of zeros, two classes at once, per cent) is far beyond either.
pub(crate) fn sum_tolerance<T: Element>() -> f64 {
    if size_of::<T>() == size_of::<f32>() { 1e-3 } else { 1e-6 }
}

const PROBABILITY: &str = "a number in [0, 1], as cross-entropy takes probabilities";

impl TargetRule {
    /// What a network's loss takes.
    pub(crate) fn of(architecture: &Architecture) -> Self {
        let output = architecture.layers().last().map(|layer| layer.activation);
        match (architecture.loss(), output) {
            (Loss::CrossEntropy, Some(Activation::Softmax)) => Self::Distribution,
            (Loss::CrossEntropy, _) => Self::Probabilities,
            _ => Self::Any,
        }
    }

    /// The rows of `targets`, each `width` numbers, are such. Samples are counted from the first row.
    pub(crate) fn check<T: Element>(self, targets: &[T], width: usize) -> Result<(), Error> {
        if self == Self::Any {
            return Ok(());
        }
        // Without an early end this becomes vector instructions; where the fault is matters once there is one.
        let is_probability = |number: &T| (*number >= T::ZERO) & (*number <= T::ONE);
        if !targets.iter().fold(true, |all, number| all & is_probability(number)) {
            let place = targets.iter().position(|number| !is_probability(number)).unwrap_or(0);
            let (sample, column, value) = (place / width, place % width, targets[place].to_f64());
            return Err(Error::Target { sample, column, value, expected: PROBABILITY });
        }
        if self == Self::Distribution {
            let tolerance = sum_tolerance::<T>();
            for (sample, target) in targets.chunks_exact(width).enumerate() {
                let sum: f64 = target.iter().map(|number| number.to_f64()).sum();
                if (sum - 1.0).abs() > tolerance {
                    return Err(Error::TargetSum { sample, sum, tolerance });
                }
            }
        }
        Ok(())
    }
}
