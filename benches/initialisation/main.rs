//! Initial weights for relu layers and their like: with which does a network learn tabular data best?
//!
//! `python3 benches/initialisation/data.py` writes six tables, and `cargo bench -p nn-benches --bench initialisation`
//! trains networks on them from every initialisation and prints their test errors as Markdown, as in
//! docs/initialisation.md. `-- --data FOLDER` names another folder, `--activation NAME` another activation of the hidden
//! layers, `--seeds N` another number of seeds. As many runs go at once as there are cores, each on one thread; the
//! results do not depend on that.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

mod table;
mod tabular;

use std::env;
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use nn_train::prelude::*;

use self::tabular::{Parts, Tabular};

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// What the hidden layers are drawn by. The output layer is always drawn by [`Init::DEFAULT`].
const INITS: [Init; 6] =
    [Init::HeNormal, Init::HeUniform, Init::XavierNormal, Init::XavierUniform, Init::LecunNormal, Init::LecunUniform];

/// Networks and how they are trained.
#[derive(Debug, Clone, Copy)]
struct Study {
    /// Of the hidden layers.
    activation: Activation,
    /// Widths of the hidden layers.
    shapes: &'static [&'static [usize]],
    batch_size: usize,
    epochs: usize,
    seeds: u64,
}

const FULL: Study = Study {
    activation: Activation::Relu,
    shapes: &[&[64, 64], &[256, 128, 64], &[64; 8]],
    batch_size: 64,
    epochs: 30,
    seeds: 8,
};
/// Enough to see that everything works.
const TEST: Study = Study { shapes: &[&[8]], batch_size: 16, epochs: 2, seeds: 2, ..FULL };

/// One training: which shape, set and initialisation by their places, and the seed.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Case {
    shape: usize,
    set: usize,
    init: usize,
    seed: u64,
}

fn draw(architecture: &Architecture, hidden: Init, seed: u64) -> Result<DynNetwork<f32>, Error> {
    let mut network = DynNetwork::new(architecture.clone(), Init::default(), seed)?;
    let drawn = DynNetwork::new(architecture.clone(), hidden, seed)?;
    let output = architecture.ranges().last().map_or(0, |range| range.weights.start);
    network.parameters_mut()[..output].copy_from_slice(&drawn.parameters()[..output]);
    Ok(network)
}

/// The error on the test part after the epoch that the validation part likes best: 1 - R² of a regression, the share
/// that is classified wrong.
fn test_error(set: &Tabular, hidden: &[usize], init: Init, seed: u64, study: Study) -> Result<f64, Failure> {
    let Parts { train, validation, test } = set.split(seed)?;
    let (output, loss) =
        if set.classes == 0 { (Activation::Linear, Loss::Mse) } else { (Activation::Softmax, Loss::CrossEntropy) };
    let widths: Vec<usize> = [train.input_width()].iter().chain(hidden).copied().collect();
    let mut layers: Vec<_> = widths.windows(2).map(|pair| Layer::new(pair[0], pair[1], study.activation)).collect();
    layers.push(Layer::new(widths[hidden.len()], set.classes.max(1), output));
    let mut network = draw(&Architecture::new(layers, loss)?, init, seed)?;

    let trainer = Trainer::builder().optimizer(Adam::default()).learning_rate(0.001).batch_size(study.batch_size);
    let trainer = trainer.epochs(study.epochs).seed(seed).threads(Threads::Current).build()?;
    let (mut least, mut error) = (f64::INFINITY, f64::NAN);
    let mut run = trainer.run(&mut network, &train)?.validation(&validation)?;
    while let Some(epoch) = run.next() {
        let cost = epoch?.validation_cost.ok_or("an epoch without a validation")?;
        if cost < least {
            least = cost;
            error = match set.classes {
                0 => 1.0 - Regression::evaluate(run.network(), &test)?.r2,
                _ => 1.0 - metrics::accuracy(run.network(), &test)?,
            };
        }
    }
    Ok(error)
}

fn report(sets: &[Tabular], study: Study) -> Result<String, Failure> {
    let mut cases = Vec::new();
    for (shape, set) in (0..study.shapes.len()).flat_map(|shape| (0..sets.len()).map(move |set| (shape, set))) {
        for seed in 1..=study.seeds {
            cases.extend((0..INITS.len()).map(|init| Case { shape, set, init, seed }));
        }
    }
    let error = |case: &Case| test_error(&sets[case.set], study.shapes[case.shape], INITS[case.init], case.seed, study);
    // Threads outside of rayon. One of rayon's own would begin another run while it waits for the first.
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    let share = |first: usize| -> Result<Vec<f64>, Failure> {
        // A pool of one thread, which the trainers are told to use.
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
        pool.install(|| cases.iter().skip(first).step_by(threads).map(error).collect())
    };
    let mut errors = vec![f64::NAN; cases.len()];
    thread::scope(|scope| {
        let shares: Vec<_> = (0..threads).map(|first| scope.spawn(move || share(first))).collect();
        for (first, thread) in shares.into_iter().enumerate() {
            let found = thread.join().map_err(|_| "a run panicked")??;
            errors.iter_mut().skip(first).step_by(threads).zip(found).for_each(|(error, found)| *error = found);
        }
        Ok::<_, Failure>(())
    })?;
    Ok(table::markdown(sets, study, &cases, &errors))
}

fn run(mut arguments: impl Iterator<Item = String>) -> Result<(), Failure> {
    let target = env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    let target = target.unwrap_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"));
    let (mut study, mut folder) = (FULL, target.join("initialisation"));
    while let Some(argument) = arguments.next() {
        match &*argument {
            "--test" => {
                print!("{}", report(&[Tabular::waves(), Tabular::rings()], TEST)?);
                return Ok(());
            }
            "--data" => folder = arguments.next().map(PathBuf::from).ok_or("--data wants a folder")?,
            "--activation" => study.activation = arguments.next().ok_or("--activation wants a name")?.parse()?,
            "--seeds" => study.seeds = arguments.next().ok_or("--seeds wants a number")?.parse()?,
            // Cargo's own, and filters meant for the other benches.
            _ => {}
        }
    }
    let sets = Tabular::read_all(&folder)?;
    if sets.is_empty() {
        println!("initialisation: not run, no data in {}; see benches/initialisation/data.py", folder.display());
        return Ok(());
    }
    print!("{}", report(&sets, study)?);
    Ok(())
}

fn main() -> ExitCode {
    if let Err(error) = run(env::args().skip(1)) {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
