//! The layered engine: one GEMM a layer, elementwise passes between.

mod scratch;

use self::scratch::Scratch;
use super::batch::Gathered;
use super::layer::{Layers, Network, RowMajor};
use super::sharded::{Method, Pass, Sharded};
use super::shards::ShardRule;
use crate::gemm::{Gemm, Packed};
use crate::loss::Output;
use crate::{Architecture, Element, InstructionSet, StepError};

/// The layered engine: any shape, any batch; the yardstick of the others, which a plan takes only where it is asked for.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Batch, Layer, Layered, Loss, StepEngine};
///
/// let layers = vec![Layer::new(2, 3, Activation::Tanh), Layer::new(3, 1, Activation::Sigmoid)];
/// let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
/// let theta = vec![0.1_f32; architecture.params()];
///
/// let mut engine = Layered::new(&architecture)?;
/// let batch = Batch::new(&architecture, &[0.0, 1.0, 1.0, 1.0], &[1.0, 0.0])?;
/// let mut gradient = vec![f32::NAN; architecture.params()];
/// let cost = engine.gradient(&theta, batch, 0.0, None, &mut gradient)?;
/// assert!(cost > 0.0 && gradient.iter().all(|g| g.is_finite()));
///
/// let mut outputs = [0.0; 2];
/// engine.predict(&theta, &[0.0, 1.0, 1.0, 1.0], &mut outputs)?;
/// assert!(outputs[0] < outputs[1]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Layered<T> = Sharded<T, GemmPerLayer<T>>;

/// The layered engine's [`Method`].
pub struct GemmPerLayer<T> {
    gemm: Box<dyn Gemm<T>>,
}

impl<T: Element> Layered<T> {
    /// An engine for `architecture` in the instruction set that the environment forces, or else the widest, with its
    /// own GEMM kernels.
    ///
    /// # Errors
    /// [`StepError::Isa`] when the environment forces a set that the CPU lacks, [`StepError::Memory`].
    pub fn new(architecture: &Architecture) -> Result<Self, StepError> {
        Self::with_set(architecture, InstructionSet::from_environment()?)
    }

    /// As [`new`](Self::new), in the given instruction set.
    ///
    /// # Errors
    /// [`StepError::Memory`] when there is no memory for the plan.
    pub fn with_set(architecture: &Architecture, set: InstructionSet) -> Result<Self, StepError> {
        Self::with_gemm(architecture, set, Box::new(Packed::new(set)))
    }

    /// As [`with_set`](Self::with_set), with products by `gemm`: it is the backend's matter then whether a step
    /// allocates.
    ///
    /// # Errors
    /// [`StepError::Memory`] when there is no memory for the plan.
    pub fn with_gemm(
        architecture: &Architecture,
        set: InstructionSet,
        gemm: Box<dyn Gemm<T>>,
    ) -> Result<Self, StepError> {
        let layers = Layers::new::<T>(architecture, set, |_, layer| Some(RowMajor::of(layer)))?;
        Ok(Self::around(layers, ShardRule::new::<T>(architecture), GemmPerLayer { gemm }))
    }
}

impl<T> crate::sealed::Sealed for GemmPerLayer<T> {}

impl<T: Element> Method<T> for GemmPerLayer<T> {
    const NAME: &'static str = "layered";
    type Matrix = RowMajor;
    type Scratch = Scratch<T>;

    fn scratch(&self, layers: &Layers<RowMajor>) -> Scratch<T> {
        Scratch::new(layers.plans.len())
    }

    fn grow(
        &self,
        layers: &Layers<RowMajor>,
        scratch: &mut Scratch<T>,
        rows: usize,
        backward: bool,
    ) -> Result<(), StepError> {
        scratch.grow(layers, &*self.gemm, rows, backward)
    }

    fn scratch_bytes(scratch: &Scratch<T>) -> usize {
        scratch.bytes()
    }

    fn gradient(
        &self,
        network: Network<'_, T, RowMajor>,
        scratch: &mut Scratch<T>,
        samples: Gathered<'_, T>,
        pass: Pass,
        add: bool,
        gradient: &mut [T],
    ) -> f64 {
        scratch.forward(network, &*self.gemm, samples.inputs, Some(pass));
        let cost = scratch.output_delta(network, pass.output, samples);
        scratch.backward(network, &*self.gemm, samples.inputs, add, gradient);
        cost
    }

    fn evaluate(
        &self,
        network: Network<'_, T, RowMajor>,
        scratch: &mut Scratch<T>,
        samples: Gathered<'_, T>,
        output: Output,
        outputs: Option<&mut [T]>,
    ) -> f64 {
        scratch.forward(network, &*self.gemm, samples.inputs, None);
        if let Some(outputs) = outputs {
            scratch.outputs(network, outputs);
        }
        scratch.output_delta(network, output, samples)
    }

    fn predict(&self, network: Network<'_, T, RowMajor>, scratch: &mut Scratch<T>, x: &[T], out: &mut [T]) {
        scratch.forward(network, &*self.gemm, x, None);
        scratch.outputs(network, out);
    }
}
