//! What every engine promises besides being near the reference.

use crate::support::compare::{assert_within, layer_error, max_norm_error};
use crate::support::{EngineKind, HIDDEN, Problem, cast, engines, masks, network, outputs, poison, widen};
use nn_kernels::reference::{self, Extras, Matrix};
use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, Layer, Loss, StepError, predict_one};

/// A gradient and its cost, as bits, so that NaN and -0 count.
fn bits<T: Element>(cost: f64, gradient: &[T]) -> (u64, Vec<u64>) {
    (cost.to_bits(), gradient.iter().map(|g| g.to_f64().to_bits()).collect())
}

/// One step of a new engine.
fn step<T: Element>(
    kind: &EngineKind<T>,
    problem: &Problem,
    order: Option<&[u64]>,
    lambda: f64,
    dropout: Option<Dropout>,
) -> (f64, Vec<T>) {
    let [theta, inputs, targets] = [&problem.theta, &problem.inputs, &problem.targets].map(|x| cast::<T>(x));
    let mut batch = Batch::new(&problem.architecture, &inputs, &targets).expect("a batch");
    if let Some(order) = order {
        batch = batch.with_order(order).expect("an order");
    }
    let mut gradient = poison(theta.len());
    let cost =
        kind.make(&problem.architecture).gradient(&theta, batch, lambda / batch.rows() as f64, dropout, &mut gradient);
    (cost.expect("a step"), gradient)
}

/// A network of several portions at 2,500 rows, with dropout in both hidden layers.
fn portions_problem() -> Problem {
    let layers = vec![
        Layer::new(65, 70, Activation::Tanh).with_dropout(0.2),
        Layer::new(70, 31, Activation::Relu).with_dropout(0.5),
        Layer::new(31, 3, Activation::Softmax),
    ];
    Problem::new(Architecture::new(layers, Loss::CrossEntropy).expect("valid"), 2500, 5)
}

#[test]
fn the_bias_knows_nothing_of_lambda() {
    for kind in engines::<f32>() {
        for (output, loss) in outputs() {
            let problem = Problem::new(network(&[3, 17, 5], Activation::Tanh, output, loss), 300, 2);
            let (free_cost, free) = step(&kind, &problem, None, 0.0, None);
            let (cost, decayed) = step(&kind, &problem, None, 3.0, None);
            assert!(cost > free_cost);
            for range in problem.architecture.ranges() {
                let (free_bias, bias) = (&free[range.bias.clone()], &decayed[range.bias]);
                assert_eq!(bits(0.0, free_bias), bits(0.0, bias), "{} {output} {loss}", kind.name);
                assert!(free[range.weights.clone()] != decayed[range.weights], "{} {output} {loss}", kind.name);
            }
        }
    }
}

#[test]
fn an_order_is_the_same_as_gathering_first() {
    for kind in engines::<f32>() {
        for (rows, taken) in [(5, 17), (40, 1), (3000, 2000)] {
            let problem = Problem::new(network(&[20, 9, 4], Activation::Silu, Activation::Linear, Loss::Mse), rows, 8);
            let order: Vec<u64> = (0..taken).map(|i: u64| (i * 31 + 3) % rows as u64).collect();
            let gather = |values: &[f64], width: usize| -> Vec<f64> {
                order.iter().flat_map(|&i| values[i as usize * width..][..width].to_vec()).collect()
            };
            let gathered = Problem {
                inputs: gather(&problem.inputs, 20),
                targets: gather(&problem.targets, 4),
                ..problem.clone()
            };
            let (cost, gradient) = step(&kind, &problem, Some(&order), 1.0, None);
            let (expected_cost, expected) = step(&kind, &gathered, None, 1.0, None);
            assert_eq!(bits(cost, &gradient), bits(expected_cost, &expected), "{}", kind.name);
        }
    }
}

/// Dropout's masks, and nothing else.
fn dropped(masks: &[Matrix]) -> Extras<'_> {
    Extras { masks: Some(masks), ..Extras::default() }
}

