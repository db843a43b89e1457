//! Training step by step: the same bits as `fit`, and what an error leaves.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};

use nn_train::prelude::*;
use nn_train::{Element, Quantity, Step, StepError, TrainerBuilder};

network! { struct Net<3 => 33 relu dropout(0.25) => 17 gelu => 3 softmax>; }
network! { struct Wide<6 => 400 silu => 300 => 2 linear>: f64; }
network! { struct Line<1 => 1 linear>: f64; }

/// An optimiser and its rate, by name.
type Choice = (&'static str, fn(TrainerBuilder) -> TrainerBuilder);

const OPTIMIZERS: [Choice; 9] = [
    ("sgd", |builder| builder.optimizer(Sgd::default()).learning_rate(0.1)),
    ("nesterov", |builder| builder.optimizer(Sgd::default().momentum(0.9).nesterov(true)).learning_rate(0.1)),
    ("adam", ADAM.1),
    ("adamw", |builder| builder.optimizer(AdamW::default()).learning_rate(0.01)),
    ("amsgrad", |builder| builder.optimizer(Adam::default().amsgrad(true)).learning_rate(0.01)),
    ("rmsprop", |builder| builder.optimizer(RmsProp::default().centered(true).momentum(0.9)).learning_rate(0.001)),
    ("adagrad", |builder| builder.optimizer(Adagrad::default().initial_accumulator_value(0.1)).learning_rate(0.05)),
    ("lion", |builder| builder.optimizer(Lion::default().weight_decay(0.1)).learning_rate(0.001)),
    ("rprop", |builder| builder.optimizer(Rprop::default())),
];

const ADAM: Choice = ("adam", |builder| builder.optimizer(Adam::default()).learning_rate(0.01));

fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn trainer((_, optimizer): Choice, batch_size: usize, threads: usize) -> Trainer {
    let builder = optimizer(Trainer::builder()).l2(0.01).batch_size(batch_size).epochs(2).shuffle(false);
    builder.seed(5).threads(threads).build().unwrap()
}

#[test]
fn the_batches_of_fit_give_the_same_bits() {
    let data = blobs(101);
    for optimizer in OPTIMIZERS {
        for (batch_size, threads) in [(1, 1), (7, 2), (64, 1), (101, 3)] {
            let trainer = trainer(optimizer, batch_size, threads);
            let (mut fitted, mut stepped) = (Net::new(1), Net::new(1));
            let mut dynamic = stepped.to_dynamic();
            let history = trainer.fit(&mut fitted, &data, None).unwrap();

            let batches = || data.inputs().chunks(batch_size).zip(data.targets().chunks(batch_size));
            let mut session = trainer.session(&mut stepped).unwrap();
            // The first epoch with a hand-over a step, the second with one for all.
            let first: f64 = batches().map(|(xs, ys)| session.step(xs, ys).unwrap() * xs.len() as f64).sum();
            let second: f64 = session
                .install(|session| batches().map(|(xs, ys)| session.step(xs, ys).unwrap() * xs.len() as f64).sum());
            assert_eq!(session.steps(), 2 * data.len().div_ceil(batch_size) as u64);
            session.finish();
            for (sum, epoch) in [first, second].iter().zip(history.iter()) {
                // The run's sum is compensated.
                assert!((sum / 101.0 - epoch.cost).abs() < 1e-14, "{sum} and {epoch}");
            }
            assert_eq!(stepped, fitted, "{}, {batch_size}, {threads} threads", optimizer.0);

            let mut session = trainer.session(&mut dynamic).unwrap();
            for _ in 0..2 {
                for (xs, ys) in batches() {
                    session.step(xs.as_flattened(), ys.as_flattened()).unwrap();
                }
            }
            drop(session);
            assert_eq!(dynamic.parameters(), fitted.parameters());
        }
    }
}

#[test]
fn a_large_network_is_stepped_as_it_is_fitted() {
    let inputs: Vec<[f64; 6]> = (0..40).map(|i| std::array::from_fn(|k| ((i * 7 + k) as f64).sin())).collect();
    let targets = inputs.iter().map(|x| [x[0] * x[1], x[2] + x[3]]).collect();
    let data = Dataset::new(inputs, targets).unwrap();
    for threads in [1, 2] {
        let trainer = trainer(OPTIMIZERS[3], 16, threads);
        let (mut fitted, mut stepped) = (Wide::new(1), Wide::new(1));
        trainer.fit(&mut fitted, &data, None).unwrap();
        let mut session = trainer.session(&mut stepped).unwrap();
        for _ in 0..2 {
            for (xs, ys) in data.inputs().chunks(16).zip(data.targets().chunks(16)) {
                session.step(xs, ys).unwrap();
            }
        }
        drop(session);
        assert!(fitted.parameters() == stepped.parameters(), "{threads} threads");
    }
}

#[test]
fn the_network_can_be_looked_at_between_steps() {
    let (xs, ys) = ([[1.0], [2.0]], [[2.0], [5.0]]);
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).batch_size(2).build().unwrap();
    let (mut net, mut by_hand) = (Line::new(1), Line::new(1));
    let start = net.clone();
    let mut session = trainer.session(&mut net).unwrap();
    assert_eq!(session.network(), &start);
    for _ in 0..5 {
        let (expected, delta) = by_hand.gradient(&xs, &ys, 0.0).unwrap();
        for (theta, d) in by_hand.parameters_mut().iter_mut().zip(delta.parameters()) {
            *theta -= 0.1 * d;
        }
        assert_eq!(session.step(&xs, &ys), Ok(expected));
        assert_eq!(session.network(), &by_hand);
    }
    assert!(session.explain().to_string().contains("batches of 2"));
    assert_eq!(format!("{session:?}"), "Session { network: \"Line\", steps: 5, .. }");
    // Looked at, and stepped on: what is dropped has been written back all the same.
    let last = session.step(&xs, &ys).unwrap();
    assert!(last > 0.0);
    drop(session);
    assert_ne!(net, by_hand);
}

