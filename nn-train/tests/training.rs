//! Training: what it learns, what it refuses, and that threads change no bit of it.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{EngineKind, Quantity, TrainerBuilder};

network! { struct Xor<2 => 4 tanh => 1>; }
network! { struct Softmax<3 => 40 relu dropout(0.25) => 17 gelu dropout(0.1) => 3 softmax>; }
network! { struct Line<1 => 1 linear>: f64; }
network! { struct Tanh<3 => 37 tanh => 5 tanh => 2 linear>: f64; }
network! { struct Wide<6 => 400 silu => 300 => 2 linear>; }

/// An optimiser and its rate, by name.
type Choice = (&'static str, fn(TrainerBuilder) -> TrainerBuilder);

/// Points in three blobs.
fn blobs(count: usize) -> Dataset<[f32; 3], [f32; 3]> {
    let point = |index: usize| {
        let class = index % 3;
        let noise = |k: usize| ((index * 7 + k * 13) as f32).sin() * 0.6;
        let mut point = [noise(0), noise(1), noise(2)];
        point[class] += 1.0;
        point
    };
    let labels: Vec<usize> = (0..count).map(|index| index % 3).collect();
    Dataset::from_labels((0..count).map(point).collect(), &labels).unwrap()
}

fn xor() -> Dataset<[f32; 2], [f32; 1]> {
    Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0]).unwrap()
}

/// Samples of y = 3x - 1.
fn line(count: usize) -> Dataset<[f64; 1], [f64; 1]> {
    let xs: Vec<[f64; 1]> = (0..count).map(|index| [index as f64 / count as f64]).collect();
    let ys = xs.iter().map(|[x]| [3.0 * x - 1.0]).collect();
    Dataset::new(xs, ys).unwrap()
}

#[test]
fn xor_is_learned() {
    let data = xor();
    let trainer = Trainer::builder().learning_rate(0.05).batch_size(4).epochs(500).build().unwrap();
    for seed in 1..=5 {
        let mut net = Xor::new(seed);
        let history = trainer.fit(&mut net, &data, Some(&data)).unwrap();
        assert_eq!(history.len(), 500);
        let last = history.last().unwrap();
        assert!(last.cost < 0.05, "seed {seed}: {last}");
        assert_eq!(last.accuracy, Some(1.0));
        assert_eq!(metrics::accuracy(&net, &data), Ok(1.0));
    }
}

#[test]
fn a_line_is_found_by_each_optimiser() {
    let data = line(50);
    let optimizers: [Choice; 11] = [
        ("sgd", |builder| builder.optimizer(Sgd::default()).learning_rate(0.3)),
        ("momentum", |builder| builder.optimizer(Sgd::default().momentum(0.9)).learning_rate(0.1)),
        ("nesterov", |builder| builder.optimizer(Sgd::default().momentum(0.9).nesterov(true)).learning_rate(0.1)),
        ("adam", |builder| builder.optimizer(Adam::default()).learning_rate(0.05)),
        ("adamw", |builder| builder.optimizer(AdamW::default().weight_decay(0.0)).learning_rate(0.05)),
        ("amsgrad", |builder| builder.optimizer(Adam::default().amsgrad(true)).learning_rate(0.05)),
        // These two take steps of the size of the rate to the end, so it must fall.
        ("rmsprop", |builder| {
            builder.optimizer(RmsProp::default()).schedule(|step| 0.05 * 0.995_f64.powi(step as i32))
        }),
        ("lion", |builder| builder.optimizer(Lion::default()).schedule(|step| 0.05 * 0.995_f64.powi(step as i32))),
        ("centred", |builder| builder.optimizer(RmsProp::default().centered(true).epsilon(0.1)).learning_rate(0.02)),
        ("adagrad", |builder| builder.optimizer(Adagrad::default()).learning_rate(0.5)),
        ("rprop", |builder| builder.optimizer(Rprop::default()).batch_size(50)),
    ];
    for (name, optimizer) in optimizers {
        let mut net = Line::new(1);
        let trainer = optimizer(Trainer::builder().batch_size(10)).epochs(300).build().unwrap();
        trainer.fit(&mut net, &data, None).unwrap();
        let ([weight], [bias]) = (net.layer1().weights[0], net.layer1().bias);
        assert!((weight - 3.0).abs() < 1e-3 && (bias + 1.0).abs() < 1e-3, "{name}: {weight} x + {bias}");
    }
}

