//! burn, on its flex backend.

use burn::tensor::activation::{log_sigmoid, log_softmax, relu, sigmoid, tanh};
use burn::tensor::module::linear;
use burn::tensor::{Device, Int, Tensor, TensorData};
use nn_benches::Target;

use crate::problem::{Hidden, transposed};
use crate::{Failure, Problem, ProblemError, Step};

pub(crate) struct Burn {
    /// Weights, S_l × S_{l+1}, and biases.
    layers: Vec<(Tensor<2>, Tensor<1>)>,
    hidden: Hidden,
    inputs: Tensor<2>,
    targets: Targets,
    rows: usize,
    learning_rate: f64,
    shrinkage: f64,
}

/// Targets as the loss wants them, so that a step converts none.
enum Targets {
    /// 1 - y, the factor of z in the cross-entropy.
    Absent(Tensor<2>),
    /// m × 1.
    Classes(Tensor<2, Int>),
    Numbers(Tensor<2>),
}

impl Burn {
    pub(crate) fn new(problem: &Problem) -> Result<Self, ProblemError> {
        let device = Device::flex().autodiff();
        let rows = problem.rows();
        let matrix = |numbers: Vec<f32>, rows: usize, columns: usize| {
            Tensor::<2>::from_data(TensorData::new(numbers, [rows, columns]), &device)
        };
        let layer = |layer: crate::problem::LayerOf<'_>| {
            let weights = matrix(transposed(layer.weights, layer.outputs), layer.inputs, layer.outputs);
            let bias = Tensor::<1>::from_data(TensorData::new(layer.bias.to_vec(), [layer.outputs]), &device);
            (weights.require_grad(), bias.require_grad())
        };
        let (input_width, output_width) =
            (problem.workload.architecture.inputs(), problem.workload.architecture.outputs());
        let targets = &problem.samples.targets;
        let targets = match problem.target() {
            Target::Labels => Targets::Absent(matrix(targets.iter().map(|y| 1.0 - y).collect(), rows, output_width)),
            Target::Class => {
                let classes: Vec<i64> = problem.classes().into_iter().map(i64::from).collect();
                Targets::Classes(Tensor::from_data(TensorData::new(classes, [rows, 1]), &device))
            }
            Target::Numbers => Targets::Numbers(matrix(targets.clone(), rows, output_width)),
        };
        Ok(Self {
            layers: problem.layers().into_iter().map(layer).collect(),
            hidden: problem.hidden()?,
            inputs: matrix(problem.samples.inputs.clone(), rows, input_width),
            targets,
            rows,
            learning_rate: problem.learning_rate,
            shrinkage: problem.shrinkage(),
        })
    }

    /// J without the term in λ.
    fn cost(&self) -> Tensor<1> {
        let last = self.layers.len() - 1;
        let mut z = self.inputs.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            z = linear(z, weights.clone(), Some(bias.clone()));
            if index < last {
                z = match self.hidden {
                    Hidden::Sigmoid => sigmoid(z),
                    Hidden::Tanh => tanh(z),
                    Hidden::Relu => relu(z),
                };
            }
        }
        let rows = self.rows as f64;
        match &self.targets {
            Targets::Absent(absent) => (absent.clone() * z.clone() - log_sigmoid(z)).sum() / rows,
            Targets::Classes(classes) => log_softmax(z, 1).gather(1, classes.clone()).sum() / -rows,
            Targets::Numbers(numbers) => (z - numbers.clone()).square().sum() / (2.0 * rows),
        }
    }
}

impl Step for Burn {
    fn step(&mut self) -> Result<(), Failure> {
        let mut gradients = self.cost().backward();
        for (weights, bias) in &mut self.layers {
            let missing = "a parameter without a gradient";
            let delta = weights.grad_remove(&mut gradients).ok_or(missing)?;
            let bias_delta = bias.grad_remove(&mut gradients).ok_or(missing)?;
            let kept = weights.clone().inner().mul_scalar(self.shrinkage);
            *weights = Tensor::from_inner(kept - delta.mul_scalar(self.learning_rate)).require_grad();
            let kept = bias.clone().inner();
            *bias = Tensor::from_inner(kept - bias_delta.mul_scalar(self.learning_rate)).require_grad();
        }
        Ok(())
    }

    fn theta(&mut self) -> Result<Vec<f32>, Failure> {
        let mut theta = Vec::new();
        for (weights, bias) in &self.layers {
            let inputs = weights.dims()[0];
            let numbers = weights.to_data().try_to_vec::<f32>()?;
            theta.extend(transposed(&numbers, inputs));
            theta.extend(bias.to_data().try_to_vec::<f32>()?);
        }
        Ok(theta)
    }
}
