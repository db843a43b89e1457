//! What all engines share: a batch is cut into shards, lanes of shards run side by side, and their gradients are
//! reduced in a fixed order. Engines differ in the [`Method`] by which a shard is computed.

use std::iter;

use rayon::prelude::*;

use super::batch::{Gathered, Mass};
use super::passes::{Add, Finish, Run, Squares};
use super::shards::{ShardRule, Shards};
use super::{Batch, Dropout, StepEngine};
use crate::buffer::Buffer;
use crate::error::{check_decay, check_length, check_outputs, rows_of};
use crate::loss::Output;
use crate::sealed::Sealed;
use crate::{Architecture, Element, InstructionSet, LayerRange, StepError, threads};

/// Parameters that are reduced at a time: 64 KiB of f32, which with a few accumulators stays in L2.
pub(super) const CHUNK: usize = 16 << 10;

/// Numbers of one lane's gradient that its own thread has finished before others have fetched them: 2 MiB of f32.
const NEAR: usize = 1 << 19;

/// What a lane's work on a shard needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Pass {
    pub(crate) output: Output,
    pub(crate) dropout: Option<Dropout>,
    /// The shard's first row in the batch.
    pub(crate) first_row: usize,
}

/// How a shard is computed. Parameters and gradients are in the method's layout.
///
/// The methods are the engines of this crate; the trait is public only because [`Sharded`] is.
#[doc(hidden)]
#[allow(missing_docs, reason = "described where it is implemented: no one else can, for it is sealed")]
pub trait Method<T: Element>: Sealed + Send + Sync {
    const NAME: &'static str;
    /// Memory that a lane works in.
    type Scratch: Send + Sync;

    fn architecture(&self) -> &Architecture;
    fn set(&self) -> InstructionSet;
    /// Where each layer's parameters lie in the method's layout.
    fn ranges(&self) -> &[LayerRange];
    fn rule(&self) -> ShardRule;
    /// Copies a network's flat slice into the method's layout; what pads that layout is not touched.
    fn import(&self, theta: &[T], own: &mut [T]) {
        own.copy_from_slice(theta);
    }
    /// Copies numbers laid out as the method's parameters into a network's flat slice.
    fn export(&self, own: &[T], theta: &mut [T]) {
        theta.copy_from_slice(own);
    }
    /// Memory that lanes share.
    fn shared_bytes(&self) -> usize {
        0
    }
    fn scratch(&self) -> Self::Scratch;
    /// Room for shards of `rows`, for gradients where `backward`.
    fn grow(&self, scratch: &mut Self::Scratch, rows: usize, backward: bool) -> Result<(), StepError>;
    fn scratch_bytes(scratch: &Self::Scratch) -> usize;
    /// What is done once before a gradient of a batch of `rows`.
    fn prepare(&mut self, _theta: &[T], _rows: usize) {}
    /// The shard's share of the cost; Σ δ aᵀ of its rows is added to `gradient`, or written where `add` is false.
    fn gradient(
        &self,
        scratch: &mut Self::Scratch,
        theta: &[T],
        samples: Gathered<'_, T>,
        pass: Pass,
        add: bool,
        gradient: &mut [T],
    ) -> f64;
    /// The shard's share of the cost; A^(L) of its rows is written to `outputs`, if it is wanted.
    fn evaluate(
        &self,
        scratch: &mut Self::Scratch,
        theta: &[T],
        samples: Gathered<'_, T>,
        output: Output,
        outputs: Option<&mut [T]>,
    ) -> f64;
    fn predict(&self, scratch: &mut Self::Scratch, theta: &[T], x: &[T], out: &mut [T]);
}

/// A lane: the memory in which one task walks through its shards.
struct Lane<T, S> {
    scratch: S,
    /// Rows gathered in a batch's order.
    inputs: Buffer<T>,
    targets: Buffer<T>,
    /// The weights of a shard's rows.
    weights: Buffer<T>,
    /// Δ of this lane's rows, not divided by m. The first lane accumulates into the caller's gradient and has none.
    accumulator: Buffer<T>,
    /// This lane's share of the cost.
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
    lanes: Vec<Lane<T, M::Scratch>>,
    /// Σ Θ_w² of each chunk of parameters.
    squares: Vec<f64>,
    params: usize,
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
}

impl Demand {
    fn of<T: Element>(batch: &Batch<'_, T>, backward: bool) -> Self {
        Self { rows: batch.rows(), backward, ordered: batch.is_ordered(), weighted: batch.is_weighted() }
    }
}

