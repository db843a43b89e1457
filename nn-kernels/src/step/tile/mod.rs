//! The tile engine: features along lanes, samples as the user holds them; a tile of samples goes forward through all
//! layers and back again while it is in cache, and parameters stay in the layout in which the products read them.

mod lane;
mod layout;
mod product;

use rayon::prelude::*;

use self::lane::{Lane, Network};
use self::layout::Layout;
use super::{Batch, Dropout, StepEngine};
use crate::buffer::Buffer;
use crate::error::{check_l2, check_length, rows_of};
use crate::isa::{Kernel, Simd, Vector};
use crate::loss::Output;
use crate::{Architecture, Element, InstructionSet, LayerRange, StepError};

/// The tile engine.
pub struct Tile<T> {
    architecture: Architecture,
    set: InstructionSet,
    layout: Layout,
    ranges: Vec<LayerRange>,
    tile_rows: usize,
    lanes: Vec<Lane<T>>,
    transposed: Buffer<T>,
    squares: Vec<f64>,
}

const MAX_LANES: usize = 16;
const CHUNK: usize = 16 << 10;

/// Elements in a vector of a set.
struct LanesOf;

impl<T> Kernel<T> for LanesOf {
    type Output = usize;
    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) -> usize {
        S::LANES
    }
}

impl<T: Element> Tile<T> {
    /// An engine in the given set.
    ///
    /// # Errors
    /// [`StepError::Memory`].
    pub fn with_set(architecture: &Architecture, set: InstructionSet) -> Result<Self, StepError> {
        let layout = Layout::new(architecture, T::dispatch(set, LanesOf));
        let ranges = layout.layers.iter().map(|plan| plan.range.clone()).collect();
        let squares = vec![0.0; layout.params.div_ceil(CHUNK)];
        let tile_rows = std::env::var("TILE").ok().and_then(|v| v.parse().ok()).unwrap_or(96);
        let mut transposed = Buffer::empty();
        transposed.grow(layout.transposed)?;
        Ok(Self {
            architecture: architecture.clone(),
            set,
            layout,
            ranges,
            tile_rows,
            lanes: Vec::new(),
            transposed,
            squares,
        })
    }

    /// lanes and rows of each
    fn split(&self, rows: usize) -> (usize, usize) {
        let flops = self.architecture.step_flops(1);
        let min_rows = ((4e6 / flops).ceil() as usize).clamp(48, 4096);
        let lanes = (rows / min_rows).clamp(1, MAX_LANES);
        let lane_rows = rows.div_ceil(lanes).next_multiple_of(4);
        (rows.div_ceil(lane_rows), lane_rows)
    }

    fn tile(&self, lane_rows: usize) -> usize {
        let tiles = lane_rows.div_ceil(self.tile_rows);
        lane_rows.div_ceil(tiles).next_multiple_of(6).min(self.tile_rows)
    }

    fn grow(&mut self, lanes: usize, tile_rows: usize) -> Result<(), StepError> {
        while self.lanes.len() < lanes {
            self.lanes.push(Lane::new(self.layout.layers.len()));
        }
        self.lanes[..lanes].iter_mut().try_for_each(|lane| lane.grow(&self.layout, tile_rows))
    }
}

/// Runs `work` on every lane: on the current pool, or here if that has one thread.
fn for_each_lane<L: Send>(lanes: &mut [L], work: impl Fn(usize, &mut L) + Sync + Send) {
    if lanes.len() == 1 || rayon::current_num_threads() == 1 {
        lanes.iter_mut().enumerate().for_each(|(index, lane)| work(index, lane));
    } else {
        lanes.par_iter_mut().with_max_len(1).enumerate().for_each(|(index, lane)| work(index, lane));
    }
}

impl<T: Element> Tile<T> {
    fn retranspose(&mut self, theta: &[T]) {
        for plan in &self.layout.layers {
            if let Some(at) = plan.transposed {
                let to = &mut self.transposed.as_mut_slice()[at..at + plan.padded_inputs * plan.padded_outputs];
                let from = &theta[plan.range.weights.clone()];
                T::dispatch(
                    self.set,
                    Transpose { from, rows: plan.inputs, from_stride: plan.stride, to, to_stride: plan.padded_inputs },
                );
            }
        }
    }
}

struct Transpose<'a, T> {
    from: &'a [T],
    rows: usize,
    from_stride: usize,
    to: &'a mut [T],
    to_stride: usize,
}

