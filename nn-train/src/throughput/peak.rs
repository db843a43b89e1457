//! The arithmetic limit: how many multiplications and additions the machine does if it does nothing else.

use std::hint::black_box;
use std::time::Instant;

use nn_kernels::isa::{Kernel, PairKernel, PairProducts, PairSimd, Simd, Vector};
use nn_kernels::{Element, InstructionSet, Precision, threads};

/// FMAs into each sum between two looks at the clock: some tens of microseconds.
const ROUNDS: usize = 10_000;
/// Seconds of a window: long compared with waking the threads, short compared with their time slices.
const WINDOW: f64 = 4e-3;

/// The most FLOP/s that an instruction set was seen to reach on all threads, in FMAs or, for bfloat16, in dot
/// products of pairs.
///
/// An FMA is two FLOPs, and its result is there about four cycles after it began, while a core begins up to two a cycle:
/// at least eight sums have to grow side by side, and no more than the registers hold with the two factors. Twelve
/// suit 16 registers and 32. The portable set may need two registers a vector, and suits seven sums better; the count
/// that is the faster is taken.
///
/// ```
/// use nn_train::InstructionSet;
/// use nn_train::throughput::Peak;
///
/// let mut peak = Peak::new(InstructionSet::best());
/// peak.measure::<f32>(0.01);
/// assert!(peak.flops() > 1e8);
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Peak {
    set: InstructionSet,
    precision: Precision,
    flops: f64,
}

impl Peak {
    /// No peak yet.
    #[must_use]
    pub const fn new(set: InstructionSet) -> Self {
        Self { set, precision: Precision::Full, flops: 0.0 }
    }

    /// The peak of products in the given precision.
    #[must_use]
    pub const fn precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Runs nothing but FMAs on every thread that work is divided among here, in windows of some milliseconds, for `seconds` or
    /// a little longer, and keeps the rate of a window if it is the greatest so far. What else runs on the machine takes
    /// its share of some windows, so that there should be many.
    pub fn measure<T: Element>(&mut self, seconds: f64) {
        let start = Instant::now();
        loop {
            let pairs = match self.precision {
                Precision::Full => None,
                Precision::Bf16Emulated => T::Pairs::emulated(self.set),
                _ => T::Pairs::hardware(self.set),
            };
            let fastest = match pairs {
                Some(pairs) => rate(WINDOW, || {
                    // What is emulated takes a thousand times as long.
                    let rounds = if self.precision == Precision::Bf16Emulated { ROUNDS / 1000 } else { ROUNDS };
                    let mut flops = 0.0;
                    pairs.run(Dots::<12> { rounds: black_box(rounds), flops: &mut flops });
                    flops
                }),
                None => [fmas::<T, 12>, fmas::<T, 7>]
                    .map(|fmas| rate(WINDOW, || fmas(self.set)))
                    .into_iter()
                    .fold(0.0, f64::max),
            };
            self.flops = self.flops.max(fastest);
            if start.elapsed().as_secs_f64() >= seconds {
                return;
            }
        }
    }

    /// FLOP/s of all threads together, 0 where nothing has been measured.
    #[must_use]
    pub const fn flops(&self) -> f64 {
        self.flops
    }
}

/// Some FMAs, `SUMS` of them side by side; the FLOPs done.
fn fmas<T: Element, const SUMS: usize>(set: InstructionSet) -> f64 {
    T::dispatch(set, Fmas::<SUMS> { rounds: black_box(ROUNDS) })
}

/// The FLOP/s of all threads together at `work`, which says how many it did, from when the first begins until
/// the last ends.
fn rate(seconds: f64, work: impl Fn() -> f64 + Sync) -> f64 {
    let call = Instant::now();
    let now = || call.elapsed().as_secs_f64();
    let part = || {
        let (start, mut flops) = (now(), 0.0);
        loop {
            flops += work();
            let end = now();
            if end >= seconds {
                return (start, end, flops);
            }
        }
    };
    // A trainer of one thread works on the calling one, which may be in no pool.
    let parts = if threads::count() == 1 { vec![part()] } else { rayon::broadcast(|_| part()) };
    let (first, last, flops) = parts
        .iter()
        .fold((f64::INFINITY, 0.0_f64, 0.0), |all, part| (all.0.min(part.0), all.1.max(part.1), all.2 + part.2));
    flops / (last - first)
}

/// `SUMS` independent chains of FMAs.
struct Fmas<const SUMS: usize> {
    rounds: usize,
}

impl<T: Element, const SUMS: usize> Kernel<T> for Fmas<SUMS> {
    /// The FLOPs done.
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, isa: S) -> f64 {
        // x ← x · a + b stays within the normal numbers.
        let (a, b) = (isa.splat(black_box(T::from_f64(0.5))), isa.splat(black_box(T::ONE)));
        let mut sums = [isa.splat(T::ZERO); SUMS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = sum.mul_add(a, b);
            }
        }
        used(isa, sums);
        2.0 * (self.rounds * SUMS * S::LANES) as f64
    }
}

/// `SUMS` independent chains of dot products of pairs.
struct Dots<'a, const SUMS: usize> {
    rounds: usize,
    /// The FLOPs done.
    flops: &'a mut f64,
}

impl<T: Element, const SUMS: usize> PairKernel<T> for Dots<'_, SUMS> {
    #[inline(always)]
    fn run<P: PairSimd<T>>(self, pairs: P) {
        let s = pairs.simd();
        let number = |x: f64| s.splat(black_box(T::from_f64(x)));
        let (a, b) = (pairs.pair(number(0.5), number(0.25)), pairs.pair(number(0.5), number(0.125)));
        let mut sums = [s.splat(T::ZERO); SUMS];
        for _ in 0..self.rounds {
            for sum in &mut sums {
                *sum = pairs.dot(a, b, *sum);
            }
        }
        used(s, sums);
        *self.flops = 4.0 * (self.rounds * SUMS * <P::Simd as Simd<T>>::LANES) as f64;
    }
}

/// Makes the compiler believe that every sum is wanted.
#[inline(always)]
fn used<T, S: Simd<T>, const SUMS: usize>(_isa: S, sums: [S::V; SUMS]) {
    let mut total = sums[0];
    for sum in &sums[1..] {
        total = total + *sum;
    }
    black_box(total.sum());
}
