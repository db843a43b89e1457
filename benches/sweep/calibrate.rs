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
//! there, so that a change of what is counted wants no new measurement. With `--random COUNT` it takes as many networks,
//! batches and numbers of threads at random instead, none of which the prices were fitted to, and says how often the plan
//! picks the fastest engine.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

mod fit;
mod measure;

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::time::{Duration, Instant};
use std::{env, fs};

use nn_kernels::random::{self, Purpose};
use nn_kernels::{
    Activation, Architecture, ArchitectureError, Element, EngineKind, InstructionSet, Layer, Loss, Plan, PlanOptions,
    Precision, Share, StepError,
};
use rand::RngExt;

use self::fit::fit;
use self::measure::{Samples, cpu, pools, seconds_per_step};

/// An engine and its arithmetic.
type Way = (EngineKind, Precision);

/// The engines that a plan estimates. What the CPU lacks, or a number type, is left out when it is not to be had.
const ESTIMATED: [Way; 4] = [
    (EngineKind::Narrow, Precision::Full),
    (EngineKind::Tile, Precision::Full),
    (EngineKind::Blocked, Precision::Full),
    (EngineKind::Blocked, Precision::Bf16),
];

/// As the plan's prices are named.
fn name((engine, precision): Way) -> String {
    if precision == Precision::Full { engine.to_string() } else { format!("{engine}_{precision}") }
}

/// A choice this much slower than the best engine is a wrong one.
const WRONG: f64 = 1.15;
/// A choice this much slower is as good as the best.
const CLOSE: f64 = 1.05;
/// An engine so many times slower than the best is out of the question.
const FAR: f64 = 2.0;
/// Arithmetic that a step of the calibration may have.
const MAX_FLOPS: f64 = 8e9;
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
    &[11, 16, 3, 70],
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
    &[30, 6, 900],
    &[34, 250, 450],
    &[32, 32, 32, 8],
    &[32, 64, 64, 64, 1],
    &[33, 33, 33, 33],
    &[33, 65, 129, 17],
    &[40, 40, 40],
    &[46, 14, 4],
    &[48, 48, 48],
    &[50, 12, 7],
    &[50, 2000, 50],
    &[60, 3, 60],
    &[60, 15],
    &[64, 10],
    &[64, 16, 1],
    &[64, 32, 10],
    &[64, 64, 64],
    &[64, 128, 128, 8],
    &[65, 65, 65],
    &[70, 1, 5],
    &[80, 10, 2, 7],
    &[80, 80, 80, 1],
    &[100, 17, 100],
    &[110, 3, 120, 160],
    &[120, 120, 120],
    &[130, 55, 4],
    &[140, 3, 6],
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
    &[1024, 1024, 1024, 1024, 10],
    &[2000, 1500, 900, 20],
    &[2048, 256, 10],
];
const BATCHES: &[usize] = &[1, 4, 16, 23, 40, 64, 128, 1024, 8192];

/// A step of a shape.
struct Problem {
    name: String,
    architecture: Architecture,
    rows: usize,
    threads: usize,
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
                    threads: 1,
                });
            }
        }
    }
    Ok(problems)
}

/// Steps of any shape: up to four layers of up to 1,500 units, up to 16,384 samples, one thread or two.
fn random_problems(count: usize) -> Result<Vec<Problem>, ArchitectureError> {
    let mut stream = random::stream(2, Purpose::Initialisation, 1);
    let mut problems: Vec<Problem> = Vec::new();
    while problems.len() < count {
        // As many from 1 to 10 as from 10 to 100.
        let mut up_to = |most: f64| stream.random_range(0.0..=most.ln()).exp().round() as usize;
        let (rows, layers) = (up_to(16_384.0), up_to(4.0));
        let shape: Vec<usize> = (0..=layers).map(|_| up_to(1500.0)).collect();
        let hidden = [Activation::Relu, Activation::Sigmoid, Activation::Tanh][stream.random_range(0..3)];
        let threads = stream.random_range(1..=2);
        let plan = shape.windows(2).enumerate().map(|(l, widths)| {
            Layer::new(widths[0], widths[1], if l + 1 == layers { Activation::Sigmoid } else { hidden })
        });
        let architecture = Architecture::new(plan.collect(), Loss::CrossEntropy)?;
        if architecture.step_flops(rows) > MAX_FLOPS {
            continue;
        }
        let widths: Vec<String> = shape.iter().map(ToString::to_string).collect();
        let name = format!("{} {hidden} {rows} on {threads}, case {}", widths.join("-"), problems.len());
        problems.push(Problem { name, architecture, rows, threads });
    }
    Ok(problems)
}

/// One engine's step: what the plan counts and what was measured.
struct Measured {
    problem: String,
    way: Way,
    shares: Vec<Share>,
    nanoseconds: f64,
}

