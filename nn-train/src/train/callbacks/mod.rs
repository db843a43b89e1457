//! Callbacks that most runs need, one a file.

#[cfg(feature = "checkpoints")]
mod checkpoints;
#[cfg(feature = "logs")]
mod csv_log;
mod early_stopping;
#[cfg(feature = "checkpoints")]
mod interrupt;
#[cfg(feature = "logs")]
mod json_lines;
#[cfg(feature = "logs")]
mod lines;
mod metric;
#[cfg(feature = "progress")]
mod progress;
mod reduce_on_plateau;
#[cfg(feature = "tensorboard")]
mod tensorboard;
mod weight_average;

#[cfg(feature = "checkpoints")]
pub use checkpoints::{Checkpoints, Latest};
#[cfg(feature = "logs")]
pub use csv_log::CsvLog;
pub use early_stopping::EarlyStopping;
#[cfg(feature = "checkpoints")]
pub use interrupt::{Interrupt, Interruption};
#[cfg(feature = "logs")]
pub use json_lines::JsonLines;
pub use metric::{Goal, Metric, Monitor};
#[cfg(feature = "progress")]
pub use progress::Progress;
pub use reduce_on_plateau::ReduceOnPlateau;
#[cfg(feature = "tensorboard")]
pub use tensorboard::TensorBoard;
pub use weight_average::WeightAverage;

use super::Context;
use crate::error::Error;
use crate::network::Network;
use metric::Best;
use nn_kernels::Element;

/// A copy of the parameters as they are after the steps so far. An `f64` holds an `f32` exactly.
fn parameters<N: Network>(context: &mut Context<'_, N>) -> Vec<f64> {
    context.network().parameters().iter().map(|number| number.to_f64()).collect()
}

/// Goes on from parameters that were kept.
fn set_parameters<N: Network>(context: &mut Context<'_, N>, numbers: &[f64]) -> Result<(), Error> {
    let numbers: Vec<N::Scalar> = numbers.iter().map(|&number| Element::from_f64(number)).collect();
    context.core.set_parameters(&numbers)
}

/// Parameters that a state had are as many as the network's, or none.
fn check_length<N: Network>(name: &str, numbers: &[f64], context: &Context<'_, N>) -> Result<(), Error> {
    let params = context.core.architecture().params();
    if numbers.is_empty() || numbers.len() == params {
        return Ok(());
    }
    let expected = format!("{params} for `{name}`, as the network has");
    Err(Error::State { what: "a callback's parameters", expected, found: numbers.len().to_string() })
}
