//! Optimisers: what becomes of Θ, given Δ. One algorithm a file.

mod adam;
mod adamw;
mod sgd;
#[cfg(test)]
mod tests;

pub use adam::Adam;
pub use adamw::AdamW;
use nn_kernels::isa::{Kernel, Simd, Vector};
use nn_kernels::{Architecture, Element, InstructionSet};
pub use sgd::Sgd;

use crate::error::Error;

/// Parameters that one thread updates at a time: 128 KiB of f32, which is long compared with handing them over.
const CHUNK: usize = 1 << 15;

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
    /// optimiser remembers are finite. `theta` stays as it is: it is the caller who commits.
    pub(crate) fn propose<T: Element>(
        &self,
        state: &mut State<T>,
        architecture: &Architecture,
        theta: &[T],
        gradient: &mut [T],
    ) -> bool {
        state.step += 1;
        let step = state.step;
        let [first, second] = &mut state.slots;
        let span = Span { theta, gradient, first, second };
        match self {
            Self::Sgd(sgd) if sgd.momentum == 0.0 => sweep(&sgd.descent(), span),
            Self::Sgd(sgd) => sweep(&sgd.heavy_ball(), span),
            Self::Adam(adam) => sweep(&adam.rule(step), span),
            Self::AdamW(adamw) => {
                let (weights, bias) = (adamw.rule(step), adamw.bias_rule(step));
                let mut rest = span;
                let mut finite = true;
                for range in architecture.ranges() {
                    let (head, tail) = rest.split_at(range.weights.len());
                    finite &= sweep(&weights, head);
                    let (head, tail) = tail.split_at(range.bias.len());
                    finite &= sweep(&bias, head);
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
    /// Up to two numbers for each parameter, in the order of the flat slice; empty where an algorithm has none.
    pub(crate) slots: [Vec<T>; 2],
}

/// An update rule, element by element: the same for every parameter it is applied to.
trait Rule<T: Element>: Sync {
    /// How many numbers it remembers of each parameter, 0 to 2.
    const SLOTS: usize;

    /// θ and what is remembered, after a step along `gradient`.
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: [S::V; 2]) -> (S::V, [S::V; 2]);
}

/// A run of parameters with all that belongs to them. Slots that the rule has not are empty.
struct Span<'a, T> {
    theta: &'a [T],
    gradient: &'a mut [T],
    first: &'a mut [T],
    second: &'a mut [T],
}

impl<T> Span<'_, T> {
    /// The parameters before `middle`, and the others.
    fn split_at(self, middle: usize) -> (Self, Self) {
        let Self { theta, gradient, first, second } = self;
        let (theta, theta_tail) = theta.split_at(middle);
        let (gradient, gradient_tail) = gradient.split_at_mut(middle);
        let (first, first_tail) = first.split_at_mut(middle.min(first.len()));
        let (second, second_tail) = second.split_at_mut(middle.min(second.len()));
        (
            Self { theta, gradient, first, second },
            Self { theta: theta_tail, gradient: gradient_tail, first: first_tail, second: second_tail },
        )
    }
}

/// Applies a rule to a run of parameters, on the current rayon pool if there are many. Every parameter is on its
/// own, so how they are divided changes no bit.
fn sweep<T: Element, R: Rule<T>>(rule: &R, span: Span<'_, T>) -> bool {
    let count = span.theta.len();
    if count <= CHUNK {
        return T::dispatch(InstructionSet::best(), Sweep { rule, span });
    }
    let (left, right) = span.split_at((count / 2).next_multiple_of(CHUNK));
    let (left, right) = rayon::join(|| sweep(rule, left), || sweep(rule, right));
    left && right
}

/// Applies a rule on this thread; says whether all that it wrote is finite.
struct Sweep<'a, T, R> {
    rule: &'a R,
    span: Span<'a, T>,
}

impl<T: Element, R: Rule<T>> Kernel<T> for Sweep<'_, T, R> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, isa: S) -> bool {
        let Self { rule, span: Span { theta, gradient, first, second } } = self;
        let zero = isa.splat(T::ZERO);
        // x - x is 0 for a finite x and NaN for any other, and NaN survives a sum.
        let mut fault = zero;
        for start in (0..theta.len()).step_by(S::LANES) {
            let lanes = start..theta.len().min(start + S::LANES);
            let slots = [
                if R::SLOTS > 0 { isa.load_partial(&first[lanes.clone()], T::ZERO) } else { zero },
                if R::SLOTS > 1 { isa.load_partial(&second[lanes.clone()], T::ZERO) } else { zero },
            ];
            let old = isa.load_partial(&theta[lanes.clone()], T::ZERO);
            let slope = isa.load_partial(&gradient[lanes.clone()], T::ZERO);
            let (moved, slots) = rule.apply(isa, old, slope, slots);
            isa.store_partial(moved, &mut gradient[lanes.clone()]);
            fault = fault + (moved - moved);
            if R::SLOTS > 0 {
                isa.store_partial(slots[0], &mut first[lanes.clone()]);
                fault = fault + (slots[0] - slots[0]);
            }
            if R::SLOTS > 1 {
                isa.store_partial(slots[1], &mut second[lanes]);
                fault = fault + (slots[1] - slots[1]);
            }
        }
        fault.sum() == T::ZERO
    }
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
