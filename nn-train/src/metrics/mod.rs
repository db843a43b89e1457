//! How good a network is.

mod confusion;
mod regression;
mod report;

pub use confusion::ConfusionMatrix;
pub use regression::Regression;
pub use report::{Averages, ClassScores, ClassificationReport};

use crate::data::highest;
use crate::error::Error;
use crate::network::{AsNetwork, Model, compute};

/// What a network predicts for every sample of a data set, row by row.
fn predictions<M: Model>(network: &M, data: &M::Data) -> Result<Vec<M::Scalar>, Error> {
    let samples = M::samples(data).0;
    samples.batch(network.shape())?;
    let mut outputs = compute::zeros(samples.targets.len())?;
    compute::predict_batch(network.shape(), network.flat(), samples.inputs, &mut outputs)?;
    Ok(outputs)
}

/// The class of every sample, and the class that the network decides for: the highest output, or for a single
/// output whether it is at least ½.
fn labels<M: Model>(network: &M, data: &M::Data) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let samples = M::samples(data).0;
    let actual = samples.labels()?;
    let outputs = predictions(network, data)?;
    let class = |(sample, output)| highest(output).ok_or(Error::NaNOutput { sample, column: 0 });
    let predicted = outputs.chunks_exact(samples.target_width).enumerate().map(class).collect::<Result<_, _>>()?;
    Ok((actual, predicted))
}

/// The share of a data set that a network classifies right, in [0, 1].
///
/// # Errors
/// [`Error::NotAClass`] when a target stands for no class, or what [`Network::predict_batch`](crate::Network::predict_batch) returns.
pub fn accuracy<P, B: AsNetwork<P>>(network: &B, data: &<B::Network as Model>::Data) -> Result<f64, Error> {
    Ok(ConfusionMatrix::evaluate(network, data)?.accuracy())
}
