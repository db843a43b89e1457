//! Precision, recall and F1.

use std::fmt;

use super::confusion::{check_labels, decimals};
use super::{ConfusionMatrix, labels};
use crate::data::check_weights;
use crate::error::Error;
use crate::network::Network;

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

/// Precision, recall and F1 of each class, and their averages. Where samples have weights, each counts as much.
///
/// ```
/// use nn_train::metrics::ClassificationReport;
///
/// let report = ClassificationReport::from_labels(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
/// assert_eq!(report.classes[0].precision, 0.5);
/// println!("{report}");
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ClassificationReport {
    /// The scores of each class.
    pub classes: Vec<ClassScores>,
    /// The share of samples classified right.
    pub accuracy: f64,
    /// The mean over classes, each counting the same.
    pub macro_average: Averages,
    /// The mean over classes, each counting as its samples do.
    pub weighted_average: Averages,
    /// The weight of all samples: how many they are, where samples have no weights.
    pub support: f64,
}

/// `part` of `whole`, 0 if there is no whole.
fn ratio(part: f64, whole: f64) -> f64 {
    if whole == 0.0 { 0.0 } else { part / whole }
}

/// The mean of scores, weighted.
fn average(classes: &[ClassScores], weight: impl Fn(&ClassScores) -> f64) -> Averages {
    let total: f64 = classes.iter().map(&weight).sum();
    let mean =
        |score: fn(&ClassScores) -> f64| classes.iter().map(|class| weight(class) * score(class)).sum::<f64>() / total;
    Averages { precision: mean(|c| c.precision), recall: mean(|c| c.recall), f1: mean(|c| c.f1) }
}

/// The sums that the scores of a class are computed from: weights of samples.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    /// Those of the class that were taken for it.
    right: f64,
    /// Those of the class.
    support: f64,
    /// Those taken for the class.
    predicted: f64,
}

impl Tally {
    fn scores(&self) -> ClassScores {
        let Self { right, support, predicted } = *self;
        // Halves, as the sum of two finite numbers need not be one.
        let f1 = ratio(right, 0.5 * predicted + 0.5 * support);
        ClassScores { precision: ratio(right, predicted), recall: ratio(right, support), f1, support }
    }
}

impl ClassificationReport {
    /// Judges what a network makes of a data set.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::evaluate`].
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let (actual, predicted) = labels(network, data)?;
        let samples = N::dataset(data).samples();
        Self::of(&actual, &predicted, samples.classes(), |sample| samples.weight(sample))
    }

    /// Judges pairs of labels, sample by sample.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::from_labels`].
    pub fn from_labels(actual: &[usize], predicted: &[usize], classes: usize) -> Result<Self, Error> {
        check_labels(actual, predicted, classes)?;
        Self::of(actual, predicted, classes, |_| 1.0)
    }

    /// Judges pairs of labels, of which pair number i counts weights\[i\] times.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::from_weighted_labels`].
    pub fn from_weighted_labels(
        actual: &[usize],
        predicted: &[usize],
        weights: &[f64],
        classes: usize,
    ) -> Result<Self, Error> {
        check_labels(actual, predicted, classes)?;
        check_weights("the labels", weights, actual.len())?;
        Self::of(actual, predicted, classes, |sample| weights[sample])
    }

    /// Judges what a matrix has counted.
    #[must_use]
    pub fn from_confusion(matrix: &ConfusionMatrix) -> Self {
        let tally = |class| Tally {
            right: matrix.count(class, class),
            support: matrix.support(class),
            predicted: matrix.predicted(class),
        };
        Self::from_scores((0..matrix.classes()).map(|class| tally(class).scores()).collect(), matrix.accuracy())
    }

    /// Judges labels that have been checked. It takes K tallies, where a matrix takes K × K counts.
    fn of(actual: &[usize], predicted: &[usize], classes: usize, weight: impl Fn(usize) -> f64) -> Result<Self, Error> {
        let too_many = || Error::setting("classes", classes, "fewer, so that their scores fit into memory");
        let (mut tallies, mut scores) = (Vec::new(), Vec::new());
        tallies.try_reserve_exact(classes).map_err(|_| too_many())?;
        scores.try_reserve_exact(classes).map_err(|_| too_many())?;
        tallies.resize(classes, Tally::default());
        let (mut right, mut total) = (0.0, 0.0);
        for (sample, (&actual, &predicted)) in actual.iter().zip(predicted).enumerate() {
            let weight = weight(sample);
            total += weight;
            tallies[actual].support += weight;
            tallies[predicted].predicted += weight;
            if actual == predicted {
                right += weight;
                tallies[actual].right += weight;
            }
        }
        scores.extend(tallies.iter().map(Tally::scores));
        Ok(Self::from_scores(scores, right / total))
    }

    fn from_scores(classes: Vec<ClassScores>, accuracy: f64) -> Self {
        Self {
            accuracy,
            macro_average: average(&classes, |_| 1.0),
            weighted_average: average(&classes, |class| class.support),
            support: classes.iter().map(|class| class.support).sum(),
            classes,
        }
    }
}

impl fmt::Display for ClassificationReport {
    /// A table: a line for each class, the accuracy, and the two averages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = "weighted average".len();
        let decimals = decimals(self.classes.iter().map(|class| class.support));
        writeln!(f, "{:>first$}  precision    recall        f1   support", "class")?;
        let mut line = |name: &dyn fmt::Display, [precision, recall, f1]: [f64; 3], support: f64| {
            writeln!(f, "{name:>first$}  {precision:>9.4}  {recall:>8.4}  {f1:>8.4}  {support:>8.decimals$}")
        };
        for (number, class) in self.classes.iter().enumerate() {
            line(&number, [class.precision, class.recall, class.f1], class.support)?;
        }
        for (name, mean) in [("macro average", self.macro_average), ("weighted average", self.weighted_average)] {
            line(&name, [mean.precision, mean.recall, mean.f1], self.support)?;
        }
        let Self { accuracy, support, .. } = self;
        write!(f, "{:>first$}  {:>9}  {:>8}  {accuracy:>8.4}  {support:>8.decimals$}", "accuracy", "", "")
    }
}
