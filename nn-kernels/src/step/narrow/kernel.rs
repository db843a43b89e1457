//! One shard of the narrow engine: tiles of up to eight vectors of samples go forward and back; the gradient is summed
//! lane by lane, and across lanes at the shard's end.

use std::marker::PhantomData;

use super::products::{Backward, Forward, Gradient, Units, Weights};
use crate::buffer::Buffer;
use crate::isa::{Kernel, MAX_LANES, Simd, Vector};
use crate::loss::{Output, sigmoid_cross_entropy, sum_of_first, weighted};
use crate::math::{exp, ln};
use crate::product::turn_rows;
use crate::slope::{QuadraticSlope, Slope, StepSlope, StoredSlope};
use crate::step::batch::Gathered;
use crate::step::passes::{Activate, CostAndDelta};
use crate::step::sharded::{Pass, Wanted};
use crate::{Activation, Element, Loss, StepError};

type Layers = crate::step::layer::Layers<super::Units>;
type Network<'a, T> = crate::step::layer::Network<'a, T, super::Units>;

/// Samples in a tile: eight of the widest vectors.
const TILE: usize = 128;

/// The memory of one portion.
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

    pub(super) fn grow(&mut self, layers: &Layers) -> Result<(), StepError> {
        let (last, outputs) = (layers.last(), layers.outputs());
        let units = last.matrix.to + outputs;
        let widest = layers.widest(|plan| plan.outputs);
        self.units.grow(units.saturating_mul(TILE))?;
        self.slopes.grow(units.saturating_mul(TILE))?;
        self.delta.iter_mut().try_for_each(|delta| delta.grow(widest.saturating_mul(TILE)))?;
        self.targets.grow(outputs.saturating_mul(TILE))?;
        self.spare.grow(outputs.saturating_mul(TILE))?;
        self.sums.grow(layers.params().next_multiple_of(MAX_LANES) * MAX_LANES)
    }

    pub(super) fn bytes(&self) -> usize {
        let buffers = [&self.units, &self.slopes, &self.targets, &self.spare, &self.sums];
        buffers.into_iter().chain(&self.delta).map(Buffer::bytes).sum()
    }
}

/// A shard's way through the network, tile by tile.
pub(super) struct Shard<'a, T> {
    pub(super) scratch: &'a mut Scratch<T>,
    pub(super) network: Network<'a, T>,
    pub(super) samples: Gathered<'a, T>,
    pub(super) wanted: Wanted<'a, T>,
}

impl<T: Element> Kernel<T> for Shard<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let Self { scratch, network, samples, mut wanted } = self;
        let (layers, weights) = (network.layers, samples.weights);
        let mut cost = 0.0;
        for tile in tiles(s, samples, layers) {
            scratch.forward(s, network, &tile, wanted.pass().map(|pass| pass.at_row(tile.first)));
            match &mut wanted {
                Wanted::Gradient { pass, .. } => {
                    cost += scratch.output_delta(s, layers, pass.output, &tile, weights);
                    scratch.backward(s, network, &tile);
                }
                Wanted::Forward { output, outputs } => {
                    if let Some(outputs) = outputs.as_deref_mut() {
                        scratch.outputs(s, layers, &tile, outputs);
                    }
                    if let Some(output) = *output {
                        cost += scratch.output_delta(s, layers, output, &tile, weights);
                    }
                }
            }
        }
        if let Wanted::Gradient { add, gradient, .. } = wanted {
            s.run(SumLanes { sums: scratch.sums.as_slice(), add, gradient });
        }
        cost
    }
}

