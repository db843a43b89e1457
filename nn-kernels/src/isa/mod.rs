//! Instruction sets: one trait to write a kernel against, one file for each set.
//!
//! A *token* ([`Simd`]) stands for an instruction set; it is what makes vectors ([`Vector`]). A kernel is an
//! `#[inline(always)]` function generic over the token, so one source serves every set.

#[cfg(target_arch = "x86_64")]
#[macro_use]
mod x86;

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
mod bf16;
mod bundle;
mod caches;
mod dispatch;
mod portable;
#[cfg(target_arch = "x86_64")]
mod registers;
#[cfg(target_arch = "x86_64")]
mod transpose;
mod vendor;

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::sealed::Sealed;

#[cfg(target_arch = "x86_64")]
pub use avx2::Avx2;
#[cfg(target_arch = "x86_64")]
pub use avx512::{Avx512, Avx512Bf16};
pub use bf16::{Bf16, Emulated, PairKernel, PairProducts, PairSimd, round_to_bf16};
pub use bundle::{Bundle, Vectors};
pub use caches::Caches;
pub use dispatch::{Dispatch, ENVIRONMENT_VARIABLE, InstructionSet, IsaError};
pub use portable::Portable;
pub(crate) use vendor::is_intel;

/// The most lanes of a vector in any instruction set.
pub(crate) const MAX_LANES: usize = 16;

/// An instruction set at work on elements `T`: a zero-sized token that makes vectors.
///
/// The trait is sealed: kernels read and write memory by what a set says of its vectors.
pub trait Simd<T>: Sealed + Copy + Send + Sync + 'static {
    /// A register of [`LANES`](Self::LANES) elements.
    type V: Vector<T>;
    /// As many of the set's vectors as one as its registers hold the intermediate results of.
    type Wide: Simd<T>;
    /// Elements in a vector.
    const LANES: usize;
    /// Sums that its registers hold beside the operands that are added to them.
    const SUMS: usize;
    /// The set's name, as documentation and messages write it.
    const NAME: &'static str;

    /// The set in bundles of vectors, for chains of dependent instructions over many elements.
    fn wide(self) -> Self::Wide;

    /// `value` in every lane.
    fn splat(self, value: T) -> Self::V;

    /// The first [`LANES`](Self::LANES) elements of `source`.
    ///
    /// # Panics
    /// When `source` is shorter than a vector.
    #[inline(always)]
    fn load(self, source: &[T]) -> Self::V {
        let source = &source[..Self::LANES];
        // SAFETY: the slice has a vector's worth of elements.
        unsafe { self.load_ptr(source.as_ptr()) }
    }

    /// Writes all lanes to the front of `target`.
    ///
    /// # Panics
    /// When `target` is shorter than a vector.
    #[inline(always)]
    fn store(self, vector: Self::V, target: &mut [T]) {
        let target = &mut target[..Self::LANES];
        // SAFETY: the slice has room for a vector.
        unsafe { self.store_ptr(vector, target.as_mut_ptr()) }
    }

    /// Up to [`LANES`](Self::LANES) elements of `source`, the lanes beyond its end filled with `fill`.
    fn load_partial(self, source: &[T], fill: T) -> Self::V;

    /// Writes the leading lanes that `target` has room for.
    #[inline(always)]
    fn store_partial(self, vector: Self::V, target: &mut [T]) {
        let count = target.len().min(Self::LANES);
        // SAFETY: the slice has room for `count` elements.
        unsafe { self.store_first(vector, target.as_mut_ptr(), count) }
    }

    /// A vector from memory, without a bounds check.
    ///
    /// # Safety
    /// `source` must be valid for reads of [`LANES`](Self::LANES) initialised elements.
    unsafe fn load_ptr(self, source: *const T) -> Self::V;

    /// A vector to memory, without a bounds check.
    ///
    /// # Safety
    /// `target` must be valid for writes of [`LANES`](Self::LANES) elements.
    unsafe fn store_ptr(self, vector: Self::V, target: *mut T);

    /// The first `count` elements from memory, zeros in the lanes behind them; memory behind them is not touched.
    ///
    /// # Safety
    /// `source` must be valid for reads of `count` initialised elements, and `count <= LANES`.
    unsafe fn load_first(self, source: *const T, count: usize) -> Self::V;

    /// The first `count` lanes to memory; memory behind them is not touched.
    ///
    /// # Safety
    /// `target` must be valid for writes of `count` elements, and `count <= LANES`.
    unsafe fn store_first(self, vector: Self::V, target: *mut T, count: usize);

    /// Asks for the cache line at `place`, which need not be valid. Does nothing where the set has no such instruction.
    #[inline(always)]
    fn prefetch(self, place: *const T) {
        let _ = place;
    }

    /// As [`prefetch`](Self::prefetch), to the second level of the caches only.
    #[inline(always)]
    fn prefetch_to_l2(self, place: *const T) {
        let _ = place;
    }

    /// Rows and columns of the blocks that [`transpose`](Self::transpose) turns, a divisor of
    /// [`LANES`](Self::LANES).
    const BLOCK: usize;

    /// Turns a block of [`BLOCK`](Self::BLOCK) × `BLOCK` elements, rows of `source` `source_stride` elements apart and
    /// those of `target` `target_stride`.
    ///
    /// # Safety
    /// `source` must be valid for reads and `target` for writes of every element of the block.
    unsafe fn transpose(self, source: *const T, source_stride: usize, target: *mut T, target_stride: usize);

    /// The sums of [`LANES`](Self::LANES) vectors that lie side by side, each over its lanes in a fixed order: lane i
    /// is the sum of vector i.
    ///
    /// # Safety
    /// `source` must be valid for reads of [`LANES`](Self::LANES) vectors.
    #[inline(always)]
    unsafe fn sum_each(self, source: *const T) -> Self::V
    where
        T: Copy + Default,
    {
        let mut sums = [T::default(); MAX_LANES];
        for (i, sum) in sums[..Self::LANES].iter_mut().enumerate() {
            // SAFETY: the caller vouches for the vector.
            *sum = unsafe { self.load_ptr(source.add(i * Self::LANES)) }.sum();
        }
        self.load(&sums)
    }

    /// Runs a kernel with this set's instructions: the one place where code enters the set. A kernel is one function,
    /// however many call it: what is to be inlined is a function of vectors, not a kernel.
    fn run<K: Kernel<T>>(self, kernel: K) -> K::Output;
}

