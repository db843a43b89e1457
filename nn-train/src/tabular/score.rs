//! By what number the best epoch is chosen.

use super::Task;
use crate::error::Error;
use crate::network::Network;
use crate::train::{Context, Goal, Metric, Monitor};

/// The validation cost, or for more than two classes the accuracy on the validation rows, and where that is the same the cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Score {
    Cost,
    Accuracy,
}

/// A cost weighs so little beside an accuracy that it decides only where accuracies are alike: fewer than a million rows tell
/// accuracies apart by more than that.
const COST: f64 = 1e-7;

impl Score {
    pub(super) fn of(task: Task, outputs: usize) -> Self {
        if task == Task::Classes && outputs > 1 { Self::Accuracy } else { Self::Cost }
    }
}

impl<N: Network> Metric<N> for Score {
    fn goal(&self) -> Goal {
        Goal::Lowest
    }

    fn name(&self) -> &str {
        match self {
            Self::Cost => "validation cost",
            Self::Accuracy => "validation error, then cost",
        }
    }

    fn measure(&mut self, context: &mut Context<'_, N>) -> Result<f64, Error> {
        let cost = Metric::<N>::measure(&mut Monitor::ValidationCost, context)?;
        match self {
            Self::Cost => Ok(cost),
            Self::Accuracy => {
                let accuracy = Metric::<N>::measure(&mut Monitor::Accuracy, context)?;
                // Above any cost that decides nothing.
                Ok(1.0 - accuracy + COST * cost.min(1.0 / COST.sqrt()))
            }
        }
    }
}
