//! L1, clipping, label smoothing, and what becomes of steps that diverge: beside PyTorch's numbers, in every engine, on
//! several threads, in both number types, and over resumed runs.
//!
//! fixtures/regularisation.py makes the file of PyTorch's numbers.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{Divergence, EngineKind, Quantity, TrainerBuilder};
use serde_json::Value;

network! { struct Net<3 => 5 tanh => 3 linear>: f64; }
network! { struct Softmax<3 => 5 tanh => 3 softmax>: f64; }
network! { struct SingleSoftmax<3 => 5 tanh => 3 softmax>; }
network! { struct Sigmoid<3 => 5 tanh => 3 sigmoid>: f64; }
network! { struct Single<3 => 33 relu dropout(0.25) => 17 gelu => 3 softmax>; }
network! { struct Wide<6 => 400 silu => 300 => 2 softmax>; }
network! { struct Line<1 => 1 linear>: f64; }
network! { struct SingleLine<1 => 1 linear>; }

/// Relative to the largest value that the parameter takes on its way.
const TOLERANCE: f64 = 1e-10;

/// An optimiser and its rate, by name.
type Choice = (&'static str, fn(TrainerBuilder) -> TrainerBuilder);

const OPTIMIZERS: [Choice; 6] = [
    ("sgd", |builder| builder.optimizer(Sgd::default()).learning_rate(0.1)),
    ("nesterov", |builder| builder.optimizer(Sgd::default().momentum(0.9).nesterov(true)).learning_rate(0.1)),
    ("adamw", |builder| builder.optimizer(AdamW::default().weight_decay(0.1)).learning_rate(0.01)),
    ("rmsprop", |builder| builder.optimizer(RmsProp::default().epsilon(0.01).centered(true).momentum(0.9))),
    ("lion", |builder| builder.optimizer(Lion::default().weight_decay(0.1)).learning_rate(0.001)),
    ("rprop", |builder| builder.optimizer(Rprop::default())),
];

/// Limits that are reached in some steps of these tests and not in others, and what else there is.
fn regularised(builder: TrainerBuilder) -> TrainerBuilder {
    builder.l1(0.05).l2(0.1).clip_norm(0.3).clip_value(0.05).label_smoothing(0.1)
}

fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn double_blobs(count: usize) -> Dataset<[f64; 3], [f64; 3]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f64).sin())).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(number).collect()
}

fn rows(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().flat_map(numbers).collect()
}

/// The settings that a run of the file names.
fn settings(run: &Value) -> TrainerBuilder {
    let rate = number(&run["learning_rate"]);
    let mut builder = match run["optimizer"].as_str().unwrap() {
        "sgd" => Trainer::builder().optimizer(Sgd::default()),
        "momentum" => Trainer::builder().optimizer(Sgd::default().momentum(0.9)),
        "adam" => Trainer::builder().optimizer(Adam::default()),
        "adamw" => Trainer::builder().optimizer(AdamW::default().weight_decay(0.1)),
        "rmsprop" => Trainer::builder().optimizer(RmsProp::default()),
        "rprop" => Trainer::builder().optimizer(Rprop::default()),
        other => panic!("{other}"),
    };
    type Setter = fn(TrainerBuilder, f64) -> TrainerBuilder;
    let setters: [(&str, Setter); 5] = [
        ("l1", TrainerBuilder::l1),
        ("l2", TrainerBuilder::l2),
        ("clip_norm", TrainerBuilder::clip_norm),
        ("clip_value", TrainerBuilder::clip_value),
        ("label_smoothing", TrainerBuilder::label_smoothing),
    ];
    for (name, setter) in setters {
        if !run[name].is_null() {
            builder = setter(builder, number(&run[name]));
        }
    }
    builder.learning_rate(rate)
}

