//! Training batch by batch: the same bits as `fit`, and what an error leaves.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{DynDataset, DynNetwork, Quantity, StepError};

network! { struct Net<3 => 33 relu dropout(0.25) => 17 gelu => 3 softmax>; }
network! { struct Wide<6 => 400 silu => 300 => 2 linear>: f64; }
network! { struct Line<1 => 1 linear>: f64; }

const OPTIMIZERS: [Optimizer; 4] = [
    Optimizer::Sgd(Sgd::new(0.1)),
    Optimizer::Sgd(Sgd::new(0.1).momentum(0.9).nesterov(true)),
    Optimizer::Adam(Adam::new(0.01)),
    Optimizer::AdamW(AdamW::new(0.01)),
];

fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let inputs = (0..count).map(|i| std::array::from_fn(|k| ((i * 7 + k * 13) as f32).sin())).collect();
    Dataset::from_labels(inputs, &(0..count).map(|i| i % 3).collect::<Vec<_>>()).unwrap()
}

fn trainer(optimizer: Optimizer, batch_size: usize, threads: usize) -> Trainer {
    let builder = Trainer::builder().optimizer(optimizer).l2(0.01).batch_size(batch_size).epochs(2).shuffle(false);
    builder.seed(5).threads(threads).build().unwrap()
}

#[test]
fn the_batches_of_fit_give_the_same_bits() {
    let data = blobs(101);
    for optimizer in OPTIMIZERS {
        for (batch_size, threads) in [(1, 1), (7, 2), (64, 1), (101, 3)] {
            let trainer = trainer(optimizer, batch_size, threads);
            let (mut fitted, mut stepped) = (Net::new(1), Net::new(1));
            let mut dynamic = stepped.to_dynamic();
            let history = trainer.fit(&mut fitted, &data, None).unwrap();

            let batches = || data.inputs().chunks(batch_size).zip(data.targets().chunks(batch_size));
            let mut stepper = trainer.stepper(&mut stepped).unwrap();
            // The first epoch with a hand-over a step, the second with one for all.
            let first: f64 = batches().map(|(xs, ys)| stepper.step(xs, ys).unwrap() * xs.len() as f64).sum();
            let second: f64 = stepper
                .install(|stepper| batches().map(|(xs, ys)| stepper.step(xs, ys).unwrap() * xs.len() as f64).sum());
            assert_eq!(stepper.taken(), 2 * data.len().div_ceil(batch_size));
            stepper.finish();
            assert_eq!([first / 101.0, second / 101.0], [history[0].cost, history[1].cost]);
            assert_eq!(stepped, fitted, "{optimizer:?}, {batch_size}, {threads} threads");

            let mut stepper = trainer.stepper(&mut dynamic).unwrap();
            for _ in 0..2 {
                for (xs, ys) in batches() {
                    stepper.step(xs.as_flattened(), ys.as_flattened()).unwrap();
                }
            }
            drop(stepper);
            assert_eq!(dynamic.parameters(), fitted.parameters());
        }
    }
}

#[test]
fn a_large_network_is_stepped_as_it_is_fitted() {
    let inputs: Vec<[f64; 6]> = (0..40).map(|i| std::array::from_fn(|k| ((i * 7 + k) as f64).sin())).collect();
    let targets = inputs.iter().map(|x| [x[0] * x[1], x[2] + x[3]]).collect();
    let data = Dataset::new(inputs, targets).unwrap();
    for threads in [1, 2] {
        let trainer = trainer(AdamW::default().into(), 16, threads);
        let (mut fitted, mut stepped) = (Wide::new(1), Wide::new(1));
        trainer.fit(&mut fitted, &data, None).unwrap();
        let mut stepper = trainer.stepper(&mut stepped).unwrap();
        for _ in 0..2 {
            for (xs, ys) in data.inputs().chunks(16).zip(data.targets().chunks(16)) {
                stepper.step(xs, ys).unwrap();
            }
        }
        drop(stepper);
        assert!(fitted.parameters() == stepped.parameters(), "{threads} threads");
    }
}

