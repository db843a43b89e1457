//! Decoupled weight decay, which AdamW and Lion share: weights are multiplied by 1 - α w, past the gradient.

use nn_kernels::Element;

use super::Step;
use crate::error::{Error, check_not_negative};

/// w is finite and not negative. That α w is below 1 is seen at each step, which has an α.
pub(super) fn check_weight_decay(weight_decay: f64) -> Result<(), Error> {
    check_not_negative("weight_decay", weight_decay)
}

/// The factor for weights in a step, 1 - α w but for rounding; what it leaves out is owed, and is the first of the
/// step's scalars.
pub(super) fn keep<T: Element>(weight_decay: f64, step: &mut Step<'_>) -> Result<T, Error> {
    let decay = step.learning_rate * weight_decay;
    let rest = T::from_f64(1.0 - decay);
    if rest <= T::ZERO {
        let expected = "less than 1 when multiplied by the learning rate";
        return Err(Error::number("weight_decay", weight_decay, expected));
    }
    Ok(step.scalars.first_mut().map_or(rest, |owed| pay(decay, owed)))
}

/// The factor for weights in a step that should take away the share `decay`, and in `owed` what earlier steps have
/// left to take away, which becomes what this one leaves.
fn pay<T: Element>(decay: f64, owed: &mut f64) -> T {
    let due = *owed + decay - *owed * decay;
    // Smaller steps would be rounded by more than they are worth.
    let factor = if due.abs() < 32.0 * T::EPSILON.to_f64() { T::ONE } else { T::from_f64(1.0 - due) };
    // (1 - due) = factor · (1 - owed)
    *owed = (factor.to_f64() - (1.0 - due)) / factor.to_f64();
    factor
}
