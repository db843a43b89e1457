//! Checkpoints: what is written comes back, what is damaged is refused, and a run goes on from them bit for bit.
#![cfg(feature = "checkpoints")]
#![allow(clippy::unwrap_used, missing_docs)]

mod scratch;
#[path = "support/sealed.rs"]
mod sealed;

use std::fs;
use std::io::ErrorKind;
use std::sync::Mutex;
use std::time::Duration;

use nn_train::checkpoint::{CheckpointFault, FileFault, load_network};
use nn_train::prelude::*;
use nn_train::{CallbackState, Element};
use scratch::Scratch;
use sealed::sealed;

network! { struct Net<3 => 17 relu dropout(0.25) => 3 softmax>; }
network! { struct Wider<3 => 20 relu dropout(0.25) => 3 softmax>; }
network! { struct Double<3 => 17 relu dropout(0.25) => 3 softmax>: f64; }
network! { struct Line<1 => 1 linear>: f64; }

fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn line() -> Dataset<[f64; 1], [f64; 1]> {
    let xs: Vec<[f64; 1]> = (0..10).map(|index| [f64::from(index) / 10.0]).collect();
    let ys = xs.iter().map(|[x]| [3.0 * x - 1.0]).collect();
    Dataset::new(xs, ys).unwrap()
}

/// A small state with something in every place.
fn small() -> RunState<f64> {
    let trainer = Trainer::builder().optimizer(Sgd::default().momentum(0.5)).batch_size(4).epochs(3).build().unwrap();
    let (mut net, data, found) = (Line::new(1), line(), Mutex::new(None));
    let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
    let run = run.callback(EarlyStopping::new(Monitor::Cost)).on_step(|context| {
        context.set_learning_rate(0.25)?;
        *found.lock().unwrap() = Some(context.state()?);
        Ok(if context.step() == 5 { Signal::Stop } else { Signal::Continue })
    });
    run.finish().unwrap();
    let state = found.into_inner().unwrap().unwrap();
    assert_eq!((state.position.step, state.history.len(), state.callbacks.len()), (2, 1, 1));
    state
}

