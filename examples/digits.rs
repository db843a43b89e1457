//! Hand-written digits: a network, 1,438 images to learn from, and 359 that it has never seen to be judged by.
//!
//! Half a pixel to the left, an image still shows the same digit. The network is told so: each image that it learns
//! from comes nine times, in place and moved by half a pixel in eight directions.

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, Image, shifted};
use nn_train::prelude::*;
use nn_train::{EngineKind, Precision, Progress};

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 256 relu dropout(0.3) => 128 relu dropout(0.3) => 10 softmax>;
}

/// Train a network on hand-written digits, and judge it by digits that it has not seen
#[derive(Parser)]
struct Arguments {
    /// Seed of the split, the initial parameters, the order of the samples and the dropout
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the images are gone through
    #[arg(long, default_value_t = 30, value_parser = count_in(1, 10_000))]
    epochs: usize,
    /// Samples in a step
    #[arg(long, default_value_t = 128, value_parser = count_in(1, 1_000_000))]
    batch_size: usize,
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
    /// In what numbers products are computed: full, bf16 or bf16-emulated
    #[arg(long, default_value_t = Precision::Full)]
    precision: Precision,
}

// The widths, the dropout, the learning rate and the numbers of epochs and samples were chosen by the validation
// accuracy over the seeds 11 to 20, without a look at a test set.

/// The share of all images to test with, and of the others, the share to validate with after each epoch.
const TEST: f64 = 0.2;
const VALIDATION: f64 = 0.1;

type Images = Dataset<Image, [f32; CLASSES]>;

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
    let all = Images::from_labels(images, &digits)?;
    // Every part has its share of each digit. The test set is touched once, at the end.
    let (test, rest) = all.stratified_split(TEST, arguments.seed)?;
    let (valid, train) = rest.stratified_split(VALIDATION, arguments.seed)?;
    let train = moved_about(&train)?;

    let mut network = Digits::new(arguments.seed);
    let mut trainer = Trainer::builder()
        .optimizer(Adam::default())
        .learning_rate(0.002)
        .batch_size(arguments.batch_size)
        .epochs(arguments.epochs)
        .seed(arguments.seed)
        .precision(arguments.precision);
    if let Some(threads) = arguments.threads {
        trainer = trainer.threads(threads);
    }
    if arguments.precision != Precision::Full {
        // In this precision also where another is faster.
        trainer = trainer.engine(EngineKind::Blocked);
    }
    let trainer = trainer.build()?;

    println!("{}, {} parameters, seed {}", Digits::ARCHITECTURE, Digits::PARAMS, arguments.seed);
    println!("{} samples to train, {} to validate, {} to test\n", train.len(), valid.len(), test.len());
    let start = Instant::now();
    trainer.run(&mut network, &train)?.validation(&valid)?.callback(Progress::stdout()).finish()?;
    println!("\ntrained in {:.2} s", start.elapsed().as_secs_f64());

    let confusion = ConfusionMatrix::evaluate(&network, &test)?;
    println!("\n{}\n\n{confusion}\n", confusion.report());
    println!("test accuracy: {:.3}", confusion.accuracy());
    Ok(())
}

/// The samples, each in its place and moved by half a pixel in eight directions.
fn moved_about(images: &Images) -> Result<Images, Error> {
    let (mut inputs, mut targets) = (Vec::new(), Vec::new());
    for (image, target) in images.iter() {
        for (right, down) in (-1..=1).flat_map(|right| (-1..=1).map(move |down| (right, down))) {
            inputs.push(shifted(image, right, down));
            targets.push(*target);
        }
    }
    Dataset::new(inputs, targets)
}
