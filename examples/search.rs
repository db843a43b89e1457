//! Which network reads the hand-written digits best: a search over widths, learning rates and λ by successive halving.
//!
//! All candidates train for a few epochs, the best third of them for three times as many, and so on. They are judged by
//! images of their own to validate on. The test images are looked at once, by the network that has won.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, PIXELS};
use nn_train::prelude::*;

/// Search for the best network for hand-written digits
#[derive(Parser)]
struct Arguments {
    /// Seed of the splits, the candidates, the initial parameters and the order of the samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many candidates are drawn
    #[arg(long, default_value_t = 27, value_parser = count_in(1, 10_000))]
    candidates: usize,
    /// How often the best ones go through the images
    #[arg(long, default_value_t = 54, value_parser = count_in(1, 10_000))]
    epochs: usize,
    /// One in so many candidates goes on after each rung
    #[arg(long, default_value_t = 3, value_parser = count_in(2, 1000))]
    factor: usize,
    /// Threads, each for one candidate at a time [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
}

/// What a candidate is.
#[derive(Debug, Clone, Copy)]
struct Candidate {
    first: usize,
    second: usize,
    rate: f64,
    l2: f64,
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
    let (images, digits) = digit_images::load()?;
    let images = images.concat();
    let all = DynDataset::from_labels(images, PIXELS, &digits, CLASSES)?;
    let (test, rest) = all.stratified_split(0.2, arguments.seed)?;
    let (validation, train) = rest.stratified_split(0.25, arguments.seed)?;

    let widths = Choice::new([16, 32, 64, 128]);
    let space = (widths.clone(), widths, LogUniform::new(1e-4, 1.0), LogUniform::new(1e-4, 1.0));
    let candidates = space.sample(arguments.candidates, arguments.seed)?;
    let candidates = candidates.into_iter().map(|(first, second, rate, l2)| Candidate { first, second, rate, l2 });

    let mut search = Search::new(candidates).epochs(1..=arguments.epochs).halving(arguments.factor);
    if let Some(threads) = arguments.threads {
        search = search.threads(threads);
    }
    let start = Instant::now();
    let result = search.run(&train, &validation, |&Candidate { first, second, rate, l2 }| {
        let layers = vec![
            Layer::new(PIXELS, first, Activation::Relu),
            Layer::new(first, second, Activation::Relu),
            Layer::new(second, CLASSES, Activation::Softmax),
        ];
        let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
        let network = DynNetwork::<f32>::new(architecture, Init::default(), arguments.seed)?;
        Ok((Trainer::builder().learning_rate(rate).l2(l2).seed(arguments.seed), network))
    })?;
    println!("{} to train, {} to validate, {} to test", train.len(), validation.len(), test.len());
    println!("score: the validation cost\n\n{result}\n");
    println!("searched in {:.2} s", start.elapsed().as_secs_f64());

    let best = result.network();
    println!("best: {}, {} epochs", best.architecture(), result.best().epochs);
    println!("validation accuracy: {:.3}", metrics::accuracy(best, &validation)?);
    println!("test accuracy: {:.3}", metrics::accuracy(best, &test)?);
    Ok(())
}
