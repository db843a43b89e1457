//! A network as the bytes of a file.

use nn_embedded::format::{MAGIC, STANDARDIZED_INPUTS, STANDARDIZED_OUTPUTS, VERSION};
use nn_embedded::{Activation, Quantization, Weight};
use nn_kernels::Element;

use super::ExportFault;
use crate::error::Error;
use crate::{Network, Standardizer};

/// What a file says, before it is bytes.
pub(super) struct Parts<W> {
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    /// The means and the reciprocals of the deviations, or nothing.
    pub(super) input_scales: [Vec<f32>; 2],
    pub(super) quantization: Quantization,
    pub(super) layers: Vec<LayerParts<W>>,
    /// The means and the deviations, or nothing.
    pub(super) output_scales: [Vec<f32>; 2],
}

pub(super) struct LayerParts<W> {
    pub(super) activation: Activation,
    pub(super) quantization: Quantization,
    pub(super) biases: Vec<f32>,
    pub(super) scales: Vec<f32>,
    pub(super) weights: Vec<W>,
}

/// In `f32` nothing is quantised.
pub(super) const NONE: Quantization = Quantization { factor: 0.0, zero: 0.0 };

/// The numbers of a weight in a file.
pub(super) trait Bytes: Weight {
    fn push(self, bytes: &mut Vec<u8>);
}

impl Bytes for f32 {
    fn push(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

impl Bytes for i8 {
    fn push(self, bytes: &mut Vec<u8>) {
        bytes.extend(self.to_le_bytes());
    }
}

impl Parts<f32> {
    /// A network and its scales in `f32`.
    pub(super) fn of<N: Network>(
        network: &N,
        inputs: Option<&Standardizer>,
        targets: Option<&Standardizer>,
    ) -> Result<Self, Error> {
        let architecture = network.architecture();
        let (width, outputs) = (architecture.inputs(), architecture.outputs());
        check_features("the network's input", inputs, width)?;
        check_features("the network's output", targets, outputs)?;
        let mut layers = Vec::new();
        for (index, (layer, range)) in architecture.layers().iter().zip(architecture.ranges()).enumerate() {
            layers.push(LayerParts {
                activation: activation(index + 1, layer.activation)?,
                quantization: NONE,
                biases: finite(index + 1, "bias", &network.parameters()[range.bias])?,
                scales: Vec::new(),
                weights: finite(index + 1, "weight", &network.parameters()[range.weights])?,
            });
        }
        let input_scales = match inputs {
            Some(scales) => [
                constants("mean", scales.means().iter().copied(), false)?,
                constants("reciprocal of deviation", scales.deviations().iter().map(|d| 1.0 / d), true)?,
            ],
            None => Default::default(),
        };
        let output_scales = match targets {
            Some(scales) => [
                constants("mean", scales.means().iter().copied(), false)?,
                constants("deviation", scales.deviations().iter().copied(), true)?,
            ],
            None => Default::default(),
        };
        Ok(Self { inputs: width, outputs, input_scales, quantization: NONE, layers, output_scales })
    }
}

impl<W: Bytes> Parts<W> {
    /// The file.
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let mut bytes = MAGIC.to_vec();
        let flag = |scales: &[Vec<f32>; 2], flag| if scales[0].is_empty() { 0 } else { flag };
        let flags = flag(&self.input_scales, STANDARDIZED_INPUTS) | flag(&self.output_scales, STANDARDIZED_OUTPUTS);
        let sizes = [self.inputs, self.outputs, self.layers.len()].map(|size| u32::try_from(size).unwrap_or(u32::MAX));
        // The last word is the length, which comes when it is known.
        for word in [VERSION, u32::from(W::IS_INT8), flags].into_iter().chain(sizes).chain([0]) {
            bytes.extend(word.to_le_bytes());
        }
        push(&mut bytes, self.input_scales.iter().flatten());
        quantization::<W>(&mut bytes, self.quantization);
        for layer in &self.layers {
            let (code, slope) = layer.activation.code();
            bytes.extend(u32::try_from(layer.biases.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend(code.to_le_bytes());
            bytes.extend(slope.to_le_bytes());
            quantization::<W>(&mut bytes, layer.quantization);
            push(&mut bytes, layer.biases.iter().chain(&layer.scales));
            layer.weights.iter().for_each(|weight| weight.push(&mut bytes));
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        push(&mut bytes, self.output_scales.iter().flatten());
        let length = u32::try_from(bytes.len()).map_err(|_| ExportFault::TooLarge { bytes: bytes.len() })?;
        let place = nn_embedded::format::HEADER - 4;
        bytes[place..place + 4].copy_from_slice(&length.to_le_bytes());
        Ok(bytes)
    }
}

fn push<'a>(bytes: &mut Vec<u8>, numbers: impl IntoIterator<Item = &'a f32>) {
    numbers.into_iter().for_each(|number| bytes.extend(number.to_le_bytes()));
}

fn quantization<W: Weight>(bytes: &mut Vec<u8>, quantization: Quantization) {
    if W::IS_INT8 {
        push(bytes, &[quantization.factor, quantization.zero]);
    }
}

fn check_features(what: &'static str, standardizer: Option<&Standardizer>, found: usize) -> Result<(), Error> {
    match standardizer.map(Standardizer::features) {
        Some(expected) if expected != found => Err(Error::Features { what, expected, found }),
        _ => Ok(()),
    }
}

/// The nearest numbers of `f32`, if they are finite.
pub(super) fn finite<T: Element>(layer: usize, what: &'static str, numbers: &[T]) -> Result<Vec<f32>, Error> {
    let number = |(index, parameter): (usize, &T)| {
        let value = parameter.to_f64();
        let number = value as f32;
        if number.is_finite() { Ok(number) } else { Err(ExportFault::Parameter { layer, what, index, value }.into()) }
    };
    numbers.iter().enumerate().map(number).collect()
}

fn constants(what: &'static str, values: impl Iterator<Item = f64>, above_zero: bool) -> Result<Vec<f32>, Error> {
    let constant = |(index, value): (usize, f64)| {
        let becomes = value as f32;
        if becomes.is_finite() && (becomes > 0.0 || !above_zero) {
            return Ok(becomes);
        }
        Err(ExportFault::Constant { what, index, becomes, above_zero }.into())
    };
    values.enumerate().map(constant).collect()
}

fn activation(layer: usize, activation: nn_kernels::Activation) -> Result<Activation, Error> {
    use nn_kernels::Activation as Of;
    Ok(match activation {
        Of::Linear => Activation::Linear,
        Of::Relu => Activation::Relu,
        Of::LeakyRelu(slope) => Activation::LeakyRelu(slope as f32),
        Of::Elu => Activation::Elu,
        Of::Sigmoid => Activation::Sigmoid,
        Of::Tanh => Activation::Tanh,
        Of::Gelu => Activation::Gelu,
        Of::Silu => Activation::Silu,
        Of::Softplus => Activation::Softplus,
        Of::Softmax => Activation::Softmax,
        other => return Err(ExportFault::Activation { layer, name: other.name() }.into()),
    })
}
