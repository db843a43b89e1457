//! What the instruction sets of x86-64 have in common: their methods, over intrinsics that each set names by what they do.

/// An operation of one intrinsic: the vectors in its arguments were made by a token, so the CPU has the set.
macro_rules! intrinsic {
    ($call:expr) => {
        // SAFETY: vectors of this set are only made through its token, which exists only where the CPU has the set.
        unsafe { $call }
    };
}

/// Operators of one intrinsic each.
macro_rules! operators {
    ($V:ident, $ops:ident: $($Operator:ident $function:ident),*) => { $(
        impl std::ops::$Operator for $V {
            type Output = Self;

            #[inline(always)]
            fn $function(self, other: Self) -> Self {
                Self(intrinsic!($ops::$function(self.0, other.0)))
            }
        }
    )* };
}

/// Registers `$V` of elements `$T`, and `Simd<$T>` for the token `$Set`, whose code may use `$features`. `$ops` is a module
/// with the set's intrinsics and constants for `$T`.
///
/// A method that reads alike in all sets stands here; one that does not, in the blocks `Simd` and `Vector` of each set.
macro_rules! x86 {
    (
        $T:ident, $V:ident, $ops:ident;
        $Set:ident, $name:literal, features: $features:literal, sums: $sums:literal;
        Simd { $($simd:tt)* }
        Vector { $($vector:tt)* }
    ) => {
        #[doc = concat!("A register of `", stringify!($T), "`, made by [`", stringify!($Set), "`] only.")]
        #[derive(Debug, Clone, Copy)]
        #[repr(transparent)]
        pub struct $V($ops::Register);

        impl crate::sealed::Sealed for $V {}

        impl super::Simd<$T> for $Set {
            type V = $V;
            type Wide = super::Bundle<Self, 4>;
            const LANES: usize = $ops::LANES;
            const SUMS: usize = $sums;
            const NAME: &'static str = $name;
            const BLOCK: usize = $ops::BLOCK;

            #[inline(always)]
            fn wide(self) -> Self::Wide {
                super::Bundle(self)
            }

            #[inline(always)]
            fn splat(self, value: $T) -> $V {
                $V(intrinsic!($ops::set1(value)))
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
            fn prefetch(self, place: *const $T) {
                // SAFETY: a prefetch reads nothing that the program sees, and does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T0>(place.cast()) }
            }

            #[inline(always)]
            fn prefetch_to_l2(self, place: *const $T) {
                // SAFETY: a prefetch reads nothing that the program sees, and does not fault.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(place.cast()) }
            }

            #[inline(always)]
            unsafe fn transpose(self, source: *const $T, source_stride: usize, target: *mut $T, target_stride: usize) {
                // SAFETY: the caller vouches for every element of the block, the token for the set.
                unsafe { $ops::transpose(source, source_stride, target, target_stride) }
            }

            #[inline(always)]
            fn run<K: super::Kernel<$T>>(self, kernel: K) -> K::Output {
                #[target_feature(enable = $features)]
                #[inline(never)]
                fn enter<K: super::Kernel<$T>>(token: $Set, kernel: K) -> K::Output {
                    kernel.run(token)
                }
                // SAFETY: the token exists only where the CPU has these features.
                unsafe { enter(self, kernel) }
            }

            $($simd)*
        }

        operators!($V, $ops: Add add, Sub sub, Mul mul, Div div);

        impl std::ops::Neg for $V {
            type Output = Self;

            #[inline(always)]
            fn neg(self) -> Self {
                Self(intrinsic!($ops::xor(self.0, $ops::set1(-0.0))))
            }
        }

        impl super::Vector<$T> for $V {
            type Mask = $ops::Mask;

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
            fn round_and_exp2(self, factor: Self) -> (Self, Self) {
                // The sum is rounded to n; its low mantissa bits hold n + bias, which the shift moves into the exponent.
                let shift = intrinsic!($ops::set1(1.5 * (1_u64 << $ops::MANTISSA_BITS) as $T + $ops::BIAS));
                let sum = intrinsic!($ops::fmadd(self.0, factor.0, shift));
                let power =
                    intrinsic!($ops::from_bits($ops::shift_left::<{ $ops::MANTISSA_BITS }>($ops::to_bits(sum))));
                (Self(intrinsic!($ops::sub(sum, shift))), Self(power))
            }
            #[inline(always)]
            fn unzip(self, other: Self) -> (Self, Self) {
                let (even, odd) = intrinsic!($ops::unzip(self.0, other.0));
                (Self(even), Self(odd))
            }
            #[inline(always)]
            fn lt(self, other: Self) -> Self::Mask {
                intrinsic!($ops::cmp::<_CMP_LT_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn le(self, other: Self) -> Self::Mask {
                intrinsic!($ops::cmp::<_CMP_LE_OQ>(self.0, other.0))
            }
            #[inline(always)]
            fn is_nan(self) -> Self::Mask {
                intrinsic!($ops::cmp::<_CMP_UNORD_Q>(self.0, self.0))
            }

            $($vector)*
        }
    };
}
