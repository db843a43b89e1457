//! One shard's way through the network and back.

use super::finish::{Activate, Backward, Gradient, Nothing, TurnSquare, Updating};
use super::grid::{Grid, for_each};
use super::layout::LayerPlan;
use super::panels::Panels;
use super::product::{Arithmetic, Product, Side, Source, Start, Target};
use super::scratch::{Scratch, turned_panels, unit_panels};
use crate::Element;
use crate::isa::{Kernel, MAX_LANES, Simd};
use crate::loss::Output;
use crate::step::Dropout;
use crate::step::passes::{Activate as Activation, ColumnSums, CostAndDelta, Finish as Scale, Run};
use crate::step::slope::Slope;
use crate::step::update::Part;

/// A shard of `rows` samples at work.
pub(super) struct Pass<'a, T: Element> {
    pub(super) arithmetic: &'a Arithmetic<T>,
    pub(super) width: usize,
    pub(super) layers: &'a [LayerPlan],
    pub(super) theta: &'a [T],
    pub(super) rows: usize,
    pub(super) scratch: &'a mut Scratch<T>,
}

/// Where gradients go, and what becomes of them.
pub(super) struct Gradients<'a, T> {
    pub(super) gradient: &'a mut [T],
    /// Whether there is something to be added to.
    pub(super) add: bool,
    /// Whether more shards come.
    pub(super) more: bool,
    /// 1/m.
    pub(super) scale: f64,
    /// λ/m.
    pub(super) decay: f64,
    /// Rows of a full shard, by which gradients are cut into parts.
    pub(super) shard_rows: usize,
    pub(super) updating: Option<&'a Updating<'a, T>>,
}

