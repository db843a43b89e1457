//! What a network is made of: widths, activations, dropout, and the loss at its end.

mod parse;

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use thiserror::Error;

pub use parse::ParseError;

use crate::Element;

/// The activation function g of a layer, a = g(z).
///
/// ```
/// use nn_kernels::Activation;
///
/// let activation: Activation = "leaky_relu(-1e-2)".parse()?;
/// assert_eq!(activation, Activation::LeakyRelu(-0.01));
/// assert_eq!(activation.to_string(), "leaky_relu(-0.01)");
/// # Ok::<(), nn_kernels::ParseError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// σ(z) = 1 / (1 + e^-z).
    Sigmoid,
    /// tanh z.
    Tanh,
    /// max(0, z).
    Relu,
    /// z where z > 0, slope · z elsewhere. The slope is finite.
    LeakyRelu(f64),
    /// z where z > 0, e^z - 1 elsewhere.
    Elu,
    /// z · σ(√(8/π) · (z + 0.044715 z³)), the tanh form of z · Φ(z) in Hendrycks and Gimpel,
    /// "Gaussian Error Linear Units", arXiv:1606.08415, section 2.
    Gelu,
    /// z · σ(z), also called swish.
    Silu,
    /// ln(1 + e^z).
    Softplus,
    /// z itself.
    Linear,
    /// e^z_k / Σ_j e^z_j over the units of the output layer.
    Softmax,
}

impl Activation {
    /// The names of all activations.
    pub const NAMES: [&'static str; 10] =
        ["sigmoid", "tanh", "relu", "leaky_relu", "elu", "gelu", "silu", "softplus", "linear", "softmax"];

    /// The name by which `network!` and error messages know the function.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::LeakyRelu(_) => "leaky_relu",
            Self::Elu => "elu",
            Self::Gelu => "gelu",
            Self::Silu => "silu",
            Self::Softplus => "softplus",
            Self::Linear => "linear",
            Self::Softmax => "softmax",
        }
    }
}

impl fmt::Display for Activation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::LeakyRelu(slope) => write!(f, "leaky_relu({})", number_text(*slope)),
            other => f.write_str(other.name()),
        }
    }
}

/// A number as descriptions and messages write it: with an exponent where it would be a long row of zeros, `1e-50`.
/// `str::parse` reads it back to the bit.
#[must_use]
pub fn number_text(number: f64) -> String {
    if number == 0.0 || (1e-6..1e16).contains(&number.abs()) { number.to_string() } else { format!("{number:e}") }
}

/// The loss at the network's output, averaged over the samples of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Loss {
    /// -Σ_k [y log h + (1 - y) log(1 - h)] on a sigmoid output, -Σ_k y log h on a softmax output.
    CrossEntropy,
    /// ½ Σ_k (a - y)².
    Mse,
    /// Σ_k |a - y|.
    Mae,
    /// Σ_k of ½ r² where |r| ≤ d and d (|r| - ½ d) elsewhere, with r = a - y. The threshold d is finite and
    /// positive.
    Huber(f64),
}

impl Loss {
    /// The names of all losses.
    pub const NAMES: [&'static str; 4] = ["cross_entropy", "mse", "mae", "huber"];

    /// The loss that goes with an output activation when none is named: cross-entropy for sigmoid and softmax,
    /// the squared error for the others.
    #[must_use]
    pub const fn for_output(activation: Activation) -> Self {
        match activation {
            Activation::Sigmoid | Activation::Softmax => Self::CrossEntropy,
            _ => Self::Mse,
        }
    }

    /// Whether the loss is defined on an output of this activation: cross-entropy wants probabilities
    /// (sigmoid or softmax), and softmax wants cross-entropy.
    #[must_use]
    pub const fn fits(self, activation: Activation) -> bool {
        match (self, activation) {
            (Self::CrossEntropy, Activation::Sigmoid | Activation::Softmax) => true,
            (Self::CrossEntropy, _) | (_, Activation::Softmax) => false,
            _ => true,
        }
    }

    /// The name by which `network!` and error messages know the loss.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::CrossEntropy => "cross_entropy",
            Self::Mse => "mse",
            Self::Mae => "mae",
            Self::Huber(_) => "huber",
        }
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Huber(threshold) => write!(f, "huber({})", number_text(*threshold)),
            other => f.write_str(other.name()),
        }
    }
}

