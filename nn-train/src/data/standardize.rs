//! Bringing features to mean 0 and standard deviation 1.

use std::fmt;
use std::marker::PhantomData;

use nn_kernels::Element;

use crate::Row;
use crate::error::Error;

/// The constants by which samples are standardised, feature by feature: x' = (x - mean) / deviation.
///
/// Fit it on the samples to train on and apply it to all others, including those of tomorrow: with the feature
/// `serde` it goes into a file. Means and deviations are computed and applied in `f64`.
///
/// ```
/// use nn_train::Standardizer;
///
/// let standardizer = Standardizer::fit(&[[1.0_f32, 7.0], [3.0, 7.0]])?;
/// assert_eq!(standardizer.means(), [2.0, 7.0]);
/// assert_eq!(standardizer.deviations(), [1.0, 1.0]);
/// assert_eq!(standardizer.apply(&[5.0, 7.5]), [3.0, 0.5]);
/// # Ok::<(), nn_train::Error>(())
/// ```
pub struct Standardizer<X> {
    means: Box<[f64]>,
    deviations: Box<[f64]>,
    rows: PhantomData<fn() -> X>,
}

impl<X: Row> Standardizer<X> {
    /// The mean of each feature, and its deviation √(Σ(x - mean)² / m), that of the whole and not of a sample, as
    /// in scikit-learn's `StandardScaler`. A feature that never varies has the deviation 1: it is centred only.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::NonFinite`], or [`Error::Deviation`] when a feature is so
    /// widespread that its deviation overflows, or so narrow that its deviation is 0 although it varies.
    pub fn fit(inputs: &[X]) -> Result<Self, Error> {
        if inputs.is_empty() {
            return Err(Error::Empty { what: "inputs" });
        }
        super::check_finite("inputs", X::flatten(inputs), X::WIDTH)?;
        let count = inputs.len() as f64;
        let first = inputs[0].as_slice();
        let (mut means, mut squares) = (vec![0.0; X::WIDTH], vec![0.0; X::WIDTH]);
        let mut varies = vec![false; X::WIDTH];
        for input in inputs {
            for (column, number) in input.as_slice().iter().enumerate() {
                means[column] += number.to_f64() / count;
                // Equal numbers' mean may be rounded; comparing them is exact.
                varies[column] |= *number != first[column];
            }
        }
        for input in inputs {
            for (column, number) in input.as_slice().iter().enumerate() {
                let distance = number.to_f64() - means[column];
                squares[column] += distance * distance;
            }
        }
        let mut deviations: Vec<f64> = squares.iter().map(|sum| (sum / count).sqrt()).collect();
        for column in 0..X::WIDTH {
            if !varies[column] {
                (means[column], deviations[column]) = (first[column].to_f64(), 1.0);
            } else if !(deviations[column].is_finite() && deviations[column] > 0.0) {
                return Err(Error::Deviation { column, value: deviations[column] });
            }
        }
        let (means, deviations) = (means.into_boxed_slice(), deviations.into_boxed_slice());
        Ok(Self { means, deviations, rows: PhantomData })
    }

    /// Constants from elsewhere.
    ///
    /// # Errors
    /// [`Error::Constants`] when there are not S_1 of each, [`Error::Setting`] when a mean is not finite or a
    /// deviation not finite and positive.
    pub fn from_constants(means: Vec<f64>, deviations: Vec<f64>) -> Result<Self, Error> {
        for (name, count) in [("means", means.len()), ("deviations", deviations.len())] {
            if count != X::WIDTH {
                return Err(Error::Constants { name, expected: X::WIDTH, found: count });
            }
        }
        if let Some(mean) = means.iter().find(|mean| !mean.is_finite()) {
            return Err(Error::setting("a mean", mean, "a finite number"));
        }
        if let Some(deviation) = deviations.iter().find(|deviation| !(deviation.is_finite() && **deviation > 0.0)) {
            return Err(Error::setting("a deviation", deviation, "a finite, positive number"));
        }
        Ok(Self { means: means.into(), deviations: deviations.into(), rows: PhantomData })
    }

    /// The mean of each feature, S_1 numbers.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The standard deviation of each feature, S_1 numbers, 1 for one that never varied.
    #[must_use]
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// One sample, standardised.
    #[must_use]
    pub fn apply(&self, input: &X) -> X {
        let mut output = *input;
        for ((number, mean), deviation) in output.as_mut_slice().iter_mut().zip(&self.means).zip(&self.deviations) {
            *number = X::Scalar::from_f64((number.to_f64() - mean) / deviation);
        }
        output
    }

    /// The sample that [`apply`](Self::apply) makes `input` of, up to rounding.
    #[must_use]
    pub fn invert(&self, input: &X) -> X {
        let mut output = *input;
        for ((number, mean), deviation) in output.as_mut_slice().iter_mut().zip(&self.means).zip(&self.deviations) {
            *number = X::Scalar::from_f64(number.to_f64() * deviation + mean);
        }
        output
    }
}

// Derived implementations would ask the same of `X`, which is not in there.

impl<X> Clone for Standardizer<X> {
    fn clone(&self) -> Self {
        Self { means: self.means.clone(), deviations: self.deviations.clone(), rows: PhantomData }
    }
}

impl<X> PartialEq for Standardizer<X> {
    fn eq(&self, other: &Self) -> bool {
        self.means == other.means && self.deviations == other.deviations
    }
}

impl<X> fmt::Debug for Standardizer<X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Standardizer").field("means", &self.means).field("deviations", &self.deviations).finish()
    }
}
