//! The instruction set that is always there: `wide`, which picks its instructions when the crate is compiled.

use wide::{f32x8, f64x4, i32x8, i64x4};

use super::{Bundle, Kernel, Simd, Vector};
use crate::sealed::Sealed;

/// The token of the portable implementation. It exists on every CPU, so anyone may make one.
#[derive(Debug, Clone, Copy, Default)]
pub struct Portable;

impl Sealed for Portable {}

/// A vector takes one register of 32 bytes, or two of 16, of which there are 16, or 32 on AArch64.
const SUMS: usize = if cfg!(any(target_feature = "avx", target_arch = "aarch64")) { 12 } else { 6 };

macro_rules! portable {
    ($T:ident, $V:ident, $I:ident, $lanes:literal, $mantissa_bits:literal, $bias:literal) => {
        impl Simd<$T> for Portable {
            type V = $V;
            type Wide = Bundle<Self, 2>;
            const LANES: usize = $lanes;
            const SUMS: usize = SUMS;
            const NAME: &'static str = "portable";

            #[inline(always)]
            fn wide(self) -> Self::Wide {
                Bundle(self)
            }

            #[inline(always)]
            fn splat(self, value: $T) -> $V {
                $V::splat(value)
            }

            #[inline(always)]
            fn load_partial(self, source: &[$T], fill: $T) -> $V {
                let mut lanes = [fill; $lanes];
                let count = source.len().min($lanes);
                lanes[..count].copy_from_slice(&source[..count]);
                $V::new(lanes)
            }

            #[inline(always)]
            unsafe fn load_ptr(self, source: *const $T) -> $V {
                // SAFETY: the caller vouches for a vector's worth of elements; no alignment is asked of them.
                $V::new(unsafe { source.cast::<[$T; $lanes]>().read_unaligned() })
            }

            #[inline(always)]
            unsafe fn store_ptr(self, vector: $V, target: *mut $T) {
                // SAFETY: the caller vouches for room for a vector; no alignment is asked of it.
                unsafe { target.cast::<[$T; $lanes]>().write_unaligned(vector.to_array()) }
            }

            #[inline(always)]
            unsafe fn load_first(self, source: *const $T, count: usize) -> $V {
                // SAFETY: the caller vouches for `count` elements.
                self.load_partial(unsafe { std::slice::from_raw_parts(source, count) }, 0.0)
            }

            #[inline(always)]
            unsafe fn store_first(self, vector: $V, target: *mut $T, count: usize) {
                let lanes = vector.to_array();
                // SAFETY: the caller vouches for room for `count` elements, no more than there are lanes.
                unsafe { std::ptr::copy_nonoverlapping(lanes.as_ptr(), target, count) }
            }

            const BLOCK: usize = 4;

            #[inline(always)]
            unsafe fn transpose(self, source: *const $T, source_stride: usize, target: *mut $T, target_stride: usize) {
                for row in 0..4 {
                    for column in 0..4 {
                        // SAFETY: the caller vouches for every element of the block.
                        unsafe {
                            *target.add(column * target_stride + row) = *source.add(row * source_stride + column);
                        }
                    }
                }
            }

            #[inline(always)]
            fn run<K: Kernel<$T>>(self, kernel: K) -> K::Output {
                #[inline(never)]
                fn enter<K: Kernel<$T>>(token: Portable, kernel: K) -> K::Output {
                    kernel.run(token)
                }
                enter(self, kernel)
            }
        }

        impl Sealed for $V {}

        impl Vector<$T> for $V {
            type Mask = $V;

            #[inline(always)]
            fn mul_add(self, b: Self, c: Self) -> Self {
                $V::mul_add(self, b, c)
            }
            #[inline(always)]
            fn neg_mul_add(self, b: Self, c: Self) -> Self {
                $V::mul_neg_add(self, b, c)
            }
            #[inline(always)]
            fn min(self, other: Self) -> Self {
                $V::fast_min(self, other)
            }
            #[inline(always)]
            fn max(self, other: Self) -> Self {
                $V::fast_max(self, other)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                $V::abs(self)
            }
            #[inline(always)]
            fn copysign(self, sign: Self) -> Self {
                let sign_bit = $V::splat(-0.0);
                sign_bit.bitselect(sign, self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                $V::sqrt(self)
            }
            #[inline(always)]
            fn round(self) -> Self {
                // Adding 1.5·2^mantissa_bits pushes the fraction out of the mantissa; the addition itself
                // rounds to nearest, ties to even.
                let shift = $V::splat(1.5 * (1_u64 << $mantissa_bits) as $T);
                (self + shift) - shift
            }
            #[inline(always)]
            fn exp2_integral(self) -> Self {
                // The sum's low mantissa bits hold self + bias, which the shift moves into the exponent.
                let shift = $V::splat(1.5 * (1_u64 << $mantissa_bits) as $T + $bias);
                let bits: $I = bytemuck::cast(self + shift);
                bytemuck::cast(bits << $mantissa_bits)
            }
            #[inline(always)]
            fn mul_exp2(self, n: Self) -> Self {
                // 2ⁿ itself may be out of range, so it is multiplied in two halves; the first product is exact.
                let half = Vector::round(n * $V::splat(0.5));
                self * half.exp2_integral() * (n - half).exp2_integral()
            }
            #[inline(always)]
            fn unzip(self, other: Self) -> (Self, Self) {
                let (a, b) = (self.to_array(), other.to_array());
                let (mut even, mut odd) = ([0.0; $lanes], [0.0; $lanes]);
                for i in 0..$lanes / 2 {
                    (even[i], odd[i]) = (a[2 * i], a[2 * i + 1]);
                    (even[i + $lanes / 2], odd[i + $lanes / 2]) = (b[2 * i], b[2 * i + 1]);
                }
                ($V::new(even), $V::new(odd))
            }
            #[inline(always)]
            fn split_exponent(self) -> (Self, Self) {
                let one: $I = bytemuck::cast($V::splat(1.0));
                let bits: $I = bytemuck::cast(self);
                let mantissa_mask = $I::splat((1 << $mantissa_bits) - 1);
                let mantissa: $V = bytemuck::cast((bits & mantissa_mask) | one);
                // The exponent's bits, put under the mantissa of 2^mantissa_bits, read as an integer.
                let shift = $V::splat((1_u64 << $mantissa_bits) as $T);
                let shift_bits: $I = bytemuck::cast(shift);
                let exponent: $V = bytemuck::cast(((bits - (bits & mantissa_mask)) >> $mantissa_bits) | shift_bits);
                (mantissa, exponent - $V::splat((1_u64 << $mantissa_bits) as $T + $bias))
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self {
                self.simd_lt(other)
            }
            #[inline(always)]
            fn le(self, other: Self) -> Self {
                self.simd_le(other)
            }
            #[inline(always)]
            fn is_nan(self) -> Self {
                $V::is_nan(self)
            }
            #[inline(always)]
            fn select(mask: Self, yes: Self, no: Self) -> Self {
                mask.bitselect(yes, no)
            }
            #[inline(always)]
            fn sum(self) -> $T {
                let mut lanes = self.to_array();
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
                self.to_array().into_iter().fold($T::NEG_INFINITY, $T::max)
            }
        }
    };
}

portable!(f32, f32x8, i32x8, 8, 23, 127.0);
portable!(f64, f64x4, i64x4, 4, 52, 1023.0);
