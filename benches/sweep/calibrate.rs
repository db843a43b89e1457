//! The plan's estimates against what steps take, and prices that would fit better.
//!
//! `cargo bench -p nn-benches --bench calibrate` times full steps of some hundred shapes in every engine on one thread, in
//! the instruction set that `NN_ISA` forces or else the widest, and prints
//!
//! - how the estimates of each engine compare with what was measured;
//! - the worst choices: steps of the engine that the plan picks against the fastest engine;
//! - prices fitted to these measurements as `nn-kernels/src/step/plan/costs.rs` keeps them, and the same two tables
//!   for them.
//!
//! After `--` it takes `--f64`, and `--times FILE`: measured times are kept in that file, and read from it if it is
//! there, so that a change of what is counted wants no new measurement.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

mod fit;
mod measure;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use std::{env, fs};

use nn_kernels::{
    Activation, Architecture, ArchitectureError, Element, EngineKind, InstructionSet, Layer, Loss, Plan, PlanOptions,
    Share,
};

use self::fit::fit;
use self::measure::{Samples, cpu, pools, seconds_per_step};

/// The engines that a plan estimates.
const ESTIMATED: [EngineKind; 3] = [EngineKind::Narrow, EngineKind::Tile, EngineKind::Blocked];
/// A choice this much slower than the best engine is a wrong one.
const WRONG: f64 = 1.15;
/// A choice this much slower is as good as the best.
const CLOSE: f64 = 1.05;
/// An engine so many times slower than the best is out of the question.
const FAR: f64 = 2.0;
/// Arithmetic that a step of the calibration may have.
const MAX_FLOPS: f64 = 2e9;
const VISIT: Duration = Duration::from_millis(2);
const PASSES: usize = 4;

/// Shapes of every sort: even and odd, thin and wide, lopsided, deep, with outputs of 1.
const SHAPES: &[&[usize]] = &[
    &[1, 1],
    &[1, 100, 1],
    &[1, 1000, 1],
    &[2, 4, 4, 4],
    &[2, 32, 32, 1],
    &[3, 5, 1],
    &[3, 64, 3],
    &[4, 8, 1],
    &[5, 5, 5, 5, 5, 5],
    &[7, 23, 41, 2],
    &[8, 8, 8, 8, 8, 8, 8, 8, 8, 8],
    &[8, 12, 12, 2],
    &[8, 64, 64, 4],
    &[8, 300, 300, 2],
    &[10, 10, 10, 10],
    &[10, 64, 64, 1],
    &[10, 100, 3],
    &[12, 12, 12],
    &[13, 100, 27],
    &[14, 14, 1],
    &[16, 16, 16],
    &[16, 16, 16, 16, 1],
    &[17, 17, 17, 17],
    &[20, 20, 1],
    &[20, 64, 3],
    &[24, 24, 24],
    &[30, 2],
    &[32, 32, 32, 8],
    &[32, 64, 64, 64, 1],
    &[33, 33, 33, 33],
    &[33, 65, 129, 17],
    &[40, 40, 40],
    &[48, 48, 48],
    &[50, 2000, 50],
    &[60, 3, 60],
    &[64, 10],
    &[64, 16, 1],
    &[64, 32, 10],
    &[64, 64, 64],
    &[64, 128, 128, 8],
    &[65, 65, 65],
    &[80, 80, 80, 1],
    &[100, 17, 100],
    &[120, 120, 120],
    &[150, 150, 1],
    &[200, 200, 200],
    &[256, 256, 256, 256],
    &[300, 3, 300],
    &[300, 300, 300, 1],
    &[500, 1],
    &[512, 512, 10],
    &[700, 700, 700],
    &[784, 10],
    &[784, 128, 10],
    &[784, 256, 128, 10],
    &[1024, 1024, 10],
    &[2048, 256, 10],
];
const BATCHES: &[usize] = &[1, 4, 16, 32, 64, 128, 1024, 8192];

/// A step of a shape.
struct Problem {
    name: String,
    architecture: Architecture,
    rows: usize,
}

fn problems(test: bool) -> Result<Vec<Problem>, ArchitectureError> {
    let mut problems = Vec::new();
    for shape in SHAPES.iter().step_by(if test { 12 } else { 1 }) {
        for activation in [Activation::Relu, Activation::Sigmoid] {
            for &rows in if test { &[4, 128] } else { BATCHES } {
                let last = shape.len() - 2;
                let layers = shape.windows(2).enumerate().map(|(l, widths)| {
                    let g = if l == last { Activation::Sigmoid } else { activation };
                    Layer::new(widths[0], widths[1], g)
                });
                let architecture = Architecture::new(layers.collect(), Loss::CrossEntropy)?;
                // Without a hidden layer there is but one activation.
                if architecture.step_flops(rows) > MAX_FLOPS || last == 0 && activation == Activation::Relu {
                    continue;
                }
                let widths: Vec<String> = shape.iter().map(ToString::to_string).collect();
                problems.push(Problem {
                    name: format!("{} {activation} {rows}", widths.join("-")),
                    architecture,
                    rows,
                });
            }
        }
    }
    Ok(problems)
}

