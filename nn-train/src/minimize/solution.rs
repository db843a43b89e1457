//! How a minimisation went.

use std::fmt;
use std::time::Duration;

/// Why a minimisation stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// No entry of the gradient is larger than `gradient_tolerance`.
    Gradient,
    /// Several iterations together lowered the cost by no more than `cost_tolerance` allows.
    Cost,
    /// `max_iterations` were made.
    Iterations,
    /// `max_evaluations` were made.
    Evaluations,
    /// Not even along the steepest descent did the line search find a lower cost. What is left to gain is lost in the
    /// rounding of the cost, or the cost has a kink there, as `relu` and `mae` make them.
    LineSearch,
    /// Neither the cost nor the largest entry of the gradient became smaller in 10 iterations: steps move no more than
    /// rounding does.
    Rounding,
    /// The callback answered [`Signal::Stop`](crate::Signal::Stop).
    Callback,
}

impl StopReason {
    /// Whether a tolerance was met: [`Gradient`](Self::Gradient) or [`Cost`](Self::Cost).
    #[must_use]
    pub const fn is_converged(self) -> bool {
        matches!(self, Self::Gradient | Self::Cost)
    }
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Gradient => "converged, the gradient is within its tolerance",
            Self::Cost => "converged, the cost falls by less than its tolerance",
            Self::Iterations => "stopped at the limit of iterations",
            Self::Evaluations => "stopped at the limit of evaluations",
            Self::LineSearch => "stopped, the line search finds no lower cost",
            Self::Rounding => "stopped, steps move no more than rounding does",
            Self::Callback => "stopped by the callback",
        })
    }
}

/// How a minimisation by [`Lbfgs`](crate::Lbfgs) or [`ConjugateGradient`](crate::ConjugateGradient) went, and why it
/// stopped.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Solution {
    /// Why it stopped.
    pub reason: StopReason,
    /// J at the network's parameters, the λ term included.
    pub cost: f64,
    /// The largest entry of the gradient there, max |∂J/∂θ|.
    pub max_gradient: f64,
    /// Steps that moved the parameters.
    pub iterations: usize,
    /// How often cost and gradient of the whole data set were computed.
    pub evaluations: usize,
    /// How long it took, the callback included.
    pub duration: Duration,
}

impl fmt::Display for Solution {
    /// `converged, the gradient is within its tolerance: cost 0.215907, largest gradient 8.7e-6, 41 iterations, 47
    /// evaluations, 0.031 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reason, cost, max_gradient, iterations, evaluations, duration } = self;
        let seconds = duration.as_secs_f64();
        write!(f, "{reason}: cost {cost:.6}, largest gradient {max_gradient:.1e}, {iterations} iterations, ")?;
        write!(f, "{evaluations} evaluations, {seconds:.3} s")
    }
}

/// One iteration as a callback sees it, after its step.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Iteration {
    /// Which one, from 1.
    pub number: usize,
    /// J after the step.
    pub cost: f64,
    /// The largest entry of the gradient after the step, max |∂J/∂θ|.
    pub max_gradient: f64,
    /// α, how far the step went along its direction; 1 is the natural length with L-BFGS.
    pub step_length: f64,
    /// Evaluations of the whole data set so far.
    pub evaluations: usize,
}
