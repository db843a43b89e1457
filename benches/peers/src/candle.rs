//! candle, on its CPU backend.

use candle_core::{Device, Tensor, Var};
use candle_nn::ops::{log_softmax, sigmoid};
use nn_benches::Target;

use crate::problem::{Hidden, LayerOf, transposed};
use crate::{Failure, Problem, Step};

pub(crate) struct Candle {
    /// Weights, S_l × S_{l+1}, and biases.
    layers: Vec<(Var, Var)>,
    hidden: Hidden,
    inputs: Tensor,
    targets: Targets,
    rows: usize,
    learning_rate: f64,
    shrinkage: f64,
}

enum Targets {
    Labels(Tensor),
    /// m × 1.
    Classes(Tensor),
    Numbers(Tensor),
}

impl Candle {
    pub(crate) fn new(problem: &Problem) -> Result<Self, Failure> {
        let (device, rows) = (&Device::Cpu, problem.rows());
        let (input_width, output_width) =
            (problem.workload.architecture.inputs(), problem.workload.architecture.outputs());
        let layer = |layer: LayerOf<'_>| {
            let weights = transposed(layer.weights, layer.outputs);
            let weights = Var::from_vec(weights, (layer.inputs, layer.outputs), device)?;
            Ok::<_, candle_core::Error>((weights, Var::from_slice(layer.bias, layer.outputs, device)?))
        };
        let matrix = || Tensor::from_slice(&problem.samples.targets, (rows, output_width), device);
        let targets = match problem.target() {
            Target::Labels => Targets::Labels(matrix()?),
            Target::Class => Targets::Classes(Tensor::from_vec(problem.classes(), (rows, 1), device)?),
            Target::Numbers => Targets::Numbers(matrix()?),
        };
        Ok(Self {
            layers: problem.layers().into_iter().map(layer).collect::<Result<_, _>>()?,
            hidden: problem.hidden()?,
            inputs: Tensor::from_slice(&problem.samples.inputs, (rows, input_width), device)?,
            targets,
            rows,
            learning_rate: problem.learning_rate,
            shrinkage: problem.shrinkage(),
        })
    }

    /// J without the term in λ.
    fn cost(&self) -> candle_core::Result<Tensor> {
        let last = self.layers.len() - 1;
        let mut z = self.inputs.clone();
        for (index, (weights, bias)) in self.layers.iter().enumerate() {
            z = z.matmul(weights)?.broadcast_add(bias)?;
            if index < last {
                z = match self.hidden {
                    Hidden::Sigmoid => sigmoid(&z)?,
                    Hidden::Tanh => z.tanh()?,
                    Hidden::Relu => z.relu()?,
                };
            }
        }
        let rows = self.rows as f64;
        match &self.targets {
            // From z: the loss that candle comes with takes the logarithm of h, which is not finite for a large z.
            Targets::Labels(y) => {
                let softplus = (z.abs()?.neg()?.exp()? + 1.0)?.log()?;
                ((z.relu()? - (&z * y)?)? + softplus)?.sum_all()? / rows
            }
            Targets::Classes(classes) => log_softmax(&z, 1)?.gather(classes, 1)?.sum_all()? / -rows,
            Targets::Numbers(y) => (z - y)?.sqr()?.sum_all()? / (2.0 * rows),
        }
    }
}

impl Step for Candle {
    fn step(&mut self) -> Result<(), Failure> {
        let mut gradients = self.cost()?.backward()?;
        for (weights, bias) in &mut self.layers {
            let missing = "a parameter without a gradient";
            let delta = gradients.remove(weights).ok_or(missing)?;
            let bias_delta = gradients.remove(bias).ok_or(missing)?;
            // A new variable takes the result as it is; `Var::set` would copy it.
            let kept = weights.as_detached_tensor().affine(self.shrinkage, 0.0)?;
            *weights = Var::from_tensor(&(kept - (delta * self.learning_rate)?)?)?;
            *bias = Var::from_tensor(&(bias.as_detached_tensor() - (bias_delta * self.learning_rate)?)?)?;
        }
        Ok(())
    }

    fn theta(&mut self) -> Result<Vec<f32>, Failure> {
        let mut theta = Vec::new();
        for (weights, bias) in &self.layers {
            theta.extend(weights.t()?.flatten_all()?.to_vec1::<f32>()?);
            theta.extend(bias.to_vec1::<f32>()?);
        }
        Ok(theta)
    }
}
