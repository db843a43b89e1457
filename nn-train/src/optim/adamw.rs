//! Adam with decoupled weight decay.

use nn_kernels::Element;

use super::Adam;
use super::adam::Moments;
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
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct AdamW {
    /// α, β₁, β₂ and ε.
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
    /// The default settings with another α.
    #[must_use]
    pub const fn new(learning_rate: f64) -> Self {
        Self { adam: Adam::new(learning_rate), weight_decay: 0.01 }
    }

    /// Sets α.
    #[must_use]
    pub const fn learning_rate(self, learning_rate: f64) -> Self {
        Self { adam: self.adam.learning_rate(learning_rate), ..self }
    }

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

    /// Sets w.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        self.adam.validate()?;
        if self.weight_decay >= 0.0 && self.adam.learning_rate * self.weight_decay < 1.0 {
            Ok(())
        } else {
            let expected = "a number that is not negative and below 1 when multiplied by the learning rate";
            Err(Error::setting("weight_decay", self.weight_decay, expected))
        }
    }

    /// The rule of step `t` for weights.
    pub(super) fn rule<T: Element>(&self, t: u64) -> Moments<T> {
        self.adam.rule_keeping(t, 1.0 - self.adam.learning_rate * self.weight_decay)
    }

    /// The rule of step `t` for the bias.
    pub(super) fn bias_rule<T: Element>(&self, t: u64) -> Moments<T> {
        self.adam.rule(t)
    }
}
