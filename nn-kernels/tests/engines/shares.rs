//! Batches that are parts of a larger one, as each of several processes has them.

use crate::support::compare::{assert_within, layer_error, max_norm_error, norm_error};
use crate::support::cover::quick;
use crate::support::{
    EngineKind, HIDDEN, Numbers, Problem, cast, engines, in_bfloat16, masks, network, outputs, poison, sample_weights,
    widen,
};
use nn_kernels::reference::{self, Extras};
use nn_kernels::{Architecture, Batch, Dropout, Element, StepEngine};
use rayon::prelude::*;

const DROPOUT: Dropout = Dropout { seed: 5, first_sample: 700_001 };

/// Networks of every output and loss, of odd widths that engines treat each in a way of their own, of which every other
/// drops units.
fn problems() -> Vec<Problem> {
    let sizes: [&[usize]; 6] = [&[3, 5, 4], &[2, 1], &[5, 20, 17], &[70, 33, 31, 3], &[4, 6, 1], &[9, 130, 2]];
    let mut problems = Vec::new();
    for (index, (output, loss)) in outputs().into_iter().enumerate() {
        let network = network(sizes[index % sizes.len()], HIDDEN[index % HIDDEN.len()], output, loss);
        let mut layers = network.layers().to_vec();
        let hidden = layers.len() - 1;
        if index % 2 == 1 {
            layers[..hidden].iter_mut().for_each(|layer| *layer = layer.with_dropout(0.25));
        }
        let network = Architecture::new(layers, loss).expect("a valid network");
        let rows = [5, 17, 96, 700][index % if quick() { 3 } else { 4 }];
        problems.push(Problem::new(network, rows, index as u64).in_f32());
    }
    problems
}

/// Where `rows` are cut into `count` parts of unequal size, none of them empty.
fn cut(rows: usize, count: usize, seed: u64) -> Vec<usize> {
    let mut numbers = Numbers::new(seed);
    let mut ends: Vec<usize> = vec![0, rows];
    while ends.len() <= count {
        let end = 1 + numbers.below(rows - 1);
        if !ends.contains(&end) {
            ends.push(end);
        }
    }
    ends.sort_unstable();
    ends
}

/// The shares of cost and gradient that an engine computes of the parts between `ends`, added up. One part has the decay.
fn sum_of_shares<T: Element>(
    engine: &mut dyn StepEngine<T>,
    problem: &Problem,
    weights: Option<&[f64]>,
    (decay, decaying): (f64, usize),
    ends: &[usize],
) -> (f64, Vec<f64>) {
    let Problem { architecture, theta, inputs, targets } = problem;
    let [theta, x, y] = [theta, inputs, targets].map(|values| cast::<T>(values));
    let (x_width, y_width) = (architecture.inputs(), architecture.outputs());
    let own_weights = weights.map(cast::<T>);
    let total = weights.map_or(problem.rows() as f64, |weights| weights.iter().sum());
    let order: Vec<u64> = (0..problem.rows() as u64).collect();
    let whole = Batch::new(architecture, &x, &y).expect("a batch");
    let whole = own_weights.iter().fold(whole, |batch, weights| batch.with_weights(weights).expect("weights"));
    let (mut cost, mut sum) = (0.0, vec![0.0; theta.len()]);
    for (index, ends) in ends.windows(2).enumerate() {
        let rows = ends[0]..ends[1];
        // Named by an order of all samples, or cut out of them.
        let part = if index % 2 == 0 {
            whole.with_order(&order[rows.clone()]).expect("an order")
        } else {
            let (x, y) = (&x[rows.start * x_width..rows.end * x_width], &y[rows.start * y_width..rows.end * y_width]);
            let part = Batch::new(architecture, x, y).expect("a batch");
            own_weights.iter().fold(part, |part, own| part.with_weights(&own[rows.clone()]).expect("weights"))
        };
        let part = part.with_total(total);
        let decay = if index == decaying { decay } else { 0.0 };
        let dropout = Dropout { first_sample: DROPOUT.first_sample + rows.start as u64, ..DROPOUT };
        let mut gradient = poison::<T>(theta.len());
        cost += engine.gradient(&theta, part, decay, Some(dropout), &mut gradient).expect("a step");
        sum.iter_mut().zip(&gradient).for_each(|(sum, gradient)| *sum += gradient.to_f64());
    }
    (cost, sum)
}

