//! Choosing settings: the learning rate, how well a network of some settings does, and the best of many settings.
//!
//! | | | elsewhere |
//! |---|---|---|
//! | [`Trainer::lr_find`](crate::Trainer::lr_find) | the learning-rate range test | fastai's `lr_find` |
//! | [`KFold`] | folds for cross-validation: plain, stratified, grouped | scikit-learn's `KFold`, `StratifiedKFold`, `GroupKFold` |
//! | [`Trainer::cross_validate`](crate::Trainer::cross_validate) | a network trained and scored on each fold | `cross_val_score`, `cross_validate` |
//! | [`Search`] | the best of candidates, with or without successive halving | `GridSearchCV`, `RandomizedSearchCV`, `HalvingRandomSearchCV` |
//! | [`Space`] | where candidates come from: [`Choice`], [`Uniform`], [`LogUniform`], and tuples of them | `ParameterGrid`, `ParameterSampler` |
//!
//! Everything is drawn under a seed, and the same on any number of threads.
//!
//! What has chosen a setting says too much good of it: a score that is the best of many is partly luck. Keep a test set
//! that no choice has seen, and ask it once.

mod cross_validation;
mod folds;
mod range_test;
mod score;
mod search;
mod space;
mod trial;

pub use cross_validation::{CrossValidated, CrossValidation, FoldRun};
pub use folds::{Fold, KFold};
use nn_kernels::number_text;
pub use range_test::{RangeCurve, RangePoint, RangeTest};
pub use search::{Search, SearchResult};
pub use space::{Choice, Draw, LogUniform, Space, Uniform};
pub use trial::Trial;

/// A number to three significant digits, which can be read and written down.
fn rounded(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

/// The same as text.
fn short(number: f64) -> String {
    number_text(rounded(number))
}

/// The mean of numbers, and their standard deviation √(Σ (x - mean)² / k), that of the whole and not of a sample, as
/// NumPy's `std`. NaN without a number.
fn mean_and_deviation(numbers: impl Iterator<Item = f64> + Clone) -> (f64, f64) {
    let count = numbers.clone().count() as f64;
    let mean = numbers.clone().sum::<f64>() / count;
    let variance = numbers.map(|number| (number - mean) * (number - mean)).sum::<f64>() / count;
    (mean, variance.sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_rounded_to_three_digits() {
        assert_eq!(rounded(0.001_234_9), 0.00123);
        assert_eq!(rounded(99.96), 100.0);
        assert_eq!(rounded(-1.0), -1.0);
        assert_eq!(short(1.239e-7), "1.24e-7");
    }

    #[test]
    fn the_deviation_is_that_of_the_whole() {
        assert_eq!(mean_and_deviation([1.0, 3.0].into_iter()), (2.0, 1.0));
        assert_eq!(mean_and_deviation([5.0].into_iter()), (5.0, 0.0));
    }
}
