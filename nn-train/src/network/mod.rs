//! What a declared network is, and what it can do.

mod check;
pub(crate) mod compute;
pub(crate) mod dense;
mod dynamic;
mod init;
mod memory;
mod model;
mod place;
#[cfg(feature = "serde")]
pub(crate) mod serde;
mod theta;

use std::fmt;

pub use check::{GradientCheck, WorstParameter};
pub use dense::{Dense, DenseLayer, Row};
pub use dynamic::DynNetwork;
pub use init::Init;
pub use model::Model;
use nn_kernels::{Architecture, Element};
pub use place::{AsNetwork, Bare, Boxed, Dynamic};
pub use theta::Theta;

use crate::Error;
use crate::data::Samples;

/// A network that [`network!`](crate::network) declared: parameters, and nothing but parameters.
///
/// Networks live on the heap: the constructors return a `Box` and never put a layer onto the stack.
///
/// # Safety
/// The implementor is `#[repr(C)]` and consists of exactly `ARCHITECTURE.params()` numbers of type
/// [`Scalar`](Self::Scalar), without padding, in the order of [`Architecture::ranges`]. `Input` and `Output` are
/// as wide as the architecture's ends. No provided method is overridden.
pub unsafe trait Network: Sized + Send + Sync + 'static {
    /// What parameters, samples and predictions are made of: `f32` or `f64`.
    type Scalar: Element;
    /// One sample, `[Scalar; S_1]`.
    type Input: Row<Scalar = Self::Scalar>;
    /// One target or prediction, `[Scalar; S_L]`.
    type Output: Row<Scalar = Self::Scalar>;
    /// The type's name, as declared.
    const NAME: &'static str;
    /// Widths, activations, dropout and loss.
    const ARCHITECTURE: &'static Architecture;
    /// How parameters are drawn; `None` is by activation, [`Init::for_activation`].
    const INIT: Option<Init>;
    /// The seed of [`initialized`](Self::initialized).
    const SEED: u64;
    /// Numbers in all Θ^(l) together.
    const PARAMS: usize = size_of::<Self>() / size_of::<Self::Scalar>();

    /// A network whose parameters are drawn under `seed`: the same seed, the same network.
    #[must_use]
    fn new(seed: u64) -> Box<Self> {
        const {
            if let Some(init) = Self::INIT {
                assert!(init.is_valid(), "init = symmetric(ε): ε must be finite and not negative");
            }
        }
        let mut network = Self::zeros();
        init::initialize(Self::ARCHITECTURE, Self::INIT, seed, network.parameters_mut());
        network
    }

    /// A network drawn under the seed of its declaration.
    #[must_use]
    fn initialized() -> Box<Self> {
        Self::new(Self::SEED)
    }

    /// A network whose parameters are all 0, allocated where it stays.
    #[must_use]
    fn zeros() -> Box<Self> {
        memory::zeroed()
    }

    /// All parameters as one slice of [`PARAMS`](Self::PARAMS) numbers, in the order of [`Architecture::ranges`].
    #[must_use]
    fn parameters(&self) -> &[Self::Scalar] {
        memory::flat(self)
    }

    /// [`parameters`](Self::parameters), to be written.
    #[must_use]
    fn parameters_mut(&mut self) -> &mut [Self::Scalar] {
        memory::flat_mut(self)
    }

    /// Widths, activations, dropout and loss.
    #[must_use]
    fn architecture(&self) -> &'static Architecture {
        Self::ARCHITECTURE
    }

    /// Θ^(L) with the bias as column 0, L counted from 1. A layer that the network lacks does not compile.
    #[must_use]
    fn theta<const L: usize>(&self) -> Theta<'_, Self::Scalar>
    where
        Self: HasLayer<L>,
    {
        Theta::of(self.layer())
    }

    /// h(x), the output for one sample. Nothing is allocated after a thread's first call, and no thread is woken.
    ///
    /// Sums may be formed in another order than [`predict_batch`](Self::predict_batch) forms them, so the two can
    /// differ in the last bits. An input that is not finite gives an output that need not be.
    #[must_use]
    fn predict(&self, input: &Self::Input) -> Self::Output {
        let mut output = Self::Output::zeros();
        let result = compute::predict(Self::ARCHITECTURE, self.parameters(), input.as_slice(), output.as_mut_slice());
        debug_assert_eq!(result, Ok(()), "the types of a network fix every length");
        output
    }

    /// h(x) for every sample, on the current rayon pool.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::Length`] when `outputs` has not as many rows as `inputs`.
    fn predict_batch(&self, inputs: &[Self::Input], outputs: &mut [Self::Output]) -> Result<(), Error> {
        if inputs.is_empty() {
            return Err(Error::Empty { what: "inputs" });
        }
        if inputs.len() != outputs.len() {
            return Err(Error::Length { what: "outputs", expected: inputs.len(), found: outputs.len() });
        }
        let (inputs, outputs) = (Self::Input::flatten(inputs), Self::Output::flatten_mut(outputs));
        compute::predict_batch(Self::ARCHITECTURE, self.parameters(), inputs, outputs)
    }

    /// J on m samples and their targets: the mean loss, plus λ/2m Σ‖Θ_w‖² with λ = `l2`. Without dropout.
    ///
    /// # Errors
    /// [`Error::Empty`] for m = 0, [`Error::Length`] when there are not as many targets as inputs,
    /// [`Error::NonFinite`] for a number that is not finite, [`Error::Setting`] for a λ that is negative or not
    /// finite.
    fn cost(&self, inputs: &[Self::Input], targets: &[Self::Output], l2: f64) -> Result<f64, Error> {
        compute::cost(Self::ARCHITECTURE, self.parameters(), Samples::of(inputs, targets), l2)
    }

    /// J as [`cost`](Self::cost) gives it, and Δ = ∂J/∂Θ, which has the network's own type.
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    fn gradient(&self, inputs: &[Self::Input], targets: &[Self::Output], l2: f64) -> Result<(f64, Box<Self>), Error> {
        let samples = Samples::of(inputs, targets);
        let mut delta = Self::zeros();
        let cost = compute::gradient(Self::ARCHITECTURE, self.parameters(), samples, l2, delta.parameters_mut())?;
        Ok((cost, delta))
    }

    /// Compares [`gradient`](Self::gradient) with central differences, both in `f64`: see [`GradientCheck`].
    /// Each compared parameter costs at least six evaluations of J, so a few dozen samples are enough.
    ///
    /// # Errors
    /// As [`cost`](Self::cost).
    fn check_gradient(
        &self,
        inputs: &[Self::Input],
        targets: &[Self::Output],
        l2: f64,
    ) -> Result<GradientCheck, Error> {
        check::check_gradient(Self::ARCHITECTURE, self.parameters(), Samples::of(inputs, targets), l2)
    }

    /// The twin of this network whose sizes are not in its type; back by [`DynNetwork::try_into_network`].
    #[must_use]
    fn to_dynamic(&self) -> DynNetwork<Self::Scalar> {
        DynNetwork::from(self)
    }

    /// Reads a network into a box, without one on the stack first: what to use for large networks, as
    /// `#[serde(deserialize_with = "Digits::deserialize_boxed")]` on a field of type `Box<Digits>` too.
    /// `Deserialize` itself returns the network by value.
    ///
    /// # Errors
    /// The deserializer's, for an architecture or a shape other than the network's, and for numbers that are not
    /// finite.
    #[cfg(feature = "serde")]
    fn deserialize_boxed<'de, D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Box<Self>, D::Error> {
        serde::deserialize(deserializer)
    }
}

/// A network that has a Θ^(L), L counted from 1.
pub trait HasLayer<const L: usize>: Network {
    /// The layer's type, a [`Dense`].
    type Layer: DenseLayer<Scalar = Self::Scalar>;

    /// The layer.
    fn layer(&self) -> &Self::Layer;
}

/// What a network's `Debug` prints: its name, shape and size, and no number.
pub(crate) fn debug_network<N: Network>(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} {{ {}; {} {} parameters }}", N::NAME, N::ARCHITECTURE, N::PARAMS, N::Scalar::NAME)
}

/// A copy of a network, made on the heap.
pub(crate) fn clone_boxed<N: Network>(network: &N) -> Box<N> {
    let mut copy = N::zeros();
    copy.parameters_mut().copy_from_slice(network.parameters());
    copy
}
