//! A network whose sizes are in its type: [`Predictor`].

use crate::format::{Fault, tri};
use crate::layer::class;
use crate::model::{Model, Weight, size};

/// A network of `INPUTS` and `OUTPUTS`, whose prediction needs room on the stack for `SCRATCH` numbers of type `W`. It
/// is made by [`include_model!`](crate::include_model) when the program is compiled.
#[derive(Debug, Clone, Copy)]
pub struct Predictor<W, const INPUTS: usize, const OUTPUTS: usize, const SCRATCH: usize>(Model<'static, W>);

impl<W: Weight, const INPUTS: usize, const OUTPUTS: usize, const SCRATCH: usize>
    Predictor<W, INPUTS, OUTPUTS, SCRATCH>
{
    /// Checks the bytes of a file, and that its sizes are those of this type. [`include_model!`](crate::include_model)
    /// calls it at compile time.
    ///
    /// # Errors
    /// The first [`Fault`] that is found.
    pub const fn read(bytes: &'static [u8]) -> Result<Self, Fault> {
        let model = tri!(Model::<W>::read(bytes));
        let frame = model.frame();
        tri!(size("the network's inputs are not those of the predictor's type", INPUTS as u32, frame.inputs));
        tri!(size("the network's outputs are not those of the predictor's type", OUTPUTS as u32, frame.outputs));
        tri!(size("the network's scratch is not that of the predictor's type", SCRATCH as u32, model.scratch()));
        Ok(Self(model))
    }

    /// h(x). Nothing is allocated, and there is nothing that could panic.
    pub fn predict(&self, inputs: &[f32; INPUTS], outputs: &mut [f32; OUTPUTS]) {
        if self.0.predict(inputs, &mut [W::ZERO; SCRATCH], outputs, |_| {}).is_err() {
            // It cannot be: `read` has compared all sizes. Zeros would hide it.
            outputs.fill(f32::NAN);
        }
    }

    /// The class that the outputs decide for: the highest of several, or of one, a probability, 1 from ½ on. None where
    /// one is NaN.
    #[must_use]
    pub fn classify(&self, inputs: &[f32; INPUTS]) -> Option<usize> {
        let mut outputs = [0.0; OUTPUTS];
        self.predict(inputs, &mut outputs);
        class(&outputs)
    }
}
