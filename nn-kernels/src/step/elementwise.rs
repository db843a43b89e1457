//! Update rules that treat every parameter by itself: one pass over memory, in any instruction set.

use super::update::{MAX_SLOTS, Part, Span, Update};
use crate::isa::{Kernel, Simd, Vector};
use crate::{Element, InstructionSet};

/// The update rule of one step, parameter by parameter: the new θ from θ, its gradient, and the optimiser's memory of it.
/// It is written over vectors, and compiled for every instruction set.
///
/// ```
/// use nn_kernels::isa::{Simd, Vector};
/// use nn_kernels::{Element, Elementwise, InstructionSet, Part, Rule, Span, Update};
///
/// /// θ ← θ - α sgn(g)
/// struct SignDescent<T> {
///     rate: T,
/// }
///
/// impl<T: Element> Rule<T> for SignDescent<T> {
///     const SLOTS: usize = 0;
///
///     #[inline(always)]
///     fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, _slots: &mut [S::V]) -> S::V {
///         let (zero, rate) = (isa.splat(T::ZERO), isa.splat(self.rate));
///         let step = S::V::select(gradient.abs().le(zero), zero, rate.copysign(gradient));
///         theta - step
///     }
/// }
///
/// let update = Elementwise::new(SignDescent { rate: 0.5_f32 });
/// let mut gradient = [3.0, -2.0, 0.0];
/// assert!(update.update(InstructionSet::best(), Part::Weights, Span::new(&[1.0, 1.0, 1.0], &mut gradient)));
/// assert_eq!(gradient, [0.5, 1.5, 1.0]);
/// ```
pub trait Rule<T: Element>: Sync {
    /// The numbers that it keeps for each parameter, [`MAX_SLOTS`] at the most; more do not compile.
    const SLOTS: usize;

    /// θ after the step. `slots` holds [`SLOTS`](Self::SLOTS) vectors: the optimiser's memory, which the rule replaces by
    /// the new memory.
    ///
    /// A parameter that is zero, with a gradient and a memory of zeros, must stay so: engines fill up their layouts with
    /// such parameters. Mark it `#[inline(always)]`, or its vectors pass through memory.
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V;
}

/// The [`Update`] that applies a [`Rule`] to every parameter, or one rule to weights and another one to biases.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Elementwise<R> {
    weights: R,
    bias: Option<R>,
}

impl<R> Elementwise<R> {
    /// One rule for all parameters.
    #[must_use]
    pub const fn new(rule: R) -> Self {
        Self { weights: rule, bias: None }
    }

    /// A rule for weights and another one for biases, which a decay for instance leaves alone.
    #[must_use]
    pub const fn with_bias(weights: R, bias: R) -> Self {
        Self { weights, bias: Some(bias) }
    }
}

impl<T: Element, R: Rule<T>> Update<T> for Elementwise<R> {
    fn update(&self, set: InstructionSet, part: Part, mut span: Span<'_, T>) -> bool {
        let rule = match (part, &self.bias) {
            (Part::Bias, Some(rule)) => rule,
            _ => &self.weights,
        };
        T::dispatch(set, Sweep { rule, span: &mut span })
    }

    fn slots(&self) -> usize {
        R::SLOTS
    }

    fn minds_part(&self) -> bool {
        self.bias.is_some()
    }
}

/// A rule and the parameters that one thread applies it to. (A reference, for a span is 160 bytes: copied on its way to
/// the kernel it cost as much as the update of a small network.)
struct Sweep<'s, 'a, T, R> {
    rule: &'s R,
    span: &'s mut Span<'a, T>,
}

impl<T: Element, R: Rule<T>> Kernel<T> for Sweep<'_, '_, T, R> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, isa: S) -> bool {
        const { assert!(R::SLOTS <= MAX_SLOTS, "a rule keeps at most MAX_SLOTS numbers for a parameter") };
        let Self { rule, span } = self;
        let count = span.theta.len();
        let whole = count / S::LANES * S::LANES;
        let mut fault = isa.splat(T::ZERO);
        for start in (0..whole).step_by(S::LANES) {
            fault = fault + update::<T, S, R, true>(isa, rule, span, start);
        }
        if whole < count {
            fault = fault + update::<T, S, R, false>(isa, rule, span, whole);
        }
        fault.sum() == T::ZERO
    }
}

/// Applies a rule to the vector of parameters at `start`, a whole one or what there is. What it returns is 0 in every
/// lane whose numbers are finite, and NaN in the others: x · 0 is 0 for a finite x only, and NaN survives a sum.
#[inline(always)]
fn update<T: Element, S: Simd<T>, R: Rule<T>, const WHOLE: bool>(
    isa: S,
    rule: &R,
    span: &mut Span<'_, T>,
    start: usize,
) -> S::V {
    let zero = isa.splat(T::ZERO);
    let theta = load::<T, S, WHOLE>(isa, &span.theta[start..]);
    let gradient = load::<T, S, WHOLE>(isa, &span.gradient[start..]);
    let mut slots = [zero; MAX_SLOTS];
    for (vector, slot) in slots.iter_mut().zip(&span.slots).take(R::SLOTS) {
        *vector = load::<T, S, WHOLE>(isa, &slot.old[start..]);
    }
    let theta = rule.apply(isa, theta, gradient, &mut slots[..R::SLOTS]);
    store::<T, S, WHOLE>(isa, theta, &mut span.gradient[start..]);
    let mut fault = theta * zero;
    for (vector, slot) in slots.iter().zip(&mut span.slots).take(R::SLOTS) {
        store::<T, S, WHOLE>(isa, *vector, &mut slot.new[start..]);
        fault = fault + *vector * zero;
    }
    fault
}

#[inline(always)]
fn load<T: Element, S: Simd<T>, const WHOLE: bool>(isa: S, source: &[T]) -> S::V {
    if WHOLE { isa.load(source) } else { isa.load_partial(source, T::ZERO) }
}

#[inline(always)]
fn store<T: Element, S: Simd<T>, const WHOLE: bool>(isa: S, vector: S::V, target: &mut [T]) {
    if WHOLE { isa.store(vector, target) } else { isa.store_partial(vector, target) }
}
