//! Means and deviations that do not depend on how far from 0 the numbers are, how large, or how many.
//!
//! The sums run over numbers in a `unit`, a power of two near the largest of them, so that no square overflows or
//! vanishes; dividing by it is exact. The mean is corrected by the mean distance from it (the corrected two-pass
//! algorithm of Chan, Golub and LeVeque, "Algorithms for computing the sample variance", The American Statistician
//! 37 (1983)): for 10¹⁵ + {0, 1} the distances are exact where the sum of the numbers is not.

use nn_kernels::Element;

/// A sum that keeps what its additions round away, each found exactly by Knuth's `TwoSum` (Ogita, Rump and Oishi,
/// "Accurate sum and dot product", SIAM Journal on Scientific Computing 26 (2005), algorithms 3.1 and 4.1).
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sum {
    pub(crate) sum: f64,
    /// What its additions have rounded away.
    pub(crate) lost: f64,
}

impl Sum {
    /// Adds a number.
    pub(crate) fn add(&mut self, number: f64) {
        let sum = self.sum + number;
        let added = sum - self.sum;
        self.lost += (self.sum - (sum - added)) + (number - added);
        self.sum = sum;
    }

    /// The sum; infinite or NaN if a number was.
    pub(crate) fn value(self) -> f64 {
        if self.sum.is_finite() { self.sum + self.lost } else { self.sum }
    }
}

/// The power of two that the numbers are measured in whose largest magnitude is `largest`, a finite number.
pub(crate) fn unit(largest: f64) -> f64 {
    const EXPONENT: u64 = 0x7FF0_0000_0000_0000;
    f64::from_bits(largest.to_bits() & EXPONENT).max(f64::MIN_POSITIVE)
}

/// What each sample counts: its weight in units near the largest one, or 1. So the sum is finite.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Weighing<'a, T> {
    weights: Option<&'a [T]>,
    unit: f64,
}

impl<'a, T: Element> Weighing<'a, T> {
    pub(crate) fn new(weights: Option<&'a [T]>) -> Self {
        let largest = weights.unwrap_or(&[]).iter().fold(0.0, |largest, weight| weight.to_f64().max(largest));
        Self { weights, unit: unit(largest) }
    }

    /// What sample number `sample` counts.
    pub(crate) fn of(&self, sample: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[sample].to_f64() / self.unit)
    }

    /// What `samples` samples count together.
    pub(crate) fn total(&self, samples: usize) -> f64 {
        if self.weights.is_none() {
            return samples as f64;
        }
        let mut total = Sum::default();
        (0..samples).for_each(|sample| total.add(self.of(sample)));
        total.value()
    }
}

/// The weighted mean of a column and its variance Σ w (x - mean)² / Σ w, in the column's unit and its square.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Moments {
    pub(crate) mean: f64,
    /// Exactly 0 if and only if the numbers are all alike.
    pub(crate) variance: f64,
    /// Whether two numbers differ.
    pub(crate) varies: bool,
}

/// The moments of each column of rows as wide as there are `units`. Rows of weight 0 do not count.
pub(crate) fn moments<T: Element>(numbers: &[T], units: &[f64], weighing: Weighing<'_, T>) -> Vec<Moments> {
    let width = units.len();
    // Exact, as units are powers of two from 2⁻¹⁰²² to 2¹⁰²³.
    let inverses: Vec<f64> = units.iter().map(|unit| 1.0 / unit).collect();
    let rows = || {
        let rows = numbers.chunks_exact(width).enumerate().map(|(sample, row)| (row, weighing.of(sample)));
        rows.filter(|&(_, weight)| weight != 0.0)
    };
    let total = weighing.total(numbers.len() / width);
    let first = rows().next().map_or(&[] as &[T], |(row, _)| row);
    let mut rough = vec![0.0; width];
    let mut varies = vec![false; width];
    for (row, weight) in rows() {
        for (((number, inverse), first), (rough, varies)) in
            row.iter().zip(&inverses).zip(first).zip(rough.iter_mut().zip(&mut varies))
        {
            *rough += weight * (number.to_f64() * inverse);
            // The mean of equal numbers may be rounded; comparing them is exact.
            *varies |= number != first;
        }
    }
    rough.iter_mut().for_each(|sum| *sum /= total);
    let mut offsets = vec![Sum::default(); width];
    for (row, weight) in rows() {
        for (((number, inverse), rough), offset) in row.iter().zip(&inverses).zip(&rough).zip(&mut offsets) {
            offset.add(weight * (number.to_f64() * inverse - rough));
        }
    }
    let offsets: Vec<f64> = offsets.iter().map(|offset| offset.value() / total).collect();
    let mut squares = vec![Sum::default(); width];
    for (row, weight) in rows() {
        let means = rough.iter().zip(&offsets);
        for (((number, inverse), (rough, offset)), square) in row.iter().zip(&inverses).zip(means).zip(&mut squares) {
            let distance = (number.to_f64() * inverse - rough) - offset;
            square.add(weight * (distance * distance));
        }
    }
    let column = |column: usize| {
        if varies[column] {
            let (mean, variance) = (rough[column] + offsets[column], squares[column].value() / total);
            Moments { mean, variance, varies: true }
        } else {
            Moments { mean: first[column].to_f64() * inverses[column], variance: 0.0, varies: false }
        }
    };
    (0..width).map(column).collect()
}

