//! The exponential and its kin: [`exp`], [`exp_m1`].
//!
//! Method: x = n ln 2 + r with integral n and |r| ≤ ½ ln 2, ln 2 subtracted in two parts (W. J. Cody and W. Waite,
//! "Software Manual for the Elementary Functions", 1980, chapter 6); e^r - 1 = r + r² q(r) with a polynomial q; and
//! e^x = 2ⁿ e^r. The coefficients of q interpolate (e^r - 1 - r)/r² at the Chebyshev nodes of the interval, which is
//! within a few per cent of minimax, computed in 50 digits with mpmath's `chebyfit`: q of degree 4 in f32 leaves a
//! relative error of 8·10⁻⁹ in e^r, of degree 9 in f64 1.3·10⁻¹⁷.

use crate::Element;
use crate::isa::{Simd, Vector};

/// What [`exp`] needs to know of an element type. The trait is sealed.
pub trait ExpConstants: crate::sealed::Sealed + Sized + 'static {
    /// Below it e^x rounds to 0.
    const LOWEST: Self;
    /// From it on e^x rounds to infinity; its n is no more than one above the greatest exponent.
    const HIGHEST: Self;
    /// The least x for which 2ⁿ is a normal number.
    const LOWEST_NORMAL: Self;
    /// The greatest x for which 2ⁿ is finite.
    const HIGHEST_NORMAL: Self;
    /// 1 / ln 2.
    const LOG2_E: Self;
    /// The leading bits of ln 2, few enough that n · `LN2_HIGH` is exact.
    const LN2_HIGH: Self;
    /// ln 2 - `LN2_HIGH`.
    const LN2_LOW: Self;
    /// q, the constant term first.
    const Q: &'static [Self];
}

impl ExpConstants for f32 {
    const LOWEST: Self = -105.0;
    const HIGHEST: Self = 89.0;
    const LOWEST_NORMAL: Self = -87.0;
    const HIGHEST_NORMAL: Self = 88.0;
    const LOG2_E: Self = std::f32::consts::LOG2_E;
    const LN2_HIGH: Self = 0.693_359_4;
    const LN2_LOW: Self = -0.000_212_194_44;
    const Q: &'static [Self] = &[0.5, 0.166_665_76, 0.041_666_556, 0.008_363_203, 0.001_392_621_3];
}

impl ExpConstants for f64 {
    const LOWEST: Self = -746.0;
    const HIGHEST: Self = 710.0;
    const LOWEST_NORMAL: Self = -708.0;
    const HIGHEST_NORMAL: Self = 709.0;
    const LOG2_E: Self = std::f64::consts::LOG2_E;
    const LN2_HIGH: Self = 0.693_146_705_627_441_4;
    const LN2_LOW: Self = 4.749_325_039_031_672_6e-7;
    const Q: &'static [Self] = &[
        0.5,
        0.166_666_666_666_666_69,
        0.041_666_666_666_623_99,
        0.008_333_333_333_330_051,
        0.001_388_888_891_728_179_4,
        0.000_198_412_698_631_058_68,
        2.480_152_119_021_773e-5,
        2.755_726_837_868_419_2e-6,
        2.762_013_871_973_399_4e-7,
        2.510_042_415_700_506_7e-8,
    ];
}

/// n, 2ⁿ, and e^r - 1 of the reduction above.
#[inline(always)]
fn reduce<T: Element, S: Simd<T>>(s: S, x: S::V) -> (S::V, S::V, S::V) {
    let (n, scale) = x.round_and_exp2(s.splat(T::LOG2_E));
    let r = n.neg_mul_add(s.splat(T::LN2_HIGH), x);
    let r = n.neg_mul_add(s.splat(T::LN2_LOW), r);
    (n, scale, exp_m1_reduced(s, r))
}

/// e^r - 1 = r + r² q(r) for |r| ≤ ½ ln 2.
#[inline(always)]
pub(super) fn exp_m1_reduced<T: Element, S: Simd<T>>(s: S, r: S::V) -> S::V {
    (r * r).mul_add(super::polynomial(s, r, T::Q), r)
}

/// e^x.
///
/// At most 1 ULP off, denormal results included. e^-∞ = 0, e^∞ = ∞, NaN stays NaN; x beyond the range of the
/// element type gives 0 or ∞.
#[inline(always)]
pub fn exp<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let x = s.splat(T::LOWEST).max(s.splat(T::HIGHEST).min(x));
    let n = (x * s.splat(T::LOG2_E)).round();
    // `reduce`, but the sum is taken from the exact part of r: its rounding would take the result past 1 ULP.
    let high = n.neg_mul_add(s.splat(T::LN2_HIGH), x);
    let low = n * s.splat(T::LN2_LOW);
    let r = high - low;
    let q = super::polynomial(s, r, T::Q);
    let p = high + (r * r).mul_add(q, -low);
    (p + s.splat(T::ONE)).mul_exp2(n)
}

/// e^x for x whose result is a normal number: x is first clamped to the range of those. Cheaper than [`exp`] where
/// the instruction set has no scaling by 2ⁿ; for functions that saturate long before.
#[inline(always)]
pub fn exp_clamped<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let x = s.splat(T::LOWEST_NORMAL).max(s.splat(T::HIGHEST_NORMAL).min(x));
    let (_, scale, p) = reduce(s, x);
    p.mul_add(scale, scale)
}

/// e^x - 1, accurate near 0.
///
/// At most 2 ULP off. e^-∞ - 1 = -1, e^∞ - 1 = ∞; ±0 and NaN stay what they are.
#[inline(always)]
pub fn exp_m1<T: Element, S: Simd<T>>(s: S, x: S::V) -> S::V {
    let clamped = s.splat(T::LOWEST_NORMAL).max(s.splat(T::HIGHEST).min(x));
    let (n, _, p) = reduce(s, clamped);
    // 2ⁿ p + (2ⁿ - 1); half the scale, doubled at the end, so that n one above the greatest exponent is no overflow.
    let half = (n - s.splat(T::ONE)).exp2_integral();
    let y = p.mul_add(half, half - s.splat(T::from_f64(0.5)));
    let y = y + y;
    // r + r² q turns -0 into +0.
    S::V::select(x.abs().le(s.splat(T::ZERO)), x, y)
}
