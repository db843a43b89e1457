//! One shard of the narrow engine: tiles of up to eight vectors of samples go forward and back; the gradient is summed
//! lane by lane, and across lanes at the shard's end.

use super::LayerPlan;
use super::products::{Backward, Forward, Gradient, Units, Weights};
use crate::buffer::Buffer;
use crate::isa::{Kernel, Simd, Vector};
use crate::loss::Output;
use crate::math::{exp, exp_clamped, ln, sigmoid_from_exp, softplus_from_exp};
use crate::step::Dropout;
use crate::step::passes::{Activate, ActivateWithDerivative, CostAndDelta, LanesOf};
use crate::step::sharded::Pass;
use crate::step::slope::{ProductSlope, Slope, StepSlope, StoredSlope};
use crate::{Activation, Architecture, Element, InstructionSet, Loss, StepError};

/// Samples in a tile: eight of the widest vectors.
const TILE: usize = 128;
/// The most lanes of a vector in any instruction set.
const MAX_LANES: usize = 16;

/// The memory of one lane.
#[derive(Debug)]
pub struct Scratch<T> {
    /// A row of [`TILE`] samples for every unit of the network.
    units: Buffer<T>,
    /// g' of the units whose layer stores it.
    slopes: Buffer<T>,
    /// δ of a layer and of the one before it.
    delta: [Buffer<T>; 2],
    targets: Buffer<T>,
    spare: Buffer<T>,
    /// A vector for every parameter.
    sums: Buffer<T>,
}

impl<T: Element> Scratch<T> {
    pub(super) fn empty() -> Self {
        let [units, slopes, targets, spare, sums, a, b] = [(); 7].map(|()| Buffer::empty());
        Self { units, slopes, delta: [a, b], targets, spare, sums }
    }

    pub(super) fn grow(&mut self, architecture: &Architecture, layers: &[LayerPlan]) -> Result<(), StepError> {
        let outputs = architecture.outputs();
        let units = layers.last().map_or(0, |plan| plan.to + plan.outputs);
        let widest = layers.iter().map(|plan| plan.outputs).max().unwrap_or(0);
        self.units.grow(units * TILE)?;
        self.slopes.grow(units * TILE)?;
        self.delta.iter_mut().try_for_each(|delta| delta.grow(widest * TILE))?;
        self.targets.grow(outputs * TILE)?;
        self.spare.grow(TILE)?;
        self.sums.grow(architecture.params() * MAX_LANES)
    }

    pub(super) fn bytes(&self) -> usize {
        let buffers = [&self.units, &self.slopes, &self.targets, &self.spare, &self.sums];
        buffers.into_iter().chain(&self.delta).map(Buffer::bytes).sum()
    }
}

/// What the shards of a step share.
#[derive(Clone, Copy)]
pub(super) struct Network<'a, T> {
    pub(super) set: InstructionSet,
    pub(super) layers: &'a [LayerPlan],
    pub(super) theta: &'a [T],
}

impl<T: Element> Scratch<T> {
    /// The share of `x` in the cost; its Σ δ aᵀ is added to the gradient, or written where `add` is false.
    pub(super) fn gradient(
        &mut self,
        network: Network<'_, T>,
        (x, y): (&[T], &[T]),
        pass: Pass,
        (add, gradient): (bool, &mut [T]),
    ) -> f64 {
        let lanes = T::dispatch(network.set, LanesOf);
        let sums = &mut self.sums.as_mut_slice()[..network.theta.len() * lanes];
        sums.fill(T::ZERO);
        let mut cost = 0.0;
        for tile in tiles(x, y, network.layers, lanes) {
            let masks = pass.dropout.map(|dropout| (dropout, pass.first_row + tile.first));
            self.forward(network, &tile, true, masks);
            cost += self.output_delta(network.set, network.layers, pass.output, &tile);
            self.backward(network, &tile);
        }
        let sums = &self.sums.as_slice()[..network.theta.len() * lanes];
        T::dispatch(network.set, SumLanes { sums, add, gradient });
        cost
    }

    /// The share of `x` in the cost.
    pub(super) fn cost(&mut self, network: Network<'_, T>, (x, y): (&[T], &[T]), output: Output) -> f64 {
        let mut cost = 0.0;
        for tile in tiles(x, y, network.layers, T::dispatch(network.set, LanesOf)) {
            self.forward(network, &tile, false, None);
            cost += self.output_delta(network.set, network.layers, output, &tile);
        }
        cost
    }

