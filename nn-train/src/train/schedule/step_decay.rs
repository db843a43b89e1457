//! A rate that falls in stairs.

use super::{Schedule, check_factor, check_floor, check_steps};
use crate::error::Error;
use crate::optim::check_positive;
use crate::optim::power;

/// The rate falls by a factor every n steps, as PyTorch's `StepLR` does:
///
/// ```text
/// α(t) = max(floor, α γ^⌊t / n⌋)
/// ```
///
/// ```
/// use nn_train::StepDecay;
/// use nn_train::prelude::*;
///
/// // A tenth every 1,000 steps.
/// let schedule = StepDecay::new(0.1, 0.1, 1000);
/// assert_eq!([0, 999, 1000].map(|step| schedule.rate(step)), [0.1, 0.1, 0.1 * 0.1]);
/// let trainer = Trainer::builder().schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct StepDecay {
    /// α of the first steps, finite and positive.
    pub learning_rate: f64,
    /// γ in (0, 1].
    pub factor: f64,
    /// n, at least 1.
    pub steps: u64,
    /// The least rate, in [0, α]; 0 unless set. Without one the rate of a very long run may become so small that it
    /// rounds to 0 in the network's numbers, which ends the run with an error.
    pub floor: f64,
}

impl StepDecay {
    /// From `learning_rate`, times `factor` every `steps` steps.
    #[must_use]
    pub const fn new(learning_rate: f64, factor: f64, steps: u64) -> Self {
        Self { learning_rate, factor, steps, floor: 0.0 }
    }

    /// Sets the least rate.
    #[must_use]
    pub const fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }
}

impl Schedule for StepDecay {
    fn rate(&self, step: u64) -> f64 {
        (self.learning_rate * power(self.factor, step / self.steps.max(1))).max(self.floor)
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("learning_rate", self.learning_rate)?;
        check_factor(self.factor)?;
        check_steps("steps", self.steps)?;
        check_floor(self.floor, self.learning_rate)
    }
}
