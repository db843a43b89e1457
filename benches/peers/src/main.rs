//! Times training steps of burn or candle for `compare.py`, in the manner of `peers.py`.
//!
//! `nn-peers PEER` says on its first line the peer's `version`. A line on stdin is a workload, and a line comes back for
//! each: `best_us_per_step` and `us_per_step`, or `error`.
//!
//! `nn-peers telling NAME ROWS FILE` writes a problem and what this library's step makes of it, for `peers.py` to check
//! itself: Θ, X, Y and Θ after one step, each as f32 in the machine's byte order.

use std::io::{self, BufRead, Write};
use std::process::ExitCode;

use nn_benches::{Target, Workload, hidden};
use nn_peers::{Failure, Peer, Problem, Step, timed, with_library};
use serde::Deserialize;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A line of stdin.
#[derive(Deserialize)]
struct Job {
    #[serde(flatten)]
    shape: Shape,
    #[serde(default = "five")]
    repeats: usize,
    #[serde(default = "seconds")]
    seconds: f64,
}

#[derive(Deserialize, PartialEq)]
struct Shape {
    sizes: Vec<usize>,
    activation: String,
    loss: String,
    batch: usize,
}

fn five() -> usize {
    5
}

fn seconds() -> f64 {
    0.4
}

impl Shape {
    fn problem(&self) -> Result<Problem, Failure> {
        // A network without hidden layers has no activation to name.
        let activation = if self.sizes.len() > 2 { &self.activation } else { "relu" };
        let target: Target = self.loss.parse()?;
        Ok(Problem::new(Workload::new(&self.sizes, hidden(activation)?, target, self.batch)?)?)
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["telling", name, rows, file] => telling(name, rows, file),
        [name] if let Some(peer) = Peer::ALL.into_iter().find(|peer| peer.name() == name) => answer(peer),
        _ => {
            eprintln!("usage: nn-peers burn|candle, or nn-peers telling WORKLOAD ROWS FILE");
            return ExitCode::from(2);
        }
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn answer(peer: Peer) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    writeln!(out, "{}", json!({ "version": version(peer) }))?;
    out.flush()?;
    let mut last: Option<(Shape, Box<dyn Step>)> = None;
    for line in io::stdin().lock().lines() {
        let line = line?;
        writeln!(out, "{}", timing(peer, &line, &mut last).unwrap_or_else(|e| json!({ "error": e.to_string() })))?;
        out.flush()?;
    }
    Ok(())
}

/// The answer to a job. A shape that is asked for again is not set up anew.
fn timing(peer: Peer, line: &str, last: &mut Option<(Shape, Box<dyn Step>)>) -> Result<Value, Failure> {
    let Job { shape, repeats, seconds } = serde_json::from_str(line)?;
    if last.as_ref().is_none_or(|(known, _)| *known != shape) {
        *last = None;
        let problem = shape.problem()?;
        *last = Some((shape, peer.prepare(&problem)?));
    }
    let Some((_, system)) = last else { return Err("no system".into()) };
    let found = timed(&mut **system, repeats, seconds)?;
    Ok(json!({ "best_us_per_step": 1e6 * found.best, "us_per_step": 1e6 * found.median }))
}

/// The peer's version, out of this package's lock file.
fn version(peer: Peer) -> &'static str {
    let package = match peer {
        Peer::Burn => "name = \"burn\"\nversion = \"",
        Peer::Candle => "name = \"candle-core\"\nversion = \"",
    };
    let version = include_str!("../Cargo.lock").split_once(package).and_then(|(_, rest)| rest.split_once('"'));
    version.map_or("", |(version, _)| version)
}

fn telling(name: &str, rows: &str, file: &str) -> Result<(), Failure> {
    let workload = name.parse::<Workload>()?.with_at_most(rows.parse()?);
    let problem = Problem::telling(workload)?;
    let after = with_library(&problem, 1, |library| {
        library.step()?;
        library.theta()
    })??;
    let mut out = io::BufWriter::new(std::fs::File::create(file)?);
    for numbers in [&problem.theta, &problem.samples.inputs, &problem.samples.targets, &after] {
        for number in numbers {
            out.write_all(&number.to_ne_bytes())?;
        }
    }
    Ok(out.flush()?)
}
