//! How far predictions are from numbers.

use std::fmt;

use nn_kernels::Element;

use super::predictions;
use crate::error::Error;
use crate::network::{Network, Row};

/// Mean errors over all samples and outputs.
#[derive(Debug, Clone, Copy, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Regression {
    /// The mean of (a - y)²; without the ½ of the loss of that name.
    pub mse: f64,
    /// The mean of |a - y|.
    pub mae: f64,
    /// 1 - Σ(a - y)² / Σ(y - ȳ)², ȳ the mean target of each output, both sums over all outputs. Where the targets
    /// do not vary it is 1 for perfect predictions and 0 for others. (scikit-learn's `r2_score`, variance-weighted.)
    pub r2: f64,
}

impl Regression {
    /// Measures a network on a data set.
    ///
    /// # Errors
    /// What [`predict_batch`](crate::Network::predict_batch) returns.
    pub fn evaluate<N: Network>(network: &N, data: &N::Data) -> Result<Self, Error> {
        let samples = N::data(data).0;
        let predictions = predictions(network, data)?;
        Ok(Self::from_flat(samples.targets, &predictions, samples.target_width))
    }

    /// Measures predictions against targets, row by row.
    ///
    /// # Errors
    /// [`Error::Empty`] or [`Error::Length`].
    pub fn from_rows<Y: Row>(targets: &[Y], predictions: &[Y]) -> Result<Self, Error> {
        if targets.is_empty() {
            return Err(Error::Empty { what: "targets" });
        }
        if targets.len() != predictions.len() {
            return Err(Error::Length { what: "predictions", expected: targets.len(), found: predictions.len() });
        }
        Ok(Self::from_flat(Y::flatten(targets), Y::flatten(predictions), Y::WIDTH))
    }

    /// Measures at least one row of `width`.
    fn from_flat<T: Element>(targets: &[T], predictions: &[T], width: usize) -> Self {
        let rows = targets.len() / width;
        let mut means = vec![0.0; width];
        for target in targets.chunks_exact(width) {
            for (mean, number) in means.iter_mut().zip(target) {
                *mean += number.to_f64() / rows as f64;
            }
        }
        let (mut squares, mut magnitudes, mut spread) = (0.0, 0.0, 0.0);
        for (target, prediction) in targets.chunks_exact(width).zip(predictions.chunks_exact(width)) {
            for ((y, a), mean) in target.iter().zip(prediction).zip(&means) {
                let (error, distance) = (a.to_f64() - y.to_f64(), y.to_f64() - mean);
                squares += error * error;
                magnitudes += error.abs();
                spread += distance * distance;
            }
        }
        let count = targets.len() as f64;
        let r2 = match (squares == 0.0, spread == 0.0) {
            (true, _) => 1.0,
            (false, true) => 0.0,
            (false, false) => 1.0 - squares / spread,
        };
        Self { mse: squares / count, mae: magnitudes / count, r2 }
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mse {:.6}, mae {:.6}, r² {:.6}", self.mse, self.mae, self.r2)
    }
}
