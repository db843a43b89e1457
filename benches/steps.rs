//! One training step (forward, δ, Δ with its L2 term, plain SGD update) of every standard workload, in samples a second.
//!
//! `cargo bench -p nn-benches --bench steps -- seed-b32` compares the scalar reference (f64, one thread), which is the
//! formulas as they are written, with the layered engine and with the engine that the plan picks (f32), on one thread
//! and on all. The reference would take minutes for the larger batches: it is then given fewer rows, as its name says.

use std::hint::black_box;
use std::thread::available_parallelism;
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use nn_benches::{Samples, Workload};
use nn_kernels::reference;
use nn_train::{DynNetwork, EngineKind, Init, Sgd, Trainer};

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
            let picked = planned(&mut group, &workload, threads, None);
            if picked != EngineKind::Layered {
                planned(&mut group, &workload, threads, Some(EngineKind::Layered));
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

/// An engine, or the one that the plan picks; which it was.
fn planned(
    group: &mut BenchmarkGroup<'_, WallTime>,
    workload: &Workload,
    threads: usize,
    engine: Option<EngineKind>,
) -> EngineKind {
    let mut trainer =
        Trainer::builder().optimizer(Sgd::default()).learning_rate(LEARNING_RATE).l2(L2).batch_size(workload.rows);
    if let Some(engine) = engine {
        trainer = trainer.engine(engine);
    }
    let trainer = trainer.threads(threads).build().expect("the settings are sound");
    let Samples { inputs, targets } = workload.samples::<f32>().expect("there is memory for a standard workload");
    let mut network = DynNetwork::new(workload.architecture.clone(), Init::default(), 1).expect("and for its network");
    let mut session = trainer.session(&mut network).expect("any network suits these engines");
    let engine = session.explain().engine;
    let plural = if threads == 1 { "" } else { "s" };
    group.bench_function(format!("{engine}, {threads} thread{plural}"), |bencher| {
        session.install(|session| bencher.iter(|| session.step(&inputs, &targets).expect("the step is finite")));
    });
    engine
}

criterion_group!(benches, steps);
criterion_main!(benches);
