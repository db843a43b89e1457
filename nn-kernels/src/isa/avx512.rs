//! AVX-512 (F, DQ, BW, VL): sixteen f32 or eight f64 a register, 32 registers, masks.

use std::arch::x86_64::*;

use super::{PairKernel, PairSimd};
use crate::sealed::Sealed;

/// The token of AVX-512: a value exists only where the CPU has the set, so the holder of one may use it.
#[derive(Debug, Clone, Copy)]
pub struct Avx512(());

impl Sealed for Avx512 {}

impl Avx512 {
    /// The token, if this CPU has AVX-512 F, DQ, BW and VL, and FMA.
    #[must_use]
    pub fn new() -> Option<Self> {
        (is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512dq")
            && is_x86_feature_detected!("avx512bw")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx2")
            && is_x86_feature_detected!("fma"))
        .then_some(Self(()))
    }
}

macro_rules! avx512 {
    ($T:ident, $V:ident, $ops:ident) => {
        x86! {
            $T, $V, $ops;
            Avx512, "avx512", features: "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma", sums: 24;
            Simd {
                #[inline(always)]
                fn load_partial(self, source: &[$T], fill: $T) -> $V {
                    let count = source.len().min($ops::LANES);
                    let mask = first(count) as $ops::Mask;
                    // SAFETY: the mask keeps the load within the slice.
                    let loaded = unsafe { $ops::maskz_loadu(mask, source.as_ptr()) };
                    $V(intrinsic!($ops::blend(mask, $ops::set1(fill), loaded)))
                }

                #[inline(always)]
                unsafe fn load_first(self, source: *const $T, count: usize) -> $V {
                    // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                    $V(unsafe { $ops::maskz_loadu(first(count) as $ops::Mask, source) })
                }

                #[inline(always)]
                unsafe fn store_first(self, vector: $V, target: *mut $T, count: usize) {
                    // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                    unsafe { $ops::mask_storeu(target, first(count) as $ops::Mask, vector.0) }
                }

                #[inline(always)]
                unsafe fn sum_each(self, source: *const $T) -> $V {
                    // SAFETY: the caller vouches for the memory, the token for the set.
                    $V(unsafe { $ops::sum_each(source) })
                }
            }
            Vector {
                #[inline(always)]
                fn exp2_integral(self) -> Self {
                    Self(intrinsic!($ops::scalef($ops::set1(1.0), self.0)))
                }
                #[inline(always)]
                fn mul_exp2(self, n: Self) -> Self {
                    Self(intrinsic!($ops::scalef(self.0, n.0)))
                }
                #[inline(always)]
                fn quotient(self, divisor: Self) -> Self {
                    Self(intrinsic!($ops::quotient(self.0, divisor.0)))
                }
                #[inline(always)]
                fn split_exponent(self) -> (Self, Self) {
                    let mantissa = intrinsic!($ops::getmant::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0));
                    (Self(mantissa), Self(intrinsic!($ops::getexp(self.0))))
                }
                #[inline(always)]
                fn select(mask: $ops::Mask, yes: Self, no: Self) -> Self {
                    Self(intrinsic!($ops::blend(mask, no.0, yes.0)))
                }
                #[inline(always)]
                fn sum(self) -> $T {
                    intrinsic!($ops::sum(self.0))
                }
                #[inline(always)]
                fn max_lane(self) -> $T {
                    intrinsic!($ops::max_lane(self.0))
                }
            }
        }
    };
}

/// A mask of the first `count` lanes.
#[inline(always)]
fn first(count: usize) -> u16 {
    debug_assert!(count <= 16, "a vector has at most 16 lanes, not {count}");
    ((1_u32 << count) - 1) as u16
}

/// The intrinsics for `f32`, by what they do.
mod single {
    pub(super) use std::arch::x86_64::{
        __m512 as Register, __mmask16 as Mask, _mm512_add_ps as add, _mm512_and_ps as and, _mm512_andnot_ps as andnot,
        _mm512_castps_si512 as to_bits, _mm512_castsi512_ps as from_bits, _mm512_cmp_ps_mask as cmp,
        _mm512_div_ps as div, _mm512_fmadd_ps as fmadd, _mm512_fnmadd_ps as fnmadd, _mm512_getexp_ps as getexp,
        _mm512_getmant_ps as getmant, _mm512_loadu_ps as loadu, _mm512_mask_blend_ps as blend,
        _mm512_mask_storeu_ps as mask_storeu, _mm512_maskz_loadu_ps as maskz_loadu, _mm512_max_ps as max,
        _mm512_min_ps as min, _mm512_mul_ps as mul, _mm512_or_ps as or, _mm512_reduce_add_ps as sum,
        _mm512_reduce_max_ps as max_lane, _mm512_roundscale_ps as round, _mm512_scalef_ps as scalef,
        _mm512_set1_ps as set1, _mm512_slli_epi32 as shift_left, _mm512_sqrt_ps as sqrt, _mm512_storeu_ps as storeu,
        _mm512_sub_ps as sub, _mm512_xor_ps as xor,
    };

