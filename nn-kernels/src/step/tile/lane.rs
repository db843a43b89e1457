//! One lane of the tile engine: a tile of samples goes forward through all layers and back again while it is in cache.

use super::layout::Layout;
use crate::buffer::Buffer;
use crate::isa::{Kernel, Simd, Vector};
use crate::loss::Output;
use crate::product::{Blocking, Finish, Left, Out, Product, Right, Start, Steps, dot, turn};
use crate::slope::Slope;
use crate::step::Dropout;
use crate::step::batch::Gathered;
use crate::step::passes::{Activate, ActivateWithDerivative, ColumnSums, CostAndDelta, WeightedCostAndDelta};
use crate::step::sharded::Pass;
use crate::{Activation, Element, InstructionSet, StepError};

/// What all lanes of a step share.
#[derive(Clone, Copy)]
pub(super) struct Network<'a, T> {
    pub(super) set: InstructionSet,
    pub(super) layout: &'a Layout,
    pub(super) blocking: Blocking,
    /// Parameters in the engine's layout.
    pub(super) theta: &'a [T],
    /// Θ_w of the wide layers that δ passes through, if it has been turned.
    pub(super) transposed: Option<&'a [T]>,
    pub(super) output: Output,
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
    pub(super) fn grow(&mut self, layout: &Layout, rows: usize) -> Result<(), StepError> {
        let last = &layout.layers[layout.layers.len() - 1];
        for ((plan, a), slope) in layout.layers.iter().zip(&mut self.activations).zip(&mut self.slopes) {
            a.grow(rows.saturating_mul(plan.row))?;
            if plan.slope == Slope::Stored {
                slope.grow(rows.saturating_mul(plan.row))?;
            }
        }
        if layout.pads_inputs() {
            self.padded.grow(rows.saturating_mul(last.stride))?;
        }
        let widest = layout.layers.iter().map(|plan| plan.row).max().unwrap_or(0);
        self.delta.iter_mut().try_for_each(|delta| delta.grow(rows.saturating_mul(widest)))?;
        self.compact.iter_mut().try_for_each(|compact| compact.grow(rows.saturating_mul(last.outputs)))
    }

    pub(super) fn bytes(&self) -> usize {
        let all =
            self.activations.iter().chain(&self.slopes).chain(&self.delta).chain(&self.compact).chain([&self.padded]);
        all.map(Buffer::bytes).sum()
    }

    /// The samples' share of the cost; their Σ δ aᵀ is added to `gradient`, or written where `add` is false.
    pub(super) fn gradient(
        &mut self,
        network: Network<'_, T>,
        samples: Gathered<'_, T>,
        pass: Pass,
        add: bool,
        gradient: &mut [T],
    ) -> f64 {
        let x = samples.inputs;
        let rows = x.len() / network.layout.layers[0].inputs;
        self.forward(network, x, rows, true, pass.dropout.map(|dropout| (dropout, pass.first_row)));
        let cost = self.loss(network, samples, rows);
        let first = &network.layout.layers[0];
        if network.layout.pads_inputs() {
            let mut padded = std::mem::take(&mut self.padded);
            let whole_rows = &mut padded.as_mut_slice()[..rows * first.stride];
            for (whole, row) in whole_rows.chunks_exact_mut(first.stride).zip(x.chunks_exact(first.inputs)) {
                whole[..first.inputs].copy_from_slice(row);
                whole[first.inputs..].fill(T::ZERO);
            }
            self.backward(network, (whole_rows, first.stride), rows, add, gradient);
            self.padded = padded;
        } else {
            self.backward(network, (x, first.inputs), rows, add, gradient);
        }
        cost
    }

    /// The samples' share of the cost; A^(L) to `outputs`, if it is wanted.
    pub(super) fn evaluate(
        &mut self,
        network: Network<'_, T>,
        samples: Gathered<'_, T>,
        outputs: Option<&mut [T]>,
    ) -> f64 {
        let rows = samples.inputs.len() / network.layout.layers[0].inputs;
        self.forward(network, samples.inputs, rows, false, None);
        if let Some(outputs) = outputs {
            self.outputs(network, outputs);
        }
        self.loss(network, samples, rows)
    }

    /// A^(L) of `inputs`, to `outputs`.
    pub(super) fn predict(&mut self, network: Network<'_, T>, inputs: &[T], outputs: &mut [T]) {
        let rows = inputs.len() / network.layout.layers[0].inputs;
        self.forward(network, inputs, rows, false, None);
        self.outputs(network, outputs);
    }

    /// A^(L) from z^(L), which stays.
    fn outputs(&mut self, network: Network<'_, T>, outputs: &mut [T]) {
        let last = &network.layout.layers[network.layout.layers.len() - 1];
        let rows = outputs.len() / last.outputs;
        let z = &self.activations[network.layout.layers.len() - 1];
        let [compact, ..] = &mut self.compact;
        let compact = &mut compact.as_mut_slice()[..rows * last.outputs];
        if last.thin {
            compact.copy_from_slice(&z.as_slice()[..rows * last.outputs]);
        } else {
            gather_columns(z.as_slice(), last.row, compact, last.outputs);
        }
        T::dispatch(
            network.set,
            Activate { activation: last.activation, width: last.outputs, row: last.outputs, z: compact },
        );
        if last.thin {
            turn(network.set, (compact, rows), (last.outputs, rows), (outputs, last.outputs));
        } else {
            outputs.copy_from_slice(compact);
        }
    }

    /// A^(l) of every layer, z^(L) of the last: a thin layer's as `outputs` rows of samples. With `train`, g' is
    /// stored where the backward pass wants it.
    fn forward(
        &mut self,
        network: Network<'_, T>,
        inputs: &[T],
        rows: usize,
        train: bool,
        dropout: Option<(Dropout, usize)>,
    ) {
        let layers = &network.layout.layers;
        for (l, plan) in layers.iter().enumerate() {
            let (before, rest) = self.activations.split_at_mut(l);
            let (input, stride) = match before.last() {
                Some(a) => (a.as_slice(), layers[l - 1].row),
                None => (inputs, plan.inputs),
            };
            let z = &mut rest[0].as_mut_slice()[..rows * plan.row];
            let weights = &network.theta[plan.range.weights.clone()];
            let bias = &network.theta[plan.range.bias.clone()];
            let last = l + 1 == layers.len();
            if plan.thin {
                let (units, z) = (plan.outputs, &mut z[..rows * plan.outputs]);
                T::dispatch(
                    network.set,
                    ThinForward { a: input, row: stride, stride: plan.stride, weights, bias, units, rows, z },
                );
                continue;
            }
            assert!(input.len() >= rows * stride && stride >= plan.inputs, "rows of the layer's inputs");
            let vectors = plan.padded_outputs / network.layout.lanes;
            let left = Left::near(input.as_ptr(), stride, 1);
            let product = Product {
                rows: 0..rows,
                vectors: 0..vectors,
                depth: plan.inputs,
                left,
                right: network.right(weights, plan.stride),
                out: Out {
                    data: z.as_mut_ptr(),
                    row: plan.row,
                    vectors: Steps::even(network.layout.lanes),
                    is_far: false,
                },
                start: Start::OfColumn(bias.as_ptr()),
                finish: if plan.activation == Activation::Relu && !last { Finish::Floor } else { Finish::Nothing },
                beside: None,
                strips: None,
                blocking: network.blocking,
            };
            // SAFETY: the assertion covers the left operand; the layout makes the matrix `inputs` rows of whole
            // vectors and the bias one row; z was cut to the size of C.
            unsafe { product.run(network.set) };
            if last {
                continue;
            }
            let activation = plan.activation;
            // g(0) may not be 0, and a thin layer's gradient has a column for every number of a row.
            let width = if layers[l + 1].thin { plan.outputs } else { plan.padded_outputs };
            let stored = train && plan.slope == Slope::Stored;
            if stored {
                let slope = &mut self.slopes[l].as_mut_slice()[..z.len()];
                slope.copy_from_slice(z);
                let row = plan.row;
                T::dispatch(network.set, ActivateWithDerivative { activation, width, row, z: slope, a: z });
                if let Some((dropout, first_row)) = dropout.filter(|_| plan.dropout > 0.0) {
                    dropout.apply(l, plan.dropout, (plan.outputs, plan.row), first_row, z, slope);
                }
            } else if activation != Activation::Relu {
                T::dispatch(network.set, Activate { activation, width, row: plan.row, z });
            }
        }
    }

    /// The share of the rows in the cost; z^(L) becomes δ^(L), in the first buffer for δ.
    fn loss(&mut self, network: Network<'_, T>, samples: Gathered<'_, T>, rows: usize) -> f64 {
        let Gathered { targets, weights, .. } = samples;
        let last = &network.layout.layers[network.layout.layers.len() - 1];
        let width = last.outputs;
        let z = self.activations[network.layout.layers.len() - 1].as_slice();
        let [delta, turned, spare] = &mut self.compact;
        let len = rows * width;
        let (delta, turned) = (&mut delta.as_mut_slice()[..len], &mut turned.as_mut_slice()[..len]);
        let spare = &mut spare.as_mut_slice()[..len];
        let targets = if last.thin {
            delta.copy_from_slice(&z[..len]);
            if width == 1 {
                targets
            } else {
                turn(network.set, (targets, width), (rows, width), (turned, rows));
                &*turned
            }
        } else {
            gather_columns(z, last.row, delta, width);
            targets
        };
        let output = network.output;
        let cost = match weights {
            None => T::dispatch(network.set, CostAndDelta { output, z: &mut *delta, targets, spare }),
            // A thin layer's units are rows of samples: each of them meets all weights.
            Some(weights) if last.thin => {
                let output = Output { width: 1, ..output };
                let units =
                    delta.chunks_exact_mut(rows).zip(targets.chunks_exact(rows)).zip(spare.chunks_exact_mut(rows));
                let cost = |((z, targets), spare): ((&mut [T], &[T]), &mut [T])| {
                    T::dispatch(network.set, WeightedCostAndDelta { output, z, targets, weights, spare })
                };
                units.map(cost).sum()
            }
            Some(weights) => {
                T::dispatch(network.set, WeightedCostAndDelta { output, z: &mut *delta, targets, weights, spare })
            }
        };
        let out = self.delta[0].as_mut_slice();
        if last.thin {
            out[..len].copy_from_slice(delta);
        } else {
            for (out, delta) in out.chunks_exact_mut(last.row).zip(delta.chunks_exact(width)) {
                out[..width].copy_from_slice(delta);
                out[width..].fill(T::ZERO);
            }
        }
        cost
    }

    /// Δ of every layer, and δ of every layer but the input. Inputs come with the distance of their rows.
    fn backward(
        &mut self,
        network: Network<'_, T>,
        (inputs, input_row): (&[T], usize),
        rows: usize,
        add: bool,
        gradient: &mut [T],
    ) {
        let layers = &network.layout.layers;
        let lanes = network.layout.lanes;
        let [mut delta, mut next] = self.delta.each_mut();
        for (l, plan) in layers.iter().enumerate().rev() {
            let (input, stride) = match l {
                0 => (inputs, input_row),
                _ => (self.activations[l - 1].as_slice(), layers[l - 1].row),
            };
            assert!(input.len() >= rows * stride, "rows of the layer's inputs");
            let weights = &mut gradient[plan.range.weights.clone()];
            let d = delta.as_slice();
            let (d_row, d_k) = if plan.thin { (1, rows) } else { (plan.row, 1) };
            let (left, right, c_rows, vectors) = if plan.thin {
                let left = Left::near(d.as_ptr(), rows, 1);
                (left, network.right(input, stride), plan.outputs, plan.padded_inputs / lanes)
            } else {
                let left = Left::near(input.as_ptr(), 1, stride);
                (left, network.right(d, plan.row), plan.inputs, plan.padded_outputs / lanes)
            };
            let product = Product {
                rows: 0..c_rows,
                vectors: 0..vectors,
                depth: rows,
                left,
                right,
                out: Out { data: weights.as_mut_ptr(), row: plan.stride, vectors: Steps::even(lanes), is_far: true },
                start: if add { Start::Itself } else { Start::Zero },
                finish: Finish::Nothing,
                beside: None,
                strips: None,
                blocking: network.blocking,
            };
            // SAFETY: the assertion covers the layer's inputs, a thin layer's being another layer's padded outputs;
            // δ's buffer holds rows of the widest layer; the layout makes the matrix rows of whole vectors.
            unsafe { product.run(network.set) };
            let bias = &mut gradient[plan.range.bias.clone()];
            if plan.thin {
                bias[plan.outputs..].fill(T::ZERO);
                for (bias, d) in bias.iter_mut().zip(d[..rows * plan.outputs].chunks_exact(rows)) {
                    let sum = T::dispatch(network.set, Sum { values: d });
                    *bias = if add { *bias + sum } else { sum };
                }
            } else {
                let d = &d[..rows * plan.row];
                T::dispatch(network.set, ColumnSums { values: d, width: plan.row, add, sums: bias });
            }
            if l == 0 {
                break;
            }
            let before = &layers[l - 1];
            let out = &mut next.as_mut_slice()[..rows * before.row];
            let weights = &network.theta[plan.range.weights.clone()];
            let (right, k, depth, start) = match (plan.transposed, network.transposed) {
                (None, _) => (weights, plan.stride, plan.outputs, Start::Zero),
                (Some(at), Some(turned)) => (
                    &turned[at..at + plan.padded_outputs * plan.turned_row],
                    plan.turned_row,
                    plan.outputs,
                    Start::Zero,
                ),
                (Some(_), None) => {
                    let (delta, row) = (&d[..rows * plan.row], plan.row);
                    T::dispatch(
                        network.set,
                        BackByRows { delta, row, weights, stride: plan.stride, out, out_row: before.row },
                    );
                    // The sums are there: what is left is ⊙ g'.
                    (weights, plan.stride, 0, Start::Itself)
                }
            };
            let stored = before.slope == Slope::Stored;
            let slope = if stored { self.slopes[l - 1].as_slice() } else { self.activations[l - 1].as_slice() };
            assert!(slope.len() >= out.len(), "g' of every row");
            let product = Product {
                rows: 0..rows,
                vectors: 0..plan.padded_inputs / lanes,
                depth,
                left: Left::near(d.as_ptr(), d_row, d_k),
                right: network.right(right, k),
                out: Out { data: out.as_mut_ptr(), row: before.row, vectors: Steps::even(lanes), is_far: false },
                start,
                finish: Finish::slope(before.slope, slope.as_ptr()),
                beside: None,
                strips: None,
                blocking: network.blocking,
            };
            // SAFETY: as above; `out` and the slope have every row of the layer before, whose padded outputs are
            // this one's padded inputs.
            unsafe { product.run(network.set) };
            std::mem::swap(&mut delta, &mut next);
        }
    }
}

impl<T> Network<'_, T> {
    /// A right operand of rows of whole vectors, near.
    fn right(&self, numbers: &[T], row: usize) -> Right<T> {
        Right { data: numbers.as_ptr(), k: row, vectors: Steps::even(self.layout.lanes), is_far: false }
    }
}

/// The first `width` of every `stride` numbers.
fn gather_columns<T: Copy>(from: &[T], stride: usize, to: &mut [T], width: usize) {
    for (from, to) in from.chunks_exact(stride).zip(to.chunks_exact_mut(width)) {
        to.copy_from_slice(&from[..width]);
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
    /// From one input's weights to the next one's: whole vectors.
    stride: usize,
    out: &'a mut [T],
    out_row: usize,
}

impl<T: Element> Kernel<T> for BackByRows<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { delta, row, weights, stride, out, out_row } = self;
        let inputs = weights.len() / stride;
        for (input, weights) in weights.chunks_exact(stride).enumerate() {
            for (delta, out) in delta.chunks_exact(row).zip(out.chunks_exact_mut(out_row)) {
                out[input] = dot(s, &delta[..stride], weights);
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
