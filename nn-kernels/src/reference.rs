//! The formulas of back-propagation in scalar `f64`, as plain as they are written on paper.
//!
//! Every faster engine is tested against this module, and `examples/walkthrough` prints what it computes. Samples
//! are columns here, as in the derivation: z^(l), A^(l) and δ^(l) are S_l × m. (The engines hold samples as rows;
//! inputs and targets are sample-major slices, here too.)
//!
//! Nothing here is optimised, and lengths are asserted: it is for tests and for reading.
//!
//! ```
//! use nn_kernels::{Activation, Architecture, Layer, Loss, reference};
//!
//! // The smallest network: 1 => 1, sigmoid. Θ = [w, b] = [2, -1], x = 0.5, so z = 0 and h = ½.
//! let architecture = Architecture::new(vec![Layer::new(1, 1, Activation::Sigmoid)], Loss::CrossEntropy)?;
//! let (cost, gradient) = reference::gradient(&architecture, &[2.0, -1.0], &[0.5], &[1.0], 0.0);
//! assert_eq!(cost, 2.0_f64.ln());
//! assert_eq!(gradient, [-0.25, -0.5]); // δ·a and δ, where δ = h - y = -½
//! # Ok::<(), nn_kernels::ArchitectureError>(())
//! ```

mod matrix;
mod scalar;

pub use matrix::Matrix;
pub use scalar::{activate, activation_derivative, loss_derivative, losses, softplus};

use crate::Architecture;

/// What one forward pass computes, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Forward {
    /// `z[l]` is z^(l+2), S × m: the first layer, being the input, has no z.
    pub z: Vec<Matrix>,
    /// `a[l]` is A^(l+1) without its bias row, S × m: `a[0]` is the input, the last one is h.
    pub a: Vec<Matrix>,
}

impl Forward {
    /// h = A^(L), S_L × m.
    #[must_use]
    pub fn output(&self) -> &Matrix {
        &self.a[self.a.len() - 1]
    }
}

/// What one backward pass computes, layer by layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Backward {
    /// `delta[l]` is δ^(l+2) = ∂(m·J)/∂z^(l+2), S × m: the input layer has no δ.
    pub delta: Vec<Matrix>,
    /// `gradient[l]` is Δ^(l+1) = ∂J/∂Θ^(l+1), S_{l+2} × (S_{l+1} + 1), the bias in column 0.
    pub gradient: Vec<Matrix>,
}

/// Θ^(l) for every l, S_{l+1} × (S_l + 1), the bias in column 0, from the flat slice of
/// [`Architecture::ranges`].
///
/// # Panics
/// When `theta` has not [`Architecture::params`] numbers.
#[must_use]
pub fn thetas(architecture: &Architecture, theta: &[f64]) -> Vec<Matrix> {
    assert_eq!(theta.len(), architecture.params(), "theta's length");
    let layers = architecture.layers().iter().zip(architecture.ranges());
    layers
        .map(|(layer, range)| {
            let (weights, bias) = (&theta[range.weights], &theta[range.bias]);
            Matrix::from_fn(layer.outputs, layer.inputs + 1, |j, i| match i {
                0 => bias[j],
                _ => weights[j * layer.inputs + i - 1],
            })
        })
        .collect()
}

/// The flat slice of [`Architecture::ranges`] from one matrix a layer: the inverse of [`thetas`].
#[must_use]
pub fn flatten(layers: &[Matrix]) -> Vec<f64> {
    let mut flat = Vec::new();
    for theta in layers {
        flat.extend((0..theta.rows()).flat_map(|j| (1..theta.cols()).map(move |i| theta[(j, i)])));
        flat.extend((0..theta.rows()).map(|j| theta[(j, 0)]));
    }
    flat
}

/// z^(l) and A^(l) of every layer for `inputs`, m × S_1 sample-major.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn forward(architecture: &Architecture, theta: &[f64], inputs: &[f64]) -> Forward {
    forward_with(architecture, theta, inputs, None)
}

