//! One network that several processes train, on one machine or many: `mpirun -n 2 distributed digits`, or
//! `mpirun -n 2 distributed flights train.csv test.csv`, whose columns are those of the flights from New York in 2013.
//!
//! Every process runs the same program on the same data and computes its share of each step. Rank 0 alone prints, and writes
//! checkpoints; all go on from the last of them when the job is started again, on as many processes as there are then.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, Image};
use nn_train::collective::{self, Collective, CollectiveFault, Mpi};
use nn_train::prelude::*;
use nn_train::tabular::Recipe;
use nn_train::{Checkpoints, Interrupt, Progress, RunState};

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 256 relu dropout(0.3) => 128 relu dropout(0.3) => 10 softmax>;
}

/// Train a network on the processes that mpirun has started
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    what: What,
    /// How often the samples are gone through, what was done before included [default: 30 on digits, 3 on flights]
    #[arg(long, global = true, value_parser = count_in(1, 10_000))]
    epochs: Option<usize>,
    /// Samples in a step, those of all processes together
    #[arg(long, global = true, default_value_t = 128, value_parser = count_in(1, 1_000_000))]
    batch_size: usize,
    /// Seed of the split, the initial parameters, the order of the samples and the dropout
    #[arg(long, global = true, default_value_t = 1)]
    seed: u64,
    /// Threads of each process
    #[arg(long, global = true, default_value_t = 1, value_parser = count_in(1, 1024))]
    threads: usize,
    /// Folder for checkpoints; where it has some, training goes on from the last one
    #[arg(long, global = true)]
    checkpoints: Option<PathBuf>,
    /// Steps between two checkpoints
    #[arg(long, global = true, default_value_t = 100, value_parser = count_in(1, 1_000_000))]
    every: usize,
    /// Folder in which each process leaves its parameters, to compare them
    #[arg(long, global = true)]
    parameters: Option<PathBuf>,
}

#[derive(Subcommand)]
enum What {
    /// Hand-written digits, and those that the network has not seen
    Digits,
    /// When flights arrive
    Flights {
        /// Flights to learn from
        train: PathBuf,
        /// Others
        test: PathBuf,
    },
}

fn main() -> ExitCode {
    let mpi = match Mpi::start() {
        Ok(mpi) => mpi,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let first = mpi.rank() == 0;
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            if first {
                // To a terminal that is gone there is nothing to say.
                let _ = error.print();
            }
            return ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2));
        }
    };
    let outcome = match &arguments.what {
        What::Digits => digits(&mpi, &arguments),
        What::Flights { train, test } => flights(&mpi, &arguments, train, test),
    };
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    // It names the rank, and all ranks have it but where one is no longer there.
    if first || matches!(error, Error::Collective(CollectiveFault::Silence { .. })) {
        eprintln!("error: {error}");
    }
    mpi.leave(error);
    ExitCode::FAILURE
}

fn digits(mpi: &Mpi, arguments: &Arguments) -> Result<(), Error> {
    let loaded = digit_images::load().map_err(Error::source);
    let (images, digits) = collective::agree(mpi, loaded)?;
    let all = Dataset::<Image, [f32; CLASSES]>::from_labels(images, &digits)?;
    let (test, rest) = all.stratified_split(0.2, arguments.seed)?;
    let (valid, train) = rest.stratified_split(0.1, arguments.seed)?;
    let trainer = Trainer::builder()
        .learning_rate(0.002)
        .batch_size(arguments.batch_size)
        .epochs(arguments.epochs.unwrap_or(30))
        .seed(arguments.seed)
        .threads(arguments.threads)
        .collective(mpi.clone())
        .build()?;

    let mut network = Digits::new(arguments.seed);
    let start = Instant::now();
    // A signal to one process ends all after the same step, and rank 0 writes a checkpoint.
    let mut interrupt = collective::agree(mpi, Interrupt::on_signals())?;
    let mut run = trainer.run(&mut network, &train)?.validation(&valid)?.callback(Progress::stdout());
    run = run.callback(&mut interrupt);
    if let Some(state) = last_state(mpi, arguments)? {
        run = run.resume(&state)?;
    }
    if let Some(folder) = &arguments.checkpoints {
        run = run.callback(Checkpoints::new(folder).every_steps(arguments.every as u64));
    }
    run.finish()?;
    write_parameters(mpi, arguments, network.parameters())?;
    if mpi.rank() == 0 {
        println!("\n{} processes trained for {:.2} s", mpi.size(), start.elapsed().as_secs_f64());
        println!("test accuracy: {:.3}", metrics::accuracy(&network, &test)?);
    }
    Ok(())
}

