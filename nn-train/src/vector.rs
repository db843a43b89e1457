//! Sums over all parameters and over sums of them, by the threads of the current rayon pool, in the instructions of a
//! set.
//!
//! Numbers are cut into the same chunks and sums are formed in the same order whatever the threads and the set: the
//! same bits. All arithmetic is in `f64`.

use nn_kernels::isa::{Kernel, Simd};
use nn_kernels::threads::join;
use nn_kernels::{Element, InstructionSet};

/// Numbers that one thread goes through at a time.
pub(crate) const CHUNK: usize = 1 << 15;

/// Sums that are formed side by side, enough to hide the latency of an addition.
const SUMS: usize = 32;

/// Where to cut `len` numbers in two.
pub(crate) fn half(len: usize) -> usize {
    (len / 2).next_multiple_of(CHUNK)
}

/// Σ x y.
pub(crate) fn dot<T: Element>(set: InstructionSet, x: &[T], y: &[T]) -> f64 {
    if x.len() > CHUNK {
        let ((x, x_rest), (y, y_rest)) = (x.split_at(half(x.len())), y.split_at(half(y.len())));
        let (left, right) = join(|| dot(set, x, y), || dot(set, x_rest, y_rest));
        return left + right;
    }
    T::dispatch(set, Dot { x, y })
}

/// Σ (f x)², or Σ |f x|.
pub(crate) fn sum<T: Element, const SQUARES: bool>(set: InstructionSet, x: &[T], factor: f64) -> f64 {
    if x.len() > CHUNK {
        let (x, rest) = x.split_at(half(x.len()));
        let (left, right) = join(|| sum::<T, SQUARES>(set, x, factor), || sum::<T, SQUARES>(set, rest, factor));
        return left + right;
    }
    T::dispatch(set, Sum::<T, SQUARES> { x, factor })
}

/// The largest |x|; NaN or infinite if any number is.
pub(crate) fn largest<T: Element>(set: InstructionSet, x: &[T]) -> f64 {
    if x.len() > CHUNK {
        let (x, rest) = x.split_at(half(x.len()));
        let (left, right) = join(|| largest(set, x), || largest(set, rest));
        return larger(left, right);
    }
    T::dispatch(set, Largest { x })
}

/// `out` = a x + b y; whether all of it is finite.
pub(crate) fn combine<T: Element>(
    set: InstructionSet,
    out: &mut [T],
    (a, x): (f64, &[T]),
    (b, y): (f64, &[T]),
) -> bool {
    if out.len() > CHUNK {
        let half = half(out.len());
        let (x, x_rest) = x.split_at(half);
        let (y, y_rest) = y.split_at(half);
        let (out, rest) = out.split_at_mut(half);
        let (left, right) = join(|| combine(set, out, (a, x), (b, y)), || combine(set, rest, (a, x_rest), (b, y_rest)));
        return left && right;
    }
    T::dispatch(set, Combine { out, a, x, b, y })
}

/// `out` = a x + b `out`.
pub(crate) fn add<T: Element>(set: InstructionSet, out: &mut [T], (a, x): (f64, &[T]), b: f64) {
    if out.len() > CHUNK {
        let half = half(out.len());
        let (x, x_rest) = x.split_at(half);
        let (out, rest) = out.split_at_mut(half);
        join(|| add(set, out, (a, x), b), || add(set, rest, (a, x_rest), b));
        return;
    }
    T::dispatch(set, Add { out, a, x, b });
}

/// The larger of two sizes; a NaN comes through.
#[inline(always)]
fn larger(x: f64, y: f64) -> f64 {
    if x > y || x.is_nan() { x } else { y }
}

// The loops are plain Rust: inside a kernel the compiler turns them into vectors of the instruction set. It fuses no
// product into a sum, so that the sets give the same bits.

struct Dot<'a, T> {
    x: &'a [T],
    y: &'a [T],
}

impl<T: Element> Kernel<T> for Dot<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) -> f64 {
        let mut sums = [0.0; SUMS];
        let ((xs, x_rest), (ys, y_rest)) = (self.x.as_chunks::<SUMS>(), self.y.as_chunks::<SUMS>());
        for (x, y) in xs.iter().zip(ys) {
            for (sum, (x, y)) in sums.iter_mut().zip(x.iter().zip(y)) {
                *sum += x.to_f64() * y.to_f64();
            }
        }
        for (sum, (x, y)) in sums.iter_mut().zip(x_rest.iter().zip(y_rest)) {
            *sum += x.to_f64() * y.to_f64();
        }
        sums.iter().sum()
    }
}

struct Sum<'a, T, const SQUARES: bool> {
    x: &'a [T],
    factor: f64,
}

