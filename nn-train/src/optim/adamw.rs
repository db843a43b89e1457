//! Adam with decoupled weight decay.

use nn_kernels::{Element, Elementwise};

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
    /// β₁, β₂ and ε.
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

    /// Sets w.
    #[must_use]
    pub const fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }
}

/// The factor for weights in a step that should take away the share `decay`, and in `owed` what earlier steps have
/// left to take away, which becomes what this one leaves.
fn keep<T: Element>(decay: f64, owed: &mut f64) -> T {
    let due = *owed + decay - *owed * decay;
    // Smaller steps would be rounded by more than they are worth.
    let factor = if due.abs() < 32.0 * T::EPSILON.to_f64() { T::ONE } else { T::from_f64(1.0 - due) };
    // (1 - due) = factor · (1 - owed)
    *owed = (factor.to_f64() - (1.0 - due)) / factor.to_f64();
    factor
}

impl Optimizer for AdamW {
    type Update<T: Element> = Elementwise<Moments<T>>;

    fn name(&self) -> &'static str {
        "adamw"
    }

    fn default_learning_rate(&self) -> f64 {
        0.001
    }

    fn slots(&self) -> usize {
        2
    }

    /// The share of the decay that is still owed.
    fn scalars(&self) -> usize {
        1
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        self.adam.validate::<T>()?;
        if self.weight_decay.is_finite() && self.weight_decay >= 0.0 {
            Ok(())
        } else {
            Err(Error::number("weight_decay", self.weight_decay, "a finite number that is not negative"))
        }
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Elementwise<Moments<T>>, Error> {
        let decay = step.learning_rate * self.weight_decay;
        let rest = T::from_f64(1.0 - decay);
        if rest <= T::ZERO {
            let expected = "less than 1 when multiplied by the learning rate";
            return Err(Error::number("weight_decay", self.weight_decay, expected));
        }
        let bias = self.adam.rule::<T>(step.number, step.learning_rate);
        let keep = step.scalars.first_mut().map_or(rest, |owed| keep(decay, owed));
        Ok(Elementwise::with_bias(Moments { keep, ..bias }, bias))
    }
}