/// One engine's step: what the plan counts and what was measured.
struct Measured {
    problem: String,
    engine: EngineKind,
    shares: Vec<Share>,
    nanoseconds: f64,
}

impl Measured {
    /// What the step is estimated to take at these prices, or at the plan's own.
    fn estimate(&self, costs: Option<&BTreeMap<EngineName, Vec<f64>>>) -> f64 {
        match costs.and_then(|costs| costs.get(self.engine.name())) {
            Some(costs) => self.shares.iter().zip(costs).map(|(share, each)| share.count * each).sum(),
            None => self.shares.iter().map(Share::nanoseconds).sum(),
        }
    }
}

type EngineName = &'static str;
/// Nanoseconds by problem and engine.
type Times = BTreeMap<String, f64>;

fn key(problem: &str, engine: EngineKind) -> String {
    format!("{problem} {engine}")
}

fn measure<T: Element>(problems: &[Problem], passes: usize) -> Result<Times, Box<dyn Error>> {
    let pools = pools(&[1])?;
    let most = |of: fn(&Problem) -> usize| problems.iter().map(of).max().unwrap_or(0);
    let samples = Samples::<T>::new(
        most(|problem| problem.rows * problem.architecture.inputs()),
        most(|problem| problem.rows * problem.architecture.outputs()),
    );
    let (start, mut times) = (Instant::now(), Times::new());
    for pass in 0..passes {
        for Problem { name, architecture, rows } in problems {
            for engine in ESTIMATED {
                let options = PlanOptions::default().engine(engine);
                // An engine that does not suit has no time.
                let Ok(mut plan) = Plan::<T>::new(architecture, *rows, 1, &options) else { continue };
                let nanoseconds = 1e9 * seconds_per_step(&mut plan, &samples, *rows, &pools[0], VISIT)?;
                let best = times.entry(key(name, engine)).or_insert(f64::INFINITY);
                *best = best.min(nanoseconds);
            }
        }
        eprintln!("pass {} of {passes}: {:.0} s", pass + 1, start.elapsed().as_secs_f64());
    }
    Ok(times)
}

/// What was measured beside what the plan estimates.
fn compare<T: Element>(problems: &[Problem], times: &Times) -> Result<Vec<Measured>, Box<dyn Error>> {
    let mut measured = Vec::new();
    for Problem { name, architecture, rows } in problems {
        let plan = Plan::<T>::new(architecture, *rows, 1, &PlanOptions::default())?;
        for candidate in &plan.explain().candidates {
            let Some(&nanoseconds) = times.get(&key(name, candidate.engine)) else { continue };
            let shares = candidate.shares.clone();
            measured.push(Measured { problem: name.clone(), engine: candidate.engine, shares, nanoseconds });
        }
    }
    Ok(measured)
}

/// How the estimates compare with what was measured, and what they would have a plan choose.
fn report(measured: &[Measured], costs: Option<&BTreeMap<EngineName, Vec<f64>>>) {
    println!("{:<10} steps   estimated / measured:    5 %    25 %    50 %    75 %    95 %", "engine");
    for engine in ESTIMATED {
        let of_engine = measured.iter().filter(|step| step.engine == engine);
        let mut ratios: Vec<f64> = of_engine.map(|step| step.estimate(costs) / step.nanoseconds).collect();
        ratios.sort_by(f64::total_cmp);
        if ratios.is_empty() {
            continue;
        }
        print!("{engine:<10} {:>5}                        ", ratios.len());
        for percent in [5, 25, 50, 75, 95] {
            print!("{:6.2}  ", ratios[(ratios.len() - 1) * percent / 100]);
        }
        println!();
    }
    let mut problems: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
    for step in measured {
        problems.entry(&step.problem).or_default().push(step);
    }
    let mut choices = Vec::new();
    for (name, steps) in &problems {
        let chosen = steps.iter().min_by(|a, b| a.estimate(costs).total_cmp(&b.estimate(costs)));
        let best = steps.iter().min_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds));
        if let (Some(chosen), Some(best)) = (chosen, best) {
            choices.push((chosen.nanoseconds / best.nanoseconds, name, chosen, best));
        }
    }
    choices.sort_by(|a, b| b.0.total_cmp(&a.0));
    let wrong = choices.iter().filter(|choice| choice.0 > WRONG).count();
    let close = choices.iter().filter(|choice| choice.0 <= CLOSE).count();
    println!(
        "{:.1} % of {} choices are within {CLOSE} x the best engine, {wrong} beyond {WRONG} x; the worst:",
        100.0 * close as f64 / choices.len().max(1) as f64,
        choices.len()
    );
    for (ratio, name, chosen, best) in choices.iter().take(14).filter(|choice| choice.0 > 1.0) {
        let side = |step: &Measured| {
            format!("{} {:.2} µs, est. {:.2}", step.engine, step.nanoseconds / 1e3, step.estimate(costs) / 1e3)
        };
        println!("  {ratio:5.2} x  {name:<34} {}; best {}", side(chosen), side(best));
    }
}