/// One layer of parameters with the activation behind it: Θ^(l) leads from `inputs` = S_l units to
/// `outputs` = S_{l+1}.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Layer {
    /// S_l, without the bias unit.
    pub inputs: usize,
    /// S_{l+1}.
    pub outputs: usize,
    /// g, applied to z^(l+1).
    pub activation: Activation,
    /// The probability with which a unit of this layer's output is dropped in training, in [0, 1).
    pub dropout: f64,
}

impl Layer {
    /// A layer without dropout.
    #[must_use]
    pub const fn new(inputs: usize, outputs: usize, activation: Activation) -> Self {
        Self { inputs, outputs, activation, dropout: 0.0 }
    }

    /// The same layer, its outputs dropped with `probability` in training.
    #[must_use]
    pub const fn with_dropout(self, probability: f64) -> Self {
        Self { dropout: probability, ..self }
    }

    /// Numbers in Θ^(l): `outputs · (inputs + 1)`, or `usize::MAX` where there are more. (In an [`Architecture`] there
    /// are not.)
    #[must_use]
    pub const fn params(&self) -> usize {
        self.outputs.saturating_mul(self.inputs.saturating_add(1))
    }
}

/// Where the parameters of one layer lie in the flat slice of a network's parameters: Θ_w^(l) row by row
/// (`outputs` × `inputs`), and behind it the bias, column 0 of Θ^(l).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerRange {
    /// Θ_w^(l), `outputs` × `inputs`, row-major.
    pub weights: Range<usize>,
    /// Column 0 of Θ^(l), `outputs` numbers.
    pub bias: Range<usize>,
}

/// The shape of a whole network, and its loss. Always valid: a value of this type has passed every check.
///
/// ```
/// use nn_kernels::Architecture;
///
/// let text = "64 => 48 relu dropout(0.2) => 10 softmax, cross_entropy";
/// let architecture: Architecture = text.parse()?;
/// assert_eq!(architecture.params(), 48 * 65 + 10 * 49);
/// assert_eq!(architecture.to_string(), text);
/// # Ok::<(), nn_kernels::ParseError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Architecture {
    layers: Cow<'static, [Layer]>,
    loss: Loss,
}

/// A fault of an architecture. Layers are numbered from 1, as Θ^(l) is.
#[derive(Debug, Clone, Copy, PartialEq, Error)]
#[non_exhaustive]
pub enum ArchitectureError {
    /// There is no layer.
    #[error("a network has no layer; it needs at least an input and an output width")]
    NoLayer,
    /// A width is zero.
    #[error("layer {layer} is {inputs} => {outputs}; widths must be at least 1")]
    ZeroWidth {
        /// Which Θ^(l).
        layer: usize,
        /// Its input width.
        inputs: usize,
        /// Its output width.
        outputs: usize,
    },
    /// A layer does not take what the one before it gives.
    #[error("layer {layer} takes {found} inputs, but the layer before it has {expected} outputs")]
    Mismatch {
        /// Which Θ^(l).
        layer: usize,
        /// The outputs of the layer before.
        expected: usize,
        /// The inputs of this one.
        found: usize,
    },
    /// Softmax stands before the output.
    #[error("layer {layer} has the activation softmax, which only the output layer may have")]
    HiddenSoftmax {
        /// Which Θ^(l).
        layer: usize,
    },
    /// A softmax over one unit, whose output is 1 whatever goes in.
    #[error("the output is a softmax over 1 unit, which is always 1; for one probability use sigmoid")]
    SingleSoftmax,
    /// A dropout probability is out of range.
    #[error("layer {layer} has dropout({probability}); expected a probability in [0, 1)")]
    Dropout {
        /// Which Θ^(l).
        layer: usize,
        /// The probability found.
        probability: f64,
    },
    /// Dropout stands on the output.
    #[error("the output layer has dropout({probability}); only hidden layers may drop units")]
    OutputDropout {
        /// The probability found.
        probability: f64,
    },
    /// An activation's or loss's own number is out of range.
    #[error("{name}({value}): expected {expected}")]
    Coefficient {
        /// The activation or loss.
        name: &'static str,
        /// The number found.
        value: f64,
        /// What would have been right.
        expected: &'static str,
    },
    /// An activation's or loss's own number is none in the network's number type.
    #[error("{name}({}) is {becomes} in {element}; expected a number that {element} holds", number_text(*value))]
    Rounds {
        /// The activation or loss.
        name: &'static str,
        /// The number.
        value: f64,
        /// The network's number type.
        element: &'static str,
        /// What the number becomes in it: 0 or ±∞.
        becomes: f64,
    },
    /// The loss is not defined on the output's activation.
    #[error("the loss {loss} does not fit a {activation} output; {hint}")]
    LossMismatch {
        /// The loss.
        loss: Loss,
        /// The output's activation.
        activation: Activation,
        /// A pair that would fit.
        hint: &'static str,
    },
    /// The parameters would not fit into the address space.
    #[error("the parameters up to layer {layer} are more than {max} numbers")]
    TooLarge {
        /// The Θ^(l) at which the count overflows.
        layer: usize,
        /// The most numbers a network may have.
        max: usize,
    },
}

