//! The learning rate, step by step. One schedule a file.

mod constant;
mod cosine;
mod cosine_restarts;
mod exponential;
mod flat_cosine;
mod one_cycle;
mod step_decay;
mod warm_up;

use std::f64::consts::PI;
use std::fmt;

pub use constant::Constant;
pub use cosine::Cosine;
pub use cosine_restarts::CosineRestarts;
pub use exponential::Exponential;
pub use flat_cosine::FlatCosine;
pub use one_cycle::{Annealing, OneCycle};
pub use step_decay::StepDecay;
pub use warm_up::WarmUp;

use crate::error::Error;

/// The learning rate α as a function of the step: what a [`Trainer`](crate::Trainer) asks before each step.
///
/// | | the rate |
/// |---|---|
/// | [`Constant`] | the same in every step |
/// | [`StepDecay`] | falls by a factor every n steps |
/// | [`Exponential`] | the same, smoothly |
/// | [`Cosine`] | falls to a floor over n steps along a cosine |
/// | [`CosineRestarts`] | the same again and again, each time longer if you like |
/// | [`FlatCosine`] | is flat for a share of n steps, then falls along a cosine |
/// | [`OneCycle`] | rises to its peak and falls far below its start, over n steps |
/// | [`warm_up`](Self::warm_up) | rises to any of these |
///
/// ```
/// use nn_train::Cosine;
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// // The builder counts the steps of the run: epochs × ⌈samples / batch size⌉.
/// let builder = Trainer::builder().batch_size(3).epochs(100);
/// let steps = builder.steps(data.len());
/// assert_eq!(steps, 100 * 2);
///
/// let trainer = builder.schedule(Cosine::new(0.05, steps - 10).warm_up(10)).build()?;
/// trainer.fit(&mut Xor::new(1), &data, None)?;
/// # Ok::<(), Error>(())
/// ```
///
/// A schedule depends on the step alone, so that a run that is resumed goes on as it would have. A closure is one:
///
/// ```
/// use nn_train::prelude::*;
///
/// let trainer = Trainer::builder().schedule(|step| 0.01 / (1.0 + step as f64 / 1000.0)).build()?;
/// # Ok::<(), Error>(())
/// ```
///
/// Powers and cosines are those of the platform's mathematical library, which may differ from another's in the last
/// bit.
///
/// What reacts to the course of a run is a [`Callback`](crate::Callback) that sets the rate.
pub trait Schedule: Send + Sync {
    /// α of a step, counted from 0 over the whole run: finite and not negative.
    fn rate(&self, step: u64) -> f64;

    /// Checks that every setting is in its range; [`TrainerBuilder::build`](crate::TrainerBuilder::build) asks for it.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is not.
    fn validate(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The same schedule after `steps` ≥ 1 steps of warming up, in which the rate rises in a straight line. See
    /// [`WarmUp`].
    fn warm_up(self, steps: u64) -> WarmUp<Self>
    where
        Self: Sized,
    {
        WarmUp { steps, schedule: self }
    }
}

impl<F: Fn(u64) -> f64 + Send + Sync> Schedule for F {
    fn rate(&self, step: u64) -> f64 {
        self(step)
    }
}

/// A schedule that is chosen while the program runs.
impl Schedule for Box<dyn Schedule> {
    fn rate(&self, step: u64) -> f64 {
        (**self).rate(step)
    }

    fn validate(&self) -> Result<(), Error> {
        (**self).validate()
    }
}

impl fmt::Debug for dyn Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Schedule {{ first: {}, .. }}", self.rate(0))
    }
}

/// From `start` to `end` along half a period of a cosine, as `share` goes from 0 to 1; exact at both.
fn along_cosine(start: f64, end: f64, share: f64) -> f64 {
    along_line(start, end, 0.5 * (1.0 - (PI * share).cos()))
}

/// The same in a straight line.
fn along_line(start: f64, end: f64, share: f64) -> f64 {
    start * (1.0 - share) + end * share
}

/// A rate to end at is at most the one to start from.
fn check_floor(floor: f64, rate: f64) -> Result<(), Error> {
    if (0.0..=rate).contains(&floor) {
        return Ok(());
    }
    Err(Error::number("floor", floor, "a number that is not negative and at most the learning rate"))
}

/// Something takes at least one step.
fn check_steps(name: &'static str, steps: u64) -> Result<(), Error> {
    if steps == 0 { Err(Error::setting(name, steps, "at least 1")) } else { Ok(()) }
}

/// A rate is multiplied by a number in (0, 1].
fn check_factor(factor: f64) -> Result<(), Error> {
    if factor > 0.0 && factor <= 1.0 {
        return Ok(());
    }
    Err(Error::number("factor", factor, "a number in (0, 1]"))
}
