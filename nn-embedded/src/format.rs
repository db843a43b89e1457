//! The file of a network: what it says, and whether it is right. All of it in `const`, so that a bad file does not
//! compile.

use core::fmt;

/// The bytes that a file begins with.
pub const MAGIC: [u8; 8] = *b"\x89NNE\r\n\x1a\n";
/// The version of the format.
pub const VERSION: u32 = 1;
/// Flag: the inputs are standardised first.
pub const STANDARDIZED_INPUTS: u32 = 1;
/// Flag: the outputs are brought back to the units of the targets.
pub const STANDARDIZED_OUTPUTS: u32 = 2;
/// The most inputs that a layer of 8-bit numbers takes: 127 · 128 · 2¹⁷ is the greatest such sum below 2³¹.
pub const MAX_INT8_INPUTS: usize = 1 << 17;
/// The header's bytes.
pub const HEADER: usize = 36;

/// The activation of a layer, as `nn_train::Activation` has it.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// z itself.
    Linear,
    /// max(0, z).
    Relu,
    /// z where z > 0, slope · z elsewhere.
    LeakyRelu(f32),
    /// z where z > 0, e^z - 1 elsewhere.
    Elu,
    /// 1 / (1 + e^-z).
    Sigmoid,
    /// tanh z.
    Tanh,
    /// z σ(√(8/π) (z + 0.044715 z³)).
    Gelu,
    /// z σ(z).
    Silu,
    /// ln(1 + e^z).
    Softplus,
    /// e^z_k / Σ_j e^z_j, on the last layer only.
    Softmax,
}

impl Activation {
    /// The number that stands for it in a file, and its slope or 0.
    #[must_use]
    pub const fn code(self) -> (u32, f32) {
        match self {
            Self::Linear => (0, 0.0),
            Self::Relu => (1, 0.0),
            Self::LeakyRelu(slope) => (2, slope),
            Self::Elu => (3, 0.0),
            Self::Sigmoid => (4, 0.0),
            Self::Tanh => (5, 0.0),
            Self::Gelu => (6, 0.0),
            Self::Silu => (7, 0.0),
            Self::Softplus => (8, 0.0),
            Self::Softmax => (9, 0.0),
        }
    }

    const fn of_code(code: u32, slope: f32) -> Option<Self> {
        match code {
            2 => Some(Self::LeakyRelu(slope)),
            // Nothing else has a slope.
            _ if slope.to_bits() != 0 => None,
            0 => Some(Self::Linear),
            1 => Some(Self::Relu),
            3 => Some(Self::Elu),
            4 => Some(Self::Sigmoid),
            5 => Some(Self::Tanh),
            6 => Some(Self::Gelu),
            7 => Some(Self::Silu),
            8 => Some(Self::Softplus),
            9 => Some(Self::Softmax),
            _ => None,
        }
    }
}

/// What is wrong with a file, or with what a network is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// It does not begin as a network's file does.
    Magic,
    /// A version that this code does not know.
    Version {
        /// The version.
        found: u32,
    },
    /// Weights of another type, or flags that mean nothing.
    Kind {
        /// What the code reads: 0 for `f32`, 1 for 8 bits.
        expected: u32,
        /// What the file says.
        found: u32,
    },
    /// A flag that means nothing.
    Flags {
        /// All flags.
        found: u32,
    },
    /// A size is not what it should be.
    Size {
        /// What has this size.
        what: &'static str,
        /// What it should be.
        expected: u32,
        /// What it is.
        found: u32,
    },
    /// A width is 0.
    Width {
        /// Which Θ^(l), counted from 1; 0 for the inputs.
        layer: u32,
    },
    /// The file ends too soon, or its sizes are more than there can be.
    Short {
        /// Which Θ^(l), counted from 1; 0 for what stands before.
        layer: u32,
    },
    /// An activation that does not exist, or a softmax before the last layer.
    Activation {
        /// Which Θ^(l), counted from 1.
        layer: u32,
        /// The activation's number.
        code: u32,
    },
    /// A layer of 8-bit numbers with more than [`MAX_INT8_INPUTS`] inputs.
    TooWide {
        /// Which Θ^(l), counted from 1.
        layer: u32,
    },
    /// Bytes that fill up a layer are not 0.
    Padding {
        /// Which Θ^(l), counted from 1.
        layer: u32,
    },
}

impl Fault {
    /// The message without its numbers, for the compiler to print.
    #[must_use]
    pub const fn message(&self) -> &'static str {
        match self {
            Self::Magic => "this is no file of an embedded network: it begins with other bytes",
            Self::Version { .. } => {
                "the file of the embedded network has a version that this nn-embedded does not know"
            }
            Self::Kind { .. } => "the file's weights are of another type than the predictor's",
            Self::Flags { .. } => "the file of the embedded network has flags that mean nothing",
            Self::Size { what, .. } => what,
            Self::Width { .. } => "a width in the file of the embedded network is 0",
            Self::Short { .. } => "the file of the embedded network ends too soon",
            Self::Activation { .. } => {
                "a layer in the file of the embedded network has an activation that it cannot have"
            }
            Self::TooWide { .. } => "a layer of 8-bit numbers has more inputs than its sums have room for",
            Self::Padding { .. } => "bytes that fill up a layer in the file of the embedded network are not 0",
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match self {
            Self::Magic => Ok(()),
            Self::Version { found } => write!(f, ": it is {found}; expected {VERSION}"),
            Self::Kind { expected, found } => write!(f, ": {found}; expected {expected} (0 is f32, 1 is 8 bits)"),
            Self::Flags { found } => write!(f, ": {found}; expected at most 3"),
            Self::Size { expected, found, .. } => write!(f, ": {found}; expected {expected}"),
            Self::Width { layer } | Self::Short { layer } | Self::Padding { layer } => write!(f, ": layer {layer}"),
            Self::Activation { layer, code } => write!(f, ": layer {layer}, activation {code}"),
            Self::TooWide { layer } => write!(f, ": layer {layer}; expected at most {MAX_INT8_INPUTS}"),
        }
    }
}