#[test]
fn a_hundred_steps_are_pytorchs() {
    let fixture: Value = serde_json::from_str(include_str!("fixtures/regularisation.json")).unwrap();
    let (inputs, start) = (rows(&fixture["inputs"]), numbers(&fixture["start"]));
    let runs = fixture["runs"].as_object().unwrap();
    assert_eq!(runs.len(), 15);
    for (name, run) in runs {
        let loss = run["loss"].as_str().unwrap();
        let targets = rows(&fixture["targets"][loss]);
        let mut net = match loss {
            "mse" => Net::zeros().to_dynamic(),
            "softmax" => Softmax::zeros().to_dynamic(),
            _ => Sigmoid::zeros().to_dynamic(),
        };
        net.parameters_mut().copy_from_slice(&start);
        let wanted: Vec<Vec<f64>> = run["parameters"].as_array().unwrap().iter().map(numbers).collect();
        let mut scale = start.clone();
        for row in &wanted {
            scale.iter_mut().zip(row).for_each(|(scale, value)| *scale = scale.abs().max(value.abs()));
        }
        let trainer = settings(run).batch_size(inputs.len() / 3).threads(1).build().unwrap();
        let mut session = trainer.session(&mut net).unwrap();
        let checked = numbers(&fixture["steps"]);
        assert_eq!((checked.len(), checked.last()), (wanted.len(), Some(&100.0)));
        for ((step, wanted), cost) in checked.into_iter().zip(&wanted).zip(numbers(&run["costs"])) {
            let mut found = f64::NAN;
            while session.steps() < step as u64 {
                found = session.step(&inputs, &targets).unwrap();
            }
            assert!((found - cost).abs() <= TOLERANCE * cost, "{name}, step {step}: the cost is {found}, not {cost}");
            for (index, found) in session.network().parameters().iter().enumerate() {
                let error = (found - wanted[index]).abs() / scale[index];
                assert!(error <= TOLERANCE, "{name}, step {step}, parameter {index}: {error:e} off");
            }
        }
    }
}

/// Δ is what a step of plain descent at rate 1 takes from the parameters; J is what a step returns.
#[test]
fn the_gradient_of_the_elastic_net_is_that_of_its_cost() {
    let data = double_blobs(10);
    let start = Softmax::new(3);
    for (l1, l2, smoothing) in [(0.7, 0.0, 0.0), (0.7, 0.4, 0.0), (0.3, 0.2, 0.25)] {
        let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(1.0).l1(l1).l2(l2).batch_size(10);
        let trainer = builder.label_smoothing(smoothing).build().unwrap();
        let mut net = start.clone();
        let mut session = trainer.session(&mut net).unwrap();
        session.step(data.inputs(), data.targets()).unwrap();
        let after = session.network().clone();
        let mut cost = |index: usize, h: f64| {
            let mut moved = start.clone();
            moved.parameters_mut()[index] += h;
            session.set_network(&moved).unwrap();
            session.step(data.inputs(), data.targets()).unwrap()
        };
        for index in 0..Softmax::PARAMS {
            let analytic = start.parameters()[index] - after.parameters()[index];
            let h = 1e-4;
            let rise = 8.0 * (cost(index, h) - cost(index, -h)) - (cost(index, 2.0 * h) - cost(index, -2.0 * h));
            let numeric = rise / (12.0 * h);
            assert!((analytic - numeric).abs() < 1e-10, "{l1}, {l2}, parameter {index}: {analytic} and {numeric}");
        }
        // The cost is what the network says, and the magnitudes of weights but not of biases.
        if smoothing == 0.0 {
            let magnitudes = [0..15, 20..35].map(|w| start.parameters()[w].iter().map(|w| w.abs()).sum::<f64>());
            let expected = start.cost(data.inputs(), data.targets(), l2).unwrap();
            let expected = expected + l1 / 10.0 * magnitudes.iter().sum::<f64>();
            let found = cost(0, 0.0);
            assert!((found - expected).abs() < 1e-14, "{found} and {expected}");
        }
    }
}

/// Weights of 0 stay there, and those of a last batch of one sample are pulled no harder than the others.
#[test]
fn l1_pulls_by_its_sign_and_a_full_batchs_size() {
    let trained = |samples: usize, weight: f64| {
        let data = Dataset::new(vec![[0.0]; samples], vec![[0.0]; samples]).unwrap();
        let mut net = Line::zeros();
        net.layer1_mut().weights[0][0] = weight;
        let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).l1(6.4).batch_size(64).epochs(1);
        let history = builder.build().unwrap().fit(&mut net, &data, None).unwrap();
        (net.layer1().weights[0][0], history[0].cost)
    };
    assert_eq!(trained(64, 0.0), (0.0, 0.0));
    for sign in [1.0, -1.0] {
        let (one, two) = (trained(64, sign), trained(65, sign));
        assert!((one.0 - 0.99 * sign).abs() < 1e-15 && (one.1 - 0.1).abs() < 1e-15, "{one:?}");
        assert!((two.0 - 0.98 * sign).abs() < 1e-15, "{two:?}");
        assert!((two.1 - 0.1 * (64.0 + 0.99) / 65.0).abs() < 1e-15, "{two:?}");
    }
}

