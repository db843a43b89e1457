//! Predictions of samples and of batches, and costs, again and again.

use std::fmt;
use std::marker::PhantomData;

use nn_kernels::{Architecture, Buffer, Element, Explanation, predict_one_on_threads};

use super::cache::Key;
use super::compute::{self, Planned, checked};
use super::{Network, check_predictions, samples};
use crate::data::Samples;
use crate::error::Error;

/// Predictions of a network for single samples and for batches of up to a stated number of rows, and costs: made by
/// [`Network::predictor`].
///
/// It holds the plan, the memory of a step, and two copies of the parameters: one as the network has them, for single samples,
/// and one in the layout of the plan's engine, for batches. A call on the network itself looks its plan up and copies the
/// parameters each time. The results are the same where the rows are those that the predictor was made for; of other
/// batches the last bits may differ.
///
/// ```
/// use nn_train::prelude::*;
///
/// network! { struct Net<2 => 4 tanh => 1>; }
///
/// let mut net = Net::new(1);
/// let mut predictor = net.predictor(32)?;
/// assert_eq!(predictor.predict(&[0.0, 1.0]), net.predict(&[0.0, 1.0]));
/// let mut outputs = [[0.0]; 3];
/// predictor.predict_batch(&[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &mut outputs)?;
///
/// // The predictor keeps the parameters that it was made with, until it is given others.
/// net.layer2_mut().bias[0] = 100.0;
/// predictor.update(&net)?;
/// predictor.predict_batch(&[[0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &mut outputs)?;
/// assert!(outputs.iter().all(|output| output[0] > 0.99));
/// # Ok::<(), Error>(())
/// ```
///
/// # Memory
/// A call on up to the stated rows allocates nothing. A larger batch works too; its memory is then kept.
///
/// There is one exception, rayon's: where threads share the work, of batches or of a network of more than 2 MiB, and the call comes
/// from outside their pool, the queue that it waits in grows by a block now and then. A call in a task of the pool, as in
/// `ThreadPool::install`, does not wait there.
#[must_use]
pub struct Predictor<N: Network> {
    planned: Planned<N::Scalar>,
    single: Single<N::Scalar>,
    network: PhantomData<fn() -> N>,
}

/// What a single sample needs.
struct Single<T: Element> {
    /// The network's, at the beginning of a cache line, so that no vector of an even row lies in two.
    parameters: Buffer<T>,
    scratch: Vec<T>,
}

impl<T: Element> Single<T> {
    /// A^(L), on the current pool where the network is large.
    fn predict(&mut self, architecture: &Architecture, input: &[T], output: &mut [T]) -> Result<(), Error> {
        let Self { parameters, scratch } = self;
        Ok(predict_one_on_threads(architecture, parameters.as_slice(), input, output, scratch)?)
    }
}

impl<N: Network> Predictor<N> {
    pub(super) fn new(network: &N, batch_rows: usize) -> Result<Self, Error> {
        if batch_rows == 0 {
            return Err(Error::argument("batch_rows", batch_rows, "at least 1"));
        }
        let mut planned = Planned::new(&Key::new(network.architecture(), batch_rows, false)?)?;
        planned.import(network.parameters())?;
        let mut parameters = Buffer::zeros(network.parameters().len())?;
        parameters.as_mut_slice().copy_from_slice(network.parameters());
        let widest = network.architecture().layers().iter().map(|layer| layer.outputs).max().unwrap_or(0);
        let single = Single { parameters, scratch: compute::zeros(2 * widest)? };
        Ok(Self { planned, single, network: PhantomData })
    }

    /// Takes the parameters of `network` in place of those it has.
    ///
    /// # Errors
    /// [`Error::AnotherArchitecture`] when the network has another architecture than the one the predictor was made for.
    pub fn update(&mut self, network: &N) -> Result<(), Error> {
        if network.architecture() != self.planned.architecture() {
            let (expected, found) = (self.planned.architecture().to_string(), network.architecture().to_string());
            return Err(Error::AnotherArchitecture { expected, found });
        }
        self.planned.import(network.parameters())?;
        self.single.parameters.as_mut_slice().copy_from_slice(network.parameters());
        Ok(())
    }

    /// h(x), the output for one sample: the same bits as [`Network::predict`]. The threads of the current rayon pool share a
    /// network of more than 2 MiB.
    ///
    /// A declared network's output is an array, a [`DynNetwork`](crate::DynNetwork)'s a vector;
    /// [`predict_into`](Self::predict_into) allocates in neither.
    pub fn predict(&mut self, input: &N::Sample) -> N::Prediction {
        let Self { planned, single, .. } = self;
        let architecture = planned.architecture();
        N::prediction(architecture, input, |input, output| single.predict(architecture, input, output))
    }

    /// [`predict`](Self::predict) of `input`, S_1 numbers, written to `output`, S_L numbers. Nothing is allocated, but by rayon for
    /// a network of more than 2 MiB that is called from outside the pool: see [`Predictor`].
    ///
    /// # Errors
    /// [`StepError::Length`](crate::StepError::Length) in [`Error::Step`] for another number of inputs or outputs.
    pub fn predict_into(&mut self, input: &[N::Scalar], output: &mut [N::Scalar]) -> Result<(), Error> {
        self.single.predict(self.planned.architecture(), input, output)
    }

    /// h(x) for every sample, on the current rayon pool.
    ///
    /// # Errors
    /// As [`Network::predict_batch`].
    pub fn predict_batch(&mut self, inputs: &N::Inputs, outputs: &mut N::Outputs) -> Result<(), Error> {
        let (inputs, outputs) = (N::flat_inputs(inputs), N::flat_outputs_mut(outputs));
        check_predictions(self.planned.architecture(), inputs, outputs)?;
        if inputs.len() == self.planned.architecture().inputs() {
            return self.predict_into(inputs, outputs);
        }
        self.planned.predict(inputs, outputs)
    }

    /// The cost J on m samples and their targets, as [`Network::cost`] gives it.
    ///
    /// # Errors
    /// As [`Network::cost`].
    pub fn cost(&mut self, inputs: &N::Inputs, targets: &N::Outputs, l2: f64) -> Result<f64, Error> {
        let architecture = self.planned.architecture();
        let samples = samples(architecture, N::flat_inputs(inputs), N::flat_outputs(targets))?;
        self.cost_of(samples, l2)
    }

    /// The cost J on a data set, as [`Network::cost_on`] gives it.
    ///
    /// # Errors
    /// As [`Network::cost_on`].
    pub fn cost_on(&mut self, data: &N::Data, l2: f64) -> Result<f64, Error> {
        self.cost_of(N::dataset(data).samples(), l2)
    }

    fn cost_of(&mut self, samples: Samples<'_, N::Scalar>, l2: f64) -> Result<f64, Error> {
        let batch = checked(self.planned.architecture(), samples, l2)?;
        self.planned.cost(batch, l2)
    }

    /// How predictions are computed, and why so.
    #[must_use]
    pub fn explain(&self) -> &Explanation {
        self.planned.explain()
    }
}

impl<N: Network> fmt::Debug for Predictor<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Predictor").field("plan", self.explain()).finish_non_exhaustive()
    }
}
