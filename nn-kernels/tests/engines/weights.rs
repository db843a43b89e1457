//! Samples' weights, in every engine.

use crate::support::compare::{assert_within, layer_error, max_norm_error};
use crate::support::{
    EngineKind, HIDDEN, Problem, cast, engines, in_bfloat16, network, outputs, poison, sample_weights, widen,
};
use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, Layer, Loss};

/// J, Δ and A^(L) of a step with weights, in a new engine.
fn step<T: Element>(
    kind: &EngineKind<T>,
    problem: &Problem,
    order: Option<&[u64]>,
    weights: Option<&[T]>,
    decay: f64,
) -> (f64, Vec<T>) {
    let architecture = &problem.architecture;
    let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<T>(values));
    let mut batch = Batch::new(architecture, &x, &y).expect("a batch");
    if let Some(weights) = weights {
        batch = batch.with_weights(weights).expect("weights");
    }
    if let Some(order) = order {
        batch = batch.with_order(order).expect("an order");
    }
    let mut engine = kind.make(architecture);
    let mut gradient = poison::<T>(theta.len());
    let cost = engine.gradient(&theta, batch, decay, None, &mut gradient).expect("a step");
    assert_eq!(engine.cost(&theta, batch, decay).map(f64::to_bits), Ok(cost.to_bits()), "{}", kind.name);
    (cost, gradient)
}

/// Networks of every output and loss, and of the shapes that engines treat each in a way of their own.
fn problems(rows: usize) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, (output, loss)) in outputs().into_iter().enumerate() {
        let widths = [&[3, 5, 4][..], &[2, 1], &[5, 20, 17], &[70, 33, 3], &[4, 6, 1]][index % 5];
        let network = network(widths, HIDDEN[index % HIDDEN.len()], output, loss);
        problems.push(Problem::new(network, rows, index as u64).in_f32());
    }
    problems
}

fn near<T: Element>(
    kind: &EngineKind<T>,
    problem: &Problem,
    found: &(f64, Vec<T>),
    expected: &(f64, Vec<T>),
    bound: f64,
) {
    let what = format!("{} {}", kind.name, problem.architecture);
    assert_within((found.0 - expected.0).abs() / expected.0.abs().max(1.0), bound, &what);
    let error = layer_error(&problem.architecture, &widen(&found.1), &widen(&expected.1), max_norm_error);
    assert_within(error, bound, &what);
}

/// A sample of weight 3 is three samples, and one of weight 0 none.
fn whole_weights_are_samples_repeated<T: Element>(kinds: &[EngineKind<T>], bound: f64) {
    for rows in [1, 7, 40, 300] {
        for problem in problems(rows) {
            let counts: Vec<usize> = (0..rows).map(|i| [2, 0, 1, 3][i % 4]).collect();
            let weights: Vec<T> = counts.iter().map(|&count| T::from_f64(count as f64)).collect();
            let order: Vec<u64> = counts.iter().enumerate().flat_map(|(i, &count)| vec![i as u64; count]).collect();
            for kind in kinds {
                let found = step(kind, &problem, None, Some(&weights), 0.01);
                near(kind, &problem, &found, &step(kind, &problem, Some(&order), None, 0.01), bound);
            }
        }
    }
}

#[test]
fn whole_weights_are_samples_repeated_f32() {
    whole_weights_are_samples_repeated::<f32>(&engines(), 1e-4);
}

#[test]
fn whole_weights_are_samples_repeated_f64() {
    whole_weights_are_samples_repeated::<f64>(&engines(), 1e-12);
}

/// The deltas of heavier samples are rounded to bfloat16 after the weight is in them, which a power of two does not change:
/// but three times a number may round elsewhere.
#[test]
fn whole_weights_are_samples_repeated_bf16() {
    whole_weights_are_samples_repeated::<f32>(&[in_bfloat16()], 2e-2);
}

