//! The tile engine: features along lanes, samples as the user holds them; a tile of samples goes forward through all
//! layers and back again while it is in cache, and parameters stay in the layout in which the products read them.

mod layout;
mod scratch;

use self::layout::{Rows, turned};
use self::scratch::{Scratch, Tiles};
use super::batch::Gathered;
use super::layer::{Layers, Network};
use super::sharded::{Method, Sharded, Wanted};
use super::shards::{ShardRule, cached_portions, max_portions, worthwhile_rows};
use crate::buffer::Buffer;
use crate::product::{Blocking, turn};
use crate::{Architecture, Element, InstructionSet, StepError};

/// The tile engine: for networks whose layers are up to a few hundred wide.
///
/// A tile of up to 96 samples goes forward through all layers and back again while it is in L1 and L2, so that memory
/// sees the inputs only. Features lie along SIMD lanes and nothing is transposed but the weights, once a step: the
/// forward pass reads Θ_wᵀ, back-propagation Θ_w, the gradient reads δ as it lies. Bias, relu and ⊙ g' are part of the
/// products. Widths that are no multiple of a vector are padded with zeros.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, StepEngine, Tile};
///
/// let layers = vec![Layer::new(2, 20, Activation::Tanh), Layer::new(20, 1, Activation::Sigmoid)];
/// let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
/// let mut engine = Tile::new(&architecture)?;
///
/// // Parameters move in the engine's own layout from step to step, and come out at the end.
/// let mut theta = vec![0.0_f32; engine.params()];
/// engine.import(&vec![0.1; architecture.params()], &mut theta)?;
/// let batch = Batch::new(&architecture, &[0.0, 1.0, 1.0, 1.0], &[1.0, 0.0])?;
/// let mut gradient = vec![f32::NAN; engine.params()];
/// let before = engine.gradient(&theta, batch, 0.0, None, &mut gradient)?;
/// for (theta, gradient) in theta.iter_mut().zip(&gradient) {
///     *theta -= 0.1 * gradient;
/// }
/// assert!(engine.cost(&theta, batch, 0.0)? < before);
/// let mut trained = vec![0.0; architecture.params()];
/// engine.export(&theta, &mut trained)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Tile<T> = Sharded<T, TileMethod<T>>;

/// The most rows of a tile: 96 rows of 64 f32 are half of a common L1, and a multiple of the products' 6, 8 and 12.
const MAX_ROWS: usize = 96;
/// Fewer rows than this read the weights too often.
const MIN_ROWS: usize = 48;
/// Fewer still, where the batch is cut in two: that costs one thread 3 to 8 % and brings two 40 %.
const PAIR_ROWS: usize = 24;
/// For so few rows it takes longer to turn Θ than to add up products along its rows.
pub(crate) const FEW_ROWS: usize = 4;
/// What a tile's activations may take: a part of L2 that leaves room for the weights.
const TILE_BYTES: usize = 384 << 10;

/// The tile engine's [`Method`].
pub struct TileMethod<T> {
    blocking: Blocking,
    /// Θ_w of the wide layers that δ passes through, as it was before the last gradient of a batch that is worth it.
    turned: Buffer<T>,
    /// Whether this gradient's is.
    turns: bool,
}

impl<T: Element> Tile<T> {
    /// An engine for `architecture` in the instruction set that the environment forces, or else the widest.
    ///
    /// # Errors
    /// [`StepError::Isa`] when the environment forces a set that the CPU lacks, [`StepError::Memory`].
    pub fn new(architecture: &Architecture) -> Result<Self, StepError> {
        Self::with_set(architecture, InstructionSet::from_environment()?)
    }

    /// An engine in the given instruction set.
    ///
    /// # Errors
    /// [`StepError::Memory`] when there is no memory for the plan.
    pub fn with_set(architecture: &Architecture, set: InstructionSet) -> Result<Self, StepError> {
        let blocking = Blocking::of_few_rows::<T>(set);
        let layers = layout::layers::<T>(architecture, set, blocking.lanes)?;
        let turned = Buffer::zeros(turned(&layers))?;
        let method = TileMethod { blocking, turned, turns: true };
        Ok(Self::around(layers, rule::<T>(architecture, set), method))
    }
}

/// How batches are split: tiles whose activations stay in L2.
pub(super) fn rule<T: Element>(architecture: &Architecture, set: InstructionSet) -> ShardRule {
    let lanes = set.lanes::<T>();
    let row = |layer: &crate::Layer| 2 * layout::spread(layer.outputs.next_multiple_of(lanes), lanes);
    let units = architecture.inputs() + architecture.layers().iter().map(row).sum::<usize>();
    let cached = TILE_BYTES / units.saturating_mul(size_of::<T>());
    let max_rows = (cached / 6 * 6).clamp(MIN_ROWS, MAX_ROWS);
    let worthwhile = worthwhile_rows(architecture);
    let (min_rows, pair_rows) = (worthwhile.max(MIN_ROWS), worthwhile.max(PAIR_ROWS));
    let (max_portions, cached_portions) = (max_portions::<T>(architecture), cached_portions::<T>(architecture));
    ShardRule { max_rows, min_rows, pair_rows, max_portions, cached_portions, step: 6 }
}

impl<T> crate::sealed::Sealed for TileMethod<T> {}

impl<T: Element> Method<T> for TileMethod<T> {
    const NAME: &'static str = "tile";
    type Matrix = Rows;
    type Scratch = Scratch<T>;

    fn shared_bytes(&self) -> usize {
        self.turned.bytes()
    }

    fn scratch(&self, layers: &Layers<Rows>) -> Scratch<T> {
        Scratch::new(layers.plans.len())
    }

    fn grow(&self, layers: &Layers<Rows>, scratch: &mut Scratch<T>, rows: usize) -> Result<(), StepError> {
        scratch.grow(layers, rows)
    }

    fn scratch_bytes(scratch: &Scratch<T>) -> usize {
        scratch.bytes()
    }

    fn prepare(&mut self, network: Network<'_, T, Rows>, rows: usize) {
        self.turns = rows > FEW_ROWS;
        if !self.turns {
            return;
        }
        for plan in &network.layers.plans {
            let Some((at, row)) = plan.matrix.turned else { continue };
            let to = &mut self.turned.as_mut_slice()[at..at + plan.matrix.padded_outputs * row];
            let stride = plan.matrix.stride;
            let shape = (plan.inputs, plan.matrix.padded_outputs);
            turn(network.layers.set, (plan.weights(network.theta), stride), shape, (to, row));
        }
    }

    fn shard(
        &self,
        network: Network<'_, T, Rows>,
        scratch: &mut Scratch<T>,
        samples: Gathered<'_, T>,
        wanted: Wanted<'_, T>,
    ) -> f64 {
        let turned = self.turns.then(|| self.turned.as_slice());
        let tiles = Tiles { network, blocking: self.blocking, turned };
        scratch.forward(tiles, samples.inputs, wanted.pass());
        match wanted {
            Wanted::Gradient { pass, add, gradient } => {
                let cost = scratch.loss(tiles, pass.output, samples);
                scratch.backward(tiles, samples, add, gradient);
                cost
            }
            Wanted::Forward { output, outputs } => {
                if let Some(outputs) = outputs {
                    scratch.outputs(tiles, outputs);
                }
                output.map_or(0.0, |output| scratch.loss(tiles, output, samples))
            }
        }
    }
}