/// A tile's way through the network. The products and passes are kernels of their own, entered from inside the set.
impl<T: Element> Scratch<T> {
    /// z^(L), and a of every hidden layer; in training also g' where it is stored.
    fn forward<S: Simd<T>>(&mut self, s: S, network: Network<'_, T>, tile: &Tile<'_, T>, training: Option<Pass>) {
        let Network { layers, theta } = network;
        let samples = tile.samples();
        let width = layers.inputs();
        let to = &mut self.units.as_mut_slice()[..width * samples];
        s.run(Columns { from: tile.x, rows: tile.rows, width, samples, to });
        for (l, plan) in layers.plans.iter().enumerate() {
            let weights = Weights { data: plan.weights(theta).as_ptr(), output: plan.inputs, input: 1 };
            let bias = plan.bias(theta).as_ptr();
            let shape = (plan.inputs, plan.outputs);
            let units = Rows::new(&mut self.units, samples);
            let (a, z) = (units.from(plan.matrix.from), units.from(plan.matrix.to));
            let forward = Forward { groups: tile.groups, shape, weights, bias, a, z };
            // SAFETY: the buffer has room for TILE samples of every unit, and no tile has more; what the layer reads
            // and what it writes are different rows; weights and bias are the layer's by the layout.
            unsafe { forward.run(s) };
            if l + 1 == layers.plans.len() {
                break;
            }
            let units = plan.matrix.to * samples..(plan.matrix.to + plan.outputs) * samples;
            let (activation, a) = (plan.activation, &mut self.units.as_mut_slice()[units.clone()]);
            let Some(pass) = training.filter(|_| plan.stores_slope()) else {
                s.run(Activate { activation, width: samples, row: samples, a, slope: None });
                continue;
            };
            let slope = &mut self.slopes.as_mut_slice()[units];
            s.run(Activate { activation, width: samples, row: samples, a: &mut *a, slope: Some(&mut *slope) });
            pass.drop_units(l, plan, tile.rows, (1, samples), a, slope);
        }
    }

    /// A^(L) of the tile to its rows of `out`, sample by sample.
    fn outputs<S: Simd<T>>(&mut self, s: S, layers: &Layers, tile: &Tile<'_, T>, out: &mut [T]) {
        let last = layers.last();
        let out = &mut out[tile.first * last.outputs..(tile.first + tile.rows) * last.outputs];
        let samples = tile.samples();
        let z = &self.units.as_slice()[last.matrix.to * samples..];
        for (row, out) in out.chunks_exact_mut(last.outputs).enumerate() {
            for (unit, out) in out.iter_mut().enumerate() {
                *out = z[unit * samples + row];
            }
        }
        let (activation, width) = (last.activation, last.outputs);
        s.run(Activate { activation, width, row: width, a: out, slope: None });
    }

    /// The tile's share of the cost; δ^(L), 0 for the samples that fill the last vector, in the first buffer. Weights are
    /// those of the shard.
    fn output_delta<S: Simd<T>>(
        &mut self,
        s: S,
        layers: &Layers,
        output: Output,
        tile: &Tile<'_, T>,
        weights: Option<&[T]>,
    ) -> f64 {
        let plan = layers.last();
        let (rows, samples) = (tile.rows, tile.samples());
        let len = plan.outputs * samples;
        let targets = &mut self.targets.as_mut_slice()[..len];
        s.run(Columns { from: tile.y, rows, width: plan.outputs, samples, to: targets });
        let z = &self.units.as_slice()[plan.matrix.to * samples..][..len];
        let delta = &mut self.delta[0].as_mut_slice()[..len];
        let labels = Labels { z, targets, delta: &mut *delta, samples, rows };
        let weights = weights.map(|weights| &weights[tile.first..tile.first + rows]);
        let cost = labels.cost(s, output, weights, &mut self.spare);
        if rows < samples {
            for delta in delta.chunks_exact_mut(samples) {
                delta[rows..].fill(T::ZERO);
            }
        }
        cost
    }