impl<T: Element, M: Method<T>> Sharded<T, M> {
    /// The engine around a method.
    pub(super) fn around(method: M) -> Self {
        let params = method.ranges().last().map_or(0, |range| range.bias.end);
        Self { method, lanes: Vec::new(), squares: Vec::new(), params, ready: None }
    }

    /// Lanes and room for a batch, and how it is split.
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
        let Demand { rows, backward, ordered, weighted } = demand;
        let rule = self.method.rule();
        let (count, shard_rows) = (rule.lane_bound(rows), rule.row_bound(rows));
        while self.lanes.len() < count {
            self.lanes.push(Lane {
                scratch: self.method.scratch(),
                inputs: Buffer::empty(),
                targets: Buffer::empty(),
                weights: Buffer::empty(),
                accumulator: Buffer::empty(),
                cost: 0.0,
            });
        }
        for (index, lane) in self.lanes[..count].iter_mut().enumerate() {
            self.method.grow(&mut lane.scratch, shard_rows, backward)?;
            if ordered {
                lane.inputs.grow(shard_rows.saturating_mul(self.method.architecture().inputs()))?;
                lane.targets.grow(shard_rows.saturating_mul(self.method.architecture().outputs()))?;
            }
            if weighted {
                lane.weights.grow(shard_rows)?;
            }
            if backward && index > 0 {
                lane.accumulator.grow(self.params)?;
            }
        }
        let chunks = self.params.div_ceil(CHUNK);
        if backward && self.squares.len() < chunks {
            let missing = chunks - self.squares.len();
            let none = |_| StepError::Memory { bytes: chunks * size_of::<f64>() };
            self.squares.try_reserve_exact(missing).map_err(none)?;
            self.squares.resize(chunks, 0.0);
        }
        Ok(rule.split(rows))
    }

    /// J of a batch, and A^(L) of its rows where that is wanted: the lanes' shares, forward only.
    fn forward(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        outputs: Option<&mut [T]>,
    ) -> Result<f64, StepError> {
        check_length("theta", theta, self.params)?;
        check_decay(decay)?;
        batch.check(self.architecture())?;
        let rows = batch.rows();
        let width = self.architecture().outputs();
        if let Some(outputs) = &outputs {
            check_outputs(outputs, width, rows)?;
        }
        let split = self.grow(Demand::of(&batch, false))?;

        let mass = batch.mass();
        let output = output_of(self.architecture(), mass);
        let Self { method, lanes, .. } = self;
        let method = &*method;
        let work = |index: usize, lane: &mut Lane<T, M::Scratch>, outputs: Option<&mut [T]>| {
            let Lane { scratch, inputs, targets, weights, cost, .. } = lane;
            let mut outputs = outputs.map(|outputs| outputs.chunks_mut(split.rows * width));
            *cost = 0.0;
            for (first_row, count) in shards_of(split, index, rows) {
                let shard = batch.slice(first_row, count, mass);
                let samples = shard.gather(inputs.as_mut_slice(), targets.as_mut_slice(), weights.as_mut_slice());
                let outputs = outputs.as_mut().and_then(Iterator::next);
                *cost += method.evaluate(scratch, theta, samples, output, outputs);
            }
        };
        let lanes = &mut lanes[..split.lanes];
        match outputs {
            None => for_each_lane(lanes, |index, lane| work(index, lane, None)),
            Some(outputs) => {
                let len = split.lane_rows * width;
                for_each_lane_with(lanes, outputs, len, |index, lane, outputs| work(index, lane, Some(outputs)));
            }
        }

        let squares = if decay == 0.0 { 0.0 } else { self.squares_of(theta) };
        Ok(self.total(split.lanes, decay, squares))
    }

    /// J of the lanes' shares and ½ `decay` Σ Θ_w².
    fn total(&self, lanes: usize, decay: f64, squares: f64) -> f64 {
        let data: f64 = self.lanes[..lanes].iter().map(|lane| lane.cost).sum();
        // Where λ = 0 the term is absent, even where Θ is not finite.
        if decay == 0.0 { data } else { data + 0.5 * decay * squares }
    }

    /// Σ Θ_w², added up as [`reduce`](Self::reduce) does.
    fn squares_of(&self, theta: &[T]) -> f64 {
        let (set, ranges) = (self.method.set(), self.method.ranges());
        let runs = theta.chunks(CHUNK).enumerate().map(|(i, theta)| Run { theta, first: i * CHUNK, ranges });
        runs.map(|run| Squares { run }.run_in(set)).sum()
    }

    /// Adds the other lanes' accumulators to `gradient`, multiplies it by `scale`, adds `decay` Θ_w, and returns Σ Θ_w²,
    /// or 0 where `decay` is 0.
    fn reduce(&mut self, theta: &[T], lanes: usize, scale: f64, decay: f64, gradient: &mut [T]) -> f64 {
        let Self { method, lanes: all_lanes, squares, .. } = self;
        let (set, ranges, others) = (method.set(), method.ranges(), &all_lanes[1..lanes]);
        let scale = T::from_f64(scale);
        let chunk = |(index, (gradient, squares)): (usize, (&mut [T], &mut f64))| {
            let first = index * CHUNK;
            let end = first + gradient.len();
            for lane in others {
                let others = &lane.accumulator.as_slice()[first..end];
                T::dispatch(set, Add { values: &mut *gradient, others });
            }
            let run = Run { theta: &theta[first..end], first, ranges };
            *squares = Finish { gradient, run, scale, decay }.run_in(set);
        };
        // What one lane made lies in the caches of the thread that made it.
        let near = if lanes == 1 { NEAR } else { NEAR / 8 };
        if runs_inline(squares.len()) || lanes * gradient.len() < near {
            // A loop, for `for_each` would copy the closure, and a small network's step would wait for that.
            for item in gradient.chunks_mut(CHUNK).zip(&mut *squares).enumerate() {
                chunk(item);
            }
        } else {
            gradient.par_chunks_mut(CHUNK).zip(&mut *squares).enumerate().for_each(chunk);
        }
        squares.iter().sum()
    }
}

