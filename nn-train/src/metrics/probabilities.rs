//! What a network gives each class or label, beside what the samples are.

use std::fmt;

use nn_kernels::{Activation, Element};

use super::calibration::{expected_error, reliability};
use super::rows::{answers, check_numbers, check_rows};
use super::{Ranking, ReliabilityBin, predictions};
use crate::data::{Sum, Weighing, check_labels, check_weights, highest, sum_tolerance};
use crate::error::Error;
use crate::network::Network;

/// The outputs of a network for the samples of a data set, beside their classes or labels: computed once, measured in
/// many ways.
///
/// ```
/// use nn_train::metrics::Probabilities;
///
/// // Four samples, of each the class and the probability of class 1.
/// let measured = Probabilities::from_labels(&[0, 0, 1, 1], &[0.1, 0.4, 0.35, 0.8], 1, None)?;
/// assert_eq!(measured.roc_auc(), Some(0.75));
/// assert!((measured.brier_score()? - 0.158125).abs() < 1e-12);
/// println!("{measured}");
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # What the outputs mean
///
/// - One output: the probability of class 1.
/// - Several outputs of a softmax: the probabilities of classes that exclude each other. Each sample has one.
/// - Several outputs of any other kind: each answers a question of its own, yes (1) or no (0). Measures are the mean over
///   these labels, each counting the same. Targets with a single 1 among zeros are taken so too.
///
/// [`roc_auc`](Self::roc_auc), [`average_precision`](Self::average_precision) and
/// [`top_k_accuracy`](Self::top_k_accuracy) only compare outputs, which may be any numbers. The others take
/// probabilities, and return an error for an output that is none.
///
/// Every measure weighs samples as the data set does.
#[derive(Debug, Clone, PartialEq)]
pub struct Probabilities {
    actual: Actual,
    /// m × width; none is NaN.
    outputs: Vec<f64>,
    width: usize,
    weights: Option<Vec<f64>>,
    bins: usize,
    /// ε of the type that the outputs have had.
    epsilon: f64,
    /// How far from 1 the probabilities of the classes may sum.
    tolerance: f64,
}

/// What samples are.
#[derive(Debug, Clone, PartialEq)]
enum Actual {
    /// The class of each, one of several.
    Classes(Vec<usize>),
    /// The answers of each to all questions, row by row.
    Labels(Vec<bool>),
}

/// The bins of [`Probabilities::calibration_error`] unless others are asked for.
const BINS: usize = 15;

