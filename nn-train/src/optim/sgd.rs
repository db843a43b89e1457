//! Stochastic gradient descent.

use nn_kernels::isa::Simd;
use nn_kernels::{Element, Elementwise, Rule};

use super::either::Either;
use super::{Optimizer, Step, check_decay, flush};
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
/// change of α acts at once. It is 0.01 unless the trainer is given another. A v below the normal numbers is 0.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Sgd {
    /// μ in [0, 1); 0 is none.
    pub momentum: f64,
    /// Whether the momentum is Nesterov's; it needs a μ above 0.
    pub nesterov: bool,
}

impl Sgd {
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
}

impl Optimizer for Sgd {
    type Update<T: Element> = Either<Elementwise<Descent<T>>, Elementwise<HeavyBall<T>>>;

    fn name(&self) -> &'static str {
        "sgd"
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn slots(&self) -> usize {
        usize::from(self.momentum != 0.0)
    }

    fn validate<T: Element>(&self) -> Result<(), Error> {
        check_decay::<T>("momentum", self.momentum)?;
        if self.nesterov && self.momentum == 0.0 {
            return Err(Error::number("momentum", self.momentum, "a number in (0, 1), since nesterov is set"));
        }
        Ok(())
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Self::Update<T>, Error> {
        let (rate, momentum) = (T::from_f64(step.learning_rate), T::from_f64(self.momentum));
        Ok(if self.momentum == 0.0 {
            Either::Plain(Elementwise::new(Descent { rate }))
        } else {
            Either::Extended(Elementwise::new(HeavyBall { rate, momentum, nesterov: self.nesterov }))
        })
    }
}

/// Without momentum.
#[derive(Debug)]
pub struct Descent<T> {
    rate: T,
}

impl<T: Element> Rule<T> for Descent<T> {
    const SLOTS: usize = 0;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, _slots: &mut [S::V]) -> S::V {
        theta - isa.splat(self.rate) * gradient
    }
}

/// With momentum; the slot is v.
#[derive(Debug)]
pub struct HeavyBall<T> {
    rate: T,
    momentum: T,
    nesterov: bool,
}

impl<T: Element> Rule<T> for HeavyBall<T> {
    const SLOTS: usize = 1;

    #[inline(always)]
    fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
        let momentum = isa.splat(self.momentum);
        let velocity = flush(isa, momentum * slots[0] + gradient);
        slots[0] = velocity;
        let along = if self.nesterov { gradient + momentum * velocity } else { velocity };
        theta - isa.splat(self.rate) * along
    }
}