#[test]
fn dropout_is_the_reference_with_its_masks() {
    let dropout = Dropout { seed: 11, first_sample: 1_000_003 };
    for (activation, sizes) in HIDDEN.into_iter().zip([[5, 16, 17, 2], [3, 1, 40, 1], [2, 33, 15, 3]].iter().cycle()) {
        let layers = vec![
            Layer::new(sizes[0], sizes[1], activation).with_dropout(0.25),
            Layer::new(sizes[1], sizes[2], activation).with_dropout(0.5),
            Layer::new(sizes[2], sizes[3], Activation::Sigmoid),
        ];
        let architecture = Architecture::new(layers, Loss::CrossEntropy).expect("valid");
        for rows in [1, 700] {
            let problem = Problem::new(architecture.clone(), rows, 4);
            let Problem { architecture, theta, inputs, targets } = &problem;
            let masks = masks(architecture, dropout, rows);
            let (expected_cost, expected) =
                reference::gradient_with(architecture, theta, inputs, targets, 1.0 / rows as f64, dropped(&masks));
            for kind in engines::<f64>() {
                let (cost, gradient) = step(&kind, &problem, None, 1.0, Some(dropout));
                let what = format!("{} {architecture} {rows}", kind.name);
                assert_within((cost - expected_cost).abs() / expected_cost, 1e-12, &what);
                assert_within(layer_error(architecture, &gradient, &expected, max_norm_error), 1e-12, &what);
                // A later batch of the same run drops the units that its samples' numbers say.
                if rows > 1 {
                    let half = |values: &[f64], width: usize| values[rows / 2 * width..].to_vec();
                    let rest = Problem {
                        inputs: half(inputs, architecture.inputs()),
                        targets: half(targets, architecture.outputs()),
                        ..problem.clone()
                    };
                    let later = Dropout { first_sample: dropout.first_sample + rows as u64 / 2, ..dropout };
                    let masks: Vec<Matrix> = masks
                        .iter()
                        .map(|m| Matrix::from_samples(&half(&m.to_samples(), m.rows()), m.rows()))
                        .collect();
                    let (_, expected) = reference::gradient_with(
                        architecture,
                        theta,
                        &rest.inputs,
                        &rest.targets,
                        0.0,
                        dropped(&masks),
                    );
                    let (_, gradient) = step(&kind, &rest, None, 0.0, Some(later));
                    let error = layer_error(architecture, &gradient, &expected, max_norm_error);
                    assert_within(error, 1e-12, &format!("{what}, later"));
                }
            }
        }
    }
}

#[test]
fn without_dropout_nothing_is_dropped() {
    let problem = portions_problem();
    let layers = problem.architecture.layers().iter().map(|layer| layer.with_dropout(0.0)).collect();
    let dry =
        Problem { architecture: Architecture::new(layers, Loss::CrossEntropy).expect("valid"), ..problem.clone() };
    for kind in engines::<f32>() {
        let (cost, gradient) = step(&kind, &problem, None, 0.0, None);
        let (dry_cost, dry_gradient) = step(&kind, &dry, None, 0.0, Some(Dropout { seed: 1, first_sample: 0 }));
        assert_eq!(bits(cost, &gradient), bits(dry_cost, &dry_gradient), "{}", kind.name);
    }
}

/// NaN in any number that goes in is seen in what comes out; so is infinity in a sample.
fn nothing_is_swallowed<T: Element>() {
    for kind in engines::<T>() {
        for (output, loss) in outputs() {
            for hidden in HIDDEN {
                let problem = Problem::new(network(&[2, 3, 2], hidden, output, loss), 3, 6);
                let seen = |broken: &Problem, what: &str, place: usize| {
                    let (cost, gradient) = step(&kind, broken, None, 1.0, None);
                    let finite = cost.is_finite() && gradient.iter().all(|g| g.is_finite());
                    assert!(!finite, "{} {hidden} {output} {loss}: {what}[{place}]", kind.name);
                };
                for place in 0..problem.theta.len() {
                    let mut broken = problem.clone();
                    broken.theta[place] = f64::NAN;
                    seen(&broken, "NaN in theta", place);
                }
                for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    for place in 0..problem.inputs.len() {
                        let mut broken = problem.clone();
                        broken.inputs[place] = value;
                        seen(&broken, "not finite in inputs", place);
                    }
                    for place in 0..problem.targets.len() {
                        let mut broken = problem.clone();
                        broken.targets[place] = value;
                        seen(&broken, "not finite in targets", place);
                    }
                }
            }
        }
    }
}