    /// Adds the tile's Σ δ aᵀ to the sums, layer by layer from the last.
    fn backward<S: Simd<T>>(&mut self, s: S, network: Network<'_, T>, tile: &Tile<'_, T>) {
        let Network { layers, theta } = network;
        let Self { units, slopes, delta: [current, next], sums, .. } = self;
        let samples = tile.samples();
        // One borrow of each buffer, from which all its pointers come.
        let (units, slopes) = (Rows::new(units, samples), Rows::new(slopes, samples));
        let [mut current, mut next] = [current, next].map(|buffer| Rows::new(buffer, samples).from(0));
        for (l, plan) in layers.plans.iter().enumerate().rev() {
            let (groups, shape) = (tile.groups, (plan.inputs, plan.outputs));
            let a = units.from(plan.matrix.from);
            let (weight_sums, bias_sums) = plan.parts(sums.as_mut_slice(), S::LANES);
            let sums = (weight_sums.as_mut_ptr(), bias_sums.as_mut_ptr());
            // SAFETY: the buffers have room for TILE samples of every unit of the network, or of its widest layer, and
            // no tile has more; the accumulators were cut to a vector for each of the layer's parameters.
            unsafe { Gradient { groups, shape, delta: current, a, fresh: tile.first == 0, sums }.run(s) };
            if l == 0 {
                break;
            }
            let weights = Weights { data: plan.weights(theta).as_ptr(), output: plan.inputs, input: 1 };
            let back = |slope| Backward { groups, shape, weights, delta: current, slope, out: next };
            // SAFETY: as above; the weights are the layer's.
            unsafe {
                match layers.plans[l - 1].slope {
                    Slope::Quadratic(c) => back(a).run(s, QuadraticSlope::new(c)),
                    Slope::Step => back(a).run(s, StepSlope),
                    Slope::Stored => back(slopes.from(plan.matrix.from)).run(s, StoredSlope),
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
/// only outputs to compute, there are no targets.
#[inline(always)]
fn tiles<'a, T: Element, S: Simd<T>>(
    _s: S,
    samples: Gathered<'a, T>,
    layers: &'a Layers,
) -> impl Iterator<Item = Tile<'a, T>> + 'a {
    let Gathered { rows: total, inputs: x, targets: y, .. } = samples;
    let inputs = layers.inputs();
    let outputs = if y.is_empty() { 0 } else { layers.outputs() };
    let mut first = 0;
    std::iter::from_fn(move || {
        if first == total {
            return None;
        }
        let vectors = ((total - first) / S::LANES).clamp(1, TILE / S::LANES).min(8);
        let groups = 1 << vectors.ilog2();
        let rows = (total - first).min(groups * S::LANES);
        let end = first + rows;
        let (x, y) = (&x[first * inputs..end * inputs], &y[first * outputs..end * outputs]);
        let tile = Tile { first, rows, groups, lanes: S::LANES, x, y };
        first = end;
        Some(tile)
    })
}

/// A buffer of rows of samples. All pointers to its units come from one borrow: a second one would end the first, and
/// what was pointed to under it.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    data: *mut T,
    samples: usize,
    borrow: PhantomData<&'a mut [T]>,
}

impl<'a, T: Element> Rows<'a, T> {
    fn new(buffer: &'a mut Buffer<T>, samples: usize) -> Self {
        Self { data: buffer.as_mut_slice().as_mut_ptr(), samples, borrow: PhantomData }
    }

    /// The rows of units from `unit` on. The caller makes sure that the buffer has them before it reads or writes.
    fn from(self, unit: usize) -> Units<T> {
        Units { data: self.data.wrapping_add(unit * self.samples), stride: self.samples }
    }
}

/// Rows of `width` numbers, turned into rows of samples; what is left of the last vector becomes 0.
struct Columns<'a, T> {
    from: &'a [T],
    rows: usize,
    width: usize,
    samples: usize,
    to: &'a mut [T],
}

impl<T: Element> Kernel<T> for Columns<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { from, rows, width, samples, to } = self;
        turn_rows(s, (from, width), (rows, width), (&mut *to, samples));
        if rows < samples {
            for column in to.chunks_exact_mut(samples) {
                column[rows..].fill(T::ZERO);
            }
        }
    }
}

/// Every parameter's sum over lanes. There are accumulators for whole vectors of parameters.
struct SumLanes<'a, T> {
    sums: &'a [T],
    add: bool,
    gradient: &'a mut [T],
}

impl<T: Element> Kernel<T> for SumLanes<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { sums, add, gradient } = self;
        let blocks = gradient.chunks_mut(S::LANES).zip(sums.chunks_exact(S::LANES * S::LANES));
        for (gradient, sums) in blocks {
            // SAFETY: the chunk has a vector for every lane of one.
            let sums = unsafe { s.sum_each(sums.as_ptr()) };
            if gradient.len() == S::LANES {
                s.store(if add { s.load(gradient) + sums } else { sums }, gradient);
            } else {
                let sums = if add { s.load_partial(gradient, T::ZERO) + sums } else { sums };
                s.store_partial(sums, gradient);
            }
        }
    }
}

/// z^(L) and targets of a tile, and where δ^(L) goes: units as rows of `samples`, of which the first `rows` are there.
struct Labels<'a, T> {
    z: &'a [T],
    targets: &'a [T],
    delta: &'a mut [T],
    samples: usize,
    rows: usize,
}

