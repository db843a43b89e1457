//! Every engine against the scalar reference.

use std::collections::HashSet;

use crate::support::compare::{assert_within, layer_error, max_norm_error, norm_error};
use crate::support::cover::{BATCHES, COMMON_OUTPUTS, Case, cases, quick, widths};
use crate::support::{
    EngineKind, HIDDEN, Numbers, Problem, SIZES, cast, engines, masks, network, outputs, poison, sample_weights,
};
use nn_kernels::reference::Extras;
use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, InstructionSet, reference};
use rayon::prelude::*;

/// What is allowed, in parts of the greatest number.
const BOUND_F32: f64 = 1e-4;
const BOUND_F64: f64 = 1e-12;

const DROPOUT: Dropout = Dropout { seed: 3, first_sample: 1_000_003 };

/// A step and its outcome by the reference, computed once for all engines.
struct Step {
    problem: Problem,
    /// λ/m.
    decay: f64,
    /// Whether the engine is given the samples in reverse, with an order that undoes it.
    ordered: bool,
    cost: f64,
    gradient: Vec<f64>,
    outputs: Vec<f64>,
    /// Cost and gradient with dropout, where the network has any.
    dropped: Option<(f64, Vec<f64>)>,
    /// Samples' weights, in some steps; cost and gradient with them, and with dropout where there is any.
    weighted: Option<(Vec<f64>, f64, Vec<f64>)>,
}

impl Step {
    fn new(architecture: Architecture, rows: usize, seed: u64, lambda: f64, ordered: bool) -> Self {
        let decay = lambda / rows as f64;
        let problem = Problem::new(architecture, rows, seed).in_f32();
        let Problem { architecture, theta, inputs, targets } = &problem;
        let forward = reference::forward(architecture, theta, inputs);
        let cost = reference::cost(architecture, theta, &forward, targets, decay);
        let backward = reference::backward(architecture, theta, &forward, targets, decay);
        let gradient = reference::flatten(&backward.gradient);
        let outputs = forward.output().to_samples();
        let drops = architecture.layers().iter().any(|layer| layer.dropout > 0.0);
        let masks = drops.then(|| masks(architecture, DROPOUT, rows));
        let with = |weights: Option<&Vec<f64>>, masks| {
            let extras = Extras { weights: weights.map(Vec::as_slice), masks };
            reference::gradient_with(architecture, theta, inputs, targets, decay, extras)
        };
        let dropped = masks.as_deref().map(|masks| with(None, Some(masks)));
        let weights = seed.is_multiple_of(3).then(|| sample_weights(rows, seed));
        let weighted = weights.as_ref().map(|weights| {
            let (cost, gradient) = with(Some(weights), masks.as_deref());
            (weights.clone(), cost, gradient)
        });
        Self { decay, ordered, cost, gradient, outputs, dropped, weighted, problem }
    }

