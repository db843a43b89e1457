//! What a callback sees of a run: the gradient, and steps that were dropped.
#![allow(clippy::unwrap_used, missing_docs)]

use std::sync::Mutex;

use nn_train::prelude::*;
use nn_train::{Divergence, EngineKind, RunState, Source, TrainerBuilder};

type Net = DynNetwork<f64>;

const BATCH: usize = 16;
const SMOOTHING: f64 = 0.1;
/// λ and λ₁.
const L2: f64 = 0.3;
const L1: f64 = 0.2;

fn network() -> Net {
    let architecture = "3 => 17 tanh dropout(0.25) => 3 softmax".parse().unwrap();
    DynNetwork::new(architecture, Init::default(), 1).unwrap()
}

/// 50 samples, so that an epoch's last batch has two of them.
fn data(weighted: bool) -> DynDataset<f64> {
    let inputs = (0..150).map(|index| (index as f64 * 1.7).sin()).collect();
    let labels: Vec<usize> = (0..50).map(|index| index * 7 % 3).collect();
    let data = DynDataset::from_labels(inputs, 3, &labels, 3).unwrap();
    if weighted { data.with_weights((0..50).map(|index| f64::from(index % 4)).collect()).unwrap() } else { data }
}

/// A source that is not in memory and remembers what it was asked for last.
struct Asked {
    data: DynDataset<f64>,
    last: Mutex<Vec<u64>>,
}

impl Source for Asked {
    type Scalar = f64;

    fn len(&self) -> u64 {
        self.data.len() as u64
    }

    fn input_width(&self) -> usize {
        self.data.input_width()
    }

    fn target_width(&self) -> usize {
        self.data.target_width()
    }

    fn read(&self, indices: &[u64], rows: &mut nn_train::Rows<f64>) -> Result<(), Error> {
        *self.last.lock().unwrap() = indices.to_vec();
        self.data.read(indices, rows)
    }
}

fn builder(threads: usize) -> TrainerBuilder {
    let builder = Trainer::builder().learning_rate(0.01).batch_size(BATCH).epochs(3).seed(4).threads(threads);
    builder.l1(L1).l2(L2).label_smoothing(SMOOTHING).clip_norm(0.5)
}

/// Cost and gradient by the network's own, on the samples at `indices`, with smoothed targets and both terms of λ.
fn by_network(net: &Net, data: &DynDataset<f64>, indices: &[u64]) -> (f64, Vec<f64>) {
    let indices: Vec<usize> = indices.iter().map(|&index| index as usize).collect();
    let batch = data.subset(&indices).unwrap();
    let targets = batch.targets().iter().map(|target| (1.0 - SMOOTHING) * target + SMOOTHING / 3.0).collect();
    let smoothed = DynDataset::new(batch.inputs().to_vec(), 3, targets, 3).unwrap();
    let smoothed = match batch.weights() {
        Some(weights) => smoothed.with_weights(weights.to_vec()).unwrap(),
        None => smoothed,
    };
    // In a run λ is divided by the full batch.
    let l2 = L2 * indices.len() as f64 / BATCH as f64;
    let (mut cost, gradient) = net.gradient_on(&smoothed, l2).unwrap();
    let (theta, mut gradient) = (net.parameters(), gradient.parameters().to_vec());
    for range in net.architecture().ranges() {
        for place in range.weights {
            cost += L1 / BATCH as f64 * theta[place].abs();
            gradient[place] += L1 / BATCH as f64 * theta[place].signum();
        }
    }
    (cost, gradient)
}

#[track_caller]
fn assert_near((cost, gradient): &(f64, Net), (wanted_cost, wanted): &(f64, Vec<f64>)) {
    let largest = wanted.iter().fold(0.0_f64, |most, number| most.max(number.abs()));
    let worst = gradient.parameters().iter().zip(wanted).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
    assert!(largest > 1e-3 && worst <= 1e-13 * largest, "{worst:e} of {largest:e}");
    assert!((cost - wanted_cost).abs() <= 1e-13 * wanted_cost, "{cost}, expected {wanted_cost}");
}