#[test]
fn samples_by_their_indices_give_the_same_bits_as_copies_of_them() {
    let data = blobs(101);
    let dynamic_data = DynDataset::from(data.clone());
    // Backwards in strides, some twice.
    let order: Vec<u64> = (0..150).map(|i| 100 - i * 7 % 101).collect();
    for (batch_size, threads) in [(1, 1), (64, 2), (101, 3)] {
        let trainer = trainer(ADAM, batch_size, threads);
        let (mut copied, mut indexed) = (Net::new(1), Net::new(1));
        let mut dynamic = indexed.to_dynamic();
        let mut costs = [Vec::new(), Vec::new(), Vec::new()];
        {
            let mut session = trainer.session(&mut copied).unwrap();
            for indices in order.chunks(batch_size) {
                let batch = data.subset(&indices.iter().map(|&i| i as usize).collect::<Vec<_>>()).unwrap();
                costs[0].push(session.step(batch.inputs(), batch.targets()).unwrap());
            }
            let mut session = trainer.session(&mut indexed).unwrap();
            costs[1].extend(order.chunks(batch_size).map(|indices| session.step_at(&data, indices).unwrap()));
            let mut session = trainer.session(&mut dynamic).unwrap();
            session.install(|session| {
                let step = |indices| session.step_at(&dynamic_data, indices).unwrap();
                costs[2].extend(order.chunks(batch_size).map(step));
            });
        }
        assert!(costs[0] == costs[1] && costs[0] == costs[2], "{batch_size}, {threads} threads");
        assert_eq!(indexed, copied);
        assert_eq!(dynamic.parameters(), copied.parameters());
    }
}

#[test]
fn indices_that_name_no_sample_are_refused() {
    let data = blobs(8);
    let trainer = trainer(ADAM, 4, 1);
    let mut net = Net::new(1);
    let (before, mut dynamic) = (net.clone(), net.to_dynamic());
    let mut session = trainer.session(&mut net).unwrap();
    assert_eq!(session.step_at(&data, &[]), Err(Error::Empty { what: "indices" }));
    assert_eq!(session.step_at(&data, &[0, 8, 9]), Err(Error::Index { index: 8, len: 8 }));
    assert_eq!(session.steps(), 0);
    drop(session);
    assert_eq!(net, before);

    let narrow = DynDataset::new(vec![0.0; 4], 2, vec![0.0; 6], 3).unwrap();
    let error = Error::Width { what: "inputs", expected: 3, found: 2 };
    assert_eq!(trainer.session(&mut dynamic).unwrap().step_at(&narrow, &[0]), Err(error));
}

