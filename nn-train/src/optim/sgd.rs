//! Stochastic gradient descent.

use nn_kernels::Element;
use nn_kernels::isa::Simd;

use super::{Rule, check_decay, check_learning_rate};
use crate::error::Error;

/// Stochastic gradient descent, plain, with momentum, or with Nesterov's.
///
/// | | | from |
/// |---|---|---|
/// | plain | θ ← θ - α g | Robbins and Monro, "A stochastic approximation method", 1951 |
/// | momentum μ | v ← μ v + g, θ ← θ - α v | Polyak, "Some methods of speeding up the convergence of iteration methods", 1964 |
/// | Nesterov | v ← μ v + g, θ ← θ - α (g + μ v) | Sutskever, Martens, Dahl and Hinton, "On the importance of initialization and momentum in deep learning", ICML 2013 |
///
/// v starts at 0. α multiplies v where it is used rather than where it is gathered, as in PyTorch, so that a
/// change of α acts at once.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgd {
    /// α, finite and positive.
    pub learning_rate: f64,
    /// μ in [0, 1); 0 is none.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's; it needs a μ above 0.
    pub nesterov: bool,
}

impl Default for Sgd {
    /// α = 0.01 without momentum.
    fn default() -> Self {
        Self::new(0.01)
    }
}

impl Sgd {
    /// Without momentum.
    #[must_use]
    pub const fn new(learning_rate: f64) -> Self {
        Self { learning_rate, momentum: 0.0, nesterov: false }
    }

    /// Sets α.
    #[must_use]
    pub const fn learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// Sets μ.
    #[must_use]
    pub const fn momentum(self, momentum: f64) -> Self {
        Self { momentum, ..self }
    }

    /// Sets whether the momentum is Nesterov's.
    #[must_use]
    pub const fn nesterov(self, nesterov: bool) -> Self {
        Self { nesterov, ..self }
    }

    pub(super) fn validate(&self) -> Result<(), Error> {
        check_learning_rate(self.learning_rate)?;
        check_decay("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::setting("momentum", self.momentum, "a number in (0, 1), since nesterov is set"));
        }
        Ok(())
    }

    pub(super) fn descent<T: Element>(&self) -> Descent<T> {
        Descent { rate: T::from_f64(self.learning_rate) }
    }

    pub(super) fn heavy_ball<T: Element>(&self) -> HeavyBall<T> {
        let (rate, momentum) = (T::from_f64(self.learning_rate), T::from_f64(self.momentum));
        HeavyBall { rate, momentum, nesterov: self.nesterov }
    }
}

/// Without momentum.
pub(crate) struct Descent<T> {
    rate: T,
}

impl<T: Element> Rule<T> for Descent<T> {
    const SLOTS: usize = 0;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: [S::V; 2]) -> (S::V, [S::V; 2]) {
        (theta - isa.splat(self.rate) * gradient, slots)
    }
}

/// With momentum; the first slot is v.
pub(crate) struct HeavyBall<T> {
    rate: T,
    momentum: T,
    nesterov: bool,
}

impl<T: Element> Rule<T> for HeavyBall<T> {
    const SLOTS: usize = 1;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: [S::V; 2]) -> (S::V, [S::V; 2]) {
        let momentum = isa.splat(self.momentum);
        let velocity = momentum * slots[0] + gradient;
        let along = if self.nesterov { gradient + momentum * velocity } else { velocity };
        (theta - isa.splat(self.rate) * along, [velocity, slots[1]])
    }
}
