//! Networks and samples for the tests of embedded predictors.

use nn_train::Element;
use nn_train::prelude::*;

/// Every activation in a hidden layer and, where a loss takes it, at the output; odd widths; one layer and several.
pub(crate) const CASES: [&str; 14] = [
    "7 => 23 relu => 41 relu => 2 softmax, cross_entropy",
    "3 => 5 tanh => 1 sigmoid, cross_entropy",
    "13 => 9 sigmoid => 17 leaky_relu(0.01) => 11 softmax, cross_entropy",
    "5 => 7 elu => 3 linear, mse",
    "5 => 7 gelu => 3 elu, mae",
    "5 => 7 silu => 3 gelu, huber(0.5)",
    "5 => 7 softplus => 3 silu, mse",
    "5 => 7 linear => 3 softplus, mse",
    "9 => 3 leaky_relu(-0.5) => 5 tanh, mae",
    "9 => 3 softplus => 4 relu, mse",
    "1 => 1 tanh => 1 tanh => 1 tanh => 1 tanh => 1 leaky_relu(3), mse",
    "31 => 3 softmax, cross_entropy",
    "1 => 1 linear, mse",
    "6 => 64 relu => 4 sigmoid, mse",
];

/// Of this shape, with parameters from `seed`; biases too are not 0.
pub(crate) fn network<T: Element>(architecture: &str, seed: u64) -> DynNetwork<T> {
    let mut net = DynNetwork::new(architecture.parse().unwrap(), Init::default(), seed).unwrap();
    for (k, parameter) in net.parameters_mut().iter_mut().enumerate() {
        *parameter += T::from_f64(0.1 * (k as f64 + seed as f64).sin());
    }
    net
}

/// Rows of `width` numbers between -2 and 2.
pub(crate) fn samples(width: usize, rows: usize) -> Vec<f32> {
    (0..rows * width).map(|k| 2.0 * ((k * k + k) as f32 * 0.37).sin()).collect()
}
