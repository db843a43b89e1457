//! What a portion of the tile engine works in: a tile of samples goes forward through all layers and back again while it is in cache.

use super::layout::{Rows, pads_inputs};
use crate::buffer::Buffer;
use crate::isa::{Kernel, Simd, Vector};
use crate::loss::Output;
use crate::product::{Blocking, Finish, Left, Out, Product, Right, Start, Steps, dot, turn};
use crate::step::batch::Gathered;
use crate::step::layer::{Layers, Network};
use crate::step::passes::{Activate, ColumnSums, CostAndDelta};
use crate::step::sharded::Pass;
use crate::{Activation, Element, StepError};

/// What all portions of a step share.
#[derive(Clone, Copy)]
pub(super) struct Tiles<'a, T> {
    pub(super) network: Network<'a, T, Rows>,
    pub(super) blocking: Blocking,
    /// Θ_w of the wide layers that δ passes through, if it has been turned.
    pub(super) turned: Option<&'a [T]>,
}

/// The scratch of one tile.
#[derive(Debug)]
pub struct Scratch<T> {
    /// A^(l+1) of each layer, rows of `padded_outputs`.
    activations: Vec<Buffer<T>>,
    /// g' of each layer that stores it.
    slopes: Vec<Buffer<T>>,
    /// δ of this layer and of the next.
    delta: [Buffer<T>; 2],
    /// Outputs, targets and a spare, without padding, for the loss.
    compact: [Buffer<T>; 3],
    /// The batch's inputs in rows of whole vectors, where a thin layer's gradient reads them so.
    padded: Buffer<T>,
}

impl<T: Element> Scratch<T> {
    pub(super) fn new(layers: usize) -> Self {
        let buffers = |count: usize| (0..count).map(|_| Buffer::empty()).collect();
        Self {
            activations: buffers(layers),
            slopes: buffers(layers),
            delta: [Buffer::empty(), Buffer::empty()],
            compact: [Buffer::empty(), Buffer::empty(), Buffer::empty()],
            padded: Buffer::empty(),
        }
    }

    /// Room for tiles of `rows`.
    pub(super) fn grow(&mut self, layers: &Layers<Rows>, rows: usize) -> Result<(), StepError> {
        for ((plan, a), slope) in layers.plans.iter().zip(&mut self.activations).zip(&mut self.slopes) {
            a.grow(rows.saturating_mul(plan.matrix.row))?;
            if plan.stores_slope() {
                slope.grow(rows.saturating_mul(plan.matrix.row))?;
            }
        }
        if pads_inputs(layers) {
            self.padded.grow(rows.saturating_mul(layers.last().matrix.stride))?;
        }
        let widest = layers.widest(|plan| plan.matrix.row);
        self.delta.iter_mut().try_for_each(|delta| delta.grow(rows.saturating_mul(widest)))?;
        self.compact.iter_mut().try_for_each(|compact| compact.grow(rows.saturating_mul(layers.outputs())))
    }

    pub(super) fn bytes(&self) -> usize {
        let all =
            self.activations.iter().chain(&self.slopes).chain(&self.delta).chain(&self.compact).chain([&self.padded]);
        all.map(Buffer::bytes).sum()
    }

    /// z^(L), sample by sample, or, of a thin layer, unit by unit, without padding.
    fn compact_outputs(&mut self, tiles: Tiles<'_, T>, len: usize) {
        let last = tiles.network.layers.last();
        let (z, compact) = (&self.activations[self.activations.len() - 1], &mut self.compact[0]);
        let compact = &mut compact.as_mut_slice()[..len];
        if last.matrix.thin {
            return compact.copy_from_slice(&z.as_slice()[..len]);
        }
        for (row, z) in compact.chunks_exact_mut(last.outputs).zip(z.as_slice().chunks_exact(last.matrix.row)) {
            row.copy_from_slice(&z[..last.outputs]);
        }
    }

    /// A^(L) from z^(L), which stays.
    pub(super) fn outputs(&mut self, tiles: Tiles<'_, T>, outputs: &mut [T]) {
        let (set, last) = (tiles.network.layers.set, tiles.network.layers.last());
        self.compact_outputs(tiles, outputs.len());
        let compact = &mut self.compact[0].as_mut_slice()[..outputs.len()];
        let (activation, width) = (last.activation, last.outputs);
        T::dispatch(set, Activate { activation, width, row: width, a: &mut *compact, slope: None });
        if last.matrix.thin {
            let rows = outputs.len() / width;
            turn(set, (compact, rows), (width, rows), (outputs, width));
        } else {
            outputs.copy_from_slice(compact);
        }
    }

