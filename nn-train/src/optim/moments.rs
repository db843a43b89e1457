//! The rule that Adam and its relatives share.

use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Rule};

use super::flush;

/// One step of Adam, θ being multiplied by `keep` before. The slots are m and v.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Moments<T> {
    pub(super) keep: T,
    /// α / (1 - β₁ᵗ).
    pub(super) rate: T,
    pub(super) beta1: T,
    pub(super) rest1: T,
    pub(super) beta2: T,
    pub(super) rest2: T,
    /// 1 / √(1 - β₂ᵗ).
    pub(super) scale2: T,
    pub(super) epsilon: T,
    /// √ of the smallest normal number: the square of a smaller gradient is below the normal numbers.
    pub(super) least: T,
}

impl<T: Element> Rule<T> for Moments<T> {
    const SLOTS: usize = 2;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let m = flush(isa, isa.splat(self.beta1) * slots[0] + isa.splat(self.rest1) * gradient);
        let squarable = S::V::select(gradient.abs().lt(isa.splat(self.least)), isa.splat(T::ZERO), gradient);
        let v = flush(isa, isa.splat(self.beta2) * slots[1] + isa.splat(self.rest2) * (squarable * squarable));
        (slots[0], slots[1]) = (m, v);
        let size = v.sqrt() * isa.splat(self.scale2) + isa.splat(self.epsilon);
        isa.splat(self.keep) * theta - isa.splat(self.rate) * m / size
    }
}
