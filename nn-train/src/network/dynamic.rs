//! Networks whose sizes come from data.

use std::fmt;

use nn_kernels::{Architecture, Element, StepError};

use super::{GradientCheck, Init, Network, Theta, check, compute, init};
use crate::data::Samples;
use crate::error::Error;

/// A network whose sizes come from data: the twin of one that [`network!`](crate::network) declares, for whoever
/// searches over widths or reads a shape from somewhere.
///
/// It is drawn, trained, measured and stored as its declared twin is, by the same code and to the same bits. Samples
/// are slices, and what the compiler checks there is checked here when the program runs.
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::{Activation, Architecture, DynDataset, DynNetwork, Layer, Loss};
///
/// let data = DynDataset::from_labels(vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2, &[0, 1, 1, 0], 1)?;
/// let trainer = Trainer::builder().optimizer(Adam::new(0.05)).batch_size(4).epochs(400).build()?;
/// for width in [3, 4] {
///     let layers = vec![Layer::new(2, width, Activation::Tanh), Layer::new(width, 1, Activation::Sigmoid)];
///     let mut net = DynNetwork::<f32>::new(Architecture::new(layers, Loss::CrossEntropy)?, None, 42)?;
///     let history = trainer.fit(&mut net, &data, None)?;
///     println!("{width} units: {:?}, h(1, 0) = {:?}", history.last(), net.predict(&[1.0, 0.0])?);
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct DynNetwork<T> {
    architecture: Architecture,
    parameters: Vec<T>,
}

impl<T: Element> DynNetwork<T> {
    /// A network whose parameters are drawn under `seed`, by activation ([`Init::for_activation`]) where `init` is
    /// `None`: the same that [`Network::new`] gives a declared one.
    ///
    /// # Errors
    /// [`Error::Setting`] for an `init` that is not [valid](Init::is_valid), [`Error::Step`] when there is no memory.
    pub fn new(architecture: Architecture, init: Option<Init>, seed: u64) -> Result<Self, Error> {
        if let Some(Init::Symmetric(epsilon)) = init.filter(|init| !init.is_valid()) {
            return Err(Error::setting("init = symmetric", epsilon, "a finite number that is not negative"));
        }
        let mut network = Self::zeros(architecture)?;
        init::initialize(&network.architecture, init, seed, &mut network.parameters);
        Ok(network)
    }

    /// A network whose parameters are all 0.
    ///
    /// # Errors
    /// [`Error::Step`] when there is no memory.
    pub fn zeros(architecture: Architecture) -> Result<Self, Error> {
        let parameters = compute::zeros(architecture.params())?;
        Ok(Self { architecture, parameters })
    }

    /// Widths, activations, dropout and loss.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// All parameters as one slice, in the order of [`Architecture::ranges`].
    #[must_use]
    pub fn parameters(&self) -> &[T] {
        &self.parameters
    }

    /// [`parameters`](Self::parameters), to be written.
    #[must_use]
    pub fn parameters_mut(&mut self) -> &mut [T] {
        &mut self.parameters
    }

    /// Θ^(l) with the bias as column 0, l counted from 1, if the network has it.
    #[must_use]
    pub fn theta(&self, l: usize) -> Option<Theta<'_, T>> {
        let range = self.architecture.ranges().nth(l.checked_sub(1)?)?;
        Some(Theta::new(&self.parameters[range.weights], &self.parameters[range.bias]))
    }

    /// h(x), the S_L outputs for one sample of S_1 numbers.
    ///
    /// # Errors
    /// [`StepError::Length`] in [`Error::Step`] for another number of inputs.
    pub fn predict(&self, input: &[T]) -> Result<Vec<T>, Error> {
        let mut output = vec![T::ZERO; self.architecture.outputs()];
        self.predict_into(input, &mut output)?;
        Ok(output)
    }

    /// [`predict`](Self::predict) into a slice of S_L numbers; as [`Network::predict`] it allocates nothing after a
    /// thread's first call.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and for another number of outputs.
    pub fn predict_into(&self, input: &[T], output: &mut [T]) -> Result<(), Error> {
        Ok(compute::predict(&self.architecture, &self.parameters, input, output)?)
    }

    /// h(x) for every sample, row by row: `inputs` is m × S_1, `outputs` m × S_L.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`StepError::Ragged`] or [`StepError::Rows`] in [`Error::Step`] when
    /// lengths do not fit.
    pub fn predict_batch(&self, inputs: &[T], outputs: &mut [T]) -> Result<(), Error> {
        if inputs.is_empty() {
            return Err(Error::Empty { what: "inputs" });
        }
        compute::predict_batch(&self.architecture, &self.parameters, inputs, outputs)
    }

    /// J on m samples and their targets, as [`Network::cost`] gives it: `inputs` is m × S_1, `targets` m × S_L.
    ///
    /// # Errors
    /// As [`Network::cost`], and [`StepError::Ragged`] in [`Error::Step`] when numbers do not fill their last row.
    pub fn cost(&self, inputs: &[T], targets: &[T], l2: f64) -> Result<f64, Error> {
        compute::cost(&self.architecture, &self.parameters, self.samples(inputs, targets)?, l2)
    }

    /// J, and Δ = ∂J/∂Θ as a network of the same shape.
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    pub fn gradient(&self, inputs: &[T], targets: &[T], l2: f64) -> Result<(f64, Self), Error> {
        let samples = self.samples(inputs, targets)?;
        let mut delta = Self::zeros(self.architecture.clone())?;
        let cost = compute::gradient(&self.architecture, &self.parameters, samples, l2, &mut delta.parameters)?;
        Ok((cost, delta))
    }

    /// Compares [`gradient`](Self::gradient) with central differences: see [`GradientCheck`].
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    pub fn check_gradient(&self, inputs: &[T], targets: &[T], l2: f64) -> Result<GradientCheck, Error> {
        check::check_gradient(&self.architecture, &self.parameters, self.samples(inputs, targets)?, l2)
    }

    /// Rows as wide as the network takes them.
    pub(super) fn samples<'a>(&self, inputs: &'a [T], targets: &'a [T]) -> Result<Samples<'a, T>, Error> {
        let (input_width, target_width) = (self.architecture.inputs(), self.architecture.outputs());
        for (what, numbers, width) in [("inputs", inputs, input_width), ("targets", targets, target_width)] {
            if !numbers.len().is_multiple_of(width) {
                return Err(StepError::Ragged { what, len: numbers.len(), width }.into());
            }
        }
        Ok(Samples { inputs, targets, weights: None, input_width, target_width })
    }

    /// The declared network with these parameters.
    ///
    /// # Errors
    /// [`Error::AnotherArchitecture`] unless widths, activations, dropout and loss are those of `N`.
    pub fn try_into_network<N: Network<Scalar = T>>(&self) -> Result<Box<N>, Error> {
        if self.architecture != *N::ARCHITECTURE {
            let (expected, found) = (N::ARCHITECTURE.to_string(), self.architecture.to_string());
            return Err(Error::AnotherArchitecture { expected, found });
        }
        let mut network = N::zeros();
        network.parameters_mut().copy_from_slice(&self.parameters);
        Ok(network)
    }
}

/// The twin of a declared network.
impl<N: Network> From<&N> for DynNetwork<N::Scalar> {
    fn from(network: &N) -> Self {
        Self { architecture: N::ARCHITECTURE.clone(), parameters: network.parameters().to_vec() }
    }
}

/// Prints the shape, not the numbers.
impl<T: Element> fmt::Debug for DynNetwork<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynNetwork {{ {}; {} {} parameters }}", self.architecture, self.parameters.len(), T::NAME)
    }
}
