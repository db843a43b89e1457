//! What tells how well a network does on data that it was not trained on.

use std::cmp::Ordering;
use std::fmt;

use crate::error::Error;
use crate::network::Network;
use crate::train::Goal;

/// Measures a network on data.
type Measure<'a, N> = dyn Fn(&N, &<N as Network>::Data) -> Result<f64, Error> + Sync + 'a;

/// A number that is the better the lower, or the higher, it is.
pub(super) struct Score<'a, N: Network> {
    pub(super) goal: Goal,
    measure: Box<Measure<'a, N>>,
}

impl<'a, N: Network> Score<'a, N> {
    pub(super) fn new(goal: Goal, measure: impl Fn(&N, &N::Data) -> Result<f64, Error> + Sync + 'a) -> Self {
        Self { goal, measure: Box::new(measure) }
    }

    pub(super) fn measure(&self, network: &N, data: &N::Data) -> Result<f64, Error> {
        (self.measure)(network, data)
    }
}

impl<N: Network> Default for Score<'_, N> {
    /// The validation cost: the mean loss, without a term in λ.
    fn default() -> Self {
        Self::new(Goal::Lowest, |network: &N, data: &N::Data| network.cost_on(data, 0.0))
    }
}

impl<N: Network> fmt::Debug for Score<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.goal)
    }
}

/// Which of two finite scores comes first: the better one.
pub(super) fn compare(goal: Goal, a: f64, b: f64) -> Ordering {
    match goal {
        Goal::Lowest => a.total_cmp(&b),
        Goal::Highest => b.total_cmp(&a),
    }
}
