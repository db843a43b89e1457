//! The learning rate, step by step.

use std::fmt;

/// The learning rate α as a function of the step: what a [`Trainer`](crate::Trainer) asks before each step.
///
/// It depends on the step alone, so that a run that is resumed goes on as it would have. A closure is a schedule:
///
/// ```
/// use nn_train::prelude::*;
///
/// // Half the rate every 1,000 steps.
/// let trainer = Trainer::builder().schedule(|step| 0.01 * 0.5_f64.powf((step / 1000) as f64)).build()?;
/// # Ok::<(), Error>(())
/// ```
///
/// What reacts to the course of a run is a [`Callback`](crate::Callback) that sets the rate.
pub trait Schedule: Send + Sync {
    /// α of a step, counted from 0 over the whole run: finite and not negative.
    fn rate(&self, step: u64) -> f64;
}

impl<F: Fn(u64) -> f64 + Send + Sync> Schedule for F {
    fn rate(&self, step: u64) -> f64 {
        self(step)
    }
}

/// The same rate in every step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Constant(pub(super) f64);

impl Schedule for Constant {
    fn rate(&self, _step: u64) -> f64 {
        self.0
    }
}

impl fmt::Debug for dyn Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule {{ first: {}, .. }}", self.rate(0))
    }
}
