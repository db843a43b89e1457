//! AVX2 with FMA: eight f32 or four f64 a register, 16 registers.

use std::arch::x86_64::*;

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

macro_rules! avx2 {
    ($T:ident, $V:ident, $ops:ident) => {
        x86! {
            $T, $V, $ops;
            Avx2, "avx2", features: "avx2,fma", sums: 12;
            Simd {
                #[inline(always)]
                fn load_partial(self, source: &[$T], fill: $T) -> $V {
                    let mut lanes = [fill; $ops::LANES];
                    let count = source.len().min($ops::LANES);
                    lanes[..count].copy_from_slice(&source[..count]);
                    self.load(&lanes)
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
            }
            Vector {
                #[inline(always)]
                fn exp2_integral(self) -> Self {
                    // The sum's low mantissa bits hold self + bias, which the shift moves into the exponent.
                    let shift = intrinsic!($ops::set1(1.5 * (1_u64 << $ops::MANTISSA_BITS) as $T + $ops::BIAS));
                    Self(intrinsic!($ops::from_bits($ops::shift_left::<{ $ops::MANTISSA_BITS }>($ops::to_bits(
                        $ops::add(self.0, shift)
                    )))))
                }
                #[inline(always)]
                fn mul_exp2(self, n: Self) -> Self {
                    // 2ⁿ itself may be out of range, so it is multiplied in two halves; the first product is exact.
                    let half = Self(intrinsic!($ops::mul(n.0, $ops::set1(0.5)))).round();
                    self * half.exp2_integral() * (n - half).exp2_integral()
                }
                #[inline(always)]
                fn split_exponent(self) -> (Self, Self) {
                    // Positive numbers: shifting the mantissa out leaves the biased exponent, which, put under the
                    // mantissa of 2^mantissa_bits, reads as an integer.
                    let exponent_mask = intrinsic!($ops::set1($T::INFINITY));
                    let mantissa = intrinsic!($ops::or($ops::andnot(exponent_mask, self.0), $ops::set1(1.0)));
                    let shift = intrinsic!($ops::set1((1_u64 << $ops::MANTISSA_BITS) as $T));
                    let bits = intrinsic!($ops::shift_right::<{ $ops::MANTISSA_BITS }>($ops::to_bits(self.0)));
                    let biased = intrinsic!($ops::from_bits(bits));
                    let bias = intrinsic!($ops::set1((1_u64 << $ops::MANTISSA_BITS) as $T + $ops::BIAS));
                    let unbiased = intrinsic!($ops::sub($ops::or(biased, shift), bias));
                    (Self(mantissa), Self(unbiased))
                }
                #[inline(always)]
                fn select(mask: $ops::Mask, yes: Self, no: Self) -> Self {
                    Self(intrinsic!($ops::blendv(no.0, yes.0, mask)))
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
        __m256 as Mask, __m256 as Register, _mm256_add_ps as add, _mm256_and_ps as and, _mm256_andnot_ps as andnot,
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
        __m256d as Mask, __m256d as Register, _mm256_add_pd as add, _mm256_and_pd as and, _mm256_andnot_pd as andnot,
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
