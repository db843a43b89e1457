//! The step over widths, batches and threads: is there a cliff?
//!
//! `cargo bench -p nn-benches --bench sweep` times the full training step (gradient, SGD update) of the engine that the
//! plan picks, for two families of networks of width w, and writes `sweep.svg` and `sweep.csv` to `docs/`, or to the
//! folder that follows `-- --out`. What it takes is bounded: the points are gone through again and again, so that a
//! burst of other work on the machine hurts no point for good, and the least time of each counts.
//!
//! Pairs of neighbours of which the second takes markedly longer than its arithmetic says are printed as cliffs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

mod cliffs;
mod measure;
mod plot;

use std::error::Error;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};
use std::{env, fs};

use nn_kernels::{
    Activation, Architecture, ArchitectureError, EngineKind, InstructionSet, Layer, Loss, Plan, PlanOptions,
};
use rayon::ThreadPool;

use self::cliffs::{Kind, cliffs};
use self::measure::{Samples, cpu, pools, seconds_per_step};

/// What is timed, and for how long.
struct Extent {
    widths: Vec<usize>,
    batches: Vec<usize>,
    /// What one visit to a point may take, unless one step takes longer.
    visit: Duration,
    /// What all visits to a point may take before others are preferred to it.
    point: Duration,
    /// When to stop, all points having been visited once.
    total: Duration,
    passes: usize,
}

impl Extent {
    fn full() -> Self {
        let dense = 1..=20;
        let boundaries = (24..=300).filter(|width| match width % 16 {
            15 | 0 | 1 => true,
            8 => *width < 100,
            _ => *width == 300,
        });
        let wide = [384, 512, 768, 1024, 1536, 2048, 3072, 4096].into_iter().flat_map(|width| width - 1..=width + 1);
        Self {
            widths: dense.chain(boundaries).chain(wide).collect(),
            batches: vec![1, 16, 128, 1024, 8192, 65_536],
            visit: Duration::from_millis(4),
            point: Duration::from_millis(150),
            total: Duration::from_secs(270),
            passes: 12,
        }
    }

    /// Enough to see that everything works.
    fn test() -> Self {
        Self {
            widths: vec![1, 16, 17, 65],
            batches: vec![1, 128, 1024],
            visit: Duration::from_millis(1),
            point: Duration::from_millis(2),
            total: Duration::from_secs(1),
            passes: 2,
        }
    }
}

/// The arithmetic of the longest step: half a second where a core does 100 GFLOP/s.
const MOST_FLOPS: f64 = 5e10;

/// A family of networks, one for each width.
#[derive(Debug, Clone, Copy)]
struct Network {
    name: &'static str,
    layers: fn(usize) -> Vec<Layer>,
    loss: Loss,
}

const NETWORKS: [Network; 2] = [
    Network {
        name: "w => w relu => w relu => w",
        layers: |w| [Activation::Relu, Activation::Relu, Activation::Linear].map(|g| Layer::new(w, w, g)).to_vec(),
        loss: Loss::Mse,
    },
    Network {
        name: "w => w sigmoid => 1",
        layers: |w| vec![Layer::new(w, w, Activation::Sigmoid), Layer::new(w, 1, Activation::Sigmoid)],
        loss: Loss::CrossEntropy,
    },
];

/// A step, and what it takes.
struct Point {
    network: Network,
    architecture: Architecture,
    width: usize,
    rows: usize,
    threads: usize,
    engine: EngineKind,
    parts: usize,
    /// The least time measured, infinite before the first visit.
    seconds: f64,
    /// Spent on the point.
    spent: Duration,
}

impl Point {
    fn flops(&self) -> f64 {
        self.architecture.step_flops(self.rows)
    }

    fn visit(&mut self, samples: &Samples<f32>, pool: &ThreadPool, budget: Duration) -> Result<(), Box<dyn Error>> {
        let start = Instant::now();
        let mut plan = Plan::<f32>::new(&self.architecture, self.rows, self.threads, &PlanOptions::default())?;
        (self.engine, self.parts) = (plan.kind(), plan.explain().parts);
        let seconds = seconds_per_step(&mut plan, samples, self.rows, pool, budget)?;
        self.seconds = self.seconds.min(seconds);
        self.spent += start.elapsed();
        Ok(())
    }
}

