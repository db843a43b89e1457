//! Pictures of a run, its learning rates, its network and how good that is: docs/pictures.md shows them.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use nn_examples::arguments::count_in;
use nn_examples::digit_images::{self, CLASSES, Image};
use nn_train::metrics::Ranking;
use nn_train::prelude::*;
use nn_train::{CosineRestarts, CsvLog, Progress, StepDecay, TensorBoard, plot};

network! {
    /// From the 8 × 8 pixels of an image to the probability of each digit.
    pub struct Digits<64 => 40 relu dropout(0.1) => 10 softmax>;
}

network! {
    /// From a point of the plane to which of three arms of a spiral it is on.
    pub struct Arms<2 => 32 tanh => 32 tanh => 3 softmax>;
}

/// Train a network on hand-written digits, and write pictures of everything to a folder
#[derive(Parser)]
struct Arguments {
    /// The folder; it is made if it is not there
    output: PathBuf,
    /// Seed of the split, the initial parameters, the order of the samples and the dropout
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// How often the images are gone through
    #[arg(long, default_value_t = 40, value_parser = count_in(1, 10_000))]
    epochs: usize,
}

type Images = Dataset<Image, [f32; CLASSES]>;

const BATCH: usize = 32;

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
    std::fs::create_dir_all(&arguments.output)?;
    let save = |name: &str, picture: plot::Picture| {
        picture.save(arguments.output.join(format!("{name}.svg")))?;
        picture.save(arguments.output.join(format!("{name}.png")))
    };
    let (images, digits) = digit_images::load()?;
    let (test, rest) = Images::from_labels(images, &digits)?.stratified_split(0.3, arguments.seed)?;
    let (valid, train) = rest.stratified_split(0.15, arguments.seed)?;

    let trainer = Trainer::builder().batch_size(BATCH).seed(arguments.seed).build()?;
    let curve = trainer.lr_find(&Digits::new(arguments.seed), &train).rates(1e-5..=10.0).run()?;
    let (rates, costs): (Vec<f64>, Vec<f64>) = curve.points().iter().map(|point| (point.rate, point.smoothed)).unzip();
    save("rate-range", plot::rate_range(&rates, &costs, curve.steepest())?)?;

    let builder = Trainer::builder().batch_size(BATCH).epochs(arguments.epochs).seed(arguments.seed);
    let steps = builder.steps(train.len());
    let cycle = OneCycle::new(0.01, steps);
    let others =
        (Cosine::new(0.01, steps), StepDecay::new(0.01, 0.5, steps / 5 + 1), CosineRestarts::new(0.01, steps / 4 + 1));
    let schedules: [(&str, &dyn Schedule); 4] =
        [("one cycle", &cycle), ("cosine", &others.0), ("step decay", &others.1), ("cosine with restarts", &others.2)];
    save("schedules", plot::schedules(&schedules, steps)?)?;

    let mut network = Digits::new(arguments.seed);
    let (mut rates, mut rankings) = (Vec::new(), Vec::new());
    let history = builder
        .schedule(cycle)
        .l2(1e-3)
        .gradient_norm(true)
        .build()?
        .run(&mut network, &train)?
        .validation(&valid)?
        .callback(Progress::stdout())
        .callback(CsvLog::file(arguments.output.join("epochs.csv")).overwrite(true))
        .callback(TensorBoard::folder(arguments.output.join("tensorboard/digits")).every_steps(10).overwrite(true))
        .on_epoch(|context| {
            rates.push(context.learning_rate());
            if [2, 5].contains(&context.epoch()) {
                let measured = Probabilities::evaluate(context.network(), &test)?;
                rankings.push((format!("after {} epochs", context.epoch()), measured.ranking(8)?));
            }
            Ok(Signal::Continue)
        })
        .finish()?;
    save("training", plot::training(&history, &rates)?)?;
    save("first-layer", plot::first_layer(&network, digit_images::SIDE, digit_images::SIDE)?)?;

    let confusion = ConfusionMatrix::evaluate(&network, &test)?;
    save("confusion", plot::confusion(&confusion, &[])?)?;
    let measured = Probabilities::evaluate(&network, &test)?;
    rankings.push((format!("after {} epochs", history.len()), measured.ranking(8)?));
    let named: Vec<(&str, &Ranking)> = rankings.iter().map(|(name, ranking)| (name.as_str(), ranking)).collect();
    save("roc", plot::roc(&named)?)?;
    let measured = measured.calibration_bins(10);
    save("reliability", plot::reliability(&measured.confidence_curve()?)?)?;

    let points = arms()?;
    let mut network = Arms::new(arguments.seed);
    let trainer = Trainer::builder().learning_rate(0.01).epochs(200).seed(arguments.seed).build()?;
    trainer.fit(&mut network, &points, None)?;
    save("surface", plot::decision_surface(&network, &points, &["first arm", "second arm", "third arm"])?)?;
    println!("test accuracy: {:.3}", confusion.accuracy());
    Ok(())
}

/// Points on three arms of a spiral, which are a little out of line.
fn arms() -> Result<Dataset<[f32; 2], [f32; 3]>, Error> {
    let (mut inputs, mut labels) = (Vec::new(), Vec::new());
    for index in 0..240 {
        let (arm, along) = (index % 3, 0.15 + 0.85 * (index / 3) as f32 / 79.0);
        let angle = std::f32::consts::TAU * (arm as f32 / 3.0 + 0.55 * along) + 0.17 * (index as f32 * 12.9898).sin();
        inputs.push([along * angle.cos(), along * angle.sin()]);
        labels.push(arm);
    }
    Dataset::from_labels(inputs, &labels)
}
