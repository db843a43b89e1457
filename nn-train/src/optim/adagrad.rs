//! Adagrad.

use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Elementwise, Rule};

use super::moments::square;
use super::{Optimizer, Step, check_expressible, check_positive};
use crate::error::{Error, check_not_negative};

/// Adagrad: Duchi, Hazan and Singer, "Adaptive subgradient methods for online learning and stochastic optimization",
/// JMLR 12, 2011, figure 1.
///
/// ```text
/// s ← s + g²
/// θ ← θ - αₜ g / (√(s₀ + s) + ε)      αₜ = α / (1 + (t - 1) d)
/// ```
///
/// s starts at 0 and only grows, so steps shrink, like 1/√t while gradients stay as large; t counts the steps from 1.
/// The initial value s₀ is added where s is used, and no part of what is remembered. Numbers are as in PyTorch's
/// `Adagrad`, ε outside of the root. Where g² would lie below the normal numbers it is 0.
///
/// ```
/// use nn_train::prelude::*;
///
/// let optimizer = Adagrad::default().initial_accumulator_value(0.1);
/// let trainer = Trainer::builder().optimizer(optimizer).learning_rate(0.05).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Adagrad {
    /// ε, finite and positive, and large enough not to round to 0 in the number type of the network.
    pub epsilon: f64,
    /// d, finite and not negative: the rate falls to a half in 1/d steps. A [`Schedule`](crate::Schedule) is multiplied
    /// by it.
    pub learning_rate_decay: f64,
    /// s₀, finite and not negative, and no number that rounds to 0 or infinity in the network's type. It damps the
    /// first steps.
    pub initial_accumulator_value: f64,
}

impl Default for Adagrad {
    /// PyTorch's: ε = 10⁻¹⁰, d = 0, s₀ = 0, and α = 0.01 unless the trainer is given another.
    fn default() -> Self {
        Self { epsilon: 1e-10, learning_rate_decay: 0.0, initial_accumulator_value: 0.0 }
    }
}

impl Adagrad {
    /// Sets ε.
    #[must_use]
    pub const fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets d.
    #[must_use]
    pub const fn learning_rate_decay(self, learning_rate_decay: f64) -> Self {
        Self { learning_rate_decay, ..self }
    }

    /// Sets s₀.
    #[must_use]
    pub const fn initial_accumulator_value(self, initial_accumulator_value: f64) -> Self {
        Self { initial_accumulator_value, ..self }
    }
}

impl Optimizer for Adagrad {
    type Update<T: Element> = Elementwise<Accumulation<T>>;

    fn name(&self) -> &'static str {
        "adagrad"
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn slots(&self) -> usize {
        1
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        check_positive::<T>("epsilon", self.epsilon)?;
        check_not_negative("learning_rate_decay", self.learning_rate_decay)?;
        check_not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        check_expressible::<T>("initial_accumulator_value", self.initial_accumulator_value)
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Elementwise<Accumulation<T>>, Error> {
        let rate = step.learning_rate / (1.0 + (step.number - 1) as f64 * self.learning_rate_decay);
        let [rate, initial, epsilon] = [rate, self.initial_accumulator_value, self.epsilon].map(T::from_f64);
        Ok(Elementwise::new(Accumulation { rate, initial, epsilon }))
    }
}

/// One step; the slot is s.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Accumulation<T> {
    rate: T,
    initial: T,
    epsilon: T,
}

impl<T: Element> Rule<T> for Accumulation<T> {
    const SLOTS: usize = 1;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let sum = slots[0] + square(isa, gradient);
        slots[0] = sum;
        let size = (isa.splat(self.initial) + sum).sqrt() + isa.splat(self.epsilon);
        theta - isa.splat(self.rate) * gradient / size
    }
}
