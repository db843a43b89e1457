//! RMSProp.

use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Elementwise, Rule};

use super::either::Either;
use super::moments::{Mean, square};
use super::{Optimizer, Step, check_decay, check_positive, flush};
use crate::error::Error;

/// RMSProp: Tieleman and Hinton, "Lecture 6.5: rmsprop", Neural networks for machine learning, Coursera 2012.
///
/// | | |
/// |---|---|
/// | plain | v ← ρ v + (1 - ρ) g², θ ← θ - α g / (√v + ε) |
/// | centred | m ← ρ m + (1 - ρ) g, and √(v - m²) in place of √v |
/// | momentum μ | b ← μ b + g / (√v + ε), θ ← θ - α b |
///
/// The centred form is from Graves, "Generating sequences with recurrent neural networks", arXiv 1308.0850, 2013. It
/// divides by the gradient's deviation from its mean, so it takes large steps where gradients hardly vary; a larger ε
/// bounds them. Centred and momentum go together.
///
/// v, m and b start at 0 and are not corrected for it, so the first steps are large: the very first is α / √(1 - ρ).
/// Numbers are as in PyTorch's `RMSprop`, ε outside of the root; a v - m² that rounding makes negative is 0 here and
/// NaN there. Where v, m, b or g² would lie below the normal numbers they are 0.
///
/// ```
/// use nn_train::prelude::*;
///
/// let optimizer = RmsProp::default().alpha(0.9).momentum(0.9).centered(true);
/// let trainer = Trainer::builder().optimizer(optimizer).learning_rate(0.001).build()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct RmsProp {
    /// ρ in [0, 1), the memory of the gradient's square, which PyTorch calls `alpha` and Keras `rho`. It is not α, the
    /// learning rate.
    pub alpha: f64,
    /// ε, finite and positive, and large enough not to round to 0 in the number type of the network.
    pub epsilon: f64,
    /// μ in [0, 1); 0 is none.
    pub momentum: f64,
    /// Whether the gradient's mean is taken out of its square.
    pub centered: bool,
}

impl Default for RmsProp {
    /// PyTorch's: ρ = 0.99, ε = 10⁻⁸, no momentum, not centred, and α = 0.01 unless the trainer is given another.
    fn default() -> Self {
        Self { alpha: 0.99, epsilon: 1e-8, momentum: 0.0, centered: false }
    }
}

impl RmsProp {
    /// Sets ρ.
    #[must_use]
    pub const fn alpha(self, alpha: f64) -> Self {
        Self { alpha, ..self }
    }

    /// Sets ε.
    #[must_use]
    pub const fn epsilon(self, epsilon: f64) -> Self {
        Self { epsilon, ..self }
    }

    /// Sets μ.
    #[must_use]
    pub const fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets whether it is centred.
    #[must_use]
    pub const fn centered(self, centered: bool) -> Self {
        Self { centered, ..self }
    }

    fn rule<T: Element, const CENTERED: bool, const MOMENTUM: bool>(
        &self,
        learning_rate: f64,
    ) -> Elementwise<RootMeanSquare<T, CENTERED, MOMENTUM>> {
        let [rate, epsilon, momentum] = [learning_rate, self.epsilon, self.momentum].map(T::from_f64);
        Elementwise::new(RootMeanSquare { rate, mean: Mean::new(self.alpha), epsilon, momentum })
    }
}

/// Without momentum or with it.
type Plain<T, const CENTERED: bool> =
    Either<Elementwise<RootMeanSquare<T, CENTERED, false>>, Elementwise<RootMeanSquare<T, CENTERED, true>>>;

impl Optimizer for RmsProp {
    type Update<T: Element> = Either<Plain<T, false>, Plain<T, true>>;

    /// The memory of one that is centred is not that of one with momentum, though it may be as large.
    fn name(&self) -> &'static str {
        if self.centered { "rmsprop_centered" } else { "rmsprop" }
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn slots(&self) -> usize {
        1 + usize::from(self.centered) + usize::from(self.momentum != 0.0)
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        check_decay::<T>("alpha", self.alpha)?;
        check_positive::<T>("epsilon", self.epsilon)?;
        check_decay::<T>("momentum", self.momentum)
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Self::Update<T>, Error> {
        let rate = step.learning_rate;
        Ok(match (self.centered, self.momentum != 0.0) {
            (false, false) => Either::Plain(Either::Plain(self.rule(rate))),
            (false, true) => Either::Plain(Either::Extended(self.rule(rate))),
            (true, false) => Either::Extended(Either::Plain(self.rule(rate))),
            (true, true) => Either::Extended(Either::Extended(self.rule(rate))),
        })
    }
}

/// One step. The slots are v, then m if it is centred, then b if there is momentum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RootMeanSquare<T, const CENTERED: bool, const MOMENTUM: bool> {
    rate: T,
    mean: Mean<T>,
    epsilon: T,
    momentum: T,
}

impl<T: Element, const CENTERED: bool, const MOMENTUM: bool> Rule<T> for RootMeanSquare<T, CENTERED, MOMENTUM> {
    const SLOTS: usize = 1 + CENTERED as usize + MOMENTUM as usize;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let mut v = self.mean.next(isa, slots[0], square(isa, gradient));
        slots[0] = v;
        if CENTERED {
            let m = self.mean.next(isa, slots[1], gradient);
            slots[1] = m;
            v = isa.splat(T::ZERO).max(v - m * m);
        }
        let mut along = gradient / (v.sqrt() + isa.splat(self.epsilon));
        if MOMENTUM {
            let place = Self::SLOTS - 1;
            along = flush(isa, isa.splat(self.momentum) * slots[place] + along);
            slots[place] = along;
        }
        theta - isa.splat(self.rate) * along
    }
}
