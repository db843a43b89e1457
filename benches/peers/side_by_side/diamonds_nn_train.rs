//! Prices of diamonds with nn-train.

use std::{env, error::Error, fs, time::Instant};

use nn_train::prelude::*;

network! { struct Price<9 => 64 relu => 32 relu => 1 linear>; }

const CUTS: [&str; 5] = ["Fair", "Good", "Very Good", "Premium", "Ideal"];
const COLORS: [&str; 7] = ["J", "I", "H", "G", "F", "E", "D"];
const CLARITIES: [&str; 8] = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"];

/// A line of the file: carat, cut, colour, clarity, depth, table, price, x, y, z.
type Diamond = (f32, String, String, String, f32, f32, f32, f32, f32, f32);

/// A grade as its place among all, the worst first.
fn place(grades: &[&str], name: &str) -> Result<f32, String> {
    let place = grades.iter().position(|grade| *grade == name);
    Ok(place.ok_or_else(|| format!("there is no grade {name}"))? as f32)
}

fn main() -> Result<(), Box<dyn Error>> {
    let seed = env::args().nth(1).ok_or("usage: SEED")?.parse()?;

    let (mut diamonds, mut prices) = (Vec::new(), Vec::new());
    for row in csv::Reader::from_path("diamonds.csv")?.deserialize::<Diamond>() {
        let (carat, cut, color, clarity, depth, table, price, x, y, z) = row?;
        let cut = place(&CUTS, &cut)?;
        let color = place(&COLORS, &color)?;
        let clarity = place(&CLARITIES, &clarity)?;
        diamonds.push([carat, cut, color, clarity, depth, table, x, y, z]);
        prices.push([price]);
    }
    let (test, rest) = Dataset::new(diamonds, prices)?.split(0.2, seed)?;
    let (valid, train) = rest.split(0.1, seed)?;
    let inputs = Standardizer::fit(train.inputs())?;
    let prices = Standardizer::fit(train.targets())?;
    let scaled = |part: &Dataset<_, _>| {
        part.standardized_by(&inputs)?
            .targets_standardized_by(&prices)
    };
    let (train, valid) = (scaled(&train)?, scaled(&valid)?);

    let mut network = Price::new(seed);
    let trainer = Trainer::builder().batch_size(32).epochs(100).seed(seed);
    let steps = trainer.steps(train.len());
    let rate = Cosine::new(0.003, steps - steps / 20).warm_up(steps / 20);
    let trainer = trainer.optimizer(Adam::default()).schedule(rate).build()?;
    let stopping = EarlyStopping::new(Monitor::ValidationCost).patience(10);
    let start = Instant::now();
    let run = trainer.run(&mut network, &train)?.validation(&valid)?;
    let history = run.callback(stopping).finish()?;
    let seconds = start.elapsed().as_secs_f64();

    let Regression { r2, .. } = Regression::evaluate(&network, &scaled(&test)?)?;
    let epochs = history.len();
    println!("{epochs} epochs in {seconds:.3} s, test R² {r2:.4}");

    let model = serde_json::to_vec(&(network, inputs, prices))?;
    fs::write("diamonds.json", model)?;
    let model: (Price, Standardizer, Standardizer) =
        serde_json::from_slice(&fs::read("diamonds.json")?)?;
    let (network, inputs, prices) = model;
    let [price] = prices.invert(&network.predict(&inputs.apply(&test.inputs()[0])?))?;
    let [dollars] = test.targets()[0];
    println!("diamonds.json: a diamond of {dollars} dollars is given {price:.0}");
    Ok(())
}
