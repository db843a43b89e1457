//! Optimisers: how the gradient moves the weights. One algorithm a file.

mod adagrad;
mod adam;
mod adamw;
mod adjust;
mod decay;
mod either;
mod erased;
mod lion;
mod moments;
mod norm;
mod rmsprop;
mod rprop;
mod sgd;
#[cfg(test)]
mod tests;

use std::fmt;

pub use adagrad::Adagrad;
pub use adam::Adam;
pub use adamw::AdamW;
pub(crate) use adjust::Adjustment;
pub(crate) use erased::{AnyOptimizer, Gradient, Outcome, TypedOptimizer, Work, typed};
pub use lion::Lion;
use nn_kernels::isa::{Simd, Vector};
use nn_kernels::{Element, Update};
pub use rmsprop::RmsProp;
pub use rprop::Rprop;
pub use sgd::Sgd;

use crate::error::{Error, check_not_negative, is_expressible};

/// An algorithm that moves parameters against their gradient: [`Sgd`], [`Adam`], [`AdamW`], [`RmsProp`], [`Adagrad`],
/// [`Lion`], [`Rprop`], or one that you write. It trains at the same speed, in every engine and on every instruction
/// set.
///
/// An optimiser is a value with settings. At each step it is asked for an [`Update`], nearly always the
/// [`Elementwise`](crate::Elementwise) one of a [`Rule`](crate::Rule): the new value of one parameter, written over
/// vectors. The learning rate is not a setting of the optimiser. It comes with each [`Step`], from the trainer's
/// [`Schedule`](crate::Schedule).
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::{Element, Elementwise, Rule, Simd, Step, Vector};
///
/// /// θ ← θ - α sgn(v), where v ← β v + (1 - β) g: a sign descent with momentum.
/// #[derive(Debug)]
/// struct Signum {
///     beta: f64,
/// }
///
/// struct SignumRule<T> {
///     rate: T,
///     beta: T,
///     rest: T,
/// }
///
/// impl<T: Element> Rule<T> for SignumRule<T> {
///     const SLOTS: usize = 1;
///
///     #[inline(always)]
///     fn apply<S: Simd<T>>(&self, isa: S, theta: S::V, gradient: S::V, slots: &mut [S::V]) -> S::V {
///         let velocity = isa.splat(self.beta) * slots[0] + isa.splat(self.rest) * gradient;
///         slots[0] = velocity;
///         let zero = isa.splat(T::ZERO);
///         theta - S::V::select(velocity.abs().le(zero), zero, isa.splat(self.rate).copysign(velocity))
///     }
/// }
///
/// impl Optimizer for Signum {
///     type Update<T: Element> = Elementwise<SignumRule<T>>;
///
///     fn name(&self) -> &'static str {
///         "signum"
///     }
///
///     fn default_learning_rate(&self) -> f64 {
///         0.001
///     }
///
///     fn slots(&self) -> usize {
///         1
///     }
///
///     fn update<T: Element>(&self, step: Step<'_>) -> Result<Elementwise<SignumRule<T>>, Error> {
///         let [rate, beta, rest] = [step.learning_rate, self.beta, 1.0 - self.beta].map(T::from_f64);
///         Ok(Elementwise::new(SignumRule { rate, beta, rest }))
///     }
/// }
///
/// network! { struct Xor<2 => 4 tanh => 1>; }
/// let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// let trainer = Trainer::builder().optimizer(Signum { beta: 0.9 }).learning_rate(0.01).epochs(400).build()?;
/// let history = trainer.fit(&mut Xor::new(42), &data, None)?;
/// assert!(history.last().is_some_and(|epoch| epoch.cost < 0.2));
/// # Ok::<(), Error>(())
/// ```
pub trait Optimizer: fmt::Debug + Send + Sync + 'static {
    /// The update that one step applies to the parameters.
    type Update<T: Element>: Update<T>;

    /// The algorithm's name, by which the state of a training run says whose it is.
    fn name(&self) -> &'static str;

    /// The learning rate of a trainer that is not given any.
    fn default_learning_rate(&self) -> f64;

    /// Whether each step follows its own learning rate, as unless said otherwise. Of [`Rprop`]'s only the first does. Others
    /// are an error of the [range test](crate::Trainer::lr_find), whose curve would say nothing of rates.
    fn follows_learning_rate(&self) -> bool {
        true
    }

    /// Numbers that the optimiser keeps for each parameter, at most [`MAX_SLOTS`](crate::MAX_SLOTS). They start at 0.
    fn slots(&self) -> usize;

    /// Numbers that it keeps for all parameters together, see [`Step::scalars`].
    fn scalars(&self) -> usize {
        0
    }

    /// Checks that every setting is in its range, and can be expressed in the network's number type.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first that is not.
    fn validate<T: Element>(&self) -> Result<(), Error> {
        Ok(())
    }

    /// The update of one step.
    ///
    /// # Errors
    /// [`Error::Setting`] for a learning rate that the algorithm cannot work with. No step is then taken.
    fn update<T: Element>(&self, step: Step<'_>) -> Result<Self::Update<T>, Error>;
}

