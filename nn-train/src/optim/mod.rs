//! Optimisers: what becomes of Θ, given Δ. One algorithm a file.

mod adam;
mod adamw;
mod sgd;
mod sweep;
#[cfg(test)]
mod tests;

pub use adam::Adam;
pub use adamw::AdamW;
use nn_kernels::{Element, InstructionSet, LayerRange};
pub use sgd::Sgd;
use sweep::{Rule, Span, sweep};

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
    pub(crate) fn state<T: Element>(&self, params: usize) -> State<T> {
        let slot = |index| if index < self.slots() { vec![T::ZERO; params] } else { Vec::new() };
        State { step: 0, slots: [slot(0), slot(1)] }
    }

    /// Replaces Δ in `gradient` by the parameters that the step leads to, and says whether they and what the
    /// optimiser remembers are finite. Each layer's numbers are where `ranges` says. `theta` stays as it is: it is
    /// the caller who commits.
    pub(crate) fn propose<T: Element>(
        &self,
        state: &mut State<T>,
        set: InstructionSet,
        ranges: &[LayerRange],
        theta: &[T],
        gradient: &mut [T],
    ) -> bool {
        state.step += 1;
        let step = state.step;
        let [first, second] = &mut state.slots;
        let span = Span { theta, gradient, first, second };
        match self {
            Self::Sgd(sgd) if sgd.momentum == 0.0 => sweep(set, &sgd.descent(), span),
            Self::Sgd(sgd) => sweep(set, &sgd.heavy_ball(), span),
            Self::Adam(adam) => sweep(set, &adam.rule(step), span),
            Self::AdamW(adamw) => {
                let (weights, bias) = (adamw.rule(step), adamw.bias_rule(step));
                let mut rest = span;
                let mut finite = true;
                for range in ranges {
                    let (head, tail) = rest.split_at(range.weights.len());
                    finite &= sweep(set, &weights, head);
                    let (head, tail) = tail.split_at(range.bias.len());
                    finite &= sweep(set, &bias, head);
                    rest = tail;
                }
                finite
            }
        }
    }
}

/// What an optimiser remembers from step to step.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct State<T> {
    /// Steps taken.
    pub(crate) step: u64,
    /// Up to two numbers for each parameter, in their order; empty where an algorithm has none.
    pub(crate) slots: [Vec<T>; 2],
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
