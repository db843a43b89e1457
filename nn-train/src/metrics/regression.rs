//! Metrics of regression: MSE, RMSE, MAE, the median and the largest error, R² and the explained variance.

use std::fmt;

use nn_kernels::Element;

use super::predictions;
use super::rows::check_rows;
use crate::Standardizer;
use crate::data::{Moments, Sum, Weighing, check_weights, moments, unit};
use crate::error::Error;
use crate::network::{Network, Row};

/// Errors of predictions a of targets y, of all outputs together and of each, weighted as the samples are.
///
/// ```
/// use nn_train::metrics::Regression;
///
/// let measured = Regression::from_rows(&[[1.0], [3.0]], &[[1.0], [2.0]])?;
/// assert_eq!((measured.mse, measured.mae, measured.r2), (0.5, 0.5, 0.5));
/// assert_eq!((measured.median_absolute_error, measured.max_error), (0.5, 1.0));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// Each output counts the same: scikit-learn's `multioutput="uniform_average"`. A prediction that is NaN makes
/// the errors of its output NaN, and those of all together.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Regression {
    /// The mean of (a - y)² over samples and outputs. The cost of training is another number: it has a ½, and it is
    /// summed over the outputs.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub mse: f64,
    /// √mse, in the units of the targets. Of several outputs it is the root of the mean; scikit-learn takes the mean of
    /// the roots.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub rmse: f64,
    /// The mean of |a - y|.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub mae: f64,
    /// The mean over outputs of their medians.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub median_absolute_error: f64,
    /// The largest |a - y| of any output.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub max_error: f64,
    /// The mean over outputs of their R².
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub r2: f64,
    /// The mean over outputs of their explained variances.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub explained_variance: f64,
    /// The errors of each output.
    pub outputs: Vec<OutputErrors>,
}

/// The errors of one output, weighted as the samples are. Samples of weight 0 do not count.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OutputErrors {
    /// The mean of (a - y)².
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub mse: f64,
    /// √mse, in the units of the targets.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub rmse: f64,
    /// The mean of |a - y|.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub mae: f64,
    /// The median of |a - y|: half of the samples, by weight, are off by no more. Where that holds for all numbers
    /// between two errors it is their mean.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub median_absolute_error: f64,
    /// The largest |a - y|.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub max_error: f64,
    /// 1 - Σ(a - y)² / Σ(y - ȳ)², ȳ the mean target. Where the targets do not vary it is 1 for perfect predictions and 0
    /// for others, as in scikit-learn; so too for a single sample, for which scikit-learn warns and returns NaN.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub r2: f64,
    /// 1 - Var(a - y) / Var(y): R² without what a constant added to the predictions would mend. Where the targets do not
    /// vary it is 1 if the errors do not either, and 0 otherwise. NaN where an error is infinite.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub explained_variance: f64,
}

