//! Time to accuracy: how many seconds of training it takes until 88 % of Fashion-MNIST's test images are classified
//! correctly.
//!
//! The clock runs while the network is trained: planning, starting the threads, shuffling, fetching samples, steps. It
//! stands still while files are read and while the network is judged by all test images, some times in every epoch, so
//! that the seconds do not depend on how often that is done. `benches/peers/accuracy.py` does the same with PyTorch.

use std::error::Error;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use nn_examples::arguments::{count_in, number_in};
use nn_examples::mnist::{CLASSES, Images, Mnist, PIXELS};
use nn_kernels::random::{self, Purpose};
use nn_train::prelude::*;
use nn_train::{EngineKind, Explanation, Precision};
use rand::seq::SliceRandom;
use serde_json::json;

/// Train on Fashion-MNIST, and say how long it takes to an accuracy
#[derive(Parser)]
#[command(name = "fashion")]
struct Arguments {
    /// The folder of the data [default: data/fashion, or else where Debian's dataset-fashion-mnist puts it]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Seed of the initial parameters and of the order of the samples
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the images are gone through
    #[arg(long, default_value_t = 10, value_parser = count_in(1, 10_000))]
    epochs: usize,
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
    /// Samples in a step
    #[arg(long, default_value_t = 128, value_parser = count_in(1, 1_000_000))]
    batch_size: usize,
    /// Learning rate of Adam
    #[arg(long, default_value_t = 0.001, value_parser = number_in(f64::MIN_POSITIVE.., "a finite number > 0"), allow_negative_numbers = true)]
    learning_rate: f64,
    /// Widths of the hidden layers, such as 256 or 512,256
    #[arg(long, default_value = "256", value_delimiter = ',', value_parser = count_in(1, 65_536))]
    hidden: Vec<usize>,
    /// In what numbers products are computed: full, bf16 or bf16-emulated
    #[arg(long, default_value_t = Precision::Full)]
    precision: Precision,
    /// The share of the test images to classify correctly
    #[arg(long, default_value_t = 0.88, value_parser = number_in(0.0..=1.0, "a number from 0 to 1"))]
    target: f64,
    /// How often in an epoch the network is judged
    #[arg(long, default_value_t = 10, value_parser = count_in(1, 1000))]
    evaluations: usize,
    /// Train on the first N images only
    #[arg(long, value_name = "N", value_parser = count_in(1, u32::MAX as usize))]
    limit: Option<usize>,
    /// Print one JSON object instead of lines
    #[arg(long)]
    json: bool,
}

type Samples = DynDataset<f32>;

impl Arguments {
    /// Relu in the hidden layers, drawn after He; softmax at the output, drawn after Glorot.
    fn architecture(&self) -> Result<Architecture, Box<dyn Error>> {
        let sizes: Vec<usize> = [PIXELS].into_iter().chain(self.hidden.iter().copied()).collect();
        let hidden = sizes.windows(2).map(|pair| Layer::new(pair[0], pair[1], Activation::Relu));
        let output = Layer::new(sizes[sizes.len() - 1], CLASSES, Activation::Softmax);
        Ok(Architecture::new(hidden.chain([output]).collect(), Loss::CrossEntropy)?)
    }

    fn trainer(&self) -> Result<Trainer, nn_train::Error> {
        let builder = Trainer::builder().optimizer(Adam::default()).learning_rate(self.learning_rate);
        let mut builder = builder.batch_size(self.batch_size).precision(self.precision);
        if self.precision != Precision::Full {
            // In this precision also where another is faster.
            builder = builder.engine(EngineKind::Blocked);
        }
        match self.threads {
            Some(threads) => builder.threads(threads).build(),
            None => builder.build(),
        }
    }

