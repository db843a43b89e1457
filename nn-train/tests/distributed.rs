//! Several processes that train one network, as threads of this one: the steps are those of one process, and all ranks decide
//! alike.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use nn_train::collective::{self, Collective};
use nn_train::prelude::*;
use nn_train::{
    CallbackState, Divergence, EngineKind, Metric, Quantity, ReduceOnPlateau, TrainerBuilder, WeightAverage,
};

#[path = "support/ranks.rs"]
mod ranks;
use ranks::{Rank, on_ranks};

/// A wave for each index, in (-1, 1).
fn wave(index: usize, rate: f64) -> f64 {
    (index as f64 * rate).sin()
}

fn data<T: nn_train::Element>(architecture: &Architecture, rows: usize, weighted: bool) -> DynDataset<T> {
    let (inputs, outputs) = (architecture.inputs(), architecture.outputs());
    let xs = (0..rows * inputs).map(|i| T::from_f64(wave(i, 0.37))).collect();
    let ys = (0..rows * outputs).map(|i| T::from_f64(f64::from(u8::from(wave(i, 1.3) > 0.2)))).collect();
    let data = DynDataset::new(xs, inputs, ys, outputs).unwrap();
    if weighted {
        data.with_weights((0..rows).map(|i| T::from_f64(1.5 + wave(i, 0.7))).collect()).unwrap()
    } else {
        data
    }
}

/// The largest difference of two networks' parameters, beside the largest parameter.
fn difference<T: nn_train::Element>(one: &DynNetwork<T>, other: &DynNetwork<T>) -> f64 {
    let pairs = one.parameters().iter().zip(other.parameters()).map(|(x, y)| (x.to_f64(), y.to_f64()));
    let (off, most) =
        pairs.fold((0.0, 0.0), |(off, most): (f64, f64), (x, y)| (off.max((x - y).abs()), most.max(x.abs())));
    off / most
}

/// Trains on one process and on several: the same parameters on all ranks, which are those of one process to `bound`.
#[track_caller]
fn agrees<T: nn_train::Element>(
    architecture: &str,
    builder: &TrainerBuilder,
    (rows, weighted, bound): (usize, bool, f64),
) -> History {
    let architecture: Architecture = architecture.parse().unwrap();
    let (train, valid) = (data::<T>(&architecture, rows, weighted), data::<T>(&architecture, 41, weighted));
    let network = || DynNetwork::<T>::new(architecture.clone(), Init::default(), 3).unwrap();
    let mut alone = network();
    let expected = builder.clone().build().unwrap().fit(&mut alone, &train, Some(&valid)).unwrap();
    assert!(difference(&alone, &network()) > 1e-3, "training moves something");
    for size in 2..5 {
        let all = on_ranks(size, |rank| {
            let mut own = network();
            let trainer = builder.clone().collective(rank).verify_every(3).build().unwrap();
            let history = trainer.fit(&mut own, &train, Some(&valid)).unwrap();
            (own, history)
        });
        for (own, history) in &all {
            assert_eq!(own, &all[0].0, "bit for bit on {size} ranks");
            let off = difference(own, &alone);
            assert!(off <= bound, "{architecture} on {size} ranks: {off:e}");
            assert_eq!(history.len(), expected.len());
            for (own, expected) in history.iter().zip(expected.iter()) {
                let near = |x: f64, y: f64| (x - y).abs() <= 100.0 * bound * y.abs().max(1.0);
                assert!(near(own.cost, expected.cost), "{own} {expected}");
                assert!(near(own.validation_cost.unwrap(), expected.validation_cost.unwrap()), "{own} {expected}");
                assert_eq!(own.accuracy.is_some(), expected.accuracy.is_some());
            }
        }
    }
    expected
}

fn builder() -> TrainerBuilder {
    Trainer::builder().threads(1).seed(5).epochs(3).batch_size(32).learning_rate(0.01)
}

#[test]
fn every_engine_takes_the_steps_of_one_process() {
    // 211 rows make six whole steps and one of 19 rows an epoch, which no number of ranks divides.
    for (architecture, engine) in [
        ("3 => 5 tanh => 2", EngineKind::Narrow),
        ("9 => 70 relu => 33 tanh => 2", EngineKind::Tile),
        ("20 => 150 relu => 90 tanh => 5", EngineKind::Blocked),
    ] {
        agrees::<f64>(architecture, &builder().engine(engine), (211, false, 1e-12));
        agrees::<f32>(architecture, &builder().engine(engine), (211, false, 2e-5));
        let builder = builder().engine(engine).l2(0.3).l1(0.05).label_smoothing(0.1);
        agrees::<f64>(architecture, &builder, (211, true, 1e-12));
    }
    // Parts of more than a MiB are summed while others are computed.
    let wide = builder().engine(EngineKind::Blocked).epochs(1).batch_size(60);
    agrees::<f64>("30 => 400 relu => 400 tanh => 3", &wide, (130, false, 1e-12));
}

#[test]
fn every_optimiser_takes_the_steps_of_one_process() {
    fn all<O: Optimizer>(optimizer: O, rate: f64) {
        let builder = builder().optimizer(optimizer).learning_rate(rate).l2(0.1);
        agrees::<f64>("4 => 6 tanh => 2", &builder, (100, true, 1e-10));
        agrees::<f64>("4 => 80 tanh => 70 tanh => 2", &builder, (100, false, 1e-10));
    }
    all(Sgd::default().momentum(0.9), 0.1);
    all(Adam::default(), 0.01);
    all(nn_train::AdamW::default(), 0.01);
    all(RmsProp::default(), 0.01);
    all(Adagrad::default(), 0.05);
    all(Lion::default(), 0.001);
}

