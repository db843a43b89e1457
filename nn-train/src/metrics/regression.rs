//! Metrics of regression: MSE, RMSE, MAE and R².

use std::fmt;

use nn_kernels::{Element, StepError};

use super::predictions;
use crate::Standardizer;
use crate::data::{Moments, Sum, Weighing, check_weights, moments, unit};
use crate::error::Error;
use crate::network::{Network, Row};

/// Mean errors over all samples and outputs, weighted as the samples are.
///
/// ```
/// use nn_train::metrics::Regression;
///
/// let measured = Regression::from_rows(&[[1.0], [3.0]], &[[1.0], [2.0]])?;
/// assert_eq!((measured.mse, measured.mae, measured.r2), (0.5, 0.5, 0.5));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// A prediction that is NaN makes them all NaN.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Regression {
    /// The mean of (a - y)² over samples and outputs. The cost of training is another number: it has a ½, and it is
    /// summed over the outputs.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub mse: f64,
    /// √mse, in the units of the targets.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub rmse: f64,
    /// The mean of |a - y|.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub mae: f64,
    /// 1 - Σ(a - y)² / Σ(y - ȳ)², ȳ the mean target of each output, both sums over all outputs. Where no target
    /// varies it is 1 for perfect predictions and 0 for others.
    ///
    /// It is scikit-learn's `r2_score` with `multioutput="variance_weighted"`, except that it counts the errors of an
    /// output whose targets do not vary while others do.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub r2: f64,
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
    /// [`Error::Empty`] without a row, [`Error::Setting`] for a width of 0, [`Error::Length`] unless there are as many
    /// predictions as targets, [`StepError::Ragged`] in [`Error::Step`] when they do not fill their last row, and for
    /// weights as [`DynDataset::with_weights`](crate::DynDataset::with_weights).
    pub fn from_flat<T: Element>(
        targets: &[T],
        predictions: &[T],
        width: usize,
        weights: Option<&[T]>,
    ) -> Result<Self, Error> {
        if width == 0 {
            return Err(Error::setting("the width of a row", width, "at least 1"));
        }
        if targets.is_empty() {
            return Err(Error::Empty { what: "targets" });
        }
        for (what, numbers) in [("targets", targets), ("predictions", predictions)] {
            if !numbers.len().is_multiple_of(width) {
                return Err(StepError::Ragged { what, len: numbers.len(), width }.into());
            }
        }
        let (expected, found) = (targets.len() / width, predictions.len() / width);
        if expected != found {
            return Err(Error::Length { what: "predictions", expected, found });
        }
        if let Some(weights) = weights {
            check_weights("the targets", weights, expected)?;
        }
        Ok(Self::measure(targets, predictions, &vec![1.0; width], Weighing::new(weights)))
    }

    /// Measures at least one row, where a step of 1 in output number k is a step of `scales[k]` in the units wanted.
    fn measure<T: Element>(targets: &[T], predictions: &[T], scales: &[f64], weighing: Weighing<'_, T>) -> Self {
        let width = scales.len();
        // Errors and deviations are squared in units of their own, so that neither overflows nor vanishes.
        let spread = Spread::of(targets, scales, weighing);
        let errors = || {
            let rows = targets.chunks_exact(width).zip(predictions.chunks_exact(width)).enumerate();
            let rows = rows.map(|(sample, row)| (row, weighing.of(sample))).filter(|&(_, weight)| weight != 0.0);
            rows.flat_map(|((target, prediction), weight)| {
                let numbers = target.iter().zip(prediction).zip(scales);
                numbers.map(move |((y, a), scale)| ((a.to_f64() - y.to_f64()) * scale, weight))
            })
        };
        let unit = unit_of(errors().map(|(error, _)| error));
        let (mut squares, mut magnitudes) = (Sum::default(), Sum::default());
        for (error, weight) in errors() {
            let error = error / unit;
            squares.add(weight * (error * error));
            magnitudes.add(weight * error.abs());
        }
        let total = weighing.total(targets.len() / width);
        let (squares, magnitudes) = (squares.value() / total, magnitudes.value() / total);
        let r2 = if squares.is_nan() || spread.variance.is_nan() {
            f64::NAN
        } else if squares == 0.0 {
            1.0
        } else if spread.variance == 0.0 {
            0.0
        } else {
            let ratio = unit / spread.unit;
            1.0 - squares / spread.variance * ratio * ratio
        };
        let (mse, mae) = (squares / width as f64, magnitudes / width as f64);
        Self { mse: mse * unit * unit, rmse: mse.sqrt() * unit, mae: mae * unit, r2 }
    }
}

/// How much targets vary: the variances of all outputs together, in the square of a unit.
struct Spread {
    variance: f64,
    unit: f64,
}

impl Spread {
    fn of<T: Element>(targets: &[T], scales: &[f64], weighing: Weighing<'_, T>) -> Self {
        let width = scales.len();
        let column = |column| targets.iter().skip(column).step_by(width).map(|number| number.to_f64());
        let units: Vec<f64> = (0..width).map(|output| unit_of(column(output))).collect();
        let moments = moments(targets, &units, weighing);
        let factors: Vec<f64> = units.iter().zip(scales).map(|(unit, scale)| unit * scale).collect();
        let deviations = moments.iter().zip(&factors).map(|(moments, factor)| moments.variance.sqrt() * factor);
        let unit = unit_of(deviations);
        let part = |(moments, factor): (&Moments, &f64)| match moments.variance {
            // The factor of an output that does not vary may be too large for the others' unit.
            0.0 => 0.0,
            variance => variance * (factor / unit) * (factor / unit),
        };
        Self { variance: moments.iter().zip(&factors).map(part).sum(), unit }
    }
}

/// The unit of numbers, those that are infinite or NaN left out.
fn unit_of(numbers: impl Iterator<Item = f64>) -> f64 {
    unit(numbers.map(f64::abs).filter(|number| number.is_finite()).fold(0.0, f64::max))
}

impl fmt::Display for Regression {
    /// Errors with six significant digits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [mse, rmse, mae] = [self.mse, self.rmse, self.mae].map(six_digits);
        write!(f, "mse {mse}, rmse {rmse}, mae {mae}, r² {:.6}", self.r2)
    }
}

/// With an exponent where six digits would be all zeros or would not reach the point.
fn six_digits(error: f64) -> String {
    match error {
        0.0 => "0".to_owned(),
        _ if (1e-4..1e6).contains(&error) => format!("{error:.*}", (5.0 - error.log10().floor()) as usize),
        _ => format!("{error:.5e}"),
    }
}
