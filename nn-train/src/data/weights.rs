//! Sample weights and class weights.

use nn_kernels::Element;

use super::DynDataset;
use super::labels::classes;
use super::moments::Sum;
use crate::error::{Error, is_expressible};

/// The weights of `samples` samples: finite, not negative, and not all 0. `what` has them.
pub(crate) fn check_weights<T: Element>(what: &'static str, weights: &[T], samples: usize) -> Result<(), Error> {
    if weights.len() != samples {
        return Err(Error::Length { what: "weights", expected: samples, found: weights.len() });
    }
    if let Some(sample) = weights.iter().position(|&weight| !(weight.is_finite() && weight >= T::ZERO)) {
        return Err(Error::Weight { sample, value: weights[sample].to_f64() });
    }
    let sum: f64 = weights.iter().map(|weight| weight.to_f64()).sum();
    if sum == 0.0 {
        return Err(Error::Weightless { what });
    }
    // Means divide by the sum, in the numbers of the network.
    if !T::from_f64(sum).is_finite() {
        return Err(Error::Sum { what: "the weights", value: sum, expected: "a finite number of the data's type" });
    }
    Ok(())
}

impl<T: Element> DynDataset<T> {
    /// The same samples, of which number i counts weights\[i\] times: the cost is Σ wᵢ lossᵢ / Σ wᵢ, and metrics
    /// weigh alike. A weight of 2 is as good as the sample twice, a weight of 0 leaves it out. Weights that there
    /// were before are replaced.
    ///
    /// They travel with the samples through [`subset`](Self::subset), [`split`](Self::split) and the others. What
    /// counts samples goes on counting them one by one: [`class_counts`](Self::class_counts), splits, and
    /// [`standardized`](Self::standardized), so that a feature has one scale however its samples are weighted.
    ///
    /// ```
    /// use nn_train::DynDataset;
    ///
    /// let data = DynDataset::new(vec![0.0, 1.0, 2.0], 1, vec![0.5, 0.1, 0.9], 1)?;
    /// let data = data.with_weights(vec![1.0, 2.0, 0.5])?;
    /// assert_eq!(data.weights(), Some(&[1.0, 2.0, 0.5][..]));
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Length`] unless there are as many weights as samples, [`Error::Weight`] for one that is negative or
    /// not finite, [`Error::Weightless`] when all are 0, [`Error::Sum`] when their sum overflows.
    pub fn with_weights(self, weights: Vec<T>) -> Result<Self, Error> {
        check_weights("the data", &weights, self.len())?;
        Ok(Self { weights: Some(weights), ..self })
    }

    /// The same samples, the weight of each multiplied by `class_weights[k]`, k its class.
    ///
    /// # Errors
    /// [`Error::ClassWeights`] unless there is a weight for each class, [`Error::ClassWeight`] for one that is negative,
    /// not finite, or rounds to 0 or ∞ in the data's numbers, [`Error::NotAClass`] when a target stands for no class;
    /// otherwise as [`with_weights`](Self::with_weights).
    pub fn with_class_weights(self, class_weights: &[f64]) -> Result<Self, Error> {
        let expected = classes(self.target_width());
        if class_weights.len() != expected {
            return Err(Error::ClassWeights { expected, found: class_weights.len() });
        }
        if let Some(class) = class_weights.iter().position(|weight| !(weight.is_finite() && *weight >= 0.0)) {
            return Err(Error::ClassWeight { class, value: class_weights[class] });
        }
        let samples = self.samples();
        let weigh = |(sample, label): (usize, usize)| {
            let product = samples.weight(sample) * class_weights[label];
            // A sample that rounding leaves out, or raises above all others, is not what was asked for.
            if is_expressible::<T>(product) {
                Ok(T::from_f64(product))
            } else {
                Err(Error::ClassWeight { class: label, value: class_weights[label] })
            }
        };
        let weights = samples.labels()?.into_iter().enumerate().map(weigh).collect::<Result<_, _>>()?;
        self.with_weights(weights)
    }

    /// The same samples, weighted so that every class counts the same: each of the n_k samples of class k counts
    /// n / (K · n_k), where n is all samples and K the classes that have any. (scikit-learn's
    /// `class_weight="balanced"`.) Where samples have weights already, n and n_k are sums of them and the weights are
    /// multiplied; so to balance twice is to balance once.
    ///
    /// ```
    /// use nn_train::Dataset;
    ///
    /// let data = Dataset::<[f32; 1], [f32; 1]>::from_labels(vec![[0.1], [0.2], [0.3], [0.9]], &[0, 0, 0, 1])?;
    /// assert_eq!(data.balanced()?.weights(), Some(&[2.0 / 3.0, 2.0 / 3.0, 2.0 / 3.0, 2.0][..]));
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAClass`] when a target stands for no class, [`Error::Sum`] when the sum of the weights overflows.
    pub fn balanced(self) -> Result<Self, Error> {
        let mut sums = vec![Sum::default(); classes(self.target_width())];
        let samples = self.samples();
        for (sample, label) in samples.labels()?.into_iter().enumerate() {
            sums[label].add(samples.weight(sample));
        }
        let sums: Vec<f64> = sums.into_iter().map(Sum::value).collect();
        let present = sums.iter().filter(|&&sum| sum > 0.0).count() as f64;
        let total: f64 = sums.iter().sum();
        let weight = |&sum: &f64| if sum > 0.0 { total / (present * sum) } else { 1.0 };
        self.with_class_weights(&sums.iter().map(weight).collect::<Vec<_>>())
    }

    /// The weight of each sample, m numbers, if they have any.
    #[must_use]
    pub fn weights(&self) -> Option<&[T]> {
        self.weights.as_deref()
    }
}
