//! How long a prediction takes: of one sample, and of a batch.
//!
//! `cargo bench -p nn-benches --bench latency` prints a line for each standard network and number of samples, on one thread and on
//! all cores. `benches/peers/latency.py` asks the same program beside other systems: with the argument `serve` and a number of
//! threads it reads lines `WORKLOAD ROWS SECONDS REPEATS`, times as many repeats of so many seconds, and answers each line with the
//! best and the median repeat's microseconds.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::io::stdin;
use std::process::ExitCode;
use std::thread::available_parallelism;
use std::time::Instant;

use nn_benches::{Samples, Workload};
use nn_train::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

type Failure = Box<dyn Error + Send + Sync>;

/// How long and how often.
#[derive(Clone, Copy)]
struct Extent {
    seconds: f64,
    repeats: usize,
}

const FULL: Extent = Extent { seconds: 0.1, repeats: 9 };
/// Enough to see that everything works.
const TEST: Extent = Extent { seconds: 1e-6, repeats: 1 };

/// What a prediction takes in the best and in the median repeat, in microseconds.
struct Latency {
    best: f64,
    median: f64,
}

/// The standard network of that name.
fn network(workload: &Workload) -> Result<DynNetwork<f32>, Failure> {
    let mut network = DynNetwork::zeros(workload.architecture.clone())?;
    network.parameters_mut().copy_from_slice(&workload.theta());
    Ok(network)
}

/// Predictions of `rows` samples by a predictor.
fn measure(pool: &ThreadPool, workload: &Workload, rows: usize, extent: Extent) -> Result<Latency, Failure> {
    let Samples { inputs, .. } = Workload { rows, ..workload.clone() }.samples::<f32>()?;
    let mut outputs = vec![0.0; rows * workload.architecture.outputs()];
    pool.install(|| {
        let mut predictor = network(workload)?.predictor(rows)?;
        let mut run = |count: usize| -> Result<f64, Failure> {
            let start = Instant::now();
            for _ in 0..count {
                if rows == 1 {
                    predictor.predict_into(black_box(&inputs), black_box(&mut outputs))?;
                } else {
                    predictor.predict_batch(black_box(&inputs), black_box(&mut outputs))?;
                }
            }
            Ok(start.elapsed().as_secs_f64() / count as f64)
        };
        // As many as fill the time; the first runs warm up.
        let mut count = 1;
        loop {
            let each = run(count)?;
            if each * count as f64 >= extent.seconds / 2.0 {
                count = ((extent.seconds / each) as usize).max(1);
                break;
            }
            count *= 2;
        }
        let mut found = (0..extent.repeats.max(1)).map(|_| run(count)).collect::<Result<Vec<_>, _>>()?;
        found.sort_by(f64::total_cmp);
        Ok(Latency { best: found[0] * 1e6, median: found[found.len() / 2] * 1e6 })
    })
}

/// Answers the lines of the standard input, after one that says which version this is.
fn serve(threads: usize) -> Result<(), Failure> {
    println!(r#"{{"version": "{}"}}"#, env!("CARGO_PKG_VERSION"));
    let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
    for line in stdin().lines() {
        let line = line?;
        let [name, rows, seconds, repeats] = line.split_whitespace().collect::<Vec<_>>()[..] else {
            return Err(format!("the line {line:?}; expected WORKLOAD ROWS SECONDS REPEATS").into());
        };
        let extent = Extent { seconds: seconds.parse()?, repeats: repeats.parse()? };
        let Latency { best, median } = measure(&pool, &name.parse()?, rows.parse()?, extent)?;
        println!(r#"{{"best_us": {best:.4}, "us": {median:.4}}}"#);
    }
    Ok(())
}

/// Every network with one sample, and with its batch.
fn table(extent: Extent) -> Result<(), Failure> {
    let cores = available_parallelism().map_or(1, usize::from);
    println!(
        "{:<14} {:>6} {:>7} {:>12} {:>12} {:>14}",
        "network", "rows", "threads", "best us", "median us", "samples/s"
    );
    for threads in if cores == 1 { vec![1] } else { vec![1, cores] } {
        let pool = ThreadPoolBuilder::new().num_threads(threads).build()?;
        let mut before = None;
        for workload in Workload::standard() {
            let single = before.replace(workload.architecture.clone()) != Some(workload.architecture.clone());
            for rows in if single { vec![1, workload.rows] } else { vec![workload.rows] } {
                let Latency { best, median } = measure(&pool, &workload, rows, extent)?;
                let (network, _) = workload.name.rsplit_once("-b").unwrap_or((&workload.name, ""));
                let speed = rows as f64 / median * 1e6;
                println!("{network:<14} {rows:>6} {threads:>7} {best:>12.2} {median:>12.2} {speed:>14.0}");
            }
        }
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let outcome = match &arguments[..] {
        [] => table(FULL),
        [test] if test == "--test" => table(TEST),
        [serve_, threads] if serve_ == "serve" => match threads.parse() {
            Ok(threads @ 1..) => serve(threads),
            _ => Err(format!("{threads:?} threads; expected a number of at least 1").into()),
        },
        _ => Err(format!("the arguments {arguments:?}; expected none, or `serve THREADS`").into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("latency: {error}");
            ExitCode::from(2)
        }
    }
}