#[test]
fn every_engine_regularises_alike_and_threads_change_no_bit() {
    let (data, single) = (double_blobs(24), blobs(24));
    for (name, optimizer) in OPTIMIZERS {
        let builder = |engine, threads| {
            let builder = regularised(optimizer(Trainer::builder())).engine(engine).batch_size(10).epochs(10);
            builder.threads(threads).build().unwrap()
        };
        let train = |engine, threads| {
            let mut net = Softmax::new(1);
            let history = builder(engine, threads).fit(&mut net, &data, None).unwrap();
            (net, history.last().unwrap().cost)
        };
        let train_single = |engine, threads| {
            let mut net = Single::new(1);
            let history = builder(engine, threads).fit(&mut net, &single, None).unwrap();
            (net, history.last().unwrap().cost)
        };
        let expected = train(EngineKind::Tile, 1);
        for engine in EngineKind::ALL {
            let net = train(engine, 1);
            let differences = net.0.parameters().iter().zip(expected.0.parameters()).map(|(a, b)| (a - b).abs());
            let most = differences.fold((net.1 - expected.1).abs(), f64::max);
            assert!(most < 1e-11, "{name}, {engine}: {most:e}");
            let net_single = train_single(engine, 1);
            assert!(net_single.0.parameters().iter().all(|theta| theta.is_finite()));
            for threads in [2, 3, 8] {
                assert_eq!(net, train(engine, threads), "{name}, {engine}, {threads} threads");
                assert_eq!(net_single, train_single(engine, threads), "{name}, {engine}, {threads} threads");
            }
        }
    }
}

/// The optimisers whose steps do not hang on the sign of a number near 0.
#[test]
fn a_network_of_f32_is_regularised_as_one_of_f64() {
    let data = double_blobs(24);
    let narrow = |rows: &[[f64; 3]]| rows.iter().map(|row| row.map(|number| number as f32)).collect::<Vec<_>>();
    let single = Dataset::new(narrow(data.inputs()), narrow(data.targets())).unwrap();
    for (name, optimizer) in &OPTIMIZERS[..4] {
        let trainer = regularised(optimizer(Trainer::builder())).batch_size(10).epochs(10).build().unwrap();
        let (mut net, mut net_single) = (Softmax::new(1), SingleSoftmax::zeros());
        for (theta, number) in net_single.parameters_mut().iter_mut().zip(net.parameters()) {
            *theta = *number as f32;
        }
        let history = trainer.fit(&mut net, &data, None).unwrap();
        let history_single = trainer.fit(&mut net_single, &single, None).unwrap();
        for (epoch, epoch_single) in history.iter().zip(history_single.iter()) {
            assert!((epoch.cost - epoch_single.cost).abs() < 1e-4, "{name}: {epoch} and {epoch_single}");
        }
        for (theta, theta_single) in net.parameters().iter().zip(net_single.parameters()) {
            assert!((theta - f64::from(*theta_single)).abs() < 1e-3, "{name}: {theta} and {theta_single}");
        }
    }
}

/// Enough parameters for the sums and the update to be divided; with the update in cache, and with the whole gradient
/// first.
#[test]
fn threads_change_no_bit_of_a_large_network() {
    let inputs: Vec<[f32; 6]> = (0..40).map(|i| std::array::from_fn(|k| ((i * 7 + k) as f32).sin())).collect();
    let data = Dataset::from_labels(inputs, &(0..40).map(|i| i % 2).collect::<Vec<_>>()).unwrap();
    for engine in [EngineKind::Tile, EngineKind::Blocked] {
        for clips_norm in [false, true] {
            let train = |threads| {
                let builder = Trainer::builder().optimizer(AdamW::default()).l1(0.05).clip_value(0.05);
                let builder = if clips_norm { builder.clip_norm(0.3) } else { builder };
                let builder = builder.engine(engine).batch_size(16).epochs(2).threads(threads);
                let mut net = Wide::new(1);
                let history = builder.build().unwrap().fit(&mut net, &data, None).unwrap();
                (net, history.last().unwrap().cost)
            };
            let expected = train(1);
            for threads in [2, 3, 8] {
                assert!(train(threads) == expected, "{engine}, {threads} threads");
            }
        }
    }
}

