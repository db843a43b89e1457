//! The narrow engine: samples along lanes, weights broadcast.

mod kernel;
mod products;

use self::kernel::{Scratch, Shard};
use super::batch::Gathered;
use super::layer::{Layers, Matrix, Network};
use super::sharded::{Method, Sharded, Wanted};
use super::shards::{ShardRule, worthwhile_rows};
use crate::{Architecture, Element, InstructionSet, StepError};

/// The narrow engine: for networks so small that a layer's features would leave most lanes of a vector idle.
///
/// Samples lie along SIMD lanes, eight vectors of them at a time, so no width is padded and nothing is summed across
/// lanes before the end of a shard; each weight is broadcast once for all eight, or, where there are sixteen registers, for four. Parameters stay in the network's own
/// layout.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, Narrow, StepEngine};
///
/// let layers = vec![Layer::new(2, 4, Activation::Sigmoid), Layer::new(4, 1, Activation::Sigmoid)];
/// let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
/// let theta = vec![0.1_f32; architecture.params()];
/// let mut engine = Narrow::new(&architecture)?;
/// let batch = Batch::new(&architecture, &[0.0, 1.0, 1.0, 1.0], &[1.0, 0.0])?;
/// let mut gradient = vec![f32::NAN; architecture.params()];
/// let cost = engine.gradient(&theta, batch, 0.0, None, &mut gradient)?;
/// assert!(cost > 0.0 && gradient.iter().all(|g| g.is_finite()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Narrow<T> = Sharded<T, NarrowMethod>;

/// The widest layer that the engine takes: beyond it the tile engine's padding costs less than reading every
/// activation from memory as often as there are pairs of units.
const MAX_WIDTH: usize = 64;

/// Samples in a shard at the most: enough that the sums over lanes at its end weigh nothing.
const MAX_ROWS: usize = 4096;
/// The least rows of a portion, which brings every parameter's sums into L1 and adds them up across a vector at its end.
const MIN_ROWS: usize = 1024;
/// The same where there are two: that costs one thread 5 to 9 % at the least, and brings two 75 %.
const PAIR_ROWS: usize = 256;

/// A layer's matrix, as the network holds it: a row of S_l weights for each unit. Units are numbered through the whole network, the inputs first.
#[derive(Debug, Clone, Copy)]
pub struct Units {
    inputs: usize,
    /// The number of the first unit that the layer reads, and of the first that it writes.
    from: usize,
    to: usize,
}

impl Matrix for Units {
    fn row(&self, output: usize) -> (usize, usize) {
        (output * self.inputs, 1)
    }
}

/// The narrow engine's [`Method`].
pub struct NarrowMethod;

impl<T: Element> Narrow<T> {
    /// An engine for `architecture` in the instruction set that the environment forces, or else the widest.
    ///
    /// # Errors
    /// [`StepError::Isa`] when the environment forces a set that the CPU lacks; [`StepError::TooWide`] when a layer
    /// is wider than 64; [`StepError::Memory`].
    pub fn new(architecture: &Architecture) -> Result<Self, StepError> {
        Self::with_set(architecture, InstructionSet::from_environment()?)
    }

    /// An engine in the given instruction set.
    ///
    /// # Errors
    /// [`StepError::TooWide`] when a layer is wider than 64; [`StepError::Memory`].
    pub fn with_set(architecture: &Architecture, set: InstructionSet) -> Result<Self, StepError> {
        if !suits(architecture) {
            let found = widest(architecture);
            return Err(StepError::TooWide { engine: "narrow", max: MAX_WIDTH, found });
        }
        let mut from = 0;
        let layers = Layers::new::<T>(architecture, set, |_, layer| {
            let matrix = Units { inputs: layer.inputs, from, to: from + layer.inputs };
            from = matrix.to;
            Some((matrix, layer.inputs * layer.outputs, layer.outputs))
        })?;
        Ok(Self::around(layers, rule(architecture), NarrowMethod))
    }
}

/// The width of the widest layer, the input among them.
fn widest(architecture: &Architecture) -> usize {
    architecture.layers().iter().map(|layer| layer.inputs.max(layer.outputs)).max().unwrap_or(0)
}

/// Whether the engine takes the network.
pub(super) fn suits(architecture: &Architecture) -> bool {
    widest(architecture) <= MAX_WIDTH
}

/// How batches are split: shards long enough that the sums over lanes at their end weigh little.
pub(super) fn rule(architecture: &Architecture) -> ShardRule {
    let worthwhile = worthwhile_rows(architecture);
    let (min_rows, pair_rows) = (worthwhile.max(MIN_ROWS), worthwhile.max(PAIR_ROWS));
    ShardRule { max_rows: MAX_ROWS, min_rows, pair_rows, max_portions: 16, cached_portions: 16, step: 128 }
}

impl crate::sealed::Sealed for NarrowMethod {}

impl<T: Element> Method<T> for NarrowMethod {
    const NAME: &'static str = "narrow";
    type Matrix = Units;
    type Scratch = Scratch<T>;

    fn scratch(&self, _layers: &Layers<Units>) -> Scratch<T> {
        Scratch::empty()
    }

    fn grow(&self, layers: &Layers<Units>, scratch: &mut Scratch<T>, _rows: usize) -> Result<(), StepError> {
        scratch.grow(layers)
    }

    fn scratch_bytes(scratch: &Scratch<T>) -> usize {
        scratch.bytes()
    }

    fn shard(
        &self,
        network: Network<'_, T, Units>,
        scratch: &mut Scratch<T>,
        samples: Gathered<'_, T>,
        wanted: Wanted<'_, T>,
    ) -> f64 {
        T::dispatch(network.layers.set, Shard { scratch, network, samples, wanted })
    }
}