fn flights(mpi: &Mpi, arguments: &Arguments, train: &Path, test: &Path) -> Result<(), Error> {
    let unknown = ["dep_time", "arr_time", "air_time", "tailnum", "time_hour"]; // Before it has arrived, or of no use.
    let recipe = Recipe::for_target("arr_delay")
        .without(unknown)
        .hidden([64, 32])
        .batch_size(arguments.batch_size)
        .epochs(arguments.epochs.unwrap_or(3))
        .seed(arguments.seed)
        .threads(arguments.threads);
    // What one process may fail at all ask for together.
    let prepared = Table::from_csv(train).and_then(|table| recipe.prepare(&table, None));
    let prepared = collective::agree(mpi, prepared)?.with_trainer(|trainer| trainer.collective(mpi.clone()))?;

    let start = Instant::now();
    let mut interrupt = collective::agree(mpi, Interrupt::on_signals())?;
    let mut callbacks: Vec<Box<dyn Callback<DynNetwork<f32>> + '_>> = vec![Box::new(Progress::stdout())];
    callbacks.push(Box::new(&mut interrupt));
    if let Some(folder) = &arguments.checkpoints {
        callbacks.push(Box::new(Checkpoints::new(folder).every_steps(arguments.every as u64)));
    }
    let fitted = prepared.train_with(callbacks, last_state(mpi, arguments)?.as_ref())?;
    write_parameters(mpi, arguments, fitted.network().parameters())?;
    let score = if mpi.rank() == 0 { score(&fitted, test).map(Some) } else { Ok(None) };
    if let Some(score) = collective::agree(mpi, score)? {
        println!("\n{} processes trained for {:.2} s", mpi.size(), start.elapsed().as_secs_f64());
        println!("{score}");
    }
    Ok(())
}

/// On the flights of another file.
fn score(fitted: &nn_train::tabular::Fitted, test: &Path) -> Result<Regression, Error> {
    let test = fitted.preprocess().csv().read(test)?.drop_missing(&["arr_delay"])?;
    Regression::evaluate(fitted.network(), &fitted.preprocess().dataset(&test)?)
}

/// The state in the last checkpoint, which rank 0 reads and sends to all.
fn last_state(mpi: &Mpi, arguments: &Arguments) -> Result<Option<RunState<f32>>, Error> {
    let Some(folder) = &arguments.checkpoints else { return Ok(None) };
    let bytes = collective::from_first(mpi, || {
        let Some((path, state)) = Checkpoints::latest::<f32>(folder)?.found else { return Ok(Vec::new()) };
        println!("going on from {}, after {} steps", path.display(), state.session.steps);
        Ok(state.to_bytes())
    })?;
    if bytes.is_empty() { Ok(None) } else { RunState::from_bytes(&bytes).map(Some) }
}

/// Each process writes its own.
fn write_parameters(mpi: &Mpi, arguments: &Arguments, parameters: &[f32]) -> Result<(), Error> {
    let Some(folder) = &arguments.parameters else { return Ok(()) };
    let bytes: Vec<u8> = parameters.iter().flat_map(|parameter| parameter.to_le_bytes()).collect();
    let path = folder.join(format!("rank-{}.bin", mpi.rank()));
    let written = std::fs::create_dir_all(folder).and_then(|()| std::fs::write(&path, bytes));
    collective::agree(mpi, written.map_err(|error| Error::source(format!("{}: {error}", path.display()))))
}
