//! What the engines share that cut a batch: it goes into shards, portions of shards run side by side, and their gradients are
//! reduced in a fixed order. Engines differ in the [`Method`] by which a shard is computed.

use std::iter;

use super::batch::Gathered;
use super::layer::{LayerPlan, Layers, Matrix, Network};
use super::passes::{Add, Finish, Run, Squares};
use super::shards::{ShardRule, Shards};
use super::update::{Span, Stepped, Update, Updating};
use super::{Batch, Dropout, StepEngine, check_slots};
use crate::buffer::Buffer;
use crate::error::check_length;
use crate::loss::Output;
use crate::sealed::Sealed;
use crate::threads::{Shared, Team, team_if};
use crate::{Architecture, Element, InstructionSet, LayerRange, StepError};

/// Parameters that are reduced at a time: 64 KiB of f32, which with a few accumulators stays in L2.
const CHUNK: usize = 16 << 10;

/// Numbers of one portion's gradient that its own thread has finished before others have fetched them: 2 MiB of f32.
const NEAR: usize = 1 << 19;

/// What a portion's work on a shard needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    pub(crate) output: Output,
    pub(crate) dropout: Option<Dropout>,
    /// The shard's first row in the batch.
    pub(crate) first_row: usize,
}

impl Pass {
    /// The masks of a layer's units, where it drops any.
    pub(super) fn dropout_of<M>(&self, plan: &LayerPlan<M>) -> Option<Dropout> {
        self.dropout.filter(|_| plan.dropout > 0.0)
    }

    /// Dropout's factors for a layer's A and g', of which `rows` begin with the shard's first row; rows and units are so many
    /// numbers apart.
    pub(super) fn drop_units<T: Element, M>(
        &self,
        layer: usize,
        plan: &LayerPlan<M>,
        rows: usize,
        steps: (usize, usize),
        a: &mut [T],
        slopes: &mut [T],
    ) {
        if let Some(dropout) = self.dropout_of(plan) {
            dropout.apply((layer, plan.dropout), (rows, plan.outputs), steps, self.first_row, a, slopes);
        }
    }

    /// The same from a row of the shard on.
    pub(super) fn at_row(self, row: usize) -> Self {
        Self { first_row: self.first_row + row, ..self }
    }
}

/// What is wanted of a shard.
pub enum Wanted<'a, T> {
    /// Its share of the cost; Σ δ aᵀ of its rows is added to `gradient`, or written where `add` is false.
    Gradient { pass: Pass, add: bool, gradient: &'a mut [T] },
    /// Its share of the cost, where there is a loss; A^(L) of its rows, where there is room for it.
    Forward { output: Option<Output>, outputs: Option<&'a mut [T]> },
}

impl<T> Wanted<'_, T> {
    /// What a way back needs to know.
    pub(super) fn pass(&self) -> Option<Pass> {
        match self {
            Self::Gradient { pass, .. } => Some(*pass),
            Self::Forward { .. } => None,
        }
    }
}

/// How a shard is computed. Parameters and gradients are in the method's layout.
///
/// The methods are the engines of this crate; the trait is public only because [`Sharded`] is.
#[doc(hidden)]
#[allow(missing_docs, reason = "described where it is implemented: no one else can, for it is sealed")]
pub trait Method<T: Element>: Sealed + Send + Sync {
    const NAME: &'static str;
    /// How a layer's weights are kept.
    type Matrix: Matrix + Send + Sync;
    /// Memory that a portion works in.
    type Scratch: Send + Sync;

