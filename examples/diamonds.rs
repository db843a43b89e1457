//! What a diamond costs: regression, from a CSV file to a model in a file.
//!
//! Inputs and targets are standardised, and the two standardizers go into the file with the network, so that whoever loads
//! it puts in carats and gets out dollars. The network that is kept is the one that validates best.

use std::{env, error::Error, fs, process::ExitCode};

use nn_train::prelude::*;
use serde::{Deserialize, Serialize};

network! { pub struct Price<9 => 64 relu => 32 relu => 1 linear>; }

/// A line of the file: carat, cut, colour, clarity, depth, table, price, x, y, z.
type Diamond = (f32, Cut, Color, Clarity, f32, f32, f32, f32, f32, f32);

// Grades in their order, the worst first: each enters as its place. Any other name is an error that says in which line.
#[rustfmt::skip] #[derive(Deserialize)]
enum Cut { Fair, Good, #[serde(rename = "Very Good")] VeryGood, Premium, Ideal }
#[rustfmt::skip] #[derive(Deserialize)]
enum Color { J, I, H, G, F, E, D }
#[rustfmt::skip] #[derive(Deserialize)]
enum Clarity { I1, SI2, SI1, VS2, VS1, VVS2, VVS1, IF }

/// All that a price takes.
#[derive(Serialize, Deserialize)]
struct Model {
    network: Price,
    inputs: Standardizer,
    prices: Standardizer,
}

/// The nine properties of a diamond, and its price in dollars.
fn sample((carat, cut, color, clarity, depth, table, price, x, y, z): Diamond) -> ([f32; 9], [f32; 1]) {
    ([carat, f32::from(cut as u8), f32::from(color as u8), f32::from(clarity as u8), depth, table, x, y, z], [price])
}

fn run() -> Result<(), Box<dyn Error>> {
    // data/README.md says where the file comes from.
    let mut file = csv::Reader::from_reader(include_str!("data/diamonds.csv").as_bytes());
    let samples = file.deserialize().map(|diamond| diamond.map(sample));
    let (inputs, prices) = samples.collect::<Result<(Vec<_>, Vec<_>), _>>()?;
    let (test, rest) = Dataset::new(inputs, prices)?.split(0.2, 1)?;
    let (valid, train) = rest.split(0.1, 1)?;
    // Standardised by what the part to train on is like, and nothing else.
    let (inputs, prices) = (Standardizer::fit(train.inputs())?, Standardizer::fit(train.targets())?);
    let train = train.standardized_by(&inputs)?.targets_standardized_by(&prices)?;
    let valid = valid.standardized_by(&inputs)?.targets_standardized_by(&prices)?;

    // Numbers chosen by the validation cost. The learning rate goes down to 0 in a straight line.
    let (epochs, batch_size) = (100, 32);
    let steps = (epochs * train.len().div_ceil(batch_size)) as f64;
    let trainer = Trainer::builder().schedule(move |step| 0.003 * (1.0 - step as f64 / steps));
    let trainer = trainer.l2(0.03).batch_size(batch_size).epochs(epochs).build()?;
    let mut network = Price::new(1);
    let mut model = Model { network: network.clone(), inputs, prices };
    let run = trainer.run(&mut network, &train)?.validation(&valid)?.on_epoch(|context| {
        if context.history().best() == context.last_epoch() {
            model.network.clone_from(context.network());
        }
        Ok(Signal::Continue)
    });
    run.finish()?.best().into_iter().for_each(|epoch| println!("best {epoch}"));

    let path = env::temp_dir().join("diamonds.json");
    fs::write(&path, serde_json::to_vec(&model)?).map_err(|error| format!("{}: {error}", path.display()))?;
    let model: Model = serde_json::from_slice(&fs::read(&path)?)?;

    let [price] = model.prices.invert(&model.network.predict(&model.inputs.apply(&test.inputs()[0])?))?;
    println!("{}: a diamond of {} dollars is given {price:.0}", path.display(), test.targets()[0][0]);
    let test = test.standardized_by(&model.inputs)?.targets_standardized_by(&model.prices)?;
    let Regression { rmse, r2, .. } = Regression::evaluate(&model.network, &test)?;
    println!("{} test diamonds: RMSE {rmse:.0} dollars, R² {r2:.4}", test.len());
    Ok(())
}

fn main() -> ExitCode {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
