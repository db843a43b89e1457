//! The layered engine: one GEMM a layer, elementwise passes between.

use rayon::prelude::*;

use super::lane::{Lane, Network, Pass};
use super::passes::{Add, Decay};
use super::shards::{ShardRule, Shards};
use super::{Batch, Dropout, StepEngine};
use crate::error::{check_l2, check_length, rows_of};
use crate::gemm::{Gemm, Packed};
use crate::loss::Output;
use crate::{Architecture, Element, InstructionSet, StepError};

/// Parameters that are reduced at a time: 64 KiB of f32, which with a few accumulators stays in L2.
const CHUNK: usize = 16 << 10;

/// The layered engine: any shape, any batch; the fallback and the yardstick of the others.
///
/// It works on the current rayon pool: call it inside [`rayon::ThreadPool::install`], or it takes the global one.
/// A batch is split by a rule of the network and the number of samples, so results are bit-identical on any number
/// of threads. Once it has seen a batch of some size, steps on batches up to that size allocate nothing, provided
/// that they are called from inside the pool.
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
pub struct Layered<T> {
    architecture: Architecture,
    set: InstructionSet,
    gemm: Box<dyn Gemm<T>>,
    rule: ShardRule,
    lanes: Vec<Lane<T>>,
    /// Σ Θ_w² of each chunk of parameters.
    squares: Vec<f64>,
}

impl<T: Element> Layered<T> {
    /// An engine for `architecture` in the widest instruction set of this CPU, with its own GEMM kernels. Its
    /// scratch is made by the first step, grows only with larger batches, and is bounded whatever the batch.
    ///
    /// # Errors
    /// [`StepError::Memory`] when there is no memory for the plan.
    pub fn new(architecture: &Architecture) -> Result<Self, StepError> {
        Self::with_set(architecture, InstructionSet::best())
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
        let chunks = architecture.params().div_ceil(CHUNK);
        let mut squares = Vec::new();
        squares.try_reserve_exact(chunks).map_err(|_| StepError::Memory { bytes: chunks * size_of::<f64>() })?;
        squares.resize(chunks, 0.0);
        let rule = ShardRule::new::<T>(architecture);
        Ok(Self { architecture: architecture.clone(), set, gemm, rule, lanes: Vec::new(), squares })
    }

    /// The instruction set of the engine's kernels.
    #[must_use]
    pub const fn set(&self) -> InstructionSet {
        self.set
    }

    /// Lanes for batches of up to `rows`, each grown by `grow`.
    fn grow_lanes(
        &mut self,
        rows: usize,
        grow: impl Fn(&mut Lane<T>, &Architecture, &dyn Gemm<T>, usize) -> Result<(), StepError>,
    ) -> Result<(), StepError> {
        let lanes = self.rule.lane_bound(rows);
        while self.lanes.len() < lanes {
            self.lanes.push(Lane::new(&self.architecture));
        }
        let shard_rows = self.rule.row_bound(rows);
        self.lanes[..lanes].iter_mut().try_for_each(|lane| grow(lane, &self.architecture, &*self.gemm, shard_rows))
    }

