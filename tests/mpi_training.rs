//! One rank of those that tests/mpi_training.py starts: it trains on rows of its own, and one of them has something wrong.

use std::process::ExitCode;

use nn_train::Shard;
use nn_train::collective::{Collective, Mpi};
use nn_train::prelude::*;

/// What is wrong, and on which rank.
struct Wrong {
    what: String,
    rank: usize,
}

/// A rank's own rows of numbers and what is to be learned of them.
struct OwnRows {
    rank: usize,
    rows: u64,
    /// The row in whose midst there is a NaN.
    broken: Option<u64>,
}

const WIDTH: usize = 20;

impl Source for OwnRows {
    type Scalar = f32;

    fn len(&self) -> u64 {
        self.rows
    }

    fn input_width(&self) -> usize {
        WIDTH
    }

    fn target_width(&self) -> usize {
        1
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<f32>) -> Result<(), Error> {
        indices.iter().try_for_each(|&index| {
            let number = |k: usize| ((index as usize * 7 + self.rank * 31 + k * 3) as f32 * 0.61).sin();
            let mut input: [f32; WIDTH] = std::array::from_fn(number);
            let target = input.iter().sum::<f32>() / 4.0;
            if self.broken == Some(index) {
                input[5] = f32::NAN;
            }
            rows.push(&input, &[target])
        })
    }
}

fn main() -> ExitCode {
    let mpi = match Mpi::start() {
        Ok(mpi) => mpi,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut arguments = std::env::args().skip(1);
    let (what, rank) = (arguments.next().unwrap_or_default(), arguments.next().and_then(|rank| rank.parse().ok()));
    let Err(error) = train(&mpi, &Wrong { what, rank: rank.unwrap_or(0) }) else { return ExitCode::SUCCESS };
    // All ranks have the same.
    if mpi.rank() == 0 {
        eprintln!("error: {error}");
    }
    ExitCode::FAILURE
}

fn train(mpi: &Mpi, wrong: &Wrong) -> Result<(), Error> {
    let is = |what: &str| wrong.what == what && wrong.rank == mpi.rank();
    let own = OwnRows {
        rank: mpi.rank(),
        rows: if is("empty") { 0 } else { 700 + 150 * mpi.rank() as u64 },
        broken: is("nan").then_some(333),
    };
    if wrong.what == "resident_nan" {
        // Data in memory is checked where it is made.
        let broken = if is("resident_nan") { f32::NAN } else { 0.5 };
        let data = DynDataset::new(vec![0.0, 1.0, broken, 2.0], 1, vec![0.0_f32; 4], 1);
        nn_train::collective::agree(mpi, data)?;
    }
    let architecture = if is("declaration") {
        "20 => 65 tanh => 64 tanh => 1 linear, mse"
    } else {
        "20 => 64 tanh => 64 tanh => 1 linear, mse"
    };
    let mut network = DynNetwork::<f32>::new(architecture.parse()?, Init::default(), 7)?;
    let trainer = Trainer::builder()
        .learning_rate(if is("setting") { 0.002 } else { 0.001 })
        .batch_size(64)
        .epochs(3)
        .seed(7)
        .threads(1)
        .collective(mpi.clone())
        .build()?;
    let history = trainer.run(&mut network, &Shard::new(&own))?.finish()?;
    if mpi.rank() == 0 {
        println!("{} epochs of {} ranks", history.len(), mpi.size());
    }
    Ok(())
}