impl core::error::Error for Fault {}

/// A factor and a zero point, by which numbers become 8-bit ones: see [`quantize`](crate::int8::quantize).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantization {
    /// Steps in a unit.
    pub factor: f32,
    /// What stands for 0.
    pub zero: f32,
}

/// Numbers as they lie in a file, four bytes each, the least first.
pub type Words<'a> = &'a [[u8; 4]];

/// The numbers of one layer as they lie in the file.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// S_l.
    pub inputs: usize,
    /// S_{l+1}.
    pub outputs: usize,
    /// g.
    pub activation: Activation,
    /// How the outputs become 8-bit numbers for the next layer; of the last, and in `f32`, it is 0 and 0.
    pub quantization: Quantization,
    /// A number for each output.
    pub biases: Words<'a>,
    /// A number for each output in 8 bits, none in `f32`.
    pub scales: Words<'a>,
    /// Row by row, a row for each output.
    pub weights: &'a [u8],
}

/// The bytes that have not been read, and the layer that they belong to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rest<'a> {
    pub(crate) bytes: &'a [u8],
    pub(crate) layer: u32,
}

/// `?` in `const`.
macro_rules! tri {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(fault) => return Err(fault),
        }
    };
}
pub(crate) use tri;

impl<'a> Rest<'a> {
    const fn take(self, count: Option<usize>) -> Result<(&'a [u8], Self), Fault> {
        let Some(count) = count else { return Err(Fault::Short { layer: self.layer }) };
        match self.bytes.split_at_checked(count) {
            Some((taken, bytes)) => Ok((taken, Self { bytes, ..self })),
            None => Err(Fault::Short { layer: self.layer }),
        }
    }

    pub(crate) const fn words(self, count: usize) -> Result<(Words<'a>, Self), Fault> {
        let (bytes, rest) = tri!(self.take(count.checked_mul(4)));
        Ok((bytes.as_chunks().0, rest))
    }

    pub(crate) const fn word(self) -> Result<(u32, Self), Fault> {
        match self.bytes.split_first_chunk() {
            Some((word, bytes)) => Ok((u32::from_le_bytes(*word), Self { bytes, ..self })),
            None => Err(Fault::Short { layer: self.layer }),
        }
    }

    pub(crate) const fn number(self) -> Result<(f32, Self), Fault> {
        let (bits, rest) = tri!(self.word());
        Ok((f32::from_bits(bits), rest))
    }

    /// `factor` and `zero` in 8 bits, nothing in `f32`.
    pub(crate) const fn quantization(self, int8: bool) -> Result<(Quantization, Self), Fault> {
        if !int8 {
            return Ok((Quantization { factor: 0.0, zero: 0.0 }, self));
        }
        let (factor, rest) = tri!(self.number());
        let (zero, rest) = tri!(rest.number());
        Ok((Quantization { factor, zero }, rest))
    }

    /// The next layer, which takes `inputs`.
    pub(crate) const fn layer(self, inputs: usize, int8: bool, last: bool) -> Result<(Layer<'a>, Self), Fault> {
        let layer = self.layer + 1;
        let (outputs, rest) = tri!(Self { layer, ..self }.word());
        let (code, rest) = tri!(rest.word());
        let (slope, rest) = tri!(rest.number());
        let (quantization, rest) = tri!(rest.quantization(int8));
        if outputs == 0 {
            return Err(Fault::Width { layer });
        }
        if int8 && inputs > MAX_INT8_INPUTS {
            return Err(Fault::TooWide { layer });
        }
        let Some(activation) = Activation::of_code(code, slope) else { return Err(Fault::Activation { layer, code }) };
        if matches!(activation, Activation::Softmax) && !last {
            return Err(Fault::Activation { layer, code });
        }
        let outputs = outputs as usize;
        let (biases, rest) = tri!(rest.words(outputs));
        let (scales, rest) = tri!(rest.words(if int8 { outputs } else { 0 }));
        let count = inputs.checked_mul(outputs);
        let (weights, rest) = if int8 {
            let (weights, rest) = tri!(rest.take(count));
            let (mut padding, rest) = tri!(rest.take(Some(weights.len().wrapping_neg() % 4)));
            while let Some((byte, behind)) = padding.split_first() {
                if *byte != 0 {
                    return Err(Fault::Padding { layer });
                }
                padding = behind;
            }
            (weights, rest)
        } else {
            let Some(count) = count else { return Err(Fault::Short { layer }) };
            tri!(rest.take(count.checked_mul(4)))
        };
        Ok((Layer { inputs, outputs, activation, quantization, biases, scales, weights }, rest))
    }
}
