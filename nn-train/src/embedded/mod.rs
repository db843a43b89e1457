//! Trained networks for small devices: predictors without standard library, allocation, dependency or panic (feature
//! `embedded`).
//!
//! | | | in the device's program |
//! |---|---|---|
//! | [`Export::source`] | one Rust source file with the weights and all the code that they need | `mod digits;` and `digits::predict(&input, &mut output)` |
//! | [`Export::bytes`] | a small file, checked when the program is compiled | [`include_model!`](nn_embedded::include_model) of the crate `nn-embedded` |
//!
//! Either in `f32`, or [`quantized`](Export::quantized) to whole numbers of 8 bits, which takes a quarter of the room.
//!
//! ```
//! use nn_train::embedded::Export;
//! use nn_train::prelude::*;
//!
//! network! { struct Xor<2 => 4 tanh => 1>; }
//!
//! let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
//! let mut net = Xor::new(42);
//! Trainer::builder().learning_rate(0.05).batch_size(4).epochs(400).build()?.fit(&mut net, &data, None)?;
//!
//! let export = Export::new(&net)?;
//! assert!(export.source()?.contains("pub fn predict(inputs: &[f32; 2], outputs: &mut [f32; 1])"));
//! // 17 parameters, and the outputs of 4 hidden units.
//! assert_eq!((export.sizes().numbers, export.sizes().scratch), (68, 16));
//! println!("{}", export.sizes());
//!
//! // On the device these bits come out, whatever it is.
//! let output = export.predict(&[1.0, 0.0])?;
//! assert!(output[0] > 0.9);
//!
//! // In 8 bits the scales of the activations come from samples as the device will see them.
//! let small = export.quantized(data.inputs().as_flattened())?;
//! assert!(small.predict(&[1.0, 0.0])?[0] > 0.9);
//! # Ok::<(), Error>(())
//! ```
//!
//! # What to know
//!
//! - A network of `f64` is exported in `f32`, each parameter rounded to the nearest. One that was trained in bfloat16
//!   has parameters of `f32`, and these are exported. Dropout is for training, and not in a file.
//! - [`Export::predict`] is the prediction in scalar `f32`: each sum begins with the bias and goes through the inputs
//!   in their order, and nothing is fused. [`Network::predict`] adds in another order, so the two differ in their last
//!   digits.
//! - A network that was trained on standardised data is exported [`scaled`](Export::scaled): its predictor takes inputs
//!   and gives outputs in the original units. Without, it takes inputs as the network does.
//! - In 8 bits one scale serves all inputs of a layer. Inputs of different magnitudes have to be standardised.

mod fault;
mod items;
mod quantize;
mod source;
mod write;

use std::fmt;
use std::marker::PhantomData;

pub use fault::ExportFault;
use nn_embedded::Model;
use nn_kernels::{Element, StepError};
use source::Written;
use write::{Bytes, Parts};

use crate::Standardizer;
use crate::error::Error;
use crate::network::Network;

/// The most parameters that a [source file](Export::source) may hold. A compiler takes some seconds for as many; a file
/// of [bytes](Export::bytes) takes it no time.
pub const MAX_SOURCE_PARAMETERS: usize = 1_000_000;

/// A network as a small device takes it: in `f32`, or with `i8` in whole numbers of 8 bits. See the [module](self).
#[derive(Clone, PartialEq, Eq)]
pub struct Export<W> {
    bytes: Vec<u8>,
    weight: PhantomData<W>,
}

impl Export<f32> {
    /// A network that takes its inputs as they are.
    ///
    /// # Errors
    /// [`ExportFault`] in [`Error::Export`] for a parameter that is not finite in `f32`.
    pub fn new<N: Network>(network: &N) -> Result<Self, Error> {
        Self::scaled(network, None, None)
    }

    /// A network that was trained on standardised inputs, standardised targets or both: the predictor takes and gives
    /// numbers in the original units. It computes (x - mean) · (1 / deviation) and y · deviation + mean in `f32`.
    ///
    /// # Errors
    /// As [`new`](Self::new); [`Error::Features`] for a standardizer of another width; [`ExportFault::Constant`] for a
    /// mean or deviation that `f32` has not.
    pub fn scaled<N: Network>(
        network: &N,
        inputs: Option<&Standardizer>,
        targets: Option<&Standardizer>,
    ) -> Result<Self, Error> {
        Self::of(&Parts::of(network, inputs, targets)?)
    }

