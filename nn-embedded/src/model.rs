//! A network in the bytes of its file: [`Model`], whose sizes are known when the program runs.

use core::marker::PhantomData;

use crate::format::{
    Activation, Fault, HEADER, Layer, MAGIC, Quantization, Rest, STANDARDIZED_INPUTS, STANDARDIZED_OUTPUTS, VERSION,
    Words, tri,
};
use crate::int8::{dense_int8, quantize};
use crate::layer::{Stored, dense, restore, standardize};
use crate::math::{elu, gelu, leaky_relu, linear, relu, sigmoid, silu, softmax, softplus, tanh};

impl Stored<f32> for [u8; 4] {
    fn get(self) -> f32 {
        f32::from_le_bytes(self)
    }
}

impl Stored<i32> for u8 {
    fn get(self) -> i32 {
        i32::from(self as i8)
    }
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for i8 {}
}

/// What weights and activations are made of: `f32`, or `i8`, whole numbers of 8 bits. The trait is sealed.
pub trait Weight: sealed::Sealed + Copy + 'static {
    /// Whether these are numbers of 8 bits; as a file says it, 0 or 1.
    const IS_INT8: bool;
    /// 0.
    const ZERO: Self;

    /// Inputs as they are, where a layer takes them so.
    #[doc(hidden)]
    fn direct(inputs: &[f32]) -> Option<&[Self]>;

    /// A number as a layer takes it.
    #[doc(hidden)]
    fn of(number: f32, quantization: Quantization) -> Self;

    /// A layer whose outputs are what `g` makes of z.
    #[doc(hidden)]
    fn layer<A>(layer: &Layer<'_>, inputs: &[Self], outputs: &mut [A], g: impl Fn(f32) -> A);
}

impl Weight for f32 {
    const IS_INT8: bool = false;
    const ZERO: Self = 0.0;

    fn direct(inputs: &[f32]) -> Option<&[Self]> {
        Some(inputs)
    }

    fn of(number: f32, _: Quantization) -> Self {
        number
    }

    fn layer<A>(layer: &Layer<'_>, inputs: &[Self], outputs: &mut [A], g: impl Fn(f32) -> A) {
        let (rest, _) = layer.weights.as_chunks();
        dense(Rows { rest, width: layer.inputs }, layer.biases, inputs, outputs, g);
    }
}

impl Weight for i8 {
    const IS_INT8: bool = true;
    const ZERO: Self = 0;

    fn direct(_: &[f32]) -> Option<&[Self]> {
        None
    }

    fn of(number: f32, quantization: Quantization) -> Self {
        quantize(number, quantization.factor, quantization.zero)
    }

    fn layer<A>(layer: &Layer<'_>, inputs: &[Self], outputs: &mut [A], g: impl Fn(f32) -> A) {
        let rows = Rows { rest: layer.weights, width: layer.inputs };
        dense_int8(rows, layer.scales, layer.biases, inputs, outputs, g);
    }
}

/// Rows of `width` numbers. (`chunks_exact` would look at the width once more, and panic at 0.)
struct Rows<'a, W> {
    rest: &'a [W],
    width: usize,
}

impl<'a, W> Iterator for Rows<'a, W> {
    type Item = &'a [W];

    fn next(&mut self) -> Option<&'a [W]> {
        let (row, rest) = self.rest.split_at_checked(self.width)?;
        self.rest = rest;
        Some(row)
    }
}

impl Activation {
    /// g(z). Softmax, which needs its whole row, comes behind.
    fn apply(self, z: f32) -> f32 {
        match self {
            Self::Linear | Self::Softmax => linear(z),
            Self::Relu => relu(z),
            Self::LeakyRelu(slope) => leaky_relu(z, slope),
            Self::Elu => elu(z),
            Self::Sigmoid => sigmoid(z),
            Self::Tanh => tanh(z),
            Self::Gelu => gelu(z),
            Self::Silu => silu(z),
            Self::Softplus => softplus(z),
        }
    }
}