    /// A^(L) of `x`.
    pub(super) fn predict(&mut self, network: Network<'_, T>, x: &[T], out: &mut [T]) {
        let Some(last) = network.layers.last() else { return };
        for tile in tiles(x, &[], network.layers, T::dispatch(network.set, LanesOf)) {
            self.forward(network, &tile, false, None);
            let out = &mut out[tile.first * last.outputs..(tile.first + tile.rows) * last.outputs];
            let z = &self.units.as_slice()[last.to * TILE..];
            for (row, out) in out.chunks_exact_mut(last.outputs).enumerate() {
                for (unit, out) in out.iter_mut().enumerate() {
                    *out = z[unit * TILE + row];
                }
            }
            let (activation, width) = (last.activation, last.outputs);
            T::dispatch(network.set, Activate { activation, width, row: width, z: out });
        }
    }

    /// z^(L), and a of every hidden layer; with `train` also g' where it is stored.
    fn forward(&mut self, network: Network<'_, T>, tile: &Tile<'_, T>, train: bool, masks: Option<(Dropout, usize)>) {
        let Network { set, layers, theta } = network;
        let samples = tile.samples();
        let width = layers[0].inputs;
        T::dispatch(set, Columns { from: tile.x, width, samples, to: &mut self.units.as_mut_slice()[..width * TILE] });
        for (l, plan) in layers.iter().enumerate() {
            let weights = &theta[plan.weights..plan.weights + plan.inputs * plan.outputs];
            let weights = Weights { data: weights.as_ptr(), output: plan.inputs, input: 1 };
            let bias = theta[plan.bias..plan.bias + plan.outputs].as_ptr();
            let shape = (plan.inputs, plan.outputs);
            let (a, z) = (at(&mut self.units, plan.from), at(&mut self.units, plan.to));
            let forward = Forward { groups: tile.groups, shape, weights, bias, a, z };
            // SAFETY: the buffer has a row of TILE samples for every unit, and no tile has more; what the layer reads
            // and what it writes are different rows; weights and bias were cut to the layer's shape.
            unsafe { forward.run(set) };
            if l + 1 == layers.len() {
                break;
            }
            let units = plan.to * TILE..(plan.to + plan.outputs) * TILE;
            let (activation, a) = (plan.activation, &mut self.units.as_mut_slice()[units.clone()]);
            if !(train && plan.slope == Slope::Stored) {
                T::dispatch(set, Activate { activation, width: samples, row: TILE, z: a });
                continue;
            }
            let slope = &mut self.slopes.as_mut_slice()[units];
            slope.copy_from_slice(a);
            T::dispatch(set, ActivateWithDerivative { activation, width: samples, row: TILE, z: slope, a });
            if let Some((dropout, first_row)) = masks.filter(|_| plan.dropout > 0.0) {
                let mut factors = dropout.factors::<T>(l, plan.dropout, plan.outputs, first_row);
                for row in 0..tile.rows {
                    for unit in 0..plan.outputs {
                        let factor = factors.next();
                        a[unit * TILE + row] *= factor;
                        slope[unit * TILE + row] *= factor;
                    }
                }
            }
        }
    }

    /// The tile's share of the cost; δ^(L), 0 for the samples that fill the last vector, in the first buffer.
    fn output_delta(&mut self, set: InstructionSet, layers: &[LayerPlan], output: Output, tile: &Tile<'_, T>) -> f64 {
        let Some(plan) = layers.last() else { return 0.0 };
        let (rows, samples) = (tile.rows, tile.samples());
        let len = plan.outputs * TILE;
        let targets = &mut self.targets.as_mut_slice()[..len];
        T::dispatch(set, Columns { from: tile.y, width: plan.outputs, samples, to: targets });
        let z = &self.units.as_slice()[plan.to * TILE..][..len];
        let delta = &mut self.delta[0].as_mut_slice()[..len];
        let groups = tile.groups;
        let cost = match (output.loss, output.activation) {
            (Loss::CrossEntropy, Activation::Softmax) => {
                T::dispatch(set, SoftmaxCrossEntropy { z, targets, delta, groups, rows, scale: output.scale })
            }
            (Loss::CrossEntropy, _) => {
                T::dispatch(set, SigmoidCrossEntropy { z, targets, delta, groups, rows, scale: output.scale })
            }
            _ => {
                let spare = &mut self.spare.as_mut_slice()[..rows];
                let mut cost = 0.0;
                let units = z.chunks_exact(TILE).zip(targets.chunks_exact(TILE)).zip(delta.chunks_exact_mut(TILE));
                for ((z, targets), delta) in units {
                    let (delta, targets) = (&mut delta[..rows], &targets[..rows]);
                    delta.copy_from_slice(&z[..rows]);
                    cost += T::dispatch(set, CostAndDelta { output, z: delta, targets, spare });
                }
                cost
            }
        };
        if rows < samples {
            for delta in delta.chunks_exact_mut(TILE) {
                delta[rows..samples].fill(T::ZERO);
            }
        }
        cost
    }