impl<T: Element> Pass<'_, T> {
    fn units(&self, units: usize) -> Panels {
        unit_panels::<T>(units, self.rows, self.width)
    }

    fn panels(&self) -> usize {
        self.rows.div_ceil(self.width)
    }

    /// The samples of a panel.
    fn samples(&self, panel: usize) -> std::ops::Range<usize> {
        panel * self.width..self.rows.min((panel + 1) * self.width)
    }

    /// A^(1) from the samples' rows.
    pub(super) fn inputs<'r>(&mut self, row: impl Fn(usize) -> &'r [T] + Sync)
    where
        T: 'r,
    {
        let units = self.layers[0].inputs;
        let panels = self.units(units);
        let a = Target::new(self.scratch.activations[0].as_mut_slice(), panels);
        for_each(self.panels(), |_, panel| {
            // SAFETY: each panel is written once.
            let to = unsafe { a.strip(panel, 0..units) };
            T::dispatch(
                self.arithmetic.set,
                Turn { row: |i| row(panel * self.width + i), rows: self.samples(panel).len(), to },
            );
        });
    }

    /// A^(l) of every layer, z^(L) of the last. With `train`, g' is stored where the backward pass wants it.
    pub(super) fn forward(&mut self, train: bool, dropout: Option<(Dropout, usize)>) {
        for (l, plan) in self.layers.iter().enumerate() {
            let (inputs, outputs) = (self.units(plan.inputs), self.units(plan.outputs));
            let (before, rest) = self.scratch.activations.split_at_mut(l + 1);
            let out = Target::new(rest[0].as_mut_slice(), outputs);
            let left = Source::new(&self.theta[plan.range.weights.clone()], plan.weights);
            let right = Source::new(before[l].as_slice(), inputs);
            let start = Start::Bias(&self.theta[plan.range.bias.clone()]);
            let (arithmetic, width, depth) = (self.arithmetic, self.width, plan.inputs);
            if l + 1 == self.layers.len() {
                run(
                    arithmetic,
                    width,
                    Product { left, side: Side::Columns, right, depth, start, out, finish: &Nothing, beside: None },
                );
                break;
            }
            let stored = train && plan.slope == Slope::Stored;
            let slope = stored.then(|| Target::new(self.scratch.slopes[l].as_mut_slice(), outputs));
            let finish = Activate { activation: plan.activation, slope };
            run(
                arithmetic,
                width,
                Product { left, side: Side::Columns, right, depth, start, out, finish: &finish, beside: None },
            );
            if let (Some((dropout, first_row)), Some(slope), true) = (dropout, slope, plan.dropout > 0.0) {
                for_each(self.panels(), |_, panel| {
                    // SAFETY: each panel is written once, and the product is over.
                    let (a, slope) =
                        unsafe { (out.strip(panel, 0..plan.outputs), slope.strip(panel, 0..plan.outputs)) };
                    for (lane, sample) in self.samples(panel).enumerate() {
                        let mut factors = dropout.factors::<T>(l, plan.dropout, plan.outputs, first_row + sample);
                        let units = a[lane..].iter_mut().step_by(width).zip(slope[lane..].iter_mut().step_by(width));
                        for (a, slope) in units {
                            let factor = factors.next();
                            *a *= factor;
                            *slope *= factor;
                        }
                    }
                });
            }
        }
    }

    /// A^(L), sample by sample.
    pub(super) fn outputs(&mut self, outputs: &mut [T]) {
        let last = &self.layers[self.layers.len() - 1];
        let units = last.outputs;
        let z = &self.scratch.activations[self.layers.len()].as_slice();
        let panels = self.units(units);
        for (panel, outputs) in outputs.chunks_mut(self.width * units).enumerate() {
            gather(&z[panels.at(0, panel)..], self.width, units, outputs);
            let activation = Activation { activation: last.activation, width: units, row: units, z: outputs };
            T::dispatch(self.arithmetic.set, activation);
        }
    }

    /// The cost of the shard; with `train`, δ^(L) to the first buffers for δ.
    pub(super) fn loss<'r>(&mut self, train: bool, target: impl Fn(usize) -> &'r [T] + Sync, output: Output) -> f64
    where
        T: 'r,
    {
        let units = self.layers[self.layers.len() - 1].outputs;
        let (panels, width) = (self.units(units), self.width);
        let turned_panels = turned_panels::<T>(self.rows, units, width);
        let count = self.panels();
        let Scratch { activations, delta, turned, compact, costs, .. } = &mut *self.scratch;
        let z = activations[self.layers.len()].as_slice();
        let delta = train.then(|| Target::new(delta[0].as_mut_slice(), panels));
        let turned = train.then(|| Target::new(turned[0].as_mut_slice(), turned_panels));
        let row = 3 * width * units;
        let (compact, all_costs) = (Target::column(compact.as_mut_slice()), Target::column(costs));
        let (set, rows) = (self.arithmetic.set, self.rows);
        for_each(count, |_, panel| {
            let samples = panel * width..rows.min((panel + 1) * width);
            // SAFETY: the memory of each panel is used once.
            let (compact, cost) = unsafe {
                (compact.strip(0, panel * row..(panel + 1) * row), &mut all_costs.strip(0, panel..panel + 1)[0])
            };
            let len = samples.len() * units;
            let (values, rest) = compact.split_at_mut(len);
            let (targets, rest) = rest.split_at_mut(len);
            gather(&z[panels.at(0, panel)..], width, units, values);
            for (targets, sample) in targets.chunks_exact_mut(units).zip(samples.clone()) {
                targets.copy_from_slice(target(sample));
            }
            *cost = T::dispatch(set, CostAndDelta { output, z: values, targets, spare: &mut rest[..len] });
            if let (Some(delta), Some(turned)) = (delta, turned) {
                // SAFETY: as above; the rows of a panel of samples are its own in every panel of units.
                let delta = unsafe { delta.strip(panel, 0..units) };
                delta.fill(T::ZERO);
                for (lane, values) in values.chunks_exact(units).enumerate() {
                    for (unit, value) in values.iter().enumerate() {
                        delta[unit * width + lane] = *value;
                    }
                }
                for (block, units) in delta.chunks(width * width).enumerate() {
                    // SAFETY: as above.
                    let turned = unsafe { turned.strip(block, panel * width..(panel + 1) * width) };
                    T::dispatch(set, TurnSquare { from: units, to: turned });
                }
            }
        });
        costs[..count].iter().sum()
    }

    /// From δ^(L): Δ of every layer, and δ of every layer but the input.
    pub(super) fn backward(&mut self, gradients: Gradients<'_, T>) {
        let Gradients { gradient, add, more, scale, decay, shard_rows, updating } = gradients;
        let (arithmetic, set, width, rows, theta) =
            (self.arithmetic, self.arithmetic.set, self.width, self.rows, self.theta);
        let layers = self.layers;
        let (scale, decay) = (T::from_f64(scale), T::from_f64(decay));
        let units = |units: usize| unit_panels::<T>(units, rows, width);
        let turned_units = |units: usize| turned_panels::<T>(rows, units, width);
        let Scratch { activations, slopes, delta, turned, squares, .. } = &mut *self.scratch;
        let [mut delta, mut next] = delta.each_mut();
        let [mut turned, mut next_turned] = turned.each_mut();
        let squares = Target::column(squares);
        let mut first_part: usize =
            layers.iter().map(|plan| gradient_grid(arithmetic, plan, width, shard_rows).parts()).sum();
        for (l, plan) in layers.iter().enumerate().rev() {
            let gradient_grid = gradient_grid(arithmetic, plan, width, shard_rows);
            first_part -= gradient_grid.parts();
            let (start, end) = (plan.range.weights.start, plan.range.bias.end);
            let (weights, bias) = gradient[start..end].split_at_mut(plan.range.weights.len());
            let weights = Target::new(weights, plan.weights);
            let (bias, bias_len) = (Target::column(bias), plan.range.bias.len());
            let turned_source = Source::new(turned.as_slice(), turned_units(plan.outputs));
            let for_weights = |worker: usize, index: usize| {
                let range = &plan.range;
                let part = first_part + index;
                let finish = Gradient {
                    range,
                    panels: plan.weights,
                    theta,
                    scale,
                    decay,
                    squares,
                    part,
                    more,
                    update: updating,
                };
                let product = Product {
                    left: Source::new(activations[l].as_slice(), units(plan.inputs)),
                    side: Side::Rows,
                    right: turned_source,
                    depth: rows,
                    start: if add { Start::Itself } else { Start::Zero },
                    out: weights,
                    finish: &finish,
                    beside: Some(Source::new(&theta[plan.range.weights.clone()], plan.weights)),
                };
                // SAFETY: the parts of a grid share nothing, L has a row for every unit of layer l and R a column for every
                // unit of the next, each with all samples; both have been written and are read only now.
                unsafe { product.run(arithmetic, worker, &gradient_grid.part(index)) };
            };
            let for_bias = || {
                // SAFETY: this is called once a layer.
                let bias = unsafe { bias.strip(0, 0..bias_len) };
                for (panel, sums) in bias.chunks_exact_mut(width).enumerate() {
                    let values = &turned.as_slice()[turned_source.panels.at(0, panel)..][..rows * width];
                    T::dispatch(set, ColumnSums { values, width, add, sums });
                    // SAFETY: as above, and no part of the weights touches what lies between panels.
                    unsafe { weights.gap(panel) }.fill(T::ZERO);
                }
                if more {
                    return;
                }
                let place = plan.range.bias.clone();
                let theta = &theta[place.clone()];
                let run = Run { theta, first: place.start, ranges: std::slice::from_ref(&plan.range) };
                T::dispatch(set, Scale { gradient: &mut *bias, run, scale, decay });
                if let Some(updating) = updating {
                    // SAFETY: as above.
                    unsafe { updating.run(set, Part::Bias, theta, bias, place) };
                }
            };
            let gradient_parts = gradient_grid.parts();
            if l == 0 {
                for_each(gradient_parts + 1, |worker, index| match index.checked_sub(1) {
                    None => for_bias(),
                    Some(index) => for_weights(worker, index),
                });
                break;
            }
            let before = &layers[l - 1];
            let out = Target::new(next.as_mut_slice(), units(before.outputs));
            let next_turned_target = Target::new(next_turned.as_mut_slice(), turned_units(before.outputs));
            let stored = before.slope == Slope::Stored;
            let slope = if stored { slopes[l - 1].as_slice() } else { activations[l].as_slice() };
            let values = Source::new(slope, units(before.outputs));
            let finish = Backward { values, slope: before.slope, turned: next_turned_target };
            let back = Product {
                left: Source::new(&theta[plan.range.weights.clone()], plan.weights),
                side: Side::Rows,
                right: Source::new(delta.as_slice(), units(plan.outputs)),
                depth: plan.outputs,
                start: Start::Zero,
                out,
                finish: &finish,
                beside: None,
            };
            let back_grid = arithmetic.grid(before.outputs, out.panels.panels(), width, plan.outputs);
            let back_parts = back_grid.parts();
            for_each(back_parts + 1 + gradient_parts, |worker, index| {
                if index < back_parts {
                    // SAFETY: the parts of a grid share nothing; Θ_wᵀ has a row for every unit of layer l and a column for
                    // every unit of the next, which are the rows of δ^(l+1).
                    unsafe { back.run(arithmetic, worker, &back_grid.part(index)) };
                } else if index == back_parts {
                    for_bias();
                } else {
                    for_weights(worker, index - back_parts - 1);
                }
            });
            std::mem::swap(&mut delta, &mut next);
            std::mem::swap(&mut turned, &mut next_turned);
        }
    }
}