#[test]
fn measuring_the_norm_and_limits_out_of_reach_change_no_bit() {
    let data = blobs(50);
    for (name, optimizer) in OPTIMIZERS {
        let train = |settings: fn(TrainerBuilder) -> TrainerBuilder| {
            let builder = settings(optimizer(Trainer::builder())).batch_size(16).epochs(3).threads(1);
            let mut net = Single::new(1);
            let history = builder.build().unwrap().fit(&mut net, &data, None).unwrap();
            (net, history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>())
        };
        let plain = train(|builder| builder);
        assert_eq!(train(|builder| builder.clip_norm(1e9)), plain, "{name}");
        assert_eq!(train(|builder| builder.clip_value(1e9)), plain, "{name}");
        let regularised = train(|builder| builder.l1(0.05).clip_value(0.02));
        assert_eq!(train(|builder| builder.l1(0.05).clip_value(0.02).gradient_norm(true)), regularised, "{name}");
        assert_ne!(plain, regularised);
        let with_l1 = train(|builder| builder.l1(0.05));
        assert_eq!(train(|builder| builder.l1(0.05).clip_norm(1e9)), with_l1, "{name}");
        // Rprop looks at signs alone, which clipping leaves.
        assert_eq!(with_l1 == regularised, name == "rprop", "{name}");
    }
}

/// a = wx + b at w = 1, b = 0, x = 3, y = 0: Δ = (9 + λ + λ₁, 3), here (12, 3).
#[test]
fn the_norm_that_is_told_is_that_before_clipping() {
    let step = |settings: fn(TrainerBuilder) -> TrainerBuilder| {
        let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(1.0).l1(2.0).l2(1.0).batch_size(1);
        let (trainer, mut net) = (settings(builder).build().unwrap(), Line::zeros());
        net.layer1_mut().weights[0][0] = 1.0;
        let mut session = trainer.session(&mut net).unwrap();
        session.step(&[[3.0]], &[[0.0]]).unwrap();
        let norm = session.gradient_norm();
        session.finish();
        ([1.0 - net.parameters()[0], -net.parameters()[1]], norm)
    };
    let norm = Some(153.0_f64.sqrt());
    assert_eq!(step(|builder| builder), ([12.0, 3.0], None));
    assert_eq!(step(|builder| builder.gradient_norm(true)), ([12.0, 3.0], norm));
    assert_eq!(step(|builder| builder.clip_value(5.0)), ([5.0, 3.0], None));
    assert_eq!(step(|builder| builder.clip_value(5.0).gradient_norm(true)), ([5.0, 3.0], norm));
    let near = |found: [f64; 2], expected: [f64; 2]| {
        assert!(found.iter().zip(expected).all(|(found, expected)| (found - expected).abs() < 1e-14), "{found:?}");
    };
    let factor = 3.0 / 153.0_f64.sqrt();
    let (found, told) = step(|builder| builder.clip_norm(3.0));
    near(found, [12.0 * factor, 3.0 * factor]);
    assert_eq!(told, norm);
    // The norm first: the other way round it would be (3, 3) · 3 / √18.
    let (found, told) = step(|builder| builder.clip_norm(3.0).clip_value(1.0));
    near(found, [1.0, 3.0 * factor]);
    assert_eq!(told, norm);
}