/// What is no number in one sample stays with it: the other samples' outputs are the same bits without it.
fn samples_are_apart<T: Element>() {
    for kind in engines::<T>() {
        for (widths, rows) in [(&[33, 129, 3][..], 20), (&[5, 40, 17, 1], 97)] {
            let architecture = network(widths, Activation::Tanh, Activation::Sigmoid, Loss::CrossEntropy);
            let problem = Problem::new(architecture.clone(), rows, 8);
            let [theta, inputs] = [&problem.theta, &problem.inputs].map(|values| cast::<T>(values));
            let mut engine = kind.make(&architecture);
            let mut predict = |inputs: &[T]| {
                let mut outputs = poison::<T>(rows * architecture.outputs());
                engine.predict(&theta, inputs, &mut outputs).expect("a prediction");
                outputs
            };
            let whole = predict(&inputs);
            for broken in [0, 7, rows - 1] {
                let mut inputs = inputs.clone();
                inputs[broken * widths[0]..][..widths[0]].fill(T::from_f64(f64::NAN));
                let found = predict(&inputs);
                let rows = found.chunks_exact(architecture.outputs()).zip(whole.chunks_exact(architecture.outputs()));
                for (row, (found, whole)) in rows.enumerate() {
                    let right = if row == broken { found.iter().all(|a| a.to_f64().is_nan()) } else { found == whole };
                    assert!(right, "{} {architecture}, NaN in sample {broken}: sample {row} is {found:?}", kind.name);
                }
            }
        }
    }
}

#[test]
fn samples_are_apart_f32() {
    samples_are_apart::<f32>();
}

#[test]
fn samples_are_apart_f64() {
    samples_are_apart::<f64>();
}

#[test]
fn nothing_is_swallowed_f32() {
    nothing_is_swallowed::<f32>();
}

#[test]
fn nothing_is_swallowed_f64() {
    nothing_is_swallowed::<f64>();
}

/// z of ±`magnitude` at every output: the cost is finite wherever the reference's is.
fn cost_is_finite<T: Element>(magnitude: f64, near: f64) {
    for (output, loss) in outputs() {
        // z = w · 1, with weights of either sign and 0.
        let architecture = network(&[1, 3], output, output, loss);
        let theta = [magnitude, -magnitude, 0.0, 0.0, 0.0, 0.0];
        for y in [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.25, 0.25, 0.5]] {
            let forward = reference::forward(&architecture, &theta, &[1.0]);
            let expected = reference::cost(&architecture, &theta, &forward, &y, 0.0);
            for kind in engines::<T>() {
                let (theta, x, y) = (cast::<T>(&theta), [T::ONE], cast::<T>(&y));
                let batch = Batch::new(&architecture, &x, &y).expect("a batch");
                let mut engine = kind.make(&architecture);
                let mut gradient = poison::<T>(theta.len());
                let cost = engine.gradient(&theta, batch, 0.0, None, &mut gradient).expect("a step");
                let what = format!("{} {output} {loss}, z = ±{magnitude:e}, y = {y:?}", kind.name);
                // The squared error of z itself has no finite value near the end of f64.
                let overflows = loss == Loss::Mse && magnitude > 1e200 && cost.is_infinite();
                assert!(cost.is_finite() || overflows, "{what}: {cost}");
                if !overflows {
                    assert_within((cost - expected).abs() / expected.max(1.0), near, &what);
                }
                let saturated = matches!(loss, Loss::CrossEntropy | Loss::Mae | Loss::Huber(_));
                assert!(!saturated || gradient.iter().all(|g| g.is_finite()), "{what}: {gradient:?}");
            }
        }
    }
}

