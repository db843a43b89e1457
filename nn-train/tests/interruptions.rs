//! Programs that are killed or told to end in the middle of a run: this program itself, started again as a child.
//!
//! `NN_KILLS=300` kills more often than the tests do otherwise.
#![cfg(all(feature = "checkpoints", unix))]
#![allow(clippy::print_stdout, clippy::unwrap_used, missing_docs)]

mod scratch;

use std::env;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nn_train::Interruption;
use nn_train::checkpoint::load_network;
use nn_train::prelude::*;
use scratch::Scratch;

network! { struct Net<8 => 64 relu dropout(0.25) => 48 tanh => 3 softmax>; }

fn data() -> Dataset<[f32; 8], [f32; 3]> {
    let inputs = (0..160).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..160).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn trainer() -> Trainer {
    Trainer::builder().schedule(Cosine::new(0.01, 300)).batch_size(16).epochs(30).seed(3).threads(2).build().unwrap()
}

/// The folder that a child is to work in.
const FOLDER: &str = "NN_TRAIN_CHILD_FOLDER";
/// Whether it waits in each step, so that a signal meets it in the middle of its run.
const SLOW: &str = "NN_TRAIN_CHILD_SLOW";

/// What the child does: it goes on from the latest checkpoint, and writes the network to a file at the end.
fn child(folder: &Path) {
    let (data, slow) = (data(), env::var_os(SLOW).is_some());
    let latest = Checkpoints::latest(folder.join("run")).unwrap();
    assert_eq!(latest.skipped, Vec::new());
    let mut net = Net::new(1);
    let trainer = trainer();
    let mut interrupt = Interrupt::on_signals().unwrap();
    let mut run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
    if let Some((_, state)) = &latest.found {
        run = run.resume(state).unwrap();
    }
    let wait = move |_: &mut Context<'_, Net>| {
        if slow {
            sleep(Duration::from_millis(20));
        }
        Ok(Signal::Continue)
    };
    let checkpoints = Checkpoints::new(folder.join("run")).every_steps(4).keep_last(2).keep_best(Monitor::Cost);
    let run = run
        .callback(EarlyStopping::new(Monitor::ValidationCost).patience(100))
        .callback(WeightAverage::exponential(0.9))
        .on_step(wait)
        .callback(&mut interrupt)
        .callback(checkpoints);
    run.finish().unwrap();
    let name = match interrupt.received() {
        None => "finished",
        Some(Interruption::Interrupt) => "interrupted",
        Some(Interruption::Terminate) => "terminated",
    };
    let mut session = trainer.session(&mut net).unwrap();
    session.install(|session| session.state()).unwrap().save(folder.join(name)).unwrap();
}

/// Starts the child.
fn start(folder: &Path, test: &str, slow: bool) -> Child {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture"]).env(FOLDER, folder);
    if slow {
        command.env(SLOW, "");
    }
    command.stdout(Stdio::null()).spawn().unwrap()
}

/// Whether this is the child, which has done its work then.
fn is_child() -> bool {
    let folder = env::var_os(FOLDER);
    if let Some(folder) = &folder {
        child(Path::new(folder));
    }
    folder.is_some()
}

/// The network of a run that nobody disturbs.
fn undisturbed() -> Net {
    let (data, mut net) = (data(), Net::new(1));
    let trainer = trainer();
    let run = trainer.run(&mut net, &data).unwrap().validation(&data).unwrap();
    run.callback(EarlyStopping::new(Monitor::ValidationCost).patience(100)).finish().unwrap();
    net
}

/// The steps of the latest checkpoint. None of the folder is damaged.
fn steps(folder: &Path) -> Option<u64> {
    let latest = Checkpoints::latest::<f32>(folder.join("run")).unwrap();
    assert_eq!(latest.skipped, Vec::new());
    latest.found.map(|(_, state)| state.session.steps)
}

#[test]
fn a_run_that_is_killed_at_any_time_ends_as_if_it_had_not_been() {
    if is_child() {
        return;
    }
    let kills: usize = env::var("NN_KILLS").ok().map_or(25, |kills| kills.parse().unwrap());
    let wanted = undisturbed();
    // How long a child takes that is left alone.
    let scratch = Scratch::new("alone");
    let begun = Instant::now();
    assert!(
        start(&scratch.0, "a_run_that_is_killed_at_any_time_ends_as_if_it_had_not_been", false)
            .wait()
            .unwrap()
            .success()
    );
    let whole = begun.elapsed().as_micros() as u64;
    assert_eq!(load_network::<Net>(scratch.0.join("finished")).unwrap(), wanted);

    // A linear congruential generator (Knuth's MMIX), begun at the time.
    let mut random = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos() as u64;
    let (mut killed, mut runs, mut moved, mut torn) = (0, 0, 0, 0);
    while killed < kills {
        let scratch = Scratch::new("killed");
        let mut before = None;
        runs += 1;
        loop {
            let mut child = start(&scratch.0, "a_run_that_is_killed_at_any_time_ends_as_if_it_had_not_been", false);
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            sleep(Duration::from_micros((random >> 33) % (whole / 2)));
            child.kill().unwrap();
            let status = child.wait().unwrap();
            if scratch.0.join("run").exists() {
                let names = Scratch::names_in(&scratch.0.join("run"));
                torn += usize::from(names.iter().any(|name| name.ends_with(".unfinished")));
            }
            let after = steps(&scratch.0);
            assert!(after >= before, "{before:?}, and then {after:?}");
            moved += usize::from(after > before);
            before = after;
            if status.signal() == Some(9) {
                killed += 1;
            } else {
                assert!(status.success(), "{status}");
                break;
            }
        }
        assert_eq!(load_network::<Net>(scratch.0.join("finished")).unwrap(), wanted);
        // Nothing that a killed one was writing is left, but the last files and the best; and one more where it was
        // killed between its last file and the removal of the oldest, as nothing was written after that.
        let names = Scratch::names_in(&scratch.0.join("run"));
        assert!(names.iter().all(|name| name.ends_with(".ckpt")), "{names:?}");
        assert!((3..=4).contains(&names.len()), "{names:?}");
    }
    println!("{killed} kills in {runs} runs, {torn} of them while a file was written");
    assert!(moved >= runs);
}