/// Weights of any size: twice, 2⁴⁰ times or a 2³⁰th of them give the same bits.
fn only_ratios_matter<T: Element>(kinds: &[EngineKind<T>]) {
    for problem in problems(50) {
        let weights = cast::<T>(&sample_weights(50, 3));
        for kind in kinds {
            let bits = |scale: f64| {
                let weights: Vec<T> = weights.iter().map(|&weight| weight * T::from_f64(scale)).collect();
                let (cost, gradient) = step(kind, &problem, None, Some(&weights), 0.1);
                (cost.to_bits(), gradient.iter().map(|g| g.to_f64().to_bits()).collect::<Vec<_>>())
            };
            let once = bits(1.0);
            for power in [1, 40, 120, -30, -1] {
                let same = bits(2.0_f64.powi(power)) == once;
                assert!(same, "{} {}: 2^{power}", kind.name, problem.architecture);
            }
        }
    }
}

#[test]
fn only_ratios_matter_f32() {
    only_ratios_matter::<f32>(&engines());
}

#[test]
fn only_ratios_matter_f64() {
    only_ratios_matter::<f64>(&engines());
}

#[test]
fn only_ratios_matter_bf16() {
    only_ratios_matter::<f32>(&[in_bfloat16()]);
}

/// Weights that are all the same change no more than the last bits.
#[test]
fn equal_weights_are_none() {
    for problem in problems(33) {
        for kind in engines::<f32>() {
            let found = step(&kind, &problem, None, Some(&[0.7; 33]), 0.01);
            near(&kind, &problem, &found, &step(&kind, &problem, None, None, 0.01), 1e-5);
        }
    }
}

/// A sample of weight 0 adds nothing, whatever its target, and however large the cost that it would have.
#[test]
fn a_weight_of_0_is_no_sample() {
    for mut problem in problems(9) {
        let outputs = problem.architecture.outputs();
        let expected: Vec<_> = engines::<f32>()
            .iter()
            .map(|kind| step(kind, &problem, Some(&[0, 1, 2, 3, 4, 5, 6, 8]), None, 0.1))
            .collect();
        let mut weights = [1.0; 9];
        weights[7] = 0.0;
        for value in [f64::NAN, f64::INFINITY, 1e38] {
            problem.targets[7 * outputs..8 * outputs].fill(value);
            for (kind, expected) in engines::<f32>().iter().zip(&expected) {
                near(kind, &problem, &step(kind, &problem, None, Some(&weights), 0.1), expected, 1e-5);
            }
        }
    }
}

/// Where nothing weighs anything, the λ term is all there is.
#[test]
fn weights_of_0_leave_the_term_of_lambda() {
    for problem in problems(20) {
        for kind in engines::<f64>() {
            let (cost, gradient) = step(&kind, &problem, None, Some(&[0.0; 20]), 0.0);
            assert_eq!(cost, 0.0, "{} {}", kind.name, problem.architecture);
            assert!(gradient.iter().all(|&g| g == 0.0), "{} {}", kind.name, problem.architecture);
            let (cost, gradient) = step(&kind, &problem, None, Some(&[0.0; 20]), 0.5);
            let mut squares = 0.0;
            for range in problem.architecture.ranges() {
                squares += problem.theta[range.weights.clone()].iter().map(|w| w * w).sum::<f64>();
                for (gradient, theta) in gradient[range.weights.clone()].iter().zip(&problem.theta[range.weights]) {
                    assert_eq!(*gradient, 0.5 * theta, "{} {}", kind.name, problem.architecture);
                }
                assert!(gradient[range.bias].iter().all(|&g| g == 0.0));
            }
            assert_within((cost / (0.25 * squares) - 1.0).abs(), 1e-12, &kind.name);
        }
    }
}