/// The steps whose estimates are the worst.
fn outliers(measured: &[Measured], costs: Option<&BTreeMap<EngineName, Vec<f64>>>) {
    for engine in ESTIMATED {
        let mut steps: Vec<&Measured> = measured.iter().filter(|step| step.engine == engine).collect();
        let error = |step: &Measured| (step.estimate(costs) / step.nanoseconds).ln();
        steps.sort_by(|a, b| error(b).abs().total_cmp(&error(a).abs()));
        println!("{engine}, the estimates that are furthest off:");
        for step in steps.iter().take(10) {
            let (name, micros, off) = (&step.problem, step.nanoseconds / 1e3, error(step).exp());
            println!("  {off:5.2} x  {name:<34} {micros:10.2} µs");
        }
    }
}

fn run<T: Element>(test: bool, file: Option<&str>) -> Result<(), Box<dyn Error>> {
    let problems = problems(test)?;
    println!("{}, {}, one thread", cpu(InstructionSet::from_environment()?), T::NAME);
    let times = match file.map(fs::read_to_string) {
        Some(Ok(text)) => read(&text)?,
        _ => measure::<T>(&problems, if test { 1 } else { PASSES })?,
    };
    if let Some(file) = file {
        let mut text = String::new();
        for (key, nanoseconds) in &times {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{key} {nanoseconds:.1}");
        }
        fs::write(file, text)?;
    }
    let measured = compare::<T>(&problems, &times)?;
    println!("\nAT THE PLAN'S PRICES");
    report(&measured, None);
    outliers(&measured, None);

    let mut least: BTreeMap<&str, f64> = BTreeMap::new();
    for step in &measured {
        let least = least.entry(&step.problem).or_insert(f64::INFINITY);
        *least = least.min(step.nanoseconds);
    }
    let mut costs = BTreeMap::new();
    for engine in ESTIMATED {
        // Where another engine is faster by far, an estimate need not be close.
        let matters = |step: &&Measured| {
            step.engine == engine && least.get(&*step.problem).is_some_and(|least| step.nanoseconds <= FAR * least)
        };
        let steps: Vec<&Measured> = measured.iter().filter(matters).collect();
        let counts = steps.iter().map(|step| step.shares.iter().map(|share| share.count).collect()).collect();
        let times: Vec<f64> = steps.iter().map(|step| step.nanoseconds).collect();
        costs.insert(engine.name(), fit(counts, &times));
    }
    println!("\nAT FITTED PRICES");
    report(&measured, Some(&costs));
    outliers(&measured, Some(&costs));
    println!();
    for (engine, costs) in &costs {
        let costs: Vec<String> = costs.iter().map(|cost| format!("{:?}", round(*cost))).collect();
        println!("    {engine}: [{}],", costs.join(", "));
    }
    Ok(())
}

/// To three digits.
fn round(number: f64) -> f64 {
    format!("{number:.2e}").parse().unwrap_or(number)
}

fn read(text: &str) -> Result<Times, Box<dyn Error>> {
    let line = |line: &str| {
        let (key, nanoseconds) = line.rsplit_once(' ').ok_or_else(|| format!("no time in {line:?}"))?;
        Ok((key.to_owned(), nanoseconds.parse()?))
    };
    text.lines().map(line).collect()
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (mut test, mut double, mut file) = (false, false, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test" => test = true,
            "--f64" => double = true,
            "--times" => file = Some(arguments.next().ok_or("--times wants a file")?),
            // Cargo's own, and filters meant for the other benches.
            _ => {}
        }
    }
    if double { run::<f64>(test, file.as_deref()) } else { run::<f32>(test, file.as_deref()) }
}