/// Numbers that are finite are clipped however large they are; those that are not are an error, not a limit.
#[test]
fn clipping_hides_no_number_that_is_not_finite() {
    let settings: [Choice; 3] = [
        ("norm", |builder| builder.clip_norm(1.0)),
        ("value", |builder| builder.clip_value(1.0)),
        ("both", |builder| builder.clip_norm(2.0).clip_value(1.0)),
    ];
    for (name, settings) in settings {
        for (optimizer, choice) in OPTIMIZERS {
            let trainer = settings(choice(Trainer::builder())).batch_size(1).build().unwrap();
            let mut net = Line::zeros();
            net.layer1_mut().weights[0][0] = 1e-150;
            let mut session = trainer.session(&mut net).unwrap();
            // a = 10⁵⁰, whose cost is finite; Δ_w = 10²⁵⁰, whose square is not.
            let before = session.state().unwrap();
            session.step(&[[1e200]], &[[0.0]]).unwrap();
            assert_ne!(session.state().unwrap(), before, "{name}, {optimizer}");
            session.resume(&before).unwrap();
            // a = 10¹⁵⁰; Δ_w is infinite, and the cost finite.
            for x in [1e300, -1e300] {
                let error = session.step(&[[x]], &[[0.0]]).unwrap_err();
                let Error::Diverged { quantity: Quantity::Gradient, layer: 1, .. } = error else { panic!("{error}") };
                assert_eq!(session.state().unwrap(), before, "{name}, {optimizer}");
            }
            for x in [f64::NAN, f64::INFINITY] {
                assert!(matches!(session.step(&[[x]], &[[0.0]]), Err(Error::Diverged { .. })));
                assert_eq!(session.state().unwrap(), before, "{name}, {optimizer}");
            }
        }
    }
    // In `f32`, where the factor 10⁻¹⁰ / 10³⁸ is none: Δ = (3 · 10³⁸, 10³⁸).
    let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(1.0).batch_size(1).clip_norm(1e-10);
    let (trainer, mut net) = (builder.build().unwrap(), SingleLine::zeros());
    net.layer1_mut().bias[0] = 1e38;
    let mut session = trainer.session(&mut net).unwrap();
    session.step(&[[3.0]], &[[0.0]]).unwrap();
    let moved = f64::from(session.network().layer1().weights[0][0]);
    assert!((moved / (-3e-10 / 10.0_f64.sqrt()) - 1.0).abs() < 1e-6, "{moved:e}");
}

/// Rows of a data set that is said not to be in memory.
struct Elsewhere(DynDataset<f32>);

impl Source for Elsewhere {
    type Scalar = f32;

    fn len(&self) -> u64 {
        self.0.len() as u64
    }

    fn input_width(&self) -> usize {
        self.0.input_width()
    }

    fn target_width(&self) -> usize {
        self.0.target_width()
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
        self.0.read(indices, rows)
    }
}

#[test]
fn smoothed_targets_are_the_same_wherever_a_step_gets_them() {
    let engines = [EngineKind::Narrow, EngineKind::Tile, EngineKind::Blocked];
    for (weighted, engine) in [false, true].into_iter().flat_map(|weighted| engines.map(|engine| (weighted, engine))) {
        let data = blobs(50);
        let weights: Vec<f32> = (0..50).map(|i| 0.5 + (i % 4) as f32).collect();
        let data = if weighted { data.with_weights(weights.clone()).unwrap() } else { data };
        let epsilon = 0.15_f32;
        let smooth = |y: f32| (1.0 - epsilon) * y + epsilon / 3.0;
        let by_hand = Dataset::new(data.inputs().to_vec(), data.targets().iter().map(|y| y.map(smooth)).collect());
        let by_hand = by_hand.unwrap();
        let by_hand = if weighted { by_hand.with_weights(weights.clone()).unwrap() } else { by_hand };
        let trainer = |smoothing: f64| {
            let builder = Trainer::builder().learning_rate(0.01).batch_size(16).epochs(2).shuffle(false);
            builder.label_smoothing(smoothing).engine(engine).build().unwrap()
        };
        let (smoothing, plain) = (trainer(f64::from(epsilon)), trainer(0.0));

        let fit = |trainer: &Trainer, data| {
            let mut net = Single::new(1);
            let history = trainer.fit(&mut net, data, None).unwrap();
            (net, history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>())
        };
        let expected = fit(&smoothing, &data);
        assert_ne!(expected, fit(&plain, &data));
        // 1 - ε in `f64` and then rounded is not always 1 - ε in `f32`.
        let near = fit(&plain, &by_hand);
        for (found, wanted) in expected.0.parameters().iter().zip(near.0.parameters()) {
            assert!((found - wanted).abs() < 1e-4, "{found} and {wanted}");
        }

        let elsewhere = Elsewhere(DynDataset::from(data.clone()));
        let mut read = Single::new(1);
        let history = smoothing.fit(&mut read, &elsewhere, None).unwrap();
        assert_eq!(read, expected.0);
        assert_eq!(history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>(), expected.1);

        let (mut stepped, mut indexed) = (Single::new(1), Single::new(1));
        let mut session = smoothing.session(&mut stepped).unwrap();
        let mut other = smoothing.session(&mut indexed).unwrap();
        let order: Vec<u64> = (0..50).collect();
        for _ in 0..2 {
            let batches = data.inputs().chunks(16).zip(data.targets().chunks(16)).zip(weights.chunks(16));
            for (((xs, ys), weights), indices) in batches.zip(order.chunks(16)) {
                let cost = if weighted { session.step_weighted(xs, ys, weights) } else { session.step(xs, ys) };
                assert_eq!(other.step_at(&data, indices), cost);
            }
        }
        // An index past the data is still an error, and targets are still looked at.
        assert_eq!(other.step_at(&data, &[3, 50]), Err(Error::Index { index: 50, len: 50 }));
        let wrong = session.step(&data.inputs()[..1], &[[0.0, 2.0, 0.0]]);
        assert!(matches!(wrong, Err(Error::Target { sample: 0, column: 1, value: 2.0, .. })), "{wrong:?}");
        drop((session, other));
        assert_eq!(stepped, expected.0);
        assert_eq!(indexed, expected.0);
    }
}

