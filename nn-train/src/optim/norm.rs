//! The sizes of a whole gradient and of all weights, in `f64`: the same bits on any number of threads.

use nn_kernels::{Element, InstructionSet, LayerRange};

use crate::data::unit;
use crate::vector::{largest, sum};

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
        let largest = largest(set, numbers);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vector::CHUNK;

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