/// The most parameters a network may have: an f64 each must fit into `isize::MAX` bytes. (Whether there is memory for them
/// is seen when an engine is made.)
pub const MAX_PARAMS: usize = isize::MAX as usize / 8;

/// The first fault of a network, if it has one. `const`, so that `network!` has it checked at compile time.
const fn first_fault(layers: &[Layer], loss: Loss) -> Option<ArchitectureError> {
    if layers.is_empty() {
        return Some(ArchitectureError::NoLayer);
    }
    let mut params: usize = 0;
    let mut index = 0;
    while index < layers.len() {
        let Layer { inputs, outputs, activation, dropout } = layers[index];
        let layer = index + 1;
        let last = layer == layers.len();
        if inputs == 0 || outputs == 0 {
            return Some(ArchitectureError::ZeroWidth { layer, inputs, outputs });
        }
        if index > 0 && layers[index - 1].outputs != inputs {
            return Some(ArchitectureError::Mismatch { layer, expected: layers[index - 1].outputs, found: inputs });
        }
        if matches!(activation, Activation::Softmax) && !last {
            return Some(ArchitectureError::HiddenSoftmax { layer });
        }
        if matches!(activation, Activation::Softmax) && outputs == 1 {
            return Some(ArchitectureError::SingleSoftmax);
        }
        if let Activation::LeakyRelu(slope) = activation
            && !slope.is_finite()
        {
            return Some(ArchitectureError::Coefficient {
                name: "leaky_relu",
                value: slope,
                expected: "a finite slope",
            });
        }
        if !(dropout >= 0.0 && dropout < 1.0) {
            return Some(ArchitectureError::Dropout { layer, probability: dropout });
        }
        if last && dropout > 0.0 {
            return Some(ArchitectureError::OutputDropout { probability: dropout });
        }
        let count = match inputs.checked_add(1) {
            Some(columns) => columns.checked_mul(outputs),
            None => None,
        };
        params = match count {
            Some(count) => match params.checked_add(count) {
                Some(sum) if sum <= MAX_PARAMS => sum,
                _ => return Some(ArchitectureError::TooLarge { layer, max: MAX_PARAMS }),
            },
            None => return Some(ArchitectureError::TooLarge { layer, max: MAX_PARAMS }),
        };
        index += 1;
    }
    if let Loss::Huber(threshold) = loss
        && !(threshold > 0.0 && threshold.is_finite())
    {
        return Some(ArchitectureError::Coefficient {
            name: "huber",
            value: threshold,
            expected: "a finite, positive threshold",
        });
    }
    let activation = layers[layers.len() - 1].activation;
    if !loss.fits(activation) {
        let hint = if matches!(loss, Loss::CrossEntropy) {
            "cross_entropy wants a sigmoid or softmax output"
        } else {
            "softmax goes with cross_entropy"
        };
        return Some(ArchitectureError::LossMismatch { loss, activation, hint });
    }
    None
}

