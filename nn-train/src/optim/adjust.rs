//! What becomes of a gradient before the optimiser sees it: the term of λ₁, and clipping.

use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Elementwise, InstructionSet, Part, Rule, Span, StepEngine, Update, update_all};

use super::norm::sum_of_magnitudes;
use super::sign;

/// What a trainer's settings do to gradients.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Adjustment {
    /// λ₁/B, 0 for none.
    pub(crate) l1: f64,
    /// The largest norm of a whole gradient; infinite for any.
    pub(crate) clip_norm: f64,
    /// The largest magnitude of one of its numbers; infinite for any.
    pub(crate) clip_value: f64,
}

impl Adjustment {
    /// λ₁/B Σ|Θ_w|. Where λ₁ = 0 the parameters are not read.
    pub(crate) fn penalty<T: Element>(&self, engine: &dyn StepEngine<T>, theta: &[T]) -> f64 {
        if self.l1 == 0.0 { 0.0 } else { self.l1 * sum_of_magnitudes(engine.set(), engine.ranges(), theta) }
    }

    /// Whether something is done to single numbers.
    pub(super) fn is_elementwise(&self) -> bool {
        self.l1 != 0.0 || self.clip_value < f64::INFINITY
    }

    /// Adds the term of λ₁ to a whole gradient.
    pub(crate) fn add_l1<T: Element>(&self, engine: &dyn StepEngine<T>, theta: &[T], gradient: &mut [T]) {
        if self.l1 != 0.0 {
            // What it returns is seen when the parameters are updated.
            let _ = update_all(
                &rule(self.l1, 1.0, f64::INFINITY),
                engine.set(),
                engine.ranges(),
                Span::new(theta, gradient),
            );
        }
    }

    /// `update` after all that is done to single numbers.
    pub(super) fn before<'u, T: Element>(&self, update: &'u dyn Update<T>) -> Adjusted<'u, T> {
        Adjusted { adjust: rule(self.l1, 1.0, self.clip_value), update }
    }

    /// `update` of a gradient that has its term of λ₁ and is multiplied by `factor`.
    pub(super) fn scaled_before<'u, T: Element>(&self, factor: f64, update: &'u dyn Update<T>) -> Adjusted<'u, T> {
        Adjusted { adjust: rule(0.0, factor, self.clip_value), update }
    }
}

/// An update that gets its gradient adjusted. Both look at a piece while it is in cache.
pub(super) struct Adjusted<'u, T> {
    adjust: Elementwise<Adjust<T>>,
    update: &'u dyn Update<T>,
}

impl<T: Element> Update<T> for Adjusted<'_, T> {
    fn update(&self, set: InstructionSet, part: Part, span: Span<'_, T>) -> bool {
        let Span { theta, gradient, slots } = span;
        let finite = self.adjust.update(set, part, Span::new(theta, &mut *gradient));
        self.update.update(set, part, Span { theta, gradient, slots }) && finite
    }

    fn slots(&self) -> usize {
        self.update.slots()
    }

    fn minds_part(&self) -> bool {
        self.adjust.minds_part() || self.update.minds_part()
    }
}

/// The rule for weights, and that for biases where it is another.
fn rule<T: Element>(l1: f64, factor: f64, limit: f64) -> Elementwise<Adjust<T>> {
    // In two parts, so that a factor below the normal numbers of `T` loses no digits.
    let first = factor.max(T::MIN_POSITIVE.to_f64());
    let factors = [first, factor / first].map(T::from_f64);
    let bias = Adjust { l1: T::ZERO, factors, limit: T::from_f64(limit) };
    if l1 == 0.0 {
        Elementwise::new(bias)
    } else {
        Elementwise::with_bias(Adjust { l1: T::from_f64(l1), ..bias }, bias)
    }
}

/// g ← (g + λ₁/B sgn(θ)) · factor, and then within ± the limit. What is not finite becomes NaN: clipping must not hide
/// it.
struct Adjust<T> {
    l1: T,
    factors: [T; 2],
    limit: T,
}

impl<T: Element> Rule<T> for Adjust<T> {
    const SLOTS: usize = 0;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, _slots: &mut [S::V]) -> S::V {
        let [first, second] = self.factors.map(|factor| isa.splat(factor));
        let limit = isa.splat(self.limit);
        let scaled = isa.splat(self.l1).mul_add(sign(isa, theta), gradient) * first * second;
        let clipped = (-limit).max(limit.min(scaled));
        // x · 0 is 0 for a finite x only.
        clipped + scaled * isa.splat(T::ZERO)
    }
}