#[test]
fn the_cost_is_finite_for_finite_z() {
    for magnitude in [100.0, 1e4, 1e30, 3e38] {
        cost_is_finite::<f32>(magnitude, 1e-6);
    }
    // A sample whose two wrong outputs each cost 8e307 costs 1.6e308, just below the end of f64.
    for magnitude in [100.0, 1e4, 1e30, 1e300, 8e307] {
        cost_is_finite::<f64>(magnitude, 1e-12);
    }
}

/// The λ term is added up in f64: 10²⁰ squared is past the end of f32.
#[test]
fn the_term_of_lambda_is_in_f64() {
    for sizes in [&[1, 1][..], &[3, 40, 2]] {
        let architecture = network(sizes, Activation::Tanh, Activation::Linear, Loss::Mse);
        let mut theta = vec![0.0_f32; architecture.params()];
        theta[0] = 1e20;
        let (x, y) = (vec![0.0; sizes[0]], vec![0.0; architecture.outputs()]);
        let batch = Batch::new(&architecture, &x, &y).expect("a batch");
        for kind in engines::<f32>() {
            let mut engine = kind.make(&architecture);
            let mut gradient = poison(theta.len());
            let cost = engine.gradient(&theta, batch, 1.0, None, &mut gradient).expect("a step");
            assert_within((cost / 5e39 - 1.0).abs(), 1e-6, &kind.name);
            assert_eq!(engine.cost(&theta, batch, 1.0), Ok(cost), "{}", kind.name);
            assert_eq!(engine.evaluate(&theta, batch, 1.0, &mut vec![0.0; y.len()]), Ok(cost), "{}", kind.name);
            assert_eq!(gradient[0], 1e20, "{}", kind.name);
            // A decay that rounds to 0 in f32 has its term, too.
            let cost = engine.gradient(&theta, batch, 1e-50, None, &mut gradient).expect("a step");
            assert_within((cost / 5e-11 - 1.0).abs(), 1e-6, &kind.name);
            assert_eq!(engine.cost(&theta, batch, 1e-50), Ok(cost), "{}", kind.name);
        }
    }
}

#[test]
fn room_for_nothing_is_no_room() {
    let architecture = network(&[3, 40, 2], Activation::Tanh, Activation::Linear, Loss::Mse);
    for kind in engines::<f32>() {
        let mut engine = kind.make_bare(&architecture);
        let before = engine.scratch_bytes();
        assert_eq!(engine.reserve(0, true), Ok(()), "{}", kind.name);
        assert_eq!(engine.scratch_bytes(), before, "{}", kind.name);
        assert_eq!(engine.reserve(5000, true), Ok(()), "{}", kind.name);
        assert!(engine.scratch_bytes() > before, "{}", kind.name);
    }
}

/// A mean of costs near the end of f64 is finite although their sum is not.
#[test]
fn the_mean_does_not_overflow() {
    let architecture = network(&[1, 1], Activation::Sigmoid, Activation::Sigmoid, Loss::CrossEntropy);
    for kind in engines::<f64>() {
        let batch = Batch::new(&architecture, &[1.0; 100], &[0.0; 100]).expect("a batch");
        let cost = kind.make(&architecture).cost(&[1.7e308, 0.0], batch, 0.0).expect("a cost");
        assert_within((cost / 1.7e308 - 1.0).abs(), 1e-12, &kind.name);
    }
}