fn fault<T: Element>(bytes: &[u8]) -> FileFault {
    match RunState::<T>::from_bytes(bytes).unwrap_err() {
        Error::Checkpoint { fault: CheckpointFault::File(fault), .. } => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn states_come_back_bit_for_bit() {
    let scratch = Scratch::new("round-trip");
    let path = scratch.0.join("state.ckpt");
    let states = watched(1, &Data::Memory, None).states;
    assert!(states.len() > 20);
    for state in &states {
        assert_eq!(RunState::from_bytes(&state.to_bytes()).unwrap(), *state);
    }
    let state = &states[7];
    state.save(&path).unwrap();
    assert_eq!(RunState::load(&path).unwrap(), *state);
    assert_eq!(fs::read(&path).unwrap(), state.to_bytes());
    // A run's file is a session's too, and not the other way round.
    assert_eq!(SessionState::load(&path).unwrap(), state.session);
    state.session.save(&path).unwrap();
    assert_eq!(SessionState::load(&path).unwrap(), state.session);
    assert_eq!(SessionState::from_bytes(&state.session.to_bytes()).unwrap(), state.session);
    assert_eq!(
        RunState::<f32>::load(&path).unwrap_err(),
        Error::Checkpoint {
            place: path.display().to_string(),
            fault: CheckpointFault::Kind { expected: "run", found: "session" }
        }
    );
    assert_eq!(scratch.names(), ["state.ckpt"]);
}

/// Also what is no number, and what there is none of.
#[test]
fn every_bit_of_every_number_comes_back() {
    let mut state = small();
    let odd =
        [f64::NAN, -f64::NAN, f64::INFINITY, -0.0, f64::MIN_POSITIVE / 8.0, f64::from_bits(0x7ff0_0000_0000_0001)];
    state.session.parameters.copy_from_slice(&odd[..2]);
    state.session.optimizer.scalars = odd.to_vec();
    state.session.plan = None;
    state.session.learning_rate = None;
    state.position.elapsed = Duration::new(u64::MAX, 999_999_999);
    state.callbacks.push(CallbackState::new("ünïcode", odd.to_vec(), vec![Vec::new(), odd.to_vec()]));
    let bytes = state.to_bytes();
    let read = RunState::<f64>::from_bytes(&bytes).unwrap();
    assert_eq!(read.to_bytes(), bytes);
    let bits = |numbers: &[f64]| numbers.iter().map(|number| number.to_bits()).collect::<Vec<_>>();
    assert_eq!(bits(&read.session.optimizer.scalars), bits(&odd));
    assert_eq!(bits(&read.callbacks[1].lists[1]), bits(&odd));
    assert_eq!((read.session.plan, read.session.learning_rate), (None, None));
    assert_eq!(read.position.elapsed, state.position.elapsed);
}

#[test]
fn every_bit_that_is_flipped_is_found() {
    let mut bytes = small().to_bytes();
    assert!(bytes.len() < 1000, "{}", bytes.len());
    for index in 0..bytes.len() {
        for bit in 0..8 {
            bytes[index] ^= 1 << bit;
            let found = fault::<f64>(&bytes);
            let right = match index {
                0..8 => matches!(found, FileFault::Signature { .. }),
                12..20 => matches!(found, FileFault::Truncated { .. } | FileFault::TooLong { .. }),
                _ => matches!(found, FileFault::Checksum { .. }),
            };
            assert!(right, "byte {index}, bit {bit}: {found}");
            assert!(SessionState::<f64>::from_bytes(&bytes).is_err());
            bytes[index] ^= 1 << bit;
        }
    }
    assert!(RunState::<f64>::from_bytes(&bytes).is_ok(), "and back again");
}

#[test]
fn a_file_that_is_cut_or_goes_on_is_found() {
    let bytes = small().to_bytes();
    for length in 0..bytes.len() {
        match fault::<f64>(&bytes[..length]) {
            FileFault::Truncated { expected, found } => {
                assert_eq!(found, length as u64);
                assert_eq!(expected, if length < 24 { 24 } else { bytes.len() as u64 });
            }
            other => panic!("{length}: {other}"),
        }
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    let expected = bytes.len() as u64;
    assert_eq!(fault::<f64>(&longer), FileFault::TooLong { expected, found: expected + 1 });
}

/// A file may be damaged before its checksum is formed, or written by somebody else: also then there is no panic.
#[test]
fn what_the_checksum_does_not_find_is_an_error_or_a_state_that_is_written_and_read_again() {
    let bytes = small().to_bytes();
    let (mut refused, mut taken) = (0, 0);
    for index in 20..bytes.len() - 4 {
        for value in [bytes[index] ^ 1, bytes[index] ^ 128, 0, 255] {
            let mut spoilt = bytes.clone();
            spoilt[index] = value;
            match RunState::<f64>::from_bytes(&sealed(spoilt)) {
                Ok(state) => {
                    let written = state.to_bytes();
                    assert_eq!(RunState::<f64>::from_bytes(&written).unwrap().to_bytes(), written);
                    taken += 1;
                }
                Err(Error::Checkpoint { fault, .. }) => {
                    assert!(!fault.to_string().is_empty());
                    refused += 1;
                }
                Err(other) => panic!("byte {index} is {value}: {other}"),
            }
        }
    }
    assert!(refused > 200 && taken > 500, "{refused}, {taken}");
    for length in 24..bytes.len() {
        assert!(RunState::<f64>::from_bytes(&sealed(bytes[..length].to_vec())).is_err(), "{length}");
    }
    let mut longer = bytes.clone();
    longer.insert(bytes.len() - 4, 0);
    let found = fault::<f64>(&sealed(longer));
    assert_eq!(found.to_string(), "the end in it: 1 bytes; expected nothing behind it");
}

/// Lengths are compared with what is there: `tests/checkpoint_memory.rs` counts.
#[test]
fn a_length_that_the_file_does_not_have_is_an_error() {
    let bytes = small().to_bytes();
    let text = b"1 => 1 linear, mse";
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap() + text.len();
    assert_eq!(bytes[at], 16, "two parameters of 8 bytes");
    for length in [1_u64 << 60, u64::MAX, 1 << 40, 1 << 20, 17, 15] {
        let spoilt = [&bytes[..at], &postcard::to_stdvec(&length).unwrap(), &bytes[at + 1..]].concat();
        let found = fault::<f64>(&sealed(spoilt));
        assert!(matches!(found, FileFault::Contents { what: "the session", .. }), "{length}: {found}");
    }
    let mut state = small();
    state.session.architecture = "1000000 => 1000000 linear, mse".to_owned();
    match fault::<f64>(&state.to_bytes()) {
        FileFault::Contents { what: "the parameters", found, .. } => assert_eq!(found, "2"),
        other => panic!("{other}"),
    }
}

#[test]
fn files_of_others_are_refused_by_name() {
    let bytes = small().to_bytes();
    let none = FileFault::Signature { expected: "a checkpoint", found: None };
    assert_eq!(fault::<f64>(b"{ \"architecture\": \"1 => 1\" }"), none);
    assert_eq!(fault::<f64>(&[0; 100]), none);
    let found = fault::<f64>(b"\x89NNB\r\n\x1a\n, and so on");
    assert_eq!(found.to_string(), "this is a bundle; expected a checkpoint");
    let mut newer = bytes.clone();
    newer[8] = 3;
    let found = fault::<f64>(&sealed(newer.clone()));
    assert_eq!(found, FileFault::Version { found: 3, newest: 2 });
    assert_eq!(
        found.to_string(),
        "it is in version 3 of the format; expected at most 2, the newest that this version reads"
    );
    newer[8] = 0;
    assert_eq!(fault::<f64>(&sealed(newer)), FileFault::Version { found: 0, newest: 2 });
    let found = fault::<f32>(&bytes);
    assert_eq!(found, FileFault::NumberType { expected: "f32", found: "f64".to_owned() });
    assert_eq!(found.to_string(), "its numbers are f64; expected f32");
    let mut state = small();
    state.session.architecture = "1 => nothing".to_owned();
    assert!(matches!(fault::<f64>(&state.to_bytes()), FileFault::Contents { what: "the architecture", .. }));
}

#[test]
fn the_network_is_read_alone() {
    let scratch = Scratch::new("network");
    let path = scratch.0.join("run.ckpt");
    let Watched { states, .. } = watched(1, &Data::Memory, None);
    states[9].save(&path).unwrap();
    let net: Net = load_network(&path).unwrap();
    assert_eq!(net.parameters(), states[9].session.parameters);
    assert_eq!(load_network::<DynNetwork<f32>>(&path).unwrap(), net.to_dynamic());
    states[9].session.save(&path).unwrap();
    assert_eq!(load_network::<Net>(&path).unwrap(), net);

    let wider = load_network::<Wider>(&path).unwrap_err();
    assert_eq!(
        wider.to_string(),
        "the architecture is `3 => 17 relu dropout(0.25) => 3 softmax, cross_entropy`; expected \
         `3 => 20 relu dropout(0.25) => 3 softmax, cross_entropy`: layer 1 is 17 wide, expected 20"
    );
    let place = path.display().to_string();
    let fault = FileFault::NumberType { expected: "f64", found: "f32".to_owned() }.into();
    assert_eq!(load_network::<Double>(&path).unwrap_err(), Error::Checkpoint { place: place.clone(), fault });
    let mut bytes = fs::read(&path).unwrap();
    let last = bytes.len() - 10;
    bytes[last] ^= 1;
    fs::write(&path, bytes).unwrap();
    let damaged = load_network::<Net>(&path).unwrap_err();
    assert!(
        matches!(damaged, Error::Checkpoint { fault: CheckpointFault::File(FileFault::Checksum { .. }), .. }),
        "{damaged}"
    );
    assert!(damaged.to_string().starts_with(&format!("{place}: it is damaged: its checksum is ")), "{damaged}");
}

#[test]
fn a_run_of_another_network_refuses_the_state() {
    let state = small();
    let data = Dataset::new(vec![[0.0, 1.0]; 100], vec![[1.0]; 100]).unwrap();
    network! { struct Plane<2 => 1 linear>: f64; }
    let trainer = Trainer::builder().epochs(3).build().unwrap();
    let mut net = Plane::new(1);
    let error = trainer.run(&mut net, &data).unwrap().resume(&state).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the architecture is `1 => 1 linear, mse`; expected `2 => 1 linear, mse`: the input is 1 wide, expected 2"
    );
}

/// Where the samples come from.
enum Data {
    Memory,
    Random,
    Stream,
}

/// The samples of `blobs`, read as they are needed.
struct Reader(DynDataset<f32>);

impl Source for Reader {
    type Scalar = f32;

    fn len(&self) -> u64 {
        50
    }

    fn input_width(&self) -> usize {
        3
    }

    fn target_width(&self) -> usize {
        3
    }

    fn access(&self) -> Access {
        Access::Random
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
        indices.iter().try_for_each(|&index| {
            let (input, target) = (self.0.inputs(), self.0.targets());
            let at = index as usize * 3..index as usize * 3 + 3;
            rows.push(&input[at.clone()], &target[at])
        })
    }
}

struct Watched {
    /// After each step and each epoch.
    states: Vec<RunState<f32>>,
    last: RunState<f32>,
    net: Net,
}

/// A run with dropout, a schedule, validation, early stopping and averages, from `state` if there is one.
fn watched(threads: usize, data: &Data, state: Option<&RunState<f32>>) -> Watched {
    let (memory, validation) = (blobs(50), blobs(31));
    let dynamic: &DynDataset<f32> = &memory;
    let builder = Trainer::builder().schedule(Cosine::new(0.05, 100).warm_up(5)).l2(0.01).batch_size(16);
    let trainer = builder.epochs(20).seed(5).threads(threads).build().unwrap();
    let mut net = if state.is_none() { Net::new(1) } else { Net::zeros() };
    let states = Mutex::new(Vec::new());
    let reader = Reader(dynamic.clone());
    let stream = Stream::new(50, 3, 3, || {
        let (inputs, targets) = (dynamic.inputs().chunks(3), dynamic.targets().chunks(3));
        inputs.zip(targets).map(|(x, y)| (x.to_vec(), y.to_vec()))
    });
    let run = match data {
        Data::Memory => trainer.run(&mut net, &memory),
        Data::Random => trainer.run(&mut net, &reader),
        Data::Stream => trainer.run(&mut net, &stream),
    };
    let mut run = run.unwrap().validation(&validation).unwrap();
    if let Some(state) = state {
        run = run.resume(state).unwrap();
        assert_eq!(run.state().unwrap(), *state);
    }
    let save = |context: &mut Context<'_, Net>| {
        states.lock().unwrap().push(context.state()?);
        Ok(Signal::Continue)
    };
    let mut run = run
        .callback(EarlyStopping::new(Monitor::ValidationCost).patience(4).min_delta(0.01))
        .callback(ReduceOnPlateau::new(Monitor::Accuracy).factor(0.5).patience(0).cooldown(1))
        .callback(WeightAverage::exponential(0.9))
        .callback(WeightAverage::exponential(0.5).apply_at_end(true))
        .on_step(save)
        .on_epoch(save);
    assert!(run.by_ref().all(|epoch| epoch.is_ok()));
    let last = run.state().unwrap();
    drop(run);
    Watched { states: states.into_inner().unwrap(), last, net }
}

/// From every step and every epoch's end through a file, on other numbers of threads.
#[test]
fn a_run_goes_on_from_a_checkpoint_bit_for_bit() {
    let timeless = |state: &RunState<f32>| {
        let mut session = state.session.clone();
        if let Some(plan) = &mut session.plan {
            plan.precision.clear();
        }
        let costs: Vec<_> =
            state.history.iter().map(|epoch| (epoch.number, epoch.cost, epoch.validation_cost)).collect();
        (session, state.callbacks.clone(), costs, state.position.epoch)
    };
    for data in [Data::Memory, Data::Random, Data::Stream] {
        let Watched { states, last, net } = watched(1, &data, None);
        assert!(last.history.len() < 20 && states.len() == last.history.len() * 5);
        for (index, state) in states.iter().enumerate() {
            let state = RunState::from_bytes(&state.to_bytes()).unwrap();
            let resumed = watched([1, 2, 3, 8][index % 4], &data, Some(&state));
            assert_eq!(resumed.net, net, "from state {index}");
            assert_eq!(timeless(&resumed.last), timeless(&last), "from state {index}");
        }
    }
}

#[test]
fn a_stream_that_ends_before_the_position_is_an_error() {
    let Watched { states, .. } = watched(1, &Data::Stream, None);
    let trainer = Trainer::builder().batch_size(16).epochs(20).build().unwrap();
    let short = Stream::new(50, 3, 3, || (0..20).map(|_| ([0.0_f32; 3], [1.0, 0.0, 0.0])));
    let mut net = Net::new(1);
    let error = trainer.run(&mut net, &short).unwrap().resume(&states[1]).unwrap_err();
    assert_eq!(error, Error::StreamEnded { expected: 50, found: 20 });
}

/// Runs with `checkpoints` from the newest file of their folder, if there is one.
fn train<M: nn_train::Metric<Net>>(
    epochs: usize,
    checkpoints: &mut Checkpoints<M>,
    state: Option<&RunState<f32>>,
) -> Result<History, Error> {
    let (data, mut net) = (blobs(50), Net::new(1));
    let trainer = Trainer::builder().batch_size(16).epochs(epochs).threads(1).build().unwrap();
    let mut run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
    if let Some(state) = state {
        run = run.resume(state)?;
    }
    run.callback(checkpoints).finish()
}

/// Trains for five epochs of four steps; the steps after which something was written.
#[track_caller]
fn writes(set: fn(Checkpoints) -> Checkpoints, steps: impl IntoIterator<Item = u64>) {
    let scratch = Scratch::new("due");
    let mut checkpoints = set(Checkpoints::new(&scratch.0).keep_last(100));
    train(5, &mut checkpoints, None).unwrap();
    let mut names = Vec::new();
    for (index, step) in steps.into_iter().enumerate() {
        let name = format!("{:06}-step-{step}.ckpt", index + 1);
        let state = RunState::<f32>::load(scratch.0.join(&name)).unwrap();
        assert_eq!((state.session.steps, state.position.step), (step, step % 4), "{name}");
        names.push(name);
    }
    assert_eq!(scratch.names(), names);
    assert_eq!(checkpoints.last(), names.last().map(|name| scratch.0.join(name)).as_deref());
}

#[test]
fn checkpoints_are_written_when_they_are_due() {
    writes(|checkpoints| checkpoints, [4, 8, 12, 16, 20]);
    writes(|checkpoints| checkpoints.every_epochs(2), [8, 16, 20]);
    writes(|checkpoints| checkpoints.every_steps(3), [3, 6, 9, 12, 15, 18, 20]);
    writes(|checkpoints| checkpoints.every_steps(7).every_epochs(3), [7, 12, 14, 20]);
    writes(|checkpoints| checkpoints.every_interval(Duration::from_nanos(1)), 1..=20);
    writes(|checkpoints| checkpoints.every_interval(Duration::from_secs(3600)), [20]);
}

#[test]
fn the_last_files_and_the_best_one_are_kept_over_a_resumed_run() {
    let scratch = Scratch::new("best");
    // Lower is better, epoch by epoch.
    let curve = |context: &mut Context<'_, Net>| Ok([5.0, 3.0, 4.0, 3.5, 3.0, 2.0, 2.5][context.epoch() - 1]);
    let best = || RunState::<f32>::load(scratch.0.join("best.ckpt")).unwrap().position.epoch;
    let checkpoints = || Checkpoints::new(&scratch.0).keep_last(2).keep_best(curve);
    train(4, &mut checkpoints(), None).unwrap();
    assert_eq!(scratch.names(), ["000003-step-12.ckpt", "000004-step-16.ckpt", "best.ckpt"]);
    assert_eq!(best(), 2);
    let (_, state) = Checkpoints::latest::<f32>(&scratch.0).unwrap().found.unwrap();
    train(5, &mut checkpoints(), Some(&state)).unwrap();
    assert_eq!(best(), 2, "3.0 is no better than 3.0, of which the folder tells");
    let (_, state) = Checkpoints::latest::<f32>(&scratch.0).unwrap().found.unwrap();
    train(7, &mut checkpoints(), Some(&state)).unwrap();
    assert_eq!(best(), 6);
    assert_eq!(scratch.names(), ["000006-step-24.ckpt", "000007-step-28.ckpt", "best.ckpt"]);

    let highest = Scratch::new("highest");
    let mut checkpoints = Checkpoints::new(&highest.0).keep_best(curve).goal(nn_train::Goal::Highest);
    train(4, &mut checkpoints, None).unwrap();
    assert_eq!(RunState::<f32>::load(highest.0.join("best.ckpt")).unwrap().position.epoch, 1);
}

#[test]
fn best_numbers_of_another_metric_or_goal_are_not_compared() {
    let scratch = Scratch::new("other-metric");
    let checkpoints = || Checkpoints::new(&scratch.0);
    train(2, &mut checkpoints().keep_best(Monitor::Cost), None).unwrap();
    let (_, state) = Checkpoints::latest::<f32>(&scratch.0).unwrap().found.unwrap();
    let best = scratch.0.join("best.ckpt");
    let before = fs::read(&best).unwrap();
    let own = |context: &mut Context<'_, Net>| Ok(context.last_epoch().unwrap().cost);
    let errors = [
        (train(3, &mut checkpoints().keep_best(Monitor::ValidationCost), Some(&state)), "lowest validation cost"),
        (train(3, &mut checkpoints().keep_best(Monitor::Cost).goal(Goal::Highest), Some(&state)), "highest cost"),
        (train(3, &mut checkpoints().keep_best(own), Some(&state)), "lowest "),
    ];
    for (error, other) in errors {
        let Error::AnotherRun { place, why } = error.unwrap_err() else { panic!("another run's") };
        assert_eq!(place, best.display().to_string());
        assert!(why.starts_with(&format!("it is kept for the lowest cost, not the {other}")), "{why}");
    }
    assert_eq!(fs::read(&best).unwrap(), before);
    // What is the highest accuracy, another one may be.
    fs::remove_file(&best).unwrap();
    train(3, &mut checkpoints().keep_best(Monitor::Accuracy), Some(&state)).unwrap();
    assert_eq!(RunState::<f32>::load(&best).unwrap().position.epoch, 3);
}

#[test]
fn the_latest_that_can_be_loaded_is_found_and_the_others_are_named() {
    let scratch = Scratch::new("latest");
    let nothing = Checkpoints::latest::<f32>(scratch.0.join("none")).unwrap();
    assert_eq!((nothing.found, nothing.skipped), (None, Vec::new()));
    let mut checkpoints = Checkpoints::new(&scratch.0).keep_last(9).keep_best(Monitor::Cost);
    train(4, &mut checkpoints, None).unwrap();
    let path = |name: &str| scratch.0.join(name);
    let found = Checkpoints::latest::<f32>(&scratch.0).unwrap();
    assert_eq!(found.skipped, Vec::new());
    assert_eq!(found.found.unwrap().0, path("000004-step-16.ckpt"));
    fs::write(path("000004-step-16.ckpt"), "").unwrap();
    let mut bytes = fs::read(path("000003-step-12.ckpt")).unwrap();
    bytes[100] ^= 4;
    fs::write(path("000003-step-12.ckpt"), bytes).unwrap();
    let found = Checkpoints::latest::<f32>(&scratch.0).unwrap();
    let (newest, state) = found.found.unwrap();
    assert_eq!((newest, state.session.steps), (path("000002-step-8.ckpt"), 8));
    let [(first, empty), (second, damaged)] = found.skipped.as_slice() else { panic!("{:?}", found.skipped) };
    assert_eq!((first, second), (&path("000004-step-16.ckpt"), &path("000003-step-12.ckpt")));
    assert!(empty.to_string().ends_with("it ends after 0 bytes; expected 24"), "{empty}");
    assert!(damaged.to_string().contains("it is damaged"), "{damaged}");
    for name in ["000001-step-4.ckpt", "000002-step-8.ckpt"] {
        fs::remove_file(path(name)).unwrap();
    }
    let found = Checkpoints::latest::<f32>(&scratch.0).unwrap();
    assert_eq!((found.found.unwrap().0, found.skipped.len()), (path("best.ckpt"), 2));
    // Not the file is at fault, but who asks.
    let error = Checkpoints::latest::<f64>(&scratch.0).unwrap_err();
    assert!(
        matches!(error, Error::Checkpoint { fault: CheckpointFault::File(FileFault::NumberType { .. }), .. }),
        "{error}"
    );
}

#[test]
fn a_run_that_begins_anew_leaves_the_checkpoints_of_another_alone() {
    let scratch = Scratch::new("anew");
    train(2, &mut Checkpoints::new(scratch.0.join("deep/er")), None).unwrap();
    let before = Scratch::names_in(&scratch.0.join("deep/er"));
    let error = train(2, &mut Checkpoints::new(scratch.0.join("deep/er")), None).unwrap_err();
    let newest = scratch.0.join("deep/er/000002-step-8.ckpt");
    assert_eq!(error, Error::Exists { place: newest.display().to_string() });
    assert_eq!(Scratch::names_in(&scratch.0.join("deep/er")), before);
}

/// It may be told to take their place, and even then there is always one to go on from.
#[test]
fn a_run_that_begins_anew_may_overwrite() {
    let scratch = Scratch::new("overwrite");
    train(3, &mut Checkpoints::new(&scratch.0).keep_best(Monitor::Cost), None).unwrap();
    let before = scratch.names();
    assert_eq!(before.len(), 4);
    // It stops before its first checkpoint, and the others are there still.
    let mut overwriting = Checkpoints::new(&scratch.0).overwrite(true).every_epochs(9).keep_last(5);
    let early = |_: &mut Context<'_, Net>| Err(Error::callback("early"));
    let (mut net, data) = (Net::new(1), blobs(50));
    let trainer = Trainer::builder().batch_size(16).epochs(1).build().unwrap();
    let run = trainer.run(&mut net, &data).unwrap().callback(&mut overwriting).on_step(early);
    run.finish().unwrap_err();
    assert_eq!(scratch.names(), before);
    train(1, &mut Checkpoints::new(&scratch.0).overwrite(true).keep_last(5), None).unwrap();
    assert_eq!(scratch.names(), ["000004-step-4.ckpt"]);
    // The best one is one to go on from, too: were it killed now, the other run's would be found otherwise.
    let mut seldom = Checkpoints::new(&scratch.0).overwrite(true).every_epochs(9).keep_best(Monitor::Cost);
    let mut names = Vec::new();
    let look = |_: &mut Context<'_, Net>| {
        names.push(scratch.names());
        Ok(Signal::Continue)
    };
    let trainer = Trainer::builder().batch_size(16).epochs(2).build().unwrap();
    trainer.run(&mut net, &data).unwrap().callback(&mut seldom).on_epoch(look).finish().unwrap();
    assert_eq!(names, [vec!["best.ckpt"], vec!["000005-step-8.ckpt", "best.ckpt"]]);
    train(2, &mut Checkpoints::new(&scratch.0).overwrite(true).keep_best(Monitor::Cost), None).unwrap();
    assert_eq!(scratch.names(), ["000006-step-4.ckpt", "000007-step-8.ckpt", "best.ckpt"]);
}

