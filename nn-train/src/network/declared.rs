//! The trait that `network!` implements for a type.

use std::fmt;

use nn_kernels::{Architecture, Element, Layer};

use super::{DenseLayer, Init, Network, Parameters, Row, Theta, init};

/// A network that [`network!`](crate::network) declared: what the compiler knows of it. What it can do is
/// [`Network`]'s, which every declared network implements.
///
/// The macro implements this trait. An implementation by hand that contradicts itself panics when the network is used;
/// it is never undefined behaviour.
pub trait Declared: Stored<Number = Self::Scalar> + Clone + PartialEq + fmt::Debug + Send + Sync + 'static {
    /// The number type of parameters, samples and predictions: `f32` or `f64`.
    type Scalar: Element;
    /// One sample, `[Scalar; S_1]`.
    type Input: Row<Scalar = Self::Scalar>;
    /// One target or prediction, `[Scalar; S_L]`.
    type Output: Row<Scalar = Self::Scalar>;
    /// The type's name, as declared.
    const NAME: &'static str;
    /// The layers of [`ARCHITECTURE`](Self::ARCHITECTURE).
    #[doc(hidden)]
    const LAYERS: &'static [Layer];
    /// Widths, activations, dropout and loss.
    const ARCHITECTURE: &'static Architecture;
    /// The distribution of the initial parameters.
    const INIT: Init;
    /// The seed of [`initialized`](Self::initialized).
    const SEED: u64;
    /// Numbers in all Θ^(l) together.
    const PARAMS: usize = start(Self::LAYERS, Self::LAYERS.len());

    /// A network whose parameters are drawn under `seed`. The same seed gives the same network.
    #[must_use]
    fn new(seed: u64) -> Self {
        let mut network = Self::zeros();
        init::initialize(Self::ARCHITECTURE, Self::INIT, seed, network.parameters_mut());
        network
    }

    /// A network drawn under the seed of its declaration. `Default` gives the same.
    #[must_use]
    fn initialized() -> Self {
        Self::new(Self::SEED)
    }

    /// A network whose parameters are all 0.
    #[must_use]
    fn zeros() -> Self {
        Self::from_parameters(Parameters::zeros(Self::PARAMS))
    }

    /// Θ^(L) with the bias as column 0, L counted from 1. A layer that the network lacks does not compile.
    #[must_use]
    fn theta<const L: usize>(&self) -> Theta<'_, Self::Scalar>
    where
        Self: HasLayer<L>,
    {
        Theta::of(self.layer())
    }
}

/// The memory of a declared network's parameters.
#[doc(hidden)]
pub trait Stored: Sized {
    type Number: Element;
    fn from_parameters(parameters: Parameters<Self::Number>) -> Self;
    fn stored(&self) -> &Parameters<Self::Number>;
    fn stored_mut(&mut self) -> &mut Parameters<Self::Number>;
}

/// A network that has a Θ^(L), L counted from 1.
pub trait HasLayer<const L: usize>: Declared {
    /// The layer's type, a [`Dense`](crate::Dense).
    type Layer: DenseLayer<Scalar = Self::Scalar>;

    /// The layer, a view of the network's parameters.
    #[must_use]
    #[inline]
    fn layer(&self) -> &Self::Layer {
        let (start, end) = const { (start(Self::LAYERS, L - 1), start(Self::LAYERS, L)) };
        Self::Layer::view(&self.stored().as_slice()[start..end])
    }

    /// The layer, to be written.
    #[must_use]
    #[inline]
    fn layer_mut(&mut self) -> &mut Self::Layer {
        let (start, end) = const { (start(Self::LAYERS, L - 1), start(Self::LAYERS, L)) };
        Self::Layer::view_mut(&mut self.stored_mut().as_mut_slice()[start..end])
    }
}

/// Numbers in the first `count` layers, which is where the next one begins.
const fn start(layers: &[Layer], count: usize) -> usize {
    let mut numbers = 0;
    let mut index = 0;
    while index < count {
        numbers += layers[index].params();
        index += 1;
    }
    numbers
}

/// The `Debug` output of a declared network: its name, shape and size, and no number.
pub(crate) fn debug_declared<N: Declared>(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "{} {{ {}; {} {} parameters }}", N::NAME, N::ARCHITECTURE, N::PARAMS, N::Scalar::NAME)
}