    /// The images to train on, as many as are wanted, and those to test with.
    fn samples(&self) -> Result<(Samples, Samples), Box<dyn Error>> {
        let Mnist { mut train, test } = Mnist::read(self.data.as_deref())?;
        if let Some(limit) = self.limit {
            if limit > train.len() {
                return Err(format!("--limit is {limit}, expected at most the {} images there are", train.len()).into());
            }
            train.truncate(limit);
        }
        let scale = Scale::of(&train.pixels);
        Ok((scale.samples(&train)?, scale.samples(&test)?))
    }
}

/// Takes the training images' pixels, all together, to mean 0 and standard deviation 1, and the test images' alike.
struct Scale {
    mean: f64,
    deviation: f64,
}

impl Scale {
    fn of(pixels: &[u8]) -> Self {
        let (count, sum) = (pixels.len() as f64, pixels.iter().map(|&pixel| u64::from(pixel)).sum::<u64>() as f64);
        let squares = pixels.iter().map(|&pixel| u64::from(pixel).pow(2)).sum::<u64>() as f64;
        let mean = sum / count;
        let variance = squares / count - mean * mean;
        // Of images that are all alike there is nothing to scale.
        Self { mean, deviation: if variance > 0.0 { variance.sqrt() } else { 1.0 } }
    }

    fn samples(&self, images: &Images) -> Result<Samples, nn_train::Error> {
        let scaled: Vec<f32> =
            (0..=255).map(|pixel| ((f64::from(pixel) - self.mean) / self.deviation) as f32).collect();
        let pixels = images.pixels.iter().map(|&pixel| scaled[usize::from(pixel)]).collect();
        let labels: Vec<usize> = images.labels.iter().map(|&label| usize::from(label)).collect();
        DynDataset::from_labels(pixels, PIXELS, &labels, CLASSES)
    }
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    // A file that is missing or damaged is as wrong an argument as an unknown option.
    let (architecture, (train, test)) = arguments
        .architecture()
        .and_then(|architecture| Ok((architecture, arguments.samples()?)))
        .unwrap_or_else(|error| Arguments::command().error(ErrorKind::ValueValidation, error).exit());
    match run(&arguments, architecture, &train, &test) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(
    arguments: &Arguments,
    architecture: Architecture,
    train: &Samples,
    test: &Samples,
) -> Result<(), nn_train::Error> {
    let mut network = DynNetwork::<f32>::new(architecture, Init::default(), arguments.seed)?;
    if !arguments.json {
        let (shape, params) = (network.architecture(), network.parameters().len());
        println!("{shape}, {params} parameters, seed {}", arguments.seed);
        println!("{} images to train on, {} to test with\n", train.len(), test.len());
    }
    let curve = Curve::train(arguments, &mut network, train, test)?;
    if arguments.json {
        println!("{}", curve.json(arguments, &network, train, test));
    } else {
        println!("\n{}", curve.verdict(arguments.target));
        println!("test accuracy: {:.4}", curve.last().accuracy);
    }
    Ok(())
}

/// How training went.
struct Curve {
    explanation: Explanation,
    points: Vec<Point>,
}

/// What the network was at some point of its training.
struct Point {
    /// Epochs so far, the share of one that has begun included.
    epoch: f64,
    /// Steps so far.
    step: u64,
    /// Seconds of training so far.
    seconds: f64,
    /// The mean loss of the samples since the point before, as the steps saw it.
    cost: f64,
    /// The share of the test images that is classified correctly.
    accuracy: f64,
}

impl Curve {
    fn train(
        arguments: &Arguments,
        network: &mut DynNetwork<f32>,
        train: &Samples,
        test: &Samples,
    ) -> Result<Self, nn_train::Error> {
        let start = Instant::now();
        let trainer = arguments.trainer()?;
        let mut session = trainer.session(network)?;
        let explanation = session.explain().clone();
        // One hand-over to the trainer's threads for all steps; the judging is theirs too.
        let points = session.install(|session| {
            let mut taken = start.elapsed();
            let batches = train.len().div_ceil(arguments.batch_size);
            let mut points = Vec::new();
            for epoch in 0..arguments.epochs {
                // What is shuffled is the same each time, so that an epoch's order depends on its number alone; it is
                // the order of `Trainer::fit`.
                let start = Instant::now();
                let mut order: Vec<u64> = (0..train.len() as u64).collect();
                order.shuffle(&mut random::stream(arguments.seed, Purpose::Shuffle, epoch as u32));
                let mut batch = order.chunks(arguments.batch_size);
                taken += start.elapsed();
                for point in 1..=arguments.evaluations {
                    let reached = |point: usize| (point * batches).div_ceil(arguments.evaluations);
                    let steps = reached(point) - reached(point - 1);
                    if steps == 0 {
                        continue;
                    }
                    let start = Instant::now();
                    let (mut sum, mut count) = (0.0, 0);
                    for indices in batch.by_ref().take(steps) {
                        sum += session.step_at(train, indices)? * indices.len() as f64;
                        count += indices.len();
                    }
                    taken += start.elapsed();
                    points.push(Point {
                        epoch: epoch as f64 + reached(point) as f64 / batches as f64,
                        step: session.steps(),
                        seconds: taken.as_secs_f64(),
                        cost: sum / count as f64,
                        accuracy: ConfusionMatrix::evaluate(session.network(), test)?.accuracy(),
                    });
                }
                if let (false, Some(point)) = (arguments.json, points.last()) {
                    println!("epoch {:>3}/{}  {}", epoch + 1, arguments.epochs, point.describe());
                }
            }
            Ok::<_, nn_train::Error>(points)
        })?;
        Ok(Self { explanation, points })
    }

