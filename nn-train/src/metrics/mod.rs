//! Metrics: how good a network is.
//!
//! ```
//! use nn_train::metrics::{self, ClassificationReport, ConfusionMatrix, Regression};
//! use nn_train::prelude::*;
//!
//! network! { struct Larger<2 => 2 softmax>; } // which of two numbers is the larger one
//!
//! let mut net = Larger::zeros();
//! net.layer1_mut().weights = [[1.0, 0.0], [0.0, 1.0]];
//! let data = Dataset::from_labels(vec![[3.0, 1.0], [0.0, 2.0], [5.0, 4.0]], &[0, 1, 1])?;
//! assert_eq!(metrics::accuracy(&net, &data)?, 2.0 / 3.0); // the last label is wrong
//! println!("{}", ConfusionMatrix::evaluate(&net, &data)?);
//! println!("{}", ClassificationReport::evaluate(&net, &data)?);
//!
//! network! { struct Double<1 => 1 linear>; }
//!
//! let mut net = Double::zeros();
//! net.layer1_mut().weights = [[2.0]];
//! let data = Dataset::new(vec![[1.0], [2.0]], vec![[2.0], [5.0]])?;
//! let measured = Regression::evaluate(&net, &data)?;
//! assert_eq!((measured.mse, measured.mae), (0.5, 0.5));
//! # Ok::<(), Error>(())
//! ```
//!
//! | of | | |
//! |---|---|---|
//! | decided classes | [`predicted_class`], [`accuracy`], [`ClassificationReport`], [`ConfusionMatrix`] | accuracy, balanced accuracy, precision, recall, F1, Matthews' correlation |
//! | decided labels, several or none a sample | [`MultiLabelReport`] | precision, recall, F1 |
//! | probabilities | [`Probabilities`] | ROC AUC, average precision, top k, log loss, Brier score, calibration |
//! | scores of one output | [`Ranking`] | ROC AUC, average precision, their curves, the best threshold |
//! | numbers | [`Regression`] | MSE, RMSE, MAE, median and largest error, R², explained variance |
//!
//! Each measures a network on a data set (`evaluate`), or predictions that there are already (`from_…`). Formulas and
//! conventions are scikit-learn's unless the documentation of a measure says otherwise. What a measure has no value for is
//! `None`.
//!
//! Every metric weighs samples as the data set does: a sample of weight 2 counts as two of weight 1, one of weight 0
//! not at all.
//!
//! A metric is not the loss, even where the names are alike. Training lowers the *cost*: for squared errors
//! ½ Σ_k (a_k - y_k)², summed over the outputs k and averaged over the samples. The metric
//! [`mse`](Regression::mse) is without the ½ and is averaged over the outputs too, as in other libraries: on a network
//! of S_L outputs the cost is S_L / 2 times the metric, before a term in λ is added.

mod calibration;
mod confusion;
mod multi_label;
mod probabilities;
mod ranking;
mod regression;
mod report;
mod rows;
mod scores;

pub use calibration::ReliabilityBin;
pub use confusion::ConfusionMatrix;
pub use multi_label::MultiLabelReport;
pub use probabilities::Probabilities;
pub use ranking::{BestThreshold, PrecisionRecallPoint, Ranking, RocPoint};
pub use regression::{OutputErrors, Regression};
pub use report::ClassificationReport;
pub use scores::{Averages, ClassScores};

use nn_kernels::Element;

use crate::data::{Sum, Weighing, highest, is_nan};
use crate::error::Error;
use crate::network::{Network, compute};

/// What a network predicts for every sample of a data set, row by row.
fn predictions<N: Network>(network: &N, data: &N::Data) -> Result<Vec<N::Scalar>, Error> {
    let samples = N::dataset(data).samples();
    samples.batch(network.architecture())?;
    let mut outputs = compute::zeros(samples.targets.len())?;
    compute::predict_batch(network.architecture(), network.parameters(), samples.inputs, &mut outputs)?;
    Ok(outputs)
}

/// The class that a prediction decides for: the highest of several numbers, the first if there are more; of one number,
/// whether it is at least ½. It is what [`accuracy`] and the reports count.
///
/// ```
/// use nn_train::metrics::predicted_class;
///
/// assert_eq!(predicted_class(&[0.1, 0.7, 0.2])?, 1);
/// assert_eq!(predicted_class(&[0.3])?, 0);
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// [`Error::NaNOutput`] when a number is NaN, and [`Error::Empty`] without a number.
pub fn predicted_class<T: Element>(prediction: &[T]) -> Result<usize, Error> {
    if prediction.is_empty() {
        return Err(Error::Empty { what: "prediction" });
    }
    class_of_sample(0, prediction)
}

/// The class that the output for a sample decides for.
fn class_of_sample<T: Element>(sample: usize, output: &[T]) -> Result<usize, Error> {
    highest(output).ok_or_else(|| {
        let column = output.iter().position(|&number| is_nan(number)).unwrap_or(0);
        Error::NaNOutput { sample, column }
    })
}

/// The class of every sample, and the class that the network decides for: the highest output, or for a single
/// output whether it is at least ½.
fn labels<N: Network>(network: &N, data: &N::Data) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let samples = N::dataset(data).samples();
    let actual = samples.labels()?;
    let outputs = predictions(network, data)?;
    let class = |(sample, output)| class_of_sample(sample, output);
    let predicted = outputs.chunks_exact(samples.target_width).enumerate().map(class).collect::<Result<_, _>>()?;
    Ok((actual, predicted))
}

/// The share of a data set that a network classifies right, in [0, 1]: the weight of the samples classified right, of
/// the weight of all.
///
/// # Errors
/// [`Error::NotAClass`] when a target stands for no class, [`Error::NaNOutput`] when an output is NaN, or what
/// [`Network::predict_batch`] returns.
pub fn accuracy<N: Network>(network: &N, data: &N::Data) -> Result<f64, Error> {
    let (actual, predicted) = labels(network, data)?;
    let weighing = Weighing::new(N::dataset(data).samples().weights);
    let mut right = Sum::default();
    for (sample, (actual, predicted)) in actual.iter().zip(&predicted).enumerate() {
        if actual == predicted {
            right.add(weighing.of(sample));
        }
    }
    Ok(right.value() / weighing.total(actual.len()))
}
