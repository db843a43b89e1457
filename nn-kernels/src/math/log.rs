//! Logarithms: [`ln`], and [`softplus`], ln(1 + e^x).
//!
//! Method: ln m = 2 artanh(t) with t = (m - 1)/(m + 1), and 2 artanh(t) = 2t + t³ P(t²) with a polynomial P that
//! interpolates at the Chebyshev nodes of t² in [0, 1/9] (mpmath's `chebyfit` in 50 digits): degree 3 in f32, a
//! relative error of 1.7·10⁻⁸ in the logarithm, degree 9 in f64, 5·10⁻¹⁸.

use super::exp::exp_clamped;
use crate::Element;
use crate::isa::{Simd, Vector};

/// What the logarithms need to know of an element type. The trait is sealed.
pub trait LogConstants: crate::sealed::Sealed + Sized + 'static {
    /// P, the constant term first.
    const P: &'static [Self];
}

impl LogConstants for f32 {
    const P: &'static [Self] = &[0.666_666_4, 0.400_075_6, 0.282_366_2, 0.268_515];
}

impl LogConstants for f64 {
    const P: &'static [Self] = &[
        0.666_666_666_666_666_6,
        0.400_000_000_000_145_85,
        0.285_714_285_671_087_6,
        0.222_222_227_174_278_64,
        0.181_817_894_361_328_59,
        0.153_855_700_649_585_62,
        0.133_141_442_096_549_35,
        0.120_010_728_095_907_13,
        0.088_007_384_861_446_74,
        0.161_640_456_119_435_3,
    ];
}

/// 2 artanh(t) for |t| ≤ 1/3.
#[inline(always)]
fn twice_artanh<T: Element, S: Simd<T>>(s: S, t: S::V) -> S::V {
    let square = t * t;
    let p = super::polynomial(s, square, T::P);
    (t * square).mul_add(p, t + t)
}

/// ln(1 + u) for u in [0, 1]. With a reciprocal and a Newton step for the division it would be 3.3 ULP off.
#[inline(always)]
fn ln_1p_unit<T: Element, S: Simd<T>>(s: S, u: S::V) -> S::V {
    twice_artanh(s, u / (u + s.splat(T::from_f64(2.0))))
}

/// ln x for normal, positive x.
///
/// At most 2 ULP off. NaN stays NaN; of other x the result is unspecified.
#[inline(always)]
pub fn ln<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let (mantissa, exponent) = split(s, x);
    let one = s.splat(T::ONE);
    let log = add_exponent(s, exponent, twice_artanh(s, (mantissa - one) / (mantissa + one)));
    S::V::select(x.is_nan(), x, log)
}

/// ln(1 + u) for finite u ≥ 0; NaN stays NaN.
#[inline(always)]
pub(crate) fn ln_1p<T: Element, S: Simd<T>>(s: S, u: S::V) -> S::V {
    let one = s.splat(T::ONE);
    let (mantissa, exponent) = split(s, one + u);
    // Below 1/3, where 1 + u has lost much of u, the mantissa is 1 + u itself. NaN is not below.
    let less_one = S::V::select(s.splat(T::from_f64(0.33)).lt(u), mantissa - one, u);
    add_exponent(s, exponent, twice_artanh(s, less_one.quotient(mantissa + one)))
}

/// x as a mantissa in [2/3, 4/3), so that |t| ≤ 1/5, and an exponent.
#[inline(always)]
fn split<T: Element, S: Simd<T>>(s: S, x: S::V) -> (S::V, S::V) {
    let (mantissa, exponent) = x.split_exponent();
    // The mantissa lies in [1, 2); from 4/3 on it is halved.
    let large = s.splat(T::from_f64(4.0 / 3.0)).lt(mantissa);
    let halved = S::V::select(large, mantissa * s.splat(T::from_f64(0.5)), mantissa);
    (halved, S::V::select(large, exponent + s.splat(T::ONE), exponent))
}

/// n ln 2 + `log`.
#[inline(always)]
fn add_exponent<T: Element, S: Simd<T>>(s: S, n: S::V, log: S::V) -> S::V {
    n.mul_add(s.splat(T::LN2_HIGH), n.mul_add(s.splat(T::LN2_LOW), log))
}

/// ln(1 + e^x) = max(x, 0) + ln(1 + e^-|x|), finite for every finite x.
///
/// At most 3 ULP off where the result is a normal number. Softplus of -∞ is 0 (below -87 in f32 and -708 in f64 the
/// result stays at the least normal number or so), of ∞ is ∞, of NaN is NaN.
#[inline(always)]
pub fn softplus<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    softplus_from_exp(s, x, exp_clamped(s, -x.abs()))
}

/// [`softplus`] of x when e^-|x| is at hand.
#[inline(always)]
pub fn softplus_from_exp<T: Element, S: Simd<T>>(s: S, x: S::V, exp_of_minus_abs: S::V) -> S::V {
    s.splat(T::ZERO).max(x) + ln_1p_unit(s, exp_of_minus_abs)
}
