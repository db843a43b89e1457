//! L-BFGS against Adam on the hand-written digits, both for the same time: which one gets the cost lower?
//!
//! L-BFGS takes all images in each evaluation and stops by itself. Adam goes on in small batches for as long as that
//! took, its learning rate falling to 0 towards the end.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::Parser;
use nn_examples::arguments::{count_in, number_in};
use nn_examples::digit_images::{self, CLASSES, Image};
use nn_train::prelude::*;

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 32 tanh => 10 softmax>;
}

/// What a number on the command line should have been.
const AT_LEAST_0: &str = "a finite number ≥ 0";

/// Train the same network by L-BFGS and by Adam for the same time
#[derive(Parser)]
struct Arguments {
    /// Seed of the split, the initial parameters and the order of the samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// λ of the cost's term λ/2m Σ‖Θ_w‖²
    #[arg(long, default_value_t = 1.0, value_parser = number_in(0.0.., AT_LEAST_0), allow_negative_numbers = true)]
    l2: f64,
    /// L-BFGS stops where no entry of the gradient is larger
    #[arg(long, default_value_t = 1e-5, value_parser = number_in(0.0.., AT_LEAST_0), allow_negative_numbers = true)]
    tolerance: f64,
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
}

// Adam's rate and batch size were chosen by the training cost that it reaches in the time that L-BFGS takes, over the
// seeds 11 to 16: the best of 0.003 to 0.02 and of 32 to 256.

/// Adam's learning rate at the start.
const RATE: f64 = 0.02;
/// Samples in a step of Adam.
const BATCH: usize = 128;
/// The share of the images to test with.
const TEST: f64 = 0.2;

type Images = Dataset<Image, [f32; CLASSES]>;

fn main() -> ExitCode {
    match compare(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn compare(arguments: &Arguments) -> Result<(), Box<dyn std::error::Error>> {
    let (images, digits) = digit_images::load()?;
    let (test, train) = Images::from_labels(images, &digits)?.stratified_split(TEST, arguments.seed)?;
    let threads = arguments.threads.map_or_else(Threads::default, Threads::from);
    let start = Digits::new(arguments.seed);
    println!("{}, {} parameters, {} images to train on", Digits::ARCHITECTURE, Digits::PARAMS, train.len());

    let mut by_lbfgs = start.clone();
    let lbfgs = Lbfgs::default().l2(arguments.l2).gradient_tolerance(arguments.tolerance).threads(threads);
    let solution = lbfgs.minimize(&mut by_lbfgs, &train)?;
    println!("L-BFGS {solution}\n");

    let mut by_adam = start;
    let taken = by_adam_for(solution.duration, &mut by_adam, &train, arguments, threads)?;

    println!("          training cost   test accuracy   seconds");
    let row = |name: &str, network: &Digits, taken: Duration| -> Result<f64, Error> {
        let cost = network.cost_on(&train, arguments.l2)?;
        let accuracy = ConfusionMatrix::evaluate(network, &test)?.accuracy();
        println!("{name:<9}  {cost:>12.6}   {accuracy:>13.3}   {:>7.3}", taken.as_secs_f64());
        Ok(cost)
    };
    let (lbfgs, adam) = (row("L-BFGS", &by_lbfgs, solution.duration)?, row("Adam", &by_adam, taken)?);
    let (lower, by) = if lbfgs <= adam { ("L-BFGS", 1.0 - lbfgs / adam) } else { ("Adam", 1.0 - adam / lbfgs) };
    println!("\n{lower} reaches the lower cost, by {:.2} %", 100.0 * by);
    Ok(())
}

/// Trains by Adam for a time, and says how long it took.
fn by_adam_for(
    limit: Duration,
    network: &mut Digits,
    train: &Images,
    arguments: &Arguments,
    threads: Threads,
) -> Result<Duration, Error> {
    let start = Instant::now();
    let share_left = move || 1.0 - start.elapsed().as_secs_f64() / limit.as_secs_f64();
    let trainer = Trainer::builder()
        .optimizer(Adam::default())
        .schedule(move |_| RATE * share_left().max(0.001))
        .batch_size(BATCH)
        // λ is divided by the batch size in a step, and by all samples in the cost that both minimise.
        .l2(arguments.l2 * BATCH as f64 / train.len() as f64)
        .epochs(1_000_000)
        .seed(arguments.seed)
        .threads(threads)
        .build()?;
    let stop = |_: &mut Context<'_, Digits>| Ok(if share_left() > 0.0 { Signal::Continue } else { Signal::Stop });
    trainer.run(network, train)?.on_step(stop).finish()?;
    Ok(start.elapsed())
}