impl Architecture {
    /// An architecture from data.
    ///
    /// # Errors
    /// An [`ArchitectureError`] that names the first fault.
    pub fn new(layers: Vec<Layer>, loss: Loss) -> Result<Self, ArchitectureError> {
        match first_fault(&layers, loss) {
            Some(fault) => Err(fault),
            None => Ok(Self { layers: Cow::Owned(layers), loss }),
        }
    }

    /// An architecture in a constant, as `network!` writes it.
    ///
    /// # Panics
    /// When it has a fault; in a `const` item that is an error of compilation, at the caller's place.
    #[must_use]
    #[track_caller]
    pub const fn from_static(layers: &'static [Layer], loss: Loss) -> Self {
        match first_fault(layers, loss) {
            None => Self { layers: Cow::Borrowed(layers), loss },
            Some(ArchitectureError::ZeroWidth { .. }) => panic!("a layer's width is 0; it must be at least 1"),
            Some(ArchitectureError::TooLarge { .. }) => panic!("the network has more parameters than fit into memory"),
            Some(ArchitectureError::SingleSoftmax) => panic!("a softmax over 1 unit is always 1; sigmoid is meant"),
            Some(_) => panic!("the network's architecture is invalid; see ArchitectureError"),
        }
    }

    /// The numbers of activations and losses are numbers in `T`: a slope of 10³⁰⁰ is ∞ in `f32`, one of 10⁻⁵⁰ is 0.
    ///
    /// # Errors
    /// [`ArchitectureError::Rounds`] for the first that becomes 0 or ∞ there.
    pub fn check_element<T: Element>(&self) -> Result<(), ArchitectureError> {
        let slopes = self.layers.iter().filter_map(|layer| match layer.activation {
            Activation::LeakyRelu(slope) => Some(("leaky_relu", slope)),
            _ => None,
        });
        let threshold = match self.loss {
            Loss::Huber(threshold) => Some(("huber", threshold)),
            _ => None,
        };
        for (name, value) in slopes.chain(threshold) {
            let becomes = T::from_f64(value).to_f64();
            if !becomes.is_finite() || (becomes == 0.0) != (value == 0.0) {
                return Err(ArchitectureError::Rounds { name, value, element: T::NAME, becomes });
            }
        }
        Ok(())
    }

    /// The layers of parameters, Θ^(1) first. There is at least one.
    #[must_use]
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// The loss at the output.
    #[must_use]
    pub const fn loss(&self) -> Loss {
        self.loss
    }

    /// S_1, the width of a sample.
    #[must_use]
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// S_L, the width of a target and of a prediction.
    #[must_use]
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].outputs
    }

    /// The activation of the output layer.
    #[must_use]
    pub fn output_activation(&self) -> Activation {
        self.layers[self.layers.len() - 1].activation
    }

    /// Numbers in all Θ^(l) together.
    #[must_use]
    pub fn params(&self) -> usize {
        self.layers.iter().map(Layer::params).sum()
    }

    /// Where each layer's parameters lie in the flat slice, Θ^(1) first.
    pub fn ranges(&self) -> impl ExactSizeIterator<Item = LayerRange> + '_ {
        let mut start = 0;
        self.layers.iter().map(move |layer| {
            let weights = start..start + layer.inputs * layer.outputs;
            let bias = weights.end..weights.end + layer.outputs;
            start = bias.end;
            LayerRange { weights, bias }
        })
    }

    /// Floating-point operations of one training step on `rows` samples, a multiplication and an addition
    /// counted as two: forward, δ and Δ of every layer, less the input's δ, which nobody needs.
    #[must_use]
    pub fn step_flops(&self, rows: usize) -> f64 {
        let products: f64 = self.layers.iter().map(|l| l.inputs as f64 * l.outputs as f64).sum();
        let first = self.layers[0].inputs as f64 * self.layers[0].outputs as f64;
        rows as f64 * (6.0 * products - 2.0 * first)
    }
}

impl fmt::Display for Architecture {
    /// `64 => 48 sigmoid => 10 sigmoid, cross_entropy`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.inputs())?;
        for layer in self.layers.iter() {
            write!(f, " => {} {}", layer.outputs, layer.activation)?;
            if layer.dropout > 0.0 {
                write!(f, " dropout({})", number_text(layer.dropout))?;
            }
        }
        write!(f, ", {}", self.loss)
    }
}
