//! How numbers are distributed.

use prost::Message;

/// The bins of a histogram, as many as TensorFlow's have.
const BINS: usize = 30;

/// `HistogramProto` of TensorFlow's `histogram.proto`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    min: f64,
    #[prost(double, tag = "2")]
    max: f64,
    #[prost(double, tag = "3")]
    count: f64,
    #[prost(double, tag = "4")]
    sum: f64,
    #[prost(double, tag = "5")]
    sum_of_squares: f64,
    /// The upper end of each bin; the first begins at `min`.
    #[prost(double, repeated, tag = "6")]
    ends: Vec<f64>,
    #[prost(double, repeated, tag = "7")]
    counts: Vec<f64>,
}

impl Histogram {
    /// In bins of equal width from the least number to the greatest; in a single one where all are the same. They
    /// are finite.
    pub(super) fn of(numbers: &[f64]) -> Self {
        let ends = |(least, greatest): (f64, f64), &number: &f64| (number.min(least), number.max(greatest));
        let (min, max) = numbers.iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
        let bins = if max > min { BINS } else { 1 };
        let width = (max - min) / bins as f64;
        let mut counts = vec![0.0; bins];
        for number in numbers {
            counts[(((number - min) / width) as usize).min(bins - 1)] += 1.0;
        }
        Self {
            min,
            max,
            count: numbers.len() as f64,
            sum: numbers.iter().sum(),
            sum_of_squares: numbers.iter().map(|number| number * number).sum(),
            ends: (1..=bins).map(|bin| if bin == bins { max } else { min + width * bin as f64 }).collect(),
            counts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_its_bin() {
        let numbers: Vec<f64> = (0..=60).map(f64::from).collect();
        let Histogram { min, max, count, sum, sum_of_squares, ends, counts } = Histogram::of(&numbers);
        assert_eq!((min, max, count, sum, sum_of_squares), (0.0, 60.0, 61.0, 1830.0, 73_810.0));
        assert_eq!(ends, (1..=30).map(|bin| 2.0 * f64::from(bin)).collect::<Vec<_>>());
        // The upper end belongs to the next bin, and that of the last one to itself.
        assert_eq!(counts, [&[2.0; 29][..], &[3.0]].concat());
    }

    #[test]
    fn numbers_that_are_all_the_same_are_in_one_bin() {
        let histogram = Histogram::of(&[-0.5; 7]);
        assert_eq!((histogram.min, histogram.max), (-0.5, -0.5));
        assert_eq!((histogram.ends, histogram.counts), (vec![-0.5], vec![7.0]));
        assert_eq!(Histogram::of(&[0.0, f64::from_bits(1)]).counts.iter().sum::<f64>(), 2.0, "bins of no width");
    }
}