    /// Memory that portions share.
    fn shared_bytes(&self) -> usize {
        0
    }
    fn scratch(&self, layers: &Layers<Self::Matrix>) -> Self::Scratch;
    /// Room for shards of `rows`.
    fn grow(&self, layers: &Layers<Self::Matrix>, scratch: &mut Self::Scratch, rows: usize) -> Result<(), StepError>;
    fn scratch_bytes(scratch: &Self::Scratch) -> usize;
    /// What is done once before a gradient of a batch of `rows`.
    fn prepare(&mut self, _network: Network<'_, T, Self::Matrix>, _rows: usize) {}
    /// The shard's share of the cost, or 0 where it is not wanted.
    fn shard(
        &self,
        network: Network<'_, T, Self::Matrix>,
        scratch: &mut Self::Scratch,
        samples: Gathered<'_, T>,
        wanted: Wanted<'_, T>,
    ) -> f64;
}

/// A portion: the memory in which one task walks through its shards.
struct Portion<T, S> {
    scratch: S,
    /// Rows gathered in a batch's order.
    inputs: Buffer<T>,
    targets: Buffer<T>,
    /// The weights of a shard's rows.
    weights: Buffer<T>,
    /// Δ of this portion's rows, not divided by m. The first portion accumulates into the caller's gradient and has none.
    accumulator: Buffer<T>,
    /// This portion's share of the cost.
    cost: f64,
}

/// An engine that cuts the batch into shards.
///
/// It works on the current rayon pool: call it inside [`rayon::ThreadPool::install`], or it takes the global one.
/// How a batch is cut is a function of the network and the number of samples, and gradients are added up in a fixed
/// order, so results are bit-identical on any number of threads. Scratch is made by the first step, grows only with
/// larger batches, and is bounded whatever the batch; once it has seen a batch of some size, steps on batches up to
/// that size allocate nothing, provided that they are called from inside the pool.
pub struct Sharded<T: Element, M: Method<T>> {
    method: M,
    layers: Layers<M::Matrix>,
    rule: ShardRule,
    portions: Vec<Portion<T, M::Scratch>>,
    /// Σ Θ_w² of each chunk of parameters.
    squares: Vec<f64>,
    /// The last batch that there is room for, and its split: steps come on batches of one size.
    ready: Option<(Demand, Shards)>,
}

/// What a batch needs room for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Demand {
    rows: usize,
    backward: bool,
    /// Whether rows are gathered in the batch's order.
    ordered: bool,
    /// Whether rows have weights.
    weighted: bool,
    /// Whether their targets are smoothed.
    smoothed: bool,
}

impl Demand {
    fn of<T: Element>(batch: &Batch<'_, T>, backward: bool) -> Self {
        let (ordered, weighted, smoothed) = (batch.is_ordered(), batch.is_weighted(), batch.is_smoothed());
        Self { rows: batch.rows(), backward, ordered, weighted, smoothed }
    }
}

impl<T: Element, M: Method<T>> Sharded<T, M> {
    /// The engine around a method.
    pub(super) fn around(layers: Layers<M::Matrix>, rule: ShardRule, method: M) -> Self {
        Self { method, layers, rule, portions: Vec::new(), squares: Vec::new(), ready: None }
    }

    /// Portions and room for a batch, and how it is split.
    fn grow(&mut self, demand: Demand) -> Result<Shards, StepError> {
        match self.ready {
            Some((ready, split)) if ready == demand => Ok(split),
            _ => {
                let split = self.make_room(demand)?;
                self.ready = Some((demand, split));
                Ok(split)
            }
        }
    }

    #[cold]
    fn make_room(&mut self, demand: Demand) -> Result<Shards, StepError> {
        let Demand { rows, backward, ordered, weighted, smoothed } = demand;
        let Self { method, layers, rule, portions, squares, .. } = self;
        let (count, shard_rows) = (rule.portion_bound(rows), rule.row_bound(rows));
        while portions.len() < count {
            let [inputs, targets, weights, accumulator] = [(); 4].map(|()| Buffer::empty());
            let scratch = method.scratch(layers);
            portions.push(Portion { scratch, inputs, targets, weights, accumulator, cost: 0.0 });
        }
        for (index, portion) in portions[..count].iter_mut().enumerate() {
            method.grow(layers, &mut portion.scratch, shard_rows)?;
            if ordered {
                portion.inputs.grow(shard_rows.saturating_mul(layers.inputs()))?;
            }
            if ordered || smoothed {
                portion.targets.grow(shard_rows.saturating_mul(layers.outputs()))?;
            }
            if weighted {
                portion.weights.grow(shard_rows)?;
            }
            if backward && index > 0 {
                portion.accumulator.grow(layers.params())?;
            }
        }
        let chunks = layers.params().div_ceil(CHUNK);
        if backward && squares.len() < chunks {
            let none = |_| StepError::Memory { bytes: chunks * size_of::<f64>() };
            squares.try_reserve_exact(chunks - squares.len()).map_err(none)?;
            squares.resize(chunks, 0.0);
        }
        Ok(rule.split(rows))
    }

