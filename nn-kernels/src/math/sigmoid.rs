//! The two saturating functions, [`sigmoid`] and [`tanh`].

use super::exp::{exp_clamped, exp_m1_reduced};
use crate::Element;
use crate::isa::{Simd, Vector};

/// 1 / (1 + e^-x).
///
/// At most 3 ULP off where the result is a normal number. σ(-∞) is the least normal number or so (about 10⁻³⁸ in f32,
/// 10⁻³⁰⁸ in f64) rather than 0, σ(∞) = 1, and NaN stays NaN.
#[inline(always)]
pub fn sigmoid<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let one = s.splat(T::ONE);
    one.quotient(one + exp_clamped(s, -x))
}

/// [`sigmoid`] of x when e^-|x| is at hand: 1/(1 + e) for x ≥ 0, e/(1 + e) below.
#[inline(always)]
pub fn sigmoid_from_exp<T: Element, S: Simd<T>>(s: S, x: S::V, exp_of_minus_abs: S::V) -> S::V {
    let one = s.splat(T::ONE);
    let numerator = S::V::select(x.lt(s.splat(T::ZERO)), exp_of_minus_abs, one);
    numerator.quotient(one + exp_of_minus_abs)
}

/// tanh x = E / (E + 2) with E = e^2|x| - 1, and the sign of x.
///
/// At most 3 ULP off. tanh(±∞) = ±1; ±0 and NaN stay what they are.
#[inline(always)]
pub fn tanh<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    // From 20 on tanh is 1 in either element type; NaN must come through the clamp.
    let magnitude = s.splat(T::from_f64(20.0)).min(x.abs());
    let u = magnitude + magnitude;
    // E = 2ⁿ (1 + p) - 1. One subtraction reduces u: n is small, and its rest weighs nothing where E is large.
    let (n, scale) = u.round_and_exp2(s.splat(T::LOG2_E));
    let p = exp_m1_reduced(s, n.neg_mul_add(s.splat(T::from_f64(std::f64::consts::LN_2)), u));
    let e = p.mul_add(scale, scale - s.splat(T::ONE));
    e.quotient(e + s.splat(T::from_f64(2.0))).copysign(x)
}
