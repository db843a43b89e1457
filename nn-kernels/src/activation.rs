//! g and g' over slices.
//!
//! The functions are generic over the instruction set and `#[inline(always)]`: a kernel calls them from inside
//! [`Simd::run`], once a layer, and the choice of the activation is made outside the loops.

use crate::isa::{Simd, Vector};
use crate::math::{exp, exp_m1, sigmoid, softplus, tanh};
use crate::{Activation, Element};

/// √(8/π), the coefficient in the tanh form of gelu.
const GELU_SCALE: f64 = 1.595_769_121_605_730_7;
/// The cubic coefficient in the tanh form of gelu.
const GELU_CUBIC: f64 = 0.044_715;
/// Where silu and gelu and their slopes are 0 for negative z in either element type: from there on they are
/// computed as if z were this, lest z · σ(z) multiply a large z by the least normal number.
const SATURATED: f64 = -760.0;
/// Beyond this magnitude the second term of gelu' is 0 in either element type, and its factors would overflow.
const GELU_FLAT: f64 = 40.0;

/// A = g(z), in place: `z` holds rows of `width` pre-activations each and becomes the activations. The width
/// matters to softmax alone.
///
/// NaN stays NaN.
#[inline(always)]
pub fn activate<T: Element, S: Simd<T>>(s: S, activation: Activation, width: usize, z: &mut [T]) {
    match activation {
        Activation::Sigmoid => map(s, z, |z| sigmoid(s, z)),
        Activation::Tanh => map(s, z, |z| tanh(s, z)),
        Activation::Relu => map(s, z, |z| relu(s, z)),
        Activation::LeakyRelu(slope) => map(s, z, |z| leaky_relu(s, T::from_f64(slope), z)),
        Activation::Elu => map(s, z, |z| elu(s, z)),
        Activation::Gelu => map(s, z, |z| gelu(s, z).0),
        Activation::Silu => map(s, z, |z| silu(s, z).0),
        Activation::Softplus => map(s, z, |z| softplus(s, z)),
        Activation::Linear => {}
        Activation::Softmax => z.chunks_exact_mut(width).for_each(|row| softmax(s, row)),
    }
}

/// A = g(z) and g'(z): `z` becomes g'(z), `a` becomes g(z). For softmax, whose derivative is no slice, `z` becomes
/// 1; its δ with cross-entropy is made elsewhere.
///
/// g' is taken from whichever of z and a is cheaper: a(1 - a) for sigmoid, (1 - a)(1 + a) for tanh, a + 1 for elu.
///
/// # Panics
/// When the slices differ in length.
#[inline(always)]
pub fn activate_with_derivative<T: Element, S: Simd<T>>(
    s: S,
    activation: Activation,
    width: usize,
    z: &mut [T],
    a: &mut [T],
) {
    let (zero, one) = (s.splat(T::ZERO), s.splat(T::ONE));
    match activation {
        Activation::Sigmoid => map_two(s, z, a, |z| {
            let a = sigmoid(s, z);
            (a, a * (one - a))
        }),
        Activation::Tanh => map_two(s, z, a, |z| {
            let a = tanh(s, z);
            (a, (one - a) * (one + a))
        }),
        Activation::Relu => map_two(s, z, a, |z| (relu(s, z), S::V::select(zero.lt(z), one, zero))),
        Activation::LeakyRelu(slope) => {
            let slope = T::from_f64(slope);
            map_two(s, z, a, |z| (leaky_relu(s, slope, z), S::V::select(zero.lt(z), one, s.splat(slope))));
        }
        Activation::Elu => map_two(s, z, a, |z| {
            let a = elu(s, z);
            (a, S::V::select(zero.lt(z), one, a + one))
        }),
        Activation::Gelu => map_two(s, z, a, |z| {
            let (a, probability) = gelu(s, z);
            (a, gelu_derivative(s, z, probability))
        }),
        Activation::Silu => map_two(s, z, a, |z| {
            let (a, probability) = silu(s, z);
            // σ + z σ(1 - σ)
            (a, a.mul_add(one - probability, probability))
        }),
        Activation::Softplus => map_two(s, z, a, |z| (softplus(s, z), sigmoid(s, z))),
        Activation::Linear => map_two(s, z, a, |z| (z, one)),
        Activation::Softmax => {
            a.copy_from_slice(z);
            activate(s, activation, width, a);
            z.fill(T::ONE);
        }
    }
}

/// max(0, z), NaN for NaN.
#[inline(always)]
fn relu<T: Element, S: Simd<T>>(s: S, z: S::V) -> S::V {
    s.splat(T::ZERO).max(z)
}

