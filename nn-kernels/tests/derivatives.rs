//! The reference's gradient against central differences of its cost.

mod support;

use nn_kernels::{Activation, Loss, reference};
use support::compare::{assert_within, max_norm_error, norm_error};
use support::{HIDDEN, Problem, SIZES, network, outputs};

/// How far all z and residuals stay from the points where a derivative jumps: a central difference moves a
/// parameter by 6e-6, and inputs and activations are of the order of 1.
const MARGIN: f64 = 2e-4;

/// Whether no unit of `problem` is near a kink.
fn is_smooth(problem: &Problem) -> bool {
    let Problem { architecture, theta, inputs, targets } = problem;
    let forward = reference::forward(architecture, theta, inputs);
    let mut layers = forward.z.iter().zip(architecture.layers());
    let activations = layers.all(|(z, layer)| match layer.activation {
        Activation::Relu | Activation::LeakyRelu(_) | Activation::Elu => z.as_slice().iter().all(|z| z.abs() > MARGIN),
        _ => true,
    });
    let output = forward.output().to_samples();
    let mut residuals = output.iter().zip(targets).map(|(a, y)| (a - y).abs());
    activations
        && match architecture.loss() {
            Loss::Mae => residuals.all(|r| r > MARGIN),
            Loss::Huber(d) => residuals.all(|r| (r - d).abs() > MARGIN),
            _ => true,
        }
}

#[test]
fn gradients_are_the_slopes_of_the_cost() {
    for sizes in SIZES {
        for (pair, (output, loss)) in outputs().into_iter().enumerate() {
            for (index, hidden) in HIDDEN.into_iter().enumerate() {
                // 1 => 1 has no hidden layer; the largest has 2,246 parameters, each worth two forward passes, so it
                // meets every hidden activation, but not with every loss.
                if sizes.len() == 2 && index > 0 || sizes[0] == 65 && index != pair % HIDDEN.len() {
                    continue;
                }
                let architecture = network(sizes, hidden, output, loss);
                let rows = if sizes[0] == 65 { 3 } else { 9 };
                let problem = (0..200)
                    .map(|seed| Problem::new(architecture.clone(), rows, seed))
                    .find(is_smooth)
                    .unwrap_or_else(|| panic!("{architecture}: no smooth problem among 200"));
                // Each pair meets each λ, with some hidden activation where there is one; of the largest network some do.
                let all = [0.0, 1.0, 3.0];
                let lambdas = if sizes.len() == 2 { &all[..] } else { &all[(pair + index) % 3..][..1] };
                for &lambda in lambdas {
                    let Problem { architecture, theta, inputs, targets } = &problem;
                    let (_, gradient) = reference::gradient(architecture, theta, inputs, targets, lambda);
                    let numeric = reference::central_differences(architecture, theta, inputs, targets, lambda);
                    let what = format!("{architecture}, λ = {lambda}");
                    assert_within(norm_error(&gradient, &numeric), 1e-7, &what);
                    assert_within(max_norm_error(&gradient, &numeric), 1e-7, &format!("{what}, worst"));
                }
            }
        }
    }
}

/// The worked example of one unit, by hand: z = 1·2 + 1 = 3, h = σ(3), y = 1, λ = 2, m = 1.
#[test]
fn one_unit_by_hand() {
    let architecture = network(&[1, 1], Activation::Sigmoid, Activation::Sigmoid, Loss::CrossEntropy);
    let (cost, gradient) = reference::gradient(&architecture, &[2.0, 1.0], &[1.0], &[1.0], 2.0);
    let h = 1.0 / (1.0 + (-3.0_f64).exp());
    assert_within((cost - (-h.ln() + 4.0)).abs(), 1e-15, "J = -ln h + λ/2 · w²");
    assert_within((gradient[0] - (h - 1.0 + 4.0)).abs(), 1e-15, "(h - y) x + λ w");
    assert_within((gradient[1] - (h - 1.0)).abs(), 1e-15, "h - y");
}

/// Softmax targets need not sum to 1: δ = a Σy - y, which central differences confirm.
#[test]
fn softmax_with_targets_of_any_sum() {
    let architecture = network(&[3, 17, 5], Activation::Tanh, Activation::Softmax, Loss::CrossEntropy);
    let mut problem = Problem::new(architecture, 4, 1);
    problem.targets.iter_mut().enumerate().for_each(|(i, y)| *y *= 0.5 + i as f64 * 0.1);
    let Problem { architecture, theta, inputs, targets } = &problem;
    let (_, gradient) = reference::gradient(architecture, theta, inputs, targets, 0.0);
    let numeric = reference::central_differences(architecture, theta, inputs, targets, 0.0);
    assert_within(max_norm_error(&gradient, &numeric), 1e-7, "softmax");
}
