//! Predictions and costs of one batch after the other: what they are, and that they allocate nothing.
#![allow(clippy::unwrap_used, missing_docs)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use nn_train::prelude::*;
use nn_train::{Activation, Architecture, Layer, Loss};

network! { struct Net<3 => 5 tanh => 2>; }
network! { struct Wide<40 => 70 relu => 10 softmax>: f64; }

struct Counting;

thread_local! {
    /// What this thread has allocated, so that the tests beside do not count.
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
}

fn count() {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
}

// SAFETY: every call is the system allocator's, whose contract is passed on unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count();
        // SAFETY: the caller's promise.
        unsafe { System.alloc(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count();
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

/// The allocations of a call that has been made before.
fn steady(mut work: impl FnMut()) -> usize {
    work();
    work();
    let before = ALLOCATIONS.get();
    work();
    ALLOCATIONS.get() - before
}

fn on_one_thread(work: impl FnOnce() + Send) {
    rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap().install(work);
}

#[test]
fn the_second_call_allocates_nothing() {
    // With a variable in the environment a call reads it, and the system copies it.
    let environment = usize::from(std::env::var_os("NN_ISA").is_some());
    on_one_thread(move || {
        for rows in [1, 32, 100] {
            let net = Net::new(1);
            let (inputs, targets) = (vec![[0.5; 3]; rows], vec![[1.0, 0.0]; rows]);
            let mut outputs = vec![[0.0; 2]; rows];
            assert!(steady(|| net.predict_batch(&inputs, &mut outputs).unwrap()) <= environment);
            assert!(steady(|| assert!(net.cost(&inputs, &targets, 1.0).unwrap() > 0.0)) <= environment);
            // Δ alone, which is the caller's.
            assert!(steady(|| assert!(net.gradient(&inputs, &targets, 1.0).unwrap().0 > 0.0)) <= 1 + environment);

            let wide = Wide::new(1).to_dynamic();
            let (inputs, targets) = (vec![0.5; 40 * rows], vec![0.1; 10 * rows]);
            let mut outputs = vec![0.0; 10 * rows];
            assert!(steady(|| wide.predict_batch(&inputs, &mut outputs).unwrap()) <= environment);
            assert!(steady(|| assert!(wide.cost(&inputs, &targets, 1.0).unwrap() > 0.0)) <= environment);
            assert!(steady(|| wide.predict_into(&inputs[..40], &mut outputs[..10]).unwrap()) <= environment);
        }
    });
}

#[test]
fn a_predictor_allocates_nothing_up_to_its_rows() {
    on_one_thread(|| {
        let net = Wide::new(1);
        let mut predictor = net.predictor(100).unwrap();
        let (inputs, targets) = (vec![[0.5; 40]; 100], vec![[0.1; 10]; 100]);
        let mut outputs = vec![[0.0; 10]; 100];
        for rows in [100, 1, 37] {
            let (inputs, targets) = (&inputs[..rows], &targets[..rows]);
            assert_eq!(steady(|| predictor.predict_batch(inputs, &mut outputs[..rows]).unwrap()), 0, "{rows} rows");
            assert_eq!(steady(|| assert!(predictor.cost(inputs, targets, 1.0).unwrap() > 0.0)), 0, "{rows} rows");
        }
        assert_eq!(steady(|| predictor.update(&net).unwrap()), 0);
        assert_eq!(steady(|| predictor.predict_into(&inputs[0], &mut outputs[0]).unwrap()), 0);
        assert_eq!(steady(|| assert!(predictor.predict(&inputs[0])[0] > 0.0)), 0);
    });
}

/// One sample has the same bits however it is asked for, on any number of threads, and those of the parameters as they are now.
#[test]
fn one_sample_is_predicted_alike_by_all() {
    fn check<
        N: Network<Sample = [f32], Inputs = [f32], Outputs = [f32], Prediction = Result<Vec<f32>, Error>, Scalar = f32>,
    >(
        net: &mut N,
    ) {
        let (width, outputs) = (net.architecture().inputs(), net.architecture().outputs());
        let input: Vec<f32> = (0..width).map(|i| (i as f32).sin()).collect();
        let mut predictor = net.predictor(8).unwrap();
        for scale in [1.0, 0.5] {
            net.parameters_mut().iter_mut().for_each(|parameter| *parameter *= scale);
            predictor.update(net).unwrap();
            let expected = net.predict(&input).unwrap();
            assert!(expected.iter().all(|output| output.is_finite()));
            for threads in [1, 2, 3] {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
                pool.install(|| {
                    assert_eq!(predictor.predict(&input).unwrap(), expected, "{threads} threads");
                    let mut found = [vec![f32::NAN; outputs], vec![f32::NAN; outputs], vec![f32::NAN; outputs]];
                    let [into, by_predictor, by_network] = &mut found;
                    predictor.predict_into(&input, into).unwrap();
                    predictor.predict_batch(&input, by_predictor).unwrap();
                    net.predict_batch(&input, by_network).unwrap();
                    assert!(found.iter().all(|found| *found == expected), "{threads} threads");
                });
            }
        }
        // Lengths that are not the network's.
        let mut room = vec![7.0; outputs];
        assert!(predictor.predict(&input[1..]).is_err() && predictor.predict_into(&input[1..], &mut room).is_err());
        assert!(room.iter().all(|&number| number == 7.0) && predictor.predict_into(&input, &mut room[1..]).is_err());
    }
    // Small, and large enough for threads, with rows that fill no vector and parts that are not alike.
    let layer = |inputs, outputs| Layer::new(inputs, outputs, Activation::Tanh);
    for layers in [vec![layer(5, 3), layer(3, 2)], vec![layer(701, 803), layer(803, 37), layer(37, 1)]] {
        let architecture = Architecture::new(layers, Loss::Mse).unwrap();
        check(&mut DynNetwork::new(architecture, Init::default(), 1).unwrap());
    }
}

/// The same bits whether a plan is new, kept or the predictor's, and those of the parameters as they are now.
#[test]
fn kept_plans_and_predictors_give_what_the_network_gives() {
    let mut net = Net::new(1);
    let inputs: Vec<[f32; 3]> = (0..40).map(|i| [(i as f32).sin(), (i as f32).cos(), 0.1 * i as f32]).collect();
    let targets = vec![[1.0, 0.0]; 40];
    let mut predictor = net.predictor(40).unwrap();
    for round in 0..3 {
        let twin = net.to_dynamic();
        let (mut by_call, mut by_predictor, mut by_twin) = (vec![[0.0; 2]; 40], vec![[0.0; 2]; 40], vec![0.0; 80]);
        net.predict_batch(&inputs, &mut by_call).unwrap();
        predictor.update(&net).unwrap();
        predictor.predict_batch(&inputs, &mut by_predictor).unwrap();
        twin.predict_batch(inputs.as_flattened(), &mut by_twin).unwrap();
        assert_eq!(by_call, by_predictor, "round {round}");
        assert_eq!(by_call.as_flattened(), by_twin, "round {round}");
        let cost = net.cost(&inputs, &targets, 2.0).unwrap();
        assert_eq!(predictor.cost(&inputs, &targets, 2.0).unwrap(), cost);
        // On a thread of its own, which has no plan yet.
        let fresh = std::thread::scope(|scope| scope.spawn(|| net.cost(&inputs, &targets, 2.0)).join().unwrap());
        assert_eq!(fresh, Ok(cost));
        let (again, delta) = net.gradient(&inputs, &targets, 2.0).unwrap();
        assert!((again - cost).abs() < 1e-6);
        for (theta, d) in net.parameters_mut().iter_mut().zip(delta.parameters()) {
            *theta -= 0.5 * d;
        }
    }
}

#[test]
fn what_a_predictor_cannot_take_is_named() {
    let net = Net::new(1);
    let message = |result: Result<(), Error>| result.unwrap_err().to_string();
    assert_eq!(message(net.predictor(0).map(drop)), "batch_rows is 0; expected at least 1");
    let mut predictor = net.predictor(2).unwrap();
    assert_eq!(predictor.predict_batch(&[], &mut []), Err(Error::Empty { what: "inputs" }));
    assert!(matches!(predictor.predict_batch(&[[0.0; 3]], &mut []), Err(Error::Length { what: "outputs", .. })));
    assert!(matches!(predictor.cost(&[[0.0; 3]], &[[0.0; 2]], -1.0), Err(Error::Setting { name: "l2", .. })));
    assert!(matches!(predictor.cost(&[[f32::NAN; 3]], &[[0.0; 2]], 0.0), Err(Error::NonFinite { .. })));
    // More rows than it was made for are no error.
    assert_eq!(predictor.predict_batch(&[[0.0; 3]; 9], &mut [[0.0; 2]; 9]), Ok(()));

    let network = |width| {
        let layers = vec![Layer::new(2, width, Activation::Tanh), Layer::new(width, 1, Activation::Sigmoid)];
        DynNetwork::<f32>::new(Architecture::new(layers, Loss::CrossEntropy).unwrap(), Init::default(), 1).unwrap()
    };
    let mut predictor = network(3).predictor(2).unwrap();
    assert_eq!(
        message(predictor.update(&network(4))),
        "the architecture is `2 => 4 tanh => 1 sigmoid, cross_entropy`; expected \
         `2 => 3 tanh => 1 sigmoid, cross_entropy`: layer 1 is 4 wide, expected 3"
    );
    assert!(message(predictor.predict_batch(&[0.0; 3], &mut [0.0; 1])).starts_with("inputs holds 3 numbers"));
}
