//! How good a network is.

mod confusion;
mod regression;
mod report;

pub use confusion::ConfusionMatrix;
pub use regression::Regression;
pub use report::{Averages, ClassScores, ClassificationReport};

use crate::data::{Dataset, highest};
use crate::error::Error;
use crate::network::{AsNetwork, Network, Row};
use crate::train::DatasetOf;

/// What a network predicts for every sample of a data set.
fn predictions<N: Network>(network: &N, data: &DatasetOf<N>) -> Result<Vec<N::Output>, Error> {
    let mut outputs = vec![N::Output::zeros(); data.len()];
    network.predict_batch(data.inputs(), &mut outputs)?;
    Ok(outputs)
}

/// The class of every sample, and the class that the network decides for: the highest output, or for a single
/// output whether it is at least ½.
fn labels<N: Network>(network: &N, data: &DatasetOf<N>) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let actual = data.labels()?;
    let predicted = predictions(network, data)?.iter().map(|output| highest(output.as_slice())).collect();
    Ok((actual, predicted))
}

/// The share of a data set that a network classifies right, in [0, 1].
///
/// # Errors
/// [`Error::NotAClass`] when a target stands for no class, or what [`Network::predict_batch`] returns.
pub fn accuracy<P, B: AsNetwork<P>>(network: &B, data: &DatasetOf<B::Network>) -> Result<f64, Error> {
    Ok(ConfusionMatrix::evaluate(network, data)?.accuracy())
}

/// The classes that the targets of a data set of network `N` tell apart.
fn class_count<N: Network>() -> usize {
    Dataset::<N::Input, N::Output>::CLASSES
}
