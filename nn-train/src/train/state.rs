//! A training run as a value: what is written to go on another day.

use std::time::Duration;

use super::History;

/// Everything that the next step depends on besides the trainer's settings and the data: what
/// [`Session::state`](crate::Session::state) returns and [`Session::resume`](crate::Session::resume) takes.
///
/// Numbers are in the network's layout, so that a state goes on under another engine or number of threads; bit for bit
/// where engine and instruction set are the same.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct SessionState<T> {
    /// The network's architecture, as it is displayed.
    pub architecture: String,
    /// Θ in the order of [`Architecture::ranges`](crate::Architecture::ranges).
    pub parameters: Vec<T>,
    /// The optimiser's memory.
    pub optimizer: OptimizerState<T>,
    /// Steps taken.
    pub steps: u64,
    /// Samples trained on, which number the dropout masks.
    pub samples: u64,
    /// What orders and dropout masks are drawn under.
    pub seed: u64,
    /// The learning rate, if one was set in place of the schedule's.
    pub learning_rate: Option<f64>,
}

/// An optimiser's memory from step to step.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct OptimizerState<T> {
    /// Whose it is: [`Optimizer::name`](crate::Optimizer::name).
    pub name: String,
    /// [`Optimizer::slots`](crate::Optimizer::slots) numbers of each parameter, slot by slot.
    pub slots: Vec<Vec<T>>,
    /// [`Optimizer::scalars`](crate::Optimizer::scalars) numbers.
    pub scalars: Vec<f64>,
}

/// A run in the midst of it: what [`Run::state`](crate::Run::state) returns and [`Run::resume`](crate::Run::resume) takes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct RunState<T> {
    /// The session's state.
    pub session: SessionState<T>,
    /// How far the run has come.
    pub position: Position,
    /// The epochs that are over.
    pub history: History,
}

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Position {
    /// Epochs begun, the one that is under way included.
    pub epoch: usize,
    /// Steps taken in the epoch that is under way; 0 between epochs.
    pub step: u64,
    /// Σ of each step's cost, multiplied by what its samples weigh, in the epoch that is under way.
    pub cost: f64,
    /// What the samples of those steps weigh together: as many as they are, where they have no weights.
    pub weight: f64,
    /// The time spent in those steps.
    pub elapsed: Duration,
}