/// Resumed from one folder, a run does not thin out another run's.
#[test]
fn a_run_that_is_resumed_leaves_the_checkpoints_of_another_alone() {
    fn resumed<N: Declared>(
        mut net: N,
        data: &nn_train::DatasetOf<N>,
        folder: &Scratch,
        (seed, rate): (u64, f64),
        state: Option<&RunState<N::Scalar>>,
    ) -> Result<RunState<N::Scalar>, Error> {
        let epochs = if state.is_some() { 6 } else { 3 };
        let trainer = Trainer::builder().batch_size(16).epochs(epochs).seed(seed).learning_rate(rate);
        let mut run = trainer.threads(1).build()?.run(&mut net, data)?;
        if let Some(state) = state {
            run = run.resume(state)?;
        }
        let mut run = run.callback(Checkpoints::new(&folder.0).keep_last(2));
        run.by_ref().try_for_each(|epoch| epoch.map(drop))?;
        run.state()
    }
    let folder = Scratch::new("of-another");
    let data = blobs(50);
    let state = resumed(Net::new(1), &data, &folder, (1, 0.01), None).unwrap();
    let before = folder.names();
    let check = |error: Error, why: &str| {
        let newest = folder.0.join(before.last().unwrap());
        match &error {
            Error::AnotherRun { place, why: found } if *place == newest.display().to_string() => {
                assert!(found.starts_with(why), "{error}");
            }
            other => panic!("{other}"),
        }
        assert_eq!(folder.names(), before, "{why}");
    };
    let others = [((2, 0.01), "the seed is 1, not 2"), ((1, 0.02), "the first epoch's cost is ")];
    for (settings, why) in others {
        let elsewhere = Scratch::new("elsewhere");
        let other = resumed(Net::new(1), &data, &elsewhere, settings, None).unwrap();
        check(resumed(Net::new(1), &data, &folder, settings, Some(&other)).unwrap_err(), why);
    }
    let elsewhere = Scratch::new("elsewhere");
    let wider = resumed(Wider::new(1), &data, &elsewhere, (1, 0.01), None).unwrap();
    let why = "the architecture is `3 => 17 relu dropout(0.25) => 3 softmax, cross_entropy`, not `3 => 20 ";
    check(resumed(Wider::new(1), &data, &folder, (1, 0.01), Some(&wider)).unwrap_err(), why);
    let elsewhere = Scratch::new("elsewhere");
    let inputs: Vec<[f64; 3]> = data.inputs().iter().map(|x| x.map(f64::from)).collect();
    let double = Dataset::from_labels(inputs, &(0..50).map(|i| i % 3).collect::<Vec<_>>()).unwrap();
    let state_of_double = resumed(Double::new(1), &double, &elsewhere, (1, 0.01), None).unwrap();
    match resumed(Double::new(1), &double, &folder, (1, 0.01), Some(&state_of_double)).unwrap_err() {
        Error::Checkpoint { fault: CheckpointFault::File(FileFault::NumberType { .. }), .. } => {}
        other => panic!("{other}"),
    }
    assert_eq!(folder.names(), before);
    // Its own run goes on there, also under another rate, and from an older file than the newest.
    let older = RunState::load(folder.0.join(&before[0])).unwrap();
    resumed(Net::new(1), &data, &folder, (1, 0.02), Some(&older)).unwrap();
    resumed(Net::new(1), &data, &folder, (1, 0.01), Some(&state)).unwrap();
    assert_ne!(folder.names(), before);
}

