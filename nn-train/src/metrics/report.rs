//! The classification report: precision, recall and F1 of each class, accuracies, and Matthews' correlation.

use std::fmt;

use super::confusion::{check_labels, decimals};
use super::scores::{Averages, ClassScores, Counts, Tally};
use super::{ConfusionMatrix, labels};
use crate::data::{Sum, check_weights};
use crate::error::Error;
use crate::network::Network;

/// Precision, recall and F1 of each class and their averages, and measures of all classes together. Where samples have
/// weights, each counts as much.
///
/// ```
/// use nn_train::metrics::ClassificationReport;
///
/// let report = ClassificationReport::from_labels(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
/// assert_eq!(report.classes[0].precision, 0.5);
/// assert_eq!((report.accuracy, report.balanced_accuracy), (0.6, (1.0 / 2.0 + 2.0 / 3.0) / 2.0));
/// println!("{report}");
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// Each sample has one class and is taken for one, so the micro average of precision, of recall and of F1 are all the
/// [`accuracy`](Self::accuracy). Where a sample may have several labels or none, see
/// [`MultiLabelReport`](super::MultiLabelReport).
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct ClassificationReport {
    /// The scores of each class.
    pub classes: Vec<ClassScores>,
    /// The share of samples classified right.
    pub accuracy: f64,
    /// The mean recall of the classes that have samples, each counting the same: 1/K for guesses, however many samples
    /// each of the K classes has.
    pub balanced_accuracy: f64,
    /// Matthews' correlation of the classes with the predicted ones, for any number of classes (Gorodkin, "Comparing
    /// two K-category assignments by a K-category correlation coefficient", Computational Biology and Chemistry 28
    /// (2004)): 1 if all are right, 0 for guesses, at least -1. Of the shares t_k of samples of class k, p_k taken for
    /// class k, and c classified right it is (c - Σ p_k t_k) / √((1 - Σ p_k²) (1 - Σ t_k²)). It is 0 where all samples
    /// are of one class, or are taken for one.
    pub matthews: f64,
    /// The mean over classes, each counting the same.
    pub macro_average: Averages,
    /// The mean over classes, each counting as its samples do.
    pub weighted_average: Averages,
    /// The weight of all samples: how many they are, where samples have no weights.
    pub support: f64,
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
        let counts = (0..matrix.classes()).map(|class| Counts {
            right: matrix.count(class, class),
            support: matrix.support(class),
            predicted: matrix.predicted(class),
        });
        Self::new(counts.clone().map(Counts::scores).collect(), counts, matrix.accuracy())
    }

    /// Judges labels that have been checked. It takes K tallies, where a matrix takes K × K counts.
    fn of(actual: &[usize], predicted: &[usize], classes: usize, weight: impl Fn(usize) -> f64) -> Result<Self, Error> {
        let too_many = |_| Error::argument("classes", classes, "fewer, so that their scores fit into memory");
        let (mut tallies, mut scores) = (Vec::new(), Vec::new());
        tallies.try_reserve_exact(classes).map_err(too_many)?;
        scores.try_reserve_exact(classes).map_err(too_many)?;
        tallies.resize(classes, Tally::default());
        let (mut right, mut total) = (Sum::default(), Sum::default());
        for (sample, (&actual, &predicted)) in actual.iter().zip(predicted).enumerate() {
            let weight = weight(sample);
            total.add(weight);
            tallies[actual].support.add(weight);
            tallies[predicted].predicted.add(weight);
            if actual == predicted {
                right.add(weight);
                tallies[actual].right.add(weight);
            }
        }
        let counts = tallies.iter().map(Tally::counts);
        scores.extend(counts.clone().map(Counts::scores));
        Ok(Self::new(scores, counts, right.value() / total.value()))
    }

    fn new(classes: Vec<ClassScores>, counts: impl Iterator<Item = Counts> + Clone, accuracy: f64) -> Self {
        Self {
            accuracy,
            balanced_accuracy: Averages::of(&classes, |class| f64::from(class.support > 0.0)).recall,
            matthews: matthews(counts),
            macro_average: Averages::of(&classes, |_| 1.0),
            weighted_average: Averages::of(&classes, |class| class.support),
            support: classes.iter().map(|class| class.support).sum(),
            classes,
        }
    }
}

/// Matthews' correlation.
fn matthews(counts: impl Iterator<Item = Counts> + Clone) -> f64 {
    let total: f64 = counts.clone().map(|class| class.support).sum();
    // In shares of the total, whose squares do not overflow. 1 - Σ p² is Σ p (1 - p), where nothing cancels.
    let spread = |part: fn(Counts) -> f64| -> f64 {
        counts.clone().map(part).map(|weight| weight / total * ((total - weight) / total).max(0.0)).sum()
    };
    let spread = spread(|class| class.support).sqrt() * spread(|class| class.predicted).sqrt();
    if spread == 0.0 {
        return 0.0;
    }
    let common = counts.map(|class| class.right / total - class.support / total * (class.predicted / total));
    (common.sum::<f64>() / spread).clamp(-1.0, 1.0)
}

impl fmt::Display for ClassificationReport {
    /// A table: a line for each class, the two averages, the accuracies and Matthews' correlation.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = decimals(self.classes.iter().map(|class| class.support));
        heading(f, "class")?;
        for (number, class) in self.classes.iter().enumerate() {
            line(f, &number, [class.precision, class.recall, class.f1], class.support, decimals)?;
        }
        for (name, mean) in [("macro average", self.macro_average), ("weighted average", self.weighted_average)] {
            line(f, &name, [mean.precision, mean.recall, mean.f1], self.support, decimals)?;
        }
        let empty = "";
        let Self { accuracy, balanced_accuracy, matthews, support, .. } = self;
        writeln!(f, "{:>FIRST$}  {empty:>9}  {empty:>8}  {accuracy:>8.4}  {support:>8.decimals$}", "accuracy")?;
        writeln!(f, "{:>FIRST$}  {empty:>9}  {empty:>8}  {balanced_accuracy:>8.4}", "balanced accuracy")?;
        write!(f, "{:>FIRST$}  {empty:>9}  {empty:>8}  {matthews:>8.4}", "Matthews")
    }
}

/// The width of the first column.
pub(super) const FIRST: usize = "balanced accuracy".len();

/// The first line of a table.
pub(super) fn heading(f: &mut fmt::Formatter<'_>, what: &str) -> fmt::Result {
    writeln!(f, "{what:>FIRST$}  precision    recall        f1   support")
}

/// A line of the table.
pub(super) fn line(
    f: &mut fmt::Formatter<'_>,
    name: &dyn fmt::Display,
    [precision, recall, f1]: [f64; 3],
    support: f64,
    decimals: usize,
) -> fmt::Result {
    writeln!(f, "{name:>FIRST$}  {precision:>9.4}  {recall:>8.4}  {f1:>8.4}  {support:>8.decimals$}")
}