    /// Adds the tile's Σ δ aᵀ to the sums, layer by layer from the last.
    fn backward(&mut self, network: Network<'_, T>, tile: &Tile<'_, T>) {
        let Network { set, layers, theta } = network;
        let lanes = tile.lanes;
        let Self { units, slopes, delta: [current, next], sums, .. } = self;
        let [mut current, mut next] = [current, next].map(|buffer| at(buffer, 0));
        for (l, plan) in layers.iter().enumerate().rev() {
            let (groups, shape) = (tile.groups, (plan.inputs, plan.outputs));
            let a = at(units, plan.from);
            let sums = &mut sums.as_mut_slice()[plan.weights * lanes..(plan.bias + plan.outputs) * lanes];
            let (weight_sums, bias_sums) = sums.split_at_mut((plan.bias - plan.weights) * lanes);
            let sums = (weight_sums.as_mut_ptr(), bias_sums.as_mut_ptr());
            // SAFETY: the buffers have a row of TILE samples for every unit of the network, or of its widest layer,
            // and no tile has more; the accumulators were cut to a vector for each of the layer's parameters.
            unsafe { Gradient { groups, shape, delta: current, a, sums }.run(set) };
            if l == 0 {
                break;
            }
            let weights = &theta[plan.weights..plan.weights + plan.inputs * plan.outputs];
            let weights = Weights { data: weights.as_ptr(), output: plan.inputs, input: 1 };
            let back = |slope| Backward { groups, shape, weights, delta: current, slope, out: next };
            // SAFETY: as above; the weights were cut to inputs × outputs.
            unsafe {
                match layers[l - 1].slope {
                    Slope::Product(c) => back(a).run(set, ProductSlope::new(c)),
                    Slope::Step => back(a).run(set, StepSlope),
                    Slope::Stored => back(at(slopes, plan.from)).run(set, StoredSlope),
                }
            }
            std::mem::swap(&mut current, &mut next);
        }
    }
}

/// Some of a shard's samples.
struct Tile<'a, T> {
    first: usize,
    rows: usize,
    /// Vectors that hold the rows: 1, 2, 4 or 8.
    groups: usize,
    lanes: usize,
    x: &'a [T],
    y: &'a [T],
}

impl<T> Tile<'_, T> {
    /// Samples in whole vectors.
    const fn samples(&self) -> usize {
        self.groups * self.lanes
    }
}

/// Cuts a shard: as many vectors as a kernel takes at a time; a rest of less than one is a vector too. Where there are
/// only outputs to compute, `y` is empty.
fn tiles<'a, T>(
    x: &'a [T],
    y: &'a [T],
    layers: &'a [LayerPlan],
    lanes: usize,
) -> impl Iterator<Item = Tile<'a, T>> + 'a {
    let inputs = layers[0].inputs;
    let total = x.len() / inputs;
    let outputs = y.len() / total;
    let mut first = 0;
    std::iter::from_fn(move || {
        if first == total {
            return None;
        }
        let vectors = ((total - first) / lanes).clamp(1, TILE / lanes).min(8);
        let groups = 1 << vectors.ilog2();
        let rows = (total - first).min(groups * lanes);
        let end = first + rows;
        let (x, y) = (&x[first * inputs..end * inputs], &y[first * outputs..end * outputs]);
        let tile = Tile { first, rows, groups, lanes, x, y };
        first = end;
        Some(tile)
    })
}

/// The rows of units from `unit` on.
fn at<T: Element>(buffer: &mut Buffer<T>, unit: usize) -> Units<T> {
    Units { data: buffer.as_mut_slice()[unit * TILE..].as_mut_ptr(), stride: TILE }
}

/// Rows of `width` numbers, turned into rows of samples; what is left of the last vector becomes 0.
struct Columns<'a, T> {
    from: &'a [T],
    width: usize,
    samples: usize,
    to: &'a mut [T],
}

impl<T: Element> Kernel<T> for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { from, width, samples, to } = self;
        let rows = from.len() / width;
        s.deinterleave(from, width, to, TILE);
        if rows < samples {
            for column in to.chunks_exact_mut(TILE) {
                column[rows..samples].fill(T::ZERO);
            }
        }
    }
}

/// Every parameter's sum over lanes.
struct SumLanes<'a, T> {
    sums: &'a [T],
    add: bool,
    gradient: &'a mut [T],
}

impl<T: Element> Kernel<T> for SumLanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        for (gradient, lanes) in self.gradient.iter_mut().zip(self.sums.chunks_exact(S::LANES)) {
            let sum = s.load(lanes).sum();
            *gradient = if self.add { *gradient + sum } else { sum };
        }
    }
}

