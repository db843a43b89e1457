//! Samples that suit any network, to time steps on.

use nn_kernels::random::{self, ChaCha8Rng, Purpose};
use nn_kernels::{Activation, Architecture, Element, Loss};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

use crate::error::Error;
use crate::network::compute;

const SEED: u64 = 1;
/// The share of ones among the targets of a sigmoid output.
const ONES: f64 = 0.3;

/// A batch of random numbers: what a step is given.
#[derive(Debug, Clone, PartialEq)]
pub struct Samples<T> {
    /// X, m × S_1, row by row.
    pub inputs: Vec<T>,
    /// Y, m × S_L, row by row.
    pub targets: Vec<T>,
}

impl<T: Element> Samples<T> {
    /// m = `rows` samples of S_1 numbers from N(0, 1), with targets that the loss takes: for a softmax one class of S_L, drawn
    /// uniformly; for cross-entropy on a sigmoid labels of which three in ten apply; otherwise numbers from N(0, 1). They are
    /// the same on every machine, and in `f32` those of `f64`, rounded.
    ///
    /// ```
    /// use nn_train::prelude::*;
    /// use nn_train::throughput::Samples;
    ///
    /// let samples = Samples::<f32>::random(&"7 => 23 relu => 2 softmax".parse()?, 700)?;
    /// assert_eq!((samples.inputs.len(), samples.targets.len()), (700 * 7, 700 * 2));
    /// assert_eq!(samples.targets.iter().sum::<f32>(), 700.0);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for them.
    pub fn random(architecture: &Architecture, rows: usize) -> Result<Self, Error> {
        let (input_width, target_width) = (architecture.inputs(), architecture.outputs());
        let mut inputs: Vec<T> = compute::zeros(rows.saturating_mul(input_width))?;
        let mut targets: Vec<T> = compute::zeros(rows.saturating_mul(target_width))?;
        let mut stream = random::stream(SEED, Purpose::Initialisation, 1);
        inputs.iter_mut().for_each(|input| *input = normal(&mut stream));
        let mut stream = random::stream(SEED, Purpose::Initialisation, 2);
        match (architecture.output_activation(), architecture.loss()) {
            (Activation::Softmax, _) => {
                for row in targets.chunks_exact_mut(target_width) {
                    row[stream.random_range(0..target_width)] = T::ONE;
                }
            }
            (_, Loss::CrossEntropy) => {
                let label = |one: bool| if one { T::ONE } else { T::ZERO };
                targets.iter_mut().for_each(|target| *target = label(stream.random::<f64>() < ONES));
            }
            _ => targets.iter_mut().for_each(|target| *target = normal(&mut stream)),
        }
        Ok(Self { inputs, targets })
    }
}

fn normal<T: Element>(stream: &mut ChaCha8Rng) -> T {
    T::from_f64(StandardNormal.sample(stream))
}
