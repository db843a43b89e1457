//! Precision, recall and F1.

use std::fmt;

use super::ConfusionMatrix;
use crate::error::Error;
use crate::network::Network;

/// How well one class is told from the others. A ratio whose denominator is 0 counts as 0, as in scikit-learn:
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
    /// The samples of this class.
    pub support: usize,
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

/// Precision, recall and F1 of each class, and their averages.
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
    /// All samples.
    pub support: usize,
}

/// `part` of `whole`, 0 if there is no whole.
fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The mean of scores, weighted.
fn average(classes: &[ClassScores], weight: impl Fn(&ClassScores) -> f64) -> Averages {
    let total: f64 = classes.iter().map(&weight).sum();
    let mean =
        |score: fn(&ClassScores) -> f64| classes.iter().map(|class| weight(class) * score(class)).sum::<f64>() / total;
    Averages { precision: mean(|c| c.precision), recall: mean(|c| c.recall), f1: mean(|c| c.f1) }
}

impl ClassificationReport {
    /// Judges what a network makes of a data set.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::evaluate`].
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        Ok(ConfusionMatrix::evaluate(network, data)?.report())
    }

    /// Judges pairs of labels, sample by sample.
    ///
    /// # Errors
    /// As [`ConfusionMatrix::from_labels`].
    pub fn from_labels(actual: &[usize], predicted: &[usize], classes: usize) -> Result<Self, Error> {
        Ok(ConfusionMatrix::from_labels(actual, predicted, classes)?.report())
    }

    /// Judges what a matrix has counted.
    #[must_use]
    pub fn from_confusion(matrix: &ConfusionMatrix) -> Self {
        let scores = |class| {
            let (right, support, predicted) =
                (matrix.count(class, class), matrix.support(class), matrix.predicted(class));
            let (precision, recall) = (ratio(right, predicted), ratio(right, support));
            ClassScores { precision, recall, f1: ratio(2 * right, predicted + support), support }
        };
        let classes: Vec<ClassScores> = (0..matrix.classes()).map(scores).collect();
        Self {
            accuracy: matrix.accuracy(),
            macro_average: average(&classes, |_| 1.0),
            weighted_average: average(&classes, |class| class.support as f64),
            support: matrix.total(),
            classes,
        }
    }
}

impl fmt::Display for ClassificationReport {
    /// A table: a line for each class, the accuracy, and the two averages.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let first = "weighted average".len();
        writeln!(f, "{:>first$}  precision    recall        f1   support", "class")?;
        let mut line = |name: &dyn fmt::Display, [precision, recall, f1]: [f64; 3], support: usize| {
            writeln!(f, "{name:>first$}  {precision:>9.4}  {recall:>8.4}  {f1:>8.4}  {support:>8}")
        };
        for (number, class) in self.classes.iter().enumerate() {
            line(&number, [class.precision, class.recall, class.f1], class.support)?;
        }
        for (name, mean) in [("macro average", self.macro_average), ("weighted average", self.weighted_average)] {
            line(&name, [mean.precision, mean.recall, mean.f1], self.support)?;
        }
        write!(f, "{:>first$}  {:>9}  {:>8}  {:>8.4}  {:>8}", "accuracy", "", "", self.accuracy, self.support)
    }
}
