//! bfloat16: products of pairs, whose sums stay in f32.
//!
//! bfloat16 is the upper half of an `f32`: its sign, its exponent, 7 of 23 bits of its mantissa. AVX512-BF16 multiplies
//! two pairs of them and adds both products to an `f32` in the time of one FMA:
//!
//! ```text
//! sum ← fma(a_odd, b_odd, sum)        then        sum ← fma(a_even, b_even, sum)
//! ```
//!
//! each rounded to nearest, ties to even, denormal operands and results being zero whatever the mode of the CPU (Intel,
//! "Architecture Instruction Set Extensions Programming Reference", VDPBF16PS). [`Emulated`] does the same on any CPU, to
//! the bit; NaN may differ in sign and payload.
//!
//! Vectors of pairs travel as vectors of `f32` whose bits they are; nothing but moves and [`dot`](PairSimd::dot) may be done
//! to them.

use std::convert::Infallible;

#[cfg(target_arch = "x86_64")]
use super::avx512::Avx512Bf16;
use super::{InstructionSet, Kernel, MAX_LANES, Simd};
use crate::sealed::Sealed;

/// An instruction set at work on pairs of bfloat16. The trait is sealed, as [`Simd`] is.
pub trait PairSimd<T>: Sealed + Copy {
    /// The set by which everything else is computed.
    type Simd: Simd<T>;

    /// The set by which everything else is computed.
    fn simd(self) -> Self::Simd;

    /// Lane by lane, the number of `even` and that of `odd`, rounded to bfloat16.
    fn pair(self, even: <Self::Simd as Simd<T>>::V, odd: <Self::Simd as Simd<T>>::V) -> <Self::Simd as Simd<T>>::V;

    /// Neighbours in `low` and then those in `high`, rounded to bfloat16.
    fn pair_neighbours(
        self,
        low: <Self::Simd as Simd<T>>::V,
        high: <Self::Simd as Simd<T>>::V,
    ) -> <Self::Simd as Simd<T>>::V;

    /// `sum` + a_odd · b_odd + a_even · b_even, lane by lane.
    fn dot(
        self,
        a: <Self::Simd as Simd<T>>::V,
        b: <Self::Simd as Simd<T>>::V,
        sum: <Self::Simd as Simd<T>>::V,
    ) -> <Self::Simd as Simd<T>>::V;
}

/// Code generic over how pairs are multiplied: what [`Kernel`] is for [`Simd`].
pub trait PairKernel<T> {
    /// The kernel itself.
    fn run<P: PairSimd<T>>(self, pairs: P);
}

/// A way to multiply pairs that this CPU has. The trait is sealed.
pub trait PairProducts<T>: Sealed + Copy + Send + Sync + std::fmt::Debug + 'static {
    /// The CPU's own instructions beside those of `set`, if it has such.
    fn hardware(set: InstructionSet) -> Option<Self>;

    /// The same, to the bit, in the instructions of `set`.
    fn emulated(set: InstructionSet) -> Option<Self>;

    /// Runs `kernel` with it.
    fn run<K: PairKernel<T>>(self, kernel: K);
}

/// The ways to multiply pairs of bfloat16.
#[derive(Debug, Clone, Copy)]
pub enum Bf16 {
    /// By AVX512-BF16.
    #[cfg(target_arch = "x86_64")]
    Hardware(Avx512Bf16),
    /// Number by number, in any set.
    Emulated(InstructionSet),
}

impl Sealed for Bf16 {}

impl PairProducts<f32> for Bf16 {
    fn hardware(set: InstructionSet) -> Option<Self> {
        #[cfg(target_arch = "x86_64")]
        if set.name() == <super::Avx512 as Simd<f32>>::NAME {
            return Avx512Bf16::new().map(Self::Hardware);
        }
        let _ = set;
        None
    }

    fn emulated(set: InstructionSet) -> Option<Self> {
        Some(Self::Emulated(set))
    }

    #[inline]
    fn run<K: PairKernel<f32>>(self, kernel: K) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Hardware(token) => token.run(kernel),
            Self::Emulated(set) => super::Dispatch::dispatch(set, Emulate(kernel)),
        }
    }
}

impl Sealed for Infallible {}

/// There is no way to multiply pairs of this kind.
impl PairProducts<f64> for Infallible {
    fn hardware(_set: InstructionSet) -> Option<Self> {
        None
    }

    fn emulated(_set: InstructionSet) -> Option<Self> {
        None
    }

    fn run<K: PairKernel<f64>>(self, _kernel: K) {
        match self {}
    }
}

struct Emulate<K>(K);

impl<K: PairKernel<f32>> Kernel<f32> for Emulate<K> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<f32>>(self, s: S) {
        self.0.run(Emulated(s));
    }
}