#[test]
fn dropout_and_clipping_are_those_of_the_whole_step() {
    let builder = builder().optimizer(Sgd::default()).learning_rate(0.5);
    for builder in [builder.clone().clip_norm(0.05), builder.clone().clip_value(0.01), builder.gradient_norm(true)] {
        agrees::<f64>("4 => 6 tanh dropout(0.3) => 2", &builder, (100, false, 1e-12));
        agrees::<f64>(
            "4 => 90 relu dropout(0.5) => 70 tanh dropout(0.2) => 2",
            &builder.shuffle(false),
            (101, true, 1e-10),
        );
    }
}

#[test]
fn fewer_rows_than_ranks() {
    agrees::<f64>("3 => 5 tanh => 2", &builder().batch_size(2).l2(0.1), (7, false, 1e-12));
    agrees::<f64>("3 => 90 tanh => 70 tanh => 2", &builder().batch_size(1).l2(0.1), (5, true, 1e-12));
}

network! { struct Net<3 => 7 tanh => 2>: f64, seed = 4; }

fn rows(count: usize) -> Dataset<[f64; 3], [f64; 2]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| wave(i * 3 + k, 0.61))).collect();
    let targets = (0..count).map(|i| [0.0, 1.0].map(|k| f64::from(u8::from(wave(i, 0.9 + k) > 0.0)))).collect();
    Dataset::new(inputs, targets).unwrap()
}

fn trained(rank: Arc<Rank>, builder: TrainerBuilder) -> Trainer {
    builder.collective(rank).build().unwrap()
}

#[test]
fn schedules_and_callbacks_do_what_they_do_alone() {
    let data = rows(60);
    let (train, valid) = data.split(0.3, 1).unwrap();
    let run = |trainer: Trainer| {
        let mut net = Net::new(4);
        let mut average = WeightAverage::exponential(0.9);
        let run = trainer.run(&mut net, &train).unwrap().validation(&valid).unwrap();
        let run = run.callback(ReduceOnPlateau::new(Monitor::ValidationCost).patience(1)).callback(&mut average);
        let history = run.callback(EarlyStopping::new(Monitor::ValidationCost).patience(4)).finish().unwrap();
        (net, history)
    };
    let builder = builder().batch_size(8).epochs(60).learning_rate(0.2);
    let (alone, expected) = run(builder.clone().build().unwrap());
    assert!(expected.len() < 60, "it stops early");
    for (net, history) in on_ranks(3, |rank| run(trained(rank, builder.clone()))) {
        assert_eq!(history.len(), expected.len());
        let off = net.parameters().iter().zip(alone.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(off < 1e-9, "{off:e}");
    }
    let one_cycle = builder.epochs(2).schedule(OneCycle::new(0.1, 12));
    let (alone, _) = run(one_cycle.clone().build().unwrap());
    for (net, _) in on_ranks(2, |rank| run(trained(rank, one_cycle.clone()))) {
        let off = net.parameters().iter().zip(alone.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(off < 1e-12, "{off:e}");
    }
}

/// Stops, or fails, on one rank after a step of the run, and counts its calls.
struct OnRank<'a> {
    rank: usize,
    step: u64,
    fails: bool,
    epoch: bool,
    stopped: &'a AtomicUsize,
}

impl<N: Network> Callback<N> for OnRank<'_> {
    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if self.epoch || context.rank() != self.rank || context.step() != self.step {
            return Ok(Signal::Continue);
        }
        if self.fails { Err(Error::callback("the disk is full")) } else { Ok(Signal::Stop) }
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if !self.epoch || context.rank() != self.rank || context.step() != self.step {
            return Ok(Signal::Continue);
        }
        if self.fails { Err(Error::callback("the disk is full")) } else { Ok(Signal::Stop) }
    }

    fn on_stop(&mut self, _: &mut Context<'_, N>) -> Result<(), Error> {
        self.stopped.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

#[test]
fn a_stop_of_one_rank_stops_all_after_the_same_step() {
    let data = rows(40);
    // Ten steps an epoch: within one, after its last step, at its end.
    for (step, epoch, ends) in [(1, false, (0, 1)), (13, false, (1, 13)), (20, false, (2, 20)), (30, true, (3, 30))] {
        let stopped = AtomicUsize::new(0);
        let all = on_ranks(3, |rank| {
            let mut net = Net::new(4);
            let trainer = trained(rank, builder().batch_size(4).epochs(5));
            let mut run = trainer.run(&mut net, &data).unwrap();
            run = run.callback(OnRank { rank: 1, step, fails: false, epoch, stopped: &stopped });
            let epochs = run.by_ref().inspect(|epoch| assert!(epoch.is_ok())).count();
            let state = run.state().unwrap();
            drop(run);
            (net, epochs, state)
        });
        assert_eq!(stopped.into_inner(), 3);
        for (net, epochs, state) in &all {
            assert_eq!((*epochs, state.session.steps), ends, "step {step}");
            assert_eq!((net, &state.session), (&all[0].0, &all[0].2.session));
        }
        // The steps are those of a process that stops there.
        let mut alone = Net::new(4);
        let trainer = builder().batch_size(4).epochs(5).build().unwrap();
        let stops =
            |context: &mut Context<'_, Net>| Ok(if context.step() == step { Signal::Stop } else { Signal::Continue });
        trainer.run(&mut alone, &data).unwrap().on_step(stops).finish().unwrap();
        let off = all[0].0.parameters().iter().zip(alone.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(off < 1e-12, "{off:e}");
    }
}

#[test]
fn an_error_of_one_rank_ends_all_and_names_it() {
    let data = rows(40);
    for (step, epoch) in [(7, false), (20, false), (30, true)] {
        let stopped = AtomicUsize::new(0);
        let errors = on_ranks(3, |rank| {
            let mut net = Net::new(4);
            let trainer = trained(rank, builder().batch_size(4).epochs(5));
            let run = trainer.run(&mut net, &data).unwrap();
            run.callback(OnRank { rank: 2, step, fails: true, epoch, stopped: &stopped }).finish().unwrap_err()
        });
        for error in errors {
            assert_eq!(error.to_string(), "rank 2: a callback ended the run: the disk is full");
        }
    }
}

#[test]
fn the_error_of_one_rank_goes_before_the_stop_of_another() {
    let data = rows(40);
    for (stops, fails) in [(0, 2), (2, 0)] {
        let stopped = AtomicUsize::new(0);
        let errors = on_ranks(3, |rank| {
            let (mut net, trainer) = (Net::new(4), trained(rank, builder().batch_size(4).epochs(5)));
            let on = |rank, fails| OnRank { rank, step: 7, fails, epoch: false, stopped: &stopped };
            let run = trainer.run(&mut net, &data).unwrap().callback(on(stops, false)).callback(on(fails, true));
            run.finish().unwrap_err().to_string()
        });
        let expected = format!("rank {fails}: a callback ended the run: the disk is full");
        assert_eq!(errors, [expected.clone(), expected.clone(), expected]);
    }
}

/// Rows that fail on one rank.
struct Failing<'a> {
    data: &'a DynDataset<f64>,
    from: Option<u64>,
}

impl Source for Failing<'_> {
    type Scalar = f64;

    fn len(&self) -> u64 {
        Source::len(self.data)
    }

    fn input_width(&self) -> usize {
        self.data.input_width()
    }

    fn target_width(&self) -> usize {
        self.data.target_width()
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f64>) -> Result<(), Error> {
        if indices.iter().any(|index| self.from.is_some_and(|from| *index >= from)) {
            return Err(Error::source("the network cable is out"));
        }
        self.data.read(indices, rows)
    }
}

