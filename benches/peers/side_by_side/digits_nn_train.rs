//! Hand-written digits with nn-train.

use std::{env, error::Error, fs, time::Instant};

use nn_train::metrics::accuracy;
use nn_train::prelude::*;

network! { struct Digits<64 => 128 relu => 64 relu => 10 softmax>; }

fn main() -> Result<(), Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("usage: SEED")?.parse()?;

    let images = Table::from_csv("digits.csv")?;
    let (test, rest) = images.stratified_split("digit", 0.2, seed)?;
    let (valid, train) = rest.stratified_split("digit", 0.1, seed)?;
    let preprocess = Preprocess::for_target("digit").classes().fit(&train)?;

    let mut network = Digits::new(seed);
    let train = preprocess.dataset_for(&network, &train)?;
    let valid = preprocess.dataset_for(&network, &valid)?;
    let trainer = Trainer::builder().batch_size(32).epochs(100).seed(seed);
    let steps = trainer.steps(train.len());
    let rate = Cosine::new(0.002, steps - steps / 20).warm_up(steps / 20);
    let trainer = trainer.optimizer(Adam::default()).schedule(rate).build()?;
    let stopping = EarlyStopping::new(Monitor::ValidationCost).patience(10);
    let start = Instant::now();
    let run = trainer.run(&mut network, &train)?.validation(&valid)?;
    let history = run.callback(stopping).finish()?;
    let seconds = start.elapsed().as_secs_f64();

    let accuracy = accuracy(&network, &preprocess.dataset_for(&network, &test)?)?;
    let epochs = history.len();
    println!("{epochs} epochs in {seconds:.3} s, test accuracy {accuracy:.4}");

    fs::write("digits.json", serde_json::to_vec(&(network, preprocess))?)?;
    let (network, preprocess): (Digits, Preprocess) =
        serde_json::from_slice(&fs::read("digits.json")?)?;
    let read = preprocess.predict(&network, &test.head(1))?;
    let (wanted, digit) = (test.numbers("digit")?[0], read.labels()[0]);
    println!("digits.json: an image of {wanted} is read as {digit}");
    Ok(())
}