/// What stands in a file before and behind its layers.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Frame<'a> {
    /// S_1.
    pub inputs: usize,
    /// S_L.
    pub outputs: usize,
    /// How many Θ^(l) there are, at least 1.
    pub layers: usize,
    /// The numbers that the two buffers hold, which layers read and write in turn.
    pub buffers: [usize; 2],
    /// The means of the inputs and the reciprocals of their deviations; none where they are not standardised.
    pub input_scales: [Words<'a>; 2],
    /// How the inputs become 8-bit numbers; in `f32`, 0 and 0.
    pub quantization: Quantization,
    /// The means of the targets and their deviations; none where outputs are not brought back.
    pub output_scales: [Words<'a>; 2],
}

/// A network in the bytes of its file, which have been checked.
#[derive(Debug, Clone, Copy)]
pub struct Model<'a, W> {
    frame: Frame<'a>,
    body: Rest<'a>,
    weight: PhantomData<W>,
}

impl<'a, W: Weight> Model<'a, W> {
    /// Checks the bytes of a file. All sizes are held against its length: nothing is read that is not there.
    ///
    /// # Errors
    /// The first [`Fault`] that is found.
    pub const fn read(bytes: &'a [u8]) -> Result<Self, Fault> {
        let length = bytes.len();
        match bytes.split_first_chunk() {
            Some((magic, _)) if u64::from_le_bytes(*magic) == u64::from_le_bytes(MAGIC) => {}
            _ => return Err(Fault::Magic),
        }
        let (words, rest) = tri!(Rest { bytes, layer: 0 }.words(HEADER / 4));
        let [_, _, version, kind, flags, inputs, outputs, layers, stated] = *words else {
            return Err(Fault::Short { layer: 0 });
        };
        let [version, kind, flags] = [word(version), word(kind), word(flags)];
        if version != VERSION {
            return Err(Fault::Version { found: version });
        }
        if kind != W::IS_INT8 as u32 {
            return Err(Fault::Kind { expected: W::IS_INT8 as u32, found: kind });
        }
        if flags > STANDARDIZED_INPUTS | STANDARDIZED_OUTPUTS {
            return Err(Fault::Flags { found: flags });
        }
        tri!(size("the file of the embedded network has another length than it says", word(stated), length));
        let (inputs, outputs, layers) = (word(inputs) as usize, word(outputs) as usize, word(layers) as usize);
        if inputs == 0 {
            return Err(Fault::Width { layer: 0 });
        }
        if layers == 0 {
            return Err(Fault::Size { what: "the file of the embedded network has no layer", expected: 1, found: 0 });
        }

        let scaled = if flags & STANDARDIZED_INPUTS == 0 { 0 } else { inputs };
        let (means, rest) = tri!(rest.words(scaled));
        let (factors, rest) = tri!(rest.words(scaled));
        let (quantization, body) = tri!(rest.quantization(W::IS_INT8));

        // Which of the two buffers is written next, and what has to go into each.
        let mut turn = scaled != 0 || W::IS_INT8;
        let mut buffers = [if turn { inputs } else { 0 }, 0];
        let (mut rest, mut width) = (body, inputs);
        let mut number = 0;
        while number < layers {
            number += 1;
            let (layer, behind) = tri!(rest.layer(width, W::IS_INT8, number == layers));
            (rest, width) = (Rest { layer: number as u32, ..behind }, layer.outputs);
            if number < layers {
                let [first, second] = buffers;
                buffers = if turn { [first, greater(second, width)] } else { [greater(first, width), second] };
                turn = !turn;
            }
        }
        tri!(size("the last layer has another width than the file's outputs", outputs as u32, width));

        let restored = if flags & STANDARDIZED_OUTPUTS == 0 { 0 } else { outputs };
        let (target_means, rest) = tri!(rest.words(restored));
        let (deviations, rest) = tri!(rest.words(restored));
        tri!(size("the file of the embedded network goes on behind its end", 0, rest.bytes.len()));
        let (input_scales, output_scales) = ([means, factors], [target_means, deviations]);
        let frame = Frame { inputs, outputs, layers, buffers, input_scales, quantization, output_scales };
        Ok(Self { frame, body, weight: PhantomData })
    }