#[inline(always)]
fn leaky_relu<T: Element, S: Simd<T>>(s: S, slope: T, z: S::V) -> S::V {
    S::V::select(s.splat(T::ZERO).lt(z), z, z * s.splat(slope))
}

#[inline(always)]
fn elu<T: Element, S: Simd<T>>(s: S, z: S::V) -> S::V {
    S::V::select(s.splat(T::ZERO).lt(z), z, exp_m1(s, z))
}

/// z σ(z) and σ(z).
#[inline(always)]
fn silu<T: Element, S: Simd<T>>(s: S, z: S::V) -> (S::V, S::V) {
    let z = s.splat(T::from_f64(SATURATED)).max(z);
    let probability = sigmoid(s, z);
    (z * probability, probability)
}

/// z σ(u) and σ(u), where u = √(8/π)(z + 0.044715 z³).
#[inline(always)]
fn gelu<T: Element, S: Simd<T>>(s: S, z: S::V) -> (S::V, S::V) {
    let z = s.splat(T::from_f64(SATURATED)).max(z);
    let cubic = s.splat(T::from_f64(GELU_CUBIC * GELU_SCALE));
    let probability = sigmoid(s, z * (z * z).mul_add(cubic, s.splat(T::from_f64(GELU_SCALE))));
    (z * probability, probability)
}

/// σ(u) + z σ(u)(1 - σ(u)) u', where u' = √(8/π)(1 + 3 · 0.044715 z²).
#[inline(always)]
fn gelu_derivative<T: Element, S: Simd<T>>(s: S, z: S::V, probability: S::V) -> S::V {
    let flat = s.splat(T::from_f64(GELU_FLAT));
    let z = flat.min((-flat).max(z));
    let cubic = s.splat(T::from_f64(3.0 * GELU_CUBIC * GELU_SCALE));
    let slope = (z * z).mul_add(cubic, s.splat(T::from_f64(GELU_SCALE)));
    (z * slope).mul_add(probability * (s.splat(T::ONE) - probability), probability)
}

/// e^z_k / Σ_j e^z_j of one row, the greatest z subtracted first. Returns that z and ln's argument, Σ_j e^(z_j - max),
/// which is at least 1 and at most the row's length.
#[inline(always)]
pub(crate) fn softmax_parts<T: Element, S: Simd<T>>(s: S, row: &mut [T]) -> (T, T) {
    let lowest = T::from_f64(f64::NEG_INFINITY);
    let mut greatest = s.splat(lowest);
    for chunk in row.chunks(S::LANES) {
        greatest = greatest.max(s.load_partial(chunk, lowest));
    }
    let max = greatest.max_lane();
    let mut sum = s.splat(T::ZERO);
    for chunk in row.chunks_mut(S::LANES) {
        let e = exp(s, s.load_partial(chunk, lowest) - s.splat(max));
        sum = sum + e;
        s.store_partial(e, chunk);
    }
    let sum = sum.sum();
    scale(s, row, T::ONE / sum);
    (max, sum)
}

#[inline(always)]
fn softmax<T: Element, S: Simd<T>>(s: S, row: &mut [T]) {
    softmax_parts(s, row);
}

/// `values` · `factor`, in place.
#[inline(always)]
pub(crate) fn scale<T: Element, S: Simd<T>>(s: S, values: &mut [T], factor: T) {
    map(s, values, |x| x * s.splat(factor));
}

/// `f` of every element, in place.
#[inline(always)]
pub(crate) fn map<T: Element, S: Simd<T>>(s: S, values: &mut [T], f: impl Fn(S::V) -> S::V) {
    let mut chunks = values.chunks_exact_mut(S::LANES);
    for chunk in &mut chunks {
        s.store(f(s.load(chunk)), chunk);
    }
    let tail = chunks.into_remainder();
    if !tail.is_empty() {
        s.store_partial(f(s.load_partial(tail, T::ZERO)), tail);
    }
}

/// `f` of every `z`, its first result to `a`, its second back to `z`.
#[inline(always)]
fn map_two<T: Element, S: Simd<T>>(s: S, z: &mut [T], a: &mut [T], f: impl Fn(S::V) -> (S::V, S::V)) {
    assert_eq!(z.len(), a.len(), "z and a");
    let mut z_chunks = z.chunks_exact_mut(S::LANES);
    let mut a_chunks = a.chunks_exact_mut(S::LANES);
    for (z, a) in (&mut z_chunks).zip(&mut a_chunks) {
        let (value, derivative) = f(s.load(z));
        s.store(value, a);
        s.store(derivative, z);
    }
    let (z, a) = (z_chunks.into_remainder(), a_chunks.into_remainder());
    if !z.is_empty() {
        let (value, derivative) = f(s.load_partial(z, T::ZERO));
        s.store_partial(value, a);
        s.store_partial(derivative, z);
    }
}
