//! How the sweep and the calibration time a step.

use std::hint::black_box;
use std::time::{Duration, Instant};

use nn_kernels::isa::{Kernel, Simd, Vector};
use nn_kernels::random::{self, Purpose};
use nn_kernels::{Architecture, Batch, Element, InstructionSet, Layer, Plan, StepError};
use rand::RngExt;
use rayon::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

const L2: f64 = 1e-3;
/// Small enough that no network diverges, however long it is timed.
const LEARNING_RATE: f64 = 1e-5;
/// Steps between two readings of the clock take at least this long together.
const READING: f64 = 30e-6;
/// A step so long that what its memory costs the first time is nothing.
const LONG: Duration = Duration::from_millis(80);

/// Samples that networks of all widths are fed from: they read the front of the same numbers.
pub(crate) struct Samples<T> {
    inputs: Vec<T>,
    targets: Vec<T>,
}

impl<T: Element> Samples<T> {
    /// So many numbers to take inputs from, and so many to take targets from.
    pub(crate) fn new(inputs: usize, targets: usize) -> Self {
        let mut stream = random::stream(1, Purpose::Initialisation, 0);
        let inputs = (0..inputs).map(|_| T::from_f64(stream.random_range(-1.0..1.0))).collect();
        let targets = (0..targets).map(|_| T::from_f64(stream.random_range(0_u8..2).into())).collect();
        Self { inputs, targets }
    }

    fn batch(&self, architecture: &Architecture, rows: usize) -> Result<Batch<'_, T>, StepError> {
        let inputs = &self.inputs[..rows * architecture.inputs()];
        Batch::new(architecture, inputs, &self.targets[..rows * architecture.outputs()])
    }
}

/// A pool for each count of threads.
pub(crate) fn pools(counts: &[usize]) -> Result<Vec<ThreadPool>, ThreadPoolBuildError> {
    counts.iter().map(|&count| ThreadPoolBuilder::new().num_threads(count).build()).collect()
}

/// Seconds that a full step takes (gradient with its L2 term, SGD update): the least of all readings that fit into
/// `budget`, and of one at least. The first step, which touches fresh memory, counts only where it is a long one.
pub(crate) fn seconds_per_step<T: Element>(
    plan: &mut Plan<T>,
    samples: &Samples<T>,
    rows: usize,
    pool: &ThreadPool,
    budget: Duration,
) -> Result<f64, StepError> {
    let set = plan.set();
    let engine = plan.engine_mut();
    let mut theta = vec![T::ZERO; engine.params()];
    let mut gradient = theta.clone();
    engine.import(&initial(engine.architecture()), &mut theta)?;
    let architecture = engine.architecture().clone();
    let batch = samples.batch(&architecture, rows)?;
    pool.install(|| {
        let start = Instant::now();
        let mut step = || -> Result<(), StepError> {
            black_box(engine.gradient(&theta, batch, L2 / rows as f64, None, &mut gradient)?);
            let rate = T::from_f64(-LEARNING_RATE);
            T::dispatch(set, Descend { theta: &mut theta, gradient: &gradient, rate });
            Ok(())
        };
        step()?;
        let first = start.elapsed();
        if first > LONG {
            return Ok(first.as_secs_f64());
        }
        let steps = (READING / first.as_secs_f64()).ceil().max(1.0);
        let mut best = f64::INFINITY;
        let start = Instant::now();
        while best.is_infinite() || start.elapsed() < budget {
            let reading = Instant::now();
            for _ in 0..steps as usize {
                step()?;
            }
            best = best.min(reading.elapsed().as_secs_f64() / steps);
        }
        Ok(best)
    })
}

/// Weights that keep activations of any width at one size.
fn initial<T: Element>(architecture: &Architecture) -> Vec<T> {
    let mut stream = random::stream(2, Purpose::Initialisation, 0);
    let mut theta = Vec::with_capacity(architecture.params());
    for layer in architecture.layers() {
        let Layer { inputs, outputs, .. } = *layer;
        let bound = (6.0 / (inputs + outputs) as f64).sqrt();
        theta.extend((0..layer.params()).map(|_| T::from_f64(bound * stream.random_range(-1.0..1.0))));
    }
    theta
}

/// Θ ← Θ + rate · Δ.
struct Descend<'a, T> {
    theta: &'a mut [T],
    gradient: &'a [T],
    rate: T,
}

impl<T: Element> Kernel<T> for Descend<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let rate = s.splat(self.rate);
        let (mut thetas, mut gradients) = (self.theta.chunks_exact_mut(S::LANES), self.gradient.chunks_exact(S::LANES));
        for (theta, gradient) in (&mut thetas).zip(&mut gradients) {
            s.store(s.load(gradient).mul_add(rate, s.load(theta)), theta);
        }
        let (theta, gradient) = (thetas.into_remainder(), gradients.remainder());
        s.store_partial(s.load_partial(gradient, T::ZERO).mul_add(rate, s.load_partial(theta, T::ZERO)), theta);
    }
}

/// What the CPU calls itself, with the set that is in use.
pub(crate) fn cpu(set: InstructionSet) -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |name: &str| {
        let line = info.lines().find(|line| line.split(':').next().is_some_and(|key| key.trim() == name))?;
        line.split(':').nth(1).map(|value| value.trim().to_owned())
    };
    let name = field("model name").unwrap_or_else(|| std::env::consts::ARCH.to_owned());
    let family = field("cpu family").map_or_else(String::new, |family| format!(" (family {family})"));
    format!("{name}{family}, {set}")
}
