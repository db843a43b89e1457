//! Adam with decoupled weight decay.

use nn_kernels::{Element, Elementwise};

use super::adam::AdamUpdate;
use super::decay::{check_weight_decay, keep};
use super::either::Either;
use super::moments::Moments;
use super::{Adam, Optimizer, Step};
use crate::error::Error;

/// AdamW: Loshchilov and Hutter, "Decoupled weight decay regularization", ICLR 2019, algorithm 2.
///
/// ```text
/// θ ← θ - α (m̂ / (√v̂ + ε) + w θ)        the bias without w θ
/// ```
///
/// m̂ and v̂ are [`Adam`]'s. The decay w is multiplied by α, as in PyTorch, where the paper multiplies it by the
/// schedule only. It is not λ: [`l2`](crate::TrainerBuilder::l2) adds to the cost and so to the gradient, which
/// Adam then scales; w pulls on Θ_w itself.
///
/// In `f32` a factor 1 - α w with α w below 10⁻⁷ is 1, and the decay would be lost. So what a step's factor leaves out
/// is remembered, and made up for by a later step. No weight is decayed by less than 32 rounding errors at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamW {
    /// β₁, β₂, ε, and whether it is AMSGrad.
    pub adam: Adam,
    /// w, finite and not negative, with α w below 1.
    pub weight_decay: f64,
}

impl Default for AdamW {
    /// [`Adam`]'s default with w = 0.01.
    fn default() -> Self {
        Self { adam: Adam::default(), weight_decay: 0.01 }
    }
}

impl AdamW {
    /// Sets β₁ and β₂.
    #[must_use]
    pub const fn betas(self, beta1: f64, beta2: f64) -> Self {
        Self { adam: self.adam.betas(beta1, beta2), ..self }
    }

    /// Sets ε.
    #[must_use]
    pub const fn epsilon(self, epsilon: f64) -> Self {
        Self { adam: self.adam.epsilon(epsilon), ..self }
    }

    /// Sets whether Adam is AMSGrad.
    #[must_use]
    pub const fn amsgrad(self, amsgrad: bool) -> Self {
        Self { adam: self.adam.amsgrad(amsgrad), ..self }
    }

    /// Sets w.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// Adam's rule, with weights multiplied by `keep` before.
    fn decaying<T: Element, const AMSGRAD: bool>(&self, keep: T, step: &Step<'_>) -> Elementwise<Moments<T, AMSGRAD>> {
        let bias = self.adam.rule(step);
        Elementwise::with_bias(Moments { keep, ..bias }, bias)
    }
}

impl Optimizer for AdamW {
    type Update<T: Element> = AdamUpdate<T>;

    fn name(&self) -> &'static str {
        "adamw"
    }

    fn default_learning_rate(&self) -> f64 {
        0.001
    }

    fn slots(&self) -> usize {
        self.adam.slots()
    }

    /// The share of the decay that is still owed.
    fn scalars(&self) -> usize {
        1
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        self.adam.validate::<T>()?;
        check_weight_decay(self.weight_decay)
    }

    fn update<T: Element>(&self, mut step: Step<'_>) -> Result<AdamUpdate<T>, Error> {
        let keep = keep(self.weight_decay, &mut step)?;
        Ok(if self.adam.amsgrad {
            Either::Extended(self.decaying(keep, &step))
        } else {
            Either::Plain(self.decaying(keep, &step))
        })
    }
}