    /// J of a batch, and A^(L) of its rows where that is wanted: the portions' shares, forward only.
    fn forward(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        outputs: Option<&mut [T]>,
    ) -> Result<f64, StepError> {
        self.layers.check(theta, batch, decay)?;
        let (rows, width) = (batch.rows(), self.layers.outputs());
        if let Some(outputs) = &outputs {
            self.layers.check_outputs(outputs, rows)?;
        }
        let split = self.grow(Demand::of(&batch, false))?;
        let mass = batch.mass();
        let Self { method, layers, portions, .. } = self;
        let (output, network) = (layers.output(mass), Network { layers, theta });
        let outputs = outputs.map(Shared::new);
        for_each_portion(&mut portions[..split.portions], |index, portion| {
            let Portion { scratch, inputs, targets, weights, cost, .. } = portion;
            *cost = 0.0;
            for (first_row, count) in shards_of(split, index, rows) {
                let shard = batch.slice(first_row, count, mass);
                let samples = shard.gather(inputs.as_mut_slice(), targets.as_mut_slice(), weights.as_mut_slice());
                let place = first_row * width..(first_row + count) * width;
                // SAFETY: a row is in one shard, and its outputs are its own.
                let outputs = outputs.as_ref().map(|outputs| unsafe { outputs.part(place) });
                *cost += method.shard(network, scratch, samples, Wanted::Forward { output: Some(output), outputs });
            }
        });
        let squares = if decay == 0.0 { 0.0 } else { self.squares_of(theta) };
        Ok(self.data_cost(split.portions) + penalty(decay, squares))
    }

    /// The sum of the portions' shares of the cost.
    fn data_cost(&self, portions: usize) -> f64 {
        self.portions[..portions].iter().map(|portion| portion.cost).sum()
    }

    /// Σ Θ_w², added up as [`reduce`](Self::reduce) does.
    fn squares_of(&self, theta: &[T]) -> f64 {
        let Layers { set, whole, .. } = &self.layers;
        let ranges = std::slice::from_ref(whole);
        let runs = theta.chunks(CHUNK).enumerate().map(|(i, theta)| Run { theta, first: i * CHUNK, ranges });
        runs.map(|run| Squares { run }.run_in(*set)).sum()
    }

    /// J and Δ, and Θ after the step where there is an update.
    fn backward(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
        updating: Option<&Updating<'_, T>>,
    ) -> Result<Stepped, StepError> {
        self.layers.check(theta, batch, decay)?;
        check_length("gradient", gradient, self.layers.params())?;
        let split = self.grow(Demand::of(&batch, true))?;
        self.method.prepare(Network { layers: &self.layers, theta }, batch.rows());
        // What one portion made lies in the caches of the thread that made it. Several have been made by several threads, so that
        // most of it is to be fetched whoever adds it up.
        let near = if split.portions == 1 { NEAR } else { NEAR / 8 };
        let parallel = self.squares.len() > 1 && split.portions * gradient.len() >= near;
        team_if(split.portions > 1 || parallel, |team| {
            let scale = self.portions_forward_and_back(team, split, theta, batch, dropout, gradient);
            let data = self.data_cost(split.portions);
            if updating.is_some() && !data.is_finite() {
                return Ok(Stepped { cost: data, updated: false, finite: false });
            }
            let reduction = Reduction { theta, scale, decay, updating };
            let squares = self.reduce(parallel.then_some(team), reduction, split.portions, gradient);
            let finite = updating.is_none_or(Updating::is_finite);
            Ok(Stepped { cost: data + penalty(decay, squares), updated: updating.is_some(), finite })
        })
    }