    /// A^(l) of every layer, z^(L) of the last: a thin layer's as `outputs` rows of samples. In training, g' is stored where
    /// the backward pass wants it.
    pub(super) fn forward(&mut self, tiles: Tiles<'_, T>, inputs: &[T], training: Option<Pass>) {
        let Network { layers, theta } = tiles.network;
        let rows = inputs.len() / layers.inputs();
        for (l, plan) in layers.plans.iter().enumerate() {
            let (before, rest) = self.activations.split_at_mut(l);
            let (input, stride) = match before.last() {
                Some(a) => (a.as_slice(), layers.plans[l - 1].matrix.row),
                None => (inputs, plan.inputs),
            };
            let row = plan.matrix.row;
            let z = &mut rest[0].as_mut_slice()[..rows * row];
            let (weights, bias) = (plan.weights(theta), plan.bias(theta));
            let is_last = l + 1 == layers.plans.len();
            if plan.matrix.thin {
                let (units, z) = (plan.outputs, &mut z[..rows * plan.outputs]);
                let stride_of_weights = plan.matrix.stride;
                T::dispatch(
                    layers.set,
                    ThinForward { a: input, row: stride, stride: stride_of_weights, weights, bias, units, rows, z },
                );
                continue;
            }
            assert!(input.len() >= rows * stride && stride >= plan.inputs, "rows of the layer's inputs");
            let product = Product {
                start: Start::OfColumn(bias.as_ptr()),
                finish: if plan.activation == Activation::Relu && !is_last { Finish::Floor } else { Finish::Nothing },
                ..tiles.product(
                    (rows, plan.matrix.padded_outputs, plan.inputs),
                    Left::near(input.as_ptr(), stride, 1),
                    (weights, plan.matrix.stride),
                    (z.as_mut_ptr(), row),
                )
            };
            // SAFETY: the assertion covers the left operand; the layout makes the matrix `inputs` rows of whole
            // vectors and the bias one row; z was cut to the size of C.
            unsafe { product.run(layers.set) };
            let stores = training.filter(|_| plan.stores_slope());
            if is_last || (plan.activation == Activation::Relu && stores.is_none()) {
                continue;
            }
            // g(0) may not be 0, and a thin layer's gradient has a column for every number of a row.
            let width = if layers.plans[l + 1].matrix.thin { plan.outputs } else { plan.matrix.padded_outputs };
            let Some(pass) = stores else {
                T::dispatch(layers.set, Activate { activation: plan.activation, width, row, a: z, slope: None });
                continue;
            };
            let slope = &mut self.slopes[l].as_mut_slice()[..z.len()];
            let slope_too = Some(&mut *slope);
            T::dispatch(layers.set, Activate { activation: plan.activation, width, row, a: &mut *z, slope: slope_too });
            pass.drop_units(l, plan, rows, (row, 1), z, slope);
        }
    }

    /// The share of the samples in the cost; z^(L) becomes δ^(L), in the first buffer for δ.
    pub(super) fn loss(&mut self, tiles: Tiles<'_, T>, output: Output, samples: Gathered<'_, T>) -> f64 {
        let Gathered { rows, targets, weights, .. } = samples;
        let (set, last) = (tiles.network.layers.set, tiles.network.layers.last());
        let (width, len) = (last.outputs, rows * last.outputs);
        self.compact_outputs(tiles, len);
        let [delta, turned, spare] = self.compact.each_mut().map(|buffer| &mut buffer.as_mut_slice()[..len]);
        let targets = if last.matrix.thin && width > 1 {
            turn(set, (targets, width), (rows, width), (turned, rows));
            &*turned
        } else {
            targets
        };
        let cost = match weights {
            // A thin layer's units are rows of samples: each of them meets all weights.
            Some(_) if last.matrix.thin => {
                let output = Output { width: 1, ..output };
                let units =
                    delta.chunks_exact_mut(rows).zip(targets.chunks_exact(rows)).zip(spare.chunks_exact_mut(rows));
                let cost = |((z, targets), spare): ((&mut [T], &[T]), &mut [T])| {
                    T::dispatch(set, CostAndDelta { output, z, targets, weights, spare })
                };
                units.map(cost).sum()
            }
            _ => T::dispatch(set, CostAndDelta { output, z: &mut *delta, targets, weights, spare }),
        };
        let out = self.delta[0].as_mut_slice();
        if last.matrix.thin {
            out[..len].copy_from_slice(delta);
        } else {
            for (out, delta) in out.chunks_exact_mut(last.matrix.row).zip(delta.chunks_exact(width)) {
                out[..width].copy_from_slice(delta);
                out[width..].fill(T::ZERO);
            }
        }
        cost
    }