#[test]
fn a_source_that_fails_on_one_rank_ends_all() {
    let data = rows(40);
    let errors = on_ranks(4, |rank| {
        let source = Failing { data: &data, from: (rank.rank() == 3).then_some(39) };
        let mut net = Net::new(4);
        let trainer = trained(rank, builder().batch_size(8).epochs(50));
        let error = trainer.fit(&mut net, &source, None).unwrap_err();
        (net, error)
    });
    for (net, error) in &errors {
        assert_eq!(error.to_string(), "rank 3: the source failed: the network cable is out");
        assert_eq!(net, &errors[0].0, "the network as after the last step that all have taken");
    }
}

#[test]
fn what_is_not_alike_is_said_before_training() {
    network! { struct Other<3 => 8 tanh => 2>: f64; }
    let (data, fewer) = (rows(40), rows(39));
    let error_of = |work: &(dyn Fn(Arc<Rank>) -> Result<History, Error> + Sync)| {
        let errors: Vec<String> = on_ranks(3, |rank| work(rank).unwrap_err().to_string());
        assert!(errors.iter().all(|error| *error == errors[0]), "{errors:?}");
        errors[0].clone()
    };
    let odd = |rank: &Rank| rank.rank() == 2;
    let settings = |rank: &Rank, other: TrainerBuilder| if odd(rank) { other } else { builder() };

    let error = error_of(&|rank| {
        if odd(&rank) {
            trained(rank, builder()).fit(&mut Other::new(4), &data, None)
        } else {
            trained(rank, builder()).fit(&mut Net::new(4), &data, None)
        }
    });
    assert!(error.starts_with("rank 2: the architecture is `3 => 8 tanh => 2"), "{error}");
    assert!(error.contains("; expected `3 => 7 tanh => 2"), "{error}");
    for (other, says) in [
        (
            builder().seed(6),
            "rank 2: batch_size, epochs, seed, shuffle is `32, 3, 6, true`; expected `32, 3, 5, true`, as on rank 0",
        ),
        (builder().l2(0.5), "rank 2: l1, l2, clip_norm"),
        (builder().learning_rate(0.5), "rank 2: the learning rate"),
        (builder().optimizer(Sgd::default()), "rank 2: the optimiser is `Sgd"),
        (
            builder().engine(EngineKind::Tile),
            "rank 2: how steps are computed (set `engine` and `instruction_set`, or `threads`, on all ranks) is `tile",
        ),
    ] {
        let error = error_of(&|rank| {
            let trainer = settings(&rank, other.clone()).collective(Arc::clone(&rank)).build().unwrap();
            trainer.fit(&mut Net::new(4), &data, None)
        });
        assert!(error.starts_with(says), "{error}");
    }
    let error = error_of(&|rank| {
        let seed = if odd(&rank) { 5 } else { 4 };
        trained(rank, builder()).fit(&mut Net::new(seed), &data, None)
    });
    assert_eq!(error, "rank 2: after step 0 its state is not that of rank 0, bit for bit");
    let error = error_of(&|rank| {
        let data = if odd(&rank) { &fewer } else { &data };
        trained(rank, builder()).fit(&mut Net::new(4), data, None)
    });
    assert!(error.starts_with("rank 2: the data is `39 rows"), "{error}");
}

