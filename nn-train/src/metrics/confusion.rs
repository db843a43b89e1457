//! The confusion matrix.

use std::fmt;

use super::{ClassificationReport, labels};
use crate::data::{Sum, check_weights};
use crate::error::Error;
use crate::network::Network;

/// How often each class was predicted for the samples of each class: K × K counts, a row for each actual class, a column
/// for each predicted class.
///
/// A count is the sum of its samples' weights, an `f64`. Where samples have no weights each counts 1, and the counts
/// are whole numbers (exact up to 2⁵³).
///
/// ```
/// use nn_train::metrics::ConfusionMatrix;
///
/// let matrix = ConfusionMatrix::from_labels(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
/// assert_eq!(matrix.count(1, 0), 1.0);
/// assert_eq!(matrix.accuracy(), 0.6);
/// println!("{matrix}");
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Vec<Vec<f64>>", into = "Vec<Vec<f64>>")
)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<f64>,
}

/// Labels sample by sample, each below `classes`, of which there are some.
pub(super) fn check_labels(actual: &[usize], predicted: &[usize], classes: usize) -> Result<(), Error> {
    if classes == 0 {
        return Err(Error::argument("classes", classes, "at least 1"));
    }
    if actual.is_empty() {
        return Err(Error::Empty { what: "labels" });
    }
    if actual.len() != predicted.len() {
        return Err(Error::Length { what: "predicted labels", expected: actual.len(), found: predicted.len() });
    }
    for labels in [actual, predicted] {
        if let Some(sample) = labels.iter().position(|&label| label >= classes) {
            return Err(Error::Label { sample, label: labels[sample], classes });
        }
    }
    Ok(())
}

impl ConfusionMatrix {
    /// Counts what a network makes of a data set, each sample as often as its weight says.
    ///
    /// # Errors
    /// [`Error::NotAClass`] when a target stands for no class, [`Error::NaNOutput`] when an output is NaN,
    /// [`Error::Argument`] when there are more classes than there is memory for, or what
    /// [`predict_batch`](crate::Network::predict_batch) returns.
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let (actual, predicted) = labels(network, data)?;
        let samples = N::dataset(data).samples();
        Self::of(&actual, &predicted, samples.classes(), |sample| samples.weight(sample))
    }

    /// Counts pairs of labels, sample by sample.
    ///
    /// # Errors
    /// [`Error::Empty`] without a label, [`Error::Length`] unless there are as many predicted ones,
    /// [`Error::Label`] for a label that is not below `classes`, [`Error::Argument`] for no class or for more than there
    /// is memory for.
    pub fn from_labels(actual: &[usize], predicted: &[usize], classes: usize) -> Result<Self, Error> {
        check_labels(actual, predicted, classes)?;
        Self::of(actual, predicted, classes, |_| 1.0)
    }

    /// Counts pairs of labels, pair number i weights\[i\] times.
    ///
    /// # Errors
    /// As [`from_labels`](Self::from_labels), and for weights as
    /// [`DynDataset::with_weights`](crate::DynDataset::with_weights).
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

    /// Counts labels that have been checked.
    fn of(actual: &[usize], predicted: &[usize], classes: usize, weight: impl Fn(usize) -> f64) -> Result<Self, Error> {
        let too_many = |_| Error::argument("classes", classes, "fewer, so that K × K counts fit into memory");
        let cells = classes.saturating_mul(classes);
        let mut sums = Vec::new();
        sums.try_reserve_exact(cells).map_err(too_many)?;
        sums.resize(cells, Sum::default());
        for (sample, (&row, &column)) in actual.iter().zip(predicted).enumerate() {
            sums[row * classes + column].add(weight(sample));
        }
        let counts = sums.into_iter().map(Sum::value).collect();
        Ok(Self { classes, counts })
    }

    /// K, the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The weight of the samples of class `actual` that were taken for `predicted`: how many they are, where samples
    /// have no weights. 0 for a class that there is not.
    #[must_use]
    pub fn count(&self, actual: usize, predicted: usize) -> f64 {
        if actual < self.classes && predicted < self.classes {
            self.counts[actual * self.classes + predicted]
        } else {
            0.0
        }
    }

    /// All samples, more than 0.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.counts.iter().sum()
    }

    /// The samples of class `class`.
    #[must_use]
    pub fn support(&self, class: usize) -> f64 {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum()
    }

    /// The samples taken for class `class`.
    #[must_use]
    pub fn predicted(&self, class: usize) -> f64 {
        (0..self.classes).map(|actual| self.count(actual, class)).sum()
    }

    /// The share of samples that were taken for what they are.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        (0..self.classes).map(|class| self.count(class, class)).sum::<f64>() / self.total()
    }

    /// Precision, recall and F1 of each class.
    #[must_use]
    pub fn report(&self) -> ClassificationReport {
        ClassificationReport::from_confusion(self)
    }
}

/// The counts row by row, at least one of them above 0.
impl TryFrom<Vec<Vec<f64>>> for ConfusionMatrix {
    type Error = Error;

    fn try_from(rows: Vec<Vec<f64>>) -> Result<Self, Error> {
        let classes = rows.len();
        for (row, counts) in rows.iter().enumerate() {
            if counts.len() != classes {
                return Err(Error::Counts { row, expected: classes, found: counts.len() });
            }
            if let Some(column) = counts.iter().position(|count| !(count.is_finite() && *count >= 0.0)) {
                return Err(Error::Count { row, column, value: counts[column] });
            }
        }
        let counts = rows.concat();
        let total: f64 = counts.iter().sum();
        if !total.is_finite() {
            return Err(Error::Sum { what: "the counts", value: total, expected: "a finite number" });
        }
        if total == 0.0 {
            return Err(Error::Empty { what: "the confusion matrix" });
        }
        Ok(Self { classes, counts })
    }
}

impl From<ConfusionMatrix> for Vec<Vec<f64>> {
    fn from(matrix: ConfusionMatrix) -> Self {
        matrix.counts.chunks(matrix.classes.max(1)).map(<[f64]>::to_vec).collect()
    }
}

/// How many decimals counts are printed with: none where all are whole numbers.
pub(super) fn decimals(counts: impl IntoIterator<Item = f64>) -> usize {
    if counts.into_iter().all(|count| count == count.trunc()) { 0 } else { 2 }
}

impl fmt::Display for ConfusionMatrix {
    /// A row for each actual class, a column for each predicted one; `.` is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CORNER: &str = "actual \\ predicted";
        let decimals = decimals(self.counts.iter().copied());
        let highest = self.counts.iter().copied().fold(0.0, f64::max);
        let longest = format!("{highest:.decimals$}").len();
        let width = longest.max(self.classes.saturating_sub(1).to_string().len()).max(2) + 1;
        let first = CORNER.len();
        write!(f, "{CORNER} ")?;
        for class in 0..self.classes {
            write!(f, "{class:>width$}")?;
        }
        for actual in 0..self.classes {
            write!(f, "\n{actual:>first$} ")?;
            for predicted in 0..self.classes {
                match self.count(actual, predicted) {
                    0.0 => write!(f, "{:>width$}", ".")?,
                    count => write!(f, "{count:>width$.decimals$}")?,
                }
            }
        }
        Ok(())
    }
}