#[test]
fn the_network_can_be_looked_at_between_steps() {
    let (xs, ys) = ([[1.0], [2.0]], [[2.0], [5.0]]);
    let trainer = Trainer::builder().optimizer(Sgd::new(0.1)).batch_size(2).build().unwrap();
    let (mut net, mut by_hand) = (Line::new(1), Line::new(1));
    let start = net.clone();
    let mut stepper = trainer.stepper(&mut net).unwrap();
    assert_eq!(stepper.network(), &start);
    for _ in 0..5 {
        let (expected, delta) = by_hand.gradient(&xs, &ys, 0.0).unwrap();
        for (theta, d) in by_hand.parameters_mut().iter_mut().zip(delta.parameters()) {
            *theta -= 0.1 * d;
        }
        assert_eq!(stepper.step(&xs, &ys), Ok(expected));
        assert_eq!(stepper.network(), &by_hand);
    }
    assert!(stepper.explain().to_string().contains("batches of 2"));
    assert_eq!(format!("{stepper:?}"), "Stepper { network: \"Line\", taken: 5, .. }");
    // Looked at, and stepped on: what is dropped has been written back all the same.
    let last = stepper.step(&xs, &ys).unwrap();
    assert!(last > 0.0);
    drop(stepper);
    assert_ne!(net, by_hand);
}

#[test]
fn samples_by_their_indices_give_the_same_bits_as_copies_of_them() {
    let data = blobs(101);
    let dynamic_data = DynDataset::from(data.clone());
    // Backwards in strides, some twice.
    let order: Vec<u32> = (0..150).map(|i| 100 - i * 7 % 101).collect();
    for (batch_size, threads) in [(1, 1), (64, 2), (101, 3)] {
        let trainer = trainer(Adam::new(0.01).into(), batch_size, threads);
        let (mut copied, mut indexed) = (Net::new(1), Net::new(1));
        let mut dynamic = indexed.to_dynamic();
        let mut costs = [Vec::new(), Vec::new(), Vec::new()];
        {
            let mut stepper = trainer.stepper(&mut copied).unwrap();
            for indices in order.chunks(batch_size) {
                let batch = data.subset(&indices.iter().map(|&i| i as usize).collect::<Vec<_>>()).unwrap();
                costs[0].push(stepper.step(batch.inputs(), batch.targets()).unwrap());
            }
            let mut stepper = trainer.stepper(&mut indexed).unwrap();
            costs[1].extend(order.chunks(batch_size).map(|indices| stepper.step_at(&data, indices).unwrap()));
            let mut stepper = trainer.stepper(&mut dynamic).unwrap();
            stepper.install(|stepper| {
                let step = |indices| stepper.step_at(&dynamic_data, indices).unwrap();
                costs[2].extend(order.chunks(batch_size).map(step));
            });
        }
        assert!(costs[0] == costs[1] && costs[0] == costs[2], "{batch_size}, {threads} threads");
        assert_eq!(indexed, copied);
        assert_eq!(dynamic.parameters(), copied.parameters());
    }
}

#[test]
fn indices_that_name_no_sample_are_refused() {
    let data = blobs(8);
    let trainer = trainer(Adam::default().into(), 4, 1);
    let mut net = Net::new(1);
    let (before, mut dynamic) = (net.clone(), net.to_dynamic());
    let mut stepper = trainer.stepper(&mut net).unwrap();
    assert_eq!(stepper.step_at(&data, &[]), Err(Error::Empty { what: "indices" }));
    assert_eq!(stepper.step_at(&data, &[0, 8, 9]), Err(Error::Index { index: 8, len: 8 }));
    assert_eq!(stepper.taken(), 0);
    drop(stepper);
    assert_eq!(net, before);

    let narrow = DynDataset::new(vec![0.0; 4], 2, vec![0.0; 6], 3).unwrap();
    let error = Error::Width { what: "inputs", expected: 3, found: 2 };
    assert_eq!(trainer.stepper(&mut dynamic).unwrap().step_at(&narrow, &[0]), Err(error));
}

#[test]
fn batches_larger_than_planned_are_taken() {
    let data = blobs(101);
    let net = |batch_size| {
        let mut net = Net::new(1);
        let trainer = trainer(Adam::default().into(), batch_size, 2);
        let mut stepper = trainer.stepper(&mut net).unwrap();
        stepper.step(data.inputs(), data.targets()).unwrap();
        drop(stepper);
        net
    };
    // The same engine for both, or bits could differ.
    assert_eq!(net(64), net(101));
}

