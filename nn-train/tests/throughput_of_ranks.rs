//! Several processes that time their steps together, as threads of this one.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::collective::Collective;
use nn_train::prelude::*;
use nn_train::throughput::{Samples, Throughput};

#[path = "support/ranks.rs"]
mod ranks;
use ranks::on_ranks;

/// They take as many steps, though one has fewer rows than another or none, and the figures are those of all.
#[test]
fn ranks_measure_together() {
    let architecture: Architecture = "5 => 16 relu => 3 softmax".parse().unwrap();
    let all = on_ranks(3, |rank| {
        let rows = [64, 17, 0][rank.rank()];
        let mut net: DynNetwork<f32> = DynNetwork::new(architecture.clone(), Init::default(), 1).unwrap();
        let trainer = Trainer::builder().batch_size(81).threads(1).collective(rank).build().unwrap();
        let samples = Samples::random(&architecture, rows).unwrap();
        let measured = Throughput::measure(&trainer, &mut net, &samples, 3, 0.002).unwrap();
        let bits: Vec<u32> = net.parameters().iter().map(|theta| theta.to_bits()).collect();
        (measured, bits)
    });
    let (first, theta) = &all[0];
    assert_eq!((first.rows, first.step_flops), (81, architecture.step_flops(81)));
    assert!(first.seconds.len() == 3 && first.seconds.iter().all(|&seconds| seconds > 0.0) && first.peak > 0.0);
    for (measured, bits) in &all {
        assert_eq!((&measured.seconds, measured.steps, measured.peak), (&first.seconds, first.steps, first.peak));
        assert!(bits == theta, "as many steps on all");
    }
}
