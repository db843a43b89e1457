//! Activations as operators.

use nn_kernels::{Activation, Element};

use super::graph::{Graph, float};

/// √(8/π), the coefficient in the tanh form of gelu.
const GELU_SCALE: f64 = 1.595_769_121_605_730_7;
/// The cubic coefficient in the tanh form of gelu.
const GELU_CUBIC: f64 = 0.044_715;

/// g(z). None for an activation that has no such form.
///
/// onnxruntime has no kernel of `f64` for LeakyRelu, Elu and Softplus, so there they are made of others. Nor is there a Gelu
/// before version 20 of the operators. Gelu and silu, z · σ(u), are written z / (1 + e^-u): onnxruntime's Sigmoid is off
/// by up to 10⁻⁷ where it should be nearly 0, which z multiplies to 2 · 10⁻⁶.
pub(super) fn activation<T: Element>(graph: &mut Graph, activation: Activation, z: &str) -> Option<String> {
    let double = T::NAME == "f64";
    Some(match activation {
        Activation::Linear => z.to_owned(),
        Activation::Sigmoid => graph.apply("Sigmoid", &[z]),
        Activation::Tanh => graph.apply("Tanh", &[z]),
        Activation::Relu => graph.apply("Relu", &[z]),
        Activation::Softmax => graph.node("Softmax", &[z], vec![super::graph::int("axis", 1)]),
        Activation::LeakyRelu(slope) if double => {
            let slope = graph.number::<T>(slope);
            let below = graph.apply("Mul", &[z, &slope]);
            above_zero::<T>(graph, z, &below)
        }
        Activation::LeakyRelu(slope) => graph.node("LeakyRelu", &[z], vec![float("alpha", slope as f32)]),
        Activation::Elu if double => {
            // e^z - 1 = 2t / (1 - t) with t = tanh(z / 2): a difference would lose the digits of small z.
            let (half, one) = (graph.number::<T>(0.5), graph.number::<T>(1.0));
            let halved = graph.apply("Mul", &[z, &half]);
            let tanh = graph.apply("Tanh", &[&halved]);
            let twice = graph.apply("Add", &[&tanh, &tanh]);
            let divisor = graph.apply("Sub", &[&one, &tanh]);
            let below = graph.apply("Div", &[&twice, &divisor]);
            above_zero::<T>(graph, z, &below)
        }
        Activation::Elu => graph.node("Elu", &[z], vec![float("alpha", 1.0)]),
        Activation::Softplus if double => {
            // max(z, 0) + ln(1 + e^-|z|)
            let (zero, one) = (graph.number::<T>(0.0), graph.number::<T>(1.0));
            let positive = graph.apply("Max", &[z, &zero]);
            let magnitude = graph.apply("Abs", &[z]);
            let negative = graph.apply("Neg", &[&magnitude]);
            let exp = graph.apply("Exp", &[&negative]);
            let sum = graph.apply("Add", &[&exp, &one]);
            let log = graph.apply("Log", &[&sum]);
            graph.apply("Add", &[&positive, &log])
        }
        Activation::Softplus => graph.apply("Softplus", &[z]),
        Activation::Silu => {
            let u = graph.apply("Neg", &[z]);
            times_sigmoid::<T>(graph, z, &u)
        }
        Activation::Gelu => {
            // -u = -√(8/π) z (1 + 0.044715 z²)
            let (cubic, one) = (graph.number::<T>(GELU_CUBIC), graph.number::<T>(1.0));
            let scale = graph.number::<T>(-GELU_SCALE);
            let square = graph.apply("Mul", &[z, z]);
            let scaled = graph.apply("Mul", &[&square, &cubic]);
            let sum = graph.apply("Add", &[&scaled, &one]);
            let product = graph.apply("Mul", &[&sum, z]);
            let u = graph.apply("Mul", &[&product, &scale]);
            times_sigmoid::<T>(graph, z, &u)
        }
        _ => return None,
    })
}

/// z where z > 0, `below` elsewhere.
fn above_zero<T: Element>(graph: &mut Graph, z: &str, below: &str) -> String {
    let zero = graph.number::<T>(0.0);
    let above = graph.apply("Less", &[&zero, z]);
    graph.apply("Where", &[&above, z, below])
}

/// z / (1 + e^`minus_u`), which is z · σ(u).
fn times_sigmoid<T: Element>(graph: &mut Graph, z: &str, minus_u: &str) -> String {
    let one = graph.number::<T>(1.0);
    let exp = graph.apply("Exp", &[minus_u]);
    let sum = graph.apply("Add", &[&exp, &one]);
    graph.apply("Div", &[z, &sum])
}
