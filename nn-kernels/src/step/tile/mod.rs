//! The tile engine: features along lanes, samples as the user holds them; a tile of samples goes forward through all
//! layers and back again while it is in cache, and parameters stay in the layout in which the products read them.

mod lane;
mod layout;

use self::lane::{Network, Scratch};
use self::layout::Layout;
use super::batch::Gathered;
use super::passes::LanesOf;
use super::sharded::{Method, Pass, Sharded};
use super::shards::{ShardRule, cached_lanes, max_lanes, worthwhile_rows};
use crate::buffer::{Buffer, check_size};
use crate::loss::Output;
use crate::product::{Blocking, turn};
use crate::{Architecture, Element, InstructionSet, LayerRange, StepError};

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
    architecture: Architecture,
    set: InstructionSet,
    layout: Layout,
    blocking: Blocking,
    ranges: Vec<LayerRange>,
    rule: ShardRule,
    /// Θ_w of the wide layers that δ passes through, as it was before the last gradient of a batch that is worth it.
    transposed: Buffer<T>,
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
        check_size::<T>(architecture)?;
        let layout = Layout::new(architecture, lanes_of::<T>(set));
        let ranges = layout.layers.iter().map(|plan| plan.range.clone()).collect();
        let mut transposed = Buffer::empty();
        transposed.grow(layout.transposed)?;
        let rule = rule::<T>(architecture, set);
        Ok(Self::around(TileMethod {
            architecture: architecture.clone(),
            set,
            layout,
            blocking: Blocking::of_few_rows::<T>(set),
            ranges,
            rule,
            transposed,
            turns: true,
        }))
    }
}

/// How batches are split: tiles whose activations stay in L2.
pub(super) fn rule<T: Element>(architecture: &Architecture, set: InstructionSet) -> ShardRule {
    let layout = Layout::new(architecture, lanes_of::<T>(set));
    let units: usize = layout.layers.iter().map(|plan| 2 * plan.row).sum::<usize>() + architecture.inputs();
    let cached = TILE_BYTES / units.saturating_mul(size_of::<T>());
    let max_rows = (cached / 6 * 6).clamp(MIN_ROWS, MAX_ROWS);
    let worthwhile = worthwhile_rows(architecture);
    let (min_rows, pair_rows) = (worthwhile.max(MIN_ROWS), worthwhile.max(PAIR_ROWS));
    let (max_lanes, cached_lanes) = (max_lanes::<T>(architecture), cached_lanes::<T>(architecture));
    ShardRule { max_rows, min_rows, pair_rows, max_lanes, cached_lanes, step: 6 }
}

/// Elements in a vector of a set.
pub(super) fn lanes_of<T: Element>(set: InstructionSet) -> usize {
    T::dispatch(set, LanesOf)
}

impl<T: Element> TileMethod<T> {
    fn network<'a>(&'a self, theta: &'a [T], output: Output) -> Network<'a, T> {
        Network {
            set: self.set,
            layout: &self.layout,
            blocking: self.blocking,
            theta,
            transposed: self.turns.then(|| self.transposed.as_slice()),
            output,
        }
    }
}

impl<T> crate::sealed::Sealed for TileMethod<T> {}

impl<T: Element> Method<T> for TileMethod<T> {
    const NAME: &'static str = "tile";
    type Scratch = Scratch<T>;

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn set(&self) -> InstructionSet {
        self.set
    }

    fn ranges(&self) -> &[LayerRange] {
        &self.ranges
    }

    fn rule(&self) -> ShardRule {
        self.rule
    }

    fn import(&self, theta: &[T], own: &mut [T]) {
        self.layout.import(&self.architecture, theta, own);
    }

    fn export(&self, own: &[T], theta: &mut [T]) {
        self.layout.export(&self.architecture, own, theta);
    }

    fn shared_bytes(&self) -> usize {
        self.transposed.bytes()
    }

    fn scratch(&self) -> Scratch<T> {
        Scratch::new(self.layout.layers.len())
    }

    fn grow(&self, scratch: &mut Scratch<T>, rows: usize, _backward: bool) -> Result<(), StepError> {
        scratch.grow(&self.layout, rows)
    }

    fn scratch_bytes(scratch: &Scratch<T>) -> usize {
        scratch.bytes()
    }

    fn prepare(&mut self, theta: &[T], rows: usize) {
        self.turns = rows > FEW_ROWS;
        if !self.turns {
            return;
        }
        for plan in &self.layout.layers {
            let Some(at) = plan.transposed else { continue };
            let to = &mut self.transposed.as_mut_slice()[at..at + plan.padded_outputs * plan.turned_row];
            let from = &theta[plan.range.weights.clone()];
            let (from_stride, to_stride) = (plan.stride, plan.turned_row);
            turn(self.set, (from, from_stride), (plan.inputs, from_stride), (to, to_stride));
        }
    }

    fn gradient(
        &self,
        scratch: &mut Scratch<T>,
        theta: &[T],
        samples: Gathered<'_, T>,
        pass: Pass,
        add: bool,
        gradient: &mut [T],
    ) -> f64 {
        scratch.gradient(self.network(theta, pass.output), samples, pass, add, gradient)
    }

    fn evaluate(
        &self,
        scratch: &mut Scratch<T>,
        theta: &[T],
        samples: Gathered<'_, T>,
        output: Output,
        outputs: Option<&mut [T]>,
    ) -> f64 {
        scratch.evaluate(self.network(theta, output), samples, outputs)
    }

    fn predict(&self, scratch: &mut Scratch<T>, theta: &[T], x: &[T], out: &mut [T]) {
        let (loss, activation) = (self.architecture.loss(), self.architecture.output_activation());
        let output = Output { loss, activation, width: self.architecture.outputs(), scale: 1.0 };
        scratch.predict(self.network(theta, output), x, out);
    }
}