#[test]
fn parameters_that_drift_apart_are_noticed() {
    let data = rows(40);
    for verify_every in [1, 1000] {
        let errors = on_ranks(2, |rank| {
            let odd = rank.rank() == 1;
            let mut net = Net::new(4);
            let trainer = trained(rank, builder().batch_size(4).epochs(1).verify_every(verify_every));
            let changes = |context: &mut Context<'_, Net>| {
                if odd && context.step() == 3 {
                    let mut other = context.network().clone();
                    other.layer1_mut().bias[0] += 1e-9;
                    context.set_network(&other)?;
                }
                Ok(Signal::Continue)
            };
            trainer.run(&mut net, &data).unwrap().on_step(changes).finish().unwrap_err().to_string()
        });
        let step = if verify_every == 1 { 4 } else { 10 };
        let expected = format!("rank 1: after step {step} its state is not that of rank 0, bit for bit");
        assert_eq!(errors, [expected.clone(), expected]);
    }
}

#[test]
fn a_session_takes_the_rows_of_all_ranks() {
    let data = rows(23);
    // How many rows each rank has in a step.
    for cuts in [[5, 12, 23], [0, 23, 23], [8, 8, 23], [1, 2, 23]] {
        let bounds = [0, cuts[0], cuts[1], cuts[2]];
        let builder = builder().batch_size(23).l2(0.4).learning_rate(0.05);
        let weights: Vec<f64> = (0..23).map(|i| 1.0 + wave(i, 0.3)).collect();
        let (mut alone, trainer) = (Net::new(4), builder.clone().build().unwrap());
        let mut session = trainer.session(&mut alone).unwrap();
        let expected: Vec<f64> = (0..4)
            .map(|_| session.step_weighted(data.inputs(), data.targets(), &weights).unwrap())
            .chain((0..4).map(|_| 0.0))
            .collect();
        let indices: Vec<u64> = (0..23).rev().collect();
        let more: Vec<f64> = (0..4).map(|_| session.step_at(&data, &indices).unwrap()).collect();
        drop(session);
        let all = on_ranks(3, |rank| {
            let own = bounds[rank.rank()]..bounds[rank.rank() + 1];
            let (mut net, trainer) = (Net::new(4), trained(rank, builder.clone()));
            let mut session = trainer.session(&mut net).unwrap();
            for expected in &expected[..4] {
                let (inputs, targets) = (&data.inputs()[own.clone()], &data.targets()[own.clone()]);
                let cost = session.step_weighted(inputs, targets, &weights[own.clone()]).unwrap();
                assert!((cost - expected).abs() < 1e-12, "{cost} {expected}");
            }
            for expected in &more {
                let cost = session.step_at(&data, &indices[own.clone()]).unwrap();
                assert!((cost - expected).abs() < 1e-12, "{cost} {expected}");
            }
            assert_eq!(session.steps(), 8);
            drop(session);
            net
        });
        for net in &all {
            assert_eq!(net, &all[0]);
            let off = net.parameters().iter().zip(alone.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12, "{off:e}");
        }
    }
}

#[test]
fn a_sample_that_is_no_number_names_its_rank() {
    let data = rows(12);
    for engine in [EngineKind::Narrow, EngineKind::Blocked] {
        let all = on_ranks(3, |rank| {
            let odd = rank.rank() == 1;
            let (mut net, trainer) = (Net::new(4), trained(rank, builder().engine(engine)));
            let mut session = trainer.session(&mut net).unwrap();
            let mut inputs = data.inputs()[..4].to_vec();
            if odd {
                inputs[2][1] = f64::NAN;
            }
            let error = session.step(&inputs, &data.targets()[..4]).unwrap_err();
            // Nothing has moved, and the next step is like any other.
            assert_eq!(session.network(), &Net::new(4));
            session.step(&data.inputs()[..4], &data.targets()[..4]).unwrap();
            // What only one rank gets wrong is every rank's error.
            let targets = if odd { &data.targets()[..3] } else { &data.targets()[..4] };
            let wrong = session.step(&data.inputs()[..4], targets).unwrap_err();
            assert_eq!(wrong.to_string(), "rank 1: targets holds 3 rows, expected 4, one for each of the inputs");
            let empty = session.step(&data.inputs()[..0], &data.targets()[..0]).unwrap_err();
            assert!(matches!(empty, Error::Empty { .. }));
            error
        });
        for error in all {
            assert!(matches!(error, Error::Diverged { rank: Some(1), step: 1, epoch: None, .. }), "{error}");
            assert!(error.to_string().starts_with("rank 1, step 1: "), "{error}");
        }
    }
}

