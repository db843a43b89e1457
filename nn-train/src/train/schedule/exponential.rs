//! A rate that falls by the same share in every step.

use super::{Schedule, check_factor, check_floor, check_steps};
use crate::error::Error;
use crate::optim::check_positive;

/// The rate falls by a factor over each n steps, a little in every one of them:
///
/// ```text
/// α(t) = max(floor, α γ^(t / n))
/// ```
///
/// It is Keras' `ExponentialDecay`; with n = 1 it is PyTorch's `ExponentialLR`, stepped once a batch.
///
/// ```
/// use nn_train::Exponential;
/// use nn_train::prelude::*;
///
/// // Half of it every 1,000 steps.
/// let schedule = Exponential::new(0.1, 0.5, 1000);
/// assert!((schedule.rate(2000) - 0.025).abs() < 1e-15);
/// let trainer = Trainer::builder().schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Exponential {
    /// α of the first step, finite and positive.
    pub learning_rate: f64,
    /// γ in (0, 1].
    pub factor: f64,
    /// n, at least 1.
    pub steps: u64,
    /// The least rate, in [0, α]; 0 unless set. Without one the rate of a very long run may become so small that it
    /// rounds to 0 in the network's numbers, which ends the run with an error.
    pub floor: f64,
}

impl Exponential {
    /// From `learning_rate`, times `factor` over each `steps` steps.
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

impl Schedule for Exponential {
    fn rate(&self, step: u64) -> f64 {
        (self.learning_rate * self.factor.powf(step as f64 / self.steps.max(1) as f64)).max(self.floor)
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("learning_rate", self.learning_rate)?;
        check_factor(self.factor)?;
        check_steps("steps", self.steps)?;
        check_floor(self.floor, self.learning_rate)
    }
}