fn points(extent: &Extent, counts: &[usize]) -> Result<Vec<Point>, ArchitectureError> {
    let mut points = Vec::new();
    for network in NETWORKS {
        for &rows in &extent.batches {
            for &width in &extent.widths {
                let architecture = Architecture::new((network.layers)(width), network.loss)?;
                if architecture.step_flops(rows) > MOST_FLOPS {
                    continue;
                }
                points.extend(counts.iter().map(|&threads| Point {
                    network,
                    architecture: architecture.clone(),
                    width,
                    rows,
                    threads,
                    engine: EngineKind::Tile,
                    parts: 0,
                    seconds: f64::INFINITY,
                    spent: Duration::ZERO,
                }));
            }
        }
    }
    Ok(points)
}

/// Visits all points, over and over.
fn measure(extent: &Extent, points: &mut [Point], counts: &[usize]) -> Result<(), Box<dyn Error>> {
    let start = Instant::now();
    let pools = pools(counts)?;
    let most = |of: fn(&Point) -> usize| points.iter().map(of).max().unwrap_or(0);
    let samples = Samples::new(
        most(|point| point.rows * point.architecture.inputs()),
        most(|point| point.rows * point.architecture.outputs()),
    );
    for pass in 0..extent.passes {
        for point in &mut *points {
            let late = pass > 0 && start.elapsed() > extent.total;
            // Two visits at least, where there is time: the first one may have been unlucky.
            if late || pass > 1 && point.spent > extent.point {
                continue;
            }
            let Some(pool) = counts.iter().position(|&count| count == point.threads) else { continue };
            point.visit(&samples, &pools[pool], extent.visit)?;
        }
        eprintln!("pass {} of at most {}: {:.0} s", pass + 1, extent.passes, start.elapsed().as_secs_f64());
    }
    Ok(())
}

fn csv(points: &[Point]) -> String {
    let mut text = "network,width,batch,threads,engine,parts,us_per_step,ns_per_sample,gflop_s\n".to_owned();
    for point in points {
        let Point { network, width, rows, threads, engine, parts, seconds, .. } = point;
        let (step, sample) = (seconds * 1e6, seconds * 1e9 / *rows as f64);
        let rate = point.flops() / seconds / 1e9;
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "{},{width},{rows},{threads},{engine},{parts},{step:.3},{sample:.3},{rate:.3}",
            network.name
        );
    }
    text
}

fn report(points: &[Point]) {
    println!("CLIFFS: time beyond what FLOPs grow by, of networks one unit wider and of larger batches, more than");
    println!("{:.2} x; time on more threads than one, more than {:.2} x", cliffs::GROWTH, cliffs::THREADS);
    let found = cliffs(points);
    for cliff in &found {
        println!("{cliff}");
    }
    for kind in [Kind::Width, Kind::Batch, Kind::Threads] {
        let of_kind = || found.iter().filter(|cliff| cliff.kind == kind);
        let worst = of_kind().map(|cliff| cliff.factor).fold(1.0, f64::max);
        println!("{kind:?}: {} cliffs, the worst {worst:.2} x", of_kind().count());
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let (mut test, mut out) = (false, Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs"));
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--test" => test = true,
            "--out" => out = arguments.next().map(PathBuf::from).ok_or("--out wants a folder")?,
            // Cargo's own, and filters meant for the other benches.
            _ => {}
        }
    }
    let extent = if test { Extent::test() } else { Extent::full() };
    let counts: &[usize] = if available_parallelism().is_ok_and(|count| count.get() > 1) { &[1, 2] } else { &[1] };
    let mut points = points(&extent, counts)?;
    measure(&extent, &mut points, counts)?;
    let svg = plot::svg(&points, &cpu(InstructionSet::from_environment()?))?;
    let csv = csv(&points);
    if test {
        println!("sweep: {} points, nothing written", points.len());
        return Ok(());
    }
    report(&points);
    for (name, text) in [("sweep.svg", svg), ("sweep.csv", csv)] {
        fs::write(out.join(name), text)?;
        println!("{}", out.join(name).display());
    }
    Ok(())
}
