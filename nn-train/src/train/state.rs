//! The state of a training run as a value, to be written to a file and resumed.

use std::time::Duration;

use super::History;
use crate::error::Error;

/// The state of a session: everything that the next step depends on besides the trainer's settings and the data.
///
/// [`Session::state`](crate::Session::state) returns it and [`Session::resume`](crate::Session::resume) takes it.
///
/// Numbers are in the network's layout, so that a state goes on under another engine or number of threads; bit for bit
/// where engine and instruction set are the same.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: nn_kernels::Element"))]
#[non_exhaustive]
pub struct SessionState<T> {
    /// The network's architecture, as it is displayed.
    pub architecture: String,
    /// Θ in the order of [`Architecture::ranges`](crate::Architecture::ranges).
    #[cfg_attr(feature = "serde", serde(with = "crate::number::list"))]
    pub parameters: Vec<T>,
    /// The optimiser's memory.
    pub optimizer: OptimizerState<T>,
    /// Steps taken.
    pub steps: u64,
    /// Samples trained on, which number the dropout masks.
    pub samples: u64,
    /// The seed of orders and dropout masks.
    pub seed: u64,
    /// The learning rate, if one was set in place of the schedule's.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::optional"))]
    pub learning_rate: Option<f64>,
}

/// An optimiser's memory from step to step.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: nn_kernels::Element"))]
#[non_exhaustive]
pub struct OptimizerState<T> {
    /// Whose it is: [`Optimizer::name`](crate::Optimizer::name).
    pub name: String,
    /// [`Optimizer::slots`](crate::Optimizer::slots) numbers of each parameter, slot by slot.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::lists"))]
    pub slots: Vec<Vec<T>>,
    /// [`Optimizer::scalars`](crate::Optimizer::scalars) numbers.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::list"))]
    pub scalars: Vec<f64>,
}

/// The state of a run: what [`Run::state`](crate::Run::state) returns and [`Run::resume`](crate::Run::resume) takes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: nn_kernels::Element"))]
#[non_exhaustive]
pub struct RunState<T> {
    /// The session's state.
    pub session: SessionState<T>,
    /// How far the run has come.
    pub position: Position,
    /// The epochs that are over.
    pub history: History,
}

/// The position of a run: how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Position {
    /// Epochs begun, the one that is under way included.
    pub epoch: usize,
    /// Steps taken in the epoch that is under way; 0 between epochs.
    pub step: u64,
    /// The sum over the steps of this epoch: cost × weight of its samples.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub cost: f64,
    /// The sum of those samples' weights; without weights, their number.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub weight: f64,
    /// The time spent in those steps.
    pub elapsed: Duration,
}

/// A state has counted no more than `most`.
pub(super) fn check_most(what: &'static str, most: u64, found: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Error::State { what, expected: format!("at most {most}"), found: found.to_string() })
}
