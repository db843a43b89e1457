//! Numbers that tell how well a run goes.

use crate::error::Error;
use crate::network::Network;
use crate::train::{CallbackState, Context};

/// Whether a lower or a higher number is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Goal {
    /// Lower is better: a cost, an error.
    Lowest,
    /// Higher is better: an accuracy.
    Highest,
}

impl std::fmt::Display for Goal {
    /// `lowest` or `highest`.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Lowest => "lowest",
            Self::Highest => "highest",
        })
    }
}

/// A number that tells after each epoch how well a run goes: a [`Monitor`], or a closure that measures something of its
/// own, of which lower is better.
pub trait Metric<N: Network>: Send {
    /// Whether a lower or a higher number is better.
    fn goal(&self) -> Goal {
        Goal::Lowest
    }

    /// What it is called, always the same: a number that was kept is compared only with numbers of this name. The name of
    /// its type unless implemented, of which those of two closures of one function do not differ.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// The number after the epoch that has just ended. One that is NaN is no better than any.
    ///
    /// # Errors
    /// Whatever should end the run.
    fn measure(&mut self, context: &mut Context<'_, N>) -> Result<f64, Error>;
}

impl<N: Network, F: FnMut(&mut Context<'_, N>) -> Result<f64, Error> + Send> Metric<N> for F {
    fn measure(&mut self, context: &mut Context<'_, N>) -> Result<f64, Error> {
        self(context)
    }
}

/// A number of an [`Epoch`](crate::Epoch) that tells how well a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Monitor {
    /// [`validation_cost`](crate::Epoch::validation_cost), the lower the better.
    ValidationCost,
    /// [`cost`](crate::Epoch::cost), the lower the better.
    Cost,
    /// [`accuracy`](crate::Epoch::accuracy) on the validation data, the higher the better.
    Accuracy,
}

impl<N: Network> Metric<N> for Monitor {
    fn goal(&self) -> Goal {
        match self {
            Self::ValidationCost | Self::Cost => Goal::Lowest,
            Self::Accuracy => Goal::Highest,
        }
    }

    fn name(&self) -> &str {
        match self {
            Self::ValidationCost => "validation cost",
            Self::Cost => "cost",
            Self::Accuracy => "accuracy",
        }
    }

    fn measure(&mut self, context: &mut Context<'_, N>) -> Result<f64, Error> {
        let Some(epoch) = context.last_epoch() else {
            return Err(Error::Missing { what: "epoch that is over", expected: "one to measure" });
        };
        match self {
            Self::Cost => Ok(epoch.cost),
            Self::ValidationCost => {
                let expected = "a run with validation data, or another metric";
                epoch.validation_cost.ok_or(Error::Missing { what: "validation cost", expected })
            }
            Self::Accuracy => match (epoch.accuracy, epoch.validation_cost) {
                (Some(accuracy), _) => Ok(accuracy),
                // Outputs that are no numbers have no accuracy.
                (None, Some(cost)) if !cost.is_finite() => Ok(f64::NAN),
                _ => {
                    let expected =
                        "a run with validation data, cross-entropy and targets that are classes, or another metric";
                    Err(Error::Missing { what: "accuracy", expected })
                }
            },
        }
    }
}

/// The best number so far.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Best(pub(super) Option<f64>);

impl Best {
    /// Takes `number` if it is better by more than `min_delta`; whether it was.
    fn improve(&mut self, goal: Goal, min_delta: f64, number: f64) -> bool {
        let better = match goal {
            Goal::Lowest => number < self.0.unwrap_or(f64::INFINITY) - min_delta,
            Goal::Highest => number > self.0.unwrap_or(f64::NEG_INFINITY) + min_delta,
        };
        if better {
            self.0 = Some(number);
        }
        better
    }

    /// Measures the epoch that has just ended; its number, if it is better by more than `min_delta`. What is better a `goal`
    /// says, or else the metric.
    pub(super) fn measure<N: Network, M: Metric<N>>(
        &mut self,
        metric: &mut M,
        goal: Option<Goal>,
        min_delta: f64,
        context: &mut Context<'_, N>,
    ) -> Result<Option<f64>, Error> {
        let number = metric.measure(context)?;
        let goal = goal.unwrap_or_else(|| metric.goal());
        Ok(self.improve(goal, min_delta, number).then_some(number))
    }

    /// As numbers of a state: how many there are, and which.
    pub(super) fn to_numbers(self) -> [f64; 2] {
        self.0.map_or([0.0; 2], |number| [1.0, number])
    }

    /// From numbers of a state.
    pub(super) fn of_numbers(state: &CallbackState, [count, number]: [f64; 2]) -> Result<Self, Error> {
        match (state.count(count)?, number.is_nan()) {
            (0, _) => Ok(Self(None)),
            (1, false) => Ok(Self(Some(number))),
            (1, true) => Err(state.unfit("a callback's best number", "a number", number)),
            _ => Err(state.unfit("a callback's count of best numbers", "0 or 1", count)),
        }
    }
}