impl<T: Element> Labels<'_, T> {
    /// The cost, with a weight for each row where there are weights.
    #[inline(always)]
    fn cost<S: Simd<T>>(self, s: S, output: Output, weights: Option<&[T]>, spare: &mut Buffer<T>) -> f64 {
        let Self { z, targets, delta, samples, rows } = self;
        let scale = output.scale;
        match (output.loss, output.activation, weights) {
            (Loss::CrossEntropy, Activation::Softmax, None) => {
                s.run(SoftmaxCrossEntropy::<T, false> { z, targets, weights: &[], delta, samples, rows, scale })
            }
            (Loss::CrossEntropy, Activation::Softmax, Some(weights)) => {
                s.run(SoftmaxCrossEntropy::<T, true> { z, targets, weights, delta, samples, rows, scale })
            }
            (Loss::CrossEntropy, _, None) => s.run(SigmoidCrossEntropy { z, targets, delta, samples, rows, scale }),
            _ => {
                delta.copy_from_slice(z);
                // Where samples fill the tile, its units are one long row; but each unit meets all weights.
                let whole = rows == samples && weights.is_none();
                let (row, count) = if whole { (z.len(), z.len()) } else { (samples, rows) };
                let spare = &mut spare.as_mut_slice()[..count];
                let output = if weights.is_some() { Output { width: 1, ..output } } else { output };
                let mut cost = 0.0;
                for (delta, targets) in delta.chunks_exact_mut(row).zip(targets.chunks_exact(row)) {
                    let (z, targets) = (&mut delta[..count], &targets[..count]);
                    cost += s.run(CostAndDelta { output, z, targets, weights, spare: &mut *spare });
                }
                cost
            }
        }
    }
}

/// σ, its cost and δ from one exponential.
struct SigmoidCrossEntropy<'a, T> {
    z: &'a [T],
    targets: &'a [T],
    delta: &'a mut [T],
    samples: usize,
    rows: usize,
    /// 1/m, or 1/Σs where samples have weights.
    scale: f64,
}

impl<T: Element> Kernel<T> for SigmoidCrossEntropy<'_, T> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let Self { z, targets, delta, samples, rows, scale } = self;
        // Rows that do not fill the vectors are fewer than one.
        let counted = if rows == samples { S::LANES } else { rows };
        sigmoid_cross_entropy(s, scale, z, targets, delta, counted)
    }
}

/// -Σ_k y_k ln h_k, where -ln h_k = max z - z_k + ln Σ_j e^(z_j - max z), and δ = h Σy - y.
struct SoftmaxCrossEntropy<'a, T, const WEIGHTED: bool> {
    z: &'a [T],
    targets: &'a [T],
    /// One a row, where there are any.
    weights: &'a [T],
    delta: &'a mut [T],
    samples: usize,
    rows: usize,
    /// 1/m, or 1/Σs where samples have weights.
    scale: f64,
}

impl<T: Element, const WEIGHTED: bool> Kernel<T> for SoftmaxCrossEntropy<'_, T, WEIGHTED> {
    type Output = f64;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> f64 {
        let Self { z, targets, weights, delta, samples, rows, scale } = self;
        // Divided before they are added, by the number of what is added too: the sum cannot overflow where the
        // mean does not.
        let share_of_sum = (z.len() / samples * S::LANES) as f64;
        let factor = s.splat(T::from_f64(scale / share_of_sum));
        let (zero, half) = (s.splat(T::ZERO), s.splat(T::from_f64(0.5)));
        let units = z.len() / samples;
        let mut cost = 0.0;
        for group in 0..samples / S::LANES {
            let at = group * S::LANES;
            let mut greatest = s.load(&z[at..]);
            for unit in 1..units {
                // NaN in z comes through: as the second operand here, or as the first, in the exponential below.
                greatest = greatest.max(s.load(&z[unit * samples + at..]));
            }
            let (mut sum, mut mass, mut total) = (zero, zero, zero);
            for unit in 0..units {
                let (z, y) = (s.load(&z[unit * samples + at..]), s.load(&targets[unit * samples + at..]));
                let e = exp(s, z - greatest);
                s.store(e, &mut delta[unit * samples + at..]);
                sum = sum + e;
                mass = mass + y;
                // A target of 0 asks for nothing, however far its z lies below.
                // Halves, since the difference of two finite numbers may be infinite.
                let wanted = S::V::select(y.abs().le(zero), zero, y * (greatest * half - z * half));
                total = wanted.mul_add(factor + factor, total);
            }
            total = (mass * ln(s, sum)).mul_add(factor, total);
            let weight = if WEIGHTED { s.load_partial(weights.get(at..).unwrap_or_default(), T::ZERO) } else { zero };
            if WEIGHTED {
                total = weighted(s, total, weight);
            }
            let share = mass / sum;
            for unit in 0..units {
                let e = s.load(&delta[unit * samples + at..]);
                let y = s.load(&targets[unit * samples + at..]);
                let difference = e * share - y;
                let difference = if WEIGHTED { weighted(s, difference, weight) } else { difference };
                s.store(difference, &mut delta[unit * samples + at..]);
            }
            cost += sum_of_first(s, total, rows.saturating_sub(at));
        }
        cost * share_of_sum
    }
}