    /// Sums the lanes' accumulators into `gradient`, adds λ Θ_w / m, and returns Σ Θ_w², or 0 when λ is 0. Without
    /// a gradient only the latter.
    fn reduce(&mut self, theta: &[T], decay: f64, lanes: usize, gradient: Option<&mut [T]>) -> f64 {
        let Self { architecture, set, lanes: all_lanes, squares: sums, .. } = self;
        let (set, lanes) = (*set, &all_lanes[1..lanes]);
        let factor = T::from_f64(decay);
        let reduce = |chunk: usize, mut gradient: Option<&mut [T]>| {
            let start = chunk * CHUNK;
            let end = theta.len().min(start + CHUNK);
            if let Some(values) = gradient.as_deref_mut() {
                for lane in lanes {
                    let others = &lane.accumulator.as_slice()[start..end];
                    T::dispatch(set, Add { values: &mut *values, others });
                }
            }
            if decay == 0.0 {
                return 0.0;
            }
            let mut squares = 0.0;
            for weights in architecture.ranges().map(|range| range.weights) {
                let (from, to) = (weights.start.max(start), weights.end.min(end));
                if from < to {
                    let gradient = gradient.as_deref_mut().map(|gradient| &mut gradient[from - start..to - start]);
                    squares += T::dispatch(set, Decay { theta: &theta[from..to], factor, gradient });
                }
            }
            squares
        };
        match gradient {
            Some(gradient) if !runs_inline(sums.len()) => {
                let chunks = gradient.par_chunks_mut(CHUNK).zip(&mut *sums).enumerate();
                chunks.for_each(|(chunk, (gradient, squares))| *squares = reduce(chunk, Some(gradient)));
            }
            Some(gradient) => {
                let chunks = gradient.chunks_mut(CHUNK).zip(&mut *sums).enumerate();
                chunks.for_each(|(chunk, (gradient, squares))| *squares = reduce(chunk, Some(gradient)));
            }
            None => sums.iter_mut().enumerate().for_each(|(chunk, squares)| *squares = reduce(chunk, None)),
        }
        sums.iter().sum()
    }

    /// J of the lanes' shares and λ/2m Σ Θ_w², where `decay` is λ/m.
    fn total(&self, lanes: usize, decay: f64, squares: f64) -> f64 {
        let data: f64 = self.lanes[..lanes].iter().map(|lane| lane.cost).sum();
        // Where λ = 0 the term is absent, even where Θ is not finite.
        if decay == 0.0 { data } else { data + 0.5 * decay * squares }
    }
}

impl<T> std::fmt::Debug for Layered<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut debug = f.debug_struct("Layered");
        debug.field("architecture", &self.architecture).field("set", &self.set).field("gemm", &self.gemm.name());
        debug.field("rule", &self.rule).field("lanes", &self.lanes.len()).finish_non_exhaustive()
    }
}

/// Whether `tasks` run on the calling thread.
fn runs_inline(tasks: usize) -> bool {
    tasks == 1 || rayon::current_num_threads() == 1
}

/// The loss at the output of a batch of `rows`.
fn output_of(architecture: &Architecture, rows: usize) -> Output {
    let (loss, activation) = (architecture.loss(), architecture.output_activation());
    Output { loss, activation, width: architecture.outputs(), scale: 1.0 / rows as f64 }
}

/// The shards of lane `index`, as first row and number of rows.
fn shards_of(split: Shards, index: usize, rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let start = index * split.lane_rows;
    let end = rows.min(start + split.lane_rows);
    (start..end).step_by(split.rows).map(move |first| (first, split.rows.min(end - first)))
}

