//! The blocked engine: for layers so wide that their weights leave the caches.

mod finish;
mod grid;
mod layout;
mod matrix;
mod pairs;
mod panels;
mod parts;
mod pass;
mod product;
mod scratch;

use std::ops::Range;

use self::grid::Grid;
use self::matrix::Source;
use self::pairs::Pairs;
use self::panels::{Panels, width_of};
use self::parts::Room;
use self::pass::{Gradients, Pass};
use self::product::Arithmetic;
use self::scratch::{Scratch, Shard};
use super::batch::Mass;
use super::layer::{Layers, Network};
use super::passes::{Run, Squares};
use super::sharded::{Pass as Training, penalty};
use super::update::{Span, Stepped, Update, Updating};
use super::{Batch, Dropout, Finished, Precision, StepEngine, check_slots};
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::product::Blocking;
use crate::threads::{Team, team_if};
use crate::{Architecture, Element, InstructionSet, Layer, LayerRange, StepError, threads};

/// The blocked engine: for networks with wide layers.
///
/// All matrices lie in panels of a cache line's width, which the products read and write as they are: nothing is packed,
/// weights least of all, but for bfloat16, where each thread rounds blocks of both operands into half a MiB of its own.
/// Work is divided over blocks of the output of each product, so that no thread has a gradient of its own, and a block's
/// numbers are added up in the same order whoever computes it. Bias and activation, ⊙ g', and the optimiser's update are
/// done on each block while it is in cache.
///
/// A step holds the activations of the batch, δ of two layers twice (features along lanes, samples along lanes), and g' of
/// layers whose activation does not tell it; see [`scratch_bytes`](StepEngine::scratch_bytes). Batches whose activations
/// would take more than 16 MiB are computed in shards of 1,024 samples or more.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Batch, Blocked, Layer, Loss, StepEngine};
///
/// let layers = vec![Layer::new(2, 300, Activation::Relu), Layer::new(300, 1, Activation::Sigmoid)];
/// let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
/// let mut engine = Blocked::new(&architecture)?;
///
/// // Parameters move in the engine's own layout from step to step, and come out at the end.
/// let mut theta = vec![0.0_f32; engine.params()];
/// engine.import(&vec![0.01; architecture.params()], &mut theta)?;
/// let batch = Batch::new(&architecture, &[0.0, 1.0, 1.0, 1.0], &[1.0, 0.0])?;
/// let mut gradient = vec![f32::NAN; engine.params()];
/// let before = engine.gradient(&theta, batch, 0.0, None, &mut gradient)?;
/// for (theta, gradient) in theta.iter_mut().zip(&gradient) {
///     *theta -= 0.1 * gradient;
/// }
/// assert!(engine.cost(&theta, batch, 0.0)? < before);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Blocked<T: Element> {
    layers: Layers<Panels>,
    precision: Precision,
    /// How pairs are multiplied, where they are.
    pairs: Option<T::Pairs>,
    /// Where pairs are packed, by every thread.
    packed: Buffer<T>,
    scratch: Scratch<T>,
    /// The parts in which a gradient is handed over.
    parts: Vec<Range<usize>>,
}

/// Bytes of activations beyond which a batch is computed in shards.
const SHARD_BYTES: usize = 16 << 20;
/// The least rows of a shard, where a batch has as many: by them, a gradient's numbers are read and written rarely enough.
const MIN_SHARD_ROWS: usize = 1024;