    /// The network with weights of 8 bits, each row with a scale of its own, and activations of 8 bits, whose range in
    /// each layer is that which `samples` take: m × S_1 numbers as the predictor will see them. A few hundred are
    /// enough; numbers beyond their range are taken for its ends.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`StepError::Ragged`] when the numbers do not fill their last row,
    /// [`Error::NonFinite`], [`ExportFault::Calibration`] for samples that overflow, [`ExportFault::Parameter`]
    /// for weights so large that their scales do,
    /// [`Fault::TooWide`](nn_embedded::Fault::TooWide) in [`ExportFault::Format`] for a layer of more than
    /// [`MAX_INT8_INPUTS`](nn_embedded::format::MAX_INT8_INPUTS) inputs.
    pub fn quantized<T: Element>(&self, samples: &[T]) -> Result<Export<i8>, Error> {
        let (model, what) = (self.model()?, "calibration samples");
        let width = model.frame().inputs;
        if samples.is_empty() {
            return Err(Error::Empty { what });
        }
        if !samples.len().is_multiple_of(width) {
            return Err(StepError::Ragged { what, len: samples.len(), width }.into());
        }
        let samples: Vec<f32> = samples.iter().map(|number| number.to_f64() as f32).collect();
        if let Some(place) = samples.iter().position(|number| !number.is_finite()) {
            let value = f64::from(samples[place]);
            return Err(Error::NonFinite { what, row: place / width, column: place % width, value });
        }
        Export::of(&quantize::quantize(&model, &samples)?)
    }
}

#[allow(private_bounds, reason = "Weight is sealed: these are how f32 and i8 are written")]
impl<W: Bytes + Written> Export<W> {
    fn of(parts: &Parts<W>) -> Result<Self, Error> {
        let export = Self { bytes: parts.to_bytes()?, weight: PhantomData };
        export.model()?;
        Ok(export)
    }

    /// The bytes of the file, which have been checked.
    fn model(&self) -> Result<Model<'_, W>, Error> {
        Ok(Model::read(&self.bytes).map_err(ExportFault::from)?)
    }

    /// The network as a file for [`include_model!`](nn_embedded::include_model).
    /// [`nn_embedded::format`] says what is in it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The network as one Rust source file with `predict(inputs: &[f32; S_1], outputs: &mut [f32; S_L])`, and with
    /// `classify` where the output is a softmax or sigmoid. The same network gives the same text.
    ///
    /// # Errors
    /// [`ExportFault::SourceTooLarge`] above [`MAX_SOURCE_PARAMETERS`].
    pub fn source(&self) -> Result<String, Error> {
        source::source(&self.model()?, self.sizes())
    }

    /// What the network takes of a device's memory.
    #[must_use]
    pub fn sizes(&self) -> Sizes {
        let Ok(model) = self.model() else { return Sizes { numbers: 0, file: self.bytes.len(), scratch: 0 } };
        let frame = model.frame();
        let scales = 8 * (frame.input_scales[0].len() + frame.output_scales[0].len());
        let layers = model.layers().map(|l| l.weights.len() + 4 * (l.biases.len() + l.scales.len()));
        let scratch = model.scratch() * size_of::<W>();
        Sizes { numbers: scales + layers.sum::<usize>(), file: self.bytes.len(), scratch }
    }

    /// h(x) as the device computes it, to the bit. (It is the same code.)
    ///
    /// # Errors
    /// [`Error::Width`] for another number of inputs than S_1.
    pub fn predict(&self, inputs: &[f32]) -> Result<Vec<f32>, Error> {
        let model = self.model()?;
        let expected = model.frame().inputs;
        if inputs.len() != expected {
            return Err(Error::Width { what: "inputs", expected, found: inputs.len() });
        }
        let mut outputs = vec![0.0; model.frame().outputs];
        let mut scratch = vec![W::ZERO; model.scratch()];
        model.predict(inputs, &mut scratch, &mut outputs, |_| {}).map_err(ExportFault::from)?;
        Ok(outputs)
    }

    /// The class as the device decides it: the highest output, or of one output whether it is at least ½. None where
    /// one is NaN.
    ///
    /// # Errors
    /// As [`predict`](Self::predict).
    pub fn classify(&self, inputs: &[f32]) -> Result<Option<usize>, Error> {
        Ok(nn_embedded::layer::class(&self.predict(inputs)?))
    }
}

/// Prints the sizes, not the numbers.
#[allow(private_bounds)]
impl<W: Bytes + Written> fmt::Debug for Export<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Export<{}> {{ {} }}", W::TYPE, self.sizes())
    }
}

/// What a network takes of a device's memory, in bytes. The code comes on top: see docs/embedded.md for how much it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Sizes {
    /// Weights, biases and scales: the flash that a source file takes.
    pub numbers: usize,
    /// The file: the flash that [`include_model!`](nn_embedded::include_model) takes.
    pub file: usize,
    /// The activations on the stack during a prediction: two buffers, no more than the two widest layers.
    pub scratch: usize,
}

impl fmt::Display for Sizes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { numbers, scratch, .. } = self;
        write!(f, "{numbers} bytes of numbers in flash beside the code, {scratch} bytes of activations on the stack")
    }
}