impl<T: Element> StepEngine<T> for Layered<T> {
    fn name(&self) -> &'static str {
        "layered"
    }

    fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        l2: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        let params = self.architecture.params();
        check_length("theta", theta, params)?;
        check_length("gradient", gradient, params)?;
        check_l2(l2)?;
        batch.check(&self.architecture)?;
        let rows = batch.rows();
        self.grow_lanes(rows, |lane, architecture, gemm, shard_rows| {
            lane.grow_backward(architecture, gemm, shard_rows)?;
            if batch.is_ordered() { lane.grow_gather(architecture, shard_rows) } else { Ok(()) }
        })?;
        let lanes = self.rule.lane_bound(rows);
        self.lanes[1..lanes].iter_mut().try_for_each(|lane| lane.accumulator.grow(params))?;

        let split = self.rule.split(rows);
        let network = Network { architecture: &self.architecture, set: self.set, gemm: &*self.gemm, theta };
        let pass = Pass { output: output_of(&self.architecture, rows), dropout };
        let run = |index: usize, lane: &mut Lane<T>, target: &mut [T]| {
            let shards = shards_of(split, index, rows).enumerate();
            lane.cost = shards
                .map(|(i, (first, count))| lane.gradient(&network, pass, batch.slice(first, count), i > 0, target))
                .sum();
        };
        let run_accumulating = |(index, lane): (usize, &mut Lane<T>)| {
            let mut accumulator = std::mem::take(&mut lane.accumulator);
            run(index + 1, lane, accumulator.as_mut_slice());
            lane.accumulator = accumulator;
        };
        // The first lane accumulates into the gradient itself.
        let (first, others) = self.lanes[..split.lanes].split_at_mut(1);
        if runs_inline(split.lanes) {
            run(0, &mut first[0], gradient);
            others.iter_mut().enumerate().for_each(run_accumulating);
        } else {
            rayon::join(
                || run(0, &mut first[0], gradient),
                || others.par_iter_mut().with_max_len(1).enumerate().for_each(run_accumulating),
            );
        }

        let decay = l2 / rows as f64;
        let squares = self.reduce(theta, decay, split.lanes, Some(gradient));
        Ok(self.total(split.lanes, decay, squares))
    }

    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, l2: f64) -> Result<f64, StepError> {
        check_length("theta", theta, self.architecture.params())?;
        check_l2(l2)?;
        batch.check(&self.architecture)?;
        let rows = batch.rows();
        self.grow_lanes(rows, |lane, architecture, gemm, shard_rows| {
            lane.grow_forward(architecture, gemm, shard_rows)?;
            if batch.is_ordered() { lane.grow_gather(architecture, shard_rows) } else { Ok(()) }
        })?;

        let split = self.rule.split(rows);
        let network = Network { architecture: &self.architecture, set: self.set, gemm: &*self.gemm, theta };
        let output = output_of(&self.architecture, rows);
        let run = |(index, lane): (usize, &mut Lane<T>)| {
            let shards = shards_of(split, index, rows);
            lane.cost = shards.map(|(first, count)| lane.cost(&network, output, batch.slice(first, count))).sum();
        };
        let lanes = &mut self.lanes[..split.lanes];
        if runs_inline(split.lanes) {
            lanes.iter_mut().enumerate().for_each(run);
        } else {
            lanes.par_iter_mut().with_max_len(1).enumerate().for_each(run);
        }

        let decay = l2 / rows as f64;
        let squares = self.reduce(theta, decay, split.lanes, None);
        Ok(self.total(split.lanes, decay, squares))
    }

    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError> {
        check_length("theta", theta, self.architecture.params())?;
        let (input_width, output_width) = (self.architecture.inputs(), self.architecture.outputs());
        let rows = rows_of("inputs", inputs, input_width)?;
        let found = rows_of("outputs", outputs, output_width)?;
        if found != rows {
            return Err(StepError::Rows { what: "outputs", expected: rows, found });
        }
        self.grow_lanes(rows, Lane::grow_forward)?;

        let split = self.rule.split(rows);
        let network = Network { architecture: &self.architecture, set: self.set, gemm: &*self.gemm, theta };
        let run = |(lane, (inputs, outputs)): (&mut Lane<T>, (&[T], &mut [T]))| {
            let shards = inputs.chunks(split.rows * input_width).zip(outputs.chunks_mut(split.rows * output_width));
            shards.for_each(|(inputs, outputs)| lane.predict(&network, inputs, outputs));
        };
        let lanes = &mut self.lanes[..split.lanes];
        let (input_len, output_len) = (split.lane_rows * input_width, split.lane_rows * output_width);
        if runs_inline(split.lanes) {
            let samples = inputs.chunks(input_len).zip(outputs.chunks_mut(output_len));
            lanes.iter_mut().zip(samples).for_each(run);
        } else {
            let samples = inputs.par_chunks(input_len).zip(outputs.par_chunks_mut(output_len));
            lanes.par_iter_mut().zip(samples).with_max_len(1).for_each(run);
        }
        Ok(())
    }

    fn scratch_bytes(&self) -> usize {
        self.lanes.iter().map(Lane::bytes).sum::<usize>() + self.squares.capacity() * size_of::<f64>()
    }
}
