//! The GEMM backends side by side, on the products of the standard workloads.
//!
//! `cargo bench -p nn-benches --bench gemm` times every product that a training step of the layered engine consists of
//! (forward A·Θᵀ, gradient δᵀ·A, back-propagation δ·Θ), on the rows of a shard and on those of the whole batch, by every
//! backend that is compiled in (`--features openblas-system` adds OpenBLAS), on one thread. The backends have their turns
//! in every round, and the best round counts. What follows `--` may be parts of names, such as `wide-b64` or `forward`, of
//! which a product must have one, and `f64`.
//!
//! OpenBLAS may be told by `OPENBLAS_CORETYPE` to run kernels that are not its best for this CPU: the first lines say
//! what it runs.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a benchmark's report")]

use std::collections::HashSet;
use std::env;
use std::error::Error;
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use nn_benches::{Peak, Workload};
use nn_kernels::gemm::{Gemm, MatMut, MatRef, ShapeError};
use nn_kernels::random::{self, Purpose};
use nn_kernels::{Element, EngineKind, GemmKind, InstructionSet, Plan, PlanOptions};
use rand::RngExt;

/// How long and how often.
struct Extent {
    rounds: usize,
    /// What a backend's turn takes, unless one product takes longer.
    turn: Duration,
    /// Products of more multiply-adds are left out.
    most: usize,
}

const FULL: Extent = Extent { rounds: 15, turn: Duration::from_micros(1500), most: usize::MAX };
/// Enough to see that everything works.
const TEST: Extent = Extent { rounds: 1, turn: Duration::from_micros(10), most: 1 << 22 };

/// What a layer's product computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Part {
    /// Z += A·Θᵀ
    Forward,
    /// Δ = δᵀ·A
    Gradient,
    /// δ·Θ
    Back,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Gradient => "gradient",
            Self::Back => "back",
        }
    }
}

/// A product of a layer from `inputs` to `outputs` units on `rows` samples.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Product {
    part: Part,
    rows: usize,
    inputs: usize,
    outputs: usize,
}

impl Product {
    /// M, N and K.
    const fn shape(self) -> (usize, usize, usize) {
        let Self { rows, inputs, outputs, .. } = self;
        match self.part {
            Part::Forward => (rows, outputs, inputs),
            Part::Gradient => (outputs, inputs, rows),
            Part::Back => (rows, inputs, outputs),
        }
    }

    /// The operands as the layered engine hands them over.
    fn run<T: Element>(self, gemm: &dyn Gemm<T>, operands: &mut Operands<T>) -> Result<(), ShapeError> {
        let (m, n, k) = self.shape();
        let Operands { a, b, c, workspace } = operands;
        let (a, b, beta) = match self.part {
            Part::Forward => (MatRef::row_major(a, m, k)?, MatRef::row_major(b, n, k)?.t(), T::ONE),
            Part::Gradient => (MatRef::row_major(a, k, m)?.t(), MatRef::row_major(b, k, n)?, T::ZERO),
            Part::Back => (MatRef::row_major(a, m, k)?, MatRef::row_major(b, k, n)?, T::ZERO),
        };
        gemm.gemm(T::ONE, a, b, beta, MatMut::row_major(c, m, n)?, workspace);
        Ok(())
    }
}

struct Operands<T> {
    a: Vec<T>,
    b: Vec<T>,
    c: Vec<T>,
    workspace: Vec<T>,
}

impl<T: Element> Operands<T> {
    fn new(product: Product, backends: &[Box<dyn Gemm<T>>]) -> Self {
        let (m, n, k) = product.shape();
        let mut stream = random::stream(1, Purpose::Initialisation, 0);
        let mut numbers = |count| (0..count).map(|_| T::from_f64(stream.random_range(-1.0..1.0))).collect();
        let workspace = backends.iter().map(|gemm| gemm.workspace(m, n, k)).max().unwrap_or(0);
        Self { a: numbers(m * k), b: numbers(k * n), c: numbers(m * n), workspace: vec![T::ZERO; workspace] }
    }
}

/// The products of a workload, each with its name.
fn products(workload: &Workload) -> Result<Vec<(String, Product)>, Box<dyn Error>> {
    let options = PlanOptions::default().engine(EngineKind::Layered);
    let plan = Plan::<f32>::new(&workload.architecture, workload.rows, 1, &options)?;
    let mut products = Vec::new();
    for rows in [plan.explain().shard_rows, workload.rows] {
        for (index, layer) in workload.architecture.layers().iter().enumerate() {
            for part in [Part::Forward, Part::Gradient, Part::Back] {
                if index > 0 || part != Part::Back {
                    let product = Product { part, rows, inputs: layer.inputs, outputs: layer.outputs };
                    products.push((format!("{} {} {}", workload.name, index + 1, part.name()), product));
                }
            }
        }
    }
    Ok(products)
}

