//! Every engine against the scalar reference.

mod support;

use nn_kernels::{Batch, Element, reference};
use support::compare::{assert_within, max_norm_error, norm_error};
use support::{EngineKind, HIDDEN, Problem, SIZES, cast, engines, network, outputs, poison, widen};

/// J, Δ and the outputs of `problem` by one engine and by the reference; `bound` is in parts of the greatest number.
fn check<T: Element>(kind: &EngineKind<T>, problem: &Problem, lambda: f64, bound: f64) {
    let Problem { architecture, .. } = problem;
    let what = format!("{} {architecture}, {} rows, λ = {lambda}", kind.name, problem.rows());
    let [theta, inputs, targets] = [&problem.theta, &problem.inputs, &problem.targets].map(|x| cast::<T>(x));
    let (expected_cost, expected) =
        reference::gradient(architecture, &widen(&theta), &widen(&inputs), &widen(&targets), lambda);

    let mut engine = (kind.make)(architecture);
    let batch = Batch::new(architecture, &inputs, &targets).expect("a batch");
    let mut gradient = poison::<T>(architecture.params());
    let cost = engine.gradient(&theta, batch, lambda, None, &mut gradient).expect("a step");
    assert_within((cost - expected_cost).abs() / expected_cost.abs().max(1.0), bound, &format!("{what}: J"));
    let gradient = widen(&gradient);
    assert_within(norm_error(&gradient, &expected), bound, &format!("{what}: Δ"));
    assert_within(max_norm_error(&gradient, &expected), bound, &format!("{what}: Δ, worst"));

    let cost_alone = engine.cost(&theta, batch, lambda).expect("a cost");
    assert_eq!(cost_alone.to_bits(), cost.to_bits(), "{what}: cost alone");

    let mut found = poison::<T>(targets.len());
    engine.predict(&theta, &inputs, &mut found).expect("a prediction");
    let expected = reference::forward(architecture, &widen(&theta), &widen(&inputs)).output().to_samples();
    assert_within(max_norm_error(&widen(&found), &expected), bound, &format!("{what}: h"));
}

fn check_all<T: Element>(bound: f64) {
    for kind in engines::<T>() {
        for sizes in SIZES {
            for (output, loss) in outputs() {
                for (seed, hidden) in HIDDEN.into_iter().enumerate() {
                    let architecture = network(sizes, hidden, output, loss);
                    for (rows, lambda) in [(1, 0.0), (2, 1.0), (17, 3.0), (96, 1.0)] {
                        check(&kind, &Problem::new(architecture.clone(), rows, seed as u64), lambda, bound);
                    }
                    if sizes.len() == 2 {
                        break; // no hidden layer, so nothing to vary
                    }
                }
                let architecture = network(sizes, HIDDEN[1], output, loss);
                check(&kind, &Problem::new(architecture, 1000, 99), 0.0, bound);
            }
        }
    }
}

#[test]
fn f64_is_the_reference() {
    check_all::<f64>(1e-12);
}

#[test]
fn f32_is_near_the_reference() {
    check_all::<f32>(1e-4);
}
