//! L-BFGS against Adam on the hand-written digits, both for the same time: which one gets the cost lower?
//!
//! L-BFGS takes all images in each evaluation and stops by itself. Adam goes on in small batches for as long as that
//! took, its learning rate falling to 0 towards the end. Both start from the same network, which is another one for
//! each seed, and work on the same threads.
//!
//! ```sh
//! cargo run --release --example lbfgs -- --threads 1
//! ```
//!
//! On a 2-core AMD EPYC (Zen 4, shared) L-BFGS reached the lower cost on each of the seeds 1 to 10: by 0.93 % in the
//! median on one thread (0.57 % to 1.21 %), and by 1.66 % on two (0.73 % to 2.00 %). Adam's rate and batch size are the
//! best of 34 pairs, rates from 0.003 to 0.08 and batches from 32 images to all of them, by the median of the seeds 11 to
//! 14; with none of them did it reach the lower cost on any of these seeds.

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
const POSITIVE: &str = "a finite number > 0";

/// Train the same networks by L-BFGS and by Adam for the same time
#[derive(Parser)]
struct Arguments {
    /// First seed of the split, the initial parameters and the order of the samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How many seeds to compare on
    #[arg(long, default_value_t = 10, value_parser = count_in(1, 1000))]
    seeds: usize,
    /// λ of the cost's term λ/2m Σ‖Θ_w‖²
    #[arg(long, default_value_t = 1.0, value_parser = number_in(0.0.., AT_LEAST_0), allow_negative_numbers = true)]
    l2: f64,
    /// L-BFGS stops where no entry of the gradient is larger
    #[arg(long, default_value_t = 1e-5, value_parser = number_in(0.0.., AT_LEAST_0), allow_negative_numbers = true)]
    tolerance: f64,
    /// Adam's learning rate at the start
    #[arg(long, default_value_t = 0.04, value_parser = number_in(f64::MIN_POSITIVE.., POSITIVE), allow_negative_numbers = true)]
    rate: f64,
    /// Samples in a step of Adam
    #[arg(long, default_value_t = 128, value_parser = count_in(1, 1 << 20))]
    batch_size: usize,
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
}

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
    let images = Images::from_labels(images, &digits)?;
    println!("{}, {} parameters", Digits::ARCHITECTURE, Digits::PARAMS);
    println!("       L-BFGS                                    Adam");
    println!(
        "seed   training cost  test accuracy  evaluations  training cost  test accuracy  seconds  L-BFGS lower by"
    );
    let mut lower = Vec::new();
    for seed in (0..arguments.seeds as u64).map(|number| arguments.seed.wrapping_add(number)) {
        let (test, train) = images.stratified_split(TEST, seed)?;
        let threads = arguments.threads.map_or_else(Threads::default, Threads::from);
        let mut by_lbfgs = Digits::new(seed);
        let mut by_adam = by_lbfgs.clone();
        let lbfgs = Lbfgs::default().l2(arguments.l2).gradient_tolerance(arguments.tolerance).threads(threads);
        let solution = lbfgs.minimize(&mut by_lbfgs, &train)?;
        train_by_adam(solution.duration, &mut by_adam, &train, seed, threads, arguments)?;

        let judge = |network: &Digits| -> Result<(f64, f64), Error> {
            let accuracy = ConfusionMatrix::evaluate(network, &test)?.accuracy();
            Ok((network.cost_on(&train, arguments.l2)?, accuracy))
        };
        let ((cost, accuracy), (adams_cost, adams_accuracy)) = (judge(&by_lbfgs)?, judge(&by_adam)?);
        let (percent, seconds) = (100.0 * (1.0 - cost / adams_cost), solution.duration.as_secs_f64());
        print!("{seed:>4}   {cost:>13.6}  {accuracy:>13.3}  {:>11}", solution.evaluations);
        println!("  {adams_cost:>13.6}  {adams_accuracy:>13.3}  {seconds:>7.3}  {percent:>13.2} %");
        lower.push(percent);
    }
    lower.sort_by(f64::total_cmp);
    let (half, wins) = (lower.len() / 2, lower.iter().filter(|percent| **percent > 0.0).count());
    let median = (lower[half] + lower[(lower.len() - 1) / 2]) / 2.0;
    println!("\nL-BFGS reaches the lower cost on {wins} of {} seeds, by {median:.2} % in the median", lower.len());
    Ok(())
}

/// Trains by Adam for a time.
fn train_by_adam(
    limit: Duration,
    network: &mut Digits,
    train: &Images,
    seed: u64,
    threads: Threads,
    arguments: &Arguments,
) -> Result<(), Error> {
    let &Arguments { l2, rate, batch_size, .. } = arguments;
    let start = Instant::now();
    let share_left = move || 1.0 - start.elapsed().as_secs_f64() / limit.as_secs_f64();
    let trainer = Trainer::builder()
        .optimizer(Adam::default())
        .schedule(move |_| rate * share_left().max(0.001))
        .batch_size(batch_size)
        // λ is divided by the batch size in a step, and by all samples in the cost that both minimise.
        .l2(l2 * batch_size.min(train.len()) as f64 / train.len() as f64)
        .epochs(1_000_000)
        .seed(seed)
        .threads(threads)
        .build()?;
    let stop = |_: &mut Context<'_, Digits>| Ok(if share_left() > 0.0 { Signal::Continue } else { Signal::Stop });
    trainer.run(network, train)?.on_step(stop).finish()?;
    Ok(())
}
