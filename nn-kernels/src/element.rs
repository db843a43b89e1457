//! The two number types a network can be made of.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, MulAssign, Neg, Sub, SubAssign};

use bytemuck::Pod;

/// A number that parameters, activations and gradients are made of: `f32` or `f64`.
///
/// The trait is sealed: the kernels are written and tested for these two.
pub trait Element:
    crate::sealed::Sealed
    + crate::isa::Dispatch
    + crate::math::MathConstants
    + crate::step::Engines
    + Pod
    + Send
    + Sync
    + Debug
    + Display
    + Default
    + PartialEq
    + PartialOrd
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + AddAssign
    + SubAssign
    + MulAssign
    + Sum
{
    /// How pairs of bfloat16 are multiplied into sums of this type: not at all, but in f32.
    #[doc(hidden)]
    type Pairs: crate::isa::PairProducts<Self>;

    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The type's name as Rust writes it, `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// The distance between 1 and the next larger number, 2⁻²³ or 2⁻⁵².
    const EPSILON: Self;
    /// The smallest positive normal number, 2⁻¹²⁶ or 2⁻¹⁰²².
    const MIN_POSITIVE: Self;

    /// The nearest number of this type.
    fn from_f64(value: f64) -> Self;
    /// The same number as an `f64`, exactly.
    fn to_f64(self) -> f64;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
}

macro_rules! element {
    ($($T:ident, $Pairs:ty);*) => { $(
        impl Element for $T {
            type Pairs = $Pairs;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const NAME: &'static str = stringify!($T);
            const EPSILON: Self = $T::EPSILON;
            const MIN_POSITIVE: Self = $T::MIN_POSITIVE;
            #[inline(always)]
            fn from_f64(value: f64) -> Self { value as $T }
            #[inline(always)]
            fn to_f64(self) -> f64 { f64::from(self) }
            #[inline(always)]
            fn is_finite(self) -> bool { $T::is_finite(self) }
        }
    )* };
}
element!(f32, crate::isa::Bf16; f64, std::convert::Infallible);