#[test]
fn batches_larger_than_planned_are_taken() {
    let data = blobs(101);
    let net = |batch_size| {
        let mut net = Net::new(1);
        // Without λ, which is divided by the planned size.
        let trainer = Trainer::builder().batch_size(batch_size).threads(2).build().unwrap();
        let mut session = trainer.session(&mut net).unwrap();
        session.step(data.inputs(), data.targets()).unwrap();
        drop(session);
        net
    };
    // The same engine for both, or bits could differ.
    assert_eq!(net(64), net(101));
}

#[test]
fn what_is_refused_leaves_all_as_it_was() {
    let data = blobs(8);
    let (xs, ys) = (data.inputs(), data.targets());
    for optimizer in OPTIMIZERS {
        let trainer = trainer(optimizer, 8, 1);
        let (mut net, mut undisturbed) = (Net::new(1), Net::new(1));
        let mut dynamic = net.to_dynamic();
        let mut nan = xs.to_vec();
        nan[3][1] = f32::NAN;
        let mut infinite = xs.to_vec();
        infinite[5][0] = f32::INFINITY;
        {
            let mut session = trainer.session(&mut undisturbed).unwrap();
            (0..6).for_each(|_| assert!(session.step(xs, ys).is_ok()));
        }
        let mut session = trainer.session(&mut net).unwrap();
        for step in 1..=6 {
            assert_eq!(session.step(&[], &[]), Err(Error::Empty { what: "inputs" }));
            let error = Error::Length { what: "targets", expected: 8, found: 7 };
            assert_eq!(session.step(xs, &ys[..7]), Err(error));
            for xs in [&nan[..], &infinite[..]] {
                match session.step(xs, ys) {
                    Err(Error::Diverged { epoch: None, step: found, .. }) => assert_eq!(found, step),
                    other => panic!("{}: {other:?}", optimizer.0),
                }
            }
            assert!(session.step(xs, ys).is_ok());
            assert_eq!(session.steps(), step);
        }
        drop(session);
        assert_eq!(net, undisturbed, "{}", optimizer.0);

        let before = dynamic.clone();
        let mut session = trainer.session(&mut dynamic).unwrap();
        let refused = |session: &mut Session<'_, DynNetwork<f32>>, inputs: &[f32], targets: &[f32]| {
            session.step(inputs, targets).unwrap_err()
        };
        let error = StepError::Ragged { what: "inputs", len: 7, width: 3 };
        assert_eq!(refused(&mut session, &[0.0; 7], &[0.0; 6]), error.into());
        let error = StepError::Ragged { what: "targets", len: 5, width: 3 };
        assert_eq!(refused(&mut session, &[0.0; 6], &[0.0; 5]), error.into());
        let error = Error::Length { what: "targets", expected: 2, found: 0 };
        assert_eq!(refused(&mut session, &[0.0; 6], &[]), error);
        let error = Error::Length { what: "targets", expected: 2, found: 3 };
        assert_eq!(refused(&mut session, &[0.0; 6], &[0.0; 9]), error);
        assert_eq!(refused(&mut session, &[], &[]), Error::Empty { what: "inputs" });
        drop(session);
        assert_eq!(dynamic, before);
    }
}