/// Code generic over the instruction set, with its arguments. [`Simd::run`] compiles it once for each set; its
/// `run` and all it calls must be `#[inline(always)]`, or the vectors inside fall back to calls.
pub trait Kernel<T> {
    /// What the kernel returns.
    type Output;
    /// The kernel itself.
    fn run<S: Simd<T>>(self, s: S) -> Self::Output;
}

/// A vector of elements `T`, lane by lane. The trait is sealed, as [`Simd`] is.
pub trait Vector<T>:
    Sealed + Copy + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self> + Div<Output = Self> + Neg<Output = Self>
{
    /// The outcome of a comparison, one truth value a lane.
    type Mask: Copy;

    /// `self · b + c`, fused where the instruction set fuses.
    fn mul_add(self, b: Self, c: Self) -> Self;
    /// `c - self · b`, fused where the instruction set fuses.
    fn neg_mul_add(self, b: Self, c: Self) -> Self;
    /// The lesser of the two. A NaN in `other` comes out; a NaN in `self` may not.
    fn min(self, other: Self) -> Self;
    /// The greater of the two. A NaN in `other` comes out; a NaN in `self` may not.
    fn max(self, other: Self) -> Self;
    /// The absolute value; clears a NaN's sign.
    fn abs(self) -> Self;
    /// This magnitude with the sign of `sign`, signed zeros and NaN included.
    fn copysign(self, sign: Self) -> Self;
    /// The square root, correctly rounded.
    fn sqrt(self) -> Self;
    /// The nearest integer, ties to even, for |self| < 2²² (f32) or 2⁵¹ (f64).
    fn round(self) -> Self;
    /// n = `self` · `factor` rounded to an integer, and 2ⁿ, for |n| within the exponents of normal numbers.
    #[inline(always)]
    fn round_and_exp2(self, factor: Self) -> (Self, Self) {
        let n = (self * factor).round();
        (n, n.exp2_integral())
    }
    /// `self / divisor` within 1 ULP, for divisors whose reciprocals are normal numbers: not for infinities.
    #[inline(always)]
    fn quotient(self, divisor: Self) -> Self {
        self / divisor
    }
    /// The elements of `self` and then `other` at even places, and those at odd ones.
    fn unzip(self, other: Self) -> (Self, Self);
    /// 2^self for an integral `self` within the exponents of normal numbers, [-126, 127] or [-1022, 1023].
    fn exp2_integral(self) -> Self;
    /// `self` · 2ⁿ for an integral `n` within twice the exponents of normal numbers: overflows to infinity and
    /// underflows by way of the denormal numbers, rounded once.
    fn mul_exp2(self, n: Self) -> Self;
    /// The mantissa in [1, 2) and the exponent of normal, positive numbers.
    fn split_exponent(self) -> (Self, Self);
    /// `self < other`; false where either is NaN.
    fn lt(self, other: Self) -> Self::Mask;
    /// `self <= other`; false where either is NaN.
    fn le(self, other: Self) -> Self::Mask;
    /// True where the lane is NaN.
    fn is_nan(self) -> Self::Mask;
    /// `yes` where `mask` is true, `no` elsewhere.
    fn select(mask: Self::Mask, yes: Self, no: Self) -> Self;
    /// The sum of all lanes, in a fixed order.
    fn sum(self) -> T;
    /// The greatest lane, as [`max`](Self::max) sees it.
    fn max_lane(self) -> T;
}
