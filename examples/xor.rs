//! XOR: the smallest task that one layer cannot learn and two can, with a picture of what was learnt.

use std::process::ExitCode;

use clap::Parser;
use nn_examples::arguments::{count_in, number_in};
use nn_train::Progress;
use nn_train::prelude::*;

network! {
    /// Two inputs, a few bent planes, and the probability of "one of them, not both".
    pub struct Xor<2 => 6 tanh => 1>;
}

/// Learn XOR and draw the decision surface
#[derive(Parser)]
struct Arguments {
    /// Seed of the initial parameters
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Epochs, each one step on the four samples
    #[arg(long, default_value_t = 500, value_parser = count_in(1, 1_000_000))]
    epochs: usize,
    /// Learning rate of Adam
    #[arg(long, default_value_t = 0.05, value_parser = number_in(f64::MIN_POSITIVE.., "a finite number > 0"), allow_negative_numbers = true)]
    learning_rate: f64,
}

const CORNERS: [[f32; 2]; 4] = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
const XOR: [[f32; 1]; 4] = [[0.0], [1.0], [1.0], [0.0]];

/// The plot's size in characters, and the part of the plane that it shows.
const COLUMNS: usize = 61;
const ROWS: usize = 25;
const FROM: f32 = -0.5;
const TO: f32 = 1.5;
/// From "surely not" to "surely".
const SHADES: [char; 8] = [' ', '.', ':', '-', '=', '+', '*', '#'];

fn main() -> ExitCode {
    match learn(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => {
            eprintln!("error: XOR was not learnt; try more epochs or another seed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Trains and draws; whether all four answers are right.
fn learn(arguments: &Arguments) -> Result<bool, Box<dyn std::error::Error>> {
    let samples = Dataset::new(CORNERS.to_vec(), XOR.to_vec())?;
    let mut network = Xor::new(arguments.seed);
    let trainer = Trainer::builder()
        .optimizer(Adam::default())
        .learning_rate(arguments.learning_rate)
        .batch_size(CORNERS.len())
        .epochs(arguments.epochs)
        .seed(arguments.seed)
        .build()?;

    println!("{}: {} parameters, seed {}\n", Xor::ARCHITECTURE, Xor::PARAMS, arguments.seed);
    let progress = Progress::stdout().every_epochs(arguments.epochs.div_ceil(10));
    trainer.run(&mut network, &samples)?.callback(progress).finish()?;

    println!();
    draw(&network);
    println!("\n   x₁  x₂   XOR   the network's answer");
    let mut learnt = true;
    for (corner, target) in CORNERS.iter().zip(XOR) {
        let [answer] = network.predict(corner);
        // A NaN is no answer, and fails here.
        let right = (answer - target[0]).abs() < 0.5;
        learnt &= right;
        println!("   {}   {}     {}    {answer:.4} {}", corner[0], corner[1], target[0], if right { "✓" } else { "✗" });
    }
    Ok(learnt)
}

/// The network's answer over a part of the plane: the darker, the surer of a 1. The four samples stand in brackets.
fn draw(network: &Xor) {
    let place = |index: usize, count: usize| FROM + (TO - FROM) * index as f32 / (count - 1) as f32;
    let index = |place: f32, count: usize| ((place - FROM) / (TO - FROM) * (count - 1) as f32).round() as usize;
    println!("    x₂ {:width$}   answer", "", width = COLUMNS - 3);
    for row in (0..ROWS).rev() {
        let shade = |column: usize| {
            let [answer] = network.predict(&[place(column, COLUMNS), place(row, ROWS)]);
            SHADES[((answer * SHADES.len() as f32) as usize).min(SHADES.len() - 1)]
        };
        let mut line: Vec<char> = (0..COLUMNS).map(shade).collect();
        for (corner, target) in CORNERS.iter().zip(XOR) {
            if index(corner[1], ROWS) == row {
                let column = index(corner[0], COLUMNS);
                line[column - 1] = '[';
                line[column] = if target[0] > 0.5 { '1' } else { '0' };
                line[column + 1] = ']';
            }
        }
        let label = match row {
            _ if row == index(0.0, ROWS) => "0",
            _ if row == index(1.0, ROWS) => "1",
            _ => "",
        };
        // The legend stands beside the topmost rows.
        let legend = match ROWS - 1 - row {
            step if step < SHADES.len() => {
                let shade = SHADES.len() - 1 - step;
                format!("   {} {:.3} to {:.3}", SHADES[shade], shade as f32 / 8.0, (shade + 1) as f32 / 8.0)
            }
            _ => String::new(),
        };
        println!("  {label:>2} │{}│{legend}", line.into_iter().collect::<String>());
    }
    let mut axis = [' '; COLUMNS];
    axis[index(0.0, COLUMNS)] = '0';
    axis[index(1.0, COLUMNS)] = '1';
    println!("     └{}┘", "─".repeat(COLUMNS));
    println!("      {} x₁", axis.iter().collect::<String>());
}