/// The cost is finite, and so is the gradient of 1e160, but neither its square nor a step along it. What was remembered
/// stays, and the next step is the one that would have been taken without it.
#[test]
fn an_update_that_overflows_leaves_what_is_remembered() {
    let (large, small) = (([[1e160]], [[0.0]]), ([[1e-3]], [[0.0]]));
    let choices: [Choice; 7] = [
        ("sgd", |builder| builder.optimizer(Sgd::default()).learning_rate(1e200)),
        ("momentum", |builder| builder.optimizer(Sgd::default().momentum(0.9)).learning_rate(1e200)),
        ("adam", |builder| builder.optimizer(Adam::default())),
        ("adamw", |builder| builder.optimizer(AdamW::default())),
        ("amsgrad", |builder| builder.optimizer(Adam::default().amsgrad(true))),
        ("rmsprop", |builder| builder.optimizer(RmsProp::default().momentum(0.9)).learning_rate(0.1)),
        ("adagrad", |builder| builder.optimizer(Adagrad::default())),
    ];
    for (name, choice) in choices {
        for measured in [false, true] {
            let trainer = choice(Trainer::builder()).batch_size(1).gradient_norm(measured).build().unwrap();
            let mut net = Line::zeros();
            net.layer1_mut().weights[0][0] = 1e-160;
            let mut undisturbed = net.clone();
            let mut expected = trainer.session(&mut undisturbed).unwrap();
            let mut session = trainer.session(&mut net).unwrap();
            for step in 1..=3 {
                let before = session.state().unwrap();
                let error = session.step(&large.0, &large.1).unwrap_err();
                let learning_rate = Some(session.learning_rate());
                let diverged = Error::Diverged {
                    epoch: None,
                    step: 1,
                    layer: 1,
                    quantity: Quantity::Update,
                    learning_rate,
                    rank: None,
                };
                // Later the weight itself is so large that the cost overflows before the update does.
                assert!(error == diverged || (step > 1 && matches!(error, Error::Diverged { .. })), "{name}: {error}");
                assert_eq!(session.state().unwrap(), before, "{name}");
                assert_eq!(session.step(&small.0, &small.1), expected.step(&small.0, &small.1), "{name}");
                assert_eq!(session.state().unwrap(), expected.state().unwrap(), "{name}");
                assert_eq!(session.gradient_norm().is_some(), measured);
            }
        }
    }
    let error = |learning_rate| {
        let error =
            Error::Diverged { epoch: None, step: 3, layer: 1, quantity: Quantity::Update, learning_rate, rank: None };
        error.to_string()
    };
    let message = "step 3: the optimiser's update of Θ^(1) is not finite at the learning rate 1e200; the \
                   parameters are as they were before the step; a lower rate or a warm-up, clip_norm, or standardised inputs and targets \
                   usually keep training from it";
    assert_eq!(error(Some(1e200)), message);
    let message =
        "step 3: the optimiser's update of Θ^(1) is not finite; the parameters are as they were before the step";
    assert_eq!(error(None), message);
}

#[test]
fn targets_that_the_loss_does_not_take_are_named() {
    let (xs, mut ys) = (blobs(2).inputs().to_vec(), vec![[0.0, 1.0, 0.0], [0.0, 0.5, 0.5]]);
    let mut net = Net::new(1);
    let trainer = trainer(ADAM, 2, 1);
    let mut session = trainer.session(&mut net).unwrap();
    assert!(session.step(&xs, &ys).is_ok());
    ys[1] = [0.0, 1.0, 1.0];
    assert!(matches!(session.step(&xs, &ys), Err(Error::TargetSum { sample: 1, .. })));
    ys[1] = [0.0, 1.5, -0.5];
    assert!(matches!(session.step(&xs, &ys), Err(Error::Target { sample: 1, column: 1, .. })));
    assert_eq!(session.steps(), 1);
}

/// Two samples of weights 3 and 1 are four, of which three are the first.
#[test]
fn weights_count_samples() {
    let (xs, ys) = ([[1.0], [2.0]], [[2.0], [7.0]]);
    let trainer =
        Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).l2(0.5).batch_size(4).build().unwrap();
    let (mut weighted, mut repeated) = (Line::new(1), Line::new(1));
    let mut one = trainer.session(&mut weighted).unwrap();
    let mut other = trainer.session(&mut repeated).unwrap();
    for _ in 0..3 {
        let cost = one.step_weighted(&xs, &ys, &[3.0, 1.0]).unwrap();
        let expected = other.step(&[xs[0], xs[0], xs[0], xs[1]], &[ys[0], ys[0], ys[0], ys[1]]).unwrap();
        assert!((cost - expected).abs() < 1e-14 * expected, "{cost} and {expected}");
    }
    let distance = one.network().parameters()[0] - other.network().parameters()[0];
    assert!(distance.abs() < 1e-14, "{distance}");
    let error = one.step_weighted(&xs, &ys, &[1.0]).unwrap_err();
    assert_eq!(error, StepError::Rows { what: "weights", expected: 2, found: 1 }.into());
    assert!(one.step_weighted(&xs, &ys, &[1.0, -1.0]).is_err());
}