/// Steps by hand, with the gradient of the public interface, against steps of the trainer.
#[test]
fn an_epoch_is_its_steps() {
    let data = line(10);
    let mut net = Line::new(3);
    let mut by_hand = net.clone();
    let trainer =
        Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).l2(0.5).batch_size(4).epochs(2).shuffle(false);
    let history = trainer.build().unwrap().fit(&mut net, &data, Some(&data)).unwrap();
    let mut costs = Vec::new();
    for _ in 0..2 {
        let mut sum = 0.0;
        // The last batch is what is left; λ is divided by 4 there too.
        for rows in [0..4, 4..8, 8..10] {
            let (xs, ys) = (&data.inputs()[rows.clone()], &data.targets()[rows.clone()]);
            let (cost, delta) = by_hand.gradient(xs, ys, 0.5 * rows.len() as f64 / 4.0).unwrap();
            sum += cost * rows.len() as f64;
            for (theta, d) in by_hand.parameters_mut().iter_mut().zip(delta.parameters()) {
                *theta -= 0.1 * d;
            }
        }
        costs.push(sum / 10.0);
    }
    assert_eq!(net.parameters(), by_hand.parameters());
    for (epoch, cost) in history.iter().zip(costs) {
        // The run's sum is compensated.
        assert!((epoch.cost - cost).abs() <= 1e-15 * cost, "{cost} and {epoch}");
    }
    let validation = by_hand.cost(data.inputs(), data.targets(), 0.0).unwrap();
    // The forward pass sums the samples' costs in blocks of its own, so the last bit may differ.
    let measured = history[1].validation_cost.unwrap();
    assert!((measured - validation).abs() <= 1e-14 * validation, "{measured} and {validation}");
    assert_eq!(history[1].accuracy, None);
}

/// Costs of k²/8192 are exact in f32, and so is their sum over all samples in whole numbers. Ten million of them summed in
/// f32 are off in the third digit.
#[test]
fn the_cost_of_ten_million_samples_does_not_drift() {
    const PERIOD: u64 = 127;
    const SAMPLES: u64 = PERIOD * 80_000;
    let period: Vec<f32> = (1..=PERIOD).map(|k| k as f32 / 64.0).collect();
    let exact = (1..=PERIOD).map(|k| k * k).sum::<u64>() as f64 / 8192.0 / PERIOD as f64;
    let targets = period.repeat((SAMPLES / PERIOD) as usize);
    let plain = targets.iter().map(|y| 0.5 * y * y).sum::<f32>() / SAMPLES as f32;
    assert!((f64::from(plain) / exact - 1.0).abs() > 1e-3, "{plain}, {exact}");

    let data = DynDataset::new(vec![0.0; targets.len()], 1, targets, 1).unwrap();
    let mut net = DynNetwork::zeros("1 => 1 linear".parse().unwrap()).unwrap();
    let whole = net.cost_on(&data, 0.0).unwrap();
    assert!((whole / exact - 1.0).abs() < 1e-7, "all at once: {whole}, {exact}");
    // At the rate 0 the network stays as it is.
    let trainer =
        Trainer::builder().optimizer(Sgd::default()).schedule(|_| 0.0).batch_size(1000).shuffle(false).epochs(1);
    let cost = trainer.build().unwrap().fit(&mut net, &data, None).unwrap()[0].cost;
    assert!((cost / exact - 1.0).abs() < 1e-7, "step by step: {cost}, {exact}");
}

