//! What all systems are given.

use nn_benches::{Samples, Target, Workload, WorkloadError};
use nn_train::Activation;
use thiserror::Error;

/// A network with its parameters, a batch for it, and how to step.
#[derive(Debug, Clone)]
pub struct Problem {
    /// The network and the batch's size.
    pub workload: Workload,
    /// Θ: for each layer S_{l+1} × S_l weights, row by row, then the bias.
    pub theta: Vec<f32>,
    /// X, m × S_1, and Y, m × S_L.
    pub samples: Samples<f32>,
    /// α.
    pub learning_rate: f64,
    /// λ.
    pub l2: f64,
}

/// Why the peers are not given a problem.
#[derive(Debug, Error)]
pub enum ProblemError {
    /// They have been taught three activations.
    #[error("hidden layers with {found}; expected sigmoid, tanh or relu")]
    Activation {
        /// The activation found.
        found: Activation,
    },
}

/// A layer of a problem.
pub(crate) struct LayerOf<'a> {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// S_{l+1} × S_l.
    pub(crate) weights: &'a [f32],
    pub(crate) bias: &'a [f32],
}

/// The activation of hidden layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hidden {
    Sigmoid,
    Tanh,
    Relu,
}

impl Problem {
    /// The workload with the settings of the comparison: α = 0.01 and λ = 1e-4.
    ///
    /// # Errors
    /// [`WorkloadError::TooLarge`] when there is no memory for the batch.
    pub fn new(workload: Workload) -> Result<Self, WorkloadError> {
        let (theta, samples) = (workload.theta(), workload.samples()?);
        Ok(Self { workload, theta, samples, learning_rate: 0.01, l2: 1e-4 })
    }

    /// The workload with settings under which each part of a step shows in Θ: α = 1, λ/m = 1/2, and biases other than 0.
    ///
    /// # Errors
    /// [`WorkloadError::TooLarge`] when there is no memory for the batch.
    pub fn telling(workload: Workload) -> Result<Self, WorkloadError> {
        let mut problem = Self::new(workload)?;
        problem.learning_rate = 1.0;
        problem.l2 = problem.workload.rows as f64 / 2.0;
        for range in problem.workload.architecture.ranges() {
            for (index, bias) in problem.theta[range.bias].iter_mut().enumerate() {
                *bias = 0.1 - 0.2 * (index % 2) as f32;
            }
        }
        Ok(problem)
    }

    /// m.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.workload.rows
    }

    pub(crate) fn layers(&self) -> Vec<LayerOf<'_>> {
        let architecture = &self.workload.architecture;
        let both = architecture.layers().iter().zip(architecture.ranges());
        both.map(|(layer, range)| LayerOf {
            inputs: layer.inputs,
            outputs: layer.outputs,
            weights: &self.theta[range.weights],
            bias: &self.theta[range.bias],
        })
        .collect()
    }

    pub(crate) fn hidden(&self) -> Result<Hidden, ProblemError> {
        let layers = self.workload.architecture.layers();
        match layers[0].activation {
            // There is no hidden layer.
            _ if layers.len() == 1 => Ok(Hidden::Relu),
            Activation::Sigmoid => Ok(Hidden::Sigmoid),
            Activation::Tanh => Ok(Hidden::Tanh),
            Activation::Relu => Ok(Hidden::Relu),
            found => Err(ProblemError::Activation { found }),
        }
    }

    pub(crate) fn target(&self) -> Target {
        self.workload.target
    }

    /// Which class each sample is, where targets are classes.
    pub(crate) fn classes(&self) -> Vec<u32> {
        let outputs = self.workload.architecture.outputs();
        let class = |row: &[f32]| row.iter().position(|&y| y == 1.0).unwrap_or(0) as u32;
        self.samples.targets.chunks_exact(outputs).map(class).collect()
    }

    /// What remains of a weight before Δ is subtracted: 1 - αλ/m.
    pub(crate) fn shrinkage(&self) -> f64 {
        1.0 - self.learning_rate * self.l2 / self.rows() as f64
    }
}

/// A matrix of `rows` rows the other way round.
pub(crate) fn transposed(matrix: &[f32], rows: usize) -> Vec<f32> {
    let columns = matrix.len() / rows;
    (0..columns).flat_map(|column| (0..rows).map(move |row| matrix[row * columns + column])).collect()
}
