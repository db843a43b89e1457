//! AVX-512 (F, DQ, BW, VL): sixteen f32 or eight f64 a register, 32 registers, masks.

use std::arch::x86_64::*;
use std::ops::{Add, Div, Mul, Neg, Sub};

use super::registers::{quotient_f32, quotient_f64, sum_each_f32, sum_each_f64, unzip_f32, unzip_f64};
use super::transpose::{block_f32, block_f64};
use super::{Bundle, Kernel, PairKernel, PairSimd, Simd, Vector};
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

/// An operation of one intrinsic: the vectors in its arguments were made by a token, so the CPU has the set.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: vectors of this set are only made through its token, which exists only where the CPU has the set.
        unsafe { $call }
    };
}

macro_rules! avx512 {
    ($T:ident, $V:ident, $R:ident, $M:ident, $lanes:literal, $block:literal, $transpose:ident,
     $set1:ident, $loadu:ident, $storeu:ident, $maskz_loadu:ident, $mask_storeu:ident,
     $add:ident, $sub:ident, $mul:ident, $div:ident, $xor:ident, $and:ident, $andnot:ident, $or:ident,
     $fmadd:ident, $fnmadd:ident, $min:ident, $max:ident, $sqrt:ident, $roundscale:ident, $scalef:ident,
     $getexp:ident, $getmant:ident, $cmp:ident, $blend:ident, $sum:ident, $max_lane:ident,
     $mantissa_bits:literal, $bias:literal, $to_bits:ident, $from_bits:ident, $shift_left:ident,
     $quotient:ident, $unzip:ident, $sum_each:ident) => {
        #[doc = concat!("A register of `", stringify!($T), "`, made by [`Avx512`] only.")]
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $V($R);

        impl Sealed for $V {}

        impl Simd<$T> for Avx512 {
            type V = $V;
            type Wide = Bundle<Self, 4>;
            const LANES: usize = $lanes;
            const SUMS: usize = 24;
            const NAME: &'static str = "avx512";

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
                let count = source.len().min($lanes);
                let mask = first(count) as $M;
                // SAFETY: the mask keeps the load within the slice.
                let loaded = unsafe { $maskz_loadu(mask, source.as_ptr()) };
                $V(intrinsic!($blend(mask, $set1(fill), loaded)))
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
                $V(unsafe { $maskz_loadu(first(count) as $M, source) })
            }

            #[inline(always)]
            unsafe fn store_first(self, vector: $V, target: *mut $T, count: usize) {
                // SAFETY: masked lanes are not touched; the caller vouches for the others, the token for the set.
                unsafe { $mask_storeu(target, first(count) as $M, vector.0) }
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
            unsafe fn sum_each(self, source: *const $T) -> $V {
                // SAFETY: the caller vouches for the memory, the token for the set.
                $V(unsafe { $sum_each(source) })
            }

            #[inline(always)]
            fn run<K: Kernel<$T>>(self, kernel: K) -> K::Output {
                #[target_feature(enable = "avx512f,avx512dq,avx512bw,avx512vl,avx2,fma")]
                #[inline(never)]
                fn enter<K: Kernel<$T>>(token: Avx512, kernel: K) -> K::Output {
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
            type Mask = $M;

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
                Self(intrinsic!($roundscale::<{ _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC }>(self.0)))
            }
            #[inline(always)]
            fn exp2_integral(self) -> Self {
                Self(intrinsic!($scalef($set1(1.0), self.0)))
            }
            #[inline(always)]
            fn round_and_exp2(self, factor: Self) -> (Self, Self) {
                // The sum's low mantissa bits hold n + bias, which the shift moves into the exponent.
                let shift = intrinsic!($set1(1.5 * (1_u64 << $mantissa_bits) as $T + $bias));
                let sum = intrinsic!($fmadd(self.0, factor.0, shift));
                let power = intrinsic!($from_bits($shift_left::<$mantissa_bits>($to_bits(sum))));
                (Self(intrinsic!($sub(sum, shift))), Self(power))
            }
            #[inline(always)]
            fn mul_exp2(self, n: Self) -> Self {
                Self(intrinsic!($scalef(self.0, n.0)))
            }
            #[inline(always)]
            fn quotient(self, divisor: Self) -> Self {
                Self(intrinsic!($quotient(self.0, divisor.0)))
            }
            #[inline(always)]
            fn unzip(self, other: Self) -> (Self, Self) {
                let (even, odd) = intrinsic!($unzip(self.0, other.0));
                (Self(even), Self(odd))
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                let mantissa = intrinsic!($getmant::<_MM_MANT_NORM_1_2, _MM_MANT_SIGN_SRC>(self.0));
                (Self(mantissa), Self(intrinsic!($getexp(self.0))))
            }
            #[inline(always)]
            fn lt(self, other: Self) -> $M {
                intrinsic!($cmp::<_CMP_LT_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn le(self, other: Self) -> $M {
                intrinsic!($cmp::<_CMP_LE_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn is_nan(self) -> $M {
                intrinsic!($cmp::<_CMP_UNORD_Q>(self.0, self.0))
            }
            #[inline(always)]
            fn select(mask: $M, yes: Self, no: Self) -> Self {
                Self(intrinsic!($blend(mask, no.0, yes.0)))
            }
            #[inline(always)]
            fn sum(self) -> $T {
                intrinsic!($sum(self.0))
            }
            #[inline(always)]
            fn max_lane(self) -> $T {
                intrinsic!($max_lane(self.0))
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

avx512!(
    f32,
    F32x16,
    __m512,
    __mmask16,
    16,
    8,
    block_f32,
    _mm512_set1_ps,
    _mm512_loadu_ps,
    _mm512_storeu_ps,
    _mm512_maskz_loadu_ps,
    _mm512_mask_storeu_ps,
    _mm512_add_ps,
    _mm512_sub_ps,
    _mm512_mul_ps,
    _mm512_div_ps,
    _mm512_xor_ps,
    _mm512_and_ps,
    _mm512_andnot_ps,
    _mm512_or_ps,
    _mm512_fmadd_ps,
    _mm512_fnmadd_ps,
    _mm512_min_ps,
    _mm512_max_ps,
    _mm512_sqrt_ps,
    _mm512_roundscale_ps,
    _mm512_scalef_ps,
    _mm512_getexp_ps,
    _mm512_getmant_ps,
    _mm512_cmp_ps_mask,
    _mm512_mask_blend_ps,
    _mm512_reduce_add_ps,
    _mm512_reduce_max_ps,
    23,
    127.0,
    _mm512_castps_si512,
    _mm512_castsi512_ps,
    _mm512_slli_epi32,
    quotient_f32,
    unzip_f32,
    sum_each_f32
);
avx512!(
    f64,
    F64x8,
    __m512d,
    __mmask8,
    8,
    4,
    block_f64,
    _mm512_set1_pd,
    _mm512_loadu_pd,
    _mm512_storeu_pd,
    _mm512_maskz_loadu_pd,
    _mm512_mask_storeu_pd,
    _mm512_add_pd,
    _mm512_sub_pd,
    _mm512_mul_pd,
    _mm512_div_pd,
    _mm512_xor_pd,
    _mm512_and_pd,
    _mm512_andnot_pd,
    _mm512_or_pd,
    _mm512_fmadd_pd,
    _mm512_fnmadd_pd,
    _mm512_min_pd,
    _mm512_max_pd,
    _mm512_sqrt_pd,
    _mm512_roundscale_pd,
    _mm512_scalef_pd,
    _mm512_getexp_pd,
    _mm512_getmant_pd,
    _mm512_cmp_pd_mask,
    _mm512_mask_blend_pd,
    _mm512_reduce_add_pd,
    _mm512_reduce_max_pd,
    52,
    1023.0,
    _mm512_castpd_si512,
    _mm512_castsi512_pd,
    _mm512_slli_epi64,
    quotient_f64,
    unzip_f64,
    sum_each_f64
);

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

    /// Runs a kernel with this set's instructions, as [`Simd::run`] does.
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