/// A shuffled run is a run over the data in that order.
#[test]
fn the_first_epoch_goes_through_the_shuffled_data() {
    let data = line(23);
    let trainer = |shuffle| Trainer::builder().batch_size(5).epochs(1).seed(9).shuffle(shuffle).build().unwrap();
    let (mut shuffled, mut in_order) = (Line::new(1), Line::new(1));
    trainer(true).fit(&mut shuffled, &data, None).unwrap();
    trainer(false).fit(&mut in_order, &data.shuffled(9), None).unwrap();
    assert_eq!(shuffled, in_order);
    trainer(false).fit(&mut in_order, &data, None).unwrap();
    assert_ne!(shuffled, in_order);
}

#[test]
fn a_batch_larger_than_the_data_is_all_of_it() {
    let data = line(10);
    let train = |batch_size| {
        let mut net = Line::new(1);
        Trainer::builder().batch_size(batch_size).build().unwrap().fit(&mut net, &data, None).unwrap();
        net
    };
    assert_eq!(train(10), train(usize::MAX));
}

#[test]
fn threads_change_no_bit() {
    let data = blobs(333);
    let optimizers: [Choice; 9] = [
        ("sgd", |builder| builder.optimizer(Sgd::default()).learning_rate(0.1)),
        ("nesterov", |builder| builder.optimizer(Sgd::default().momentum(0.9).nesterov(true)).learning_rate(0.1)),
        ("adam", |builder| builder.optimizer(Adam::default())),
        ("adamw", |builder| builder.optimizer(AdamW::default())),
        ("amsgrad", |builder| builder.optimizer(Adam::default().amsgrad(true))),
        ("rmsprop", |builder| builder.optimizer(RmsProp::default().centered(true).momentum(0.9))),
        ("adagrad", |builder| builder.optimizer(Adagrad::default())),
        ("lion", |builder| builder.optimizer(Lion::default().weight_decay(0.1))),
        ("rprop", |builder| builder.optimizer(Rprop::default())),
    ];
    for (name, optimizer) in optimizers {
        for batch_size in [7, 128, 333] {
            let train = |threads| {
                let trainer = optimizer(Trainer::builder()).l2(0.01).batch_size(batch_size).epochs(2);
                let mut net = Softmax::new(1);
                let history = trainer.seed(5).threads(threads).build().unwrap().fit(&mut net, &data, Some(&data));
                let costs =
                    history.unwrap().iter().map(|e| (e.cost, e.validation_cost, e.accuracy)).collect::<Vec<_>>();
                (net, costs)
            };
            let (net, costs) = train(1);
            for threads in [2, 3, 8] {
                let (other, others_costs) = train(threads);
                assert_eq!(net.parameters(), other.parameters(), "{name}, {batch_size}, {threads} threads");
                assert_eq!(costs, others_costs);
            }
        }
    }
}

/// As above with 123,000 parameters, which the optimisers divide among threads.
#[test]
fn threads_change_no_bit_of_a_large_network() {
    let inputs: Vec<[f32; 6]> = (0..40).map(|i| [0, 1, 2, 3, 4, 5].map(|k| ((i * 7 + k) as f32).sin())).collect();
    let targets = inputs.iter().map(|x| [x[0] * x[1], x[2] + x[3]]).collect();
    let data = Dataset::new(inputs, targets).unwrap();
    let train = |threads| {
        let mut net = Wide::new(1);
        let trainer = Trainer::builder().optimizer(AdamW::default()).batch_size(16).epochs(2).threads(threads);
        trainer.build().unwrap().fit(&mut net, &data, None).unwrap();
        net
    };
    let net = train(1);
    for threads in [2, 3, 8] {
        assert!(net.parameters() == train(threads).parameters(), "{threads} threads");
    }
}