#[test]
fn validation_is_without_smoothing_and_l1() {
    let data = double_blobs(20);
    let builder = Trainer::builder().batch_size(20).epochs(3).label_smoothing(0.3).l1(0.5).l2(0.5);
    let mut net = Softmax::new(1);
    let history = builder.build().unwrap().fit(&mut net, &data, Some(&data)).unwrap();
    let expected = net.cost(data.inputs(), data.targets(), 0.0).unwrap();
    let found = history[2].validation_cost.unwrap();
    assert!((found - expected).abs() < 1e-14, "{found} and {expected}");
    assert!(history[2].cost > found + 0.01, "{history}");
    assert!(history[2].accuracy.is_some());
}

#[test]
fn a_regularised_run_goes_on_bit_for_bit_from_every_step() {
    let data = blobs(50);
    for (name, optimizer) in OPTIMIZERS {
        let trainer = |threads| {
            regularised(optimizer(Trainer::builder()))
                .batch_size(16)
                .epochs(2)
                .seed(5)
                .threads(threads)
                .build()
                .unwrap()
        };
        let (mut whole, mut states) = (Single::new(1), Vec::new());
        let keep = |context: &mut Context<'_, Single>| {
            states.push(context.state()?);
            Ok(Signal::Continue)
        };
        let history = trainer(2).run(&mut whole, &data).unwrap().on_step(keep).finish().unwrap();
        assert_eq!(states.len(), 8);
        for state in &states {
            let mut net = Single::zeros();
            let resumed = trainer(1).run(&mut net, &data).unwrap().resume(state).unwrap().finish().unwrap();
            assert_eq!(net, whole, "{name}");
            let costs = |history: &History| history.iter().map(|epoch| epoch.cost).collect::<Vec<_>>();
            assert_eq!(costs(&resumed), costs(&history), "{name}");
        }
    }
}

/// y = 2x at six points, of which the third makes the gradient of every weight overflow.
fn poisoned() -> Dataset<[f64; 1], [f64; 1]> {
    let xs = [0.5, 1.0, 1e200, -1.0, 0.25, -0.75];
    Dataset::new(xs.map(|x| [x]).to_vec(), xs.map(|x| [if x > 1.0 { 0.0 } else { 2.0 * x }]).to_vec()).unwrap()
}

fn forgiving(at_most: u64, epochs: usize) -> Trainer {
    let divergence = Divergence::SkipAndShrink { factor: 0.5, at_most };
    let builder =
        Trainer::builder().optimizer(Sgd::default().momentum(0.5)).learning_rate(0.2).on_divergence(divergence);
    builder.batch_size(1).epochs(epochs).shuffle(false).threads(1).build().unwrap()
}