#[test]
fn steps_that_diverge_are_dropped_by_all() {
    let architecture: Architecture = "3 => 2 linear".parse().unwrap();
    // One row of the whole overflows the square of its residual.
    let mut inputs: Vec<f64> = (0..120).map(|i| wave(i, 0.4)).collect();
    inputs[61] = 1e200;
    let data = DynDataset::new(inputs, 3, (0..80).map(|i| wave(i, 0.8)).collect(), 2).unwrap();
    let builder = builder().optimizer(Sgd::default()).learning_rate(0.1).batch_size(10);
    let skip = builder.clone().on_divergence(Divergence::SkipAndShrink { factor: 0.5, at_most: 3 });
    let network = || DynNetwork::<f64>::new(architecture.clone(), Init::default(), 3).unwrap();
    let fit = |trainer: Trainer| {
        let mut net = network();
        let history = trainer.fit(&mut net, &data, None).unwrap();
        (net, history.iter().map(|epoch| epoch.dropped_steps).collect::<Vec<_>>())
    };
    let (alone, expected) = fit(skip.clone().build().unwrap());
    assert_eq!(expected, [1, 1, 1]);
    for (net, dropped) in on_ranks(3, |rank| fit(trained(rank, skip.clone()))) {
        assert_eq!(dropped, expected);
        assert!(difference(&net, &alone) < 1e-12);
    }
    let errors = on_ranks(2, |rank| trained(rank, builder.clone()).fit(&mut network(), &data, None).unwrap_err());
    assert!(
        matches!(
            errors[0],
            Error::Diverged { epoch: Some(1), rank: Some(_), quantity: Quantity::Cost | Quantity::Gradient, .. }
        ),
        "{}",
        errors[0]
    );
    assert_eq!(errors[0], errors[1]);
}

#[test]
fn a_run_goes_on_from_its_state_on_another_number_of_ranks() {
    let data = rows(50);
    let builder = builder().batch_size(8).epochs(4);
    let state_at = |trainer: Trainer, step: u64| {
        let (mut net, mut state) = (Net::new(4), None);
        let keeps = |context: &mut Context<'_, Net>| {
            if context.step() == step {
                state = Some(context.state()?);
            }
            Ok(Signal::Continue)
        };
        trainer.run(&mut net, &data).unwrap().on_step(keeps).finish().unwrap();
        (net, state.unwrap())
    };
    for step in [7, 11, 28] {
        let (whole, _) = state_at(builder.clone().build().unwrap(), step);
        let states = on_ranks(3, |rank| state_at(trained(rank, builder.clone()), step).1);
        for size in [1, 2, 4] {
            let nets = on_ranks(size, |rank| {
                let mut net = Net::zeros();
                let trainer = trained(rank, builder.clone());
                trainer.run(&mut net, &data).unwrap().resume(&states[0]).unwrap().finish().unwrap();
                net
            });
            for net in &nets {
                assert_eq!(net, &nets[0]);
                let off =
                    net.parameters().iter().zip(whole.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
                assert!(off < 1e-12, "{off:e}");
            }
        }
        let errors = on_ranks(2, |rank| {
            let mut state = states[0].clone();
            if rank.rank() == 1 {
                state.session.parameters[0] += 1.0;
            }
            trained(rank, builder.clone())
                .run(&mut Net::zeros(), &data)
                .unwrap()
                .resume(&state)
                .unwrap_err()
                .to_string()
        });
        assert!(errors.iter().all(|error| error.starts_with("rank 1: after step")), "{errors:?}");
    }
}

#[test]
fn the_gradient_that_a_callback_asks_for_is_the_whole_steps() {
    let data = rows(30);
    let gradients = |trainer: Trainer| {
        let (mut net, mut all) = (Net::new(4), Vec::new());
        let asks = |context: &mut Context<'_, Net>| {
            let (cost, gradient) = context.gradient()?.unwrap();
            all.push((cost, gradient));
            Ok(Signal::Continue)
        };
        trainer.run(&mut net, &data).unwrap().on_step(asks).finish().unwrap();
        all
    };
    let builder = builder().batch_size(7).epochs(2).l2(0.3).l1(0.1);
    let expected = gradients(builder.clone().build().unwrap());
    for all in on_ranks(3, |rank| gradients(trained(rank, builder.clone()))) {
        assert_eq!(all.len(), expected.len());
        for ((cost, gradient), (expected_cost, expected)) in all.iter().zip(&expected) {
            let off =
                gradient.parameters().iter().zip(expected.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12 && (cost - expected_cost).abs() < 1e-12, "{off:e} {cost} {expected_cost}");
        }
    }
}

