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

/// A cost weighs at most so much beside an accuracy. It decides only where accuracies are alike: fewer than ten million rows tell
/// them apart by more than that.
const COST: f64 = 1e-7;

/// The share of wrong rows, and where that is the same, the cost: smaller is better.
fn error_then_cost(accuracy: f64, cost: f64) -> f64 {
    // From 0 to 1 as the cost grows, however large it is; 1 where it is infinite or NaN.
    let share = (cost / (1.0 + cost)).min(1.0);
    1.0 - accuracy + COST * share
}

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
                Ok(error_then_cost(accuracy, cost))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::error_then_cost;

    #[test]
    fn a_cost_decides_only_between_equal_accuracies() {
        // One wrong row more, of 5,000 and of a million.
        for rows in [5e3, 1e6] {
            for cost in [1.0, 3000.0, f64::MAX, f64::INFINITY, f64::NAN] {
                assert!(
                    error_then_cost(1.0 - 1.0 / rows, cost) < error_then_cost(1.0 - 2.0 / rows, 0.0),
                    "{rows} {cost}"
                );
            }
        }
        let rising = [0.0, 1e-6, 0.1, 0.9, 1.0, 1.1, 10.0, 3000.0, 4000.0, f64::INFINITY];
        for pair in rising.windows(2) {
            assert!(error_then_cost(0.9, pair[0]) < error_then_cost(0.9, pair[1]), "{pair:?}");
        }
        assert_eq!(error_then_cost(0.9, f64::NAN), error_then_cost(0.9, f64::INFINITY));
    }
}
