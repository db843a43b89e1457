//! One shard's way through the network and back.

use super::Labels;
use super::finish::{Activate, Gradient, Turned, turn};
use super::matrix::{Source, Target};
use super::panels::{Panels, width_of};
use super::parts::Room;
use super::product::{Arithmetic, Complete, Ends, Product, Side};
use super::scratch::{Scratch, Shard};
use crate::isa::{Kernel, MAX_LANES, Simd};
use crate::loss::Output;
use crate::product::{self, turn_rows};
use crate::step::layer::Network;
use crate::step::passes::{Activate as Activation, ColumnSums, CostAndDelta, Finish as Scale, Run};
use crate::step::sharded::Pass as Training;
use crate::step::update::{Part, Updating};
use crate::threads::{Shared, Team};
use crate::{Activation as Function, Element, InstructionSet};

/// A shard at work.
pub(super) struct Pass<'a, 't, T: Element> {
    pub(super) arithmetic: &'a Arithmetic<'a, T>,
    pub(super) network: Network<'a, T, Panels>,
    pub(super) shard: Shard,
    pub(super) scratch: &'a mut Scratch<T>,
    pub(super) team: &'a mut Team<'t>,
}

/// Where gradients go, and what becomes of them.
pub(super) struct Gradients<'a, 'f, 'g, T> {
    pub(super) room: &'a mut Room<'f, 'g, T>,
    /// Whether there is something to be added to.
    pub(super) add: bool,
    /// Whether more shards come.
    pub(super) more: bool,
    /// 1/m, or 1/Σs where samples have weights.
    pub(super) scale: f64,
    /// λ/m.
    pub(super) decay: f64,
    /// Rows of a full shard, by which gradients are cut into parts.
    pub(super) shard_rows: usize,
    pub(super) updating: Option<&'a Updating<'a, T>>,
}

