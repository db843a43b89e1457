//! The sizes of a whole gradient and of all weights, in `f64`: the same bits on any number of threads.

use nn_kernels::isa::{Kernel, Simd};
use nn_kernels::threads::join;
use nn_kernels::{Element, InstructionSet, LayerRange};

use crate::data::unit;

/// A Euclidean norm, which may be beyond the numbers of its type, or its square below them: `root` · `unit`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Norm {
    root: f64,
    /// A power of two.
    unit: f64,
}

impl Norm {
    /// The norm of `numbers`; infinite or NaN if one of them is.
    pub(super) fn of<T: Element>(set: InstructionSet, numbers: &[T]) -> Self {
        const LEAST: f64 = f64::MIN_POSITIVE / f64::EPSILON;
        let squares = sum::<T, true>(set, numbers, 1.0);
        if (LEAST..f64::INFINITY).contains(&squares) {
            return Self { root: squares.sqrt(), unit: 1.0 };
        }
        // A number is none, or squares are beyond the range of numbers.
        let largest = numbers.iter().fold(0.0, |largest: f64, number| {
            let size = number.to_f64().abs();
            if size > largest || size.is_nan() { size } else { largest }
        });
        if !largest.is_finite() || largest == 0.0 {
            return Self { root: largest, unit: 1.0 };
        }
        let unit = unit(largest);
        Self { root: sum::<T, true>(set, numbers, 1.0 / unit).sqrt(), unit }
    }

    pub(super) fn value(self) -> f64 {
        self.root * self.unit
    }

    /// What numbers of this norm are multiplied by so that it is `most` at the most: 1, or less.
    pub(super) fn factor(self, most: f64) -> f64 {
        if self.value() <= most { 1.0 } else { most / self.unit / self.root }
    }
}

/// Σ|Θ_w|.
pub(super) fn sum_of_magnitudes<T: Element>(set: InstructionSet, ranges: &[LayerRange], theta: &[T]) -> f64 {
    ranges.iter().map(|range| sum::<T, false>(set, &theta[range.weights.clone()], 1.0)).sum()
}

/// Numbers that one thread adds up at a time.
const CHUNK: usize = 1 << 15;

/// Σ (f x)², or Σ|f x|, added up in the same order on any number of threads.
fn sum<T: Element, const SQUARES: bool>(set: InstructionSet, numbers: &[T], factor: f64) -> f64 {
    if numbers.len() > CHUNK {
        let (left, right) = numbers.split_at((numbers.len() / 2).next_multiple_of(CHUNK));
        let (left, right) = join(|| sum::<T, SQUARES>(set, left, factor), || sum::<T, SQUARES>(set, right, factor));
        return left + right;
    }
    T::dispatch(set, Sum::<T, SQUARES> { numbers, factor })
}

struct Sum<'a, T, const SQUARES: bool> {
    numbers: &'a [T],
    factor: f64,
}

impl<T: Element, const SQUARES: bool> Kernel<T> for Sum<'_, T, SQUARES> {
    type Output = f64;

    // The loops are plain Rust: inside the kernel the compiler turns them into vectors of the instruction set, and
    // fuses no product into a sum.
    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) -> f64 {
        let mut sums = [0.0; 8];
        let (eights, rest) = self.numbers.as_chunks::<8>();
        for eight in eights {
            for (sum, number) in sums.iter_mut().zip(eight) {
                *sum += term::<T, SQUARES>(*number, self.factor);
            }
        }
        for (sum, number) in sums.iter_mut().zip(rest) {
            *sum += term::<T, SQUARES>(*number, self.factor);
        }
        sums.iter().sum()
    }
}

#[inline(always)]
fn term<T: Element, const SQUARES: bool>(number: T, factor: f64) -> f64 {
    let number = number.to_f64() * factor;
    if SQUARES { number * number } else { number.abs() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn norm(numbers: &[f64]) -> Norm {
        Norm::of(InstructionSet::best(), numbers)
    }

    #[test]
    fn a_norm_is_right_where_squares_overflow_or_vanish() {
        for scale in [1.0, 1e-3, 1e200, 1e307, 1e-200, 1e-300] {
            let found = norm(&[3.0 * scale, -4.0 * scale]);
            assert!((found.value() / (5.0 * scale) - 1.0).abs() < 1e-15, "{scale:e}: {found:?}");
            assert!((found.factor(scale) - 0.2).abs() < 1e-15, "{scale:e}: {found:?}");
            assert_eq!(found.factor(6.0 * scale), 1.0);
        }
        assert_eq!(norm(&[0.0; 3]).value(), 0.0);
        assert_eq!(norm(&[1.0, f64::NEG_INFINITY]).value(), f64::INFINITY);
        assert!(norm(&[f64::INFINITY, f64::NAN, 1.0]).value().is_nan());
        // The norm is no number, and yet there is a factor.
        let beyond = norm(&[f64::MAX; 16]);
        assert_eq!(beyond.value(), f64::INFINITY);
        assert!((beyond.factor(1e300) * f64::MAX / 2.5e299 - 1.0).abs() < 1e-12, "{beyond:?}");
    }

    #[test]
    fn sums_of_many_numbers_are_those_of_their_parts() {
        let numbers: Vec<f32> = (0..3 * CHUNK + 5).map(|index| ((index % 7) as f32) - 3.0).collect();
        let (squares, magnitudes) =
            numbers.iter().fold((0.0, 0.0), |(s, m), x| (s + f64::from(x * x), m + f64::from(x.abs())));
        assert_eq!(Norm::of(InstructionSet::best(), &numbers).value(), f64::sqrt(squares));
        let range = LayerRange { weights: 0..numbers.len(), bias: numbers.len()..numbers.len() };
        assert_eq!(sum_of_magnitudes(InstructionSet::best(), &[range], &numbers), magnitudes);
    }
}