    /// Δ of every layer, and δ of every layer but the input.
    pub(super) fn backward(&mut self, tiles: Tiles<'_, T>, samples: Gathered<'_, T>, add: bool, gradient: &mut [T]) {
        let first = &tiles.network.layers.plans[0];
        if !pads_inputs(tiles.network.layers) {
            return self.backward_from(tiles, (samples.inputs, first.inputs), samples.rows, add, gradient);
        }
        let (stride, mut padded) = (first.matrix.stride, std::mem::take(&mut self.padded));
        let whole_rows = &mut padded.as_mut_slice()[..samples.rows * stride];
        for (whole, row) in whole_rows.chunks_exact_mut(stride).zip(samples.inputs.chunks_exact(first.inputs)) {
            whole[..first.inputs].copy_from_slice(row);
            whole[first.inputs..].fill(T::ZERO);
        }
        self.backward_from(tiles, (whole_rows, stride), samples.rows, add, gradient);
        self.padded = padded;
    }

    /// The same from inputs that come with the distance of their rows.
    fn backward_from(
        &mut self,
        tiles: Tiles<'_, T>,
        (inputs, input_row): (&[T], usize),
        rows: usize,
        add: bool,
        gradient: &mut [T],
    ) {
        let Network { layers, theta } = tiles.network;
        let set = layers.set;
        let [mut delta, mut next] = self.delta.each_mut();
        for (l, plan) in layers.plans.iter().enumerate().rev() {
            let (input, stride) = match l {
                0 => (inputs, input_row),
                _ => (self.activations[l - 1].as_slice(), layers.plans[l - 1].matrix.row),
            };
            assert!(input.len() >= rows * stride, "rows of the layer's inputs");
            let Rows { thin, stride: weight_row, padded_inputs, padded_outputs, row, turned } = plan.matrix;
            let (weights, bias) = plan.parts(gradient, 1);
            let d = delta.as_slice();
            let (left, right, shape) = if thin {
                (Left::near(d.as_ptr(), rows, 1), (input, stride), (plan.outputs, padded_inputs, rows))
            } else {
                (Left::near(input.as_ptr(), 1, stride), (d, row), (plan.inputs, padded_outputs, rows))
            };
            let product = tiles.product(shape, left, right, (weights.as_mut_ptr(), weight_row));
            let product = Product {
                start: if add { Start::Itself } else { Start::Zero },
                out: Out { is_far: true, ..product.out },
                ..product
            };
            // SAFETY: the assertion covers the layer's inputs, a thin layer's being another layer's padded outputs or, of an
            // only layer, whole vectors;
            // δ's buffer holds rows of the widest layer; the layout makes the matrix rows of whole vectors.
            unsafe { product.run(set) };
            if !thin && weight_row > padded_outputs && !add {
                // What lies between rows is no one's, and stays zero.
                weights.chunks_exact_mut(weight_row).for_each(|row| row[padded_outputs..].fill(T::ZERO));
            }
            if thin {
                bias[plan.outputs..].fill(T::ZERO);
                for (bias, d) in bias.iter_mut().zip(d[..rows * plan.outputs].chunks_exact(rows)) {
                    let sum = T::dispatch(set, Sum { values: d });
                    *bias = if add { *bias + sum } else { sum };
                }
            } else {
                T::dispatch(set, ColumnSums { values: &d[..rows * row], width: row, add, sums: bias });
            }
            if l == 0 {
                break;
            }
            let before = &layers.plans[l - 1];
            let out_row = before.matrix.row;
            let out = &mut next.as_mut_slice()[..rows * out_row];
            let weights = plan.weights(theta);
            let (right, depth, start) = match (turned, tiles.turned) {
                (None, _) => ((weights, weight_row), plan.outputs, Start::Zero),
                (Some((at, row)), Some(turned)) => {
                    ((&turned[at..at + padded_outputs * row], row), plan.outputs, Start::Zero)
                }
                (Some(_), None) => {
                    let delta = &d[..rows * row];
                    let width = padded_outputs;
                    T::dispatch(
                        set,
                        BackByRows { delta, row, weights, stride: weight_row, width, out: &mut *out, out_row },
                    );
                    // The sums are there: what is left is ⊙ g'.
                    ((weights, weight_row), 0, Start::Itself)
                }
            };
            let slope = if before.stores_slope() { &self.slopes[l - 1] } else { &self.activations[l - 1] }.as_slice();
            assert!(slope.len() >= out.len(), "g' of every row");
            let (d_row, d_k) = if thin { (1, rows) } else { (row, 1) };
            let left = Left::near(d.as_ptr(), d_row, d_k);
            let product = Product {
                start,
                finish: Finish::slope(before.slope, slope.as_ptr()),
                ..tiles.product((rows, padded_inputs, depth), left, right, (out.as_mut_ptr(), out_row))
            };
            // SAFETY: as above; `out` and the slope have every row of the layer before, whose padded outputs are
            // this one's padded inputs.
            unsafe { product.run(set) };
            std::mem::swap(&mut delta, &mut next);
        }
    }
}