    /// Each portion's share of the cost, and its m Δ: the first portion's in the gradient itself. Returns 1/m.
    fn portions_forward_and_back(
        &mut self,
        team: &mut Team<'_>,
        split: Shards,
        theta: &[T],
        batch: Batch<'_, T>,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> f64 {
        let (rows, mass) = (batch.rows(), batch.mass());
        let Self { method, layers, portions, .. } = self;
        let (method, output, network) = (&*method, layers.output(mass), Network { layers, theta });
        let work = |index: usize, portion: &mut Portion<T, M::Scratch>, gradient: Option<&mut [T]>| {
            let Portion { scratch, inputs, targets, weights, cost, accumulator } = portion;
            let target = gradient.unwrap_or_else(|| accumulator.as_mut_slice());
            *cost = 0.0;
            for (number, (first_row, count)) in shards_of(split, index, rows).enumerate() {
                let shard = batch.slice(first_row, count, mass);
                let samples = shard.gather(inputs.as_mut_slice(), targets.as_mut_slice(), weights.as_mut_slice());
                let pass = Pass { output, dropout, first_row };
                let wanted = Wanted::Gradient { pass, add: number > 0, gradient: &mut *target };
                *cost += method.shard(network, scratch, samples, wanted);
            }
        };
        let (portions, gradient) = (Shared::new(&mut portions[..split.portions]), Shared::new(gradient));
        team.for_each(split.portions, |_, index| {
            // SAFETY: each portion comes once, and only the first one takes the gradient.
            let portion = unsafe { portions.one(index) };
            if index == 0 {
                // SAFETY: as above.
                return work(0, portion, Some(unsafe { gradient.part(0..gradient.len()) }));
            }
            work(index, portion, None);
        });
        output.scale
    }

    /// Adds the other portions' accumulators to `gradient`, multiplies it by the scale, adds decay · Θ_w, and updates the parameters,
    /// chunk by chunk, which a team shares. Returns Σ Θ_w², or 0 where the decay is 0.
    fn reduce(
        &mut self,
        team: Option<&mut Team<'_>>,
        reduction: Reduction<'_, T>,
        portions: usize,
        gradient: &mut [T],
    ) -> f64 {
        let Reduction { theta, scale, decay, updating } = reduction;
        let Self { layers, portions: all_portions, squares, .. } = self;
        let Layers { set, whole, .. } = &*layers;
        let ranges = std::slice::from_ref(whole);
        let (set, others) = (*set, &all_portions[1..portions]);
        let (scale, count) = (T::from_f64(scale), squares.len());
        let (gradient, all_squares) = (Shared::new(gradient), Shared::new(squares));
        let chunk = |index: usize| {
            let range = index * CHUNK..gradient.len().min((index + 1) * CHUNK);
            // SAFETY: chunks share nothing, and each comes once.
            let (gradient, squares) = unsafe { (gradient.part(range.clone()), all_squares.one(index)) };
            for portion in others {
                let others = &portion.accumulator.as_slice()[range.clone()];
                T::dispatch(set, Add { values: &mut *gradient, others });
            }
            let theta = &theta[range.clone()];
            let run = Run { theta, first: range.start, ranges };
            *squares = Finish { gradient: &mut *gradient, run, scale, decay }.run_in(set);
            if let Some(updating) = updating {
                // SAFETY: as above.
                unsafe { updating.run_over(set, ranges, theta, gradient, range) };
            }
        };
        match team {
            Some(team) => team.for_each(count, |_, index| chunk(index)),
            None => (0..count).for_each(chunk),
        }
        self.squares.iter().sum()
    }
}