/// [`forward`] with dropout: `masks[l]` scales A^(l+2) unit by unit (0 where dropped, 1/(1-p) where kept), one mask
/// for every layer but the output.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn forward_with(architecture: &Architecture, theta: &[f64], inputs: &[f64], masks: Option<&[Matrix]>) -> Forward {
    let mut z = Vec::new();
    // A^(1) = X
    let mut a = vec![Matrix::from_samples(inputs, architecture.inputs())];
    for (l, theta) in thetas(architecture, theta).iter().enumerate() {
        let layer = architecture.layers()[l];
        // z^(l+1) = Θ^(l) A^(l), where A^(l) has the bias unit a_0 = 1
        z.push(theta.times(&a[l].with_bias_row()));
        // A^(l+1) = g(z^(l+1))
        let mut output = activate(layer.activation, &z[l]);
        if let Some(mask) = masks.and_then(|masks| masks.get(l)) {
            output = output.hadamard(mask);
        }
        a.push(output);
    }
    Forward { z, a }
}

/// J = 1/m Σ_i loss(h_i, y_i) + ½ λ/m Σ_l ‖Θ_w^(l)‖², the loss computed from z so that it is finite for every
/// finite z. `targets` are m × S_L, sample-major; `decay` is λ/m.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn cost(architecture: &Architecture, theta: &[f64], forward: &Forward, targets: &[f64], decay: f64) -> f64 {
    cost_with(architecture, theta, forward, targets, decay, None)
}

/// [`cost`] with a weight s_i for each sample: the data's part is Σ_i s_i loss(h_i, y_i) / Σ_i s_i, and 0 where all weights
/// are.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn cost_with(
    architecture: &Architecture,
    theta: &[f64],
    forward: &Forward,
    targets: &[f64],
    decay: f64,
    weights: Option<&[f64]>,
) -> f64 {
    let z = &forward.z[forward.z.len() - 1];
    let y = Matrix::from_samples(targets, architecture.outputs());
    let losses = losses(architecture.loss(), architecture.output_activation(), z, &y);
    let data = match weights {
        // 1/m Σ_i loss_i
        None => losses.iter().sum::<f64>() / z.cols() as f64,
        // Σ_i s_i loss_i / Σ_i s_i
        Some(weights) => {
            assert_eq!(weights.len(), losses.len(), "a weight for each sample");
            let sum: f64 =
                losses.iter().zip(weights).map(|(loss, weight)| if *weight == 0.0 { 0.0 } else { weight * loss }).sum();
            sum * inverse(weights.iter().sum())
        }
    };
    // λ/2m Σ_l Σ_ji (Θ_ji^(l))², i ≥ 1
    let mut squares = 0.0;
    for theta in thetas(architecture, theta) {
        for j in 0..theta.rows() {
            for i in 1..theta.cols() {
                squares += theta[(j, i)] * theta[(j, i)];
            }
        }
    }
    // Where λ = 0 the term is absent, even where Θ is not finite.
    if decay == 0.0 { data } else { data + 0.5 * decay * squares }
}

/// 1/`sum`, but 0 where there is nothing to divide.
fn inverse(sum: f64) -> f64 {
    if sum == 0.0 { 0.0 } else { 1.0 / sum }
}

/// δ^(l) and Δ^(l) of every layer.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn backward(
    architecture: &Architecture,
    theta: &[f64],
    forward: &Forward,
    targets: &[f64],
    decay: f64,
) -> Backward {
    backward_with(architecture, theta, forward, targets, decay, Extras::default())
}

/// What a step may have beside its samples.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Extras<'a> {
    /// A weight for each sample, see [`cost_with`].
    pub weights: Option<&'a [f64]>,
    /// Dropout's masks, see [`forward_with`].
    pub masks: Option<&'a [Matrix]>,
}