fn shares_add_up_to_the_whole<T: Element>(kinds: &[EngineKind<T>], bound: f64) {
    problems().par_iter().enumerate().for_each(|(seed, problem)| {
        let Problem { architecture, theta, inputs, targets } = problem;
        let rows = problem.rows();
        let masks = masks(architecture, DROPOUT, rows);
        let drops = architecture.layers().iter().any(|layer| layer.dropout > 0.0);
        for weights in [None, Some(sample_weights(rows, seed as u64))] {
            let decay = 2.0 / rows as f64;
            let extras = Extras { weights: weights.as_deref(), masks: drops.then_some(&masks) };
            let (cost, gradient) = reference::gradient_with(architecture, theta, inputs, targets, decay, extras);
            for kind in kinds {
                // One engine for all, whose memory has been filled by parts of other sizes.
                let mut engine = kind.make(architecture);
                for count in 1..=rows.min(5) {
                    let ends = cut(rows, count, seed as u64);
                    let found = sum_of_shares(&mut *engine, problem, weights.as_deref(), (decay, count / 2), &ends);
                    let what = format!("{} {architecture}, parts between {ends:?}", kind.name);
                    assert_within((found.0 - cost).abs() / cost.abs().max(1.0), bound, &what);
                    for error in [norm_error, max_norm_error] {
                        assert_within(layer_error(architecture, &found.1, &gradient, error), bound, &what);
                    }
                }
            }
        }
    });
}

#[test]
fn shares_add_up_to_the_whole_f32() {
    shares_add_up_to_the_whole::<f32>(&engines(), 1e-4);
}

#[test]
fn shares_add_up_to_the_whole_f64() {
    shares_add_up_to_the_whole::<f64>(&engines(), 1e-12);
}

/// In bfloat16, which rounds the same wherever a batch is cut, since weights are brought to their size by powers of two: the whole is
/// the engine's own.
#[test]
fn shares_add_up_to_the_whole_bf16() {
    let kind = in_bfloat16();
    for (seed, problem) in problems().iter().enumerate() {
        let (architecture, rows) = (&problem.architecture, problem.rows());
        let mut engine = kind.make(architecture);
        for weights in [None, Some(sample_weights(rows, seed as u64))] {
            let mut sum = |ends: &[usize]| sum_of_shares(&mut *engine, problem, weights.as_deref(), (0.1, 0), ends);
            let (cost, gradient) = sum(&[0, rows]);
            for count in 2..=rows.min(5) {
                let ends = cut(rows, count, seed as u64);
                let (found_cost, found) = sum(&ends);
                let what = format!("{} {architecture}, parts between {ends:?}", kind.name);
                assert_within((found_cost - cost).abs() / cost.abs().max(1.0), 1e-4, &what);
                assert_within(layer_error(architecture, &found, &gradient, max_norm_error), 1e-4, &what);
            }
        }
    }
}

/// J and Δ of all rows as a part of what weighs `total`, in a new engine.
fn share<T: Element>(kind: &EngineKind<T>, problem: &Problem, weights: &[T], total: f64, decay: f64) -> (f64, Vec<T>) {
    let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<T>(values));
    let batch = Batch::new(&problem.architecture, &x, &y).and_then(|batch| batch.with_weights(weights));
    let batch = batch.expect("a batch").with_total(total);
    let mut engine = kind.make(&problem.architecture);
    let mut gradient = poison::<T>(theta.len());
    let cost = engine.gradient(&theta, batch, decay, None, &mut gradient).expect("a step");
    assert_eq!(engine.cost(&theta, batch, decay).map(f64::to_bits), Ok(cost.to_bits()), "{}", kind.name);
    (cost, gradient)
}

/// Of weights and their total only ratios matter, to the bit, where both are a power of two larger or smaller.
fn weights_and_their_total_may_have_any_size<T: Element>(kinds: &[EngineKind<T>], powers: &[i32]) {
    for problem in problems() {
        let weights = sample_weights(problem.rows(), 3);
        let total = 2.5 * weights.iter().sum::<f64>();
        for kind in kinds {
            let bits = |scale: f64| {
                let weights: Vec<T> = weights.iter().map(|&weight| T::from_f64(weight * scale)).collect();
                let (cost, gradient) = share(kind, &problem, &weights, total * scale, 0.1);
                (cost.to_bits(), gradient.iter().map(|g| g.to_f64().to_bits()).collect::<Vec<_>>())
            };
            let once = bits(1.0);
            for &power in powers {
                assert!(bits(2.0_f64.powi(power)) == once, "{} {}: 2^{power}", kind.name, problem.architecture);
            }
        }
    }
}