impl<T: Element> Blocked<T> {
    /// An engine for `architecture` in the instruction set that the environment forces, or else the widest.
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
        Self::with_precision(architecture, set, Precision::Full)
    }

    /// As [`with_set`](Self::with_set), products being computed in the given precision.
    ///
    /// # Errors
    /// [`StepError::Precision`] when the CPU lacks it, [`StepError::Memory`].
    pub fn with_precision(
        architecture: &Architecture,
        set: InstructionSet,
        precision: Precision,
    ) -> Result<Self, StepError> {
        let pairs = precision.pairs::<T>(set)?;
        let layers = layout::layers::<T>(architecture, set)?;
        let scratch = Scratch::new(layers.plans.len());
        let parts = parts::parts(&layers, size_of::<T>());
        Ok(Self { layers, precision, pairs, packed: Buffer::empty(), scratch, parts })
    }

    /// In what numbers products are computed.
    #[must_use]
    pub fn precision(&self) -> Precision {
        self.precision
    }

    /// Room for batches of up to `rows` on the threads of the current pool, and what works there.
    fn ready(&mut self, rows: usize, backward: bool) -> Result<Ready<'_, T>, StepError> {
        let rows = rows.min(most_shard_rows::<T>(&self.layers.architecture));
        let Self { layers, pairs, packed, scratch, parts, .. } = self;
        scratch.grow(layers, Shard { rows, width: width_of::<T>() }, backward)?;
        let pairs = match *pairs {
            Some(products) => Some(Pairs::new(products, packed, threads::count())?),
            None => None,
        };
        let set = layers.set;
        let blocking = Blocking::of_large::<T>(set);
        let blocking = if pairs.is_some() { blocking.of_pairs() } else { blocking };
        Ok(Ready { arithmetic: Arithmetic { set, blocking, pairs }, layers, scratch, parts })
    }

    /// Rows of a shard of a batch of `rows`: a function of the network and the batch.
    fn shard_rows(&self, rows: usize) -> usize {
        shard_rows::<T>(&self.layers.architecture, rows)
    }

    /// J and Δ, and what follows from it.
    fn backward<'g>(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &'g mut [T],
        then: Then<'_, 'g, T>,
    ) -> Result<Stepped, StepError> {
        self.layers.check(theta, batch, decay)?;
        check_length("gradient", gradient, self.layers.params())?;
        let rows = batch.rows();
        let shard_rows = self.shard_rows(rows);
        let mass = batch.mass();
        let (output, scale) = (self.layers.output(mass), mass.scale());
        let mut ready = self.ready(rows, true)?;
        let (updating, leaving) = match then {
            Then::Stay => (None, None),
            Then::Leave(finished) => {
                let finished: Finished<'_, 'g, T> = finished;
                (None, Some((finished, ready.parts)))
            }
            Then::Update(updating) => (Some(updating), None),
        };
        let mut room = Room::new(ready.layers, gradient, leaving);
        team_if(ready.is_divided(rows), |team| {
            ready.scratch.squares.iter_mut().flatten().for_each(|sum| *sum = 0.0);
            let mut data = 0.0;
            for first in (0..rows).step_by(shard_rows) {
                let count = shard_rows.min(rows - first);
                let mut pass = ready.pass(theta, count, team);
                pass.inputs(|i| batch.input(first + i));
                pass.forward(Some(Training { output, dropout, first_row: first }));
                data += pass.loss(true, &Labels { batch, first, mass }, output);
                let last = first + count == rows;
                if last && updating.is_some() && !data.is_finite() {
                    return Ok(Stepped { cost: data, updated: false, finite: false });
                }
                let add = first > 0;
                pass.backward(Gradients { room: &mut room, add, more: !last, scale, decay, shard_rows, updating });
            }
            let squares: f64 = ready.scratch.squares.iter().flatten().sum();
            let finite = updating.is_none_or(Updating::is_finite);
            Ok(Stepped { cost: data + penalty(decay, squares), updated: updating.is_some(), finite })
        })
    }

    /// J of a batch, and A^(L) of its rows where that is wanted: forward only.
    fn forward(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        mut outputs: Option<&mut [T]>,
    ) -> Result<f64, StepError> {
        self.layers.check(theta, batch, decay)?;
        let (rows, width) = (batch.rows(), self.layers.outputs());
        if let Some(outputs) = &outputs {
            self.layers.check_outputs(outputs, rows)?;
        }
        let shard_rows = self.shard_rows(rows);
        let mass = batch.mass();
        let output = self.layers.output(mass);
        let mut ready = self.ready(rows, false)?;
        team_if(ready.is_divided(rows), |team| {
            let mut data = 0.0;
            for first in (0..rows).step_by(shard_rows) {
                let count = shard_rows.min(rows - first);
                let mut pass = ready.pass(theta, count, team);
                pass.inputs(|i| batch.input(first + i));
                pass.forward(None);
                if let Some(outputs) = outputs.as_deref_mut() {
                    pass.outputs(&mut outputs[first * width..(first + count) * width]);
                }
                data += pass.loss(false, &Labels { batch, first, mass }, output);
            }
            let squares = if decay == 0.0 { 0.0 } else { ready.squares(theta, shard_rows) };
            Ok(data + penalty(decay, squares))
        })
    }
}