    pub(super) use crate::isa::registers::{quotient_f32 as quotient, sum_each_f32 as sum_each, unzip_f32 as unzip};
    pub(super) use crate::isa::transpose::block_f32 as transpose;

    pub(super) const LANES: usize = 16;
    pub(super) const BLOCK: usize = 8;
    pub(super) const MANTISSA_BITS: u32 = 23;
    pub(super) const BIAS: f32 = 127.0;
}
avx512!(f32, F32x16, single);

/// The intrinsics for `f64`, by what they do.
mod double {
    pub(super) use std::arch::x86_64::{
        __m512d as Register, __mmask8 as Mask, _mm512_add_pd as add, _mm512_and_pd as and, _mm512_andnot_pd as andnot,
        _mm512_castpd_si512 as to_bits, _mm512_castsi512_pd as from_bits, _mm512_cmp_pd_mask as cmp,
        _mm512_div_pd as div, _mm512_fmadd_pd as fmadd, _mm512_fnmadd_pd as fnmadd, _mm512_getexp_pd as getexp,
        _mm512_getmant_pd as getmant, _mm512_loadu_pd as loadu, _mm512_mask_blend_pd as blend,
        _mm512_mask_storeu_pd as mask_storeu, _mm512_maskz_loadu_pd as maskz_loadu, _mm512_max_pd as max,
        _mm512_min_pd as min, _mm512_mul_pd as mul, _mm512_or_pd as or, _mm512_reduce_add_pd as sum,
        _mm512_reduce_max_pd as max_lane, _mm512_roundscale_pd as round, _mm512_scalef_pd as scalef,
        _mm512_set1_pd as set1, _mm512_slli_epi64 as shift_left, _mm512_sqrt_pd as sqrt, _mm512_storeu_pd as storeu,
        _mm512_sub_pd as sub, _mm512_xor_pd as xor,
    };

    pub(super) use crate::isa::registers::{quotient_f64 as quotient, sum_each_f64 as sum_each, unzip_f64 as unzip};
    pub(super) use crate::isa::transpose::block_f64 as transpose;

    pub(super) const LANES: usize = 8;
    pub(super) const BLOCK: usize = 4;
    pub(super) const MANTISSA_BITS: u32 = 52;
    pub(super) const BIAS: f64 = 1023.0;
}
avx512!(f64, F64x8, double);

/// The token of AVX512-BF16, beside [`Avx512`].
#[derive(Debug, Clone, Copy)]
pub struct Avx512Bf16(Avx512);

impl Sealed for Avx512Bf16 {}

impl Avx512Bf16 {
    /// The token, if this CPU has AVX512-BF16 and all that [`Avx512`] asks for.
    #[must_use]
    pub fn new() -> Option<Self> {
        if is_x86_feature_detected!("avx512bf16") { Avx512::new().map(Self) } else { None }
    }

    /// Runs a kernel with this set's instructions, as [`Simd::run`](super::Simd::run) does.
    pub(super) fn run<K: PairKernel<f32>>(self, kernel: K) {
        #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx512bf16,avx2,fma")]
        #[inline(never)]
        fn enter<K: PairKernel<f32>>(token: Avx512Bf16, kernel: K) {
            kernel.run(token);
        }
        // SAFETY: the token exists only where the CPU has these features.
        unsafe { enter(self, kernel) }
    }
}

impl PairSimd<f32> for Avx512Bf16 {
    type Simd = Avx512;

    #[inline(always)]
    fn simd(self) -> Avx512 {
        self.0
    }

    #[inline(always)]
    fn pair(self, even: F32x16, odd: F32x16) -> F32x16 {
        // SAFETY: as for every vector of the set; this token stands for AVX512-BF16, too. `__m512bh` and `__m512i` are
        // both 512 bits of which any are a value.
        unsafe {
            let both: __m512i = std::mem::transmute(_mm512_cvtne2ps_pbh(odd.0, even.0));
            let order = _mm512_set_epi16(
                31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2,
                17, 1, 16, 0,
            );
            F32x16(_mm512_castsi512_ps(_mm512_permutexvar_epi16(order, both)))
        }
    }

    #[inline(always)]
    fn pair_neighbours(self, low: F32x16, high: F32x16) -> F32x16 {
        // SAFETY: as above.
        unsafe { F32x16(std::mem::transmute::<__m512bh, __m512>(_mm512_cvtne2ps_pbh(high.0, low.0))) }
    }

    #[inline(always)]
    fn dot(self, a: F32x16, b: F32x16, sum: F32x16) -> F32x16 {
        // SAFETY: as above.
        unsafe {
            let pairs = |vector: F32x16| std::mem::transmute::<__m512, __m512bh>(vector.0);
            F32x16(_mm512_dpbf16_ps(sum.0, pairs(a), pairs(b)))
        }
    }
}
