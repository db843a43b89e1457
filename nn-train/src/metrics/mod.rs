//! How good a network is.

mod confusion;
mod regression;
mod report;

pub use confusion::ConfusionMatrix;
pub use regression::Regression;
pub use report::{Averages, ClassScores, ClassificationReport};

use crate::data::highest;
use crate::error::Error;
use crate::network::{Network, compute};

/// What a network predicts for every sample of a data set, row by row.
fn predictions<N: Network>(network: &N, data: &N::Data) -> Result<Vec<N::Scalar>, Error> {
    let samples = N::data(data).0;
    samples.batch(network.architecture())?;
    let mut outputs = compute::zeros(samples.targets.len())?;
    compute::predict_batch(network.architecture(), network.parameters(), samples.inputs, &mut outputs)?;
    Ok(outputs)
}

/// The class of every sample, and the class that the network decides for: the highest output, or for a single
/// output whether it is at least ½.
fn labels<N: Network>(network: &N, data: &N::Data) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let samples = N::data(data).0;
    let actual = samples.labels()?;
    let predicted = predictions(network, data)?.chunks_exact(samples.target_width).map(highest).collect();
    Ok((actual, predicted))
}

/// The share of a data set that a network classifies right, in [0, 1].
///
/// # Errors
/// [`Error::NotAClass`] when a target stands for no class, or what [`Network::predict_batch`](crate::Network::predict_batch) returns.
pub fn accuracy<N: Network>(network: &N, data: &N::Data) -> Result<f64, Error> {
    Ok(ConfusionMatrix::evaluate(network, data)?.accuracy())
}