#[test]
fn weights_and_their_total_may_have_any_size_f32() {
    weights_and_their_total_may_have_any_size::<f32>(&engines(), &[1, 40, 120, -30, -100]);
}

#[test]
fn weights_and_their_total_may_have_any_size_f64() {
    weights_and_their_total_may_have_any_size::<f64>(&engines(), &[-1, 120, 1000, -900]);
}

/// The smaller a part's weights beside the total, the smaller its share, in proportion, until it rounds to 0.
fn light_parts_have_small_shares<T: Element>(kinds: &[EngineKind<T>], bound: f64) {
    for problem in problems() {
        let architecture = &problem.architecture;
        let weights = sample_weights(problem.rows(), 3);
        let sum: f64 = weights.iter().sum();
        for kind in kinds {
            let whole = share(kind, &problem, &cast::<T>(&weights), sum, 0.0);
            for ratio in [1.0_f64, 3.0, 1e6, 1e20, 1e30] {
                // The weights are small, or the total is great.
                for scale in [1.0, 1e-25 / ratio.min(1e5)] {
                    let own: Vec<T> = weights.iter().map(|&weight| T::from_f64(weight * scale)).collect();
                    let own_sum: f64 = own.iter().map(|weight| weight.to_f64()).sum();
                    let (cost, gradient) = share(kind, &problem, &own, own_sum * ratio, 0.0);
                    let what = format!("{} {architecture}: a share of 1/{ratio:e}", kind.name);
                    assert_within((cost * ratio - whole.0).abs() / whole.0.abs().max(1.0), bound, &what);
                    let found: Vec<f64> = gradient.iter().map(|g| g.to_f64() * ratio).collect();
                    let error = layer_error(architecture, &found, &widen(&whole.1), max_norm_error);
                    assert_within(error, bound, &what);
                }
            }
            // Beyond the numbers of the type, and beyond those of f64.
            for total in [1e60 * sum, f64::MAX] {
                let own: Vec<T> = weights.iter().map(|&weight| T::from_f64(weight * 1e-30)).collect();
                let (cost, gradient) = share(kind, &problem, &own, total, 0.0);
                let what = format!("{} {architecture}: a total of {total:e}", kind.name);
                assert_within(cost.abs(), 1e-60, &what);
                let greatest = gradient.iter().fold(0.0, |greatest: f64, g| {
                    assert!(g.is_finite(), "{what}");
                    greatest.max(g.to_f64().abs())
                });
                assert_within(greatest, 1e-60, &what);
            }
        }
    }
}

#[test]
fn light_parts_have_small_shares_f32() {
    light_parts_have_small_shares::<f32>(&engines(), 1e-4);
}

#[test]
fn light_parts_have_small_shares_f64() {
    light_parts_have_small_shares::<f64>(&engines(), 1e-12);
}

/// A part in which nothing weighs anything adds nothing but the λ term, whatever its targets and the total.
fn a_part_of_weight_0_adds_nothing<T: Element>(kinds: &[EngineKind<T>]) {
    for mut problem in problems() {
        let none = vec![T::ZERO; problem.rows()];
        problem.targets[0] = f64::NAN;
        for kind in kinds {
            for total in [0.0, 1e-300, 1.0, 4.0, 1e30, f64::MAX] {
                let what = format!("{} {}, total {total:e}", kind.name, problem.architecture);
                let (cost, gradient) = share(kind, &problem, &none, total, 0.0);
                assert!(cost == 0.0 && gradient.iter().all(|&g| g == T::ZERO), "{what}");
                let (cost, gradient) = share(kind, &problem, &none, total, 0.5);
                assert!(cost > 0.0 && cost.is_finite(), "{what}: {cost}");
                for range in problem.architecture.ranges() {
                    let theta = &problem.theta[range.weights.clone()];
                    let expected = theta.iter().map(|&theta| T::from_f64(0.5 * theta));
                    assert!(gradient[range.weights].iter().copied().eq(expected), "{what}");
                    assert!(gradient[range.bias].iter().all(|&g| g == T::ZERO), "{what}");
                }
            }
        }
    }
}

#[test]
fn a_part_of_weight_0_adds_nothing_f32() {
    a_part_of_weight_0_adds_nothing::<f32>(&engines());
}

#[test]
fn a_part_of_weight_0_adds_nothing_f64() {
    a_part_of_weight_0_adds_nothing::<f64>(&engines());
}