/// [`backward`] with the weights of [`cost_with`] and the masks that [`forward_with`] was given. With weights, δ^(l) of a
/// sample is multiplied by its weight, and Δ divided by their sum instead of m.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn backward_with(
    architecture: &Architecture,
    theta: &[f64],
    forward: &Forward,
    targets: &[f64],
    decay: f64,
    extras: Extras<'_>,
) -> Backward {
    let Extras { weights, masks } = extras;
    let layers = architecture.layers();
    let last = layers.len() - 1;
    let thetas = thetas(architecture, theta);
    let y = Matrix::from_samples(targets, architecture.outputs());
    // 1/m, or 1/Σ_i s_i
    let share = inverse(weights.map_or(y.cols() as f64, |weights| weights.iter().sum()));

    // δ^(L) = A^(L) - Y where the loss is the output's own; loss'(A^(L), Y) ⊙ g'(z^(L)) elsewhere
    let mut last_delta = loss_derivative(architecture.loss(), layers[last].activation, &forward.z[last], &y);
    if let Some(weights) = weights {
        last_delta = Matrix::from_fn(last_delta.rows(), last_delta.cols(), |k, i| match weights[i] {
            0.0 => 0.0,
            weight => weight * last_delta[(k, i)],
        });
    }
    let mut delta = vec![last_delta];
    for l in (0..last).rev() {
        // δ^(l) = (Θ_w^(l))ᵀ δ^(l+1) ⊙ g'(z^(l))
        let back = thetas[l + 1].without_bias_column().transposed().times(&delta[0]);
        let mut d = back.hadamard(&activation_derivative(layers[l].activation, &forward.z[l]));
        if let Some(mask) = masks.and_then(|masks| masks.get(l)) {
            d = d.hadamard(mask);
        }
        delta.insert(0, d);
    }

    let gradient = (0..=last)
        .map(|l| {
            // Δ^(l) = δ^(l+1) (A^(l))ᵀ / m  +  λ/m Θ^(l), the λ term 0 in the bias column
            let product = delta[l].times(&forward.a[l].with_bias_row().transposed());
            Matrix::from_fn(product.rows(), product.cols(), |j, i| {
                let decayed = if i == 0 || decay == 0.0 { 0.0 } else { decay * thetas[l][(j, i)] };
                product[(j, i)] * share + decayed
            })
        })
        .collect();
    Backward { delta, gradient }
}

/// J and Δ, the latter flat as the parameters are: what an engine's step computes.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn gradient(
    architecture: &Architecture,
    theta: &[f64],
    inputs: &[f64],
    targets: &[f64],
    decay: f64,
) -> (f64, Vec<f64>) {
    gradient_with(architecture, theta, inputs, targets, decay, Extras::default())
}

/// [`gradient`] with samples' weights and dropout's masks.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn gradient_with(
    architecture: &Architecture,
    theta: &[f64],
    inputs: &[f64],
    targets: &[f64],
    decay: f64,
    extras: Extras<'_>,
) -> (f64, Vec<f64>) {
    let forward = forward_with(architecture, theta, inputs, extras.masks);
    let backward = backward_with(architecture, theta, &forward, targets, decay, extras);
    let cost = cost_with(architecture, theta, &forward, targets, decay, extras.weights);
    (cost, flatten(&backward.gradient))
}

/// (J(Θ + ε e_p) - J(Θ - ε e_p)) / 2ε for the one parameter `index` = p, with ε = `step`.
///
/// # Panics
/// When a length is not the architecture's or `index` is past the parameters.
#[must_use]
pub fn central_difference(
    architecture: &Architecture,
    theta: &[f64],
    inputs: &[f64],
    targets: &[f64],
    decay: f64,
    index: usize,
    step: f64,
) -> f64 {
    let mut moved = theta.to_vec();
    let mut cost_at = |value: f64| {
        moved[index] = value;
        cost(architecture, &moved, &forward(architecture, &moved, inputs), targets, decay)
    };
    let (above, below) = (theta[index] + step, theta[index] - step);
    // Divided by the distance that rounding left between the two points, not by the one asked for.
    (cost_at(above) - cost_at(below)) / (above - below)
}

/// [`central_difference`] for every parameter, with a step of ε^⅓ · max(1, |θ|), where truncation and rounding
/// balance.
///
/// # Panics
/// When a length is not the architecture's.
#[must_use]
pub fn central_differences(
    architecture: &Architecture,
    theta: &[f64],
    inputs: &[f64],
    targets: &[f64],
    decay: f64,
) -> Vec<f64> {
    (0..theta.len())
        .map(|index| {
            let step = f64::EPSILON.cbrt() * theta[index].abs().max(1.0);
            central_difference(architecture, theta, inputs, targets, decay, index, step)
        })
        .collect()
}