/// Sends a child a signal in the middle of its run.
#[track_caller]
fn signalled(test: &str, signal: &str, name: &str) {
    let scratch = Scratch::new(name);
    let mut child = start(&scratch.0, test, true);
    // Its first checkpoint is there, so it waits for signals.
    let begun = Instant::now();
    while steps(&scratch.0).is_none() {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        sleep(Duration::from_millis(5));
    }
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
    assert!(child.wait().unwrap().success());
    let stopped = steps(&scratch.0).unwrap();
    assert!(stopped < 300);
    // It says why it ended, and has not ended by itself.
    let mut names = [name, "run"];
    names.sort_unstable();
    assert_eq!(scratch.names(), names);
    assert!(start(&scratch.0, test, false).wait().unwrap().success());
    assert_eq!(load_network::<Net>(scratch.0.join("finished")).unwrap(), undisturbed());
}

#[test]
fn ctrl_c_ends_a_run_with_a_checkpoint() {
    if !is_child() {
        signalled("ctrl_c_ends_a_run_with_a_checkpoint", "-INT", "interrupted");
    }
}

#[test]
fn a_request_to_terminate_ends_a_run_with_a_checkpoint() {
    if !is_child() {
        signalled("a_request_to_terminate_ends_a_run_with_a_checkpoint", "-TERM", "terminated");
    }
}

/// With a step that never ends, or without anybody who waits for signals, a signal ends the program as ever.
#[test]
fn a_second_signal_ends_the_program_at_once_and_so_does_one_that_nobody_waits_for() {
    const TEST: &str = "a_second_signal_ends_the_program_at_once_and_so_does_one_that_nobody_waits_for";
    if let Some(folder) = env::var_os(FOLDER) {
        let interrupt = Interrupt::on_signals().unwrap();
        let other = Interrupt::on_signals().unwrap();
        assert_eq!(interrupt.received(), None);
        drop(other);
        let waits = if env::var_os(SLOW).is_some() {
            Some(interrupt)
        } else {
            drop(interrupt);
            None
        };
        std::fs::write(Path::new(&folder).join("ready"), "").unwrap();
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(60) {
            if waits.as_ref().is_some_and(|interrupt| interrupt.received() == Some(Interruption::Terminate)) {
                std::fs::write(Path::new(&folder).join("received"), "").unwrap();
            }
            sleep(Duration::from_millis(1));
        }
        return;
    }
    for waits in [true, false] {
        let scratch = Scratch::new("twice");
        let mut child = start(&scratch.0, TEST, waits);
        let until = |name: &str| {
            let begun = Instant::now();
            while !scratch.0.join(name).exists() {
                assert!(begun.elapsed() < Duration::from_secs(60), "{name}");
                sleep(Duration::from_millis(1));
            }
        };
        let send = |child: &Child| {
            assert!(Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap().success());
        };
        until("ready");
        send(&child);
        if waits {
            until("received");
            assert_eq!(child.try_wait().unwrap(), None, "the first one does not");
            send(&child);
        }
        assert_eq!(child.wait().unwrap().signal(), Some(15));
    }
}

/// A run that begins when a signal has come takes no step, and that of a new guard goes on.
#[test]
fn guards_see_the_signals_of_their_time() {
    if let Some(folder) = env::var_os(FOLDER) {
        let (data, mut net) = (data(), Net::new(1));
        let mut interrupt = Interrupt::on_signals().unwrap();
        assert!(Command::new("kill").args(["-INT", &std::process::id().to_string()]).status().unwrap().success());
        let begun = Instant::now();
        while interrupt.received().is_none() && begun.elapsed() < Duration::from_secs(60) {
            sleep(Duration::from_millis(1));
        }
        assert_eq!(interrupt.received().map(|signal| signal.to_string()).as_deref(), Some("SIGINT"));
        let trainer = trainer();
        let history = trainer.run(&mut net, &data).unwrap().callback(&mut interrupt).finish().unwrap();
        assert!(history.is_empty() && net == Net::new(1));
        drop(interrupt);
        let mut interrupt = Interrupt::on_signals().unwrap();
        assert_eq!(interrupt.received(), None);
        let history = trainer.run(&mut net, &data).unwrap().callback(&mut interrupt).finish().unwrap();
        assert_eq!(history.len(), 30);
        std::fs::write(Path::new(&folder).join("done"), "").unwrap();
        return;
    }
    let scratch = Scratch::new("guards");
    assert!(start(&scratch.0, "guards_see_the_signals_of_their_time", false).wait().unwrap().success());
    assert_eq!(scratch.names(), ["done"]);
}