/// One sample that has nearly all the weight, among many: nothing overflows on the way.
#[test]
fn one_heavy_sample_among_many() {
    let network = network(&[1, 1], Activation::Linear, Activation::Sigmoid, Loss::CrossEntropy);
    let mut weights = vec![1e-30_f32; 5000];
    weights[4321] = 1e30;
    let (mut x, y) = (vec![0.0_f32; 5000], vec![0.0_f32; 5000]);
    x[4321] = 1e30;
    for kind in engines::<f32>() {
        let batch = Batch::new(&network, &x, &y).and_then(|batch| batch.with_weights(&weights)).expect("a batch");
        let mut gradient = poison::<f32>(2);
        // z = 10³⁰, so that J = 10³⁰, and ∂J/∂w = x.
        let cost = kind.make(&network).gradient(&[1.0, 0.0], batch, 0.0, None, &mut gradient).expect("a step");
        assert_within((cost / 1e30 - 1.0).abs(), 1e-6, &kind.name);
        assert_within(f64::from((gradient[0] / 1e30 - 1.0).abs()), 1e-6, &kind.name);
        assert_eq!(gradient[1], 1.0, "{}", kind.name);
    }
}

/// A step with its update takes the weights as a gradient does, and so does one with dropout.
#[test]
fn steps_are_gradients_and_updates() {
    let layers = vec![Layer::new(9, 40, Activation::Tanh).with_dropout(0.25), Layer::new(40, 3, Activation::Softmax)];
    let architecture = Architecture::new(layers, Loss::CrossEntropy).expect("valid");
    let problem = Problem::new(architecture.clone(), 77, 4);
    let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<f32>(values));
    let weights = cast::<f32>(&sample_weights(77, 5));
    let batch = Batch::new(&architecture, &x, &y).and_then(|batch| batch.with_weights(&weights)).expect("a batch");
    let dropout = Some(Dropout { seed: 1, first_sample: 9 });
    for kind in engines::<f32>() {
        let mut engine = kind.make_bare(&architecture);
        let mut own = vec![0.0; engine.params()];
        engine.import(&theta, &mut own).expect("lengths");
        let [mut gradient, mut moved] = [(); 2].map(|()| poison::<f32>(engine.params()));
        let cost = engine.gradient(&own, batch, 0.1, dropout, &mut gradient).expect("a step");
        let span = nn_kernels::Span::new(&own, &mut moved);
        let stepped = engine.step(batch, 0.1, dropout, &crate::support::Descent, span).expect("a step");
        assert_eq!(stepped.cost.to_bits(), cost.to_bits(), "{}", kind.name);
        for ((moved, theta), gradient) in moved.iter().zip(&own).zip(&gradient) {
            assert_eq!(*moved, theta - 0.25 * gradient, "{}", kind.name);
        }
    }
}

/// Smoothed targets have the bits of the same targets made before the step, in every engine and set.
fn smoothed_targets_are_those_made_before<T: Element>(kinds: &[EngineKind<T>]) {
    let (keep, share) = (T::from_f64(0.9), T::from_f64(0.025));
    for problem in [1, 7, 40, 300].into_iter().flat_map(problems) {
        let rows = problem.inputs.len() / problem.architecture.inputs();
        let smoothed: Vec<T> = cast::<T>(&problem.targets).into_iter().map(|target| keep * target + share).collect();
        let order: Vec<u64> = (0..rows as u64).rev().collect();
        for kind in kinds {
            let [theta, x, y] = [&problem.theta, &problem.inputs, &problem.targets].map(|values| cast::<T>(values));
            let mut engine = kind.make(&problem.architecture);
            let mut bits = |targets: &[T], smooth: bool| {
                let batch = Batch::new(&problem.architecture, &x, targets).expect("a batch");
                let batch = batch.with_order(&order).expect("an order");
                let batch = if smooth { batch.with_smoothing(keep, share) } else { batch };
                let mut gradient = poison::<T>(theta.len());
                let cost = engine.gradient(&theta, batch, 0.01, None, &mut gradient).expect("a step");
                (cost.to_bits(), gradient.iter().map(|g| g.to_f64().to_bits()).collect::<Vec<_>>())
            };
            let same = bits(&y, true) == bits(&smoothed, false);
            assert!(same, "{} {} {rows}", kind.name, problem.architecture);
        }
    }
}

#[test]
fn smoothed_targets_are_those_made_before_f32() {
    smoothed_targets_are_those_made_before::<f32>(&engines());
}

#[test]
fn smoothed_targets_are_those_made_before_f64() {
    smoothed_targets_are_those_made_before::<f64>(&engines());
}