#[test]
fn settings_and_folders_that_cannot_be_are_errors() {
    let scratch = Scratch::new("settings");
    let error = |checkpoints: Checkpoints| train(1, &mut { checkpoints }, None).unwrap_err().to_string();
    let new = || Checkpoints::new(&scratch.0);
    assert_eq!(error(new().every_epochs(0)), "every_epochs is 0; expected at least 1");
    assert_eq!(error(new().every_steps(0)), "every_steps is 0; expected at least 1");
    assert_eq!(error(new().keep_last(0)), "keep_last is 0; expected at least 1");
    assert_eq!(error(new().every_interval(Duration::ZERO)), "every_interval is 0 s; expected a longer time");
    assert_eq!(scratch.names(), [""; 0]);
    fs::write(scratch.0.join("file"), "").unwrap();
    match train(1, &mut Checkpoints::new(scratch.0.join("file")), None).unwrap_err() {
        Error::Io { operation: "make the folder", kind: ErrorKind::AlreadyExists, .. } => {}
        other => panic!("{other}"),
    }
}

/// Found out before the first step, and not in the night.
#[test]
fn a_callback_that_keeps_something_comes_before() {
    let (scratch, data, mut net) = (Scratch::new("order"), blobs(50), Net::new(1));
    let trainer = Trainer::builder().batch_size(16).epochs(1).build().unwrap();
    let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
    let run = run.callback(Checkpoints::new(&scratch.0)).callback(EarlyStopping::new(Monitor::Cost));
    let error = run.finish().unwrap_err();
    assert_eq!(error, Error::CallbackOrder { callback: "early_stopping".to_owned() });
    assert_eq!(net, Net::new(1));
}

