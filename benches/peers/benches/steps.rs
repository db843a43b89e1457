//! One training step of every standard workload in nn-train, burn and candle, in samples a second.
//!
//! `cargo bench -- wide` times those with `wide` in their names; `RAYON_NUM_THREADS=1 cargo bench` holds all three to
//! one thread. Their default is one for each core.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nn_benches::Workload;
use nn_peers::{Peer, Problem, with_library};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn steps(criterion: &mut Criterion) {
    let threads = rayon::current_num_threads();
    let plural = if threads == 1 { "" } else { "s" };
    let named = |system: &str| format!("{system}, {threads} thread{plural}");
    for workload in Workload::standard() {
        let problem = Problem::new(workload).expect("there is memory for a standard workload");
        let mut group = criterion.benchmark_group(&problem.workload.name);
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Elements(problem.rows() as u64));
        group.bench_function(named("nn-train"), |bencher| {
            with_library(&problem, threads, |library| bencher.iter(|| library.step().expect("the step is finite")))
                .expect("the library can do a standard workload");
        });
        for peer in Peer::ALL {
            group.bench_function(named(peer.name()), |bencher| {
                let mut system = peer.prepare(&problem).expect("so can the peers");
                bencher.iter(|| system.step().expect("the step is finite"));
            });
        }
        group.finish();
    }
}

criterion_group!(benches, steps);
criterion_main!(benches);