#[test]
fn what_is_refused_leaves_all_as_it_was() {
    let data = blobs(8);
    let (xs, ys) = (data.inputs(), data.targets());
    for optimizer in OPTIMIZERS {
        let trainer = trainer(optimizer, 8, 1);
        let (mut net, mut undisturbed) = (Net::new(1), Net::new(1));
        let mut dynamic = net.to_dynamic();
        let mut nan = xs.to_vec();
        nan[3][1] = f32::NAN;
        let mut infinite = ys.to_vec();
        infinite[5][0] = f32::INFINITY;
        {
            let mut stepper = trainer.stepper(&mut undisturbed).unwrap();
            (0..6).for_each(|_| assert!(stepper.step(xs, ys).is_ok()));
        }
        let mut stepper = trainer.stepper(&mut net).unwrap();
        for step in 1..=6 {
            assert_eq!(stepper.step(&[], &[]), Err(Error::Empty { what: "inputs" }));
            let error = Error::Length { what: "targets", expected: 8, found: 7 };
            assert_eq!(stepper.step(xs, &ys[..7]), Err(error));
            for (xs, ys) in [(&nan[..], ys), (xs, &infinite[..])] {
                match stepper.step(xs, ys) {
                    Err(Error::Diverged { epoch: None, step: found, .. }) => assert_eq!(found, step),
                    other => panic!("{optimizer:?}: {other:?}"),
                }
            }
            assert!(stepper.step(xs, ys).is_ok());
            assert_eq!(stepper.taken(), step);
        }
        drop(stepper);
        assert_eq!(net, undisturbed, "{optimizer:?}");

        let before = dynamic.clone();
        let mut stepper = trainer.stepper(&mut dynamic).unwrap();
        let refused = |stepper: &mut nn_train::Stepper<'_, DynNetwork<f32>>, inputs: &[f32], targets: &[f32]| {
            stepper.step(inputs, targets).unwrap_err()
        };
        let error = StepError::Ragged { what: "inputs", len: 7, width: 3 };
        assert_eq!(refused(&mut stepper, &[0.0; 7], &[0.0; 6]), error.into());
        let error = StepError::Ragged { what: "targets", len: 5, width: 3 };
        assert_eq!(refused(&mut stepper, &[0.0; 6], &[0.0; 5]), error.into());
        let error = Error::Length { what: "targets", expected: 2, found: 0 };
        assert_eq!(refused(&mut stepper, &[0.0; 6], &[]), error);
        let error = Error::Length { what: "targets", expected: 2, found: 3 };
        assert_eq!(refused(&mut stepper, &[0.0; 6], &[0.0; 9]), error);
        assert_eq!(refused(&mut stepper, &[], &[]), Error::Empty { what: "inputs" });
        drop(stepper);
        assert_eq!(dynamic, before);
    }
}

/// The cost is finite, and so is the gradient of 1e160, but neither its square nor a step along it.
#[test]
fn an_update_that_overflows_ends_what_has_a_memory() {
    let (large, small) = (([[1e160]], [[0.0]]), ([[1e-3]], [[0.0]]));
    let diverged = |step| Error::Diverged { epoch: None, step, layer: 1, quantity: Quantity::Update };
    for (optimizer, goes_on) in [(Optimizer::from(Sgd::new(1e200)), true), (Adam::default().into(), false)] {
        let trainer = Trainer::builder().optimizer(optimizer).batch_size(1).build().unwrap();
        let mut net = Line::zeros();
        net.layer1_mut().weights[0][0] = 1e-160;
        let before = net.clone();
        let mut stepper = trainer.stepper(&mut net).unwrap();
        assert_eq!(stepper.step(&large.0, &large.1), Err(diverged(1)), "{optimizer:?}");
        assert_eq!(stepper.network(), &before);
        let next = stepper.step(&small.0, &small.1);
        match goes_on {
            true => assert!(next.is_ok(), "{next:?}"),
            false => assert_eq!(next, Err(diverged(1))),
        }
        let taken = stepper.taken();
        assert_eq!(taken, usize::from(goes_on));
        drop(stepper);
        assert_eq!(net == before, !goes_on);
    }
    let message =
        "step 3: the optimiser's update of Θ^(1) is not finite; the parameters are as they were before the step";
    assert_eq!(diverged(3).to_string(), message);
}

#[test]
fn what_cannot_be_had_is_refused_before_the_first_step() {
    let mut net = Wide::new(1).to_dynamic();
    let trainer = Trainer::builder().engine(nn_train::EngineKind::Narrow).build().unwrap();
    let Err(Error::Step(StepError::Unsuited { .. })) = trainer.stepper(&mut net) else {
        panic!("the narrow engine takes no such network")
    };
    let trainer =
        Trainer::builder().engine(nn_train::EngineKind::Tile).gemm(nn_train::GemmKind::Packed).build().unwrap();
    let Err(Error::Step(StepError::UnusedGemm { .. })) = trainer.stepper(&mut net) else {
        panic!("the tile engine has products of its own")
    };
    for gemm in nn_train::GemmKind::available() {
        let stepper = Trainer::builder().gemm(gemm).build().unwrap();
        let stepper = stepper.stepper(&mut net).expect("the layered engine takes any network");
        assert_eq!(stepper.explain().gemm, Some(gemm));
    }
    // It is data sets that refuse NaN; a stepper finds it by its cost.
    assert!(DynDataset::new(vec![f32::NAN], 1, vec![0.0], 1).is_err());
}
