//! One pass of an update rule over parameters.

use nn_kernels::isa::{Kernel, Simd, Vector};
use nn_kernels::{Element, InstructionSet, Span};

/// An update rule, element by element: the same for every parameter it is applied to.
pub(super) trait Rule<T: Element>: Sync {
    /// How many numbers it remembers of each parameter, 0 to 2.
    const SLOTS: usize;

    /// θ and what is remembered, after a step along `gradient`.
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: [S::V; 2]) -> (S::V, [S::V; 2]);
}

/// Applies a rule to a run of parameters, and says whether all that came of it is finite. Slots that the rule has not are
/// empty.
pub(super) fn sweep<T: Element, R: Rule<T>>(set: InstructionSet, rule: &R, span: Span<'_, T>) -> bool {
    T::dispatch(set, Chunk { rule, span })
}

/// A rule and the parameters that one thread applies it to.
struct Chunk<'a, T, R> {
    rule: &'a R,
    span: Span<'a, T>,
}

impl<T: Element, R: Rule<T>> Kernel<T> for Chunk<'_, T, R> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, isa: S) -> bool {
        let Self { rule, mut span } = self;
        let count = span.theta.len();
        let whole = count / S::LANES * S::LANES;
        let mut fault = isa.splat(T::ZERO);
        for start in (0..whole).step_by(S::LANES) {
            fault = fault + update::<T, S, R, true>(isa, rule, &mut span, start);
        }
        if whole < count {
            fault = fault + update::<T, S, R, false>(isa, rule, &mut span, whole);
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
    let slots = [
        if R::SLOTS > 0 { load::<T, S, WHOLE>(isa, &span.first[start..]) } else { zero },
        if R::SLOTS > 1 { load::<T, S, WHOLE>(isa, &span.second[start..]) } else { zero },
    ];
    let (theta, slots) = rule.apply(isa, theta, gradient, slots);
    store::<T, S, WHOLE>(isa, theta, &mut span.gradient[start..]);
    if R::SLOTS > 0 {
        store::<T, S, WHOLE>(isa, slots[0], &mut span.first[start..]);
    }
    if R::SLOTS > 1 {
        store::<T, S, WHOLE>(isa, slots[1], &mut span.second[start..]);
    }
    theta * zero + (slots[0] * zero + slots[1] * zero)
}

#[inline(always)]
fn load<T: Element, S: Simd<T>, const WHOLE: bool>(isa: S, source: &[T]) -> S::V {
    if WHOLE { isa.load(source) } else { isa.load_partial(source, T::ZERO) }
}

#[inline(always)]
fn store<T: Element, S: Simd<T>, const WHOLE: bool>(isa: S, vector: S::V, target: &mut [T]) {
    if WHOLE { isa.store(vector, target) } else { isa.store_partial(vector, target) }
}
