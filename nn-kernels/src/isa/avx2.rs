//! AVX2 with FMA: eight f32 or four f64 a register, 16 registers.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Bundle, Kernel, Simd, Vector};
use crate::sealed::Sealed;

/// The token of AVX2 and FMA: a value exists only where the CPU has both, so the holder of one may use them.
#[derive(Debug, Clone, Copy)]
pub struct Avx2(());

impl Sealed for Avx2 {}

impl Avx2 {
    /// The token, if this CPU has AVX2 and FMA.
    #[must_use]
    pub fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma")).then_some(Self(()))
    }
}

/// An operation of one intrinsic: the vectors in its arguments were made by a token, so the CPU has the set.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: vectors of this set are only made through its token, which exists only where the CPU has the set.
        unsafe { $call }
    };
}

macro_rules! avx2 {
    ($T:ident, $V:ident, $ops:ident) => {
        #[doc = concat!("A register of `", stringify!($T), "`, made by [`Avx2`] only.")]
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $V($ops::Register);

        impl Sealed for $V {}

        impl Simd<$T> for Avx2 {
            type V = $V;
            type Wide = Bundle<Self, 4>;
            const LANES: usize = $ops::LANES;
            const SUMS: usize = 12;
            const NAME: &'static str = "avx2";

            #[inline(always)]
            fn wide(self) -> Self::Wide {
                Bundle(self)
            }

            #[inline(always)]
            fn splat(self, value: $T) -> $V {
                $V(intrinsic!($ops::set1(value)))
            }

            #[inline(always)]
            fn load(self, source: &[$T]) -> $V {
                let source = &source[..$ops::LANES];
                // SAFETY: the slice has a vector's worth of elements.
                unsafe { self.load_ptr(source.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, vector: $V, target: &mut [$T]) {
                let target = &mut target[..$ops::LANES];
                // SAFETY: the slice has room for a vector.
                unsafe { self.store_ptr(vector, target.as_mut_ptr()) }
            }

            #[inline(always)]
            fn load_partial(self, source: &[$T], fill: $T) -> $V {
                let mut lanes = [fill; $ops::LANES];
                let count = source.len().min($ops::LANES);
                lanes[..count].copy_from_slice(&source[..count]);
                self.load(&lanes)
            }

            #[inline(always)]
            fn store_partial(self, vector: $V, target: &mut [$T]) {
                let count = target.len().min($ops::LANES);
                // SAFETY: the slice has room for `count` elements.
                unsafe { self.store_first(vector, target.as_mut_ptr(), count) }
            }

            #[inline(always)]
            unsafe fn load_ptr(self, source: *const $T) -> $V {
                // SAFETY: the caller vouches for the memory, the token for the set.
                $V(unsafe { $ops::loadu(source) })
            }

            #[inline(always)]
            unsafe fn store_ptr(self, vector: $V, target: *mut $T) {
                // SAFETY: the caller vouches for the memory, the token for the set.
                unsafe { $ops::storeu(target, vector.0) }
            }

            #[inline(always)]
            unsafe fn load_first(self, source: *const $T, count: usize) -> $V {
                // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                $V(unsafe { $ops::maskload(source, <$ops::Bits as WindowMask>::window(count)) })
            }

            #[inline(always)]
            unsafe fn store_first(self, vector: $V, target: *mut $T, count: usize) {
                // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                unsafe { $ops::maskstore(target, <$ops::Bits as WindowMask>::window(count), vector.0) }
            }

            #[inline(always)]
            fn prefetch(self, place: *const $T) {
                // SAFETY: a prefetch reads nothing that the program sees, and does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
            }

            #[inline(always)]
            fn prefetch_to_l2(self, place: *const $T) {
                // SAFETY: a prefetch reads nothing that the program sees, and does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) }
            }

            const BLOCK: usize = $ops::BLOCK;

            #[inline(always)]
            unsafe fn transpose(self, source: *const $T, source_stride: usize, target: *mut $T, target_stride: usize) {
                // SAFETY: the caller vouches for every element of the block, the token for the set.
                unsafe { $ops::transpose(source, source_stride, target, target_stride) }
            }

            #[inline(always)]
            fn run<K: Kernel<$T>>(self, kernel: K) -> K::Output {
                #[target_feature(enable = "avx2,fma")]
                #[inline(never)]
                fn enter<K: Kernel<$T>>(token: Avx2, kernel: K) -> K::Output {
                    kernel.run(token)
                }
                // SAFETY: the token exists only where the CPU has these features.
                unsafe { enter(self, kernel) }
            }
        }

        impl Add for $V {
            type Output = Self;
            #[inline(always)]
            fn add(self, other: Self) -> Self {
                Self(intrinsic!($ops::add(self.0, other.0)))
            }
        }

        impl Sub for $V {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self(intrinsic!($ops::sub(self.0, other.0)))
            }
        }

        impl Mul for $V {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                Self(intrinsic!($ops::mul(self.0, other.0)))
            }
        }

        impl Div for $V {
            type Output = Self;
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                Self(intrinsic!($ops::div(self.0, other.0)))
            }
        }

        impl Neg for $V {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self(intrinsic!($ops::xor(self.0, $ops::set1(-0.0))))
            }
        }

        impl Vector<$T> for $V {
            type Mask = Self;

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                Self(intrinsic!($ops::fmadd(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                Self(intrinsic!($ops::fnmadd(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                Self(intrinsic!($ops::min(self.0, other.0)))
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                Self(intrinsic!($ops::max(self.0, other.0)))
            }
            #[inline(always)]
            fn abs(self) -> Self {
                Self(intrinsic!($ops::andnot($ops::set1(-0.0), self.0)))
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                Self(intrinsic!($ops::or($ops::and($ops::set1(-0.0), sign.0), $ops::andnot($ops::set1(-0.0), self.0))))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(intrinsic!($ops::sqrt(self.0)))
            }
            #[inline(always)]
            fn round(self) -> Self {
                Self(intrinsic!($ops::round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn exp2_integral(self) -> Self {
                // The sum's low mantissa bits hold self + bias, which the shift moves into the exponent.
                let shift = intrinsic!($ops::set1(1.5 * (1_u64 << $ops::MANTISSA_BITS) as $T + $ops::BIAS));
                Self(intrinsic!($ops::from_bits($ops::shift_left::<{ $ops::MANTISSA_BITS }>($ops::to_bits(
                    $ops::add(self.0, shift)
                )))))
            }
            #[inline(always)]
            fn round_and_exp2(self, factor: Self) -> (Self, Self) {
                // As in `exp2_integral`; the sum is rounded to an integer on the way.
                let shift = intrinsic!($ops::set1(1.5 * (1_u64 << $ops::MANTISSA_BITS) as $T + $ops::BIAS));
                let sum = intrinsic!($ops::fmadd(self.0, factor.0, shift));
                let power =
                    intrinsic!($ops::from_bits($ops::shift_left::<{ $ops::MANTISSA_BITS }>($ops::to_bits(sum))));
                (Self(intrinsic!($ops::sub(sum, shift))), Self(power))
            }
            #[inline(always)]
            fn mul_exp2(self, n: Self) -> Self {
                // 2ⁿ itself may be out of range, so it is multiplied in two halves; the first product is exact.
                let half = Self(intrinsic!($ops::mul(n.0, $ops::set1(0.5)))).round();
                self * half.exp2_integral() * (n - half).exp2_integral()
            }
            #[inline(always)]
            fn unzip(self, other: Self) -> (Self, Self) {
                let (even, odd) = intrinsic!($ops::unzip(self.0, other.0));
                (Self(even), Self(odd))
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                // Positive numbers: shifting the mantissa out leaves the biased exponent, which, put under the
                // mantissa of 2^mantissa_bits, reads as an integer.
                let exponent_mask = intrinsic!($ops::set1($T::INFINITY));
                let mantissa = intrinsic!($ops::or($ops::andnot(exponent_mask, self.0), $ops::set1(1.0)));
                let shift = intrinsic!($ops::set1((1_u64 << $ops::MANTISSA_BITS) as $T));
                let biased =
                    intrinsic!($ops::from_bits($ops::shift_right::<{ $ops::MANTISSA_BITS }>($ops::to_bits(self.0))));
                let bias = intrinsic!($ops::set1((1_u64 << $ops::MANTISSA_BITS) as $T + $ops::BIAS));
                let unbiased = intrinsic!($ops::sub($ops::or(biased, shift), bias));
                (Self(mantissa), Self(unbiased))
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self {
                Self(intrinsic!($ops::cmp::<_CMP_LT_OQ>(self.0, other.0)))
            }
            #[inline(always)]
            fn le(self, other: Self) -> Self {
                Self(intrinsic!($ops::cmp::<_CMP_LE_OQ>(self.0, other.0)))
            }
            #[inline(always)]
            fn is_nan(self) -> Self {
                Self(intrinsic!($ops::cmp::<_CMP_UNORD_Q>(self.0, self.0)))
            }
            #[inline(always)]
            fn select(mask: Self, yes: Self, no: Self) -> Self {
                Self(intrinsic!($ops::blendv(no.0, yes.0, mask.0)))
            }
            #[inline(always)]
            fn sum(self) -> $T {
                // SAFETY: a register is as many elements side by side.
                let mut lanes: [$T; $ops::LANES] = unsafe { std::mem::transmute(self) };
                let mut width = $ops::LANES / 2;
                while width > 0 {
                    for i in 0..width {
                        lanes[i] += lanes[i + width];
                    }
                    width /= 2;
                }
                lanes[0]
            }
            #[inline(always)]
            fn max_lane(self) -> $T {
                // SAFETY: a register is as many elements side by side.
                let lanes: [$T; $ops::LANES] = unsafe { std::mem::transmute(self) };
                lanes.into_iter().fold($T::NEG_INFINITY, $T::max)
            }
        }
    };
}

/// The masks that AVX2's masked loads and stores take, by the width of a lane.
trait WindowMask {
    /// A mask of the first `count` lanes: a window on ones followed by zeros.
    fn window(count: usize) -> __m256i;
}

macro_rules! window_mask {
    ($Bits:ident, $lanes:literal) => {
        impl WindowMask for $Bits {
            #[inline(always)]
            fn window(count: usize) -> __m256i {
                static WINDOW: [$Bits; 2 * $lanes] = {
                    let mut window = [0; 2 * $lanes];
                    let mut i = 0;
                    while i < $lanes {
                        window[i] = -1;
                        i += 1;
                    }
                    window
                };
                let window: &[$Bits; $lanes] =
                    WINDOW[$lanes - count..].first_chunk().expect("count is at most the lanes");
                // SAFETY: the array is 32 bytes of integers, and every pattern of bits is an `__m256i`.
                unsafe { std::mem::transmute(*window) }
            }
        }
    };
}
window_mask!(i32, 8);
window_mask!(i64, 4);

/// The elements of `a` and then `b` at even places, and those at odd ones.
#[target_feature(enable = "avx2")]
#[inline]
fn unzip_f32(a: __m256, b: __m256) -> (__m256, __m256) {
    // Within 128 bits the shuffle takes two of a and two of b; the permutation then brings a's together.
    let even = _mm256_castps_pd(_mm256_shuffle_ps::<0x88>(a, b));
    let odd = _mm256_castps_pd(_mm256_shuffle_ps::<0xDD>(a, b));
    (_mm256_castpd_ps(_mm256_permute4x64_pd::<0xD8>(even)), _mm256_castpd_ps(_mm256_permute4x64_pd::<0xD8>(odd)))
}

/// As [`unzip_f32`].
#[target_feature(enable = "avx2")]
#[inline]
fn unzip_f64(a: __m256d, b: __m256d) -> (__m256d, __m256d) {
    let (even, odd) = (_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
    (_mm256_permute4x64_pd::<0xD8>(even), _mm256_permute4x64_pd::<0xD8>(odd))
}

/// The intrinsics for `f32`, by what they do.
mod single {
    pub(super) use std::arch::x86_64::{
        __m256 as Register, _mm256_add_ps as add, _mm256_and_ps as and, _mm256_andnot_ps as andnot,
        _mm256_blendv_ps as blendv, _mm256_castps_si256 as to_bits, _mm256_castsi256_ps as from_bits,
        _mm256_cmp_ps as cmp, _mm256_div_ps as div, _mm256_fmadd_ps as fmadd, _mm256_fnmadd_ps as fnmadd,
        _mm256_loadu_ps as loadu, _mm256_maskload_ps as maskload, _mm256_maskstore_ps as maskstore,
        _mm256_max_ps as max, _mm256_min_ps as min, _mm256_mul_ps as mul, _mm256_or_ps as or, _mm256_round_ps as round,
        _mm256_set1_ps as set1, _mm256_slli_epi32 as shift_left, _mm256_sqrt_ps as sqrt,
        _mm256_srli_epi32 as shift_right, _mm256_storeu_ps as storeu, _mm256_sub_ps as sub, _mm256_xor_ps as xor,
    };

    pub(super) use super::unzip_f32 as unzip;
    pub(super) use crate::isa::transpose::block_f32 as transpose;

    pub(super) type Bits = i32;
    pub(super) const LANES: usize = 8;
    pub(super) const BLOCK: usize = 8;
    pub(super) const MANTISSA_BITS: i32 = 23;
    pub(super) const BIAS: f32 = 127.0;
}
avx2!(f32, F32x8, single);

/// The intrinsics for `f64`, by what they do.
mod double {
    pub(super) use std::arch::x86_64::{
        __m256d as Register, _mm256_add_pd as add, _mm256_and_pd as and, _mm256_andnot_pd as andnot,
        _mm256_blendv_pd as blendv, _mm256_castpd_si256 as to_bits, _mm256_castsi256_pd as from_bits,
        _mm256_cmp_pd as cmp, _mm256_div_pd as div, _mm256_fmadd_pd as fmadd, _mm256_fnmadd_pd as fnmadd,
        _mm256_loadu_pd as loadu, _mm256_maskload_pd as maskload, _mm256_maskstore_pd as maskstore,
        _mm256_max_pd as max, _mm256_min_pd as min, _mm256_mul_pd as mul, _mm256_or_pd as or, _mm256_round_pd as round,
        _mm256_set1_pd as set1, _mm256_slli_epi64 as shift_left, _mm256_sqrt_pd as sqrt,
        _mm256_srli_epi64 as shift_right, _mm256_storeu_pd as storeu, _mm256_sub_pd as sub, _mm256_xor_pd as xor,
    };

    pub(super) use super::unzip_f64 as unzip;
    pub(super) use crate::isa::transpose::block_f64 as transpose;

    pub(super) type Bits = i64;
    pub(super) const LANES: usize = 4;
    pub(super) const BLOCK: usize = 4;
    pub(super) const MANTISSA_BITS: i32 = 52;
    pub(super) const BIAS: f64 = 1023.0;
}
avx2!(f64, F64x4, double);