/// The least seconds of a product by each backend.
fn seconds<T: Element>(
    product: Product,
    backends: &[Box<dyn Gemm<T>>],
    extent: &Extent,
) -> Result<Vec<f64>, ShapeError> {
    let mut operands = Operands::new(product, backends);
    let mut best = vec![f64::INFINITY; backends.len()];
    let mut counts = vec![1_usize; backends.len()];
    for round in 0..=extent.rounds {
        for ((gemm, best), count) in backends.iter().zip(&mut best).zip(&mut counts) {
            let start = Instant::now();
            for _ in 0..*count {
                product.run(&**gemm, black_box(&mut operands))?;
            }
            let each = start.elapsed().as_secs_f64() / *count as f64;
            // The first round warms up, and tells how many products fill a turn.
            if round > 0 {
                *best = best.min(each);
            }
            if round <= 1 {
                *count = (extent.turn.as_secs_f64() / each.max(1e-9)).clamp(1.0, 1e6) as usize;
            }
        }
    }
    Ok(best)
}

/// What OpenBLAS says of itself.
#[cfg(feature = "openblas-system")]
fn describe_blas() {
    use std::ffi::{CStr, c_char};
    unsafe extern "C" {
        safe fn openblas_get_config() -> *const c_char;
        safe fn openblas_get_corename() -> *const c_char;
    }
    for text in [openblas_get_config(), openblas_get_corename()] {
        // SAFETY: OpenBLAS returns texts that end with 0 and stay.
        println!("blas: {}", unsafe { CStr::from_ptr(text) }.to_string_lossy());
    }
}

#[cfg(not(feature = "openblas-system"))]
fn describe_blas() {}

fn run<T: Element>(extent: &Extent, names: &[String]) -> Result<(), Box<dyn Error>> {
    let set = InstructionSet::from_environment()?;
    let kinds: Vec<GemmKind> = GemmKind::available().collect();
    let backends: Vec<Box<dyn Gemm<T>>> = kinds.iter().map(|kind| kind.backend(set)).collect();
    let alone = rayon::ThreadPoolBuilder::new().num_threads(1).build()?;
    let mut peak = Peak::new(set);
    let mut measure_peak = |seconds| {
        alone.install(|| peak.measure::<T>(seconds));
        peak.flops() / 1e9
    };
    let before = measure_peak(if extent.rounds > 1 { 0.3 } else { 0.001 });
    describe_blas();
    println!("{}, {set}, FMA peak {before:.1} GFLOP/s on one thread; GFLOP/s by backend", T::NAME);
    print!("{:<22} {:>6} {:>5} {:>6}", "PRODUCT", "M", "N", "K");
    kinds.iter().for_each(|kind| print!(" {:>14}", kind.name()));
    println!(" {:>7} {:>9}", "% PEAK", "OWN/BEST");
    let (mut seen, mut behind) = (HashSet::new(), Vec::new());
    for workload in Workload::standard() {
        for (name, product) in products(&workload)? {
            let (m, n, k) = product.shape();
            let wanted = names.is_empty() || names.iter().any(|part| name.contains(&**part));
            if !wanted || m * n * k > extent.most || !seen.insert(product) {
                continue;
            }
            let seconds = seconds(product, &backends, extent)?;
            let rates: Vec<f64> = seconds.iter().map(|seconds| 2e-9 * (m * n * k) as f64 / seconds).collect();
            let others = rates[1..].iter().copied().fold(0.0, f64::max);
            let ratio = rates[0] / others;
            print!("{name:<22} {m:>6} {n:>5} {k:>6}");
            rates.iter().for_each(|rate| print!(" {rate:>14.2}"));
            println!(" {:>7.1} {ratio:>9.2}", 100.0 * rates[0] / measure_peak(0.004));
            if ratio < 1.0 {
                behind.push((ratio, format!("{name}, {m} × {n} over {k}")));
            }
        }
    }
    behind.sort_by(|a, b| a.0.total_cmp(&b.0));
    println!("own kernels behind another backend: {} of {}", behind.len(), seen.len());
    behind.iter().for_each(|(ratio, name)| println!("  {ratio:.2} {name}"));
    Ok(())
}

fn main() -> ExitCode {
    let (mut extent, mut double, mut names) = (FULL, false, Vec::new());
    for argument in env::args().skip(1) {
        match &*argument {
            "--test" => extent = TEST,
            "f64" => double = true,
            "f32" => double = false,
            // Of cargo's.
            flag if flag.starts_with("--") => {}
            _ => names.push(argument),
        }
    }
    let result = if double { run::<f64>(&extent, &names) } else { run::<f32>(&extent, &names) };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