/// In several portions and shards, of which the last are not full, each row has its own output, in whatever order.
fn every_row_of_a_large_batch_has_its_output<T: Element>(bound: f64) {
    let network = network(&[65, 33, 2], Activation::Tanh, Activation::Sigmoid, Loss::CrossEntropy);
    let problem = Problem::new(network, 1000, 3).in_f32();
    let architecture = &problem.architecture;
    let expected = reference::forward(architecture, &problem.theta, &problem.inputs).output().to_samples();
    let [theta, inputs, targets] = [&problem.theta, &problem.inputs, &problem.targets].map(|x| cast::<T>(x));
    let order: Vec<u64> = (0..1000).rev().collect();
    for kind in engines::<T>() {
        let mut engine = kind.make(architecture);
        let mut outputs = poison::<T>(expected.len());
        engine.predict(&theta, &inputs, &mut outputs).expect("predictions");
        assert_within(max_norm_error(&widen(&outputs), &expected), bound, &kind.name);
        let batch = Batch::new(architecture, &inputs, &targets).and_then(|batch| batch.with_order(&order));
        engine.evaluate(&theta, batch.expect("a batch"), 0.0, &mut outputs).expect("a cost and outputs");
        let forwards: Vec<T> = outputs.rchunks(2).flatten().copied().collect();
        assert_within(max_norm_error(&widen(&forwards), &expected), bound, &kind.name);
    }
}

#[test]
fn every_row_of_a_large_batch_has_its_output_in_both_types() {
    every_row_of_a_large_batch_has_its_output::<f32>(1e-5);
    every_row_of_a_large_batch_has_its_output::<f64>(1e-12);
}

#[test]
fn one_sample_is_a_row_of_many() {
    for (output, loss) in outputs() {
        for sizes in [&[2, 4, 4, 4][..], &[1, 1], &[65, 33, 2], &[7, 40, 41, 1]] {
            let problem = Problem::new(network(sizes, Activation::Tanh, output, loss), 3, 9);
            let Problem { architecture, theta, inputs, .. } = &problem;
            let expected = reference::forward(architecture, theta, inputs).output().to_samples();
            let (theta32, inputs32) = (cast::<f32>(theta), cast::<f32>(inputs));
            let (mut scratch, mut scratch32) = (Vec::new(), Vec::new());
            let (width, out_width) = (architecture.inputs(), architecture.outputs());
            for (i, expected) in expected.chunks(out_width).enumerate() {
                let mut out = poison::<f64>(out_width);
                predict_one(architecture, theta, &inputs[i * width..][..width], &mut out, &mut scratch).expect("h");
                assert_within(max_norm_error(&out, expected), 1e-12, "f64");
                let mut out = poison::<f32>(out_width);
                predict_one(architecture, &theta32, &inputs32[i * width..][..width], &mut out, &mut scratch32)
                    .expect("h");
                assert_within(max_norm_error(&widen(&out), expected), 1e-5, "f32");
            }
        }
    }
    let architecture = network(&[2, 2], Activation::Tanh, Activation::Tanh, Loss::Mse);
    let mut out = [7.0; 2];
    let short = predict_one(&architecture, &[0.0; 6], &[0.0], &mut out, &mut Vec::new());
    assert_eq!(short, Err(StepError::Length { what: "input", expected: 2, found: 1 }));
    assert_eq!(out, [7.0; 2]);
}

