//! A learning rate for the hand-written digits: the range test, and what comes of its suggestion.
//!
//! The test takes a hundred steps, a fraction of what one training takes, in which the rate grows from 10⁻⁷ to 10.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, Image};
use nn_train::prelude::*;

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 128 relu => 64 relu => 10 softmax>;
}

/// Find a learning rate for hand-written digits, and train with it
#[derive(Parser)]
struct Arguments {
    /// Seed of the split, the initial parameters and the order of the samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// The optimiser
    #[arg(long, value_enum, default_value_t = Algorithm::Adam)]
    optimizer: Algorithm,
    /// Steps of the test
    #[arg(long, default_value_t = 100, value_parser = count_in(10, 100_000))]
    steps: usize,
    /// How often the images are gone through after the test
    #[arg(long, default_value_t = 20, value_parser = count_in(1, 10_000))]
    epochs: usize,
}

#[derive(Clone, Copy, ValueEnum)]
enum Algorithm {
    Adam,
    Sgd,
    Lion,
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
    let all = Dataset::<Image, [f32; CLASSES]>::from_labels(images, &digits)?;
    let (test, train) = all.stratified_split(0.2, arguments.seed)?;

    let mut network = Digits::new(arguments.seed);
    let builder = Trainer::builder().batch_size(32).epochs(arguments.epochs).seed(arguments.seed);
    let builder = match arguments.optimizer {
        Algorithm::Adam => builder.optimizer(Adam::default()),
        Algorithm::Sgd => builder.optimizer(Sgd::default().momentum(0.9)),
        Algorithm::Lion => builder.optimizer(Lion::default()),
    };
    let curve = builder.clone().build()?.lr_find(&network, &train).steps(arguments.steps).run()?;
    println!("{curve}\n");

    println!("        rate        cost    smoothed");
    for point in curve.points().iter().step_by(curve.points().len().div_ceil(16)) {
        println!("{:>12.2e}  {:>10.4}  {:>10.4}", point.rate, point.cost, point.smoothed);
    }
    // Of the two suggestions the lower one, which is the careful choice.
    let steepest = curve.steepest().ok_or("the cost never falls; try more steps")?;
    let rate = curve.tenth_of_minimum().map_or(steepest, |rate| rate.min(steepest));

    let history = builder.learning_rate(rate).build()?.fit(&mut network, &train, None)?;
    if let Some(last) = history.last() {
        println!("\ntrained at the rate {rate:.2e}, {last}");
    }
    println!("test accuracy: {:.3}", metrics::accuracy(&network, &test)?);
    Ok(())
}
