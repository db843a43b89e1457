//! Precision, recall and F1 of one class, and their averages.

use crate::data::Sum;

/// Precision, recall and F1 of one class. A ratio whose denominator is 0 counts as 0, as in scikit-learn:
/// the precision of a class that nothing was taken for, the recall of one without samples, and F1 where both
/// are 0.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ClassScores {
    /// Of the samples taken for this class, the share that is of it.
    pub precision: f64,
    /// Of the samples of this class, the share taken for it.
    pub recall: f64,
    /// The harmonic mean of the two, 2 · right / (samples of it + samples taken for it).
    pub f1: f64,
    /// The weight of the samples of this class: how many they are, where samples have no weights.
    pub support: f64,
}

/// Scores averaged over the classes.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Averages {
    /// The mean precision.
    pub precision: f64,
    /// The mean recall.
    pub recall: f64,
    /// The mean F1.
    pub f1: f64,
}

impl Averages {
    /// The mean of scores, weighted; 0 where nothing has a weight.
    pub(super) fn of(classes: &[ClassScores], weight: impl Fn(&ClassScores) -> f64) -> Self {
        let total: f64 = classes.iter().map(&weight).sum();
        let mean = |score: fn(&ClassScores) -> f64| {
            ratio(classes.iter().map(|class| weight(class) * score(class)).sum::<f64>(), total)
        };
        Self { precision: mean(|c| c.precision), recall: mean(|c| c.recall), f1: mean(|c| c.f1) }
    }
}

/// `part` of `whole`, 0 if there is no whole.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// The sums that the scores of a class are computed from: weights of samples.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Those of the class that were taken for it.
    pub(super) right: Sum,
    /// Those of the class.
    pub(super) support: Sum,
    /// Those taken for the class.
    pub(super) predicted: Sum,
}

impl Tally {
    pub(super) fn counts(&self) -> Counts {
        Counts { right: self.right.value(), support: self.support.value(), predicted: self.predicted.value() }
    }
}

/// The values of a [`Tally`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) right: f64,
    pub(super) support: f64,
    pub(super) predicted: f64,
}

impl Counts {
    pub(super) fn scores(self) -> ClassScores {
        let Self { right, support, predicted } = self;
        // Halves, as the sum of two finite numbers need not be one.
        let f1 = ratio(right, 0.5 * predicted + 0.5 * support);
        ClassScores { precision: ratio(right, predicted), recall: ratio(right, support), f1, support }
    }
}