impl Regression {
    /// Measures a network on a data set. Where the targets have been
    /// [standardised](crate::DynDataset::targets_standardized), the errors are in the units from before.
    ///
    /// # Errors
    /// The errors of [`predict_batch`](crate::Network::predict_batch).
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let samples = N::dataset(data).samples();
        let predictions = predictions(network, data)?;
        let unscaled = vec![1.0; samples.target_width];
        // A step of 1 in a standardised target is a step of its deviation in the original one.
        let scales = N::dataset(data).target_standardizer().map_or(&unscaled[..], Standardizer::deviations);
        Ok(Self::measure(samples.targets, &predictions, scales, Weighing::new(samples.weights)))
    }

    /// Measures predictions against targets, row by row.
    ///
    /// # Errors
    /// [`Error::Empty`] without a row, [`Error::Length`] unless there are as many predictions as targets.
    pub fn from_rows<Y: Row>(targets: &[Y], predictions: &[Y]) -> Result<Self, Error> {
        Self::from_flat(Y::flatten(targets), Y::flatten(predictions), Y::WIDTH, None)
    }

    /// Measures predictions against targets, rows of `width` numbers one behind the other; row number i counts
    /// weights\[i\] times.
    ///
    /// # Errors
    /// [`Error::Empty`] without a row, [`Error::Argument`] for a width of 0, [`Error::Length`] unless there are as many
    /// predictions as targets, [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when they do not fill
    /// their last row, and for weights as [`DynDataset::with_weights`](crate::DynDataset::with_weights).
    pub fn from_flat<T: Element>(
        targets: &[T],
        predictions: &[T],
        width: usize,
        weights: Option<&[T]>,
    ) -> Result<Self, Error> {
        let lengths = [("targets", targets.len()), ("predictions", predictions.len())];
        let rows = check_rows(lengths, "the width of a row", width)?;
        if let Some(weights) = weights {
            check_weights("the targets", weights, rows)?;
        }
        Ok(Self::measure(targets, predictions, &vec![1.0; width], Weighing::new(weights)))
    }

    /// Measures at least one row, where a step of 1 in output number k is a step of `scales[k]` in the units wanted.
    fn measure<T: Element>(targets: &[T], predictions: &[T], scales: &[f64], weighing: Weighing<'_, T>) -> Self {
        let width = scales.len();
        let counted: Vec<(usize, f64)> = (0..targets.len() / width)
            .map(|sample| (sample, weighing.of(sample)))
            .filter(|&(_, weight)| weight != 0.0)
            .collect();
        let weights: Vec<f64> = counted.iter().map(|&(_, weight)| weight).collect();
        let column = |output: usize| {
            let place = move |&(sample, _): &(usize, f64)| sample * width + output;
            let targets: Vec<f64> = counted.iter().map(|row| targets[place(row)].to_f64()).collect();
            let predictions = counted.iter().map(|row| predictions[place(row)].to_f64());
            let errors = targets.iter().zip(predictions).map(|(y, a)| (a - y) * scales[output]).collect();
            Column { targets, errors, scale: scales[output], weights: &weights }
        };
        let outputs: Vec<Measured> = (0..width).map(|output| column(output).measure()).collect();
        // A unit for all outputs, in which no square overflows.
        let unit = outputs.iter().map(|output| output.unit).fold(f64::MIN_POSITIVE, f64::max);
        let mean = |part: &dyn Fn(&Measured) -> f64| outputs.iter().map(part).sum::<f64>() / width as f64;
        let squares = mean(&|output| output.squares * (output.unit / unit) * (output.unit / unit));
        Self {
            mse: squares * unit * unit,
            rmse: squares.sqrt() * unit,
            mae: mean(&|output| output.errors.mae / unit) * unit,
            median_absolute_error: mean(&|output| output.errors.median_absolute_error / unit) * unit,
            max_error: outputs.iter().map(|output| output.errors.max_error).fold(0.0, highest),
            r2: mean(&|output| output.errors.r2),
            explained_variance: mean(&|output| output.errors.explained_variance),
            outputs: outputs.iter().map(|output| output.errors).collect(),
        }
    }
}

/// The samples of one output that count.
struct Column<'a> {
    targets: Vec<f64>,
    /// In the units wanted, of which a step of 1 in a target is `scale`.
    errors: Vec<f64>,
    scale: f64,
    weights: &'a [f64],
}

struct Measured {
    errors: OutputErrors,
    /// The mean squared error in the square of the unit.
    squares: f64,
    unit: f64,
}

impl Column<'_> {
    fn measure(self) -> Measured {
        let weighing = Weighing::new(Some(self.weights));
        // Errors and deviations are squared in units of their own, so that neither overflows nor vanishes.
        let unit = unit_of(self.errors.iter().copied());
        let (mut squares, mut magnitudes) = (Sum::default(), Sum::default());
        for (sample, error) in self.errors.iter().enumerate() {
            let (weight, error) = (weighing.of(sample), error / unit);
            squares.add(weight * (error * error));
            magnitudes.add(weight * error.abs());
        }
        let total = weighing.total(self.errors.len());
        let (squares, magnitudes) = (squares.value() / total, magnitudes.value() / total);
        let spread = Spread::of(&self.targets, self.scale, weighing);
        let unexplained = Spread::of(&self.errors, 1.0, weighing);
        let errors = OutputErrors {
            mse: squares * unit * unit,
            rmse: squares.sqrt() * unit,
            mae: magnitudes * unit,
            median_absolute_error: median(&self.errors, weighing),
            max_error: self.errors.iter().map(|error| error.abs()).fold(0.0, highest),
            r2: Spread { variance: squares, unit }.explained_by(&spread),
            explained_variance: unexplained.explained_by(&spread),
        };
        Measured { errors, squares, unit }
    }
}