/// The mean and variance of some numbers as far as they are known from a part of them: in a unit, the sum of all, or how far
/// from a number near their mean they are.
pub(crate) mod parts {
    use nn_kernels::Element;

    use super::Sum;

    /// The sum of each column of rows, in its unit.
    pub(crate) fn sums<T: Element>(numbers: &[T], units: &[f64]) -> Vec<f64> {
        let mut sums = vec![Sum::default(); units.len()];
        for row in numbers.chunks_exact(units.len()) {
            for ((sum, number), unit) in sums.iter_mut().zip(row).zip(units) {
                sum.add(number.to_f64() / unit);
            }
        }
        sums.into_iter().map(Sum::value).collect()
    }

    /// The mean distance of each column's numbers from `rough`, and the variance around their own mean.
    pub(crate) fn around<T: Element>(numbers: &[T], units: &[f64], rough: &[f64]) -> Vec<[f64; 2]> {
        let width = units.len();
        let count = (numbers.len() / width) as f64;
        let column = |column: usize| {
            let distances =
                || numbers[column..].iter().step_by(width).map(|x| x.to_f64() / units[column] - rough[column]);
            let sum = |numbers: &mut dyn Iterator<Item = f64>| {
                let mut sum = Sum::default();
                numbers.for_each(|number| sum.add(number));
                sum.value() / count
            };
            let mean = sum(&mut distances());
            [mean, sum(&mut distances().map(|distance| (distance - mean) * (distance - mean)))]
        };
        (0..width).map(column).collect()
    }

    /// The same for all rows together, of `(rows, [mean distance, variance])` for each part.
    pub(crate) fn together(parts: &[(f64, [f64; 2])]) -> [f64; 2] {
        let (mut total, mut mean, mut squares) = (Sum::default(), Sum::default(), Sum::default());
        for (count, [distance, _]) in parts {
            total.add(*count);
            mean.add(count * distance);
        }
        let (total, mean) = (total.value(), mean.value() / total.value());
        for (count, [distance, variance]) in parts {
            squares.add(count * variance);
            squares.add(count * ((distance - mean) * (distance - mean)));
        }
        [mean, squares.value() / total]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(numbers: &[f64]) -> (f64, f64) {
        let unit = unit(numbers.iter().fold(0.0, |largest, number| number.abs().max(largest)));
        let found = moments(numbers, &[unit], Weighing::new(None))[0];
        (found.mean * unit, found.variance.sqrt() * unit)
    }

    #[test]
    fn distances_decide_and_not_places() {
        for count in [2, 4, 1000, 1_000_000] {
            let numbers: Vec<f64> = (0..count).map(|index| 1e15 + f64::from(index % 2)).collect();
            assert_eq!(of(&numbers), (1e15 + 0.5, 0.5), "{count} numbers");
        }
        // The mean 10¹⁶ + 1 is no f64; the deviation is still 1.
        assert_eq!(of(&[1e16, 1e16 + 2.0]).1, 1.0);
        assert_eq!(of(&[f64::MAX, -f64::MAX]), (0.0, f64::MAX));
        assert_eq!(of(&[0.0, 2e-200]), (1e-200, 1e-200));
        assert_eq!(of(&[0.1; 10]), (0.1, 0.0));
    }

    #[test]
    fn a_sum_keeps_what_rounding_takes() {
        let mut sum = Sum::default();
        [1.0, 1e100, 1.0, -1e100].iter().for_each(|&number| sum.add(number));
        assert_eq!(sum.value(), 2.0);
        sum.add(f64::INFINITY);
        assert_eq!(sum.value(), f64::INFINITY);
        sum.add(f64::NEG_INFINITY);
        assert!(sum.value().is_nan());
    }

    #[test]
    fn a_weight_counts_as_so_many_samples() {
        let weighted = moments(&[1.0, 2.0, 4.0, 9.0], &[1.0], Weighing::new(Some(&[2.0, 1.0, 1.0, 0.0])));
        let repeated = moments(&[1.0, 1.0, 2.0, 4.0], &[1.0], Weighing::new(None));
        assert_eq!(weighted, repeated);
        // Their plain sum is infinite.
        let heavy = moments(&[1.0, 3.0, 1.0, 3.0], &[1.0], Weighing::new(Some(&[f64::MAX; 4])));
        assert_eq!((heavy[0].mean, heavy[0].variance), (2.0, 1.0));
    }
}
