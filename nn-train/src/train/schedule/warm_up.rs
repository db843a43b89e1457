//! A rate that rises to that of another schedule.

use super::{Schedule, check_steps};
use crate::error::Error;

/// n steps in which the rate rises in a straight line, before another schedule α₀: Goyal et al., "Accurate, large
/// minibatch SGD: training ImageNet in 1 hour", 2017 (arXiv 1706.02677), section 2.2.
///
/// ```text
/// α(t) = α₀(0) (t + 1) / (n + 1)      for t < n
/// α(t) = α₀(t - n)                    from there on
/// ```
///
/// So no step is taken at the rate 0, and step n is the first one at the full rate. The schedule starts after the
/// warm-up: take `n` off its steps if both together are to fill a run. [`Schedule::warm_up`] makes one.
///
/// ```
/// use nn_train::prelude::*;
///
/// let schedule = Cosine::new(0.1, 900).warm_up(99);
/// assert!((schedule.rate(0) - 0.001).abs() < 1e-15);
/// assert_eq!([99, 999].map(|step| schedule.rate(step)), [0.1, 0.0]);
/// let trainer = Trainer::builder().schedule(schedule).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct WarmUp<S> {
    /// n, at least 1.
    pub steps: u64,
    /// α₀, which follows.
    pub schedule: S,
}

impl<S: Schedule> Schedule for WarmUp<S> {
    fn rate(&self, step: u64) -> f64 {
        match step.checked_sub(self.steps) {
            Some(step) => self.schedule.rate(step),
            None => self.schedule.rate(0) * ((step as f64 + 1.0) / (self.steps as f64 + 1.0)),
        }
    }

    fn validate(&self) -> Result<(), Error> {
        check_steps("warm_up", self.steps)?;
        self.schedule.validate()
    }
}
