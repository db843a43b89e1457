//! Resilient backpropagation.

use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Elementwise, Rule};

use super::{Optimizer, Step, check_positive, sign};
use crate::error::Error;

/// Resilient backpropagation, for **full batches**: iRPROP− of Igel and Hüsken, "Improving the Rprop learning
/// algorithm", NC 2000. Rprop itself is by Riedmiller and Braun, "A direct adaptive method for faster backpropagation
/// learning: the RPROP algorithm", ICNN 1993.
///
/// Each parameter has a step size Δ of its own. It grows while the gradient keeps its sign, and shrinks when that
/// changes; how large the gradient is does not matter.
///
/// | sgn(g) · sgn of the last g | Δ | |
/// |---|---|---|
/// | 1 | ← min(η₊ Δ, Δ_max) | |
/// | -1 | ← max(η₋ Δ, Δ_min) | then g ← 0: the parameter rests, and the next step leaves Δ as it is |
/// | 0 | stays | |
///
/// Then θ ← θ - sgn(g) Δ. The learning rate is where Δ begins, kept within its bounds. It is that of the first step:
/// what a schedule says later has no effect, and a [range test](crate::Trainer::lr_find) is an error. Numbers are as in PyTorch's `Rprop`, but that signs are multiplied rather
/// than gradients, whose product rounds to 0 where they are small.
///
/// On parts of the data a sign changes by chance, and steps shrink to nothing: let the batch size be the number of
/// samples, and use another optimiser where that is too many.
///
/// ```
/// use nn_train::prelude::*;
///
/// network! { struct Xor<2 => 4 tanh => 1>; }
/// let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// let trainer = Trainer::builder().optimizer(Rprop::default()).batch_size(data.len()).epochs(100).build()?;
/// let history = trainer.fit(&mut Xor::new(42), &data, None)?;
/// assert!(history.last().is_some_and(|epoch| epoch.cost < 0.01));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Rprop {
    /// η₋ in (0, 1), the factor of a step size when the sign changes.
    pub eta_minus: f64,
    /// η₊ above 1, the factor while the sign stays.
    pub eta_plus: f64,
    /// Δ_min, finite and positive.
    pub step_size_min: f64,
    /// Δ_max, finite and not below Δ_min.
    pub step_size_max: f64,
}

impl Default for Rprop {
    /// PyTorch's: η₋ = 0.5, η₊ = 1.2, step sizes from 10⁻⁶ to 50, the first of them 0.01 unless the trainer is given
    /// another learning rate.
    fn default() -> Self {
        Self { eta_minus: 0.5, eta_plus: 1.2, step_size_min: 1e-6, step_size_max: 50.0 }
    }
}

impl Rprop {
    /// Sets η₋ and η₊.
    #[must_use]
    pub const fn etas(self, eta_minus: f64, eta_plus: f64) -> Self {
        Self { eta_minus, eta_plus, ..self }
    }

    /// Sets Δ_min and Δ_max.
    #[must_use]
    pub const fn step_sizes(self, step_size_min: f64, step_size_max: f64) -> Self {
        Self { step_size_min, step_size_max, ..self }
    }
}

impl Optimizer for Rprop {
    type Update<T: Element> = Elementwise<Resilient<T>>;

    fn name(&self) -> &'static str {
        "rprop"
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn follows_learning_rate(&self) -> bool {
        false
    }

    fn slots(&self) -> usize {
        2
    }

    /// The learning rate of the first step.
    fn scalars(&self) -> usize {
        1
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        if !(self.eta_minus > 0.0 && self.eta_minus < 1.0) {
            return Err(Error::number("eta_minus", self.eta_minus, "a number in (0, 1)"));
        }
        let eta_minus = T::from_f64(self.eta_minus);
        if eta_minus == T::ZERO || eta_minus == T::ONE {
            let expected = "a number in (0, 1) that rounds neither to 0 nor to 1 in the network's type";
            return Err(Error::number("eta_minus", self.eta_minus, expected));
        }
        if !(self.eta_plus.is_finite() && self.eta_plus > 1.0) {
            return Err(Error::number("eta_plus", self.eta_plus, "a finite number above 1"));
        }
        let eta_plus = T::from_f64(self.eta_plus);
        if eta_plus == T::ONE || !eta_plus.is_finite() {
            let expected = "a number above 1 that rounds neither to 1 nor to infinity in the network's type";
            return Err(Error::number("eta_plus", self.eta_plus, expected));
        }
        check_positive::<T>("step_size_min", self.step_size_min)?;
        check_positive::<T>("step_size_max", self.step_size_max)?;
        if self.step_size_max < self.step_size_min {
            return Err(Error::number("step_size_max", self.step_size_max, "a number that is not below step_size_min"));
        }
        Ok(())
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Elementwise<Resilient<T>>, Error> {
        let mut first = step.learning_rate;
        if let Some(kept) = step.scalars.first_mut() {
            if step.number == 1 {
                *kept = first;
            }
            first = *kept;
        }
        Ok(Elementwise::new(Resilient {
            first: T::from_f64(first.max(self.step_size_min).min(self.step_size_max)),
            eta_minus: T::from_f64(self.eta_minus),
            eta_plus: T::from_f64(self.eta_plus),
            least: T::from_f64(self.step_size_min),
            most: T::from_f64(self.step_size_max),
        }))
    }
}

/// One step. The slots are the sign of the last gradient, and Δ, or 0 while that is the first step size: so the memory
/// of a parameter without a gradient stays 0.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Resilient<T> {
    first: T,
    eta_minus: T,
    eta_plus: T,
    least: T,
    most: T,
}

impl<T: Element> Rule<T> for Resilient<T> {
    const SLOTS: usize = 2;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let zero = isa.splat(T::ZERO);
        let signs = sign(isa, gradient);
        let agreement = signs * slots[0];
        let turned = agreement.lt(zero);
        let size = S::V::select(slots[1].le(zero), isa.splat(self.first), slots[1]);
        let longer = (isa.splat(self.eta_plus) * size).min(isa.splat(self.most));
        let shorter = (isa.splat(self.eta_minus) * size).max(isa.splat(self.least));
        let size = S::V::select(zero.lt(agreement), longer, S::V::select(turned, shorter, size));
        slots[1] = S::V::select(agreement.abs().le(zero), slots[1], size);
        slots[0] = S::V::select(turned, zero, signs);
        theta - slots[0] * size
    }
}