/// What AVX512-BF16 does, number by number.
#[derive(Debug, Clone, Copy)]
pub struct Emulated<S>(pub S);

/// `value`, or a zero of its sign where it is denormal.
#[inline(always)]
fn flush(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE { 0.0_f32.copysign(value) } else { value }
}

/// a · b + `sum`, rounded once; zero where that would be denormal.
#[inline(always)]
fn fused(a: f32, b: f32, sum: f32) -> f32 {
    /// What lies below is less than the least normal number when it is rounded to 24 bits, however small its exponent.
    const TINY: f64 = f32::MIN_POSITIVE as f64 * (1.0 - 1.0 / (1_u32 << 25) as f64);
    let result = a.mul_add(b, sum);
    if result.abs() != f32::MIN_POSITIVE {
        return flush(result);
    }
    // Rounded as denormal numbers are, it became a normal one. The CPU judges by 24 bits. The product is exact in f64, and
    // `rest` is what its sum lost (D. Knuth, "The Art of Computer Programming", volume 2, 4.2.2, theorem C).
    let (product, sum) = (f64::from(a) * f64::from(b), f64::from(sum));
    let total = product + sum;
    let part = total - product;
    let rest = (product - (total - part)) + (sum - part);
    let below = total.abs() < TINY || (total.abs() == TINY && rest * total < 0.0);
    if below { 0.0_f32.copysign(result) } else { result }
}

/// The bits of `value` rounded to bfloat16: to nearest, ties to even; a denormal number becomes zero, a NaN quiet.
#[inline(always)]
#[must_use]
pub const fn round_to_bf16(value: f32) -> u16 {
    let bits = value.to_bits();
    let upper = (bits >> 16) as u16;
    if value.is_nan() {
        upper | 0x40
    } else if bits & 0x7F80_0000 == 0 {
        upper & 0x8000
    } else {
        ((bits + 0x7FFF + (bits >> 16 & 1)) >> 16) as u16
    }
}

/// The even and the odd number of a pair, denormal ones as zeros.
#[inline(always)]
fn split(pair: f32) -> [f32; 2] {
    let bits = pair.to_bits();
    [flush(f32::from_bits(bits << 16)), flush(f32::from_bits(bits & 0xFFFF_0000))]
}

#[inline(always)]
fn join(even: f32, odd: f32) -> f32 {
    f32::from_bits(u32::from(round_to_bf16(odd)) << 16 | u32::from(round_to_bf16(even)))
}

impl<S: Simd<f32>> Emulated<S> {
    #[inline(always)]
    fn lanes(self, vector: S::V) -> [f32; MAX_LANES] {
        let mut lanes = [0.0; MAX_LANES];
        self.0.store(vector, &mut lanes);
        lanes
    }
}

impl<S> Sealed for Emulated<S> {}

impl<S: Simd<f32>> PairSimd<f32> for Emulated<S> {
    type Simd = S;

    #[inline(always)]
    fn simd(self) -> S {
        self.0
    }

    #[inline(always)]
    fn pair(self, even: S::V, odd: S::V) -> S::V {
        self.0.load(&join_lanes(&self.lanes(even), &self.lanes(odd)))
    }

    #[inline(always)]
    fn pair_neighbours(self, low: S::V, high: S::V) -> S::V {
        let mut numbers = [0.0; 2 * MAX_LANES];
        self.0.store(low, &mut numbers);
        self.0.store(high, &mut numbers[S::LANES..]);
        let [mut even, mut odd] = [[0.0; MAX_LANES]; 2];
        for (i, pair) in numbers.as_chunks::<2>().0.iter().enumerate() {
            [even[i], odd[i]] = *pair;
        }
        self.0.load(&join_lanes(&even, &odd))
    }

    #[inline(always)]
    fn dot(self, a: S::V, b: S::V, sum: S::V) -> S::V {
        let mut sums = self.lanes(sum);
        dot_lanes(&self.lanes(a), &self.lanes(b), &mut sums);
        self.0.load(&sums)
    }
}

// Calls, since what is emulated need not be fast, and would otherwise be compiled into every register tile.

#[inline(never)]
fn join_lanes(even: &[f32; MAX_LANES], odd: &[f32; MAX_LANES]) -> [f32; MAX_LANES] {
    std::array::from_fn(|i| join(even[i], odd[i]))
}

#[inline(never)]
fn dot_lanes(a: &[f32; MAX_LANES], b: &[f32; MAX_LANES], sums: &mut [f32; MAX_LANES]) {
    for ((sum, &a), &b) in sums.iter_mut().zip(a).zip(b) {
        let ([a_even, a_odd], [b_even, b_odd]) = (split(a), split(b));
        *sum = fused(a_even, b_even, fused(a_odd, b_odd, flush(*sum)));
    }
}