impl Measured {
    /// What the step is estimated to take at these prices, or at the plan's own.
    fn estimate(&self, costs: Option<&BTreeMap<String, Vec<f64>>>) -> f64 {
        match costs.and_then(|costs| costs.get(&name(self.way))) {
            Some(costs) => self.shares.iter().zip(costs).map(|(share, each)| share.count * each).sum(),
            None => self.shares.iter().map(Share::nanoseconds).sum(),
        }
    }
}

/// Nanoseconds by problem and engine.
type Times = BTreeMap<String, f64>;

fn key(problem: &str, way: Way) -> String {
    format!("{problem} {}", name(way))
}

fn measure<T: Element>(problems: &[Problem], passes: usize) -> Result<Times, Box<dyn Error>> {
    let pools = pools(&[1, 2])?;
    let most = |of: fn(&Problem) -> usize| problems.iter().map(of).max().unwrap_or(0);
    let samples = Samples::<T>::new(
        most(|problem| problem.rows * problem.architecture.inputs()),
        most(|problem| problem.rows * problem.architecture.outputs()),
    );
    let (start, mut times) = (Instant::now(), Times::new());
    for pass in 0..passes {
        for Problem { name, architecture, rows, threads } in problems {
            for way @ (engine, precision) in ESTIMATED {
                let options = PlanOptions::default().engine(engine).precision(precision);
                // An engine that does not suit has no time.
                let Ok(mut plan) = Plan::<T>::new(architecture, *rows, *threads, &options) else { continue };
                let nanoseconds = 1e9 * seconds_per_step(&mut plan, &samples, *rows, &pools[*threads - 1], VISIT)?;
                let best = times.entry(key(name, way)).or_insert(f64::INFINITY);
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
    for Problem { name, architecture, rows, threads } in problems {
        let plan = any_precision::<T>(architecture, *rows, *threads)?;
        for candidate in &plan.explain().candidates {
            let way = (candidate.engine, candidate.precision);
            let Some(&nanoseconds) = times.get(&key(name, way)) else { continue };
            measured.push(Measured { problem: name.clone(), way, shares: candidate.shares.clone(), nanoseconds });
        }
    }
    Ok(measured)
}

/// A plan that may take bfloat16 where there is any.
fn any_precision<T: Element>(architecture: &Architecture, rows: usize, threads: usize) -> Result<Plan<T>, StepError> {
    let options = PlanOptions::default();
    Plan::new(architecture, rows, threads, &options.precision(Precision::Bf16))
        .or_else(|_| Plan::new(architecture, rows, threads, &options))
}

/// How often the plan picks the fastest engine, with bfloat16 to choose from and without.
fn choices<T: Element>(problems: &[Problem], times: &Times) -> Result<(), StepError> {
    for bf16 in [false, true] {
        let mut found = Vec::new();
        for Problem { name, architecture, rows, threads } in problems {
            let plan = if bf16 {
                any_precision::<T>(architecture, *rows, *threads)?
            } else {
                Plan::new(architecture, *rows, *threads, &PlanOptions::default())?
            };
            let explanation = plan.explain();
            if bf16 && explanation.wanted == Precision::Full {
                return Ok(());
            }
            let time = |way: Way| times.get(&key(name, way)).copied();
            let ways = ESTIMATED.into_iter().filter(|way| bf16 || way.1 == Precision::Full);
            let best = ways.filter_map(|way| Some((way, time(way)?))).min_by(|a, b| a.1.total_cmp(&b.1));
            let chosen = (explanation.engine, explanation.precision);
            if let (Some(best), Some(nanoseconds)) = (best, time(chosen)) {
                found.push(Choice { problem: name.clone(), chosen: (chosen, nanoseconds), best });
            }
        }
        println!("{}", if bf16 { "with bfloat16 to choose from:" } else { "in full precision:" });
        print_choices(found);
    }
    Ok(())
}

/// A plan's choice beside the best one, each with its nanoseconds.
struct Choice {
    problem: String,
    chosen: (Way, f64),
    best: (Way, f64),
}

/// How many choices are good, and the worst.
fn print_choices(mut choices: Vec<Choice>) {
    let ratio = |choice: &Choice| choice.chosen.1 / choice.best.1;
    choices.sort_by(|a, b| ratio(b).total_cmp(&ratio(a)));
    let wrong = choices.iter().filter(|choice| ratio(choice) > WRONG).count();
    let close = choices.iter().filter(|choice| ratio(choice) <= CLOSE).count();
    println!(
        "{:.1} % of {} choices are within {CLOSE} x the best engine, {wrong} beyond {WRONG} x; the worst:",
        100.0 * close as f64 / choices.len().max(1) as f64,
        choices.len()
    );
    for choice in choices.iter().take(14).filter(|choice| ratio(choice) > 1.0) {
        let [chosen, best] =
            [choice.chosen, choice.best].map(|(way, time)| format!("{} {:.2} µs", name(way), time / 1e3));
        println!("  {:5.2} x  {:<40} {chosen}; best {best}", ratio(choice), choice.problem);
    }
}

/// How the estimates compare with what was measured, and what they would have a plan choose.
fn report(measured: &[Measured], costs: Option<&BTreeMap<String, Vec<f64>>>) {
    println!("{:<12} steps   estimated / measured:    5 %    25 %    50 %    75 %    95 %", "engine");
    for way in ESTIMATED {
        let of_engine = measured.iter().filter(|step| step.way == way);
        let mut ratios: Vec<f64> = of_engine.map(|step| step.estimate(costs) / step.nanoseconds).collect();
        ratios.sort_by(f64::total_cmp);
        if ratios.is_empty() {
            continue;
        }
        print!("{:<12} {:>5}                      ", name(way), ratios.len());
        for percent in [5, 25, 50, 75, 95] {
            print!("{:6.2}  ", ratios[(ratios.len() - 1) * percent / 100]);
        }
        println!();
    }
    let mut problems: BTreeMap<&str, Vec<&Measured>> = BTreeMap::new();
    for step in measured.iter().filter(|step| step.way.1 == Precision::Full) {
        problems.entry(&step.problem).or_default().push(step);
    }
    let choice = |(problem, steps): (&str, Vec<&Measured>)| {
        let chosen = steps.iter().min_by(|a, b| a.estimate(costs).total_cmp(&b.estimate(costs)))?;
        let best = steps.iter().min_by(|a, b| a.nanoseconds.total_cmp(&b.nanoseconds))?;
        let [chosen, best] = [chosen, best].map(|step| (step.way, step.nanoseconds));
        Some(Choice { problem: problem.to_owned(), chosen, best })
    };
    print_choices(problems.into_iter().filter_map(choice).collect());
}

/// The steps whose estimates are the worst.
fn outliers(measured: &[Measured], costs: Option<&BTreeMap<String, Vec<f64>>>) {
    for way in ESTIMATED {
        let mut steps: Vec<&Measured> = measured.iter().filter(|step| step.way == way).collect();
        let error = |step: &Measured| (step.estimate(costs) / step.nanoseconds).ln();
        steps.sort_by(|a, b| error(b).abs().total_cmp(&error(a).abs()));
        if !steps.is_empty() {
            println!("{}, the estimates that are furthest off:", name(way));
        }
        for step in steps.iter().take(10) {
            let (name, micros, off) = (&step.problem, step.nanoseconds / 1e3, error(step).exp());
            println!("  {off:5.2} x  {name:<34} {micros:10.2} µs");
        }
    }
}

fn run<T: Element>(test: bool, random: Option<usize>, file: Option<&str>) -> Result<(), Box<dyn Error>> {
    let problems = match random {
        Some(count) => random_problems(count)?,
        None => problems(test)?,
    };
    let threads = if random.is_some() { "one thread and two" } else { "one thread" };
    println!("{}, {}, {threads}", cpu(InstructionSet::from_environment()?), T::NAME);
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
    if random.is_some() {
        return Ok(choices::<T>(&problems, &times)?);
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
    for way in ESTIMATED {
        // Where another engine is faster by far, an estimate need not be close.
        let matters = |step: &&Measured| {
            step.way == way && least.get(&*step.problem).is_some_and(|least| step.nanoseconds <= FAR * least)
        };
        let steps: Vec<&Measured> = measured.iter().filter(matters).collect();
        if steps.is_empty() {
            continue;
        }
        let counts = steps.iter().map(|step| step.shares.iter().map(|share| share.count).collect()).collect();
        let times: Vec<f64> = steps.iter().map(|step| step.nanoseconds).collect();
        costs.insert(name(way), fit(counts, &times));
    }
    println!("\nAT FITTED PRICES");
    report(&measured, Some(&costs));
    outliers(&measured, Some(&costs));
    println!();
    for (engine, costs) in &costs {
        let costs: Vec<String> = costs.iter().map(|cost| format!("{:?}", round(*cost))).collect();
        let costs = format!("[{}]", costs.join(", "));
        let costs = if engine.ends_with("bf16") { format!("Some({costs})") } else { costs };
        println!("    {engine}: {costs},");
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
    let (mut test, mut double, mut file, mut random) = (false, false, None, None);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test" => test = true,
            "--f64" => double = true,
            "--random" => random = Some(arguments.next().ok_or("--random wants a number")?.parse()?),
            "--times" => file = Some(arguments.next().ok_or("--times wants a file")?),
            // Cargo's own, and filters meant for the other benches.
            _ => {}
        }
    }
    if double { run::<f64>(test, random, file.as_deref()) } else { run::<f32>(test, random, file.as_deref()) }
}
