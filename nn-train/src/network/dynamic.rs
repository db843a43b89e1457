//! Networks whose sizes come from data.

use std::fmt;

use nn_kernels::{Architecture, Element};

use super::{Declared, Init, Network, compute, init};
use crate::error::Error;

/// A network whose sizes come from data: for a search over widths, or a shape that
/// is read from somewhere.
///
/// It is drawn, trained, measured and stored as a network that [`network!`](crate::network) declares, by the same code
/// and to the same bits, and has the same methods: those of [`Network`]. Samples are slices, and what the compiler
/// checks there is checked here when the program runs.
///
/// ```
/// use nn_train::prelude::*;
///
/// let data = DynDataset::from_labels(vec![0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0], 2, &[0, 1, 1, 0], 1)?;
/// let trainer = Trainer::builder().optimizer(Adam::default()).learning_rate(0.05).batch_size(4).epochs(400).build()?;
/// for width in [3, 4] {
///     let layers = vec![Layer::new(2, width, Activation::Tanh), Layer::new(width, 1, Activation::Sigmoid)];
///     let mut net = DynNetwork::<f32>::new(Architecture::new(layers, Loss::CrossEntropy)?, Init::default(), 42)?;
///     let history = trainer.fit(&mut net, &data, None)?;
///     println!("{width} units: {:?}, h(1, 0) = {:?}", history.last(), net.predict(&[1.0, 0.0])?);
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, PartialEq)]
pub struct DynNetwork<T> {
    pub(super) architecture: Architecture,
    /// As many as the architecture has.
    pub(super) parameters: Vec<T>,
}

impl<T: Element> DynNetwork<T> {
    /// A network whose parameters are drawn under `seed`: the same that [`Declared::new`] gives a declared one.
    ///
    /// # Errors
    /// [`Error::Setting`] for an `init` that is [out of its range](Init::check), otherwise as [`zeros`](Self::zeros).
    pub fn new(architecture: Architecture, init: Init, seed: u64) -> Result<Self, Error> {
        init.check::<T>()?;
        let mut network = Self::zeros(architecture)?;
        init::initialize(&network.architecture, init, seed, &mut network.parameters);
        Ok(network)
    }

    /// A network whose parameters are all 0.
    ///
    /// # Errors
    /// [`Error::Architecture`] for a number in the architecture that `T` cannot hold, as `leaky_relu(1e300)` in `f32`;
    /// [`Error::Step`] when there is no memory.
    pub fn zeros(architecture: Architecture) -> Result<Self, Error> {
        architecture.check_element::<T>()?;
        let parameters = compute::zeros(architecture.params())?;
        Ok(Self { architecture, parameters })
    }

    /// A network of these numbers, as many as the architecture has.
    pub(super) fn of(architecture: Architecture, parameters: Vec<T>) -> Self {
        Self { architecture, parameters }
    }

    /// The declared network with these parameters.
    ///
    /// # Errors
    /// [`Error::AnotherArchitecture`] unless widths, activations, dropout and loss are those of `N`.
    pub fn to_declared<N: Declared<Scalar = T>>(&self) -> Result<N, Error> {
        if self.architecture != *N::ARCHITECTURE {
            let (expected, found) = (N::ARCHITECTURE.to_string(), self.architecture.to_string());
            return Err(Error::AnotherArchitecture { expected, found });
        }
        let mut network = N::zeros();
        network.parameters_mut().copy_from_slice(&self.parameters);
        Ok(network)
    }
}

/// Prints the shape, not the numbers.
impl<T: Element> fmt::Debug for DynNetwork<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynNetwork {{ {}; {} {} parameters }}", self.architecture, self.parameters.len(), T::NAME)
    }
}