/// What becomes of the portions' sums.
struct Reduction<'a, T> {
    theta: &'a [T],
    /// 1/m, or 1/Σs where samples have weights.
    scale: f64,
    /// λ/m.
    decay: f64,
    updating: Option<&'a Updating<'a, T>>,
}

/// ½ `decay` Σ Θ_w². Where λ = 0 the term is absent, even where Θ is not finite.
pub(super) fn penalty(decay: f64, squares: f64) -> f64 {
    if decay == 0.0 { 0.0 } else { 0.5 * decay * squares }
}

/// The shards of portion `index`, as first row and number of rows.
fn shards_of(split: Shards, index: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut next = index * split.portion_rows;
    let end = rows.min(next + split.portion_rows);
    // Without `step_by`, which divides: for a small network that takes as long as a layer.
    iter::from_fn(move || {
        let (first, count) = (next, split.rows.min(end.saturating_sub(next)));
        next += count;
        (count > 0).then_some((first, count))
    })
}

/// Runs `work` on every portion.
fn for_each_portion<L: Send>(portions: &mut [L], work: impl Fn(usize, &mut L) + Sync + Send) {
    let count = portions.len();
    let portions = Shared::new(portions);
    team_if(count > 1, |team| {
        // SAFETY: each portion comes once.
        team.for_each(count, |_, index| work(index, unsafe { portions.one(index) }));
    });
}

impl<T: Element, M: Method<T>> StepEngine<T> for Sharded<T, M> {
    fn name(&self) -> &'static str {
        M::NAME
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
        self.grow(Demand { rows, backward, ordered: true, weighted: true, smoothed: true }).map(|_| ())
    }

    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        Ok(self.backward(theta, batch, decay, dropout, gradient, None)?.cost)
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
        self.backward(theta, batch, decay, dropout, gradient, Some(&Updating::new(update, slots)))
    }

    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64) -> Result<f64, StepError> {
        self.forward(theta, batch, decay, None)
    }

    fn evaluate(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64, outputs: &mut [T]) -> Result<f64, StepError> {
        self.forward(theta, batch, decay, Some(outputs))
    }

    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError> {
        let rows = self.layers.check_prediction(theta, inputs, outputs)?;
        let split = self.grow(Demand { rows, backward: false, ordered: false, weighted: false, smoothed: false })?;
        let Self { method, layers, portions, .. } = self;
        let network = Network { layers, theta };
        let (input_width, output_width) = (layers.inputs(), layers.outputs());
        let outputs = Shared::new(outputs);
        for_each_portion(&mut portions[..split.portions], |index, portion| {
            for (first, count) in shards_of(split, index, rows) {
                let inputs = &inputs[first * input_width..(first + count) * input_width];
                let samples = Gathered { rows: count, inputs, targets: &[], weights: None };
                // SAFETY: a row is in one shard, and its outputs are its own.
                let outputs = Some(unsafe { outputs.part(first * output_width..(first + count) * output_width) });
                method.shard(network, &mut portion.scratch, samples, Wanted::Forward { output: None, outputs });
            }
        });
        Ok(())
    }

    fn scratch_bytes(&self) -> usize {
        let portion = |portion: &Portion<T, M::Scratch>| {
            let buffers = [&portion.inputs, &portion.targets, &portion.weights, &portion.accumulator];
            buffers.into_iter().map(Buffer::bytes).sum::<usize>() + M::scratch_bytes(&portion.scratch)
        };
        let portions: usize = self.portions.iter().map(portion).sum();
        portions + self.method.shared_bytes() + self.squares.capacity() * size_of::<f64>()
    }
}

impl<T: Element, M: Method<T>> std::fmt::Debug for Sharded<T, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Sharded");
        debug.field("method", &M::NAME).field("architecture", self.architecture()).field("set", &self.set());
        debug.field("rule", &self.rule).field("portions", &self.portions.len()).finish_non_exhaustive()
    }
}
