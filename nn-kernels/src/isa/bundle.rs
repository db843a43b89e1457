//! Several vectors as one, so that their instructions alternate.

use std::ops::{Add, Div, Mul, Neg, Sub};

use super::{Kernel, Simd, Vector};
use crate::sealed::Sealed;

/// `N` vectors of `S` side by side as one vector.
///
/// An elementary function is a chain of dependent instructions, each some four cycles long. A CPU that has to look
/// past a whole chain for the next independent instruction does not find enough of them; in a bundle's code they stand
/// next to each other.
#[derive(Debug, Clone, Copy)]
pub struct Bundle<S, const N: usize>(pub(super) S);

/// The vector of a [`Bundle`].
#[derive(Debug, Clone, Copy)]
pub struct Vectors<V, const N: usize>([V; N]);

impl<S, const N: usize> Sealed for Bundle<S, N> {}

impl<V, const N: usize> Sealed for Vectors<V, N> {}

impl<T: Copy, S: Simd<T>, const N: usize> Simd<T> for Bundle<S, N> {
    type V = Vectors<S::V, N>;
    type Wide = Self;
    const LANES: usize = N * S::LANES;
    const SUMS: usize = S::SUMS / N;
    const NAME: &'static str = S::NAME;
    const BLOCK: usize = S::BLOCK;

    #[inline(always)]
    fn wide(self) -> Self {
        self
    }

    #[inline(always)]
    fn splat(self, value: T) -> Self::V {
        Vectors([self.0.splat(value); N])
    }

    #[inline(always)]
    fn load_partial(self, source: &[T], fill: T) -> Self::V {
        let mut vectors = self.splat(fill);
        for (vector, source) in vectors.0.iter_mut().zip(source.chunks(S::LANES)) {
            *vector = self.0.load_partial(source, fill);
        }
        vectors
    }

    #[inline(always)]
    fn store_partial(self, vector: Self::V, target: &mut [T]) {
        for (vector, target) in vector.0.into_iter().zip(target.chunks_mut(S::LANES)) {
            self.0.store_partial(vector, target);
        }
    }

    #[inline(always)]
    unsafe fn load_ptr(self, source: *const T) -> Self::V {
        // SAFETY: the caller vouches for all vectors.
        unsafe {
            let mut vectors = [self.0.load_ptr(source); N];
            for (i, vector) in vectors.iter_mut().enumerate().skip(1) {
                *vector = self.0.load_ptr(source.add(i * S::LANES));
            }
            Vectors(vectors)
        }
    }

    #[inline(always)]
    unsafe fn store_ptr(self, vector: Self::V, target: *mut T) {
        for (i, vector) in vector.0.into_iter().enumerate() {
            // SAFETY: the caller vouches for all vectors.
            unsafe { self.0.store_ptr(vector, target.add(i * S::LANES)) }
        }
    }

    #[inline(always)]
    unsafe fn load_first(self, source: *const T, count: usize) -> Self::V {
        // SAFETY: vector by vector, as many elements as the caller vouches for.
        unsafe {
            let mut vectors = [self.0.load_first(source, count.min(S::LANES)); N];
            for (i, vector) in vectors.iter_mut().enumerate().skip(1) {
                let before = count.min(i * S::LANES);
                *vector = self.0.load_first(source.add(before), (count - before).min(S::LANES));
            }
            Vectors(vectors)
        }
    }

    #[inline(always)]
    unsafe fn store_first(self, vector: Self::V, target: *mut T, count: usize) {
        for (i, vector) in vector.0.into_iter().enumerate() {
            let before = count.min(i * S::LANES);
            // SAFETY: vector by vector, as many elements as the caller vouches for.
            unsafe { self.0.store_first(vector, target.add(before), (count - before).min(S::LANES)) }
        }
    }

    #[inline(always)]
    unsafe fn transpose(self, source: *const T, source_stride: usize, target: *mut T, target_stride: usize) {
        // SAFETY: the caller vouches for the block, which is the set's own.
        unsafe { self.0.transpose(source, source_stride, target, target_stride) }
    }

    #[inline(always)]
    unsafe fn sum_each(self, source: *const T) -> Self::V
    where
        T: Default,
    {
        let mut sums = self.splat(T::default());
        for (v, sum) in sums.0.iter_mut().enumerate() {
            let mut lanes = [T::default(); super::MAX_LANES];
            for (lane, sum) in lanes[..S::LANES].iter_mut().enumerate() {
                // SAFETY: the caller vouches for the vector.
                *sum = unsafe { self.load_ptr(source.add((v * S::LANES + lane) * Self::LANES)) }.sum();
            }
            *sum = self.0.load(&lanes);
        }
        sums
    }

