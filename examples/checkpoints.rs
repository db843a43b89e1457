//! A run that may be interrupted: it writes checkpoints, ends by Ctrl-C, and goes on where it was when it is started
//! again.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, Image};
use nn_train::Progress;
use nn_train::prelude::*;

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 512 relu dropout(0.3) => 256 relu dropout(0.3) => 10 softmax>;
}

/// Train a network on hand-written digits; press Ctrl-C, start it again, and it goes on
#[derive(Parser)]
struct Arguments {
    /// Folder for the checkpoints, made if it is not there
    #[arg(long, default_value = "checkpoints")]
    folder: PathBuf,
    /// How often the images are gone through, what was done before included
    #[arg(long, default_value_t = 60, value_parser = count_in(1, 10_000))]
    epochs: usize,
    /// Write a checkpoint after so many steps, of which an epoch has 41
    #[arg(long, default_value_t = 100, value_parser = count_in(1, 1_000_000))]
    every: usize,
    /// How many checkpoints are kept, that of the best epoch not counted
    #[arg(long, default_value_t = 3, value_parser = count_in(1, 1_000_000))]
    keep: usize,
    /// End without a signal after this epoch
    #[arg(long, value_parser = count_in(1, 10_000))]
    stop_after: Option<usize>,
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let folder = arguments.folder.display();
    let (images, digits) = digit_images::load()?;
    let all = Dataset::<Image, [f32; CLASSES]>::from_labels(images, &digits)?;
    let (test, rest) = all.stratified_split(0.2, 1)?;
    let (valid, train) = rest.stratified_split(0.1, 1)?;

    let mut trainer = Trainer::builder().learning_rate(0.0005).batch_size(32).epochs(arguments.epochs).seed(1);
    if let Some(threads) = arguments.threads {
        trainer = trainer.threads(threads);
    }
    let trainer = trainer.build()?;

    // Ctrl-C is for the run from here on, not for the program.
    let mut interrupt = Interrupt::on_signals()?;
    let latest = Checkpoints::latest(&arguments.folder)?;
    for (path, why) in &latest.skipped {
        println!("skipped {}: {why}", path.display());
    }
    let mut network = Digits::new(1);
    let mut run = trainer.run(&mut network, &train)?.validation(&valid)?;
    match &latest.found {
        Some((path, state)) => {
            let (taken, all) = (state.session.steps, run.epoch_steps() * arguments.epochs as u64);
            println!("going on from {}, after {taken} of {all} steps", path.display());
            run = run.resume(state)?;
        }
        None => println!("nothing to go on from in {folder}: a new run"),
    }

    // The checkpoints come last: they hold what the others keep, and are written when one of them stops the run.
    let mut checkpoints = Checkpoints::new(&arguments.folder)
        .every_steps(arguments.every as u64)
        .keep_last(arguments.keep)
        .keep_best(Monitor::ValidationCost);
    let start = Instant::now();
    let history = run
        .callback(WeightAverage::exponential(0.99).apply_at_end(true))
        .callback(Progress::stdout())
        .on_epoch(|context| {
            Ok(if arguments.stop_after == Some(context.epoch()) { Signal::Stop } else { Signal::Continue })
        })
        .callback(&mut interrupt)
        .callback(&mut checkpoints)
        .finish()?;

    println!("\n{} epochs are over, {:.2} s in this part", history.len(), start.elapsed().as_secs_f64());
    if let Some(path) = checkpoints.last() {
        println!("the state is in {}", path.display());
    }
    if let Some(signal) = interrupt.received() {
        println!("ended by {signal}; start the program again, and it goes on");
    } else if history.len() < arguments.epochs {
        println!("ended after epoch {}; start the program again, and it goes on", history.len());
    }
    println!("test accuracy: {:.3}", metrics::accuracy(&network, &test)?);
    Ok(())
}
