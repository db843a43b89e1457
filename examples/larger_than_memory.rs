//! Training on a file that is larger than the memory allowed: it is written row by row, and read block by block.
//!
//! The peak memory that it prints is that of the whole program. On Linux it also runs where the system allows less memory
//! than the file has bytes: `ulimit -v 400000` before it, for the defaults.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use nn_examples::arguments::count_in;
use nn_train::prelude::*;
use nn_train::records;

/// Numbers of an input.
const INPUTS: usize = 28;

network! {
    /// From the inputs to what they make together.
    pub struct Waves<28 => 64 relu => 64 relu => 1 linear>;
}

/// Write a file of records, and train on it within less memory than it has bytes
#[derive(Parser)]
struct Arguments {
    /// The file, removed at the end [default: one in the folder for temporary files]
    #[arg(long)]
    file: Option<PathBuf>,
    /// Records of the file, 116 bytes each
    #[arg(long, default_value_t = 5_000_000, value_parser = count_in(1, 1_000_000_000))]
    rows: usize,
    /// Mebibytes of memory that reading may take
    #[arg(long, default_value_t = 64, value_parser = count_in(1, 1_000_000))]
    memory: usize,
    /// How often the file is gone through
    #[arg(long, default_value_t = 1, value_parser = count_in(1, 10_000))]
    epochs: usize,
    /// Threads to train on [default: all cores]
    #[arg(long, value_parser = count_in(1, 1024))]
    threads: Option<usize>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let temporary = || std::env::temp_dir().join(format!("larger-than-memory-{}.nnr", std::process::id()));
    let file = arguments.file.clone().unwrap_or_else(temporary);
    let trained = run(&arguments, &file);
    let _ = fs::remove_file(&file);
    match trained {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments, file: &Path) -> Result<(), Box<dyn std::error::Error>> {
    // Rows are made as they are written: no more than a block of them is in memory. They could come from a data base as well.
    let rows = arguments.rows as u64;
    let source = Stream::new(rows, INPUTS, 1, || (0..rows).map(row));
    let start = Instant::now();
    records::convert(&source, file, |_| ())?;
    let megabytes = fs::metadata(file)?.len() as f64 / 1e6;
    println!("{megabytes:.0} MB written in {:.1} s", start.elapsed().as_secs_f64());

    let data = Records::<f32>::open_within(file, (arguments.memory as u64) << 20)?;
    println!(
        "read within {} MiB: {} blocks of {} records in a window",
        arguments.memory,
        data.window(),
        data.block_records()
    );
    let mut trainer = Trainer::builder().batch_size(1024).epochs(arguments.epochs).seed(1);
    if let Some(threads) = arguments.threads {
        trainer = trainer.threads(threads);
    }
    let mut network = Waves::new(1);
    let trainer = trainer.build()?;
    for epoch in trainer.run(&mut network, &data)? {
        println!("{}", epoch?);
    }
    if let Some(peak) = peak_memory() {
        println!("peak memory: {:.0} MB", peak as f64 / 1e6);
    }
    Ok(())
}

/// An input of numbers between -1 and 1, all different, and what the network is to learn of them.
fn row(number: u64) -> ([f32; INPUTS], [f32; 1]) {
    let mut state = number;
    let input: [f32; INPUTS] = std::array::from_fn(|_| {
        // SplitMix64 (Steele, Lea and Flood, 2014).
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    });
    let target = (3.0 * input[0]).sin() + input[1] * input[2] + 0.5 * input[3];
    (input, [target])
}

/// The most bytes of memory that this program has had, where the system tells.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(peak.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}