    #[inline(always)]
    fn run<K: Kernel<T>>(self, kernel: K) -> K::Output {
        struct Bundled<K, const N: usize>(K);
        impl<T: Copy, K: Kernel<T>, const N: usize> Kernel<T> for Bundled<K, N> {
            type Output = K::Output;

            #[inline(always)]
            fn run<S: Simd<T>>(self, s: S) -> K::Output {
                self.0.run(Bundle::<S, N>(s))
            }
        }
        self.0.run(Bundled::<K, N>(kernel))
    }
}

macro_rules! operators {
    ($($Operator:ident $function:ident),*) => { $(
        impl<V: $Operator<Output = V> + Copy, const N: usize> $Operator for Vectors<V, N> {
            type Output = Self;

            #[inline(always)]
            fn $function(mut self, other: Self) -> Self {
                for (a, b) in self.0.iter_mut().zip(other.0) {
                    *a = a.$function(b);
                }
                self
            }
        }
    )* };
}
operators!(Add add, Sub sub, Mul mul, Div div);

impl<V: Neg<Output = V> + Copy, const N: usize> Neg for Vectors<V, N> {
    type Output = Self;

    #[inline(always)]
    fn neg(mut self) -> Self {
        for a in &mut self.0 {
            *a = -*a;
        }
        self
    }
}

/// Functions of one, two or three vectors, vector by vector.
macro_rules! each {
    ($($function:ident ($($other:ident),*);)*) => { $(
        #[inline(always)]
        fn $function(mut self $(, $other: Self)*) -> Self {
            for i in 0..N {
                self.0[i] = self.0[i].$function($($other.0[i]),*);
            }
            self
        }
    )* };
}

/// Comparisons.
macro_rules! masks {
    ($($function:ident ($($other:ident),*);)*) => { $(
        #[inline(always)]
        fn $function(self $(, $other: Self)*) -> Self::Mask {
            let mut masks = [self.0[0].$function($($other.0[0]),*); N];
            for (i, mask) in masks.iter_mut().enumerate().skip(1) {
                *mask = self.0[i].$function($($other.0[i]),*);
            }
            masks
        }
    )* };
}

impl<T: Copy, V: Vector<T>, const N: usize> Vector<T> for Vectors<V, N> {
    type Mask = [V::Mask; N];

    each! {
        mul_add(b, c);
        neg_mul_add(b, c);
        min(other);
        max(other);
        abs();
        copysign(sign);
        sqrt();
        round();
        exp2_integral();
        mul_exp2(n);
        quotient(divisor);
    }

    masks! {
        lt(other);
        le(other);
        is_nan();
    }

    #[inline(always)]
    fn round_and_exp2(mut self, factor: Self) -> (Self, Self) {
        let mut powers = self;
        for (i, (n, power)) in self.0.iter_mut().zip(&mut powers.0).enumerate() {
            (*n, *power) = n.round_and_exp2(factor.0[i]);
        }
        (self, powers)
    }

    #[inline(always)]
    fn split_exponent(mut self) -> (Self, Self) {
        let mut exponents = self;
        for (mantissa, exponent) in self.0.iter_mut().zip(&mut exponents.0) {
            (*mantissa, *exponent) = mantissa.split_exponent();
        }
        (self, exponents)
    }

    #[inline(always)]
    fn unzip(self, other: Self) -> (Self, Self) {
        let (mut even, mut odd) = (self, self);
        for i in 0..N {
            // Pairs of what the two are when written one after the other. (No closure: it would leave the set.)
            let (a, b) = (2 * i, 2 * i + 1);
            let first = if a < N { self.0[a] } else { other.0[a - N] };
            let second = if b < N { self.0[b] } else { other.0[b - N] };
            (even.0[i], odd.0[i]) = first.unzip(second);
        }
        (even, odd)
    }

    #[inline(always)]
    fn select(mask: Self::Mask, mut yes: Self, no: Self) -> Self {
        for (i, yes) in yes.0.iter_mut().enumerate() {
            *yes = V::select(mask[i], *yes, no.0[i]);
        }
        yes
    }

    #[inline(always)]
    fn sum(self) -> T {
        let mut sums = self.0;
        let mut width = N;
        while width > 1 {
            let half = width.div_ceil(2);
            for i in 0..width - half {
                sums[i] = sums[i] + sums[i + half];
            }
            width = half;
        }
        sums[0].sum()
    }

    #[inline(always)]
    fn max_lane(self) -> T {
        let mut max = self.0[0];
        for vector in &self.0[1..] {
            max = max.max(*vector);
        }
        max.max_lane()
    }
}
