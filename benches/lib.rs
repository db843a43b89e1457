//! What the benchmarks share: the standard workloads, and samples for them.

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Activation, Architecture, ArchitectureError, Layer, Loss};
use rand::RngExt;

/// A network and the size of the batches that it is trained on.
#[derive(Debug, Clone)]
pub struct Workload {
    /// Widths and batch, as criterion shows them: `2-4-4-4 b32`.
    pub name: String,
    /// The network.
    pub architecture: Architecture,
    /// m, samples in a batch.
    pub rows: usize,
}

impl Workload {
    /// A network of these widths with sigmoid in all layers and cross-entropy, trained on batches of `rows`.
    ///
    /// # Errors
    /// When the widths make no network.
    pub fn sigmoid(widths: &[usize], rows: usize) -> Result<Self, ArchitectureError> {
        let layers = widths.windows(2).map(|pair| Layer::new(pair[0], pair[1], Activation::Sigmoid)).collect();
        let shape: Vec<String> = widths.iter().map(ToString::to_string).collect();
        Ok(Self {
            name: format!("{} b{rows}", shape.join("-")),
            architecture: Architecture::new(layers, Loss::CrossEntropy)?,
            rows,
        })
    }

    /// The workloads of README's table: the seed's network, and a classifier of 28 × 28 images.
    ///
    /// # Errors
    /// Never; the widths are constants.
    pub fn standard() -> Result<Vec<Self>, ArchitectureError> {
        Ok(vec![
            Self::sigmoid(&[2, 4, 4, 4], 32)?,
            Self::sigmoid(&[2, 4, 4, 4], 1024)?,
            Self::sigmoid(&[784, 128, 10], 128)?,
        ])
    }

    /// Parameters, samples and targets: the same ones on every machine.
    #[must_use]
    pub fn data(&self) -> Data {
        let mut stream = random::stream(1, Purpose::Initialisation, 0);
        let mut uniform = |bound: f64| bound * stream.random_range(-1.0..1.0);
        let mut theta = Vec::with_capacity(self.architecture.params());
        for layer in self.architecture.layers() {
            let bound = (6.0 / (layer.inputs + layer.outputs) as f64).sqrt();
            theta.extend((0..layer.params()).map(|_| uniform(bound)));
        }
        let inputs = (0..self.rows * self.architecture.inputs()).map(|_| uniform(1.0)).collect();
        let outputs = self.architecture.outputs();
        let targets = (0..self.rows * outputs).map(|i| f64::from(u8::from(i / outputs % outputs == i % outputs)));
        Data { theta, inputs, targets: targets.collect() }
    }
}

/// What a step is given, in f64.
#[derive(Debug, Clone)]
pub struct Data {
    /// Θ, flat.
    pub theta: Vec<f64>,
    /// X, sample-major.
    pub inputs: Vec<f64>,
    /// Y, sample-major: a 1 among zeros.
    pub targets: Vec<f64>,
}

/// The slice in f32.
#[must_use]
pub fn single_precision(numbers: &[f64]) -> Vec<f32> {
    numbers.iter().map(|&x| x as f32).collect()
}