/// One training step, as an [`Optimizer`] sees it.
#[derive(Debug)]
#[non_exhaustive]
pub struct Step<'a> {
    /// Which step it is, from 1. Steps that failed are not counted.
    pub number: u64,
    /// α, finite and not negative.
    pub learning_rate: f64,
    /// [`Optimizer::scalars`] numbers that the optimiser keeps from step to step. They start at 0, are part of the
    /// exported state, and are put back when a step fails.
    pub scalars: &'a mut [f64],
}

/// `x` to the power of `exponent` by repeated squaring: the same bits on every platform, which `powf` does not
/// promise.
pub(crate) fn power(x: f64, exponent: u64) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, x, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

/// Numbers below the normal ones become 0. On many CPUs arithmetic on them takes a hundred times as long, and what an
/// optimiser keeps of a parameter whose gradient has become 0 would stay among them.
#[inline(always)]
fn flush<T: Element, S: Simd<T>>(isa: S, numbers: S::V) -> S::V {
    S::V::select(numbers.abs().lt(isa.splat(T::MIN_POSITIVE)), isa.splat(T::ZERO), numbers)
}

/// -1, 0 or 1; NaN for numbers that are not finite, so that they are seen.
#[inline(always)]
fn sign<T: Element, S: Simd<T>>(isa: S, numbers: S::V) -> S::V {
    let zero = isa.splat(T::ZERO);
    let signs = S::V::select(numbers.abs().le(zero), zero, isa.splat(T::ONE).copysign(numbers));
    // x · 0 is 0 for a finite x only.
    signs + numbers * zero
}

/// A setting that is finite and positive, and rounds neither to 0 nor to infinity in the network's type.
pub(crate) fn check_positive<T: Element>(name: &'static str, value: f64) -> Result<(), Error> {
    if !(value.is_finite() && value > 0.0) {
        return Err(Error::number(name, value, "a finite, positive number"));
    }
    check_expressible::<T>(name, value)
}

/// A setting that rounds neither to 0 nor to infinity in the network's type.
pub(crate) fn check_expressible<T: Element>(name: &'static str, value: f64) -> Result<(), Error> {
    if is_expressible::<T>(value) {
        Ok(())
    } else {
        let expected = "a number that rounds neither to 0 nor to infinity in the network's type";
        Err(Error::number(name, value, expected))
    }
}

/// A share that decays is in [0, 1), and does not round to 1 in the network's type.
fn check_decay<T: Element>(name: &'static str, value: f64) -> Result<(), Error> {
    if !(0.0..1.0).contains(&value) {
        return Err(Error::number(name, value, "a number in [0, 1)"));
    }
    if T::from_f64(value) == T::ONE {
        return Err(Error::number(name, value, "a number in [0, 1) that does not round to 1 in the network's type"));
    }
    Ok(())
}

/// A learning rate is finite and not negative, and rounds neither to 0 nor to infinity in the network's type. 0 itself
/// is a rate: a warm-up may begin there.
pub(crate) fn check_learning_rate<T: Element>(value: f64) -> Result<(), Error> {
    check_not_negative("learning_rate", value)?;
    check_expressible::<T>("learning_rate", value)
}