    /// What stands before and behind the layers.
    #[must_use]
    pub const fn frame(&self) -> &Frame<'a> {
        &self.frame
    }

    /// The numbers of type `W` that a prediction needs room for: those of the two buffers.
    #[must_use]
    pub const fn scratch(&self) -> usize {
        self.frame.buffers[0].saturating_add(self.frame.buffers[1])
    }

    /// The layers, the first first.
    pub fn layers(&self) -> impl Iterator<Item = Layer<'a>> {
        let (mut rest, mut width, layers) = (self.body, self.frame.inputs, self.frame.layers);
        (1..=layers).map_while(move |number| {
            let (layer, behind) = rest.layer(width, W::IS_INT8, number == layers).ok()?;
            (rest, width) = (behind, layer.outputs);
            Some(layer)
        })
    }

    /// h(x) of S_1 inputs, written to S_L outputs. `watch` sees the inputs of each layer.
    ///
    /// # Errors
    /// [`Fault::Size`] for another number of inputs or outputs, or for less scratch than [`scratch`](Self::scratch)
    /// says.
    pub fn predict(
        &self,
        inputs: &[f32],
        scratch: &mut [W],
        outputs: &mut [f32],
        mut watch: impl FnMut(&[W]),
    ) -> Result<(), Fault> {
        let Frame { buffers, input_scales: [means, factors], quantization, output_scales, .. } = self.frame;
        size("the inputs", self.frame.inputs as u32, inputs.len())?;
        size("the outputs", self.frame.outputs as u32, outputs.len())?;
        let found = scratch.len() as u32;
        let too_short = Fault::Size { what: "the scratch", expected: self.scratch() as u32, found };
        let (first, second) = scratch.split_at_mut_checked(buffers[0]).ok_or(too_short)?;
        let second = second.get_mut(..buffers[1]).ok_or(too_short)?;

        let mut direct = if means.is_empty() { W::direct(inputs) } else { None };
        let (mut from, mut to) = if direct.is_some() { (second, first) } else { (first, second) };
        if means.is_empty() && direct.is_none() {
            for (input, place) in inputs.iter().zip(&mut *from) {
                *place = W::of(*input, quantization);
            }
        }
        for (((input, mean), factor), place) in inputs.iter().zip(means).zip(factors).zip(&mut *from) {
            *place = W::of(standardize(*input, mean.get(), factor.get()), quantization);
        }

        let mut layers = self.layers().peekable();
        while let Some(layer) = layers.next() {
            let inputs = direct.take().unwrap_or_else(|| from.get(..layer.inputs).unwrap_or_default());
            watch(inputs);
            if layers.peek().is_some() {
                W::layer(&layer, inputs, to, |z| W::of(layer.activation.apply(z), layer.quantization));
                (from, to) = (to, from);
            } else {
                W::layer(&layer, inputs, outputs, |z| layer.activation.apply(z));
                if layer.activation == Activation::Softmax {
                    softmax(outputs);
                }
            }
        }
        let [means, deviations] = output_scales;
        restore(outputs, means, deviations);
        Ok(())
    }
}

const fn word(bytes: [u8; 4]) -> u32 {
    u32::from_le_bytes(bytes)
}

const fn greater(a: usize, b: usize) -> usize {
    if a > b { a } else { b }
}

/// `found` is what was `expected`.
pub(crate) const fn size(what: &'static str, expected: u32, found: usize) -> Result<(), Fault> {
    if expected as usize == found {
        return Ok(());
    }
    Err(Fault::Size { what, expected, found: found as u32 })
}