#[test]
fn minimisers_find_the_minimum_of_one_process() {
    let data = rows(37);
    let weighted = data.clone().with_weights((0..37).map(|i| 1.0 + wave(i, 0.2)).collect()).unwrap();
    for data in [&data, &weighted] {
        let lbfgs = Lbfgs::default().max_iterations(15).l2(0.5).threads(1);
        let gradients = ConjugateGradient::default().max_iterations(15).l2(0.5).threads(1);
        let (mut alone, mut alone_cg) = (Net::new(4), Net::new(4));
        let expected = lbfgs.minimize(&mut alone, data).unwrap();
        let expected_cg = gradients.minimize(&mut alone_cg, data).unwrap();
        for size in [2, 4] {
            let all = on_ranks(size, |rank| {
                let (mut net, mut net_cg) = (Net::new(4), Net::new(4));
                let solution = lbfgs.clone().collective(Arc::clone(&rank)).minimize(&mut net, data).unwrap();
                let solution_cg = gradients.clone().collective(rank).minimize(&mut net_cg, data).unwrap();
                (net, net_cg, solution, solution_cg)
            });
            for (net, net_cg, solution, solution_cg) in &all {
                assert_eq!((net, net_cg), (&all[0].0, &all[0].1));
                assert_eq!((solution.iterations, solution.reason), (expected.iterations, expected.reason));
                assert!(
                    (solution.cost - expected.cost).abs() < 1e-9 && (solution_cg.cost - expected_cg.cost).abs() < 1e-9
                );
            }
        }
    }
    // Each rank with rows of its own, and all of them together.
    let mut alone = Net::new(4);
    let lbfgs = Lbfgs::default().max_iterations(10).l2(0.5).threads(1);
    let expected = lbfgs.minimize(&mut alone, &weighted).unwrap();
    let parts: Vec<_> =
        [0..5, 5..30, 30..37].into_iter().map(|part| weighted.subset(&part.collect::<Vec<_>>()).unwrap()).collect();
    for solution in on_ranks(3, |rank| {
        let own = &parts[rank.rank()];
        lbfgs.clone().collective(rank).minimize(&mut Net::new(4), &nn_train::Shard::new(own)).unwrap()
    }) {
        assert_eq!(solution.iterations, expected.iterations);
        assert!((solution.cost - expected.cost).abs() < 1e-9, "{} {}", solution.cost, expected.cost);
    }
    let errors = on_ranks(3, |rank| {
        let memory = if rank.rank() == 1 { 5 } else { 10 };
        let lbfgs = Lbfgs::default().memory(memory).collective(Arc::clone(&rank)).threads(1);
        let none = Lbfgs::default().memory(rank.rank()).collective(Arc::clone(&rank)).threads(1);
        let other = lbfgs.minimize(&mut Net::new(4), &data).unwrap_err().to_string();
        let wrong = none.minimize(&mut Net::new(4), &data).unwrap_err().to_string();
        // The square of a residual of one of rank 1's rows overflows.
        let mut inputs = data.inputs().as_flattened().to_vec();
        inputs[3 * 15] = 1e200;
        let inputs = DynDataset::new(inputs, 3, data.targets().as_flattened().to_vec(), 2).unwrap();
        let mut line = DynNetwork::<f64>::new("3 => 2 linear".parse().unwrap(), Init::default(), 3).unwrap();
        let diverges = Lbfgs::default().collective(rank).threads(1).minimize(&mut line, &inputs).unwrap_err();
        (other, wrong, diverges)
    });
    for (other, wrong, diverges) in errors {
        assert_eq!(
            other,
            "rank 1: the algorithm is `L-BFGS with a memory of 5`; expected `L-BFGS with a memory of 10`, as on rank 0"
        );
        assert!(wrong.starts_with("rank 1: the algorithm is `L-BFGS with a memory of 1`"), "{wrong}");
        assert!(matches!(diverges, Error::Diverged { rank: Some(1), step: 1, .. }), "{diverges}");
    }
    let stopped = on_ranks(3, |rank| {
        let odd = rank.rank() == 2;
        let lbfgs = Lbfgs::default().collective(rank).threads(1);
        let stop = lbfgs.minimize_with(&mut Net::new(4), &data, |iteration| {
            Ok(if odd && iteration.number == 3 { Signal::Stop } else { Signal::Continue })
        });
        let fails = lbfgs.minimize_with(&mut Net::new(4), &data, |iteration| {
            if odd && iteration.number == 2 { Err(Error::callback("no")) } else { Ok(Signal::Continue) }
        });
        (stop.unwrap(), fails.unwrap_err().to_string())
    });
    for (solution, error) in stopped {
        assert_eq!((solution.iterations, solution.reason), (3, nn_train::StopReason::Callback));
        assert_eq!(error, "rank 2: a callback ended the run: no");
    }
}

/// Says where it was called.
struct Writer<'a>(&'a AtomicUsize);

impl<N: Network> Callback<N> for Writer<'_> {
    fn only_on_first_rank(&self) -> bool {
        true
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        assert_eq!((context.rank(), context.ranks()), (0, 3));
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(Signal::Continue)
    }

    fn state(&self) -> Option<CallbackState> {
        None
    }
}

#[test]
fn what_writes_is_called_on_rank_0_only_and_files_are_written_once() {
    let data = rows(30);
    let folder = std::env::temp_dir().join(format!("nn-train-ranks-{}", std::process::id()));
    std::fs::remove_dir_all(&folder).ok();
    std::fs::create_dir_all(&folder).unwrap();
    let calls = AtomicUsize::new(0);
    let all = on_ranks(3, |rank| {
        let odd = rank.rank() == 2;
        let trainer = trained(rank, builder().batch_size(10).epochs(4));
        let mut net = Net::new(4);
        let run = trainer.run(&mut net, &data).unwrap().callback(Writer(&calls));
        let stop = |context: &mut Context<'_, Net>| {
            Ok(if odd && context.step() == 7 { Signal::Stop } else { Signal::Continue })
        };
        let log = nn_train::CsvLog::file(folder.join("log.csv"));
        let board = nn_train::TensorBoard::folder(folder.join("board"));
        let checkpoints = Checkpoints::new(folder.join("checkpoints"));
        run.callback(log).callback(board).on_step(stop).callback(checkpoints).finish().unwrap();
        net
    });
    assert_eq!(calls.into_inner(), 2);
    assert_eq!(std::fs::read_dir(folder.join("board")).unwrap().count(), 1);
    assert_eq!(std::fs::read_to_string(folder.join("log.csv")).unwrap().lines().count(), 3);
    // The stop of rank 2 is in a checkpoint of rank 0.
    let (_, state) = Checkpoints::latest::<f64>(folder.join("checkpoints")).unwrap().found.unwrap();
    assert_eq!((state.session.steps, &state.session.parameters[..]), (7, all[1].parameters()));
    // It is read by rank 0 alone, and all go on from it.
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn ranks_agree_and_tell_each_other() {
    let all = on_ranks(3, |rank| {
        let own = if rank.rank() == 0 { Ok(1) } else { Err(Error::callback(format!("of {}", rank.rank()))) };
        let error = collective::agree(&*rank, own).unwrap_err().to_string();
        assert_eq!(collective::agree(&*rank, Ok::<_, Error>(rank.rank())), Ok(rank.rank()));
        let told = collective::from_first(&*rank, || Ok(vec![rank.rank() as u8 + 7; 3])).unwrap();
        let nothing = collective::from_first(&*rank, || Err(Error::callback("no file"))).unwrap_err().to_string();
        (error, told, nothing)
    });
    for (error, told, nothing) in all {
        assert_eq!(error, "rank 1: a callback ended the run: of 1");
        assert_eq!((told, nothing.as_str()), (vec![7; 3], "rank 0: a callback ended the run: no file"));
    }
    // A rank that leaves is an error for those who wait, not a wait for ever.
    let data = rows(20);
    let errors = on_ranks(3, |rank| {
        if rank.rank() == 1 {
            return None;
        }
        Some(trained(rank, builder()).fit(&mut Net::new(4), &data, None).unwrap_err().to_string())
    });
    assert!(errors.iter().flatten().all(|error| error.contains("rank 1 has left")), "{errors:?}");
}