#[test]
fn the_rate_can_be_set_and_left_to_the_schedule_again() {
    // y = 0 for x = 0: the gradient is 0, and the weight moves by nothing but its decay αλ.
    let trainer =
        Trainer::builder().optimizer(Sgd::default()).schedule(|step| 0.1 * (step + 1) as f64).l2(1.0).batch_size(1);
    let trainer = trainer.build().unwrap();
    let mut net = Line::zeros();
    net.layer1_mut().weights[0][0] = 1.0;
    let mut session = trainer.session(&mut net).unwrap();
    let mut expected = 1.0;
    for (rate, set) in [(0.1, None), (0.2, None), (0.5, Some(0.5)), (0.5, None), (0.0, Some(0.0))] {
        if let Some(rate) = set {
            session.set_learning_rate(rate).unwrap();
        }
        assert!((session.learning_rate() - rate).abs() < 1e-15);
        session.step(&[[0.0]], &[[0.0]]).unwrap();
        expected *= 1.0 - rate;
        assert!((session.network().layer1().weights[0][0] - expected).abs() < 1e-15);
    }
    session.follow_schedule();
    assert!((session.learning_rate() - 0.6).abs() < 1e-15);
    for bad in [-0.1, f64::NAN, f64::INFINITY] {
        assert!(matches!(session.set_learning_rate(bad), Err(Error::Setting { name: "learning_rate", .. })));
    }
    assert!((session.learning_rate() - 0.6).abs() < 1e-15);
}

/// ‖Δ‖ of a = wx + b at w = 1, b = 0, x = 3, y = 0: δ = 3, so Δ = (9 + λ, 3).
#[test]
fn the_gradients_norm_is_measured_where_it_is_asked_for() {
    let builder = || Trainer::builder().optimizer(Sgd::default()).l2(1.0).batch_size(1);
    let mut nets = [Line::zeros(), Line::zeros()];
    for (net, measured) in nets.iter_mut().zip([true, false]) {
        net.layer1_mut().weights[0][0] = 1.0;
        let trainer = builder().gradient_norm(measured).build().unwrap();
        let mut session = trainer.session(net).unwrap();
        assert_eq!(session.gradient_norm(), None);
        session.step(&[[3.0]], &[[0.0]]).unwrap();
        assert_eq!(session.gradient_norm(), measured.then_some(109.0_f64.sqrt()));
    }
    assert_eq!(nets[0], nets[1]);
}

/// A state is taken whole or not at all, by the network and the optimiser that it is of.
#[test]
fn states_of_other_sessions_are_refused() {
    let data = blobs(8);
    let (mut net, mut other, mut wide) = (Net::new(1), Net::new(2), Wide::new(1));
    let adam = trainer(ADAM, 8, 1);
    let mut session = adam.session(&mut net).unwrap();
    session.step(data.inputs(), data.targets()).unwrap();
    let state = session.state().unwrap();
    let what = |error: Error| match error {
        Error::State { what, .. } => what,
        Error::AnotherArchitecture { .. } => "the architecture",
        other => panic!("{other}"),
    };
    let sgd = trainer(OPTIMIZERS[0], 8, 1);
    let mut resumed = sgd.session(&mut other).unwrap();
    let before = resumed.state().unwrap();
    assert_eq!(what(resumed.resume(&state).unwrap_err()), "the optimiser");
    assert_eq!(resumed.state().unwrap(), before);
    // As many numbers for each parameter, but others.
    let of = |optimizer| Trainer::builder().optimizer(optimizer).batch_size(8).threads(1).build().unwrap();
    let momentum = of(RmsProp::default().momentum(0.9)).session(&mut Net::new(1)).unwrap().state().unwrap();
    let (centered, mut third) = (of(RmsProp::default().centered(true)), Net::new(3));
    assert_eq!(what(centered.session(&mut third).unwrap().resume(&momentum).unwrap_err()), "the optimiser");
    let foreign = adam.session(&mut wide).unwrap().state().unwrap();
    assert_ne!(foreign.architecture, state.architecture);
    let spoilt = |change: fn(&mut nn_train::SessionState<f32>)| {
        let mut state = state.clone();
        change(&mut state);
        let mut net = Net::new(3);
        let mut session = adam.session(&mut net).unwrap();
        let before = session.state().unwrap();
        let what = what(session.resume(&state).unwrap_err());
        assert_eq!(session.state().unwrap(), before);
        what
    };
    assert_eq!(spoilt(|state| state.architecture = "2 => 1 sigmoid, mse".to_owned()), "the architecture");
    assert_eq!(spoilt(|state| state.parameters.truncate(3)), "the number of parameters");
    assert_eq!(spoilt(|state| state.parameters[0] = f32::NAN), "parameters");
    assert_eq!(spoilt(|state| state.optimizer.slots[1][2] = f32::INFINITY), "the optimiser's memory");
    assert_eq!(spoilt(|state| drop(state.optimizer.slots.pop())), "the optimiser's numbers for each parameter");
    assert_eq!(spoilt(|state| state.optimizer.scalars.push(0.0)), "the optimiser's numbers for all parameters");
    assert_eq!(spoilt(|state| state.optimizer.slots[0].truncate(1)), "the length of the optimiser's memory");
    // The next step would overflow the counters.
    assert_eq!(spoilt(|state| state.steps = u64::MAX), "the steps taken");
    assert_eq!(spoilt(|state| state.samples = u64::MAX), "the samples trained on");
}

