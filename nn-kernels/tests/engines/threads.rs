//! Threads change how soon a result is there, not one bit of it.

use crate::support::cover::quick;
use crate::support::{EngineKind, Problem, cast, engines, on_threads, poison, sample_weights};
use nn_kernels::{Activation, Architecture, Batch, Dropout, Element, Layer, Loss, threads};

/// Wide and thin outputs, several layers of odd widths, dropout in all of the hidden ones.
fn networks() -> Vec<Architecture> {
    let layers = [
        vec![
            Layer::new(65, 70, Activation::Tanh).with_dropout(0.2),
            Layer::new(70, 31, Activation::Relu).with_dropout(0.5),
            Layer::new(31, 19, Activation::Softmax),
        ],
        vec![
            Layer::new(7, 23, Activation::Gelu).with_dropout(0.1),
            Layer::new(23, 41, Activation::Sigmoid).with_dropout(0.3),
            Layer::new(41, 2, Activation::Sigmoid),
        ],
        vec![
            Layer::new(2, 4, Activation::Sigmoid).with_dropout(0.25),
            Layer::new(4, 4, Activation::Silu).with_dropout(0.25),
            Layer::new(4, 1, Activation::Sigmoid),
        ],
        // More than one chunk of parameters.
        vec![Layer::new(301, 97, Activation::Elu).with_dropout(0.5), Layer::new(97, 5, Activation::Softmax)],
    ];
    let networks = layers.into_iter().map(|layers| Architecture::new(layers, Loss::CrossEntropy).expect("valid"));
    networks.take(if quick() { 2 } else { 4 }).collect()
}

/// The bits of all that an engine computes, in steps on one engine, so that each finds the scratch of the one before.
fn bits<T: Element>(kind: &EngineKind<T>, problem: &Problem) -> Vec<u64> {
    let rows = problem.rows();
    let [theta, inputs, targets] = [&problem.theta, &problem.inputs, &problem.targets].map(|x| cast::<T>(x));
    let mut engine = kind.make(&problem.architecture);
    let plain = Batch::new(&problem.architecture, &inputs, &targets).expect("a batch");
    let order: Vec<u64> = (0..rows as u64).map(|i| i * 7 % rows as u64).collect();
    let shuffled = plain.with_order(&order).expect("an order");
    let weights = cast::<T>(&sample_weights(rows, 1));
    let weighted = shuffled.with_weights(&weights).expect("weights");
    let dropout = Some(Dropout { seed: 3, first_sample: 40 });
    let mut bits = Vec::new();
    for (batch, decay, dropout) in
        [(plain, 1.0, None), (shuffled, 0.0, dropout), (shuffled, 3.0, None), (weighted, 0.1, None)]
    {
        let mut gradient = poison::<T>(theta.len());
        let cost = engine.gradient(&theta, batch, decay, dropout, &mut gradient).expect("a step");
        bits.push(cost.to_bits());
        bits.push(engine.cost(&theta, batch, decay).expect("a cost").to_bits());
        bits.extend(gradient.iter().map(|g| g.to_f64().to_bits()));
    }
    let mut outputs = poison::<T>(targets.len());
    bits.push(engine.evaluate(&theta, weighted, 0.1, &mut outputs).expect("a cost").to_bits());
    bits.extend(outputs.iter().map(|a| a.to_f64().to_bits()));
    engine.predict(&theta, &inputs, &mut outputs).expect("predictions");
    bits.extend(outputs.iter().map(|a| a.to_f64().to_bits()));
    bits
}

fn threads_do_not_change_a_bit<T: Element>() {
    let batches: &[usize] = if quick() { &[1, 1003] } else { &[1, 2, 17, 97, 1003, 4099] };
    for architecture in networks() {
        for &rows in batches {
            let problem = Problem::new(architecture.clone(), rows, 5);
            for kind in engines::<T>() {
                let on = |threads: usize| on_threads(threads, || bits(&kind, &problem));
                let one = on(1);
                for threads in [2, 3, 8] {
                    assert!(on(threads) == one, "{} {architecture}, {rows} rows, {threads} threads", kind.name);
                }
                let alone = on_threads(2, || threads::alone(|| bits(&kind, &problem)));
                assert!(alone == one, "{} {architecture}, {rows} rows, alone", kind.name);
            }
        }
    }
}

#[test]
fn threads_do_not_change_a_bit_f32() {
    threads_do_not_change_a_bit::<f32>();
}

#[test]
fn threads_do_not_change_a_bit_f64() {
    threads_do_not_change_a_bit::<f64>();
}