/// The loss at the output of a network for a batch.
pub(super) fn output_of(architecture: &Architecture, mass: Mass) -> Output {
    let (loss, activation) = (architecture.loss(), architecture.output_activation());
    Output { loss, activation, width: architecture.outputs(), scale: mass.scale() }
}

/// Whether `tasks` run on the calling thread.
fn runs_inline(tasks: usize) -> bool {
    tasks <= 1 || threads::count() == 1
}

/// The shards of lane `index`, as first row and number of rows.
fn shards_of(split: Shards, index: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut next = index * split.lane_rows;
    let end = rows.min(next + split.lane_rows);
    // Without `step_by`, which divides: for a small network that takes as long as a layer.
    iter::from_fn(move || {
        let (first, count) = (next, split.rows.min(end.saturating_sub(next)));
        next += count;
        (count > 0).then_some((first, count))
    })
}

/// Runs `work` on every lane, on the calling thread where the pool has one.
fn for_each_lane<L: Send>(lanes: &mut [L], work: impl Fn(usize, &mut L) + Sync + Send) {
    if runs_inline(lanes.len()) {
        lanes.iter_mut().enumerate().for_each(|(index, lane)| work(index, lane));
    } else {
        lanes.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, lane)| work(index, lane));
    }
}

/// As [`for_each_lane`], each lane with its own `len` numbers of `outputs`.
fn for_each_lane_with<L: Send, T: Send>(
    lanes: &mut [L],
    outputs: &mut [T],
    len: usize,
    work: impl Fn(usize, &mut L, &mut [T]) + Sync + Send,
) {
    let one = |(index, (lane, outputs)): (usize, (&mut L, &mut [T]))| work(index, lane, outputs);
    if runs_inline(lanes.len()) {
        lanes.iter_mut().zip(outputs.chunks_mut(len)).enumerate().for_each(one);
    } else {
        lanes.par_iter_mut().zip(outputs.par_chunks_mut(len)).with_max_len(1).enumerate().for_each(one);
    }
}