    /// One engine's outcome is near the reference's.
    fn check<T: Element>(&self, kind: &EngineKind<T>, bound: f64) {
        let Problem { architecture, theta, inputs, targets } = &self.problem;
        let (rows, decay) = (self.problem.rows(), self.decay);
        let what = |part: &str| format!("{} {architecture}, {rows} rows, decay {decay}: {part}", kind.name);
        let mut engine = kind.make(architecture);

        // A step on NaN of more rows fills the scratch with it, as far as a step ever writes.
        let (x_width, y_width) = (architecture.inputs(), architecture.outputs());
        let (x, y) = (poison::<T>((rows + 3) * x_width), poison::<T>((rows + 3) * y_width));
        let mut gradient = poison::<T>(theta.len());
        let batch = Batch::new(architecture, &x, &y).expect("a batch");
        let ones = vec![T::ONE; rows + 3];
        let batch = if self.weighted.is_some() { batch.with_weights(&ones).expect("weights") } else { batch };
        let cost = engine.gradient(&poison(theta.len()), batch, decay, Some(DROPOUT), &mut gradient);
        assert!(cost.expect("a step").is_nan(), "{}", what("J of NaN"));

        let [theta, x, y] = [theta, inputs, targets].map(|values| cast::<T>(values));
        let (backwards, order): (_, Vec<u64>) = ([(&x, x_width), (&y, y_width)], (0..rows as u64).rev().collect());
        let backwards = backwards.map(|(values, width)| values.rchunks(width).flatten().copied().collect::<Vec<T>>());
        let batch = if self.ordered {
            Batch::new(architecture, &backwards[0], &backwards[1]).and_then(|batch| batch.with_order(&order))
        } else {
            Batch::new(architecture, &x, &y)
        };
        let batch = batch.expect("a batch");
        let mut step = |batch, dropout, expected_cost: f64, expected: &[f64]| {
            let mut gradient = poison::<T>(theta.len());
            let cost = engine.gradient(&theta, batch, decay, dropout, &mut gradient).expect("a step");
            assert_within((cost - expected_cost).abs() / expected_cost.abs().max(1.0), bound, &what("J"));
            let gradient = crate::support::widen(&gradient);
            assert_within(layer_error(architecture, &gradient, expected, norm_error), bound, &what("Δ"));
            assert_within(layer_error(architecture, &gradient, expected, max_norm_error), bound, &what("Δ, worst"));
            cost
        };
        if let Some((cost, gradient)) = &self.dropped {
            step(batch, Some(DROPOUT), *cost, gradient);
        }
        let mut costs = vec![(batch, step(batch, None, self.cost, &self.gradient))];
        let mut weights = Vec::new();
        if let Some((values, cost, gradient)) = &self.weighted {
            weights.extend(cast::<T>(values));
            if self.ordered {
                weights.reverse();
            }
            let batch = batch.with_weights(&weights).expect("weights");
            let found = step(batch, self.dropped.is_some().then_some(DROPOUT), *cost, gradient);
            if self.dropped.is_none() {
                costs.push((batch, found));
            }
        }
        let mut found = poison::<T>(y.len());
        engine.predict(&theta, &x, &mut found).expect("a prediction");
        assert_within(max_norm_error(&crate::support::widen(&found), &self.outputs), bound, &what("h"));
        for (batch, cost) in costs {
            let cost_alone = engine.cost(&theta, batch, decay).expect("a cost");
            assert_eq!(cost_alone.to_bits(), cost.to_bits(), "{}", what("J alone"));
            let mut outputs = poison::<T>(y.len());
            let evaluated = engine.evaluate(&theta, batch, decay, &mut outputs).expect("a cost and outputs");
            assert_eq!(evaluated.to_bits(), cost.to_bits(), "{}", what("J beside h"));
            assert!(outputs == found, "{}", what("h beside J"));
        }
    }
}

/// Checks the steps that `step` makes of `items` with all engines.
fn check_all<I: Sync>(items: &[I], step: impl Fn(usize, &I) -> Step + Sync) {
    let (engines32, engines64) = (engines::<f32>(), engines::<f64>());
    items.par_iter().enumerate().for_each(|(index, item)| {
        let step = step(index, item);
        engines32.iter().for_each(|kind| step.check(kind, BOUND_F32));
        engines64.iter().for_each(|kind| step.check(kind, BOUND_F64));
    });
}

#[test]
fn widths_batches_and_activations() {
    check_all(&cases(quick()), |index, case| {
        let Case { architecture, rows, lambda, ordered } = case;
        Step::new(architecture.clone(), *rows, index as u64, *lambda, *ordered)
    });
}

/// Every hidden activation with every output and loss.
#[test]
fn pairs_of_activations() {
    let mut problems = Vec::new();
    for sizes in &SIZES[..if quick() { 1 } else { SIZES.len() }] {
        for (output, loss) in outputs() {
            for (seed, hidden) in HIDDEN.into_iter().enumerate() {
                let architecture = network(sizes, hidden, output, loss);
                for (rows, lambda) in [(1, 0.0), (2, 1.0), (17, 3.0), (96, 1.0)] {
                    problems.push((architecture.clone(), rows, seed as u64, lambda));
                }
                if sizes.len() == 2 {
                    break; // no hidden layer, so nothing to vary
                }
            }
            if !quick() {
                problems.push((network(sizes, HIDDEN[1], output, loss), 1000, 99, 0.0));
            }
        }
    }
    check_all(&problems, |_, (architecture, rows, seed, lambda)| {
        Step::new(architecture.clone(), *rows, *seed, *lambda, false)
    });
}

/// `NN_SUITE_SETS=avx2,portable` in the environment says which instruction sets this CPU, real or emulated, must be
/// seen to have.
#[test]
fn the_sets_are_the_expected_ones() {
    crate::support::engines::report_missing_sets();
    if let Ok(expected) = std::env::var("NN_SUITE_SETS") {
        let found: Vec<_> = InstructionSet::available().map(InstructionSet::name).collect();
        assert_eq!(found.join(","), expected);
    }
}