/// What becomes of a gradient's numbers when they are finished.
enum Then<'a, 'g, T> {
    /// Nothing.
    Stay,
    /// They are handed over.
    Leave(Finished<'a, 'g, T>),
    /// They are replaced by the parameters that the update makes of them.
    Update(&'a Updating<'a, T>),
}

/// The targets of a shard's samples, and their weights.
struct Labels<'a, T> {
    batch: Batch<'a, T>,
    /// The shard's first row in the batch.
    first: usize,
    mass: Mass,
}

impl<T: Element> Labels<'_, T> {
    fn copy_target(&self, sample: usize, room: &mut [T]) {
        self.batch.copy_target(self.first + sample, room);
    }

    /// The weight of a sample, where samples have weights.
    fn weight(&self, sample: usize) -> Option<T> {
        self.batch.weight(self.first + sample, self.mass)
    }
}

/// An engine that has room for a batch.
struct Ready<'a, T: Element> {
    arithmetic: Arithmetic<'a, T>,
    layers: &'a Layers<Panels>,
    scratch: &'a mut Scratch<T>,
    parts: &'a [Range<usize>],
}

impl<T: Element> Ready<'_, T> {
    /// Whether any product of a batch of `rows` has parts for several threads.
    fn is_divided(&self, rows: usize) -> bool {
        split::<T>(&self.layers.architecture, self.layers.set, rows).1 > 1
    }

    /// A shard of `rows`.
    fn pass<'p, 't>(&'p mut self, theta: &'p [T], rows: usize, team: &'p mut Team<'t>) -> Pass<'p, 't, T> {
        let Self { arithmetic, layers, scratch, .. } = self;
        let shard = Shard { rows, width: width_of::<T>() };
        Pass { arithmetic, network: Network { layers, theta }, shard, scratch, team }
    }

    /// Σ Θ_w², added up as a gradient does in shards of up to `shard_rows`.
    fn squares(&self, theta: &[T], shard_rows: usize) -> f64 {
        let mut total = 0.0;
        for plan in &self.layers.plans {
            let weights = Source::new(plan.weights(theta), plan.matrix);
            let grid = self.arithmetic.grid(&plan.matrix, shard_rows);
            for index in 0..grid.parts() {
                let part = grid.part(index);
                let mut sum = 0.0;
                for panel in part.panels {
                    let first = plan.range.weights.start + plan.matrix.at(part.rows.start, panel);
                    let theta = weights.strip(panel, part.rows.clone());
                    let run = Run { theta, first, ranges: std::slice::from_ref(&plan.range) };
                    sum += Squares { run }.run_in(self.arithmetic.set);
                }
                total += sum;
            }
        }
        total
    }
}

/// The most rows of a shard: whole register tiles.
fn most_shard_rows<T: Element>(architecture: &Architecture) -> usize {
    let layers = architecture.layers();
    let widest = layers.iter().map(|layer| layer.outputs).max().unwrap_or(0);
    // A^(l) and g', and δ of two layers, twice.
    let units = layers.iter().fold(4 * widest, |sum, layer| sum.saturating_add(layer.inputs + layer.outputs));
    (SHARD_BYTES / units.saturating_mul(size_of::<T>())).max(MIN_SHARD_ROWS).next_multiple_of(48)
}

/// Rows of a shard of a batch of `rows`: equal shares.
fn shard_rows<T: Element>(architecture: &Architecture, rows: usize) -> usize {
    let shards = rows.div_ceil(most_shard_rows::<T>(architecture));
    rows.div_ceil(shards).next_multiple_of(48).min(rows)
}

