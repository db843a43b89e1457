//! Adam.

use nn_kernels::{Element, Elementwise};

use super::moments::Moments;
use super::{Optimizer, Step, check_decay, power};
use crate::error::{Error, is_expressible};

/// Adam: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
///
/// ```text
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// θ ← θ - α m̂ / (√v̂ + ε)      m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
/// ```
///
/// m and v start at 0; t counts the steps from 1, and its powers are taken in `f64`. Where m, v or g² would lie below the
/// normal numbers (2⁻¹²⁶ in `f32`) they are 0, since many CPUs are slow there.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam {
    /// β₁ in [0, 1), the memory of the gradient.
    pub beta1: f64,
    /// β₂ in [0, 1), the memory of its square.
    pub beta2: f64,
    /// ε, finite and positive, and large enough not to round to 0 in the number type of the network.
    pub epsilon: f64,
}

impl Default for Adam {
    /// The paper's: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, and α = 0.001 unless the trainer is given another.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 }
    }
}

impl Adam {
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

    /// The rule of step `t`, from 1, at the rate α.
    pub(super) fn rule<T: Element>(&self, t: u64, learning_rate: f64) -> Moments<T> {
        let (correction1, correction2) = (1.0 - power(self.beta1, t), 1.0 - power(self.beta2, t));
        Moments {
            keep: T::ONE,
            rate: T::from_f64(learning_rate / correction1),
            beta1: T::from_f64(self.beta1),
            rest1: T::from_f64(1.0 - self.beta1),
            beta2: T::from_f64(self.beta2),
            rest2: T::from_f64(1.0 - self.beta2),
            scale2: T::from_f64(1.0 / correction2.sqrt()),
            epsilon: T::from_f64(self.epsilon),
            least: T::from_f64(T::MIN_POSITIVE.to_f64().sqrt()),
        }
    }
}

impl Optimizer for Adam {
    type Update<T: Element> = Elementwise<Moments<T>>;

    fn name(&self) -> &'static str {
        "adam"
    }

    fn default_learning_rate(&self) -> f64 {
        0.001
    }

    fn slots(&self) -> usize {
        2
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        check_decay::<T>("beta1", self.beta1)?;
        check_decay::<T>("beta2", self.beta2)?;
        if !(self.epsilon.is_finite() && self.epsilon > 0.0) {
            return Err(Error::number("epsilon", self.epsilon, "a finite, positive number"));
        }
        if !is_expressible::<T>(self.epsilon) {
            let expected = "a number that rounds neither to 0 nor to infinity in the network's type";
            return Err(Error::number("epsilon", self.epsilon, expected));
        }
        Ok(())
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Elementwise<Moments<T>>, Error> {
        Ok(Elementwise::new(self.rule(step.number, step.learning_rate)))
    }
}