#[test]
fn the_design_covers_what_it_promises() {
    let mut seen = HashSet::new();
    let cases = cases(false);
    for Case { architecture, rows, .. } in cases.iter().filter(|case| case.architecture.layers().len() > 1) {
        let (hidden, last) = (architecture.layers()[0], architecture.output_activation());
        for (role, width) in [("in", hidden.inputs), ("hidden", hidden.outputs), ("out", architecture.outputs())] {
            seen.insert(format!("{role} {width}, {rows} rows"));
        }
        seen.insert(format!("hidden {} {}", hidden.outputs, hidden.activation));
        seen.insert(format!("{rows} rows {}", hidden.activation));
        seen.insert(format!("out {} {last} {}", architecture.outputs(), architecture.loss()));
    }
    let mut expected = Vec::new();
    for width in widths() {
        for rows in BATCHES {
            expected.extend(["in", "hidden", "out"].map(|role| format!("{role} {width}, {rows} rows")));
        }
        expected.extend(HIDDEN.map(|activation| format!("hidden {width} {activation}")));
        let outputs = COMMON_OUTPUTS.into_iter().filter(|&(last, _)| width > 1 || last != Activation::Softmax);
        expected.extend(outputs.map(|(last, loss)| format!("out {width} {last} {loss}")));
    }
    expected.extend(BATCHES.into_iter().flat_map(|rows| HIDDEN.map(|g| format!("{rows} rows {g}"))));
    let missing: Vec<_> = expected.iter().filter(|pair| !seen.contains(*pair)).collect();
    assert!(missing.is_empty(), "{missing:?}");
    for layers in 1..=5 {
        assert!(cases.iter().any(|case| case.architecture.layers().len() == layers), "{layers} layers");
    }
    let quick: HashSet<usize> =
        crate::support::cover::cases(true).iter().map(|case| case.architecture.inputs()).collect();
    assert_eq!(quick.len(), widths().len());
}

/// In small whole numbers nothing is rounded, so every engine's cost and gradient are the reference's, to the bit.
fn whole_numbers_are_exact<T: Element>() {
    use nn_kernels::Loss;
    let networks: [&[usize]; 9] = [
        &[1, 1],
        &[2, 4, 4, 4],
        &[17, 33, 1],
        &[40, 31, 5, 9],
        &[65, 7, 23, 2],
        &[129, 20, 16],
        &[5, 97, 3],
        // Several blocks of k in every engine and set, forward and back.
        &[801, 9, 3],
        &[5, 9, 801, 3],
    ];
    for (index, sizes) in networks.into_iter().enumerate() {
        // With a power of two, 1/m is exact as well. The thinned suite leaves out the last, which is most of the work.
        let rows = [1, 2, 16, 128, 1024];
        for &rows in &rows[..if sizes.contains(&801) {
            3
        } else if quick() {
            4
        } else {
            5
        }] {
            let architecture = network(sizes, Activation::Relu, Activation::Linear, Loss::Mse);
            let mut numbers = Numbers::new(index as u64);
            let mut whole = |count: usize| -> Vec<f64> { (0..count).map(|_| numbers.below(3) as f64 - 1.0).collect() };
            let (theta, inputs, targets) =
                (whole(architecture.params()), whole(rows * sizes[0]), whole(rows * architecture.outputs()));
            let (cost, expected) = reference::gradient(&architecture, &theta, &inputs, &targets, 0.0);
            assert!(expected.iter().all(|g| (g * rows as f64).abs() < 2.0_f64.powi(21)), "exact sums in f32");
            let [theta, x, y] = [&theta, &inputs, &targets].map(|values| cast::<T>(values));
            let batch = Batch::new(&architecture, &x, &y).expect("a batch");
            for kind in engines::<T>() {
                let mut gradient = poison::<T>(theta.len());
                let found = kind.make(&architecture).gradient(&theta, batch, 0.0, None, &mut gradient);
                assert_eq!(found, Ok(cost), "{} {architecture} {rows}", kind.name);
                assert_eq!(crate::support::widen(&gradient), expected, "{} {architecture} {rows}", kind.name);
            }
        }
    }
}

#[test]
fn whole_numbers_are_exact_f32() {
    whole_numbers_are_exact::<f32>();
}

#[test]
fn whole_numbers_are_exact_f64() {
    whole_numbers_are_exact::<f64>();
}