impl<T: Element, M: Method<T>> StepEngine<T> for Sharded<T, M> {
    fn name(&self) -> &'static str {
        M::NAME
    }

    fn architecture(&self) -> &Architecture {
        self.method.architecture()
    }

    fn set(&self) -> InstructionSet {
        self.method.set()
    }

    fn ranges(&self) -> &[LayerRange] {
        self.method.ranges()
    }

    fn import(&self, theta: &[T], own: &mut [T]) -> Result<(), StepError> {
        check_length("theta", theta, self.architecture().params())?;
        check_length("the engine's parameters", own, self.params)?;
        self.method.import(theta, own);
        Ok(())
    }

    fn export(&self, own: &[T], theta: &mut [T]) -> Result<(), StepError> {
        check_length("the engine's parameters", own, self.params)?;
        check_length("theta", theta, self.architecture().params())?;
        self.method.export(own, theta);
        Ok(())
    }

    fn reserve(&mut self, rows: usize, backward: bool) -> Result<(), StepError> {
        if rows == 0 {
            return Ok(());
        }
        self.grow(Demand { rows, backward, ordered: true, weighted: true }).map(|_| ())
    }

    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        check_length("theta", theta, self.params)?;
        check_length("gradient", gradient, self.params)?;
        check_decay(decay)?;
        batch.check(self.architecture())?;
        let rows = batch.rows();
        let split = self.grow(Demand::of(&batch, true))?;
        self.method.prepare(theta, rows);

        let mass = batch.mass();
        let output = output_of(self.architecture(), mass);
        let method = &self.method;
        let work = |index: usize, lane: &mut Lane<T, M::Scratch>, target: &mut [T]| {
            let Lane { scratch, inputs, targets, weights, cost, .. } = lane;
            *cost = 0.0;
            for (number, (first_row, count)) in shards_of(split, index, rows).enumerate() {
                let shard = batch.slice(first_row, count, mass);
                let samples = shard.gather(inputs.as_mut_slice(), targets.as_mut_slice(), weights.as_mut_slice());
                let pass = Pass { output, dropout, first_row };
                *cost += method.gradient(scratch, theta, samples, pass, number > 0, target);
            }
        };
        let work_apart = |index: usize, lane: &mut Lane<T, M::Scratch>| {
            let mut accumulator = std::mem::take(&mut lane.accumulator);
            work(index + 1, lane, accumulator.as_mut_slice());
            lane.accumulator = accumulator;
        };
        // The first lane accumulates into the gradient itself.
        let (first, others) = self.lanes[..split.lanes].split_at_mut(1);
        if runs_inline(split.lanes) {
            work(0, &mut first[0], gradient);
            others.iter_mut().enumerate().for_each(|(index, lane)| work_apart(index, lane));
        } else {
            threads::join(|| work(0, &mut first[0], gradient), || for_each_lane(others, work_apart));
        }

        let squares = self.reduce(theta, split.lanes, output.scale, decay, gradient);
        Ok(self.total(split.lanes, decay, squares))
    }

    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64) -> Result<f64, StepError> {
        self.forward(theta, batch, decay, None)
    }

    fn evaluate(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64, outputs: &mut [T]) -> Result<f64, StepError> {
        self.forward(theta, batch, decay, Some(outputs))
    }

    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError> {
        check_length("theta", theta, self.params)?;
        let (input_width, output_width) = (self.architecture().inputs(), self.architecture().outputs());
        let rows = rows_of("inputs", inputs, input_width)?;
        check_outputs(outputs, output_width, rows)?;
        let split = self.grow(Demand { rows, backward: false, ordered: false, weighted: false })?;

        let Self { method, lanes, .. } = self;
        let method = &*method;
        let lanes = &mut lanes[..split.lanes];
        for_each_lane_with(lanes, outputs, split.lane_rows * output_width, |index, lane, outputs| {
            let first = index * split.lane_rows;
            let inputs = &inputs[first * input_width..][..outputs.len() / output_width * input_width];
            let shards = inputs.chunks(split.rows * input_width).zip(outputs.chunks_mut(split.rows * output_width));
            shards.for_each(|(x, out)| method.predict(&mut lane.scratch, theta, x, out));
        });
        Ok(())
    }

    fn scratch_bytes(&self) -> usize {
        let lane = |lane: &Lane<T, M::Scratch>| {
            let buffers = [&lane.inputs, &lane.targets, &lane.weights, &lane.accumulator]
                .map(Buffer::bytes)
                .iter()
                .sum::<usize>();
            buffers + M::scratch_bytes(&lane.scratch)
        };
        let lanes: usize = self.lanes.iter().map(lane).sum();
        lanes + self.method.shared_bytes() + self.squares.capacity() * size_of::<f64>()
    }
}

impl<T: Element, M: Method<T>> std::fmt::Debug for Sharded<T, M> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Sharded");
        debug.field("method", &M::NAME).field("architecture", self.architecture()).field("set", &self.set());
        debug.field("rule", &self.method.rule()).field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}