impl<T: Element> Pass<'_, '_, T> {
    /// A^(1) from the samples' rows.
    pub(super) fn inputs<'r>(&mut self, row: impl Fn(usize) -> &'r [T] + Sync)
    where
        T: 'r,
    {
        let Self { arithmetic, network, shard, .. } = *self;
        let units = network.layers.inputs();
        let a = Target::new(self.scratch.activations[0].as_mut_slice(), shard.units::<T>(units));
        self.team.for_each(shard.panels(), |_, panel| {
            // SAFETY: each panel is written once.
            let to = unsafe { a.strip(panel, 0..units) };
            let samples = shard.samples(panel);
            T::dispatch(arithmetic.set, Turn { row: |i| row(samples.start + i), rows: samples.len(), to });
        });
    }

    /// A^(l) of every layer, z^(L) of the last. In training, g' is stored where the backward pass wants it.
    pub(super) fn forward(&mut self, training: Option<Training>) {
        let Self { arithmetic, network: Network { layers, theta }, shard, .. } = *self;
        let Scratch { activations, slopes, .. } = &mut *self.scratch;
        for (l, plan) in layers.plans.iter().enumerate() {
            let (inputs, outputs) = (shard.units::<T>(plan.inputs), shard.units::<T>(plan.outputs));
            let (before, rest) = activations.split_at_mut(l + 1);
            let (a, slopes) = (rest[0].as_mut_slice(), slopes[l].as_mut_slice());
            let last = l + 1 == layers.plans.len();
            let stores = training.filter(|_| !last && plan.stores_slope());
            let slope = stores.map(|_| Target::new(&mut *slopes, outputs));
            let activate = Activate { activation: plan.activation, slope };
            // Of relu nothing is left to be done when sums are not below 0.
            let floor = !last && stores.is_none() && plan.activation == Function::Relu;
            let complete: Option<&dyn Complete<T>> = if last || floor { None } else { Some(&activate) };
            let product = Product {
                left: Source::new(plan.weights(theta), plan.matrix),
                side: Side::Columns,
                right: Source::new(before[l].as_slice(), inputs),
                depth: plan.inputs,
                ends: Ends::Forward { bias: plan.bias(theta), floor },
                out: Target::new(&mut *a, outputs),
                complete,
                beside: None,
            };
            product.divided(arithmetic, plan.inputs).run_all(self.team);
            let Some(pass) = stores.filter(|pass| pass.dropout_of(plan).is_some()) else { continue };
            let (a, slopes) = (Target::new(a, outputs), Target::new(slopes, outputs));
            self.team.for_each(shard.panels(), |_, panel| {
                // SAFETY: each panel is written once.
                let (a, slopes) = unsafe { (a.strip(panel, 0..plan.outputs), slopes.strip(panel, 0..plan.outputs)) };
                let samples = shard.samples(panel);
                pass.at_row(samples.start).drop_units(l, plan, samples.len(), (1, shard.width), a, slopes);
            });
        }
    }

    /// A^(L), sample by sample.
    pub(super) fn outputs(&mut self, outputs: &mut [T]) {
        let layers = self.network.layers;
        let (last, width) = (layers.last(), self.shard.width);
        let units = last.outputs;
        let z = Source::new(self.scratch.activations[layers.plans.len()].as_slice(), self.shard.units::<T>(units));
        for (panel, outputs) in outputs.chunks_mut(width * units).enumerate() {
            gather(self.arithmetic.set, z.strip(panel, 0..units), width, outputs);
            let (activation, set) = (last.activation, self.arithmetic.set);
            T::dispatch(set, Activation { activation, width: units, row: units, a: outputs, slope: None });
        }
    }

    /// The cost of the shard; with `train`, δ^(L) to the first buffers for δ.
    pub(super) fn loss(&mut self, train: bool, labels: &Labels<'_, T>, output: Output) -> f64 {
        let Self { arithmetic, network: Network { layers, .. }, shard, .. } = *self;
        let (set, width) = (arithmetic.set, shard.width);
        let units = layers.outputs();
        let panels = shard.units::<T>(units);
        let Scratch { activations, delta, turned, compact, costs, .. } = &mut *self.scratch;
        let z = Source::new(activations[layers.plans.len()].as_slice(), panels);
        let delta = train.then(|| Target::new(delta[0].as_mut_slice(), panels));
        let turned = train.then(|| Target::new(turned[0].as_mut_slice(), shard.turned::<T>(units)));
        let row = 3 * width * units;
        let count = shard.panels();
        let (compact, all_costs) = (Shared::new(compact.as_mut_slice()), Shared::new(costs));
        self.team.for_each(count, |_, panel| {
            let samples = shard.samples(panel);
            // SAFETY: the memory of each panel is used once.
            let (compact, cost) = unsafe { (compact.part(panel * row..(panel + 1) * row), all_costs.one(panel)) };
            let len = samples.len() * units;
            let (values, rest) = compact.split_at_mut(len);
            let (targets, rest) = rest.split_at_mut(len);
            gather(set, z.strip(panel, 0..units), width, values);
            let mut weights = [T::ZERO; MAX_LANES];
            let mut weighted = false;
            let rows = samples.len();
            for ((targets, weight), sample) in targets.chunks_exact_mut(units).zip(&mut weights).zip(samples) {
                labels.copy_target(sample, targets);
                if let Some(found) = labels.weight(sample) {
                    (*weight, weighted) = (found, true);
                }
            }
            let (z, spare) = (&mut *values, &mut rest[..len]);
            let weights = weighted.then_some(&weights[..rows]);
            *cost = T::dispatch(set, CostAndDelta { output, z, targets, weights, spare });
            if let (Some(delta), Some(turned)) = (&delta, &turned) {
                // SAFETY: as above.
                let delta = unsafe { delta.strip(panel, 0..units) };
                if rows < width {
                    // There are lanes without a sample.
                    delta.fill(T::ZERO);
                }
                product::turn(set, (values, units), (rows, units), (&mut *delta, width));
                // SAFETY: the rows of a panel of samples are its own in every panel of units.
                unsafe { turn(set, delta, turned, 0, panel) };
            }
        });
        costs[..count].iter().sum()
    }

    /// From δ^(L): Δ of every layer, and δ of every layer but the input.
    pub(super) fn backward(&mut self, gradients: Gradients<'_, '_, '_, T>) {
        let Gradients { room, add, more, scale, decay, shard_rows, updating } = gradients;
        let Self { arithmetic, network: Network { layers, theta }, shard, .. } = *self;
        let Shard { rows, width } = shard;
        let set = arithmetic.set;
        let scale = T::from_f64(scale);
        let units = |units: usize| shard.units::<T>(units);
        let turned_units = |units: usize| shard.turned::<T>(units);
        let Scratch { activations, slopes, delta, turned, squares, .. } = &mut *self.scratch;
        let [mut delta, mut next] = delta.each_mut();
        let [mut turned, mut next_turned] = turned.each_mut();
        for (l, plan) in layers.plans.iter().enumerate().rev() {
            let (weights, bias) = room.layer(plan);
            let theta_weights = Source::new(plan.weights(theta), plan.matrix);
            let turned_source = Source::new(turned.as_slice(), turned_units(plan.outputs));
            let finish = Gradient {
                range: &plan.range,
                panels: plan.matrix,
                theta,
                scale,
                decay,
                squares: Shared::new(&mut squares[l]),
                more,
                update: updating,
            };
            let product = Product {
                left: Source::new(activations[l].as_slice(), units(plan.inputs)),
                side: Side::Rows,
                right: turned_source,
                depth: rows,
                ends: Ends::Sum { add },
                out: Target::new(weights, plan.matrix),
                complete: Some(&finish),
                beside: Some(theta_weights),
            };
            let for_weights = product.divided(arithmetic, shard_rows);
            let bias = Shared::new(bias);
            let for_bias = || {
                // SAFETY: this is called once a layer.
                let bias = unsafe { bias.part(0..bias.len()) };
                for (panel, sums) in bias.chunks_exact_mut(width).enumerate() {
                    let values = turned_source.strip(panel, 0..rows);
                    T::dispatch(set, ColumnSums { values, width, add, sums });
                    // SAFETY: as above, and no part of the weights touches what lies between panels.
                    unsafe { for_weights.out().gap(panel) }.fill(T::ZERO);
                }
                if more {
                    return;
                }
                let place = plan.range.bias.clone();
                let theta = &theta[place.clone()];
                let run = Run { theta, first: place.start, ranges: std::slice::from_ref(&plan.range) };
                Scale { gradient: &mut *bias, run, scale, decay }.run_in(set);
                if let Some(updating) = updating {
                    // SAFETY: as above.
                    unsafe { updating.run(set, Part::Bias, theta, bias, place) };
                }
            };
            if l == 0 {
                self.team.for_each(for_weights.parts() + 1, |worker, index| match index.checked_sub(1) {
                    None => for_bias(),
                    // SAFETY: every number comes once, from threads of different numbers.
                    Some(index) => unsafe { for_weights.run(worker, index) },
                });
                if !more {
                    room.finished(plan);
                }
                break;
            }
            let before = &layers.plans[l - 1];
            let slope = if before.stores_slope() { &slopes[l - 1] } else { &activations[l] };
            let values = Source::new(slope.as_slice(), units(before.outputs));
            let turn = Turned(Target::new(next_turned.as_mut_slice(), turned_units(before.outputs)));
            let product = Product {
                left: theta_weights,
                side: Side::Rows,
                right: Source::new(delta.as_slice(), units(plan.outputs)),
                depth: plan.outputs,
                ends: Ends::Backward { slope: before.slope, values },
                out: Target::new(next.as_mut_slice(), units(before.outputs)),
                complete: Some(&turn),
                beside: None,
            };
            let back = product.divided(arithmetic, plan.outputs);
            let back_parts = back.parts();
            self.team.for_each(back_parts + 1 + for_weights.parts(), |worker, index| {
                // SAFETY: every number comes once, from threads of different numbers, whichever of the two products it is
                // for; neither reads what the other writes.
                unsafe {
                    if index < back_parts {
                        back.run(worker, index);
                    } else if index == back_parts {
                        for_bias();
                    } else {
                        for_weights.run(worker, index - back_parts - 1);
                    }
                }
            });
            if !more {
                room.finished(plan);
            }
            std::mem::swap(&mut delta, &mut next);
            std::mem::swap(&mut turned, &mut next_turned);
        }
    }
}

/// A panel turned: as many samples as `to` has room for.
fn gather<T: Element>(set: InstructionSet, panel: &[T], width: usize, to: &mut [T]) {
    let units = panel.len() / width;
    product::turn(set, (panel, width), (units, to.len() / units), (to, units));
}

/// Up to a panel's width of rows, turned into a panel: lanes without a row are zero.
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
        let width = width_of::<T>();
        // Side by side, so that rows that lie anywhere are turned block by block.
        let mut copies = [[T::ZERO; TURNED]; MAX_LANES];
        let units = to.len() / width;
        for first in (0..units).step_by(TURNED) {
            let count = TURNED.min(units - first);
            for (i, copy) in copies.iter_mut().enumerate().take(rows) {
                copy[..count].copy_from_slice(&row(i)[first..first + count]);
            }
            let to = &mut to[first * width..(first + count) * width];
            turn_rows(s, (copies.as_flattened(), TURNED), (width, count), (to, width));
        }
    }
}
