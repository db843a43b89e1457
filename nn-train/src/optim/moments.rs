//! Weighted means of gradients and of their squares, and the rule that Adam and its relatives make of both.

use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Rule};

use super::flush;

/// A mean that forgets: m ← β m + (1 - β) x.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Mean<T> {
    beta: T,
    rest: T,
}

impl<T: Element> Mean<T> {
    pub(super) fn new(beta: f64) -> Self {
        Self { beta: T::from_f64(beta), rest: T::from_f64(1.0 - beta) }
    }

    /// β m + (1 - β) x.
    #[inline(always)]
    pub(super) fn mix<S: Simd<T>>(&self, isa: S, mean: S::V, numbers: S::V) -> S::V {
        isa.splat(self.beta) * mean + isa.splat(self.rest) * numbers
    }

    /// The mean after `numbers`; below the normal numbers it is 0.
    #[inline(always)]
    pub(super) fn next<S: Simd<T>>(&self, isa: S, mean: S::V, numbers: S::V) -> S::V {
        flush(isa, self.mix(isa, mean, numbers))
    }
}

/// g², or 0 where that is below the normal numbers: the product is not even formed.
#[inline(always)]
pub(super) fn square<T: Element, S: Simd<T>>(isa: S, gradient: S::V) -> S::V {
    let least = T::from_f64(T::MIN_POSITIVE.to_f64().sqrt());
    let squarable = S::V::select(gradient.abs().lt(isa.splat(least)), isa.splat(T::ZERO), gradient);
    squarable * squarable
}

/// One step of Adam, θ being multiplied by `keep` before. The slots are m and v, and with AMSGrad the largest v so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments<T, const AMSGRAD: bool> {
    pub(super) keep: T,
    /// α / (1 - β₁ᵗ).
    pub(super) rate: T,
    pub(super) gradients: Mean<T>,
    pub(super) squares: Mean<T>,
    /// 1 / √(1 - β₂ᵗ).
    pub(super) scale2: T,
    pub(super) epsilon: T,
}

impl<T: Element, const AMSGRAD: bool> Rule<T> for Moments<T, AMSGRAD> {
    const SLOTS: usize = 2 + AMSGRAD as usize;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let m = self.gradients.next(isa, slots[0], gradient);
        let mut v = self.squares.next(isa, slots[1], square(isa, gradient));
        (slots[0], slots[1]) = (m, v);
        if AMSGRAD {
            v = slots[2].max(v);
            slots[2] = v;
        }
        let size = v.sqrt() * isa.splat(self.scale2) + isa.splat(self.epsilon);
        isa.splat(self.keep) * theta - isa.splat(self.rate) * m / size
    }
}