/// After each step on the step's batch, and after an epoch on its last one.
#[test]
fn the_gradient_is_that_of_the_last_batch_at_the_present_parameters() {
    for (weighted, threads) in [(false, 1), (true, 2)] {
        let data = data(weighted);
        let trainer = builder(threads).shuffle(false).build().unwrap();
        let (mut net, mut asked) = (network(), 0);
        let mut look = |context: &mut Context<'_, Net>| {
            let step = if context.epoch_step() == 0 { 4 } else { context.epoch_step() };
            let indices: Vec<u64> = (16 * (step - 1)..(16 * step).min(50)).collect();
            let found = context.gradient()?.unwrap();
            assert_near(&found, &by_network(context.network(), &data, &indices));
            asked += 1;
            Ok(Signal::Continue)
        };
        let both = Mutex::new(&mut look);
        let run = trainer.run(&mut net, &data).unwrap().on_step(|context| (both.lock().unwrap())(context));
        run.on_epoch(|context| (both.lock().unwrap())(context)).finish().unwrap();
        assert_eq!(asked, 15);
    }
}

#[test]
fn the_gradient_is_that_of_the_rows_that_a_source_was_asked_for_and_of_a_shuffled_batch() {
    let source = Asked { data: data(true), last: Mutex::new(Vec::new()) };
    let trainer = builder(1).build().unwrap();
    let (mut net, mut of_source) = (network(), Vec::new());
    let run = trainer.run(&mut net, &source).unwrap().on_step(|context| {
        let found = context.gradient()?.unwrap();
        assert_near(&found, &by_network(context.network(), &source.data, &source.last.lock().unwrap()));
        of_source.push(found);
        Ok(Signal::Continue)
    });
    run.finish().unwrap();
    assert_eq!(of_source.len(), 12);

    // The same rows in memory come in the same order.
    let (mut net, mut in_memory) = (network(), Vec::new());
    let run = trainer.run(&mut net, &source.data).unwrap().on_step(|context| {
        in_memory.extend(context.gradient()?);
        Ok(Signal::Continue)
    });
    run.finish().unwrap();
    assert_eq!(in_memory, of_source);
}

/// A callback that asks for the gradient wherever it is called, if it is to.
struct Curious<'a> {
    asks: bool,
    states: &'a mut Vec<RunState<f64>>,
    starts: &'a mut Vec<bool>,
}

impl Curious<'_> {
    fn look(&mut self, context: &mut Context<'_, Net>) -> Result<Signal, Error> {
        if self.asks {
            assert!(context.gradient()?.is_some());
        }
        self.states.push(context.state()?);
        Ok(Signal::Continue)
    }
}

impl Callback<Net> for Curious<'_> {
    fn on_start(&mut self, context: &mut Context<'_, Net>) -> Result<Signal, Error> {
        self.starts.push(context.gradient()?.is_some());
        Ok(Signal::Continue)
    }

    fn on_step(&mut self, context: &mut Context<'_, Net>) -> Result<Signal, Error> {
        self.look(context)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, Net>) -> Result<Signal, Error> {
        self.look(context)
    }
}

/// Whether a callback asks or not, states are the same after every step: with dropout, in each engine, over threads,
/// and where it goes on from a state.
#[test]
fn a_run_that_is_asked_for_gradients_has_the_same_bits() {
    let data = data(true);
    for engine in [EngineKind::Narrow, EngineKind::Tile, EngineKind::Blocked] {
        let run = |threads: usize, asks: bool, from: Option<&RunState<f64>>| {
            let trainer = builder(threads).engine(engine).optimizer(AdamW::default()).build().unwrap();
            let (mut net, mut states, mut starts) = (network(), Vec::new(), Vec::new());
            let mut run = trainer.run(&mut net, &data).unwrap();
            if let Some(state) = from {
                run = run.resume(state).unwrap();
            }
            let curious = Curious { asks, states: &mut states, starts: &mut starts };
            run.validation(&data).unwrap().callback(curious).finish().unwrap();
            assert_eq!(starts, [false], "there is no last step when a run begins");
            states.into_iter().map(|state| state.session).collect::<Vec<_>>()
        };
        let wanted = run(1, false, None);
        assert_eq!(wanted.len(), 15);
        for threads in [1, 2] {
            assert_eq!(run(threads, true, None), wanted, "{engine:?}, {threads} threads");
        }
        let trainer = builder(1).engine(engine).optimizer(AdamW::default()).build().unwrap();
        let mut net = network();
        let mut first = trainer.run(&mut net, &data).unwrap();
        first.next().unwrap().unwrap();
        let state = first.state().unwrap();
        drop(first);
        assert_eq!(run(2, true, Some(&state)), wanted[5..]);
    }
}

