//! Elementary functions over [`Simd`], lane by lane.
//!
//! Every function takes the token and a vector, and is `#[inline(always)]`, so that a kernel that calls it is one
//! piece of straight-line code.

use crate::Element;
use crate::isa::Simd;

/// e^x.
#[inline(always)]
pub fn exp<T: Element, S: Simd<T>>(_s: S, _x: S::V) -> S::V {
    unimplemented!("lands with the math floor")
}
/// e^x - 1, accurate near 0.
#[inline(always)]
pub fn exp_m1<T: Element, S: Simd<T>>(_s: S, _x: S::V) -> S::V {
    unimplemented!("lands with the math floor")
}
/// 1 / (1 + e^-x).
#[inline(always)]
pub fn sigmoid<T: Element, S: Simd<T>>(_s: S, _x: S::V) -> S::V {
    unimplemented!("lands with the math floor")
}
/// tanh x.
#[inline(always)]
pub fn tanh<T: Element, S: Simd<T>>(_s: S, _x: S::V) -> S::V {
    unimplemented!("lands with the math floor")
}
/// ln(1 + e^x).
#[inline(always)]
pub fn softplus<T: Element, S: Simd<T>>(_s: S, _x: S::V) -> S::V {
    unimplemented!("lands with the math floor")
}