/// The most parts that are spoken of as being computed side by side; there are some more where products are large.
const MOST_PARTS: usize = 16;

/// Rows of a shard of a batch of `rows`, and the blocks of its greatest product, which are computed side by side.
pub(super) fn split<T: Element>(architecture: &Architecture, set: InstructionSet, rows: usize) -> (usize, usize) {
    let blocking = Blocking::of_large::<T>(set);
    let shard_rows = shard_rows::<T>(architecture, rows);
    let width = width_of::<T>();
    let panels = rows.min(most_shard_rows::<T>(architecture)).div_ceil(width);
    let blocks = |layer: &Layer| Grid::new((layer.outputs, panels, width), layer.inputs, blocking, false).parts();
    let parts = architecture.layers().iter().map(blocks).max().unwrap_or(1).min(MOST_PARTS);
    (shard_rows, parts)
}

impl<T: Element> StepEngine<T> for Blocked<T> {
    fn name(&self) -> &'static str {
        "blocked"
    }

    fn architecture(&self) -> &Architecture {
        &self.layers.architecture
    }

    fn set(&self) -> InstructionSet {
        self.layers.set
    }

    fn ranges(&self) -> &[LayerRange] {
        &self.layers.ranges
    }

    fn import(&self, theta: &[T], own: &mut [T]) -> Result<(), StepError> {
        self.layers.import(theta, own)
    }

    fn export(&self, own: &[T], theta: &mut [T]) -> Result<(), StepError> {
        self.layers.export(own, theta)
    }

    fn reserve(&mut self, rows: usize, backward: bool) -> Result<(), StepError> {
        if rows == 0 {
            return Ok(());
        }
        self.ready(rows, backward).map(|_| ())
    }

    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        Ok(self.backward(theta, batch, decay, dropout, gradient, Then::Stay)?.cost)
    }

    /// The weights of the last layers come first, while those before still back-propagate, and all biases last.
    fn gradient_in_parts<'g>(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &'g mut [T],
        finished: Finished<'_, 'g, T>,
    ) -> Result<f64, StepError> {
        if self.parts.len() > 1 {
            return Ok(self.backward(theta, batch, decay, dropout, gradient, Then::Leave(finished))?.cost);
        }
        let cost = self.gradient(theta, batch, decay, dropout, &mut *gradient)?;
        finished(0..gradient.len(), gradient);
        Ok(cost)
    }

    fn parts(&self) -> Vec<Range<usize>> {
        self.parts.clone()
    }

    fn step(
        &mut self,
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        update: &dyn Update<T>,
        span: Span<'_, T>,
    ) -> Result<Stepped, StepError> {
        let Span { theta, gradient, slots } = span;
        check_slots(&slots, self.layers.params())?;
        self.backward(theta, batch, decay, dropout, gradient, Then::Update(&Updating::new(update, slots)))
    }

    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64) -> Result<f64, StepError> {
        self.forward(theta, batch, decay, None)
    }

    fn evaluate(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64, outputs: &mut [T]) -> Result<f64, StepError> {
        self.forward(theta, batch, decay, Some(outputs))
    }

    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError> {
        let rows = self.layers.check_prediction(theta, inputs, outputs)?;
        let (input_width, output_width) = (self.layers.inputs(), self.layers.outputs());
        let shard_rows = self.shard_rows(rows);
        let mut ready = self.ready(rows, false)?;
        team_if(ready.is_divided(rows), |team| {
            for (first, outputs) in (0..rows).step_by(shard_rows).zip(outputs.chunks_mut(shard_rows * output_width)) {
                let mut pass = ready.pass(theta, outputs.len() / output_width, team);
                pass.inputs(|i| &inputs[(first + i) * input_width..][..input_width]);
                pass.forward(None);
                pass.outputs(outputs);
            }
        });
        Ok(())
    }

    fn scratch_bytes(&self) -> usize {
        self.scratch.bytes() + self.packed.bytes()
    }
}