#[test]
fn folds_are_trained_together_and_a_search_is_one_processs() {
    let data = rows(30);
    let builder = builder().batch_size(10).epochs(3);
    let folds = |trainer: Trainer| {
        let folds = KFold::new(3).split(30).unwrap();
        let result = trainer.cross_validate(|_| Ok(Net::new(4)), &data, &folds).run().unwrap();
        result.folds.iter().map(|fold| fold.score).collect::<Vec<_>>()
    };
    let expected = folds(builder.clone().build().unwrap());
    for scores in on_ranks(2, |rank| folds(trained(rank, builder.clone()))) {
        assert!(scores.iter().zip(&expected).all(|(x, y)| (x - y).abs() < 1e-10), "{scores:?} {expected:?}");
    }
    let errors = on_ranks(2, |rank| {
        let network = |_: &f64| Ok((builder.clone().collective(Arc::clone(&rank)), Net::new(4)));
        Search::new([0.1]).epochs(2..=2).run(&data, &data, network).unwrap_err().to_string()
    });
    assert_eq!(
        errors[0],
        "collective is 2 processes; expected one process: trials run side by side, so that their sums would meet"
    );
}

/// What any program may have around its data: nothing is said of weights.
struct Wrapped<'a>(&'a DynDataset<f64>);

impl Source for Wrapped<'_> {
    type Scalar = f64;

    fn len(&self) -> u64 {
        Source::len(self.0)
    }

    fn input_width(&self) -> usize {
        self.0.input_width()
    }

    fn target_width(&self) -> usize {
        self.0.target_width()
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f64>) -> Result<(), Error> {
        self.0.read(indices, rows)
    }

    fn resident(&self) -> Option<&DynDataset<f64>> {
        Some(self.0)
    }
}

#[test]
fn data_that_says_nothing_of_its_weights_counts_all_the_same() {
    let plain = rows(40);
    let weighted = plain.clone().with_weights((0..40).map(|i| 1.0 + wave(i, 0.2)).collect()).unwrap();
    for data in [&plain, &weighted] {
        let builder = builder().batch_size(7);
        let mut alone = Net::new(4);
        builder.clone().build().unwrap().fit(&mut alone, &Wrapped(data), None).unwrap();
        for net in on_ranks(3, |rank| {
            let mut net = Net::new(4);
            trained(rank, builder.clone()).fit(&mut net, &Wrapped(data), None).unwrap();
            net
        }) {
            let off = net.parameters().iter().zip(alone.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
            assert!(off < 1e-12 && alone != Net::new(4), "{off:e}");
        }
    }
}

#[test]
fn an_epoch_in_parts_goes_on_where_the_trainer_knows_of_none() {
    let data = rows(60).with_weights((0..60).map(|i| 1.0 + wave(i, 0.2)).collect()).unwrap();
    let builder = builder().batch_size(8).epochs(2);
    let mut state = None;
    let keeps = |context: &mut Context<'_, Net>| {
        if context.step() == 3 {
            state = Some(context.state()?);
        }
        Ok(Signal::Continue)
    };
    let trainer = builder.clone().parts(6).build().unwrap();
    trainer.run(&mut Net::new(4), &data).unwrap().on_step(keeps).finish().unwrap();
    let state = state.unwrap();
    let mut alone = Net::zeros();
    let trainer = builder.clone().build().unwrap();
    trainer.run(&mut alone, &data).unwrap().resume(&state).unwrap().finish().unwrap();
    for net in on_ranks(2, |rank| {
        let mut net = Net::zeros();
        trained(rank, builder.clone()).run(&mut net, &data).unwrap().resume(&state).unwrap().finish().unwrap();
        net
    }) {
        let off = net.parameters().iter().zip(alone.parameters()).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max);
        assert!(off < 1e-12, "{off:e}");
    }
}

/// What every rank says where the ranks do different things.
fn elsewhere(work: impl Fn(Arc<Rank>) -> Result<(), Error> + Sync, places: [&str; 2]) {
    let errors = on_ranks(3, |rank| (rank.rank(), work(rank).unwrap_err().to_string()));
    for (rank, error) in errors {
        let place = places[usize::from(rank != 1)];
        let said = format!("rank {rank}: it has come to `{place}`, and other ranks to something else");
        // A callback's error would be told to the others, who are gone by then.
        let gone = place.contains("a callback") && error.contains("has left");
        assert!(gone || error.starts_with(&said), "{error}");
    }
}