#[test]
fn wrong_arguments_are_errors_and_change_nothing() {
    let architecture = network(&[2, 3, 1], Activation::Tanh, Activation::Sigmoid, Loss::CrossEntropy);
    let other = network(&[3, 1], Activation::Tanh, Activation::Sigmoid, Loss::CrossEntropy);
    let params = architecture.params();
    let no_rows = |what| StepError::NoRows { what };
    let new = |inputs: &[f32], targets: &[f32]| Batch::new(&architecture, inputs, targets).map(|b| b.rows());
    assert_eq!(new(&[], &[]), Err(no_rows("inputs")));
    assert_eq!(new(&[1.0, 2.0], &[]), Err(no_rows("targets")));
    assert_eq!(new(&[1.0; 3], &[1.0]), Err(StepError::Ragged { what: "inputs", len: 3, width: 2 }));
    assert_eq!(new(&[1.0; 4], &[1.0]), Err(StepError::Rows { what: "targets", expected: 2, found: 1 }));
    let batch = Batch::new(&architecture, &[1.0_f32; 4], &[1.0; 2]).expect("two samples");
    assert_eq!(batch.with_order(&[]), Err(no_rows("order")));
    assert_eq!(batch.with_order(&[0, 1, 2]), Err(StepError::Order { position: 2, index: 2, rows: 2 }));
    // An index is not cut off to fewer bits.
    let index = 1 << 32;
    assert_eq!(batch.with_order(&[0, index]), Err(StepError::Order { position: 1, index, rows: 2 }));
    assert_eq!(batch.with_weights(&[1.0]), Err(StepError::Rows { what: "weights", expected: 2, found: 1 }));
    let ordered = batch.with_order(&[0]).expect("an order");
    assert!(ordered.with_weights(&[1.0; 2]).is_ok(), "one a sample, not one a row of the order");
    for (value, shown) in [(-1.0, "-1"), (f32::NAN, "NaN"), (f32::INFINITY, "inf")] {
        let error = batch.with_weights(&[1.0, value]).map(|_| ()).expect_err("no weight").to_string();
        assert_eq!(error, format!("weights[1] is {shown}, expected a finite number ≥ 0"));
    }

    for kind in engines::<f32>() {
        let mut engine = kind.make(&architecture);
        let theta = vec![0.1; params];
        let mut gradient = vec![7.0; params];
        let length = |what, found| Err(StepError::Length { what, expected: params, found });
        assert_eq!(engine.gradient(&theta[1..], batch, 0.0, None, &mut gradient), length("theta", params - 1));
        assert_eq!(engine.gradient(&theta, batch, 0.0, None, &mut gradient[2..]), length("gradient", params - 2));
        assert_eq!(engine.cost(&[], batch, 0.0), length("theta", 0));
        for decay in [-1.0, f64::NAN, f64::INFINITY] {
            for error in [engine.gradient(&theta, batch, decay, None, &mut gradient), engine.cost(&theta, batch, decay)]
            {
                let message = error.expect_err("no strength").to_string();
                assert_eq!(message, format!("decay is {decay}, expected a finite number ≥ 0"));
            }
        }
        let foreign = Batch::new(&other, &[1.0_f32; 3], &[1.0]).expect("one sample");
        let width = Err(StepError::Width { what: "inputs", expected: 2, found: 3 });
        assert_eq!(engine.gradient(&theta, foreign, 0.0, None, &mut gradient), width);
        assert_eq!(engine.cost(&theta, foreign, 0.0), width);
        let mut outputs = [7.0; 2];
        assert_eq!(engine.evaluate(&theta, foreign, 0.0, &mut outputs), width);
        let rows = Err(StepError::Rows { what: "outputs", expected: 2, found: 1 });
        assert_eq!(engine.evaluate(&theta, batch, 0.0, &mut outputs[1..]), rows);
        assert_eq!(engine.predict(&theta, &[], &mut []), Err(no_rows("inputs")));
        let rows = Err(StepError::Rows { what: "outputs", expected: 1, found: 2 });
        assert_eq!(engine.predict(&theta, &[1.0; 2], &mut outputs), rows);
        assert_eq!((gradient, outputs), (vec![7.0; params], [7.0; 2]), "{}", kind.name);
    }
}

#[test]
fn scratch_does_not_grow_with_the_batch() {
    for kind in engines::<f32>() {
        let bytes = |rows: usize| {
            let problem = Problem::new(network(&[65, 33, 2], Activation::Tanh, Activation::Linear, Loss::Mse), rows, 1);
            let [theta, inputs, targets] = [&problem.theta, &problem.inputs, &problem.targets].map(|x| cast::<f32>(x));
            let mut engine = kind.make(&problem.architecture);
            let batch = Batch::new(&problem.architecture, &inputs, &targets).expect("a batch");
            engine.gradient(&theta, batch, 0.0, None, &mut poison(theta.len())).expect("a step");
            engine.scratch_bytes()
        };
        assert!(bytes(10) < bytes(1000), "{}", kind.name);
        assert_eq!(bytes(20_000), bytes(60_000), "{}", kind.name);
    }
}
