//! Lion.

use nn_kernels::isa::Simd;
use nn_kernels::{Element, Elementwise, Rule};

use super::decay::{check_weight_decay, keep};
use super::moments::Mean;
use super::{Optimizer, Step, check_decay, sign};
use crate::error::Error;

/// Lion, "evolved sign momentum": Chen et al., "Symbolic discovery of optimization algorithms", arXiv 2302.06675, 2023,
/// program 1.
///
/// ```text
/// θ ← θ - α (sgn(β₁ m + (1 - β₁) g) + w θ)      the bias without w θ
/// m ← β₂ m + (1 - β₂) g
/// ```
///
/// m starts at 0, and is 0 where it would lie below the normal numbers; sgn(0) is 0. Every parameter moves by α,
/// whatever its gradient, so the paper advises a rate that is 3 to 10 times as small as [`AdamW`](crate::AdamW)'s, and
/// a decay w that is as many times as large. The decay acts as in [`AdamW`](crate::AdamW): it is multiplied by α,
/// spares biases, and is not lost in rounding. One number is kept for each parameter, where Adam keeps two.
///
/// ```
/// use nn_train::prelude::*;
///
/// let trainer = Trainer::builder().optimizer(Lion::default().weight_decay(0.1)).learning_rate(0.0003).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Lion {
    /// β₁ in [0, 1), the weight of the memory in the direction of a step.
    pub beta1: f64,
    /// β₂ in [0, 1), what the memory keeps of itself.
    pub beta2: f64,
    /// w, finite and not negative, with α w below 1.
    pub weight_decay: f64,
}

impl Default for Lion {
    /// The authors': β₁ = 0.9, β₂ = 0.99, w = 0, and α = 0.0001 unless the trainer is given another.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.99, weight_decay: 0.0 }
    }
}

impl Lion {
    /// Sets β₁ and β₂.
    #[must_use]
    pub const fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { beta1, beta2, ..self }
    }

    /// Sets w.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

impl Optimizer for Lion {
    type Update<T: Element> = Elementwise<SignMomentum<T>>;

    fn name(&self) -> &'static str {
        "lion"
    }

    fn default_learning_rate(&self) -> f64 {
        0.0001
    }

    fn slots(&self) -> usize {
        1
    }

    /// The share of the decay that is still owed.
    fn scalars(&self) -> usize {
        1
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        check_decay::<T>("beta1", self.beta1)?;
        check_decay::<T>("beta2", self.beta2)?;
        check_weight_decay(self.weight_decay)
    }

    fn update<T: Element>(&self, mut step: Step<'_>) -> Result<Elementwise<SignMomentum<T>>, Error> {
        let keep = keep(self.weight_decay, &mut step)?;
        let rate = T::from_f64(step.learning_rate);
        let bias = SignMomentum { keep: T::ONE, rate, along: Mean::new(self.beta1), memory: Mean::new(self.beta2) };
        Ok(Elementwise::with_bias(SignMomentum { keep, ..bias }, bias))
    }
}

/// One step, θ being multiplied by `keep` before; the slot is m.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SignMomentum<T> {
    keep: T,
    rate: T,
    along: Mean<T>,
    memory: Mean<T>,
}

impl<T: Element> Rule<T> for SignMomentum<T> {
    const SLOTS: usize = 1;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let along = sign(isa, self.along.mix(isa, slots[0], gradient));
        slots[0] = self.memory.next(isa, slots[0], gradient);
        isa.splat(self.keep) * theta - isa.splat(self.rate) * along
    }
}