/// A mean square, in the square of a unit.
struct Spread {
    variance: f64,
    unit: f64,
}

impl Spread {
    /// How much numbers vary.
    fn of(numbers: &[f64], scale: f64, weighing: Weighing<'_, f64>) -> Self {
        let unit = unit_of(numbers.iter().copied());
        let moments = moments(numbers, &[unit], weighing);
        let variance = moments.first().map_or(0.0, |moments: &Moments| moments.variance);
        // Of numbers far from 0 that differ a little, the unit of the differences.
        let own = unit_of(std::iter::once(variance.sqrt() * unit * scale));
        match variance {
            0.0 => Self { variance, unit: 1.0 },
            _ => Self { variance: variance * (unit * scale / own) * (unit * scale / own), unit: own },
        }
    }

    /// 1 less the quotient of this and the whole. Where the whole is 0, 1 if this is 0 too and 0 otherwise.
    fn explained_by(&self, whole: &Self) -> f64 {
        if self.variance.is_nan() || whole.variance.is_nan() {
            f64::NAN
        } else if self.variance == 0.0 {
            1.0
        } else if whole.variance == 0.0 {
            0.0
        } else {
            let ratio = self.unit / whole.unit;
            1.0 - self.variance / whole.variance * ratio * ratio
        }
    }
}

/// The unit of numbers, those that are infinite or NaN left out.
fn unit_of(numbers: impl Iterator<Item = f64>) -> f64 {
    unit(numbers.map(f64::abs).filter(|number| number.is_finite()).fold(0.0, f64::max))
}

/// The higher of two numbers, NaN if one is.
fn highest(one: f64, other: f64) -> f64 {
    if one > other || one.is_nan() { one } else { other }
}

/// The weighted median of magnitudes, NaN if one is: the mean of those between which half of the weight ends, or the one
/// in whose weight it ends.
fn median(errors: &[f64], weighing: Weighing<'_, f64>) -> f64 {
    if errors.iter().any(|error| error.is_nan()) {
        return f64::NAN;
    }
    let mut sorted: Vec<(f64, f64)> =
        errors.iter().enumerate().map(|(sample, error)| (error.abs(), weighing.of(sample))).collect();
    sorted.sort_unstable_by(|(one, _), (other, _)| one.total_cmp(other));
    let half = 0.5 * weighing.total(errors.len());
    let mut below = Sum::default();
    for (place, &(error, weight)) in sorted.iter().enumerate() {
        below.add(weight);
        if below.value() > half {
            return error;
        }
        if below.value() == half {
            let next = sorted.get(place + 1).map_or(error, |next| next.0);
            return 0.5 * error + 0.5 * next;
        }
    }
    sorted.last().map_or(f64::NAN, |last| last.0)
}

impl fmt::Display for Regression {
    /// A line, and one for each output if there are several.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = [self.mse, self.rmse, self.mae, self.median_absolute_error, self.max_error];
        line(f, errors, self.r2, self.explained_variance)?;
        if self.outputs.len() > 1 {
            for (number, output) in self.outputs.iter().enumerate() {
                write!(f, "\noutput {number}: {output}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for OutputErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errors = [self.mse, self.rmse, self.mae, self.median_absolute_error, self.max_error];
        line(f, errors, self.r2, self.explained_variance)
    }
}

/// Errors with six significant digits.
fn line(f: &mut fmt::Formatter<'_>, errors: [f64; 5], r2: f64, explained: f64) -> fmt::Result {
    let [mse, rmse, mae, median, max] = errors.map(six_digits);
    write!(f, "mse {mse}, rmse {rmse}, mae {mae}, median {median}, max {max}, r² {r2:.6}, explained {explained:.6}")
}

/// With an exponent where six digits would be all zeros or would not reach the point.
fn six_digits(error: f64) -> String {
    match error {
        0.0 => "0".to_owned(),
        _ if (1e-4..1e6).contains(&error) => format!("{error:.*}", (5.0 - error.log10().floor()) as usize),
        _ => format!("{error:.5e}"),
    }
}