/// y = 2x at six points, of which the third makes the gradient of every weight overflow.
fn poisoned() -> DynDataset<f64> {
    let xs = [0.5, 1.0, 1e200, -1.0, 0.25, -0.75];
    let ys = xs.map(|x| if x > 1.0 { 0.0 } else { 2.0 * x });
    DynDataset::new(xs.to_vec(), 1, ys.to_vec(), 1).unwrap()
}

fn forgiving() -> Trainer {
    let divergence = Divergence::SkipAndShrink { factor: 0.5, at_most: 9 };
    let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.2).on_divergence(divergence);
    builder.batch_size(1).epochs(3).shuffle(false).threads(1).build().unwrap()
}

fn line() -> Net {
    DynNetwork::new("1 => 1 linear".parse().unwrap(), Init::default(), 1).unwrap()
}

/// Counts steps; stops at so many that were dropped.
struct Dropped {
    stop_at: u64,
    taken: u64,
    told: Vec<(usize, u64, u64, f64, String)>,
}

impl Callback<Net> for Dropped {
    fn on_step(&mut self, context: &mut Context<'_, Net>) -> Result<Signal, Error> {
        assert!(context.cost().is_some());
        self.taken += 1;
        Ok(Signal::Continue)
    }

    fn on_dropped_step(&mut self, context: &mut Context<'_, Net>, why: &Error) -> Result<Signal, Error> {
        assert_eq!(context.cost(), None);
        let place = (context.epoch(), context.epoch_step());
        self.told.push((place.0, place.1, context.step(), context.learning_rate(), why.to_string()));
        Ok(if context.dropped_steps() == self.stop_at { Signal::Stop } else { Signal::Continue })
    }
}

#[test]
fn a_step_that_was_dropped_is_told_and_may_end_the_run() {
    let data = poisoned();
    let train = |stop_at| {
        let (mut net, mut dropped) = (line(), Dropped { stop_at, taken: 0, told: Vec::new() });
        let history = forgiving().run(&mut net, &data).unwrap().callback(&mut dropped).finish().unwrap();
        (history.len(), dropped.taken, dropped.told)
    };
    let (epochs, taken, told) = train(100);
    assert_eq!((epochs, taken, told.len()), (3, 15, 3));
    for (epoch, (found, step, steps, rate, why)) in (1..).zip(&told) {
        assert_eq!((*found, *step, *steps), (epoch, 3, 5 * (epoch as u64 - 1) + 2));
        assert_eq!(*rate, 0.2 * 0.5_f64.powi(epoch as i32));
        assert!(why.starts_with(&format!("epoch {epoch}, step 3: the gradient of Θ^(1) is not finite")), "{why}");
    }
    // Stopped in the midst of the second epoch.
    let (epochs, taken, told) = train(2);
    assert_eq!((epochs, taken, told.len()), (1, 7, 2));
    // Through a box, as a list of callbacks has it.
    let (mut net, mut dropped) = (line(), Dropped { stop_at: 1, taken: 0, told: Vec::new() });
    let boxed: Vec<Box<dyn Callback<Net> + '_>> =
        vec![Box::new(EarlyStopping::new(Monitor::Cost)), Box::new(&mut dropped)];
    assert!(forgiving().run(&mut net, &data).unwrap().callbacks(boxed).finish().unwrap().is_empty());
    assert_eq!((dropped.taken, dropped.told.len()), (2, 1));
}
