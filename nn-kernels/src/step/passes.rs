//! The elementwise passes between the products, each a kernel that is run in an engine's instruction set.

use crate::activation::{activate, activate_with_derivative};
use crate::isa::{Kernel, Simd};
use crate::loss::{Output, cost_and_delta};
use crate::{Activation, Element};

/// A = g(z) in place, rows of `width`.
pub(super) struct Activate<'a, T> {
    pub(super) activation: Activation,
    pub(super) width: usize,
    pub(super) z: &'a mut [T],
}

impl<T: Element> Kernel<T> for Activate<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        activate(s, self.activation, self.width, self.z);
    }
}

/// A = g(z); z becomes g'(z).
pub(super) struct ActivateWithDerivative<'a, T> {
    pub(super) activation: Activation,
    pub(super) width: usize,
    pub(super) z: &'a mut [T],
    pub(super) a: &'a mut [T],
}

impl<T: Element> Kernel<T> for ActivateWithDerivative<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        activate_with_derivative(s, self.activation, self.width, self.z, self.a);
    }
}

/// The rows' share of the cost; z becomes δ^(L).
pub(super) struct CostAndDelta<'a, T> {
    pub(super) output: Output,
    pub(super) z: &'a mut [T],
    pub(super) targets: &'a [T],
    pub(super) spare: &'a mut [T],
}

impl<T: Element> Kernel<T> for CostAndDelta<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        cost_and_delta(s, self.output, self.z, self.targets, self.spare)
    }
}

/// `values` ⊙= `factors`.
pub(super) struct Hadamard<'a, T> {
    pub(super) values: &'a mut [T],
    pub(super) factors: &'a [T],
}

impl<T: Element> Kernel<T> for Hadamard<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        for (values, factors) in self.values.chunks_mut(S::LANES).zip(self.factors.chunks(S::LANES)) {
            if values.len() == S::LANES {
                s.store(s.load(values) * s.load(factors), values);
            } else {
                s.store_partial(s.load_partial(values, T::ZERO) * s.load_partial(factors, T::ZERO), values);
            }
        }
    }
}

/// Σ of δ's rows, times `scale`: written to `bias`, or added to it. `sums` is room for one row.
pub(super) struct BiasGradient<'a, T> {
    pub(super) delta: &'a [T],
    pub(super) scale: T,
    pub(super) add: bool,
    pub(super) sums: &'a mut [T],
    pub(super) bias: &'a mut [T],
}

impl<T: Element> Kernel<T> for BiasGradient<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) {
        let Self { delta, scale, add, sums, bias } = self;
        sums.fill(T::ZERO);
        for row in delta.chunks_exact(bias.len()) {
            for (sum, &delta) in sums.iter_mut().zip(row) {
                *sum += delta;
            }
        }
        for (bias, &sum) in bias.iter_mut().zip(&*sums) {
            *bias = if add { *bias + sum * scale } else { sum * scale };
        }
    }
}

/// `values` += `others`.
pub(super) struct Add<'a, T> {
    pub(super) values: &'a mut [T],
    pub(super) others: &'a [T],
}

impl<T: Element> Kernel<T> for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) {
        for (value, &other) in self.values.iter_mut().zip(self.others) {
            *value += other;
        }
    }
}

/// `gradient` ← `scale` · `gradient` + `decay` · Θ; returns Σ Θ², or 0 where `decay` is 0, in which case Θ is not read.
pub(super) struct Finish<'a, T> {
    pub(super) gradient: &'a mut [T],
    pub(super) theta: &'a [T],
    pub(super) scale: T,
    pub(super) decay: T,
}

impl<T: Element> Kernel<T> for Finish<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) -> f64 {
        let Self { gradient, theta, scale, decay } = self;
        if decay == T::ZERO {
            for gradient in gradient {
                *gradient = *gradient * scale;
            }
            return 0.0;
        }
        for (gradient, &theta) in gradient.iter_mut().zip(theta) {
            *gradient = *gradient * scale + decay * theta;
        }
        sum_of_squares(theta)
    }
}

/// Σ Θ².
pub(super) struct Squares<'a, T> {
    pub(super) theta: &'a [T],
}

impl<T: Element> Kernel<T> for Squares<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) -> f64 {
        sum_of_squares(self.theta)
    }
}

/// In `f64`, over eight sums side by side, so that the compiler may use vectors.
#[inline(always)]
fn sum_of_squares<T: Element>(values: &[T]) -> f64 {
    let mut sums = [0.0; 8];
    let (chunks, tail) = values.as_chunks::<8>();
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += value.to_f64() * value.to_f64();
        }
    }
    for (sum, value) in sums.iter_mut().zip(tail) {
        *sum += value.to_f64() * value.to_f64();
    }
    sums.iter().sum()
}