/// Engines pad their layouts in ways of their own, and update parameters where they are in cache.
#[test]
fn every_engine_takes_each_optimisers_steps() {
    let inputs: Vec<[f64; 3]> = (0..24).map(|i| [0, 1, 2].map(|k| ((i * 7 + k) as f64).sin())).collect();
    let targets = inputs.iter().map(|x| [x[0] * x[1], x[2]]).collect();
    let data = Dataset::new(inputs, targets).unwrap();
    let optimizers: [Choice; 7] = [
        ("nesterov", |builder| builder.optimizer(Sgd::default().momentum(0.9).nesterov(true)).learning_rate(0.1)),
        ("adamw", |builder| builder.optimizer(AdamW::default())),
        ("amsgrad", |builder| builder.optimizer(AdamW::default().amsgrad(true))),
        ("rmsprop", |builder| builder.optimizer(RmsProp::default().epsilon(0.01).centered(true).momentum(0.9))),
        ("adagrad", |builder| builder.optimizer(Adagrad::default().initial_accumulator_value(0.1))),
        ("lion", |builder| builder.optimizer(Lion::default().weight_decay(0.1))),
        ("rprop", |builder| builder.optimizer(Rprop::default())),
    ];
    for (name, optimizer) in optimizers {
        let train = |engine, threads| {
            let builder = optimizer(Trainer::builder()).engine(engine).batch_size(24).epochs(20).threads(threads);
            let mut net = Tanh::new(1);
            builder.build().unwrap().fit(&mut net, &data, None).unwrap();
            net
        };
        let expected = train(EngineKind::Tile, 1);
        for engine in EngineKind::ALL {
            let net = train(engine, 1);
            let differences = net.parameters().iter().zip(expected.parameters()).map(|(a, b)| (a - b).abs());
            let most = differences.fold(0.0, f64::max);
            assert!(most < 1e-11, "{name}, {engine}: {most:e}");
            for threads in [2, 3] {
                assert_eq!(net, train(engine, threads), "{name}, {engine}, {threads} threads");
            }
        }
    }
}

#[test]
fn dropout_is_drawn_under_the_seed() {
    let data = blobs(60);
    let train = |seed| {
        let mut net = Softmax::new(1);
        Trainer::builder().shuffle(false).seed(seed).epochs(1).build().unwrap().fit(&mut net, &data, None).unwrap();
        net
    };
    assert_eq!(train(1), train(1));
    assert_ne!(train(1), train(2));
}

#[test]
fn epochs_can_be_watched_and_left() {
    let data = line(10);
    let trainer = Trainer::builder().epochs(100).build().unwrap();
    let (mut net, mut whole) = (Line::new(1), Line::new(1));
    let mut epochs = trainer.run(&mut net, &data).unwrap();
    assert_eq!(epochs.size_hint(), (0, Some(100)));
    let mut seen = epochs.network().layer1().bias[0];
    for number in 1..=3 {
        assert_eq!(epochs.next().unwrap().unwrap().number, number);
        assert_ne!(epochs.network().layer1().bias[0], seen);
        seen = epochs.network().layer1().bias[0];
    }
    drop(epochs);
    assert_eq!(net.layer1().bias[0], seen);

    Trainer::builder().epochs(3).build().unwrap().fit(&mut whole, &data, None).unwrap();
    assert_eq!(net, whole);

    let mut count = 0;
    let trainer = Trainer::builder().epochs(4).build().unwrap();
    for epoch in trainer.run(&mut net, &data).unwrap().validation(&data).unwrap() {
        count += 1;
        assert_eq!(epoch.unwrap().number, count);
    }
    assert_eq!(count, 4);
}

#[test]
fn a_history_knows_its_best_epoch() {
    let data = line(10);
    let history = Trainer::builder().epochs(5).build().unwrap().fit(&mut Line::new(1), &data, Some(&data)).unwrap();
    let best = history.best().unwrap();
    assert!(history.iter().all(|epoch| epoch.validation_cost >= best.validation_cost));
    assert_eq!(best.number, 5);
    let table = history.to_string();
    assert_eq!(table.lines().count(), 6);
    assert!(table.lines().last().unwrap().ends_with("best"));
    assert!(history[0].to_string().starts_with("epoch 1: cost "));
    assert!(History::default().best().is_none());
}

