//! Which activation a group of operators is.
//!
//! Silu, gelu and others have no operator of their own in older versions, and programs write them in several ways. So a
//! chain of operators that work number by number is told by what it computes: by its values, in `f64`, at points up to the
//! largest `f32` of both signs. So one that is cut off anywhere below is none.

use nn_kernels::Activation;

use super::OnnxFault;
use super::operator::Operator;
use super::tensors::shortest;

/// The coefficients in the tanh form of gelu.
const GELU: [f64; 2] = [1.595_769_121_605_730_7, 0.044_715];
/// Coefficients of `f32` in a file are off by 6 · 10⁻⁸.
const TOLERANCE: f64 = 1e-6;

/// A function of one number.
type Function = fn(f64) -> f64;
/// A function of an operator's operands.
pub(super) type OfOperands = Box<dyn Fn(&[f64]) -> f64>;

/// The points, z itself.
pub(super) fn points() -> Vec<f64> {
    let near = (-80..=80).map(|step| f64::from(step) * 0.25);
    let far = [1e-6, 1e-3, 0.1, 30.0, 100.0, 1e3, 1e4, 1e6, 1e10, 1e20, f64::from(f32::MAX)];
    near.chain(far.into_iter().flat_map(|z| [z, -z])).collect()
}

/// What an operator that works number by number makes of its operands, of which there are as many as it takes.
pub(super) fn of(operator: &Operator<'_>) -> Result<OfOperands, OnnxFault> {
    let name = operator.node.operator.as_str();
    let alpha = |default| shortest(operator.float("alpha", default));
    let function: OfOperands = match name {
        "LeakyRelu" => {
            let alpha = alpha(0.01);
            Box::new(move |z| leaky_relu(z[0], alpha))
        }
        "Elu" => {
            let alpha = alpha(1.0);
            Box::new(move |z| elu(z[0], alpha))
        }
        "Swish" => {
            let alpha = alpha(1.0);
            Box::new(move |z| swish(z[0], alpha))
        }
        "Gelu" => {
            let found = operator.find("approximate").and_then(|attribute| attribute.string.as_deref());
            if found != Some(b"tanh".as_slice()) {
                let found = String::from_utf8_lossy(found.unwrap_or(b"none")).into_owned();
                return Err(operator.attribute("approximate", found, "tanh, the form that this library computes"));
            }
            Box::new(|z| gelu(z[0]))
        }
        "Where" => Box::new(|operands| if operands[0] != 0.0 { operands[1] } else { operands[2] }),
        _ => match (unary(name), binary(name)) {
            (Some(function), _) => Box::new(move |z| function(z[0])),
            (_, Some(function)) => Box::new(move |z| function(z[0], z[1])),
            _ => return Err(operator.refuse("an operator of a plain network: Gemm, MatMul, Add or an activation")),
        },
    };
    operator.check_attributes(match name {
        "LeakyRelu" | "Elu" | "Swish" => &["alpha"],
        "Gelu" => &["approximate"],
        _ => &[],
    })?;
    let wanted = match name {
        "Where" => 3,
        _ if binary(name).is_some() => 2,
        _ => 1,
    };
    let found = operator.node.inputs.len();
    if found != wanted {
        return Err(operator.attribute("the count of its inputs", found.to_string(), &wanted.to_string()));
    }
    Ok(function)
}

/// An operator of one operand.
fn unary(operator: &str) -> Option<Function> {
    Some(match operator {
        "Abs" => f64::abs,
        "Exp" => f64::exp,
        "Log" => f64::ln,
        "Neg" => |z| -z,
        "Reciprocal" => |z| 1.0 / z,
        "Relu" => relu,
        "Sigmoid" => sigmoid,
        "Softplus" => softplus,
        "Sqrt" => f64::sqrt,
        "Tanh" => f64::tanh,
        _ => return None,
    })
}

/// An operator of two operands. One that compares gives 1 and 0.
fn binary(operator: &str) -> Option<fn(f64, f64) -> f64> {
    Some(match operator {
        "Add" => |a, b| a + b,
        "Sub" => |a, b| a - b,
        "Mul" => |a, b| a * b,
        "Div" => |a, b| a / b,
        "Pow" => f64::powf,
        "Max" => f64::max,
        "Min" => f64::min,
        "Less" => |a, b| f64::from(u8::from(a < b)),
        "Greater" => |a, b| f64::from(u8::from(a > b)),
        "LessOrEqual" => |a, b| f64::from(u8::from(a <= b)),
        "GreaterOrEqual" => |a, b| f64::from(u8::from(a >= b)),
        "PRelu" => leaky_relu,
        _ => return None,
    })
}

fn relu(z: f64) -> f64 {
    if z <= 0.0 { 0.0 } else { z }
}