/// The parts of a layer's gradient, of shards of up to `rows`.
pub(super) fn gradient_grid<T: Element>(
    arithmetic: &Arithmetic<T>,
    plan: &LayerPlan,
    width: usize,
    rows: usize,
) -> Grid {
    arithmetic.grid(plan.inputs, plan.weights.panels(), width, rows)
}

/// Computes all of a product.
fn run<T: Element>(arithmetic: &Arithmetic<T>, width: usize, product: Product<'_, T>) {
    let panels = product.out.panels;
    let grid = arithmetic.grid(panels.rows, panels.panels(), width, product.depth);
    for_each(grid.parts(), |worker, index| {
        // SAFETY: the parts of a grid share nothing; the caller made the operands of borrowed memory, and of shapes that
        // fit.
        unsafe { product.run(arithmetic, worker, &grid.part(index)) };
    });
}

/// The first `units` rows of a panel, turned: as many samples as `to` has room for.
fn gather<T: Copy>(panel: &[T], width: usize, units: usize, to: &mut [T]) {
    for (lane, to) in to.chunks_exact_mut(units).enumerate() {
        for (to, row) in to.iter_mut().zip(panel.chunks(width)) {
            *to = row[lane];
        }
    }
}

/// Up to a vector's width of rows, turned into a panel: lanes without a row are zero.
struct Turn<'a, T, F> {
    row: F,
    rows: usize,
    to: &'a mut [T],
}