#[test]
fn bad_settings_are_refused() {
    let name = |builder: nn_train::TrainerBuilder| match builder.build() {
        Err(Error::Setting { name, .. }) => name,
        _ => "none",
    };
    let builder = Trainer::builder;
    assert_eq!(name(builder().batch_size(0)), "batch_size");
    assert_eq!(name(builder().epochs(0)), "epochs");
    assert_eq!(name(builder().threads(0)), "threads");
    for l2 in [-1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(name(builder().l2(l2)), "l2");
    }
    assert_eq!(name(builder().learning_rate(f64::NAN)), "learning_rate");
    assert_eq!(name(builder()), "none");
    let message = builder().batch_size(0).build().unwrap_err().to_string();
    assert_eq!(message, "batch_size is 0; expected at least 1");
}

/// Training on targets that pull the weights out of range stops before the step that would.
#[test]
fn divergence_is_an_error_and_leaves_the_network_as_before_the_step() {
    let data = line(8);
    let trainer = |epochs| {
        let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(1e100).batch_size(4).shuffle(false);
        builder.epochs(epochs).build().unwrap()
    };
    let mut net = Line::new(1);
    let error = trainer(50).fit(&mut net, &data, None).unwrap_err();
    let Error::Diverged { epoch: Some(epoch), step, layer, .. } = error else { panic!("{error}") };
    assert_eq!(layer, 1);
    assert!(net.parameters().iter().all(|theta| theta.is_finite()));
    let message = error.to_string();
    assert!(message.starts_with(&format!("epoch {epoch}, step {step}: ")), "{message}");

    // The same steps without the last.
    let mut by_hand = Line::new(1);
    for done in 0..(epoch as u64 - 1) * 2 + step - 1 {
        let rows = if done % 2 == 0 { 0..4 } else { 4..8 };
        let (_, delta) = by_hand.gradient(&data.inputs()[rows.clone()], &data.targets()[rows], 0.0).unwrap();
        for (theta, d) in by_hand.parameters_mut().iter_mut().zip(delta.parameters()) {
            *theta -= 1e100 * d;
        }
    }
    assert_eq!(net, by_hand);

    let trainer = trainer(50);
    let mut epochs = trainer.run(&mut by_hand, &data).unwrap();
    assert!(epochs.next().unwrap().is_err());
    assert!(epochs.next().is_none());
}

#[test]
fn the_error_names_the_layer_and_what_overflowed() {
    let data = Dataset::new(vec![[1.0_f32; 6]], vec![[0.0, 1.0]]).unwrap();
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).epochs(1).build().unwrap();
    let diverged = |net: &mut Wide| {
        let before = net.clone();
        let error = trainer.fit(net, &data, None).unwrap_err();
        let bits = |net: &Wide| net.parameters().iter().map(|theta| theta.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(net), bits(&before));
        match error {
            Error::Diverged { epoch: Some(1), step: 1, layer, quantity, learning_rate: Some(0.1), rank: None } => {
                (layer, quantity)
            }
            other => panic!("{other}"),
        }
    };
    let mut net = Wide::new(1);
    net.layer3_mut().bias[0] = f32::NAN;
    assert_eq!(diverged(&mut net), (3, Quantity::Gradient));
    // ½ a² overflows in no `f64`, but δ times an activation does in `f32`.
    let mut net = Wide::new(1);
    net.layer3_mut().bias[0] = 1e38;
    net.layer3_mut().weights[0] = [1e3; 300];
    assert_eq!(diverged(&mut net), (2, Quantity::Gradient));
    // A gradient of 1e38 is finite; a step of it with this rate is not.
    let mut net = Wide::zeros();
    net.layer3_mut().bias[0] = 1e38;
    let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(1e3).epochs(1).build().unwrap();
    let error = trainer.fit(&mut net, &data, None).unwrap_err();
    let (quantity, learning_rate) = (Quantity::Update, Some(1e3));
    assert_eq!(error, Error::Diverged { epoch: Some(1), step: 1, layer: 3, quantity, learning_rate, rank: None });
    let message = "epoch 1, step 1: the optimiser's update of Θ^(3) is not finite at the learning rate 1000; the \
                   parameters are as they were before the step; a lower rate";
    assert!(error.to_string().starts_with(message), "{error}");
}