fn leaky_relu(z: f64, slope: f64) -> f64 {
    if z <= 0.0 { slope * z } else { z }
}

fn elu(z: f64, alpha: f64) -> f64 {
    if z <= 0.0 { alpha * z.exp_m1() } else { z }
}

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

fn swish(z: f64, alpha: f64) -> f64 {
    z / (1.0 + (-alpha * z).exp())
}

fn gelu(z: f64) -> f64 {
    let [scale, cubic] = GELU;
    z / (1.0 + (-scale * z * (1.0 + cubic * z * z)).exp())
}

fn softplus(z: f64) -> f64 {
    z.max(0.0) + (-z.abs()).exp().ln_1p()
}

/// The activation that has these values at the points.
pub(super) fn activation(values: &[f64]) -> Option<Activation> {
    let known: [(Activation, Function); 8] = [
        (Activation::Linear, |z| z),
        (Activation::Relu, relu),
        (Activation::Sigmoid, sigmoid),
        (Activation::Tanh, f64::tanh),
        (Activation::Elu, |z| elu(z, 1.0)),
        (Activation::Gelu, gelu),
        (Activation::Silu, |z| swish(z, 1.0)),
        (Activation::Softplus, softplus),
    ];
    let points = points();
    let is = |function: &dyn Fn(f64) -> f64, tolerance: f64| {
        // A comparison with NaN does not hold.
        let alike = |(&z, &found): (&f64, &f64)| {
            let expected = function(z);
            found == expected || (found - expected).abs() <= tolerance * expected.abs().max(1.0)
        };
        values.len() == points.len() && points.iter().zip(values).all(alike)
    };
    // Neither is a leaky relu whose slope is nearly 0 or 1.
    let tolerance =
        |activation| if matches!(activation, Activation::Linear | Activation::Relu) { 0.0 } else { TOLERANCE };
    if let Some((activation, _)) =
        known.into_iter().find(|&(activation, function)| is(&function, tolerance(activation)))
    {
        return Some(activation);
    }
    let at = points.iter().position(|&z| z == -1.0)?;
    let slope = -values.get(at)?;
    (slope.is_finite() && is(&|z| leaky_relu(z, slope), TOLERANCE)).then_some(Activation::LeakyRelu(slope))
}

#[cfg(test)]
mod tests {
    use super::{activation, gelu, points, sigmoid, softplus};
    use nn_kernels::Activation;

    fn of(function: impl Fn(f64) -> f64) -> Option<Activation> {
        activation(&points().into_iter().map(function).collect::<Vec<_>>())
    }

    #[test]
    fn functions_are_told_by_their_values() {
        assert_eq!(of(|z| z * sigmoid(z)), Some(Activation::Silu));
        assert_eq!(
            of(|z| 0.5 * z * (1.0 + (0.797_884_560_802_865_4 * (z + 0.044_715 * z * z * z)).tanh())),
            Some(Activation::Gelu)
        );
        assert_eq!(of(|z| z.max(0.25 * z)), Some(Activation::LeakyRelu(0.25)));
        assert_eq!(of(|z| z.max(0.0)), Some(Activation::Relu));
        assert_eq!(of(|z| 0.5 * (1.0 + (0.5 * z).tanh())), Some(Activation::Sigmoid));
        assert_eq!(of(softplus), Some(Activation::Softplus));
        assert_eq!(of(|z| if z > 0.0 { z } else { z.exp() - 1.0 }), Some(Activation::Elu));
    }

    #[test]
    fn what_is_nearly_an_activation_is_none() {
        // relu6, an elu of another height, a gelu by erf (here its value at 1 alone differs), hard tanh, and what is NaN.
        assert_eq!(of(|z| z.clamp(0.0, 6.0)), None);
        // Cut off where no usual z is.
        for bound in [65504.0, 1e15, 1e38] {
            assert_eq!(of(|z| z.clamp(0.0, bound)), None);
            assert_eq!(of(|z| z.min(bound)), None);
            assert_eq!(of(|z| z.max(-bound)), None);
            assert_eq!(of(|z| (z * sigmoid(z)).min(bound)), None);
            assert_eq!(of(|z| gelu(z).min(bound)), None);
            assert_eq!(of(|z| softplus(z).min(bound)), None);
        }
        assert_eq!(of(|z| if z > 0.0 { z } else { 0.9 * z.exp_m1() }), None);
        assert_eq!(of(|z| if z == 1.0 { 0.841_344_746_068_542_9 } else { gelu(z) }), None);
        assert_eq!(of(|z| z.clamp(-1.0, 1.0)), None);
        assert_eq!(of(|_| f64::NAN), None);
        assert_eq!(of(|z| softplus(z) + 1e-5), None);
        assert_eq!(of(|z| z + 1e-5), None);
        assert_eq!(activation(&[]), None);
    }
}
