//! A rate that is flat at first, then falls along a cosine.

use super::{Schedule, along_cosine, check_floor, check_steps};
use crate::error::Error;
use crate::optim::check_positive;

/// The rate is α for a share s of n steps, and falls to a floor along a cosine in those that are left: `fit_flat_cos`
/// of Howard and Gugger, "fastai: a layered API for deep learning", Information 11(2), 2020.
///
/// ```text
/// α(t) = α                                                         for t ≤ s n
/// α(t) = floor + ½ (α - floor) (1 + cos(π (t - s n) / (n - s n)))  for t < n, then floor
/// ```
///
/// ```
/// use nn_train::FlatCosine;
/// use nn_train::prelude::*;
///
/// let schedule = FlatCosine::new(0.1, 1000);
/// assert_eq!([0, 750, 1000].map(|step| schedule.rate(step)), [0.1, 0.1, 0.0]);
/// assert!((schedule.rate(875) - 0.05).abs() < 1e-15);
/// let trainer = Trainer::builder().schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
///
/// [`TrainerBuilder::steps`](crate::TrainerBuilder::steps) tells how many steps a run has.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct FlatCosine {
    /// α of the first steps, finite and positive.
    pub learning_rate: f64,
    /// n, at least 1.
    pub steps: u64,
    /// s in [0, 1], the share of the steps at α; 0.75 unless set.
    pub flat: f64,
    /// The rate at the end, in [0, α]; 0 unless set.
    pub floor: f64,
}

impl FlatCosine {
    /// `learning_rate` for three quarters of `steps` steps, then down to 0.
    #[must_use]
    pub const fn new(learning_rate: f64, steps: u64) -> Self {
        Self { learning_rate, steps, flat: 0.75, floor: 0.0 }
    }

    /// Sets the share of the steps at α.
    #[must_use]
    pub const fn flat(self, flat: f64) -> Self {
        Self { flat, ..self }
    }

    /// Sets the rate at the end.
    #[must_use]
    pub const fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }
}

impl Schedule for FlatCosine {
    fn rate(&self, step: u64) -> f64 {
        if step >= self.steps {
            return self.floor;
        }
        let (step, steps) = (step as f64, self.steps as f64);
        let flat = self.flat * steps;
        if step <= flat {
            return self.learning_rate;
        }
        along_cosine(self.learning_rate, self.floor, (step - flat) / (steps - flat))
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("learning_rate", self.learning_rate)?;
        check_steps("steps", self.steps)?;
        if !(0.0..=1.0).contains(&self.flat) {
            return Err(Error::number("flat", self.flat, "a number in [0, 1]"));
        }
        check_floor(self.floor, self.learning_rate)
    }
}
