//! g, g', the losses and their derivatives, number by number.

use super::Matrix;
use crate::{Activation, Loss};

/// √(8/π), the coefficient in the tanh form of gelu.
const GELU_SCALE: f64 = 1.595_769_121_605_730_7;
/// The cubic coefficient in the tanh form of gelu.
const GELU_CUBIC: f64 = 0.044_715;

/// 1 / (1 + e^-z), from the exponential that cannot overflow.
fn sigmoid(z: f64) -> f64 {
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// ln(1 + e^z) = max(z, 0) + ln(1 + e^-|z|).
#[must_use]
pub fn softplus(z: f64) -> f64 {
    // Written so that NaN stays NaN, which f64::max would swallow.
    let positive = if z < 0.0 { 0.0 } else { z };
    positive + (-z.abs()).exp().ln_1p()
}

/// g(z) of a single unit; softmax, which needs its whole layer, is in [`activate`].
fn unit(activation: Activation, z: f64) -> f64 {
    match activation {
        Activation::Sigmoid => sigmoid(z),
        Activation::Tanh => z.tanh(),
        Activation::Relu => {
            if z <= 0.0 {
                0.0
            } else {
                z
            }
        }
        Activation::LeakyRelu(slope) => {
            if z <= 0.0 {
                slope * z
            } else {
                z
            }
        }
        Activation::Elu => {
            if z <= 0.0 {
                z.exp_m1()
            } else {
                z
            }
        }
        Activation::Gelu => z * sigmoid(GELU_SCALE * z * (1.0 + GELU_CUBIC * z * z)),
        Activation::Silu => z * sigmoid(z),
        Activation::Softplus => softplus(z),
        Activation::Linear => z,
        Activation::Softmax => unreachable!("softmax is a function of a whole layer"),
    }
}

/// g'(z) of a single unit.
fn unit_derivative(activation: Activation, z: f64) -> f64 {
    match activation {
        // a(1 - a), the second factor as σ(-z), which does not cancel
        Activation::Sigmoid => sigmoid(z) * sigmoid(-z),
        Activation::Tanh => {
            let a = z.tanh();
            (1.0 - a) * (1.0 + a)
        }
        Activation::Relu => {
            if z <= 0.0 {
                0.0
            } else {
                1.0
            }
        }
        Activation::LeakyRelu(slope) => {
            if z <= 0.0 {
                slope
            } else {
                1.0
            }
        }
        Activation::Elu => {
            if z <= 0.0 {
                z.exp()
            } else {
                1.0
            }
        }
        Activation::Gelu => {
            // u = √(8/π)(z + 0.044715 z³); g = z σ(u); g' = σ(u) + z σ(u) σ(-u) u'
            let u = |z: f64| GELU_SCALE * z * (1.0 + GELU_CUBIC * z * z);
            // Beyond |z| = 40, σ(u)σ(-u) is 0 and u' would overflow.
            let near = z.clamp(-40.0, 40.0);
            let slope = GELU_SCALE * (1.0 + 3.0 * GELU_CUBIC * near * near);
            sigmoid(u(z)) + near * sigmoid(u(near)) * sigmoid(-u(near)) * slope
        }
        // σ + z σ(1 - σ)
        Activation::Silu => sigmoid(z) + z * sigmoid(z) * sigmoid(-z),
        Activation::Softplus => sigmoid(z),
        Activation::Linear => 1.0,
        Activation::Softmax => unreachable!("softmax is a function of a whole layer"),
    }
}

/// A = g(z), units × samples.
#[must_use]
pub fn activate(activation: Activation, z: &Matrix) -> Matrix {
    if activation != Activation::Softmax {
        return z.map(|z| unit(activation, z));
    }
    let columns: Vec<(f64, f64)> = (0..z.cols()).map(|i| max_and_log_sum(&z.column(i))).collect();
    // e^z_k / Σ_j e^z_j = e^(z_k - max) / e^(ln Σ_j e^(z_j - max))
    Matrix::from_fn(z.rows(), z.cols(), |k, i| (z[(k, i)] - columns[i].0 - columns[i].1).exp())
}

/// g'(z) element by element.
///
/// # Panics
/// For softmax, whose derivative is a matrix for every sample; only its δ with cross-entropy is ever needed.
#[must_use]
pub fn activation_derivative(activation: Activation, z: &Matrix) -> Matrix {
    z.map(|z| unit_derivative(activation, z))
}

/// max_k z_k and ln Σ_k e^(z_k - max).
fn max_and_log_sum(z: &[f64]) -> (f64, f64) {
    let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (max, z.iter().map(|z| (z - max).exp()).sum::<f64>().ln())
}

/// loss(h_i, y_i) of each sample i, from the output's pre-activation `z`, S_L × m; `y` likewise.
#[must_use]
pub fn losses(loss: Loss, output: Activation, z: &Matrix, y: &Matrix) -> Vec<f64> {
    let sample = |i| {
        let mut sum = 0.0;
        let (max, log_sum) = if output == Activation::Softmax { max_and_log_sum(&z.column(i)) } else { (0.0, 0.0) };
        for k in 0..z.rows() {
            let (z, y) = (z[(k, i)], y[(k, i)]);
            sum += match (loss, output) {
                // -y ln h with h = e^(z - max - ln Σ); a target of 0 asks for nothing, however small its h
                (Loss::CrossEntropy, Activation::Softmax) if y == 0.0 => y * log_sum,
                // (halves, since max - z may overflow)
                (Loss::CrossEntropy, Activation::Softmax) => 2.0 * (y * (max / 2.0 - z / 2.0)) + y * log_sum,
                // -y ln h - (1 - y) ln(1 - h) = y softplus(-z) + (1 - y) softplus(z), and with
                // softplus(z) = max(z, 0) + softplus(-|z|):
                (Loss::CrossEntropy, _) => softplus(-z.abs()) + if z > 0.0 { (1.0 - y) * z } else { -y * z },
                (Loss::Mse, g) => 0.5 * (unit(g, z) - y).powi(2),
                (Loss::Mae, g) => (unit(g, z) - y).abs(),
                (Loss::Huber(d), g) => {
                    let r = unit(g, z) - y;
                    if r.abs() > d { d * (r.abs() - 0.5 * d) } else { 0.5 * r * r }
                }
            };
        }
        sum
    };
    (0..z.cols()).map(sample).collect()
}

/// δ^(L) = ∂(Σ_i loss_i)/∂z^(L), S_L × m.
#[must_use]
pub fn loss_derivative(loss: Loss, output: Activation, z: &Matrix, y: &Matrix) -> Matrix {
    let a = activate(output, z);
    Matrix::from_fn(z.rows(), z.cols(), |k, i| {
        let r = a[(k, i)] - y[(k, i)];
        let slope = match (loss, output) {
            // Σ_j y_j h_k - y_k: A - Y where the targets of a sample sum to 1
            (Loss::CrossEntropy, Activation::Softmax) => {
                return y.column(i).iter().sum::<f64>() * a[(k, i)] - y[(k, i)];
            }
            // A - Y
            (Loss::CrossEntropy, _) => return r,
            (Loss::Mse, _) => r,
            // sgn r, 0 at 0
            (Loss::Mae, _) => {
                if r == 0.0 || r.is_nan() {
                    r
                } else {
                    r.signum()
                }
            }
            (Loss::Huber(d), _) => {
                if r.abs() > d {
                    d * r.signum()
                } else {
                    r
                }
            }
        };
        slope * unit_derivative(output, z[(k, i)])
    })
}
