//! Prices of diamonds with nn-train.

use std::{env, error::Error, fs, time::Instant};

use nn_train::prelude::*;

network! { struct Price<9 => 64 relu => 32 relu => 1 linear>; }

const CUTS: [&str; 5] = ["Fair", "Good", "Very Good", "Premium", "Ideal"];
const COLORS: [&str; 7] = ["J", "I", "H", "G", "F", "E", "D"];
const CLARITIES: [&str; 8] = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"];

fn main() -> Result<(), Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("usage: SEED")?.parse()?;

    let (test, rest) = Table::from_csv("diamonds.csv")?.split(0.2, seed)?;
    let (valid, train) = rest.split(0.1, seed)?;
    let preprocess = Preprocess::for_target("price")
        .ordinal("cut", CUTS)
        .ordinal("color", COLORS)
        .ordinal("clarity", CLARITIES)
        .fit(&train)?;

    let mut network = Price::new(seed);
    let train = preprocess.dataset_for(&network, &train)?;
    let valid = preprocess.dataset_for(&network, &valid)?;
    let trainer = Trainer::builder().batch_size(32).epochs(100).seed(seed);
    let steps = trainer.steps(train.len());
    let rate = Cosine::new(0.003, steps - steps / 20).warm_up(steps / 20);
    let trainer = trainer.optimizer(Adam::default()).schedule(rate).build()?;
    let stopping = EarlyStopping::new(Monitor::ValidationCost).patience(10);
    let start = Instant::now();
    let run = trainer.run(&mut network, &train)?.validation(&valid)?;
    let history = run.callback(stopping).finish()?;
    let seconds = start.elapsed().as_secs_f64();

    let test_data = preprocess.dataset_for(&network, &test)?;
    let Regression { r2, .. } = Regression::evaluate(&network, &test_data)?;
    let epochs = history.len();
    println!("{epochs} epochs in {seconds:.3} s, test R² {r2:.4}");

    fs::write("diamonds.json", serde_json::to_vec(&(network, preprocess))?)?;
    let (network, preprocess): (Price, Preprocess) =
        serde_json::from_slice(&fs::read("diamonds.json")?)?;
    let price = preprocess.predict(&network, &test.head(1))?.values()[0];
    let dollars = test.numbers("price")?[0];
    println!("diamonds.json: a diamond of {dollars} dollars is given {price:.0}");
    Ok(())
}
