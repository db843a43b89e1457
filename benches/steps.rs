//! One training step (forward, δ, Δ with its L2 term, plain SGD update), in samples a second.
//!
//! `cargo bench -p nn-benches` compares the scalar reference (f64, one thread), which is the formulas as they are
//! written, with the layered engine (f32) on one thread and on all.

use std::hint::black_box;
use std::thread::available_parallelism;
use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nn_benches::{Workload, single_precision};
use nn_kernels::{Batch, Layered, StepEngine, reference};
use rayon::ThreadPoolBuilder;

const L2: f64 = 0.01;
const LEARNING_RATE: f64 = 0.01;

fn steps(criterion: &mut Criterion) {
    let all = available_parallelism().map_or(1, usize::from);
    for workload in Workload::standard().expect("the widths are constants, and sound") {
        let mut group = criterion.benchmark_group(format!("step {}", workload.name));
        group.throughput(Throughput::Elements(workload.rows as u64));
        group.sample_size(20).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
        let data = workload.data();

        group.bench_function("reference", |bencher| {
            let mut theta = data.theta.clone();
            bencher.iter(|| {
                let (cost, gradient) =
                    reference::gradient(&workload.architecture, &theta, &data.inputs, &data.targets, L2);
                for (theta, gradient) in theta.iter_mut().zip(gradient) {
                    *theta -= LEARNING_RATE * gradient;
                }
                black_box(cost)
            });
        });

        let (inputs, targets) = (single_precision(&data.inputs), single_precision(&data.targets));
        let mut counts = vec![1, all];
        counts.dedup();
        for threads in counts {
            let pool = ThreadPoolBuilder::new().num_threads(threads).build().expect("threads can be started");
            group.bench_function(format!("layered, threads: {threads}"), |bencher| {
                let mut theta = single_precision(&data.theta);
                let mut gradient = vec![0.0_f32; theta.len()];
                let batch = Batch::new(&workload.architecture, &inputs, &targets).expect("the workload fits itself");
                let mut engine = Layered::new(&workload.architecture).expect("there is memory for a small plan");
                pool.install(|| {
                    bencher.iter(|| {
                        let cost = engine.gradient(&theta, batch, L2, None, &mut gradient);
                        for (theta, gradient) in theta.iter_mut().zip(&gradient) {
                            *theta -= LEARNING_RATE as f32 * gradient;
                        }
                        black_box(cost)
                    });
                });
            });
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
