//! What holds for every threshold at once: areas under curves, the curves, and the best thresholds.

use nn_kernels::Element;

use super::rows::{check_numbers, check_rows};
use crate::data::{Sum, Weighing, check_weights};
use crate::error::Error;

/// The samples of one yes-or-no question, ordered by the score that a model gave them: who is taken for a yes at every
/// threshold.
///
/// At a threshold t the samples with a score of at least t are taken for a yes. Only the order of the scores counts,
/// so they need not be probabilities. Samples of equal scores are taken together. Samples of weight 0 are left out.
///
/// ```
/// use nn_train::metrics::Ranking;
///
/// let ranking = Ranking::new(&[false, false, true, true], &[0.1, 0.4, 0.35, 0.8], None)?;
/// assert_eq!(ranking.roc_auc(), Some(0.75));
/// let best = ranking.best_f1().expect("there is a positive sample");
/// assert_eq!((best.threshold, best.value), (0.35, 0.8));
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ranking {
    /// From the highest score to the lowest, each once; not empty.
    steps: Vec<Step>,
}

/// Who is taken for a yes at a threshold: weights of samples.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Step {
    threshold: f64,
    /// Those that are one.
    right: f64,
    /// Those that are none.
    wrong: f64,
}

/// A threshold, and what it reaches.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct BestThreshold {
    /// Scores of at least this are taken for a yes. It is one of the scores; of several that reach as much, the highest.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub threshold: f64,
    /// The measure at this threshold.
    pub value: f64,
}

/// A point of the receiver operating characteristic.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RocPoint {
    /// Scores of at least this are taken for a yes.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub threshold: f64,
    /// The share of negative samples taken for a yes: the abscissa.
    pub false_positive_rate: f64,
    /// The share of positive samples taken for a yes, which is the recall: the ordinate.
    pub true_positive_rate: f64,
}

/// A point of the precision-recall curve.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PrecisionRecallPoint {
    /// Scores of at least this are taken for a yes.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub threshold: f64,
    /// The share of positive samples taken for a yes: the abscissa.
    pub recall: f64,
    /// Of the samples taken for a yes, the share that is one: the ordinate.
    pub precision: f64,
}

impl Ranking {
    /// Orders samples by their scores; sample number i is a yes if positive\[i\], and counts weights\[i\] times.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::Length`] unless there are as many scores, [`Error::NaNOutput`] for a
    /// score that is NaN, and for weights as [`DynDataset::with_weights`](crate::DynDataset::with_weights).
    pub fn new<T: Element>(positive: &[bool], scores: &[T], weights: Option<&[T]>) -> Result<Self, Error> {
        let samples = check_rows([("labels", positive.len()), ("scores", scores.len())], "the width of a row", 1)?;
        check_numbers(scores, 1)?;
        if let Some(weights) = weights {
            check_weights("the labels", weights, samples)?;
        }
        let samples = positive.iter().copied().zip(scores.iter().map(|score| score.to_f64()));
        Ok(Self::of(samples, Weighing::new(weights)))
    }

    /// Orders samples that have been checked: at least one has a weight, and no score is NaN.
    pub(super) fn of<T: Element>(samples: impl Iterator<Item = (bool, f64)>, weighing: Weighing<'_, T>) -> Self {
        let samples = samples.enumerate().map(|(sample, (positive, score))| (score, positive, weighing.of(sample)));
        let mut samples: Vec<_> = samples.filter(|&(.., weight)| weight > 0.0).collect();
        samples.sort_unstable_by(|(one, ..), (other, ..)| other.total_cmp(one));
        let (mut right, mut wrong) = (Sum::default(), Sum::default());
        // Equal and not the same bits: 0 and -0 are one score.
        let steps = samples.chunk_by(|(one, ..), (next, ..)| one == next).map(|tied| {
            for &(_, positive, weight) in tied {
                if positive { right.add(weight) } else { wrong.add(weight) }
            }
            Step { threshold: tied[0].0, right: right.value(), wrong: wrong.value() }
        });
        Self { steps: steps.collect() }
    }

    /// The weight of the positive samples and of the negative ones, in the same unit.
    pub(super) fn totals(&self) -> (f64, f64) {
        self.steps.last().map_or((0.0, 0.0), |last| (last.right, last.wrong))
    }

    /// The area under the receiver operating characteristic: how likely a positive sample has a higher score than a
    /// negative one, where equal scores count ½ (Fawcett, "An introduction to ROC analysis", Pattern Recognition
    /// Letters 27 (2006)). 1 is a perfect order, ½ is none. scikit-learn's `roc_auc_score`.
    ///
    /// None where all samples are positive, or all negative.
    #[must_use]
    pub fn roc_auc(&self) -> Option<f64> {
        let (positive, negative) = self.of_both()?;
        let mut area = Sum::default();
        let mut before = (0.0, 0.0);
        for &Step { right, wrong, .. } in &self.steps {
            area.add((wrong - before.1) / negative * (0.5 * (right + before.0) / positive));
            before = (right, wrong);
        }
        Some(area.value().clamp(0.0, 1.0))
    }

