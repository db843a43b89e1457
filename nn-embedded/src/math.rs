//! exp and the activations in `f32`, of additions, multiplications and divisions alone: `core` has no exp.
//!
//! The methods and polynomials are those of `nn_kernels::math`, where their sources stand. Nothing is fused, so that
//! every CPU computes the same bits. The greatest error in units of the last place (ULP), held by `tests/ulp.rs`:
//!
//! | exp | elu | sigmoid, tanh, softplus | silu, gelu |
//! |---|---|---|---|
//! | 1 | 2 | 3 | 4 |
//!
//! Results below 10⁻³⁵ count as 10⁻³⁵, those of gelu below ⅛ as ⅛: there the rounding of its exponent weighs more.

/// 1.5 · 2²³. A number below 2²² in magnitude that it is added to is rounded to a whole one, half to even.
const SHIFT: f32 = 12_582_912.0;
/// The leading bits of ln 2, so few that a whole number times it is exact.
const LN2_HIGH: f32 = 0.693_359_4;
/// ln 2 less these.
const LN2_LOW: f32 = -0.000_212_194_44;
/// q in e^r = 1 + r + r² q(r) for |r| ≤ ½ ln 2, the constant term first.
const EXP: [f32; 5] = [0.5, 0.16666576, 0.041666556, 0.008363203, 0.0013926213];
/// P in 2 artanh(t) = 2t + t³ P(t²) for |t| ≤ ⅓, the constant term first.
const ARTANH: [f32; 4] = [0.6666664, 0.4000756, 0.2823662, 0.268515];
/// √(8/π), the coefficient in the tanh form of gelu.
const GELU_SCALE: f32 = 1.595_769;
/// 0.044715 √(8/π).
const GELU_CUBIC: f32 = 0.071_354_814;
/// Below it silu and gelu are 0. An infinite z times 0 would be NaN.
const SATURATED: f32 = -760.0;

/// Horner's scheme, the constant term first.
fn polynomial<const N: usize>(coefficients: &[f32; N], x: f32) -> f32 {
    let step = |sum, coefficient: &f32| sum * x + coefficient;
    coefficients.iter().rev().fold(0.0, step)
}

/// The nearest whole number, half to even, of one below 2²² in magnitude.
pub fn round(x: f32) -> f32 {
    (x + SHIFT) - SHIFT
}

/// 2ⁿ of a whole n from -126 to 127.
fn exp2(n: f32) -> f32 {
    f32::from_bits((n + (SHIFT + 127.0)).to_bits() << 23)
}

/// n, r, and e^r - 1, where x = n ln 2 + r with a whole n and |r| ≤ ½ ln 2; |x| is at most some hundred.
fn reduce(x: f32) -> (f32, f32) {
    let n = round(x * core::f32::consts::LOG2_E);
    let (high, low) = (x - n * LN2_HIGH, n * LN2_LOW);
    let r = high - low;
    // The sum from the exact part of r: its rounding would weigh more than all else.
    (n, high + (r * r * polynomial(&EXP, r) - low))
}

/// e^x. e^-∞ = 0, e^∞ = ∞, NaN stays NaN.
pub fn exp(x: f32) -> f32 {
    if x.is_nan() {
        return x;
    }
    let (n, less_one) = reduce(x.clamp(-105.0, 89.0));
    // In two halves: 2ⁿ may be out of range where e^x is not.
    let half = round(n * 0.5);
    (1.0 + less_one) * exp2(half) * exp2(n - half)
}

/// z itself.
pub fn linear(z: f32) -> f32 {
    z
}

/// max(0, z); NaN stays NaN.
pub fn relu(z: f32) -> f32 {
    if z < 0.0 { 0.0 } else { z }
}

/// z where z > 0, slope · z elsewhere.
pub fn leaky_relu(z: f32, slope: f32) -> f32 {
    if z > 0.0 { z } else { z * slope }
}

/// z where z > 0, e^z - 1 elsewhere.
pub fn elu(z: f32) -> f32 {
    // Near 0 the last term, which is 0 there, would make +0 of -0; of NaN it makes NaN.
    if z > -0.3 && z <= 0.0 {
        z + z * z * polynomial(&EXP, z)
    } else if z > 0.0 {
        z
    } else {
        exp(z) - 1.0
    }
}

/// 1 / (1 + e^-z), from the exponential that cannot overflow.
pub fn sigmoid(z: f32) -> f32 {
    let e = exp(-z.abs());
    let numerator = if z < 0.0 { e } else { 1.0 };
    numerator / (1.0 + e)
}

/// E / (E + 2) with E = e^2|z| - 1, and the sign of z.
pub fn tanh(z: f32) -> f32 {
    if z.is_nan() {
        return z;
    }
    let twice = z.abs().min(20.0) * 2.0;
    let (n, less_one) = reduce(twice);
    let scale = exp2(n);
    let e = less_one * scale + (scale - 1.0);
    (e / (e + 2.0)).copysign(z)
}

/// z σ(z).
pub fn silu(z: f32) -> f32 {
    let z = if z < SATURATED { SATURATED } else { z };
    z * sigmoid(z)
}

/// z σ(√(8/π) (z + 0.044715 z³)).
pub fn gelu(z: f32) -> f32 {
    let z = if z < SATURATED { SATURATED } else { z };
    z * sigmoid(z * (z * z * GELU_CUBIC + GELU_SCALE))
}

/// ln(1 + e^z) = max(z, 0) + ln(1 + u) with u = e^-|z|, and ln(1 + u) = 2 artanh(u / (u + 2)).
pub fn softplus(z: f32) -> f32 {
    let u = exp(-z.abs());
    let t = u / (u + 2.0);
    let square = t * t;
    relu(z) + (t * square * polynomial(&ARTANH, square) + (t + t))
}

/// e^z_k / Σ_j e^z_j in place, the greatest z subtracted first. A NaN makes all of them NaN.
pub fn softmax(row: &mut [f32]) {
    let higher = |max: f32, &z: &f32| if z > max || z.is_nan() { z } else { max };
    let max = row.iter().fold(f32::NEG_INFINITY, higher);
    let mut sum = 0.0;
    for z in row.iter_mut() {
        *z = exp(*z - max);
        sum += *z;
    }
    let factor = 1.0 / sum;
    for e in row {
        *e *= factor;
    }
}
