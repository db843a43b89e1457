//! A rate that does not change.

use super::Schedule;
use crate::error::Error;
use crate::optim::check_positive;

/// The same learning rate α in every step: what [`learning_rate`](crate::TrainerBuilder::learning_rate) of the
/// trainer's builder makes, here to be [warmed up](Schedule::warm_up) to.
///
/// ```
/// use nn_train::Constant;
/// use nn_train::prelude::*;
///
/// let trainer = Trainer::builder().schedule(Constant::new(0.01).warm_up(100)).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Constant {
    /// α, finite and positive.
    pub learning_rate: f64,
}

impl Constant {
    /// The rate of every step.
    #[must_use]
    pub const fn new(learning_rate: f64) -> Self {
        Self { learning_rate }
    }
}

impl Schedule for Constant {
    fn rate(&self, _step: u64) -> f64 {
        self.learning_rate
    }

    fn validate(&self) -> Result<(), Error> {
        check_positive::<f64>("learning_rate", self.learning_rate)
    }
}