    /// The average precision: Σ (R_i - R_(i-1)) P_i over the thresholds i from the highest to the lowest, R the recall and
    /// P the precision (Su, Yuan and Zhu, "A relationship between the average precision and the area under the ROC
    /// curve", ICTIR 2015). 1 is a perfect order; the share of positive samples is none. scikit-learn's
    /// `average_precision_score`; it does not interpolate.
    ///
    /// None where no sample is positive, for which scikit-learn warns and returns 0.
    #[must_use]
    pub fn average_precision(&self) -> Option<f64> {
        let positive = self.positive()?;
        let mut area = Sum::default();
        let mut before = 0.0;
        for &Step { right, wrong, .. } in &self.steps {
            area.add((right - before) / positive * (right / (right + wrong)));
            before = right;
        }
        Some(area.value().clamp(0.0, 1.0))
    }

    /// The threshold with the highest F1, 2 · right / (positive samples + samples taken for a yes).
    ///
    /// None where no sample is positive.
    #[must_use]
    pub fn best_f1(&self) -> Option<BestThreshold> {
        let positive = self.positive()?;
        Some(self.best(|step| step.right / (0.5 * (positive + step.right + step.wrong)), |f1| f1))
    }

    /// The threshold with the highest J, the true positive rate less the false positive rate (Youden, "Index for rating
    /// diagnostic tests", Cancer 3 (1950)): where the receiver operating characteristic is farthest above the diagonal.
    ///
    /// None where all samples are positive, or all negative.
    #[must_use]
    pub fn best_youden(&self) -> Option<BestThreshold> {
        let (positive, negative) = self.of_both()?;
        // The quotient once, at the end: thresholds that reach as much are equal, where rates would be rounded.
        let difference = |step: &Step| step.right * negative - step.wrong * positive;
        Some(self.best(difference, |best| best / positive / negative))
    }

    /// The receiver operating characteristic, from (0, 0) at the threshold ∞ to (1, 1) at the lowest score: a point for
    /// every score. scikit-learn's `roc_curve` with `drop_intermediate=False`.
    ///
    /// None where all samples are positive, or all negative.
    #[must_use]
    pub fn roc_curve(&self) -> Option<Vec<RocPoint>> {
        let (positive, negative) = self.of_both()?;
        let start = RocPoint { threshold: f64::INFINITY, false_positive_rate: 0.0, true_positive_rate: 0.0 };
        let points = self.steps.iter().map(|step| RocPoint {
            threshold: step.threshold,
            false_positive_rate: step.wrong / negative,
            true_positive_rate: step.right / positive,
        });
        Some(std::iter::once(start).chain(points).collect())
    }

    /// Precision over recall, from the recall 0 at the threshold ∞, where the precision is 1 by definition, to the recall
    /// 1 at the lowest score: a point for every score. scikit-learn's `precision_recall_curve` the other way round.
    ///
    /// None where no sample is positive.
    #[must_use]
    pub fn precision_recall_curve(&self) -> Option<Vec<PrecisionRecallPoint>> {
        let positive = self.positive()?;
        let start = PrecisionRecallPoint { threshold: f64::INFINITY, recall: 0.0, precision: 1.0 };
        let points = self.steps.iter().map(|step| PrecisionRecallPoint {
            threshold: step.threshold,
            recall: step.right / positive,
            precision: step.right / (step.right + step.wrong),
        });
        Some(std::iter::once(start).chain(points).collect())
    }

    /// The weight of the positive samples, if there are any.
    fn positive(&self) -> Option<f64> {
        let (positive, _) = self.totals();
        (positive > 0.0).then_some(positive)
    }

    /// The weights of the positive and the negative samples, if there are both.
    fn of_both(&self) -> Option<(f64, f64)> {
        let (positive, negative) = self.totals();
        (positive > 0.0 && negative > 0.0).then_some((positive, negative))
    }

    /// The first of the thresholds with the highest measure.
    fn best(&self, measure: impl Fn(&Step) -> f64, value: impl Fn(f64) -> f64) -> BestThreshold {
        let (mut threshold, mut most) = (f64::INFINITY, f64::NEG_INFINITY);
        for step in &self.steps {
            let reached = measure(step);
            if reached > most {
                (threshold, most) = (step.threshold, reached);
            }
        }
        BestThreshold { threshold, value: value(most) }
    }
}
