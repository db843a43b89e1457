//! What a run does where a step diverges.

use crate::error::Error;

/// What a [`Run`](crate::Run) does where a step diverges: where its cost, its gradient or its update is not finite.
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::Divergence;
///
/// network! { struct Line<1 => 1 linear>; }
/// let data = Dataset::new(vec![[1.0], [2.0]], vec![[20.0], [40.0]])?;
///
/// // The first step at this rate overflows an `f32`. It is dropped, and the others are taken at 0.4.
/// let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(1e38).batch_size(2).epochs(400);
/// assert!(builder.clone().build()?.fit(&mut Line::new(1), &data, None).is_err());
/// let trainer = builder.on_divergence(Divergence::SkipAndShrink { factor: 4e-39, at_most: 3 }).build()?;
/// let history = trainer.fit(&mut Line::new(1), &data, None)?;
/// assert_eq!(history.iter().map(|epoch| epoch.dropped_steps).sum::<u64>(), 1);
/// assert!(history.last().is_some_and(|epoch| epoch.cost < 1e-3));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Divergence {
    /// The run ends with [`Error::Diverged`].
    #[default]
    Stop,
    /// The step is dropped, and the run goes on with the next batch at a lower learning rate.
    ///
    /// Parameters and the optimiser's memory are as before the step; it is not counted, takes no part in the epoch's
    /// cost, and callbacks are told of it by [`on_dropped_step`](crate::Callback::on_dropped_step). The rate of all steps to come, the schedule's or one that was set, is
    /// multiplied by `factor`. Of [`Rprop`](crate::Rprop), which reads the rate in its first step only, that changes no
    /// later step.
    SkipAndShrink {
        /// In (0, 1).
        factor: f64,
        /// Steps that are dropped in a run, at least 1. One more is the error.
        at_most: u64,
    },
}

impl Divergence {
    /// The settings are in their ranges.
    pub(super) fn validate(self) -> Result<(), Error> {
        let Self::SkipAndShrink { factor, at_most } = self else { return Ok(()) };
        if !(factor > 0.0 && factor < 1.0) {
            return Err(Error::number("factor", factor, "a number in (0, 1)"));
        }
        if at_most == 0 {
            return Err(Error::setting("at_most", at_most, "at least 1"));
        }
        Ok(())
    }
}