/// The vector at `group` of a unit's row.
#[inline(always)]
fn vector<T: Element, S: Simd<T>>(s: S, units: &[T], unit: usize, group: usize) -> S::V {
    s.load(&units[unit * TILE + group * S::LANES..])
}

/// σ, its cost and δ from one exponential, e^-|z|.
struct SigmoidCrossEntropy<'a, T> {
    z: &'a [T],
    targets: &'a [T],
    delta: &'a mut [T],
    groups: usize,
    rows: usize,
    /// 1/m.
    scale: f64,
}

impl<T: Element> Kernel<T> for SigmoidCrossEntropy<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let Self { z, targets, delta, groups, rows, scale } = self;
        // Divided before they are added, by the number of what is added too: the sum cannot overflow where the
        // mean does not.
        let share_of_sum = (z.len() / TILE * S::LANES) as f64;
        let factor = s.splat(T::from_f64(scale / share_of_sum));
        let (zero, one) = (s.splat(T::ZERO), s.splat(T::ONE));
        let mut cost = 0.0;
        for group in 0..groups {
            let mut total = zero;
            for unit in 0..z.len() / TILE {
                let (z, y) = (vector(s, z, unit, group), vector(s, targets, unit, group));
                let magnitude = z.abs();
                let e = exp_clamped(s, -magnitude);
                // softplus(z) - y z without its cancellation: softplus(-|z|) + max(z, 0) - y z
                let linear = S::V::select(zero.lt(z), (one - y) * z, -(y * z));
                total = (softplus_from_exp(s, -magnitude, e) + linear).mul_add(factor, total);
                s.store(sigmoid_from_exp(s, z, e) - y, &mut delta[unit * TILE + group * S::LANES..]);
            }
            cost += sum_of_rows(s, total, group, rows);
        }
        cost * share_of_sum
    }
}

/// -Σ_k y_k ln h_k, where -ln h_k = max z - z_k + ln Σ_j e^(z_j - max z), and δ = h Σy - y.
struct SoftmaxCrossEntropy<'a, T> {
    z: &'a [T],
    targets: &'a [T],
    delta: &'a mut [T],
    groups: usize,
    rows: usize,
    /// 1/m.
    scale: f64,
}

impl<T: Element> Kernel<T> for SoftmaxCrossEntropy<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let Self { z, targets, delta, groups, rows, scale } = self;
        // Divided before they are added, by the number of what is added too: the sum cannot overflow where the
        // mean does not.
        let share_of_sum = (z.len() / TILE * S::LANES) as f64;
        let factor = s.splat(T::from_f64(scale / share_of_sum));
        let (zero, half) = (s.splat(T::ZERO), s.splat(T::from_f64(0.5)));
        let units = z.len() / TILE;
        let mut cost = 0.0;
        for group in 0..groups {
            let mut greatest = vector(s, z, 0, group);
            for unit in 1..units {
                // NaN in z comes through: as the second operand here, or as the first, in the exponential below.
                greatest = greatest.max(vector(s, z, unit, group));
            }
            let (mut sum, mut mass, mut total) = (zero, zero, zero);
            for unit in 0..units {
                let (z, y) = (vector(s, z, unit, group), vector(s, targets, unit, group));
                let e = exp(s, z - greatest);
                s.store(e, &mut delta[unit * TILE + group * S::LANES..]);
                sum = sum + e;
                mass = mass + y;
                // A target of 0 asks for nothing, however far its z lies below.
                // Halves, since the difference of two finite numbers may be infinite.
                let wanted = S::V::select(y.abs().le(zero), zero, y * (greatest * half - z * half));
                total = wanted.mul_add(factor + factor, total);
            }
            total = (mass * ln(s, sum)).mul_add(factor, total);
            let share = mass / sum;
            for unit in 0..units {
                let e = vector(s, delta, unit, group);
                let y = vector(s, targets, unit, group);
                s.store(e * share - y, &mut delta[unit * TILE + group * S::LANES..]);
            }
            cost += sum_of_rows(s, total, group, rows);
        }
        cost * share_of_sum
    }
}

/// Σ of a group's lanes that are samples.
#[inline(always)]
fn sum_of_rows<T: Element, S: Simd<T>>(s: S, total: S::V, group: usize, rows: usize) -> f64 {
    let samples = rows.saturating_sub(group * S::LANES);
    if samples >= S::LANES {
        return total.sum().to_f64();
    }
    let mut lanes = [T::ZERO; MAX_LANES];
    s.store(total, &mut lanes);
    lanes[..samples].iter().map(|lane| lane.to_f64()).sum()
}
