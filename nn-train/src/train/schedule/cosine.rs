//! A rate that falls along a cosine.

use super::{Schedule, along_cosine, check_floor, check_steps};
use crate::error::Error;
use crate::optim::check_positive;

/// The rate falls from α to a floor over n steps along half a period of a cosine: Loshchilov and Hutter, "SGDR:
/// stochastic gradient descent with warm restarts", ICLR 2017, equation 5, without the restarts.
///
/// ```text
/// α(t) = floor + ½ (α - floor) (1 + cos(π t / n))     for t < n, then floor
/// ```
///
/// PyTorch's `CosineAnnealingLR` is the same up to n steps, and then rises again.
///
/// ```
/// use nn_train::prelude::*;
///
/// let schedule = Cosine::new(0.1, 1000).floor(0.001);
/// assert_eq!([0, 1000, 2000].map(|step| schedule.rate(step)), [0.1, 0.001, 0.001]);
/// let trainer = Trainer::builder().schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
///
/// [`TrainerBuilder::steps`](crate::TrainerBuilder::steps) tells how many steps a run has.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Cosine {
    /// α of the first step, finite and positive.
    pub learning_rate: f64,
    /// n, at least 1.
    pub steps: u64,
    /// The rate at the end, in [0, α]; 0 unless set.
    pub floor: f64,
}

impl Cosine {
    /// From `learning_rate` to 0 over `steps` steps.
    #[must_use]
    pub const fn new(learning_rate: f64, steps: u64) -> Self {
        Self { learning_rate, steps, floor: 0.0 }
    }

    /// Sets the rate at the end.
    #[must_use]
    pub const fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }
}

impl Schedule for Cosine {
    fn rate(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.floor;
        }
        along_cosine(self.learning_rate, self.floor, step as f64 / self.steps as f64)
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("learning_rate", self.learning_rate)?;
        check_steps("steps", self.steps)?;
        check_floor(self.floor, self.learning_rate)
    }
}
