//! Optimisers: what becomes of Θ, given Δ. One algorithm a file.

mod adam;
mod adamw;
mod sgd;
mod sweep;
#[cfg(test)]
mod tests;

pub use adam::Adam;
use adam::Moments;
pub use adamw::AdamW;
use nn_kernels::{Buffer, Element, InstructionSet, Part, Span, StepError, Update};
pub use sgd::Sgd;
use sgd::{Descent, HeavyBall};
use sweep::{Rule, sweep};

use crate::error::Error;

/// The algorithm by which a [`Trainer`](crate::Trainer) moves the parameters against their gradient.
///
/// Whatever takes an `Optimizer` takes the settings of one: `.optimizer(Adam::default())`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adaptive moments.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
}

impl Default for Optimizer {
    fn default() -> Self {
        Self::Adam(Adam::default())
    }
}

impl From<Sgd> for Optimizer {
    fn from(sgd: Sgd) -> Self {
        Self::Sgd(sgd)
    }
}

impl From<Adam> for Optimizer {
    fn from(adam: Adam) -> Self {
        Self::Adam(adam)
    }
}

impl From<AdamW> for Optimizer {
    fn from(adamw: AdamW) -> Self {
        Self::AdamW(adamw)
    }
}

impl Optimizer {
    /// Whether every setting is in its range.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is not.
    pub fn validate(&self) -> Result<(), Error> {
        match self {
            Self::Sgd(sgd) => sgd.validate(),
            Self::Adam(adam) => adam.validate(),
            Self::AdamW(adamw) => adamw.validate(),
        }
    }

    /// How many numbers the algorithm remembers of each parameter.
    fn slots(&self) -> usize {
        match self {
            Self::Sgd(sgd) => usize::from(sgd.momentum != 0.0),
            Self::Adam(_) | Self::AdamW(_) => 2,
        }
    }

    /// The state before the first step on a network of this size.
    ///
    /// # Errors
    /// [`StepError::Memory`].
    pub(crate) fn state<T: Element>(&self, params: usize) -> Result<State<T>, StepError> {
        let slot = |index| if index < self.slots() { Buffer::zeros(params) } else { Ok(Buffer::empty()) };
        Ok(State { step: 0, slots: [slot(0)?, slot(1)?] })
    }

    /// The algorithm at its step `step`, from 1.
    pub(crate) fn at<T: Element>(&self, step: u64) -> AtStep<T> {
        match self {
            Self::Sgd(sgd) if sgd.momentum == 0.0 => AtStep::Descent(sgd.descent()),
            Self::Sgd(sgd) => AtStep::HeavyBall(sgd.heavy_ball()),
            Self::Adam(adam) => AtStep::Moments(adam.rule(step)),
            Self::AdamW(adamw) => AtStep::Decaying { weights: adamw.rule(step), bias: adamw.bias_rule(step) },
        }
    }
}

/// The rule of an algorithm at one of its steps.
pub(crate) enum AtStep<T> {
    Descent(Descent<T>),
    HeavyBall(HeavyBall<T>),
    Moments(Moments<T>),
    /// With a rule for each part.
    Decaying {
        weights: Moments<T>,
        bias: Moments<T>,
    },
}

impl<T: Element> Update<T> for AtStep<T> {
    fn update(&self, set: InstructionSet, part: Part, span: Span<'_, T>) -> bool {
        match (self, part) {
            (Self::Descent(rule), _) => sweep(set, rule, span),
            (Self::HeavyBall(rule), _) => sweep(set, rule, span),
            (Self::Moments(rule), _)
            | (Self::Decaying { weights: rule, .. }, Part::Weights)
            | (Self::Decaying { bias: rule, .. }, Part::Bias) => sweep(set, rule, span),
        }
    }

    fn minds_part(&self) -> bool {
        matches!(self, Self::Decaying { .. })
    }
}

/// What an optimiser remembers from step to step.
#[derive(Debug)]
pub(crate) struct State<T> {
    /// Steps taken.
    pub(crate) step: u64,
    /// Up to two numbers for each parameter, in their order; empty where an algorithm has none.
    pub(crate) slots: [Buffer<T>; 2],
}

/// `x` to the power of `exponent` by repeated squaring: the same bits on every platform, which `powf` does not
/// promise.
fn power(x: f64, exponent: u64) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, x, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

/// The learning rate is finite and positive.
fn check_learning_rate(value: f64) -> Result<(), Error> {
    if value.is_finite() && value > 0.0 {
        Ok(())
    } else {
        Err(Error::setting("learning_rate", value, "a finite, positive number"))
    }
}

/// A share that decays: in [0, 1).
fn check_decay(name: &'static str, value: f64) -> Result<(), Error> {
    if (0.0..1.0).contains(&value) { Ok(()) } else { Err(Error::setting(name, value, "a number in [0, 1)")) }
}