/// Stopped by another callback in the middle of an epoch, or by the last step of one.
#[test]
fn what_stops_a_run_has_a_checkpoint_written() {
    for stop in [5, 8, 11] {
        let (scratch, data, mut net) = (Scratch::new("stopped"), blobs(50), Net::new(1));
        let trainer = Trainer::builder().batch_size(16).epochs(9).build().unwrap();
        let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
        let stops = move |context: &mut Context<'_, Net>| {
            Ok(if context.step() == stop { Signal::Stop } else { Signal::Continue })
        };
        let stopping = EarlyStopping::new(Monitor::Cost);
        let checkpoints = Checkpoints::new(&scratch.0).every_epochs(100);
        let history = run.callback(stopping).on_step(stops).callback(checkpoints).finish().unwrap();
        assert_eq!(history.len() as u64, stop / 4, "the run ends there");
        assert_eq!(scratch.names(), [format!("000001-step-{stop}.ckpt")]);

        // The state is that of the step, without the best weights that the callbacks put into the network at the end.
        let (_, state) = Checkpoints::latest(&scratch.0).unwrap().found.unwrap();
        let mut resumed = Net::zeros();
        let run = trainer.run(&mut resumed, &data).unwrap().validation(&data).unwrap().resume(&state).unwrap();
        run.callback(EarlyStopping::new(Monitor::Cost)).finish().unwrap();
        let mut whole = Net::new(1);
        let run = trainer.run(&mut whole, &data).unwrap().validation(&data).unwrap();
        run.callback(EarlyStopping::new(Monitor::Cost)).finish().unwrap();
        assert_eq!(resumed, whole, "stopped after step {stop}");
    }
}

