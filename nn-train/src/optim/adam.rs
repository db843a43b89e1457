//! Adam.

use nn_kernels::{Element, Elementwise};

use super::either::Either;
use super::moments::{Mean, Moments};
use super::{Optimizer, Step, check_decay, check_positive, power};
use crate::error::Error;

/// Adam: Kingma and Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1.
///
/// ```text
/// m ← β₁ m + (1 - β₁) g        v ← β₂ v + (1 - β₂) g²
/// θ ← θ - α m̂ / (√v̂ + ε)      m̂ = m / (1 - β₁ᵗ), v̂ = v / (1 - β₂ᵗ)
/// ```
///
/// m and v start at 0; t counts the steps from 1, and its powers are taken in `f64`. Where m, v or g² would lie below
/// the normal numbers (2⁻¹²⁶ in `f32`) they are 0, since many CPUs are slow there.
///
/// With [`amsgrad`](Self::amsgrad) steps do not grow when v falls: Reddi, Kale and Kumar, "On the convergence of Adam
/// and beyond", ICLR 2018. As in PyTorch, the largest v is taken before it is corrected; it is a third number for each
/// parameter.
///
/// ```text
/// u ← max(u, v)                θ ← θ - α m̂ / (√û + ε)       û = u / (1 - β₂ᵗ)
/// ```
///
/// ```
/// use nn_train::prelude::*;
///
/// let optimizer = Adam::default().betas(0.9, 0.99).amsgrad(true);
/// let trainer = Trainer::builder().optimizer(optimizer).learning_rate(0.002).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adam {
    /// β₁ in [0, 1), the memory of the gradient.
    pub beta1: f64,
    /// β₂ in [0, 1), the memory of its square.
    pub beta2: f64,
    /// ε, finite and positive, and large enough not to round to 0 in the number type of the network.
    pub epsilon: f64,
    /// Whether the largest v so far takes the place of v.
    pub amsgrad: bool,
}

impl Default for Adam {
    /// The paper's: β₁ = 0.9, β₂ = 0.999, ε = 10⁻⁸, and α = 0.001 unless the trainer is given another. No AMSGrad.
    fn default() -> Self {
        Self { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, amsgrad: false }
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

    /// Sets whether it is AMSGrad.
    #[must_use]
    pub const fn amsgrad(self, amsgrad: bool) -> Self {
        Self { amsgrad, ..self }
    }

    /// The rule of a step.
    pub(super) fn rule<T: Element, const AMSGRAD: bool>(&self, step: &Step<'_>) -> Moments<T, AMSGRAD> {
        let [correction1, correction2] = [self.beta1, self.beta2].map(|beta| 1.0 - power(beta, step.number));
        Moments {
            keep: T::ONE,
            rate: T::from_f64(step.learning_rate / correction1),
            gradients: Mean::new(self.beta1),
            squares: Mean::new(self.beta2),
            scale2: T::from_f64(1.0 / correction2.sqrt()),
            epsilon: T::from_f64(self.epsilon),
        }
    }
}

/// One step of [`Adam`], without AMSGrad or with it.
pub(super) type AdamUpdate<T> = Either<Elementwise<Moments<T, false>>, Elementwise<Moments<T, true>>>;

impl Optimizer for Adam {
    type Update<T: Element> = AdamUpdate<T>;

    fn name(&self) -> &'static str {
        "adam"
    }

    fn default_learning_rate(&self) -> f64 {
        0.001
    }

    fn slots(&self) -> usize {
        2 + usize::from(self.amsgrad)
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        check_decay::<T>("beta1", self.beta1)?;
        check_decay::<T>("beta2", self.beta2)?;
        check_positive::<T>("epsilon", self.epsilon)
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<AdamUpdate<T>, Error> {
        Ok(if self.amsgrad {
            Either::Extended(Elementwise::new(self.rule(&step)))
        } else {
            Either::Plain(Elementwise::new(self.rule(&step)))
        })
    }
}