impl<T: Element, const SQUARES: bool> Kernel<T> for Sum<'_, T, SQUARES> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) -> f64 {
        let mut sums = [0.0; 8];
        let (eights, rest) = self.x.as_chunks::<8>();
        for x in eights {
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum += term::<T, SQUARES>(*x, self.factor);
            }
        }
        for (sum, x) in sums.iter_mut().zip(rest) {
            *sum += term::<T, SQUARES>(*x, self.factor);
        }
        sums.iter().sum()
    }
}

#[inline(always)]
fn term<T: Element, const SQUARES: bool>(x: T, factor: f64) -> f64 {
    let x = x.to_f64() * factor;
    if SQUARES { x * x } else { x.abs() }
}

struct Largest<'a, T> {
    x: &'a [T],
}

impl<T: Element> Kernel<T> for Largest<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) -> f64 {
        let mut most = [0.0; SUMS];
        let (xs, rest) = self.x.as_chunks::<SUMS>();
        for x in xs {
            most.iter_mut().zip(x).for_each(|(most, x)| *most = larger(*most, x.to_f64().abs()));
        }
        most.iter_mut().zip(rest).for_each(|(most, x)| *most = larger(*most, x.to_f64().abs()));
        most.into_iter().fold(0.0, larger)
    }
}

struct Combine<'a, T> {
    out: &'a mut [T],
    a: f64,
    x: &'a [T],
    b: f64,
    y: &'a [T],
}

impl<T: Element> Kernel<T> for Combine<'_, T> {
    type Output = bool;

    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) -> bool {
        let Self { out, a, x, b, y } = self;
        let mut finite = true;
        for (out, (x, y)) in out.iter_mut().zip(x.iter().zip(y)) {
            *out = T::from_f64(a * x.to_f64() + b * y.to_f64());
            finite &= out.is_finite();
        }
        finite
    }
}

struct Add<'a, T> {
    out: &'a mut [T],
    a: f64,
    x: &'a [T],
    b: f64,
}

impl<T: Element> Kernel<T> for Add<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) {
        for (out, x) in self.out.iter_mut().zip(self.x) {
            *out = T::from_f64(self.a * x.to_f64() + self.b * out.to_f64());
        }
    }
}

#[cfg(test)]
mod tests {
    use nn_kernels::threads::alone;

    use super::*;

    /// Lengths around those at which the work is cut.
    const LENGTHS: [usize; 6] = [0, 1, SUMS + 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7];

    fn wave(len: usize, rate: f64) -> Vec<f64> {
        (0..len).map(|index| (index as f64 * rate).sin()).collect()
    }

    #[test]
    fn every_number_counts_once() {
        let set = InstructionSet::best();
        for len in LENGTHS {
            // Sums of whole numbers are exact in any order.
            let (x, y): (Vec<f32>, Vec<f32>) =
                (0..len).map(|index| ((index % 7) as f32, (index % 5) as f32 - 2.0)).unzip();
            let expected: f64 = x.iter().zip(&y).map(|(x, y)| f64::from(x * y)).sum();
            assert_eq!(dot(set, &x, &y), expected, "{len} numbers");
            let mut out = vec![f32::NAN; len];
            assert!(combine(set, &mut out, (2.0, &x), (-3.0, &y)));
            let expected: Vec<f32> = x.iter().zip(&y).map(|(x, y)| 2.0 * x - 3.0 * y).collect();
            assert_eq!(out, expected);
            add(set, &mut out, (3.0, &y), 1.0);
            let expected: Vec<f32> = x.iter().map(|x| 2.0 * x).collect();
            assert_eq!(out, expected);
        }
    }

    #[test]
    fn a_number_that_is_not_finite_shows_wherever_it_stands() {
        let set = InstructionSet::best();
        for len in LENGTHS.into_iter().filter(|len| *len > 0) {
            for place in [0, len / 2, len - 1] {
                let mut x = wave(len, 0.3);
                x[place] = -7.5;
                assert_eq!(largest(set, &x), 7.5);
                let mut out = vec![0.0; len];
                assert!(combine(set, &mut out, (1.0, &x), (1.0, &wave(len, 0.2))));
                for wrong in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    x[place] = wrong;
                    assert!(!largest(set, &x).is_finite());
                    assert!(!combine(set, &mut out, (1.0, &x), (1.0, &wave(len, 0.2))));
                }
            }
        }
    }

    #[test]
    fn sums_are_the_same_bits_in_every_set_and_on_any_number_of_threads() {
        let (x, y) = (wave(3 * CHUNK + 7, 0.3), wave(3 * CHUNK + 7, 0.7));
        let expected = alone(|| dot(InstructionSet::best(), &x, &y));
        assert!((expected - x.iter().zip(&y).map(|(x, y)| x * y).sum::<f64>()).abs() < 1e-9);
        let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().expect("threads");
        for set in InstructionSet::available() {
            assert_eq!(pool.install(|| dot(set, &x, &y)), expected, "{set:?}");
        }
    }
}