/// The state that the file of version 1 was written from: the same on every CPU.
fn golden() -> RunState<f64> {
    let mut state = small();
    state.session.parameters = vec![0.5, -1.25];
    state.session.optimizer.slots = vec![vec![0.125, 3.0]];
    let plan = state.session.plan.as_mut().unwrap();
    (plan.engine, plan.set, plan.precision) = ("narrow".to_owned(), "portable".to_owned(), "full".to_owned());
    (state.session.rate_factor, state.session.dropped_steps) = (0.5, 1);
    (state.position.dropped_steps, state.position.cost, state.position.weight) = (1, 2.5, 8.0);
    (state.position.cost_rounding, state.position.weight_rounding) = (1e-17, 0.0);
    state.position.elapsed = Duration::from_millis(1500);
    state.history = state
        .history
        .iter()
        .map(|epoch| {
            let mut epoch = *epoch;
            (epoch.cost, epoch.validation_cost, epoch.accuracy) = (1.75, Some(1.5), None);
            (epoch.samples_per_second, epoch.duration) = (4.0, Duration::from_millis(2500));
            epoch.dropped_steps = 2;
            epoch
        })
        .collect();
    state.callbacks = vec![CallbackState::new("early_stopping", vec![1.0, 1.75, 1.0, 0.0], vec![vec![0.25, -1.0]])];
    state
}

