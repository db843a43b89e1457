//! How fast tables are read from CSV files, beside the crate csv alone.
//!
//! `cargo bench -p nn-benches --bench tables` prints a table of MB/s of one core: for each kind of file the crate csv going
//! through its records, the same with each field parsed by `str::parse`, and [`Table`] with the kinds of its columns found
//! out. The best of several rounds counts, in which the ways have their turns.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::Instant;

use csv::{ByteRecord, ReaderBuilder};
use nn_train::table::{Csv, Table};

const COLUMNS: usize = 20;

/// A kind of file: what stands in row `row` and column `column`, for a random number in [0, 1).
struct File {
    name: &'static str,
    field: fn(column: usize, random: f64) -> String,
}

const FILES: [File; 5] = [
    File { name: "whole numbers of 1 to 3 digits", field: |_, random| format!("{:.0}", random * 999.0) },
    File { name: "2 decimals", field: |_, random| format!("{:.2}", random * 200.0 - 100.0) },
    File { name: "15 decimals", field: |_, random| format!("{:.15}", random * 200.0 - 100.0) },
    File { name: "2 decimals, in quotes", field: |_, random| format!("\"{:.2}\"", random * 200.0 - 100.0) },
    File {
        name: "2 decimals, a quarter text",
        field: |column, random| match column % 4 {
            0 => format!("category {:.0}", random * 20.0),
            _ => format!("{:.2}", random * 200.0 - 100.0),
        },
    },
];

/// A file of about so many bytes.
fn text(file: &File, bytes: usize) -> String {
    let mut state = 1_u64;
    let mut text = (0..COLUMNS).map(|column| format!("c{column}")).collect::<Vec<_>>().join(",");
    while text.len() < bytes {
        for column in 0..COLUMNS {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let field = (file.field)(column, (state >> 11) as f64 / (1_u64 << 53) as f64);
            let _ = write!(text, "{}{field}", if column == 0 { "\n" } else { "," });
        }
    }
    text
}

/// The crate csv, with `each` for every field.
fn records(text: &str, mut each: impl FnMut(&[u8])) -> Result<(), Box<dyn Error>> {
    let mut reader = ReaderBuilder::new().from_reader(text.as_bytes());
    let mut record = ByteRecord::new();
    while reader.read_byte_record(&mut record)? {
        record.iter().for_each(&mut each);
    }
    Ok(())
}

fn alone(text: &str) -> Result<(), Box<dyn Error>> {
    let mut fields = 0_usize;
    records(text, |field| fields += field.len())?;
    black_box(fields);
    Ok(())
}

fn parsed(text: &str) -> Result<(), Box<dyn Error>> {
    let mut numbers: Vec<f64> = Vec::new();
    records(text, |field| {
        numbers.push(std::str::from_utf8(field).ok().and_then(|field| field.parse().ok()).unwrap_or(f64::NAN));
    })?;
    black_box(numbers);
    Ok(())
}

fn table(text: &str) -> Result<(), Box<dyn Error>> {
    let table: Table = Csv::new().read_bytes(text.as_bytes())?;
    black_box(table);
    Ok(())
}

type Way = fn(&str) -> Result<(), Box<dyn Error>>;
const WAYS: [(&str, Way); 3] = [("csv alone", alone), ("csv and parse", parsed), ("Table", table)];

fn run() -> Result<(), Box<dyn Error>> {
    let (bytes, rounds) = if env::args().any(|argument| argument == "--test") { (100_000, 1) } else { (50_000_000, 7) };
    print!("{:32}", "MB/s");
    WAYS.iter().for_each(|(name, _)| print!("{name:>15}"));
    println!();
    for file in &FILES {
        let text = text(file, bytes);
        let mut best = [f64::INFINITY; WAYS.len()];
        for _ in 0..rounds {
            for ((_, way), best) in WAYS.iter().zip(&mut best) {
                let start = Instant::now();
                way(&text)?;
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        print!("{:32}", file.name);
        best.iter().for_each(|seconds| print!("{:15.0}", text.len() as f64 / 1e6 / seconds));
        println!();
    }
    Ok(())
}

fn main() -> ExitCode {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
