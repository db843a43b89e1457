//! The report of decisions on several labels that do not exclude each other.

use std::fmt;

use nn_kernels::Element;

use super::confusion::decimals;
use super::predictions;
use super::report::{FIRST, heading, line};
use super::rows::{answers, check_numbers, check_rows};
use super::scores::{Averages, ClassScores, Counts, Tally};
use crate::data::{Sum, check_weights};
use crate::error::Error;
use crate::network::Network;

/// Precision, recall and F1 of each label, where a sample may have several labels or none: each output of the network
/// answers a question of its own, yes (1) or no (0). Where samples have weights, each counts as much.
///
/// ```
/// use nn_train::metrics::MultiLabelReport;
///
/// // Two samples, three labels.
/// let actual = [true, true, false, false, true, false];
/// let decided = [true, false, false, false, true, false];
/// let report = MultiLabelReport::from_decisions(&actual, &decided, 3, None)?;
/// assert_eq!((report.labels[1].precision, report.labels[1].recall), (1.0, 0.5));
/// assert_eq!((report.micro_average.recall, report.accuracy), (2.0 / 3.0, 0.5));
/// println!("{report}");
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct MultiLabelReport {
    /// The scores of each label.
    pub labels: Vec<ClassScores>,
    /// The share of samples with every label right.
    pub accuracy: f64,
    /// The scores of all decisions together, whichever label they are about.
    pub micro_average: Averages,
    /// The mean over labels, each counting the same.
    pub macro_average: Averages,
    /// The mean over labels, each counting as the samples that have it; 0 where no sample has a label.
    pub weighted_average: Averages,
    /// The sum of the labels' supports: a sample counts once for each label that it has.
    pub support: f64,
}

impl MultiLabelReport {
    /// Judges what a network makes of a data set whose targets are 0 or 1. An output of at least ½ is a yes; for other
    /// thresholds see [`from_decisions`](Self::from_decisions).
    ///
    /// # Errors
    /// [`Error::Target`] for a target that is neither 0 nor 1, [`Error::NaNOutput`] when an output is NaN, or what
    /// [`predict_batch`](crate::Network::predict_batch) returns.
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let samples = N::dataset(data).samples();
        let outputs = predictions(network, data)?;
        let width = samples.target_width;
        let actual = answers(samples.targets, width)?;
        check_numbers(&outputs, width)?;
        let decided: Vec<bool> = outputs.iter().map(|output| output.to_f64() >= 0.5).collect();
        Ok(Self::of(&actual, &decided, width, |sample| samples.weight(sample)))
    }

    /// Judges decisions, rows of as many as there are `labels` one behind the other; row number i counts weights\[i\]
    /// times.
    ///
    /// # Errors
    /// [`Error::Argument`] for no labels, [`Error::Empty`] without a row, [`Error::Length`] unless there are as many
    /// decisions as answers, [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when they do not fill
    /// their last row, and for weights as [`DynDataset::with_weights`](crate::DynDataset::with_weights).
    pub fn from_decisions(
        actual: &[bool],
        decided: &[bool],
        labels: usize,
        weights: Option<&[f64]>,
    ) -> Result<Self, Error> {
        let rows = check_rows([("targets", actual.len()), ("predictions", decided.len())], "labels", labels)?;
        if let Some(weights) = weights {
            check_weights("the targets", weights, rows)?;
        }
        Ok(Self::of(actual, decided, labels, |sample| weights.map_or(1.0, |weights| weights[sample])))
    }

    /// Judges rows that have been checked.
    fn of(actual: &[bool], decided: &[bool], width: usize, weight: impl Fn(usize) -> f64) -> Self {
        let mut tallies = vec![Tally::default(); width];
        let (mut right, mut total) = (Sum::default(), Sum::default());
        let rows = actual.chunks_exact(width).zip(decided.chunks_exact(width));
        for (sample, (actual, decided)) in rows.enumerate() {
            let weight = weight(sample);
            total.add(weight);
            if actual == decided {
                right.add(weight);
            }
            for ((&actual, &decided), tally) in actual.iter().zip(decided).zip(&mut tallies) {
                if actual {
                    tally.support.add(weight);
                }
                if decided {
                    tally.predicted.add(weight);
                }
                if actual && decided {
                    tally.right.add(weight);
                }
            }
        }
        let counts = tallies.iter().map(Tally::counts);
        let sum = |part: fn(Counts) -> f64| counts.clone().map(part).sum::<f64>();
        let all = Counts {
            right: sum(|label| label.right),
            support: sum(|label| label.support),
            predicted: sum(|label| label.predicted),
        };
        let ClassScores { precision, recall, f1, support } = all.scores();
        let labels: Vec<ClassScores> = counts.map(Counts::scores).collect();
        Self {
            accuracy: right.value() / total.value(),
            micro_average: Averages { precision, recall, f1 },
            macro_average: Averages::of(&labels, |_| 1.0),
            weighted_average: Averages::of(&labels, |label| label.support),
            support,
            labels,
        }
    }
}

impl fmt::Display for MultiLabelReport {
    /// A table: a line for each label, the three averages, and the accuracy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decimals = decimals(self.labels.iter().map(|label| label.support));
        heading(f, "label")?;
        for (number, label) in self.labels.iter().enumerate() {
            line(f, &number, [label.precision, label.recall, label.f1], label.support, decimals)?;
        }
        for (name, mean) in [
            ("micro average", self.micro_average),
            ("macro average", self.macro_average),
            ("weighted average", self.weighted_average),
        ] {
            line(f, &name, [mean.precision, mean.recall, mean.f1], self.support, decimals)?;
        }
        write!(f, "{:>FIRST$}  {:>9}  {:>8}  {:>8.4}", "all labels right", "", "", self.accuracy)
    }
}