impl<T: Element> Kernel<T> for Transpose<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, _s: S) {
        let Self { from, rows, from_stride, to, to_stride } = self;
        for (row, values) in from.chunks_exact(from_stride).take(rows).enumerate() {
            for (column, value) in values.iter().enumerate() {
                to[column * to_stride + row] = *value;
            }
        }
    }
}

/// gradient = (gradient + others) * scale + decay * theta
struct Finish<'a, T> {
    gradient: &'a mut [T],
    theta: &'a [T],
    scale: T,
    decay: T,
}

impl<T: Element> Kernel<T> for Finish<'_, T> {
    type Output = f64;
    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let (scale, decay) = (s.splat(self.scale), s.splat(self.decay));
        let mut squares = s.splat(T::ZERO);
        for (g, t) in self.gradient.chunks_exact_mut(S::LANES).zip(self.theta.chunks_exact(S::LANES)) {
            let t = s.load(t);
            squares = t.mul_add(t, squares);
            s.store(s.load(g).mul_add(scale, t * decay), g);
        }
        squares.sum().to_f64()
    }
}

struct AddTo<'a, T> {
    values: &'a mut [T],
    others: &'a [T],
}

impl<T: Element> Kernel<T> for AddTo<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        for (v, o) in self.values.chunks_exact_mut(S::LANES).zip(self.others.chunks_exact(S::LANES)) {
            s.store(s.load(v) + s.load(o), v);
        }
    }
}

impl<T: Element> Tile<T> {
    /// engine-layout gradient
    pub fn step(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        l2: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError> {
        let rows = batch.rows();
        let (lanes, lane_rows) = self.split(rows);
        let tile = self.tile(lane_rows);
        self.grow(lanes, tile)?;
        let params = self.layout.params;
        self.lanes[1..lanes].iter_mut().try_for_each(|lane| lane.accumulator.grow(params))?;
        self.retranspose(theta);
        let (loss, activation) = (self.architecture.loss(), self.architecture.output_activation());
        let output = Output { loss, activation, width: self.architecture.outputs(), scale: 1.0 / rows as f64 };
        let network = Network {
            set: self.set,
            layout: &self.layout,
            theta,
            transposed: self.transposed.as_slice(),
            output,
        };
        let run = |index: usize, lane: &mut Lane<T>, target: &mut [T]| {
            let end = rows.min((index + 1) * lane_rows);
            let mut cost = 0.0;
            let mut first = index * lane_rows;
            let mut add = false;
            while first < end {
                let count = tile.min(end - first);
                cost += lane.gradient(network, batch.slice(first, count), dropout, add, target);
                add = true;
                first += count;
            }
            lane.cost = cost;
        };
        let (head, others) = self.lanes[..lanes].split_at_mut(1);
        let rest = |index: usize, lane: &mut Lane<T>| {
            let mut accumulator = std::mem::take(&mut lane.accumulator);
            run(index + 1, lane, accumulator.as_mut_slice());
            lane.accumulator = accumulator;
        };
        if others.is_empty() || rayon::current_num_threads() == 1 {
            run(0, &mut head[0], gradient);
            others.iter_mut().enumerate().for_each(|(index, lane)| rest(index, lane));
        } else {
            rayon::join(|| run(0, &mut head[0], gradient), || for_each_lane(others, rest));
        }
        let cost: f64 = self.lanes[..lanes].iter().map(|lane| lane.cost).sum();
        for lane in &self.lanes[1..lanes] {
            T::dispatch(self.set, AddTo { values: &mut *gradient, others: lane.accumulator.as_slice() });
        }
        let decay = l2 / rows as f64;
        let scale = T::from_f64(1.0 / rows as f64);
        let mut squares = 0.0;
        for range in &self.ranges {
            let (w, b) = (range.weights.clone(), range.bias.clone());
            squares += T::dispatch(
                self.set,
                Finish { gradient: &mut gradient[w.clone()], theta: &theta[w], scale, decay: T::from_f64(decay) },
            );
            T::dispatch(
                self.set,
                Finish { gradient: &mut gradient[b.clone()], theta: &theta[b], scale, decay: T::ZERO },
            );
        }
        Ok(cost + 0.5 * decay * squares)
    }

    /// params
    pub fn params(&self) -> usize {
        self.layout.params
    }
    /// import
    pub fn import(&self, theta: &[T], into: &mut [T]) {
        self.layout.import(&self.architecture, theta, into);
    }
    /// export
    pub fn export(&self, from: &[T], theta: &mut [T]) {
        self.layout.export(&self.architecture, from, theta);
    }
}