#[test]
fn steps_that_diverge_are_dropped_and_the_rate_shrinks() {
    let data = poisoned();
    let mut net = Line::new(1);
    let mut by_hand = net.clone();
    let trainer = forgiving(3, 3);
    let mut seen = Vec::new();
    let look = |context: &mut Context<'_, Line>| {
        seen.push((context.epoch(), context.epoch_step(), context.dropped_steps(), context.learning_rate()));
        Ok(Signal::Continue)
    };
    let history = trainer.run(&mut net, &data).unwrap().on_step(look).finish().unwrap();

    // Five steps an epoch, of which two come before the rate is halved.
    let plain = Trainer::builder().optimizer(Sgd::default().momentum(0.5)).learning_rate(0.2).batch_size(1).build();
    let plain = plain.unwrap();
    let mut session = plain.session(&mut by_hand).unwrap();
    let (mut rate, mut expected) = (0.2, Vec::new());
    for epoch in 1..=3 {
        let mut costs = Vec::new();
        for index in 0..6 {
            if index == 2 {
                rate *= 0.5;
                session.set_learning_rate(rate).unwrap();
                continue;
            }
            costs.push(session.step_at(&data, &[index]).unwrap());
            expected.push((epoch, index + 1, epoch as u64 - u64::from(index < 2), rate));
        }
        let (found, mean) = (history[epoch - 1].cost, costs.iter().sum::<f64>() / 5.0);
        assert!((found - mean).abs() <= 1e-15 * mean, "epoch {epoch}: {found} and {mean}");
        assert_eq!(history[epoch - 1].dropped_steps, 1);
        assert!(history[epoch - 1].to_string().ends_with(", steps dropped: 1"));
    }
    drop(session);
    assert_eq!(net, by_hand);
    assert_eq!(seen, expected);

    // One more is the error that it is without: the fourth epoch's third step.
    let mut net = Line::new(1);
    let error = forgiving(3, 4).fit(&mut net, &data, None).unwrap_err();
    let Error::Diverged { epoch: Some(4), step: 3, learning_rate: Some(rate), .. } = error else { panic!("{error}") };
    assert_eq!(rate, 0.2 * 0.125);
    assert!(forgiving(4, 4).fit(&mut Line::new(1), &data, None).is_ok());
    // A session returns it.
    let (mut net, trainer) = (Line::new(1), forgiving(3, 4));
    let mut session = trainer.session(&mut net).unwrap();
    assert!(matches!(session.step_at(&data, &[2]), Err(Error::Diverged { epoch: None, step: 1, .. })));
    assert_eq!(session.learning_rate(), 0.2);
}