/// A file of version 1, which said nothing of parts and files, is read for ever.
#[test]
fn the_file_of_version_1_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkpoint-1.ckpt");
    assert_eq!(RunState::load(path).unwrap(), golden());
    assert_eq!(load_network::<Line>(path).unwrap().parameters(), [0.5, -1.25]);
    let (data, mut net) = (line(), Line::zeros());
    let trainer = Trainer::builder().optimizer(Sgd::default().momentum(0.5)).batch_size(4).epochs(3).build().unwrap();
    let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap().resume(&golden()).unwrap();
    let history = run.callback(EarlyStopping::new(Monitor::Cost)).finish().unwrap();
    assert_eq!(history.len(), 3);
}

/// So is a file of version 2. `NN_GOLDEN=overwrite` writes it anew, which nobody should need.
#[test]
fn the_file_of_version_2_is_read() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/checkpoint-2.ckpt");
    let mut golden = golden();
    (golden.batches.blocks, golden.batches.parts, golden.batches.files) = (Some((2, 3)), vec![6, 4], vec![7, 300]);
    if std::env::var("NN_GOLDEN").is_ok_and(|value| value == "overwrite") {
        golden.save(path).unwrap();
    }
    assert_eq!(RunState::load(path).unwrap(), golden);
    assert_eq!(load_network::<Line>(path).unwrap().parameters(), [0.5, -1.25]);
    // As long as the version is 2, its bytes are what is written too, but for the version of the library.
    let (file, written) = (fs::read(path).unwrap(), golden.to_bytes());
    let behind_the_version = |bytes: &[u8]| {
        assert_eq!(bytes[20..24], *b"\x03f64");
        bytes[25 + usize::from(bytes[24])..bytes.len() - 4].to_vec()
    };
    assert_eq!(behind_the_version(&file), behind_the_version(&written));
}
