//! Initial parameters.

use nn_kernels::random::{self, ChaCha8Rng, Purpose};
use nn_kernels::{Activation, Architecture, Element, Layer};
use rand::RngExt;
use rand_distr::{Distribution, StandardNormal};

/// How initial parameters are drawn, layer by layer, with n_in = S_l and n_out = S_{l+1}.
///
/// | | weights | from |
/// |---|---|---|
/// | Xavier | variance 2 / (n_in + n_out) | Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010, equations 12 and 16 |
/// | He | variance 2 / n_in | He, Zhang, Ren and Sun, "Delving Deep into Rectifiers", ICCV 2015, equation 10 |
/// | LeCun | variance 1 / n_in | LeCun, Bottou, Orr and Müller, "Efficient BackProp", 1998, section 4.6 |
///
/// A uniform distribution of variance v lies in [-√(3v), √(3v)); a normal one has the deviation √v. In all three
/// the bias starts at 0.
///
/// Numbers are drawn in `f64` and rounded to the network's type; layer l (from 0) has the random stream
/// [`Purpose::Initialisation`] with index l to itself.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Init {
    /// Uniform, variance 2 / (n_in + n_out).
    XavierUniform,
    /// Normal, variance 2 / (n_in + n_out).
    XavierNormal,
    /// Uniform, variance 2 / n_in.
    HeUniform,
    /// Normal, variance 2 / n_in.
    HeNormal,
    /// Uniform, variance 1 / n_in.
    LecunUniform,
    /// Normal, variance 1 / n_in.
    LecunNormal,
    /// Every parameter, the bias among them, uniform in [-ε, ε): the symmetry breaking of A. Ng's machine-learning
    /// course (week 5), from which this crate's derivation comes. ε is finite and positive.
    Symmetric(f64),
}

impl Init {
    /// What a layer gets when nothing is named: He normal before the functions that are half silent (relu,
    /// leaky_relu, elu, gelu, silu, softplus), which is the case that He et al. derive; Xavier uniform before
    /// sigmoid, tanh, softmax and linear, which Glorot and Bengio treat as roughly linear around 0.
    #[must_use]
    pub const fn for_activation(activation: Activation) -> Self {
        match activation {
            Activation::Relu
            | Activation::LeakyRelu(_)
            | Activation::Elu
            | Activation::Gelu
            | Activation::Silu
            | Activation::Softplus => Self::HeNormal,
            _ => Self::XavierUniform,
        }
    }

    /// Whether the distribution exists: ε is finite and positive.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        match self {
            Self::Symmetric(epsilon) => epsilon.is_finite() && epsilon > 0.0,
            _ => true,
        }
    }

    /// The weights' variance in a layer, and whether they are normal rather than uniform.
    fn variance(self, layer: &Layer) -> (f64, bool) {
        let (inputs, outputs) = (layer.inputs as f64, layer.outputs as f64);
        match self {
            Self::XavierUniform => (2.0 / (inputs + outputs), false),
            Self::XavierNormal => (2.0 / (inputs + outputs), true),
            Self::HeUniform => (2.0 / inputs, false),
            Self::HeNormal => (2.0 / inputs, true),
            Self::LecunUniform => (1.0 / inputs, false),
            Self::LecunNormal => (1.0 / inputs, true),
            Self::Symmetric(epsilon) => (epsilon * epsilon / 3.0, false),
        }
    }
}

/// Uniform in [-bound, bound), 53 random bits a number.
fn uniform(generator: &mut ChaCha8Rng, bound: f64) -> f64 {
    bound * (2.0 * generator.random::<f64>() - 1.0)
}

/// Writes the initial parameters of a network into its flat slice.
pub(crate) fn initialize<T: Element>(architecture: &Architecture, init: Option<Init>, seed: u64, parameters: &mut [T]) {
    for ((index, layer), range) in (0_u32..).zip(architecture.layers()).zip(architecture.ranges()) {
        let init = init.unwrap_or(Init::for_activation(layer.activation));
        let mut generator = random::stream(seed, Purpose::Initialisation, index);
        if let Init::Symmetric(epsilon) = init {
            for parameter in &mut parameters[range.weights.start..range.bias.end] {
                *parameter = T::from_f64(uniform(&mut generator, epsilon));
            }
            continue;
        }
        let (variance, normal) = init.variance(layer);
        let (deviation, bound) = (variance.sqrt(), (3.0 * variance).sqrt());
        for weight in &mut parameters[range.weights] {
            *weight = T::from_f64(if normal {
                let standard: f64 = StandardNormal.sample(&mut generator);
                deviation * standard
            } else {
                uniform(&mut generator, bound)
            });
        }
        parameters[range.bias].fill(T::ZERO);
    }
}
