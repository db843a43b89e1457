//! One pass of an update rule over parameters.

use nn_kernels::isa::{Kernel, Simd, Vector};
use nn_kernels::{Element, InstructionSet};

/// Parameters that one thread updates at a time: 128 KiB of f32, which is long compared with handing them over.
pub(super) const CHUNK: usize = 1 << 15;

/// An update rule, element by element: the same for every parameter it is applied to.
pub(super) trait Rule<T: Element>: Sync {
    /// How many numbers it remembers of each parameter, 0 to 2.
    const SLOTS: usize;

    /// θ and what is remembered, after a step along `gradient`.
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: [S::V; 2]) -> (S::V, [S::V; 2]);
}

/// A run of parameters with all that belongs to them. Slots that the rule has not are empty.
pub(super) struct Span<'a, T> {
    pub(super) theta: &'a [T],
    pub(super) gradient: &'a mut [T],
    pub(super) first: &'a mut [T],
    pub(super) second: &'a mut [T],
}

impl<T> Span<'_, T> {
    /// The parameters before `middle`, and the others.
    pub(super) fn split_at(self, middle: usize) -> (Self, Self) {
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

/// Applies a rule to a run of parameters, on the current rayon pool if there are many, and says whether all that
/// came of it is finite. Every parameter is on its own, so how they are divided changes no bit.
pub(super) fn sweep<T: Element, R: Rule<T>>(set: InstructionSet, rule: &R, span: Span<'_, T>) -> bool {
    let count = span.theta.len();
    if count <= CHUNK {
        return T::dispatch(set, Chunk { rule, span });
    }
    let (left, right) = span.split_at((count / 2).next_multiple_of(CHUNK));
    let (left, right) = rayon::join(|| sweep(set, rule, left), || sweep(set, rule, right));
    left && right
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
