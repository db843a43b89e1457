//! Hand-written digits with nn-train.

use std::{env, error::Error, fs, time::Instant};

use nn_train::metrics::{accuracy, predicted_class};
use nn_train::prelude::*;

network! { struct Digits<64 => 128 relu => 64 relu => 10 softmax>; }

fn main() -> Result<(), Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("usage: SEED")?.parse()?;

    let (mut images, mut digits) = (Vec::new(), Vec::new());
    for row in csv::Reader::from_path("digits.csv")?.deserialize::<Vec<f32>>() {
        let row = row?;
        images.push(row[..64].try_into()?);
        digits.push(row[64] as usize);
    }
    let (test, rest) = Dataset::from_labels(images, &digits)?.stratified_split(0.2, seed)?;
    let (valid, train) = rest.stratified_split(0.1, seed)?;
    let scale = Standardizer::fit(train.inputs())?;
    let train = train.standardized_by(&scale)?;
    let valid = valid.standardized_by(&scale)?;

    let mut network = Digits::new(seed);
    let trainer = Trainer::builder().batch_size(32).epochs(100).seed(seed);
    let steps = trainer.steps(train.len());
    let rate = Cosine::new(0.002, steps - steps / 20).warm_up(steps / 20);
    let trainer = trainer.optimizer(Adam::default()).schedule(rate).build()?;
    let stopping = EarlyStopping::new(Monitor::ValidationCost).patience(10);
    let start = Instant::now();
    let run = trainer.run(&mut network, &train)?.validation(&valid)?;
    let history = run.callback(stopping).finish()?;
    let seconds = start.elapsed().as_secs_f64();

    let accuracy = accuracy(&network, &test.standardized_by(&scale)?)?;
    let epochs = history.len();
    println!("{epochs} epochs in {seconds:.3} s, test accuracy {accuracy:.4}");

    fs::write("digits.json", serde_json::to_vec(&(network, scale))?)?;
    let (network, scale): (Digits, Standardizer) =
        serde_json::from_slice(&fs::read("digits.json")?)?;
    let digit = predicted_class(&network.predict(&scale.apply(&test.inputs()[0])?))?;
    let wanted = predicted_class(&test.targets()[0])?;
    println!("digits.json: an image of {wanted} is read as {digit}");
    Ok(())
}