/// A network that is given back in the midst of training goes on from there.
#[test]
fn a_session_takes_other_parameters() {
    let data = blobs(8);
    let trainer = trainer(OPTIMIZERS[0], 8, 1);
    let (mut net, mut expected, start) = (Net::new(1), Net::new(2), Net::new(2));
    let mut session = trainer.session(&mut net).unwrap();
    session.set_network(&start).unwrap();
    assert_eq!(session.network(), &start);
    session.step(data.inputs(), data.targets()).unwrap();
    session.finish();
    trainer.session(&mut expected).unwrap().step(data.inputs(), data.targets()).unwrap();
    assert_eq!(net, expected);
    let (mut dynamic, another) = (net.to_dynamic(), "1 => 1 linear, mse".parse::<Architecture>().unwrap());
    let another = DynNetwork::new(another, Init::default(), 1).unwrap();
    let error = trainer.session(&mut dynamic).unwrap().set_network(&another).unwrap_err();
    assert!(matches!(error, Error::AnotherArchitecture { .. }));
}

#[test]
fn what_cannot_be_had_is_refused_before_the_first_step() {
    let mut net = Wide::new(1).to_dynamic();
    let trainer = Trainer::builder().engine(nn_train::EngineKind::Narrow).build().unwrap();
    let Err(Error::Step(StepError::Unsuited { .. })) = trainer.session(&mut net) else {
        panic!("the narrow engine takes no such network")
    };
    // It is data sets that refuse NaN; a step finds it by its cost.
    assert!(DynDataset::new(vec![f32::NAN], 1, vec![0.0], 1).is_err());
}

/// Plain descent that notes on which thread each step is computed.
#[derive(Debug)]
struct Witness(Arc<Mutex<Vec<ThreadId>>>);

impl Optimizer for Witness {
    type Update<T: Element> = <Sgd as Optimizer>::Update<T>;

    fn name(&self) -> &'static str {
        "witness"
    }

    fn default_learning_rate(&self) -> f64 {
        0.01
    }

    fn slots(&self) -> usize {
        0
    }

    fn update<T: Element>(&self, step: Step<'_>) -> Result<Self::Update<T>, Error> {
        self.0.lock().unwrap().push(thread::current().id());
        Sgd::default().update(step)
    }
}

/// What no second thread would have a part in is not handed over: small steps, and all steps of one thread.
#[test]
fn small_steps_stay_on_the_calling_thread() {
    let (small, wide) = (blobs(10_000), vec![[0.5; 6]; 64]);
    let here = thread::current().id();
    for (threads, stay) in [(1, [true; 3]), (2, [true, false, false])] {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let builder = Trainer::builder().optimizer(Witness(Arc::clone(&seen))).batch_size(8).threads(threads);
        let trainer = builder.build().unwrap();
        let mut net = Net::new(1);
        let mut session = trainer.session(&mut net).unwrap();
        session.step(&small.inputs()[..8], &small.targets()[..8]).unwrap();
        // More samples than were planned for may be divided.
        session.step(small.inputs(), small.targets()).unwrap();
        drop(session);
        let mut net = Wide::new(1);
        trainer.session(&mut net).unwrap().step(&wide, &vec![[0.5; 2]; 64]).unwrap();
        let seen: Vec<bool> = seen.lock().unwrap().iter().map(|&thread| thread == here).collect();
        assert_eq!(seen, stay, "{threads} threads");
    }
}
