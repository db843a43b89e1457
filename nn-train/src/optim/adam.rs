//! Adam.

use nn_kernels::Element;
use nn_kernels::isa::{Simd, Vector};

use super::{Rule, check_decay, check_learning_rate, power};
use crate::error::Error;

/// Adam: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
///
/// ```text
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// θ ← θ - α m̂ / (√v̂ + ε)      m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
/// ```
///
/// m and v start at 0; t counts the steps from 1, and its powers are taken in `f64`.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam {
    /// α, finite and positive.
    pub learning_rate: f64,
    /// β₁ in [0, 1), the memory of the gradient.
    pub beta1: f64,
    /// β₂ in [0, 1), the memory of its square.
    pub beta2: f64,
    /// ε, finite and positive, and large enough not to round to 0 in the number type of the network.
    pub epsilon: f64,
}

impl Default for Adam {
    /// The paper's: α = 0.001, β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸.
    fn default() -> Self {
        Self::new(0.001)
    }
}

impl Adam {
    /// The paper's settings with another α.
    #[must_use]
    pub const fn new(learning_rate: f64) -> Self {
        Self { learning_rate, beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }

    /// Sets α.
    #[must_use]
    pub const fn learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// Sets β₁ and β₂.
    #[must_use]
    pub const fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// Sets ε.
    #[must_use]
    pub const fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        check_learning_rate(self.learning_rate)?;
        check_decay("beta1", self.beta1)?;
        check_decay("beta2", self.beta2)?;
        if self.epsilon.is_finite() && self.epsilon > 0.0 {
            Ok(())
        } else {
            Err(Error::setting("epsilon", self.epsilon, "a finite, positive number"))
        }
    }

    /// The rule of step `t`, from 1.
    pub(super) fn rule<T: Element>(&self, t: u64) -> Moments<T> {
        self.rule_keeping(t, 1.0)
    }

    /// The rule of step `t`, with θ multiplied by `keep` before.
    pub(super) fn rule_keeping<T: Element>(&self, t: u64, keep: f64) -> Moments<T> {
        let (correction1, correction2) = (1.0 - power(self.beta1, t), 1.0 - power(self.beta2, t));
        Moments {
            keep: T::from_f64(keep),
            rate: T::from_f64(self.learning_rate / correction1),
            beta1: T::from_f64(self.beta1),
            rest1: T::from_f64(1.0 - self.beta1),
            beta2: T::from_f64(self.beta2),
            rest2: T::from_f64(1.0 - self.beta2),
            scale2: T::from_f64(1.0 / correction2.sqrt()),
            epsilon: T::from_f64(self.epsilon),
        }
    }
}

/// One step; the slots are m and v.
pub(crate) struct Moments<T> {
    keep: T,
    rate: T,
    beta1: T,
    rest1: T,
    beta2: T,
    rest2: T,
    scale2: T,
    epsilon: T,
}

impl<T: Element> Rule<T> for Moments<T> {
    const SLOTS: usize = 2;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, [m, v]: [S::V; 2]) -> (S::V, [S::V; 2]) {
        let m = isa.splat(self.beta1) * m + isa.splat(self.rest1) * gradient;
        let v = isa.splat(self.beta2) * v + isa.splat(self.rest2) * (gradient * gradient);
        let size = v.sqrt() * isa.splat(self.scale2) + isa.splat(self.epsilon);
        (isa.splat(self.keep) * theta - isa.splat(self.rate) * m / size, [m, v])
    }
}
