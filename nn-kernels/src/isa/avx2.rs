//! AVX2 with FMA: eight f32 or four f64 a register, 16 registers.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::transpose::{block_f32, block_f64};
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
    ($T:ident, $V:ident, $R:ident, $Bits:ident, $lanes:literal, $block:literal, $transpose:ident, $mantissa_bits:literal, $bias:literal,
     $set1:ident, $loadu:ident, $storeu:ident, $maskload:ident, $maskstore:ident,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $xor:ident, $and:ident, $andnot:ident, $or:ident,
     $fmadd:ident, $fnmadd:ident, $min:ident, $max:ident, $sqrt:ident, $round:ident, $cmp:ident, $blendv:ident,
     $to_bits:ident, $from_bits:ident, $shift_left:ident, $shift_right:ident, $unzip:ident) => {
        #[doc = concat!("A register of `", stringify!($T), "`, made by [`Avx2`] only.")]
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $V($R);

        impl Sealed for $V {}

        impl Simd<$T> for Avx2 {
            type V = $V;
            type Wide = Bundle<Self, 4>;
            const LANES: usize = $lanes;
            const SUMS: usize = 12;
            const NAME: &'static str = "avx2";

            #[inline(always)]
            fn wide(self) -> Self::Wide {
                Bundle(self)
            }

            #[inline(always)]
            fn splat(self, value: $T) -> $V {
                $V(intrinsic!($set1(value)))
            }

            #[inline(always)]
            fn load(self, source: &[$T]) -> $V {
                let source = &source[..$lanes];
                // SAFETY: the slice has a vector's worth of elements.
                unsafe { self.load_ptr(source.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, vector: $V, target: &mut [$T]) {
                let target = &mut target[..$lanes];
                // SAFETY: the slice has room for a vector.
                unsafe { self.store_ptr(vector, target.as_mut_ptr()) }
            }

            #[inline(always)]
            fn load_partial(self, source: &[$T], fill: $T) -> $V {
                let mut lanes = [fill; $lanes];
                let count = source.len().min($lanes);
                lanes[..count].copy_from_slice(&source[..count]);
                self.load(&lanes)
            }

            #[inline(always)]
            fn store_partial(self, vector: $V, target: &mut [$T]) {
                let count = target.len().min($lanes);
                // SAFETY: the slice has room for `count` elements.
                unsafe { self.store_first(vector, target.as_mut_ptr(), count) }
            }

            #[inline(always)]
            unsafe fn load_ptr(self, source: *const $T) -> $V {
                // SAFETY: the caller vouches for the memory, the token for the set.
                $V(unsafe { $loadu(source) })
            }

            #[inline(always)]
            unsafe fn store_ptr(self, vector: $V, target: *mut $T) {
                // SAFETY: the caller vouches for the memory, the token for the set.
                unsafe { $storeu(target, vector.0) }
            }

            #[inline(always)]
            unsafe fn load_first(self, source: *const $T, count: usize) -> $V {
                // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                $V(unsafe { $maskload(source, <$Bits as WindowMask>::window(count)) })
            }

            #[inline(always)]
            unsafe fn store_first(self, vector: $V, target: *mut $T, count: usize) {
                // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                unsafe { $maskstore(target, <$Bits as WindowMask>::window(count), vector.0) }
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

            const BLOCK: usize = $block;

            #[inline(always)]
            unsafe fn transpose(self, source: *const $T, source_stride: usize, target: *mut $T, target_stride: usize) {
                // SAFETY: the caller vouches for every element of the block, the token for the set.
                unsafe { $transpose(source, source_stride, target, target_stride) }
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
                Self(intrinsic!($add(self.0, other.0)))
            }
        }

        impl Sub for $V {
            type Output = Self;
            #[inline(always)]
            fn sub(self, other: Self) -> Self {
                Self(intrinsic!($sub(self.0, other.0)))
            }
        }

        impl Mul for $V {
            type Output = Self;
            #[inline(always)]
            fn mul(self, other: Self) -> Self {
                Self(intrinsic!($mul(self.0, other.0)))
            }
        }

        impl Div for $V {
            type Output = Self;
            #[inline(always)]
            fn div(self, other: Self) -> Self {
                Self(intrinsic!($div(self.0, other.0)))
            }
        }

        impl Neg for $V {
            type Output = Self;
            #[inline(always)]
            fn neg(self) -> Self {
                Self(intrinsic!($xor(self.0, $set1(-0.0))))
            }
        }

        impl Vector<$T> for $V {
            type Mask = Self;

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                Self(intrinsic!($fmadd(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                Self(intrinsic!($fnmadd(self.0, b.0, c.0)))
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                Self(intrinsic!($min(self.0, other.0)))
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                Self(intrinsic!($max(self.0, other.0)))
            }
            #[inline(always)]
            fn abs(self) -> Self {
                Self(intrinsic!($andnot($set1(-0.0), self.0)))
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                Self(intrinsic!($or($and($set1(-0.0), sign.0), $andnot($set1(-0.0), self.0))))
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                Self(intrinsic!($sqrt(self.0)))
            }
            #[inline(always)]
            fn round(self) -> Self {
                Self(intrinsic!($round::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn exp2_integral(self) -> Self {
                // The sum's low mantissa bits hold self + bias, which the shift moves into the exponent.
                let shift = intrinsic!($set1(1.5 * (1_u64 << $mantissa_bits) as $T + $bias));
                Self(intrinsic!($from_bits($shift_left::<$mantissa_bits>($to_bits($add(self.0, shift))))))
            }
            #[inline(always)]
            fn round_and_exp2(self, factor: Self) -> (Self, Self) {
                // As in `exp2_integral`; the sum is rounded to an integer on the way.
                let shift = intrinsic!($set1(1.5 * (1_u64 << $mantissa_bits) as $T + $bias));
                let sum = intrinsic!($fmadd(self.0, factor.0, shift));
                let power = intrinsic!($from_bits($shift_left::<$mantissa_bits>($to_bits(sum))));
                (Self(intrinsic!($sub(sum, shift))), Self(power))
            }
            #[inline(always)]
            fn mul_exp2(self, n: Self) -> Self {
                // 2ⁿ itself may be out of range, so it is multiplied in two halves; the first product is exact.
                let half = Self(intrinsic!($mul(n.0, $set1(0.5)))).round();
                self * half.exp2_integral() * (n - half).exp2_integral()
            }
            #[inline(always)]
            fn unzip(self, other: Self) -> (Self, Self) {
                let (even, odd) = intrinsic!($unzip(self.0, other.0));
                (Self(even), Self(odd))
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                // Positive numbers: shifting the mantissa out leaves the biased exponent, which, put under the
                // mantissa of 2^mantissa_bits, reads as an integer.
                let exponent_mask = intrinsic!($set1($T::INFINITY));
                let mantissa = intrinsic!($or($andnot(exponent_mask, self.0), $set1(1.0)));
                let shift = intrinsic!($set1((1_u64 << $mantissa_bits) as $T));
                let biased = intrinsic!($from_bits($shift_right::<$mantissa_bits>($to_bits(self.0))));
                let bias = intrinsic!($set1((1_u64 << $mantissa_bits) as $T + $bias));
                let unbiased = intrinsic!($sub($or(biased, shift), bias));
                (Self(mantissa), Self(unbiased))
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self {
                Self(intrinsic!($cmp::<_CMP_LT_OQ>(self.0, other.0)))
            }
            #[inline(always)]
            fn le(self, other: Self) -> Self {
                Self(intrinsic!($cmp::<_CMP_LE_OQ>(self.0, other.0)))
            }
            #[inline(always)]
            fn is_nan(self) -> Self {
                Self(intrinsic!($cmp::<_CMP_UNORD_Q>(self.0, self.0)))
            }
            #[inline(always)]
            fn select(mask: Self, yes: Self, no: Self) -> Self {
                Self(intrinsic!($blendv(no.0, yes.0, mask.0)))
            }
            #[inline(always)]
            fn sum(self) -> $T {
                // SAFETY: a register is as many elements side by side.
                let mut lanes: [$T; $lanes] = unsafe { std::mem::transmute(self) };
                let mut width = $lanes / 2;
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
                let lanes: [$T; $lanes] = unsafe { std::mem::transmute(self) };
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

avx2!(
    f32,
    F32x8,
    __m256,
    i32,
    8,
    8,
    block_f32,
    23,
    127.0,
    _mm256_set1_ps,
    _mm256_loadu_ps,
    _mm256_storeu_ps,
    _mm256_maskload_ps,
    _mm256_maskstore_ps,
    _mm256_add_ps,
    _mm256_sub_ps,
    _mm256_mul_ps,
    _mm256_div_ps,
    _mm256_xor_ps,
    _mm256_and_ps,
    _mm256_andnot_ps,
    _mm256_or_ps,
    _mm256_fmadd_ps,
    _mm256_fnmadd_ps,
    _mm256_min_ps,
    _mm256_max_ps,
    _mm256_sqrt_ps,
    _mm256_round_ps,
    _mm256_cmp_ps,
    _mm256_blendv_ps,
    _mm256_castps_si256,
    _mm256_castsi256_ps,
    _mm256_slli_epi32,
    _mm256_srli_epi32,
    unzip_f32
);
avx2!(
    f64,
    F64x4,
    __m256d,
    i64,
    4,
    4,
    block_f64,
    52,
    1023.0,
    _mm256_set1_pd,
    _mm256_loadu_pd,
    _mm256_storeu_pd,
    _mm256_maskload_pd,
    _mm256_maskstore_pd,
    _mm256_add_pd,
    _mm256_sub_pd,
    _mm256_mul_pd,
    _mm256_div_pd,
    _mm256_xor_pd,
    _mm256_and_pd,
    _mm256_andnot_pd,
    _mm256_or_pd,
    _mm256_fmadd_pd,
    _mm256_fnmadd_pd,
    _mm256_min_pd,
    _mm256_max_pd,
    _mm256_sqrt_pd,
    _mm256_round_pd,
    _mm256_cmp_pd,
    _mm256_blendv_pd,
    _mm256_castpd_si256,
    _mm256_castsi256_pd,
    _mm256_slli_epi64,
    _mm256_srli_epi64,
    unzip_f64
);
