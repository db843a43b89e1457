//! Calibration: whether what is predicted with the probability p happens in a share p of the cases.

use std::collections::BTreeMap;

use crate::data::Sum;

/// The predictions in one of the bins that probabilities are sorted into: a point of the reliability curve.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ReliabilityBin {
    /// The lower end of the bin, which does not belong to it, except that 0 belongs to the first.
    pub lower: f64,
    /// The upper end, which does.
    pub upper: f64,
    /// The mean probability that was predicted: the abscissa.
    pub confidence: f64,
    /// The share of samples for which it happened: the ordinate. Over the diagonal the model is too careful, below
    /// it too sure.
    pub frequency: f64,
    /// The samples in this bin as a share of all, by their weights.
    pub share: f64,
}

#[derive(Default)]
struct Sums {
    weight: Sum,
    probability: Sum,
    happened: Sum,
}

/// The bins that hold samples, of so many of equal width from 0 to 1, from low to high. Of each sample its weight, its
/// probability in [0, 1], and whether it happened.
pub(super) fn reliability(samples: impl Iterator<Item = (f64, f64, bool)>, bins: usize) -> Vec<ReliabilityBin> {
    // A map, so that any number of bins takes no more memory than there are samples.
    let mut filled = BTreeMap::<usize, Sums>::new();
    let mut total = Sum::default();
    for (weight, probability, happened) in samples.filter(|&(weight, ..)| weight > 0.0) {
        let sums = filled.entry(bin_of(probability, bins)).or_default();
        total.add(weight);
        sums.weight.add(weight);
        sums.probability.add(weight * probability);
        if happened {
            sums.happened.add(weight);
        }
    }
    let total = total.value();
    let point = |(bin, sums): (usize, Sums)| {
        let weight = sums.weight.value();
        ReliabilityBin {
            lower: edge(bin, bins),
            upper: edge(bin + 1, bins),
            confidence: sums.probability.value() / weight,
            frequency: sums.happened.value() / weight,
            share: weight / total,
        }
    };
    filled.into_iter().map(point).collect()
}

/// Σ share · |frequency - confidence|.
pub(super) fn expected_error(bins: &[ReliabilityBin]) -> f64 {
    let mut error = Sum::default();
    bins.iter().for_each(|bin| error.add(bin.share * (bin.frequency - bin.confidence).abs()));
    error.value()
}

/// Where bin number `bin` begins.
fn edge(bin: usize, bins: usize) -> f64 {
    bin as f64 / bins as f64
}

/// The bin of a probability.
fn bin_of(probability: f64, bins: usize) -> usize {
    // The product is rounded, and may be on the other side of the edge.
    let bin = ((probability * bins as f64).ceil() as usize).saturating_sub(1).min(bins - 1);
    if bin > 0 && probability <= edge(bin, bins) {
        bin - 1
    } else if bin + 1 < bins && probability > edge(bin + 1, bins) {
        bin + 1
    } else {
        bin
    }
}