#[test]
fn ranks_that_do_different_things_get_an_error() {
    let data = rows(40);
    let state = {
        let (mut net, trainer) = (Net::new(4), builder().epochs(1).build().unwrap());
        let mut run = trainer.run(&mut net, &data).unwrap();
        run.by_ref().for_each(|epoch| assert!(epoch.is_ok()));
        run.state().unwrap()
    };
    let odd = |rank: &Rank| rank.rank() == 1;
    elsewhere(
        |rank| {
            let (odd, mut net) = (odd(&rank), Net::new(4));
            let trainer = trained(rank, builder());
            let run = trainer.run(&mut net, &data)?;
            if odd { run.resume(&state)? } else { run }.finish().map(drop)
        },
        ["Run::resume", "the start of a run"],
    );
    elsewhere(
        |rank| {
            let (odd, mut net) = (odd(&rank), Net::new(4));
            let trainer = trained(rank, builder());
            let run = trainer.run(&mut net, &data)?;
            if odd { run } else { run.validation(&data)? }.finish().map(drop)
        },
        ["the start of a run", "Run::validation"],
    );
    elsewhere(
        |rank| {
            let asks = odd(&rank);
            let ask = |context: &mut Context<'_, Net>| {
                if asks {
                    context.gradient()?;
                }
                Ok(Signal::Continue)
            };
            let (mut net, trainer) = (Net::new(4), trained(rank, builder()));
            trainer.run(&mut net, &data)?.on_epoch(ask).finish().map(drop)
        },
        ["the gradient that a callback asks for", "the callbacks of an epoch"],
    );
}

#[test]
fn what_only_one_rank_changes_is_noticed_before_the_next_step() {
    let data = rows(40);
    let errors = on_ranks(3, |rank| {
        let odd = rank.rank() == 2;
        let changes = |context: &mut Context<'_, Net>| {
            if odd && context.step() == 3 {
                context.set_learning_rate(0.5)?;
            }
            Ok(Signal::Continue)
        };
        let (mut net, trainer) = (Net::new(4), trained(rank, builder().batch_size(4)));
        trainer.run(&mut net, &data).unwrap().on_step(changes).finish().unwrap_err().to_string()
    });
    let expected = "rank 2: before step 4 its learning rate is 0.5; expected 0.01, as on rank 0";
    assert_eq!(errors, [expected; 3]);
    // A metric of each rank's own brings back other weights on each.
    let errors = on_ranks(2, |rank| {
        let best = 2 + rank.rank();
        let measure = move |context: &mut Context<'_, Net>| Ok((context.epoch() as f64 - best as f64).abs());
        let (mut net, trainer) = (Net::new(4), trained(rank, builder().batch_size(4).epochs(5)));
        let stopping = EarlyStopping::new(measure).patience(5);
        trainer.run(&mut net, &data).unwrap().callback(stopping).finish().unwrap_err().to_string()
    });
    assert!(
        errors.iter().all(|error| error.starts_with("rank 1: after step 50 its state is not that of rank 0")),
        "{errors:?}"
    );
}

#[test]
fn rows_that_come_after_the_stop_may_fail() {
    let data = rows(40);
    let steps = on_ranks(3, |rank| {
        let odd = rank.rank() == 1;
        // The last row of an unshuffled epoch of ten steps, which rank 2 reads while rank 1 stops.
        let source = Failing { data: &data, from: (rank.rank() == 2).then_some(36) };
        let stop = |context: &mut Context<'_, Net>| {
            Ok(if odd && context.step() == 9 { Signal::Stop } else { Signal::Continue })
        };
        let (mut net, trainer) = (Net::new(4), trained(rank, builder().batch_size(4).shuffle(false)));
        let mut run = trainer.run(&mut net, &source).unwrap().on_step(stop);
        run.by_ref().for_each(|epoch| assert!(epoch.is_ok()));
        run.state().unwrap().session.steps
    });
    assert_eq!(steps, [9; 3]);
}

#[test]
fn errors_that_all_ranks_have_are_their_own() {
    let data = rows(40);
    let wide = DynDataset::new(vec![0.0; 40], 4, vec![0.0; 20], 2).unwrap();
    for (error, validation) in on_ranks(2, |rank| {
        let trainer = trained(rank, builder());
        let error = trainer.fit(&mut Net::new(4), &wide, None).unwrap_err();
        let stream = Stream::new(40, 3, 2, || (0..40).map(|i| (vec![wave(i, 0.1); 3], vec![0.0; 2])));
        let validation = trainer.run(&mut Net::new(4), &data).unwrap().validation(&stream).map(drop);
        (error, validation.unwrap_err())
    }) {
        assert!(matches!(error, Error::Width { what: "inputs", expected: 3, found: 4 }), "{error}");
        assert!(matches!(validation, Error::Division { .. }), "{validation}");
    }
}

/// A metric that each rank would measure for itself is asked of the network that all have.
#[test]
fn metrics_of_callbacks_see_the_same_network() {
    let data = rows(30);
    let best = on_ranks(2, |rank| {
        let trainer = trained(rank, builder().batch_size(10).epochs(6));
        let mut net = Net::new(4);
        let measure = |context: &mut Context<'_, Net>| context.network().cost(data.inputs(), data.targets(), 0.0);
        let mut stopping = EarlyStopping::new(measure).patience(2);
        trainer.run(&mut net, &data).unwrap().callback(&mut stopping).finish().unwrap();
        stopping.best_epoch()
    });
    assert_eq!(best[0], best[1]);
    fn _is_metric<M: Metric<Net>>(_: M) {}
}
