//! The error of each function in units of the last place (ULP), against the standard library's `f64`.
#![allow(missing_docs)]

use nn_embedded::math;

/// A function, its value in `f64`, how many ULP it may be off, and from which magnitude on these are units of the
/// result itself.
type Function = (&'static str, fn(f32) -> f32, fn(f64) -> f64, f64, f64);

/// Below it some results have lost bits as subnormal numbers.
const TINY: f64 = 1e-35;

const SCALE: f64 = 1.595_769_121_605_730_7;

fn sigmoid(z: f64) -> f64 {
    1.0 / (1.0 + (-z).exp())
}

/// z p, and 0 where p is, though z be infinite.
fn times(z: f64, p: f64) -> f64 {
    if p == 0.0 { 0.0 } else { z * p }
}

const FUNCTIONS: [Function; 8] = [
    ("exp", math::exp, f64::exp, 1.0, TINY),
    ("elu", math::elu, |z| if z > 0.0 { z } else { z.exp_m1() }, 2.0, TINY),
    ("sigmoid", math::sigmoid, sigmoid, 3.0, TINY),
    ("tanh", math::tanh, f64::tanh, 3.0, TINY),
    ("silu", math::silu, |z| times(z, sigmoid(z)), 4.0, TINY),
    ("gelu", math::gelu, |z| times(z, sigmoid(SCALE * z * (1.0 + 0.044_715 * z * z))), 4.0, 0.125),
    ("softplus", math::softplus, |z| z.max(0.0) + (-z.abs()).exp().ln_1p(), 3.0, TINY),
    ("leaky_relu", |z| math::leaky_relu(z, 0.5), |z| if z > 0.0 { z } else { 0.5 * z }, 0.5, TINY),
];

/// How far a function is off at x, in units of the last place of `f32` at the right result, or at `least`. Beyond the
/// greatest number the right result is ∞.
fn error(found: f32, right: f64, least: f64) -> f64 {
    if right.is_nan() || found.is_nan() {
        return if right.is_nan() && found.is_nan() { 0.0 } else { f64::INFINITY };
    }
    if !found.is_finite() || (right as f32).is_infinite() {
        return if found == right as f32 { 0.0 } else { f64::INFINITY };
    }
    let exponent = right.abs().max(least).log2().floor() as i32;
    (f64::from(found) - right).abs() / f64::from(exponent - 23).exp2()
}

/// The greatest error over these numbers, and where it is.
fn worst(bits: impl Iterator<Item = u32>, (_, found, right, _, least): Function) -> (f64, f32) {
    bits.map(f32::from_bits).fold((0.0, 0.0), |worst, x| {
        let error = error(found(x), right(f64::from(x)), least);
        if error > worst.0 { (error, x) } else { worst }
    })
}

#[test]
fn every_function_is_within_its_bound() {
    // Every 4,999th, and what is special.
    let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MIN_POSITIVE, 1e-45, f32::MAX, f32::MIN];
    let bits = (0..=u32::MAX).step_by(4999).chain(special.into_iter().map(f32::to_bits));
    for function in FUNCTIONS {
        let (error, x) = worst(bits.clone(), function);
        assert!(error <= function.3, "{}({x:e}) is {error:.3} ULP off, expected at most {}", function.0, function.3);
    }
}

#[test]
fn a_wrong_function_is_found() {
    let wrong: Function = ("exp", |x| x.exp() * (1.0 + 3e-7), f64::exp, 1.0, TINY);
    assert!(worst((0..=u32::MAX).step_by(4999), wrong).0 > 1.0);
    assert_eq!(error(f32::NAN, 1.0, TINY), f64::INFINITY);
    assert_eq!(error(f32::INFINITY, 1.0, TINY), f64::INFINITY);
    assert_eq!(error(1.0, f64::NAN, TINY), f64::INFINITY);
}

#[test]
#[ignore = "takes half a minute"]
#[allow(clippy::print_stdout, reason = "the figures are what it is run for")]
fn every_61st_number() {
    for function in FUNCTIONS {
        let (error, x) = worst((0..=u32::MAX).step_by(61), function);
        println!("{}: {error:.3} ULP at {x:e}", function.0);
        assert!(error <= function.3);
    }
}