impl<T: Element> Tiles<'_, T> {
    /// C = L · R, of `rows` × `columns` sums that are `depth` deep; rows of R and of C are whole vectors.
    fn product<'p>(
        &self,
        (rows, columns, depth): (usize, usize, usize),
        left: Left<T>,
        (right, right_row): (&[T], usize),
        (out, out_row): (*mut T, usize),
    ) -> Product<'p, T> {
        let vectors = Steps::even(self.blocking.lanes);
        Product {
            rows: 0..rows,
            vectors: 0..columns / self.blocking.lanes,
            depth,
            left,
            right: Right { data: right.as_ptr(), k: right_row, vectors, is_far: false },
            out: Out { data: out, row: out_row, vectors, is_far: false },
            start: Start::Zero,
            finish: Finish::Nothing,
            beside: None,
            strips: None,
            blocking: self.blocking,
        }
    }
}

/// z = Θ_w a + b of a thin layer: dot products along lanes. z comes out as one row of samples for each unit.
struct ThinForward<'a, T> {
    a: &'a [T],
    row: usize,
    stride: usize,
    weights: &'a [T],
    bias: &'a [T],
    units: usize,
    rows: usize,
    z: &'a mut [T],
}

impl<T: Element> Kernel<T> for ThinForward<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { a, row, stride, weights, bias, units, rows, z } = self;
        let units = weights.chunks_exact(stride).zip(bias).zip(z.chunks_exact_mut(rows)).take(units);
        for ((weights, &bias), z) in units {
            for (a, z) in a.chunks_exact(row).zip(z) {
                *z = dot(s, &a[..stride.min(row)], weights) + bias;
            }
        }
    }
}

/// Θ_wᵀ δ of a few samples: dot products along the rows of Θ as the engine keeps it.
struct BackByRows<'a, T> {
    delta: &'a [T],
    row: usize,
    weights: &'a [T],
    /// From one input's weights to the next one's.
    stride: usize,
    /// One input's weights: whole vectors.
    width: usize,
    out: &'a mut [T],
    out_row: usize,
}

impl<T: Element> Kernel<T> for BackByRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { delta, row, weights, stride, width, out, out_row } = self;
        let inputs = weights.len() / stride;
        for (input, weights) in weights.chunks_exact(stride).enumerate() {
            for (delta, out) in delta.chunks_exact(row).zip(out.chunks_exact_mut(out_row)) {
                out[input] = dot(s, &delta[..width], &weights[..width]);
            }
        }
        for out in out.chunks_exact_mut(out_row) {
            out[inputs..].fill(T::ZERO);
        }
    }
}

/// Σ of a row.
struct Sum<'a, T> {
    values: &'a [T],
}

impl<T: Element> Kernel<T> for Sum<'_, T> {
    type Output = T;

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) -> T {
        let zero = s.splat(T::ZERO);
        let mut sum = zero;
        for chunk in self.values.chunks(S::LANES) {
            sum = sum + s.load_partial(chunk, T::ZERO);
        }
        sum.sum()
    }
}