/// Columns that are copied before they are turned: 4 KiB of 16 rows of f32.
const TURNED: usize = 64;

impl<'r, T: Element + 'r, F: Fn(usize) -> &'r [T]> Kernel<T> for Turn<'_, T, F> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { row, rows, to } = self;
        let width = S::LANES;
        // Side by side, so that rows that lie anywhere are turned block by block.
        let mut copies = [[T::ZERO; TURNED]; MAX_LANES];
        let units = to.len() / width;
        for first in (0..units).step_by(TURNED) {
            let count = TURNED.min(units - first);
            for (i, copy) in copies.iter_mut().enumerate().take(rows) {
                copy[..count].copy_from_slice(&row(i)[first..first + count]);
            }
            let to = &mut to[first * width..(first + count) * width];
            let whole = count / S::BLOCK * S::BLOCK;
            for column in (0..whole).step_by(S::BLOCK) {
                for i in (0..width).step_by(S::BLOCK) {
                    // SAFETY: the block's rows and columns are in the copies, and turned within `to`.
                    unsafe {
                        let source = copies.as_ptr().cast::<T>().add(i * TURNED + column);
                        s.transpose(source, TURNED, to.as_mut_ptr().add(column * width + i), width);
                    }
                }
            }
            for column in whole..count {
                for (to, copy) in to[column * width..][..width].iter_mut().zip(&copies) {
                    *to = copy[column];
                }
            }
        }
    }
}
