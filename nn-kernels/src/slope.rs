//! Where g'(z) comes from in a backward pass.

use crate::isa::{Simd, Vector};
use crate::{Activation, Element};

/// How g'(z) of a layer's output is had in the backward pass.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Slope {
    /// c₀ + a (c₁ - a), from the activation: sigmoid, tanh.
    Quadratic([f64; 2]),
    /// 1 where a > 0, else 0: relu.
    Step,
    /// Written by the forward pass into memory of its own.
    Stored,
}

impl Slope {
    /// The cheapest way to g'.
    pub(crate) fn of(activation: Activation, dropout: f64) -> Self {
        match activation {
            // A dropped unit's slope is no function of its activation.
            _ if dropout > 0.0 => Self::Stored,
            Activation::Sigmoid => Self::Quadratic([0.0, 1.0]),
            Activation::Tanh => Self::Quadratic([1.0, 0.0]),
            Activation::Relu => Self::Step,
            _ => Self::Stored,
        }
    }
}

/// A way to g' that is fixed when a kernel is compiled.
pub(crate) trait SlopeOf<T>: Copy {
    /// g' from what is in memory: a, or g' itself where it is stored.
    fn slope<S: Simd<T>>(self, s: S, value: S::V) -> S::V;
}

#[derive(Clone, Copy)]
pub(crate) struct QuadraticSlope<T>(pub(super) [T; 2]);

impl<T: Element> QuadraticSlope<T> {
    pub(crate) fn new(coefficients: [f64; 2]) -> Self {
        Self(coefficients.map(T::from_f64))
    }
}

impl<T: Element> SlopeOf<T> for QuadraticSlope<T> {
    #[inline(always)]
    fn slope<S: Simd<T>>(self, s: S, a: S::V) -> S::V {
        let [c0, c1] = self.0;
        a.mul_add(s.splat(c1) - a, s.splat(c0))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct StepSlope;

impl<T: Element> SlopeOf<T> for StepSlope {
    #[inline(always)]
    fn slope<S: Simd<T>>(self, s: S, a: S::V) -> S::V {
        S::V::select(s.splat(T::ZERO).lt(a), s.splat(T::ONE), s.splat(T::ZERO))
    }
}

#[derive(Clone, Copy)]
pub(crate) struct StoredSlope;

impl<T: Element> SlopeOf<T> for StoredSlope {
    #[inline(always)]
    fn slope<S: Simd<T>>(self, _s: S, value: S::V) -> S::V {
        value
    }
}