impl Probabilities {
    /// Predicts every sample of a data set.
    ///
    /// # Errors
    /// [`Error::NotAClass`] when a target of a softmax stands for no class, [`Error::Target`] when another target is
    /// neither 0 nor 1, [`Error::NaNOutput`] when an output is NaN, or what
    /// [`predict_batch`](crate::Network::predict_batch) returns.
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let samples = N::dataset(data).samples();
        let outputs = predictions(network, data)?;
        let width = samples.target_width;
        let output = network.architecture().layers().last().map(|layer| layer.activation);
        let actual = if output == Some(Activation::Softmax) && width > 1 {
            Actual::Classes(samples.labels()?)
        } else {
            Actual::Labels(answers(samples.targets, width)?)
        };
        Self::of(actual, &outputs, width, samples.weights)
    }

    /// Takes the class of each sample and what a model gave it: rows of `width` probabilities one behind the other, one
    /// for each class, or of the one probability of class 1. Sample number i counts weights\[i\] times.
    ///
    /// # Errors
    /// [`Error::Argument`] for a width of 0, [`Error::Empty`] without a sample, [`Error::Label`] for a label that is no
    /// class, [`Error::Length`] unless there is a row for each label,
    /// [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when the numbers do not fill their last row,
    /// [`Error::NaNOutput`] for one that is NaN, and for weights as
    /// [`DynDataset::with_weights`](crate::DynDataset::with_weights).
    pub fn from_labels<T: Element>(
        labels: &[usize],
        probabilities: &[T],
        width: usize,
        weights: Option<&[T]>,
    ) -> Result<Self, Error> {
        let len = labels.len().saturating_mul(width);
        let rows = check_rows([("labels", len), ("probabilities", probabilities.len())], "the width of a row", width)?;
        check_labels(labels, width)?;
        if let Some(weights) = weights {
            check_weights("the labels", weights, rows)?;
        }
        let actual = match width {
            1 => Actual::Labels(labels.iter().map(|&label| label == 1).collect()),
            _ => Actual::Classes(labels.to_vec()),
        };
        Self::of(actual, probabilities, width, weights)
    }

    /// Takes samples that may have several labels or none: rows of `width` answers, each 0 or 1, and as many rows of
    /// what a model gave them. Row number i counts weights\[i\] times.
    ///
    /// # Errors
    /// [`Error::Target`] for an answer that is neither 0 nor 1; otherwise as [`from_labels`](Self::from_labels).
    pub fn from_flat<T: Element>(
        targets: &[T],
        probabilities: &[T],
        width: usize,
        weights: Option<&[T]>,
    ) -> Result<Self, Error> {
        let lengths = [("targets", targets.len()), ("probabilities", probabilities.len())];
        let rows = check_rows(lengths, "the width of a row", width)?;
        if let Some(weights) = weights {
            check_weights("the targets", weights, rows)?;
        }
        Self::of(Actual::Labels(answers(targets, width)?), probabilities, width, weights)
    }

    /// Takes rows that have been checked, but for NaN.
    fn of<T: Element>(actual: Actual, outputs: &[T], width: usize, weights: Option<&[T]>) -> Result<Self, Error> {
        check_numbers(outputs, width)?;
        let plain = |numbers: &[T]| numbers.iter().map(|number| number.to_f64()).collect();
        Ok(Self {
            actual,
            outputs: plain(outputs),
            width,
            weights: weights.map(plain),
            bins: BINS,
            epsilon: T::EPSILON.to_f64(),
            tolerance: sum_tolerance::<T>(),
        })
    }

    /// Sets into how many bins of equal width probabilities are sorted for
    /// [`calibration_error`](Self::calibration_error) and the curves, at least 1; 15 unless set, as in Guo et al.
    #[must_use]
    pub fn calibration_bins(self, bins: usize) -> Self {
        Self { bins, ..self }
    }

    /// How many outputs each sample has.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.width
    }

    /// The samples in the order of output number `output`: its curves, areas and best thresholds. Where classes exclude
    /// each other it is this class against the rest.
    ///
    /// # Errors
    /// [`Error::Argument`] for an output that there is not.
    pub fn ranking(&self, output: usize) -> Result<Ranking, Error> {
        self.check_output(output)?;
        Ok(self.rank(output))
    }

    /// The area under the receiver operating characteristic: see [`Ranking::roc_auc`]. For several outputs it is the mean
    /// over them, each against the rest and each counting the same: scikit-learn's `roc_auc_score` with
    /// `average="macro"`, and for classes `multi_class="ovr"`.
    ///
    /// None where it is undefined for one of the outputs: its samples are all positive, or all negative.
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        self.mean_over_outputs(|ranking| ranking.roc_auc())
    }

    /// The same, each output counting as its positive samples do: `average="weighted"`. Outputs without a positive sample
    /// count nothing.
    ///
    /// None where an output has positive samples only, or none has any.
    #[must_use]
    pub fn weighted_roc_auc(&self) -> Option<f64> {
        let (mut sum, mut total) = (Sum::default(), Sum::default());
        for ranking in (0..self.width).map(|output| self.rank(output)) {
            let (positive, _) = ranking.totals();
            if positive > 0.0 {
                sum.add(positive * ranking.roc_auc()?);
                total.add(positive);
            }
        }
        let total = total.value();
        (total > 0.0).then(|| sum.value() / total)
    }

    /// The average precision: see [`Ranking::average_precision`]. For several outputs it is the mean over them, each
    /// against the rest and each counting the same.
    ///
    /// None where an output has no positive sample.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        self.mean_over_outputs(|ranking| ranking.average_precision())
    }

    /// The share of samples whose class is among the `k` highest outputs. Of equal outputs the first is the higher one, so
    /// that top 1 is the accuracy; scikit-learn's `top_k_accuracy_score` takes the last. A single output tells two classes
    /// apart, class 1 from ½ on.
    ///
    /// # Errors
    /// [`Error::Argument`] for a `k` of 0, [`Error::NotAClass`] when a sample has not one label of several.
    pub fn top_k_accuracy(&self, k: usize) -> Result<f64, Error> {
        if k == 0 {
            return Err(Error::argument("k", k, "at least 1"));
        }
        let labels = self.labels()?;
        let is_among = |row: &[f64], label: usize| match row {
            [_] => k > 1 || highest(row) == Some(label),
            _ => {
                let own = row[label];
                let above = |(other, &output): (usize, &f64)| output > own || (output == own && other < label);
                row.iter().enumerate().filter(|&place| above(place)).count() < k
            }
        };
        let hits = self.rows().zip(&labels).map(|(row, &label)| f64::from(is_among(row, label)));
        Ok(self.mean(hits))
    }

    /// The mean of -ln p, p the probability of what the sample is; for labels of -ln p or -ln (1 - p), and the mean over
    /// the labels. Probabilities are first brought into [ε, 1 - ε], ε that of their type, as scikit-learn's `log_loss`
    /// does: so a certain prediction that is wrong costs 36 in `f64` and 16 in `f32`, and not ∞.
    ///
    /// # Errors
    /// [`Error::Output`] for an output that is not in [0, 1], [`Error::OutputSum`] when the probabilities of classes do
    /// not sum to 1.
    pub fn log_loss(&self) -> Result<f64, Error> {
        self.check_probabilities()?;
        let cost = |probability: f64| -probability.clamp(self.epsilon, 1.0 - self.epsilon).ln();
        Ok(match &self.actual {
            Actual::Classes(labels) => self.mean(self.rows().zip(labels).map(|(row, &label)| cost(row[label]))),
            Actual::Labels(_) => self
                .mean_over_labels(|probability, happened| cost(if happened { probability } else { 1.0 - probability })),
        })
    }

    /// The mean of (p - y)², p the probability of class 1 and y 1 or 0 (Brier, "Verification of forecasts expressed in
    /// terms of probability", Monthly Weather Review 78 (1950)); for labels also the mean over them. For three or more
    /// classes it is the mean of Σ_k (p_k - y_k)², in [0, 2], and for two classes half of that, so that it is the same
    /// with one output. scikit-learn's `brier_score_loss`.
    ///
    /// # Errors
    /// As [`log_loss`](Self::log_loss).
    pub fn brier_score(&self) -> Result<f64, Error> {
        self.check_probabilities()?;
        let square = |probability: f64, happened: bool| (probability - f64::from(happened)).powi(2);
        Ok(match &self.actual {
            Actual::Classes(labels) => {
                let factor = if self.width < 3 { 0.5 } else { 1.0 };
                let sum = |(row, &label): (&[f64], &usize)| -> f64 {
                    row.iter().enumerate().map(|(class, &probability)| square(probability, class == label)).sum()
                };
                factor * self.mean(self.rows().zip(labels).map(sum))
            }
            Actual::Labels(_) => self.mean_over_labels(square),
        })
    }

    /// The expected calibration error, Σ_b (n_b / n) |frequency_b - confidence_b| over the bins b (Guo, Pleiss, Sun and
    /// Weinberger, "On calibration of modern neural networks", ICML 2017): 0 where of the samples predicted with the
    /// probability p a share p is right. The [`bins`](Self::calibration_bins) are of equal width.
    ///
    /// For classes it is of the [`confidence_curve`](Self::confidence_curve), as in the paper. For one output it is of the
    /// [`reliability_curve`](Self::reliability_curve), and for labels the mean over them.
    ///
    /// # Errors
    /// As [`log_loss`](Self::log_loss), and [`Error::Setting`] for no bins.
    pub fn calibration_error(&self) -> Result<f64, Error> {
        if let Actual::Classes(_) = self.actual {
            return Ok(expected_error(&self.confidence_curve()?));
        }
        let mut sum = Sum::default();
        for output in 0..self.width {
            sum.add(expected_error(&self.reliability_curve(output)?));
        }
        Ok(sum.value() / self.width as f64)
    }

    /// How often what output number `output` stands for happened, over the probability that it gave: the bins that hold
    /// samples, from low to high. scikit-learn's `calibration_curve`.
    ///
    /// # Errors
    /// As [`calibration_error`](Self::calibration_error), and [`Error::Argument`] for an output that there is not.
    pub fn reliability_curve(&self, output: usize) -> Result<Vec<ReliabilityBin>, Error> {
        self.check_output(output)?;
        self.check_bins()?;
        let weighing = self.weighing();
        let samples = self.column(output).enumerate();
        Ok(reliability(
            samples.map(|(sample, (happened, probability))| (weighing.of(sample), probability, happened)),
            self.bins,
        ))
    }

    /// How often the class that was decided for was the right one, over its probability: the bins that hold samples, from
    /// low to high. Of a single output p that probability is p or 1 - p, whichever class it decides for.
    ///
    /// # Errors
    /// As [`calibration_error`](Self::calibration_error), and [`Error::NotAClass`] when a sample has not one label of
    /// several.
    pub fn confidence_curve(&self) -> Result<Vec<ReliabilityBin>, Error> {
        self.check_bins()?;
        let labels = self.labels()?;
        let weighing = self.weighing();
        let samples = self.rows().zip(&labels).enumerate().map(|(sample, (row, &label))| {
            // No output is NaN, so there is a highest one.
            let class = highest(row).unwrap_or(0);
            let confidence = match row {
                [probability] if class == 0 => 1.0 - probability,
                [probability] => *probability,
                _ => row[class],
            };
            (weighing.of(sample), confidence, class == label)
        });
        Ok(reliability(samples, self.bins))
    }

    fn rows(&self) -> impl Iterator<Item = &[f64]> {
        self.outputs.chunks_exact(self.width)
    }

    fn weighing(&self) -> Weighing<'_, f64> {
        Weighing::new(self.weights.as_deref())
    }

    /// Whether each sample is what an output stands for, and what that output is.
    fn column(&self, output: usize) -> impl Iterator<Item = (bool, f64)> {
        let positive = move |sample: usize| match &self.actual {
            Actual::Classes(labels) => labels[sample] == output,
            Actual::Labels(labels) => labels[sample * self.width + output],
        };
        self.rows().enumerate().map(move |(sample, row)| (positive(sample), row[output]))
    }

    fn rank(&self, output: usize) -> Ranking {
        Ranking::of(self.column(output), self.weighing())
    }

    /// The class of each sample.
    fn labels(&self) -> Result<Vec<usize>, Error> {
        let answers = match &self.actual {
            Actual::Classes(labels) => return Ok(labels.clone()),
            Actual::Labels(answers) => answers,
        };
        let class = |(sample, row): (usize, &[bool])| match row {
            [answer] => Ok(usize::from(*answer)),
            _ => {
                let mut classes = row.iter().enumerate().filter(|&(_, &answer)| answer).map(|(class, _)| class);
                match (classes.next(), classes.next()) {
                    (Some(class), None) => Ok(class),
                    _ => Err(Error::NotAClass { sample, expected: "a single 1 among zeros" }),
                }
            }
        };
        answers.chunks_exact(self.width).enumerate().map(class).collect()
    }

    /// The mean of a number of each sample, weighted.
    fn mean(&self, numbers: impl Iterator<Item = f64>) -> f64 {
        let weighing = self.weighing();
        let mut sum = Sum::default();
        numbers.enumerate().for_each(|(sample, number)| sum.add(weighing.of(sample) * number));
        sum.value() / weighing.total(self.outputs.len() / self.width)
    }

    /// The mean over samples and outputs of a measure of an output and whether what it stands for is so.
    fn mean_over_labels(&self, measure: impl Fn(f64, bool) -> f64) -> f64 {
        let mut sum = Sum::default();
        for output in 0..self.width {
            sum.add(self.mean(self.column(output).map(|(happened, probability)| measure(probability, happened))));
        }
        sum.value() / self.width as f64
    }

    /// The mean of a measure of each output, if it is defined for all.
    fn mean_over_outputs(&self, measure: impl Fn(Ranking) -> Option<f64>) -> Option<f64> {
        let mut sum = Sum::default();
        for output in 0..self.width {
            sum.add(measure(self.rank(output))?);
        }
        Some(sum.value() / self.width as f64)
    }

    fn check_output(&self, output: usize) -> Result<(), Error> {
        if output < self.width { Ok(()) } else { Err(Error::argument("output", output, "below the number of outputs")) }
    }

    fn check_bins(&self) -> Result<(), Error> {
        if self.bins == 0 {
            return Err(Error::setting("calibration_bins", self.bins, "at least 1"));
        }
        self.check_probabilities()
    }

    fn check_probabilities(&self) -> Result<(), Error> {
        let is_probability = |output: &f64| (0.0..=1.0).contains(output);
        if let Some(place) = self.outputs.iter().position(|output| !is_probability(output)) {
            let (sample, column, value) = (place / self.width, place % self.width, self.outputs[place]);
            return Err(Error::Output { sample, column, value, expected: "a probability, a number in [0, 1]" });
        }
        if let Actual::Classes(_) = self.actual {
            let sums = self.rows().map(|row| row.iter().sum::<f64>());
            if let Some((sample, sum)) = sums.enumerate().find(|(_, sum)| (sum - 1.0).abs() > self.tolerance) {
                return Err(Error::OutputSum { sample, sum, tolerance: self.tolerance });
            }
        }
        Ok(())
    }
}

impl fmt::Display for Probabilities {
    /// A line for each measure of all outputs; `undefined` where it has no value.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let measures = [
            ("ROC AUC", self.roc_auc()),
            ("average precision", self.average_precision()),
            ("log loss", self.log_loss().ok()),
            ("Brier score", self.brier_score().ok()),
            ("calibration error", self.calibration_error().ok()),
        ];
        for (number, (name, value)) in measures.into_iter().enumerate() {
            let end = if number + 1 < measures.len() { "\n" } else { "" };
            match value {
                Some(value) => write!(f, "{name:>17}  {value:>9.6}{end}")?,
                None => write!(f, "{name:>17}  undefined{end}")?,
            }
        }
        Ok(())
    }
}