#[test]
fn a_run_with_dropped_steps_goes_on_bit_for_bit() {
    let data = poisoned();
    let (mut whole, mut states) = (Line::new(1), Vec::new());
    let keep = |context: &mut Context<'_, Line>| {
        states.push(context.state()?);
        // A rate that is set shrinks as well, and is left as it is set.
        if context.step() == 6 {
            context.set_learning_rate(0.3)?;
            assert_eq!(context.learning_rate(), 0.3);
        }
        Ok(Signal::Continue)
    };
    let history = forgiving(3, 3).run(&mut whole, &data).unwrap().on_step(keep).finish().unwrap();
    assert_eq!(states.len(), 15);
    assert_eq!(states[14].session.learning_rate, Some(0.3 * 0.25));
    for (taken, state) in (1..).zip(&states) {
        let set = |context: &mut Context<'_, Line>| {
            if context.step() == 6 {
                context.set_learning_rate(0.3)?;
            }
            Ok(Signal::Continue)
        };
        // The state of step 6 was written before the rate was set.
        if taken == 6 {
            continue;
        }
        let (mut net, trainer) = (Line::zeros(), forgiving(3, 3));
        let run = trainer.run(&mut net, &data).unwrap().resume(state).unwrap();
        assert_eq!(run.state().unwrap(), *state);
        let resumed = run.on_step(set).finish().unwrap();
        assert_eq!(net, whole, "from step {taken}");
        let told =
            |history: &History| history.iter().map(|epoch| (epoch.cost, epoch.dropped_steps)).collect::<Vec<_>>();
        assert_eq!(told(&resumed), told(&history), "from step {taken}");
        // What was dropped counts after the resumption too.
        let fewer = forgiving(2, 3);
        assert!(fewer.run(&mut Line::zeros(), &data).unwrap().resume(state).unwrap().finish().is_err() || taken > 12);
    }

    let refused = |change: fn(&mut RunState<f64>)| {
        let mut state = states[3].clone();
        change(&mut state);
        let (mut net, trainer) = (Line::zeros(), forgiving(3, 3));
        match trainer.run(&mut net, &data).unwrap().resume(&state).map(drop) {
            Err(Error::State { what, .. }) => what,
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(refused(|state| state.session.rate_factor = 0.0), "the factor of the rate");
    assert_eq!(refused(|state| state.session.rate_factor = f64::NAN), "the factor of the rate");
    assert_eq!(refused(|state| state.session.dropped_steps = u64::MAX), "the steps dropped");
    assert_eq!(refused(|state| state.position.dropped_steps = 6), "the steps dropped in the epoch");
    assert_eq!(refused(|state| state.position.cost_rounding = f64::NAN), "the sum of the costs");
}

#[test]
fn an_epoch_whose_steps_are_all_dropped_is_never_the_best() {
    let data = Dataset::new(vec![[1e200]], vec![[0.0]]).unwrap();
    let mut net = Line::new(1);
    let before = net.clone();
    let history = forgiving(5, 5).fit(&mut net, &data, None).unwrap();
    assert!(history.iter().all(|epoch| epoch.cost.is_nan() && epoch.dropped_steps == 1));
    assert!(history.best().is_none());
    assert_eq!(net, before);
}

#[test]
fn bad_settings_are_refused() {
    let refused = |builder: TrainerBuilder| match builder.build() {
        Err(Error::Setting { name, value, .. }) => (name, value),
        other => panic!("{other:?}"),
    };
    for wrong in [-1.0, f64::NAN, f64::INFINITY] {
        let value = refused(Trainer::builder().l1(wrong)).1;
        assert_eq!(refused(Trainer::builder().l1(wrong)).0, "l1");
        for c in [wrong, 0.0] {
            assert_eq!(refused(Trainer::builder().clip_norm(c)).0, "clip_norm");
            assert_eq!(refused(Trainer::builder().clip_value(c)).0, "clip_value");
        }
        assert_eq!(refused(Trainer::builder().label_smoothing(wrong)), ("label_smoothing", value));
        let divergence = Divergence::SkipAndShrink { factor: wrong, at_most: 1 };
        assert_eq!(refused(Trainer::builder().on_divergence(divergence)).0, "factor");
    }
    assert_eq!(refused(Trainer::builder().label_smoothing(1.0)), ("label_smoothing", "1".to_owned()));
    for factor in [0.0, 1.0] {
        let divergence = Divergence::SkipAndShrink { factor, at_most: 1 };
        assert_eq!(refused(Trainer::builder().on_divergence(divergence)).0, "factor");
    }
    let divergence = Divergence::SkipAndShrink { factor: 0.5, at_most: 0 };
    assert_eq!(refused(Trainer::builder().on_divergence(divergence)), ("at_most", "0".to_owned()));
}

/// The settings that only a network shows to be none.
#[test]
fn what_a_network_cannot_be_regularised_by_is_refused() {
    let (single, double) = (blobs(4), double_blobs(4));
    let refused = |builder: TrainerBuilder| {
        let trainer = builder.epochs(1).build().unwrap();
        let mut net = Single::new(1);
        let error = trainer.fit(&mut net, &single, None).unwrap_err();
        assert_eq!(net, Single::new(1));
        assert_eq!(trainer.session(&mut net).map(drop), Err(error.clone()));
        assert!(trainer.fit(&mut Softmax::new(1), &double, None).is_ok(), "an f64 can express it");
        match error {
            Error::Setting { name, .. } => name,
            other => panic!("{other}"),
        }
    };
    assert_eq!(refused(Trainer::builder().l1(1e-50)), "l1");
    assert_eq!(refused(Trainer::builder().clip_norm(1e-50)), "clip_norm");
    assert_eq!(refused(Trainer::builder().clip_norm(1e50)), "clip_norm");
    assert_eq!(refused(Trainer::builder().clip_value(1e-50)), "clip_value");
    assert_eq!(refused(Trainer::builder().label_smoothing(1e-9)), "label_smoothing");
    let trainer = Trainer::builder().label_smoothing(0.1).build().unwrap();
    let error = trainer.session(&mut Net::new(1)).map(drop).unwrap_err();
    assert_eq!(
        error.to_string(),
        "label_smoothing is 0.1; expected 0, as only targets of the loss cross_entropy are smoothed"
    );
    assert_eq!(trainer.fit(&mut Net::new(1), &double, None), Err(error));
}
