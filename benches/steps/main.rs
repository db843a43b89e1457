//! One training step (forward, δ, Δ with its L2 term, plain SGD update) of every standard workload, in samples a second.
//!
//! `cargo bench -p nn-benches --bench steps -- seed-b32` compares the scalar reference (f64, one thread), which is the
//! formulas as they are written, with the layered yardstick (one product a layer, by a matrix library) and with the engine
//! that the plan picks (f32), on one thread and on all. The reference would take minutes for the larger batches: it is then
//! given fewer rows, as its name says. With `--features openblas-system` the yardstick multiplies by OpenBLAS.

mod layered;

use std::hint::black_box;
use std::thread::available_parallelism;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use nn_benches::{Samples, Workload};
use nn_kernels::reference;
use nn_train::{DynNetwork, Init, Sgd, Trainer};
use rayon::ThreadPoolBuilder;

use self::layered::{HAS_THREADS, Layered, NAME, ROWS, set_threads};

const L2: f64 = 1e-4;
const LEARNING_RATE: f64 = 0.01;
/// What a step of the reference may come to, which does one or two FLOPs in a nanosecond.
const REFERENCE_FLOPS: f64 = 4e7;

fn steps(criterion: &mut Criterion) {
    let mut threads = vec![1, available_parallelism().map_or(1, usize::from)];
    threads.dedup();
    for workload in Workload::standard() {
        let mut group = criterion.benchmark_group(&workload.name);
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        scalar(&mut group, &workload);
        group.throughput(Throughput::Elements(workload.rows as u64));
        for &threads in &threads {
            planned(&mut group, &workload, threads);
            if threads == 1 || HAS_THREADS {
                by_a_library(&mut group, &workload, threads);
            }
        }
        group.finish();
    }
}

/// The reference, on as many rows as it has time for.
fn scalar(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload) {
    let rows = (REFERENCE_FLOPS / workload.architecture.step_flops(1)).max(1.0) as usize;
    let fewer = workload.clone().with_at_most(rows);
    let name = match fewer.rows {
        rows if rows == workload.rows => "reference".to_owned(),
        1 => "reference, 1 row".to_owned(),
        rows => format!("reference, {rows} rows"),
    };
    let Samples { inputs, targets } = fewer.samples::<f64>().expect("there is memory for a standard workload");
    group.throughput(Throughput::Elements(fewer.rows as u64));
    group.bench_function(name, |bencher| {
        let mut theta = fewer.theta::<f64>();
        bencher.iter(|| {
            let decay = L2 / fewer.rows as f64;
            let (cost, gradient) = reference::gradient(&fewer.architecture, &theta, &inputs, &targets, decay);
            for (theta, gradient) in theta.iter_mut().zip(gradient) {
                *theta -= LEARNING_RATE * gradient;
            }
            black_box(cost)
        });
    });
}

/// The engine that the plan picks.
fn planned(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload, threads: usize) {
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(LEARNING_RATE).l2(L2);
    let trainer = trainer.batch_size(workload.rows).threads(threads).build().expect("the settings are sound");
    let Samples { inputs, targets } = workload.samples::<f32>().expect("there is memory for a standard workload");
    let mut network = DynNetwork::new(workload.architecture.clone(), Init::default(), 1).expect("and for its network");
    let mut session = trainer.session(&mut network).expect("any network suits these engines");
    let engine = session.explain().engine;
    group.bench_function(format!("{engine}, {}", plural(threads)), |bencher| {
        session.install(|session| bencher.iter(|| session.step(&inputs, &targets).expect("the step is finite")));
    });
}

/// The layered yardstick.
fn by_a_library(group: &mut BenchmarkGroup<'_, WallTime>, workload: &Workload, threads: usize) {
    set_threads(threads);
    let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of a few threads");
    // More rows than an elementwise pass takes at a time, where the reference has time for them.
    let rows = (REFERENCE_FLOPS / workload.architecture.step_flops(1)) as usize;
    pool.install(|| agrees(&workload.clone().with_at_most(rows.clamp(3, ROWS + 3))));
    let Samples { inputs, targets } = workload.samples::<f32>().expect("there is memory for a standard workload");
    let mut network = Layered::new(&workload.architecture, workload.theta(), workload.rows);
    group.bench_function(format!("layered by {NAME}, {}", plural(threads)), |bencher| {
        let decay = L2 / workload.rows as f64;
        pool.install(|| bencher.iter(|| network.step(&inputs, &targets, decay, LEARNING_RATE as f32)));
    });
}

/// The yardstick is to compute what it is compared with.
fn agrees(workload: &Workload) {
    let Samples { inputs, targets } = workload.samples::<f64>().expect("there is memory for a few rows");
    let decay = L2 / workload.rows as f64;
    let theta = workload.theta::<f64>();
    let (expected_cost, expected) = reference::gradient(&workload.architecture, &theta, &inputs, &targets, decay);
    let single = |numbers: &[f64]| numbers.iter().map(|&number| number as f32).collect::<Vec<_>>();
    let mut network = Layered::new(&workload.architecture, single(&theta), workload.rows);
    let cost = network.step(&single(&inputs), &single(&targets), decay, 0.0);
    assert!((cost - expected_cost).abs() <= 1e-4 * expected_cost.abs(), "{cost}, not {expected_cost}");
    for range in workload.architecture.ranges() {
        let layer = range.weights.start..range.bias.end;
        let largest = expected[layer.clone()].iter().fold(0.0_f64, |largest, number| largest.max(number.abs()));
        for (&found, expected) in network.gradient[layer.clone()].iter().zip(&expected[layer]) {
            assert!((f64::from(found) - expected).abs() <= 1e-3 * largest, "{found}, not {expected}");
        }
    }
}

fn plural(threads: usize) -> String {
    format!("{threads} thread{}", if threads == 1 { "" } else { "s" })
}

criterion_group!(benches, steps);
criterion_main!(benches);
