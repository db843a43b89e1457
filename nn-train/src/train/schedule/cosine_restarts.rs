//! A rate that falls along a cosine again and again.

use super::{Schedule, along_cosine, check_floor, check_steps};
use crate::error::Error;
use crate::optim::check_positive;

/// The rate falls from α to a floor along a cosine, starts again at α, and takes longer each time: Loshchilov and
/// Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5.
///
/// ```text
/// α(t) = floor + ½ (α - floor) (1 + cos(π tᵢ / nᵢ)),   nᵢ = n gⁱ
/// ```
///
/// tᵢ counts the steps since the last start, of which i have gone before. It is PyTorch's
/// `CosineAnnealingWarmRestarts(T_0=n, T_mult=g)`, stepped once a batch. With the growth 2, after n, 3n, 7n, … steps a
/// period is over, which are the good moments to end a run.
///
/// ```
/// use nn_train::CosineRestarts;
/// use nn_train::prelude::*;
///
/// let schedule = CosineRestarts::new(0.1, 100).growth(2);
/// assert_eq!([0, 100, 300, 700].map(|step| schedule.rate(step)), [0.1; 4]);
/// assert!(schedule.rate(299) < 1e-4);
/// let trainer = Trainer::builder().schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct CosineRestarts {
    /// α at each start, finite and positive.
    pub learning_rate: f64,
    /// n, the steps of the first period, at least 1.
    pub steps: u64,
    /// g, how many times as long as the period before each one is, at least 1; 1 unless set.
    pub growth: u64,
    /// What the rate falls to, in [0, α]; 0 unless set.
    pub floor: f64,
}

impl CosineRestarts {
    /// From `learning_rate` to 0 every `steps` steps.
    #[must_use]
    pub const fn new(learning_rate: f64, steps: u64) -> Self {
        Self { learning_rate, steps, growth: 1, floor: 0.0 }
    }

    /// Sets how many times as long as the period before each one is.
    #[must_use]
    pub const fn growth(self, growth: u64) -> Self {
        Self { growth, ..self }
    }

    /// Sets what the rate falls to.
    #[must_use]
    pub const fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }
}

impl Schedule for CosineRestarts {
    fn rate(&self, step: u64) -> f64 {
        let (mut since, mut period) = (step, self.steps.max(1));
        if self.growth <= 1 {
            since %= period;
        } else {
            // Each period is at least twice the one before, so that this takes 64 turns at the most.
            while since >= period {
                since -= period;
                period = period.saturating_mul(self.growth);
            }
        }
        along_cosine(self.learning_rate, self.floor, since as f64 / period as f64)
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("learning_rate", self.learning_rate)?;
        check_steps("steps", self.steps)?;
        check_steps("growth", self.growth)?;
        check_floor(self.floor, self.learning_rate)
    }
}
