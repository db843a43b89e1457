//! Which classes are taken for which.

use std::fmt;

use super::{ClassificationReport, labels};
use crate::error::Error;
use crate::network::Network;

/// How often samples of one class were taken for each of the classes: K × K counts, a row for each class that a
/// sample was, a column for each that it was taken for.
///
/// ```
/// use nn_train::metrics::ConfusionMatrix;
///
/// let matrix = ConfusionMatrix::from_labels(&[0, 0, 1, 1, 1], &[0, 1, 1, 1, 0], 2)?;
/// assert_eq!(matrix.count(1, 0), 1);
/// assert_eq!(matrix.accuracy(), 0.6);
/// println!("{matrix}");
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(
    feature = "serde",
    derive(serde::Serialize, serde::Deserialize),
    serde(try_from = "Vec<Vec<usize>>", into = "Vec<Vec<usize>>")
)]
pub struct ConfusionMatrix {
    classes: usize,
    counts: Vec<usize>,
}

impl ConfusionMatrix {
    /// Counts what a network makes of a data set.
    ///
    /// # Errors
    /// [`Error::NotAClass`] when a target stands for no class, or what
    /// [`predict_batch`](crate::Network::predict_batch) returns.
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let (actual, predicted) = labels(network, data)?;
        Self::from_labels(&actual, &predicted, N::data(data).0.classes())
    }

    /// Counts pairs of labels, sample by sample.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Length`], or [`Error::Label`] for a label that is not below `classes`.
    pub fn from_labels(actual: &[usize], predicted: &[usize], classes: usize) -> Result<Self, Error> {
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
        let cells = classes.checked_mul(classes).ok_or_else(|| Error::setting("classes", classes, "fewer"))?;
        let mut counts = vec![0; cells];
        for (&row, &column) in actual.iter().zip(predicted) {
            counts[row * classes + column] += 1;
        }
        Ok(Self { classes, counts })
    }

    /// K, the number of classes.
    #[must_use]
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// How many samples of class `actual` were taken for `predicted`; 0 for a class that there is not.
    #[must_use]
    pub fn count(&self, actual: usize, predicted: usize) -> usize {
        if actual < self.classes && predicted < self.classes {
            self.counts[actual * self.classes + predicted]
        } else {
            0
        }
    }

    /// All samples, at least 1.
    #[must_use]
    pub fn total(&self) -> usize {
        self.counts.iter().sum()
    }

    /// The samples of class `class`.
    #[must_use]
    pub fn support(&self, class: usize) -> usize {
        (0..self.classes).map(|predicted| self.count(class, predicted)).sum()
    }

    /// The samples taken for class `class`.
    #[must_use]
    pub fn predicted(&self, class: usize) -> usize {
        (0..self.classes).map(|actual| self.count(actual, class)).sum()
    }

    /// The share of samples that were taken for what they are.
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        let right: usize = (0..self.classes).map(|class| self.count(class, class)).sum();
        right as f64 / self.total() as f64
    }

    /// Precision, recall and F1 of each class.
    #[must_use]
    pub fn report(&self) -> ClassificationReport {
        ClassificationReport::from_confusion(self)
    }
}

/// The counts row by row, at least one of them above 0.
impl TryFrom<Vec<Vec<usize>>> for ConfusionMatrix {
    type Error = Error;

    fn try_from(rows: Vec<Vec<usize>>) -> Result<Self, Error> {
        let classes = rows.len();
        if let Some((row, counts)) = rows.iter().enumerate().find(|(_, counts)| counts.len() != classes) {
            return Err(Error::Counts { row, expected: classes, found: counts.len() });
        }
        let counts = rows.concat();
        let total = counts.iter().try_fold(0_usize, |sum, &count| sum.checked_add(count));
        match total {
            None => Err(Error::setting("the sum of counts", "larger than memory", "a number of samples")),
            Some(0) => Err(Error::Empty { what: "the confusion matrix" }),
            Some(_) => Ok(Self { classes, counts }),
        }
    }
}

impl From<ConfusionMatrix> for Vec<Vec<usize>> {
    fn from(matrix: ConfusionMatrix) -> Self {
        matrix.counts.chunks(matrix.classes.max(1)).map(<[usize]>::to_vec).collect()
    }
}

impl fmt::Display for ConfusionMatrix {
    /// A row for each class that a sample was, a column for each that it was taken for; `.` is none.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let longest = self.counts.iter().copied().max().unwrap_or(0).max(self.classes.saturating_sub(1));
        let width = longest.to_string().len().max(2) + 1;
        let first = "is \\ taken for".len();
        write!(f, "{:>first$} ", "is \\ taken for")?;
        for class in 0..self.classes {
            write!(f, "{class:>width$}")?;
        }
        for actual in 0..self.classes {
            write!(f, "\n{actual:>first$} ")?;
            for predicted in 0..self.classes {
                match self.count(actual, predicted) {
                    0 => write!(f, "{:>width$}", ".")?,
                    count => write!(f, "{count:>width$}")?,
                }
            }
        }
        Ok(())
    }
}
