//! What allocates, and what does not: a training step and a single prediction, once they are under way.
#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use nn_train::TrainerBuilder;
use nn_train::prelude::*;

network! { struct Net<12 => 33 relu dropout(0.2) => 17 => 5 softmax>; }
network! { struct Wide<8 => 300 silu => 120 => 2 linear>: f64; }

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is the system allocator's, whose contract is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promise.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The fewest allocations in three epochs running. The first epochs are when buffers come to be, and a thread that
/// wakes late makes its own, and rayon's, even later; but what a step allocates is allocated in every one of them.
fn steady<N: Declared>(net: &mut N, data: &nn_train::DatasetOf<N>, trainer: &Trainer) -> usize {
    let mut epochs = trainer.run(net, data).unwrap().validation(data).unwrap();
    let mut window = || {
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        for _ in 0..3 {
            epochs.next().unwrap().unwrap();
        }
        ALLOCATIONS.load(Ordering::Relaxed) - before
    };
    (0..20).map(|_| window()).find(|&allocations| allocations == 0).unwrap_or_else(window)
}

/// One test, so that no other runs beside it and allocates too.
/// The fewest allocations in a hundred steps running, on full batches and on smaller ones.
fn steady_steps<N: Declared>(net: &mut N, data: &nn_train::DatasetOf<N>, trainer: &Trainer, size: usize) -> usize {
    let mut session = trainer.session(net).unwrap();
    session.install(|session| {
        let mut window = || {
            let before = ALLOCATIONS.load(Ordering::Relaxed);
            for (xs, ys) in data.inputs().chunks(size).zip(data.targets().chunks(size)).cycle().take(100) {
                session.step(xs, ys).unwrap();
            }
            ALLOCATIONS.load(Ordering::Relaxed) - before
        };
        (0..20).map(|_| window()).find(|&allocations| allocations == 0).unwrap_or_else(window)
    })
}

#[test]
fn nothing_is_allocated_in_the_steady_state() {
    let inputs: Vec<[f32; 12]> = (0..211).map(|i| std::array::from_fn(|k| ((i * 5 + k) as f32).sin())).collect();
    let labels: Vec<usize> = (0..211).map(|i| i % 5).collect();
    let data = Dataset::from_labels(inputs, &labels).unwrap();
    let rows: Vec<[f64; 8]> = (0..50).map(|i| std::array::from_fn(|k| ((i * 5 + k) as f64).sin())).collect();
    let wide = Dataset::new(rows, vec![[0.5, -0.5]; 50]).unwrap();

    type Choice = (&'static str, fn(TrainerBuilder) -> TrainerBuilder);
    let optimizers: [Choice; 7] = [
        ("sgd", |builder| builder.optimizer(Sgd::default())),
        ("momentum", |builder| builder.optimizer(Sgd::default().momentum(0.9))),
        ("adam", |builder| builder.optimizer(Adam::default())),
        ("adamw", |builder| builder.optimizer(AdamW::default())),
        ("rmsprop", |builder| builder.optimizer(RmsProp::default().centered(true).momentum(0.9))),
        ("l1 and clipping by value", |builder| builder.l1(0.01).clip_value(0.1)),
        ("clipping by norm", |builder| builder.l1(0.01).clip_norm(0.1)),
    ];
    for (name, optimizer) in optimizers {
        for threads in [1, 2] {
            for batch_size in [10, 128, 211] {
                let trainer = optimizer(Trainer::builder()).batch_size(batch_size).epochs(70).threads(threads);
                let trainer = trainer.build().unwrap();
                assert_eq!(steady(&mut Net::new(1), &data, &trainer), 0, "{name} × {threads}, {batch_size}");
                let found = steady_steps(&mut Net::new(1), &data, &trainer, batch_size);
                assert_eq!(found, 0, "{name} × {threads}, {batch_size}, step by step");
            }
            // Enough parameters for the optimiser to divide them.
            let trainer = optimizer(Trainer::builder()).batch_size(20).epochs(70).threads(threads);
            let trainer = trainer.build().unwrap();
            assert_eq!(steady(&mut Wide::new(1), &wide, &trainer), 0, "{name} × {threads}, wide");
            let found = steady_steps(&mut Wide::new(1), &wide, &trainer, 20);
            assert_eq!(found, 0, "{name} × {threads}, wide, step by step");
        }
    }

    let trainer = Trainer::builder().label_smoothing(0.1).batch_size(20).epochs(70).threads(2).build().unwrap();
    for weighted in [false, true] {
        let data = data.clone();
        let data = if weighted { data.with_weights(vec![2.0; 211]).unwrap() } else { data };
        assert_eq!(steady(&mut Net::new(1), &data, &trainer), 0, "smoothed targets");
        assert_eq!(steady_steps(&mut Net::new(1), &data, &trainer, 20), 0, "smoothed targets, step by step");
    }

    let net = Net::new(1);
    let x = data.inputs()[0];
    let first = net.predict(&x);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for _ in 0..100 {
        assert_eq!(net.predict(&x), first);
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
}
