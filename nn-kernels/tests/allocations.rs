//! A step in the steady state allocates nothing. Alone in its binary: the count is of the whole process.

mod support;

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, Layer, Loss, Span, predict_one};
use support::{EngineKind, Memory, Problem, Rule, cast, engines, in_bfloat16, on_threads};

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.dealloc(ptr, layout) }
    }

    unsafe fn realloc(&self, ptr: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::SeqCst);
        // SAFETY: the caller's guarantees are passed on.
        unsafe { System.realloc(ptr, layout, new_size) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// Steps of every kind, after some to warm up; called from inside a pool.
fn allocations_of_steps<T: Element>(kind: &EngineKind<T>, problem: &Problem, steps: usize) -> usize {
    let architecture = &problem.architecture;
    let [theta, inputs, targets] = [&problem.theta, &problem.inputs, &problem.targets].map(|x| cast::<T>(x));
    let rows = problem.rows();
    let order: Vec<u64> = (0..rows as u64).rev().collect();
    let mut engine = kind.make_bare(architecture);
    let [mut own, mut gradient] = [(); 2].map(|()| vec![T::ZERO; engine.params()]);
    let mut memory = Memory::new(engine.params());
    engine.import(&theta, &mut own).expect("lengths as asked for");
    let mut outputs = vec![T::ZERO; targets.len()];
    let mut scratch = Vec::new();
    let weights = cast::<T>(&support::sample_weights(rows, 1));
    let mut step = |i: usize| {
        let batch = Batch::new(architecture, &inputs, &targets).expect("a batch");
        let batch = batch.with_order(&order[..rows - i % 3]).expect("an order");
        let batch = if i.is_multiple_of(2) { batch } else { batch.with_weights(&weights).expect("weights") };
        let dropout = Some(Dropout { seed: 1, first_sample: i as u64 });
        engine.gradient(&own, batch, 1.0, dropout, &mut gradient).expect("a gradient");
        let span = Span::new(&own, &mut gradient).with_slots(memory.slots());
        engine.step(batch, 1.0, dropout, &Rule { minds_part: i.is_multiple_of(2) }, span).expect("a step");
        engine.cost(&own, batch, 1.0).expect("a cost");
        let taken = batch.rows() * architecture.outputs();
        engine.evaluate(&own, batch, 1.0, &mut outputs[..taken]).expect("a cost and outputs");
        engine.predict(&own, &inputs, &mut outputs).expect("predictions");
        let (x, out) = (&inputs[..architecture.inputs()], &mut outputs[..architecture.outputs()]);
        predict_one(architecture, &theta, x, out, &mut scratch).expect("a prediction");
    };
    (0..12).for_each(&mut step);
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    (0..steps).for_each(step);
    ALLOCATIONS.load(Ordering::SeqCst) - before
}

#[test]
fn steps_allocate_nothing() {
    let layers = vec![
        Layer::new(64, 32, Activation::Relu).with_dropout(0.2),
        Layer::new(32, 16, Activation::Gelu),
        Layer::new(16, 10, Activation::Softmax),
    ];
    let small = Problem::new(Architecture::new(layers, Loss::CrossEntropy).expect("valid"), 1500, 1);
    // More than one chunk of parameters, more than one block of K, and accumulators.
    let layers = vec![Layer::new(300, 80, Activation::Sigmoid), Layer::new(80, 3, Activation::Tanh)];
    let wide = Problem::new(Architecture::new(layers, Loss::Mse).expect("valid"), 400, 2);
    let layers = vec![Layer::new(2, 4, Activation::Tanh).with_dropout(0.1), Layer::new(4, 1, Activation::Sigmoid)];
    let thin = Problem::new(Architecture::new(layers, Loss::CrossEntropy).expect("valid"), 3000, 3);
    let few = Problem::new(wide.architecture.clone(), 20, 4);
    let before = ALLOCATIONS.load(Ordering::SeqCst);
    drop(vec![0_u8; 10]);
    assert_eq!(ALLOCATIONS.load(Ordering::SeqCst) - before, 1, "the count counts");
    for threads in [1, 2] {
        for problem in [&small, &wide, &thin] {
            allocate_nothing::<f32>(threads, problem, &engines());
            allocate_nothing::<f64>(threads, problem, &engines());
        }
        allocate_nothing(threads, &few, &[in_bfloat16()]);
    }
}

fn allocate_nothing<T: Element>(threads: usize, problem: &Problem, kinds: &[EngineKind<T>]) {
    for kind in kinds {
        // A pool's thread makes buffers of its own when it wakes for the first time, which on a busy machine may be
        // late. An allocation of a step's would be seen in every window.
        let window = || on_threads(threads, || allocations_of_steps(kind, problem, 18));
        let count = (0..5).map(|_| window()).find(|&count| count == 0).unwrap_or_else(window);
        assert_eq!(count, 0, "{} {} on {threads} threads", kind.name, problem.architecture);
    }
}