    /// The last point; there is one, after the last step of the first epoch at the latest.
    fn last(&self) -> &Point {
        &self.points[self.points.len() - 1]
    }

    /// The first point that has reached `target`.
    fn reached(&self, target: f64) -> Option<&Point> {
        self.points.iter().find(|point| point.accuracy >= target)
    }

    fn verdict(&self, target: f64) -> String {
        let percent = 100.0 * target;
        match self.reached(target) {
            Some(Point { seconds, epoch, .. }) => {
                format!("{percent} % after {seconds:.3} s of training, {epoch:.1} epochs")
            }
            None => format!("{percent} % was not reached in {:.3} s of training", self.last().seconds),
        }
    }

    fn json(
        &self,
        arguments: &Arguments,
        network: &DynNetwork<f32>,
        train: &Samples,
        test: &Samples,
    ) -> serde_json::Value {
        let Explanation { threads_given, element, engine, set, precision, .. } = &self.explanation;
        let point = |point: &Point| {
            let Point { epoch, step, seconds, cost, accuracy } = *point;
            json!({ "epoch": epoch, "step": step, "seconds": seconds, "cost": cost, "accuracy": accuracy })
        };
        let reached = self.reached(arguments.target);
        json!({
            "settings": {
                "network": network.architecture().to_string(),
                "hidden": arguments.hidden,
                "optimizer": "adam",
                "learning_rate": arguments.learning_rate,
                "batch_size": arguments.batch_size,
                "epochs": arguments.epochs,
                "evaluations": arguments.evaluations,
                "seed": arguments.seed,
                "threads": threads_given,
                "dtype": element,
                "precision": precision.name(),
                "engine": engine.name(),
                "isa": set.name(),
                "train_images": train.len(),
                "test_images": test.len(),
                "target": arguments.target,
            },
            "points": self.points.iter().map(point).collect::<Vec<_>>(),
            "seconds_to_target": reached.map(|point| point.seconds),
            "epochs_to_target": reached.map(|point| point.epoch),
            "seconds": self.last().seconds,
            "accuracy": self.last().accuracy,
        })
    }
}

impl Point {
    fn describe(&self) -> String {
        format!("cost {:.4}  test accuracy {:.4}  {:.2} s of training", self.cost, self.accuracy, self.seconds)
    }
}
