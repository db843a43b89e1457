//! The optimisers beside PyTorch's: 100 steps in `f64` from the same parameters, on the same samples.
//!
//! The gradients are the network's own, so what is compared is the whole step. fixtures/optimizers.py makes the file.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use serde_json::Value;

network! { struct Net<3 => 5 tanh => 2 linear>: f64; }

/// Relative to the largest value that the parameter takes on its way.
const TOLERANCE: f64 = 1e-10;

fn fixture() -> Value {
    serde_json::from_str(include_str!("fixtures/optimizers.json")).unwrap()
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

fn numbers(list: &Value) -> Vec<f64> {
    list.as_array().unwrap().iter().map(number).collect()
}

fn rows<const N: usize>(list: &Value) -> Vec<[f64; N]> {
    list.as_array().unwrap().iter().map(|row| numbers(row).try_into().unwrap()).collect()
}

/// The run `name` of the file, replayed by the optimiser that `make` makes of its settings.
fn replay<O: Optimizer>(name: &str, make: impl FnOnce(&Value) -> O) {
    let fixture = fixture();
    let run = &fixture["runs"][name];
    let (inputs, targets) = (rows::<3>(&fixture["inputs"]), rows::<2>(&fixture["targets"]));
    let mut net = Net::zeros();
    net.parameters_mut().copy_from_slice(&numbers(&fixture["start"]));
    // The largest value of each parameter; a comparison with NaN fails below.
    let mut scale = net.parameters().to_vec();
    let wanted = rows::<{ Net::PARAMS }>(&run["parameters"]);
    for row in &wanted {
        scale.iter_mut().zip(row).for_each(|(scale, value)| *scale = scale.abs().max(value.abs()));
    }

    // One rate, or one for each step.
    let rates = match &run["learning_rate"] {
        Value::Array(rates) => rates.iter().map(number).collect(),
        rate => vec![number(rate); 100],
    };
    let builder = Trainer::builder().optimizer(make(run)).schedule(move |step: u64| rates[step as usize]);
    let trainer = builder.batch_size(inputs.len()).threads(1).build().unwrap();
    let mut session = trainer.session(&mut net).unwrap();
    let checked = fixture["steps"].as_array().unwrap();
    assert_eq!((checked.len(), checked.last().and_then(Value::as_u64)), (wanted.len(), Some(100)));
    for (step, wanted) in checked.iter().zip(&wanted) {
        while session.steps() < step.as_u64().unwrap() {
            session.step(&inputs, &targets).unwrap();
        }
        for (index, found) in session.network().parameters().iter().enumerate() {
            let error = (found - wanted[index]).abs() / scale[index];
            assert!(error <= TOLERANCE, "{name}, step {step}, parameter {index}: {error:e} off");
        }
    }
}

fn adam(run: &Value) -> Adam {
    Adam::default().betas(number(&run["beta1"]), number(&run["beta2"])).epsilon(number(&run["epsilon"]))
}

#[test]
fn sgd() {
    replay("sgd", |_| Sgd::default());
}

#[test]
fn momentum() {
    replay("momentum", |run| Sgd::default().momentum(number(&run["momentum"])));
}

#[test]
fn nesterov() {
    replay("nesterov", |run| Sgd::default().momentum(number(&run["momentum"])).nesterov(true));
}

#[test]
fn adaptive_moments() {
    replay("adam", adam);
}

#[test]
fn a_rate_that_changes() {
    replay("adam_scheduled", adam);
}

#[test]
fn decay_of_weights_but_not_of_biases() {
    replay("adamw", |run| AdamW { adam: adam(run), weight_decay: number(&run["weight_decay"]) });
}

#[test]
fn the_largest_second_moment() {
    replay("amsgrad", |run| adam(run).amsgrad(true));
    let weight_decay = |run: &Value| number(&run["weight_decay"]);
    replay("adamw_amsgrad", |run| AdamW { adam: adam(run).amsgrad(true), weight_decay: weight_decay(run) });
}

#[test]
fn root_mean_square() {
    let rmsprop = |run: &Value| RmsProp::default().alpha(number(&run["alpha"])).epsilon(number(&run["epsilon"]));
    let momentum = |run: &Value| number(&run["momentum"]);
    replay("rmsprop", rmsprop);
    replay("rmsprop_momentum", |run| rmsprop(run).momentum(momentum(run)));
    replay("rmsprop_centered", |run| rmsprop(run).centered(true));
    replay("rmsprop_centered_momentum", |run| rmsprop(run).centered(true).momentum(momentum(run)));
}

#[test]
fn adagrad() {
    for name in ["adagrad", "adagrad_settings"] {
        replay(name, |run| Adagrad {
            epsilon: number(&run["epsilon"]),
            learning_rate_decay: number(&run["learning_rate_decay"]),
            initial_accumulator_value: number(&run["initial_accumulator_value"]),
        });
    }
}

/// PyTorch has none: beside the paper's program in PyTorch's numbers.
#[test]
fn lion() {
    for name in ["lion", "lion_decay"] {
        replay(name, |run| {
            let optimizer = Lion::default().betas(number(&run["beta1"]), number(&run["beta2"]));
            optimizer.weight_decay(number(&run["weight_decay"]))
        });
    }
}

#[test]
fn rprop() {
    for name in ["rprop", "rprop_settings"] {
        replay(name, |run| {
            let optimizer = Rprop::default().etas(number(&run["eta_minus"]), number(&run["eta_plus"]));
            optimizer.step_sizes(number(&run["step_size_min"]), number(&run["step_size_max"]))
        });
    }
}
