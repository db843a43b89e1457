//! g and g' over slices.
//!
//! The functions are generic over the instruction set: a kernel calls them from inside [`Simd::run`], for a layer of a whole
//! shard or of one tile. The activation is chosen outside the loops, each of which is a [`Kernel`] of its own, so that it is
//! compiled once in each set.

use crate::isa::{Kernel, Simd, Vector};
use crate::math::{exp, exp_clamped, exp_m1, sigmoid, sigmoid_from_exp, softplus, softplus_from_exp, tanh};
use crate::{Activation, Element};

/// √(8/π), the coefficient in the tanh form of gelu.
const GELU_SCALE: f64 = 1.595_769_121_605_730_7;
/// The cubic coefficient in the tanh form of gelu.
const GELU_CUBIC: f64 = 0.044_715;
/// Below this z, silu and gelu and their slopes should be 0 in either element type, and beyond its opposite the slopes 1. The
/// least that σ comes to is not 0 but about the least normal number, so it is multiplied by no z beyond these: silu of -10³⁰
/// comes to -10⁻³⁵ in `f32` rather than to -10⁻⁸.
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
        Activation::Sigmoid => map(s, z, Sigmoid),
        Activation::Tanh => map(s, z, Tanh),
        Activation::Relu => map(s, z, Relu),
        Activation::LeakyRelu(slope) => map(s, z, LeakyRelu(T::from_f64(slope))),
        Activation::Elu => map(s, z, Elu),
        Activation::Gelu => map(s, z, Gelu),
        Activation::Silu => map(s, z, Silu),
        Activation::Softplus => map(s, z, Softplus),
        Activation::Linear => {}
        Activation::Softmax => {
            for row in z.chunks_exact_mut(width) {
                softmax(s, row);
            }
        }
    }
}

/// A = g(z) and g'(z): `z` becomes g'(z), `a` becomes g(z). For softmax, whose derivative is no slice, `z` becomes
/// 1; its δ with cross-entropy is made elsewhere.
///
/// g' is taken from whichever of z and a is cheaper: a(1 - a) for sigmoid, 1 - a² for tanh, a + 1 for elu.
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
    match activation {
        Activation::Sigmoid => map_both(s, z, a, Sigmoid),
        Activation::Tanh => map_both(s, z, a, Tanh),
        Activation::Relu => map_both(s, z, a, Relu),
        Activation::LeakyRelu(slope) => map_both(s, z, a, LeakyRelu(T::from_f64(slope))),
        Activation::Elu => map_both(s, z, a, Elu),
        Activation::Gelu => map_both(s, z, a, Gelu),
        Activation::Silu => map_both(s, z, a, Silu),
        Activation::Softplus => map_both(s, z, a, Softplus),
        Activation::Linear => {
            a.copy_from_slice(z);
            z.fill(T::ONE);
        }
        Activation::Softmax => {
            a.copy_from_slice(z);
            activate(s, activation, width, a);
            z.fill(T::ONE);
        }
    }
}

/// A function of single units. (A trait rather than closures: those cannot be `#[inline(always)]`, and one that is
/// not inlined leaves the instruction set.)
trait Function<T: Element>: Copy {
    /// Whether it is a long chain of instructions, which pays in bundles of vectors.
    const IS_CHAIN: bool;

    /// g(z).
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V;
    /// g(z) and g'(z).
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V);
}

/// 1 where z > 0, `other` elsewhere.
#[inline(always)]
fn one_above_zero<T: Element, S: Simd<T>>(s: S, z: S::V, other: S::V) -> S::V {
    S::V::select(s.splat(T::ZERO).lt(z), s.splat(T::ONE), other)
}

#[derive(Clone, Copy)]
struct Sigmoid;

impl<T: Element> Function<T> for Sigmoid {
    const IS_CHAIN: bool = true;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        sigmoid(s, z)
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        let a = sigmoid(s, z);
        (a, a * (s.splat(T::ONE) - a))
    }
}

#[derive(Clone, Copy)]
struct Tanh;

impl<T: Element> Function<T> for Tanh {
    const IS_CHAIN: bool = true;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        tanh(s, z)
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        let (a, one) = (tanh(s, z), s.splat(T::ONE));
        (a, a.neg_mul_add(a, one))
    }
}

#[derive(Clone, Copy)]
struct Relu;

impl<T: Element> Function<T> for Relu {
    const IS_CHAIN: bool = false;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        // In this order a NaN in z comes out.
        s.splat(T::ZERO).max(z)
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        (self.value(s, z), one_above_zero(s, z, s.splat(T::ZERO)))
    }
}

#[derive(Clone, Copy)]
struct LeakyRelu<T>(T);

impl<T: Element> Function<T> for LeakyRelu<T> {
    const IS_CHAIN: bool = false;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        S::V::select(s.splat(T::ZERO).lt(z), z, z * s.splat(self.0))
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        (self.value(s, z), one_above_zero(s, z, s.splat(self.0)))
    }
}

#[derive(Clone, Copy)]
struct Elu;

impl<T: Element> Function<T> for Elu {
    const IS_CHAIN: bool = true;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        S::V::select(s.splat(T::ZERO).lt(z), z, exp_m1(s, z))
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        let a = Function::<T>::value(self, s, z);
        // Below 0, g' = e^z = a + 1.
        (a, one_above_zero(s, z, a + s.splat(T::ONE)))
    }
}

/// σ(u) and 1 - σ(u) = σ(-u), neither of them cancelled, from one exponential and one division.
#[inline(always)]
fn probabilities<T: Element, S: Simd<T>>(s: S, u: S::V) -> (S::V, S::V) {
    let one = s.splat(T::ONE);
    let e = exp_clamped(s, -u.abs());
    let large = one.quotient(one + e);
    let small = e * large;
    let negative = u.lt(s.splat(T::ZERO));
    (S::V::select(negative, small, large), S::V::select(negative, large, small))
}

#[derive(Clone, Copy)]
struct Silu;

impl<T: Element> Function<T> for Silu {
    const IS_CHAIN: bool = true;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        Function::<T>::both(self, s, z).0
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        let z = s.splat(T::from_f64(SATURATED)).max(z);
        let (yes, no) = probabilities(s, z);
        // σ + z σ(1 - σ)
        let near = s.splat(T::from_f64(-SATURATED)).min(z);
        (z * yes, (near * yes).mul_add(no, yes))
    }
}

#[derive(Clone, Copy)]
struct Gelu;

impl<T: Element> Function<T> for Gelu {
    const IS_CHAIN: bool = true;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        Function::<T>::both(self, s, z).0
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        let z = s.splat(T::from_f64(SATURATED)).max(z);
        // u = √(8/π)(z + 0.044715 z³)
        let scale = s.splat(T::from_f64(GELU_SCALE));
        let (yes, no) = probabilities(s, z * (z * z).mul_add(s.splat(T::from_f64(GELU_CUBIC * GELU_SCALE)), scale));
        // σ(u) + z σ(u)(1 - σ(u)) u', where u' = √(8/π)(1 + 3 · 0.044715 z²)
        let flat = s.splat(T::from_f64(GELU_FLAT));
        let near = flat.min((-flat).max(z));
        let slope = (near * near).mul_add(s.splat(T::from_f64(3.0 * GELU_CUBIC * GELU_SCALE)), scale);
        (z * yes, (near * slope).mul_add(yes * no, yes))
    }
}

#[derive(Clone, Copy)]
struct Softplus;

impl<T: Element> Function<T> for Softplus {
    const IS_CHAIN: bool = true;

    #[inline(always)]
    fn value<S: Simd<T>>(self, s: S, z: S::V) -> S::V {
        softplus(s, z)
    }

    #[inline(always)]
    fn both<S: Simd<T>>(self, s: S, z: S::V) -> (S::V, S::V) {
        let e = exp_clamped(s, -z.abs());
        (softplus_from_exp(s, z, e), sigmoid_from_exp(s, z, e))
    }
}

/// e^z_k / Σ_j e^z_j of one row, in place, the greatest z subtracted first. Returns that z and Σ_j e^(z_j - max), which for
/// finite z is at least 1 and at most the row's length; otherwise it may be NaN, and with it the whole row.
#[inline(always)]
pub(crate) fn softmax<T: Element, S: Simd<T>>(s: S, row: &mut [T]) -> (T, T) {
    let lowest = T::from_f64(f64::NEG_INFINITY);
    let mut greatest = s.splat(lowest);
    for chunk in row.chunks(S::LANES) {
        greatest = greatest.max(s.load_partial(chunk, lowest));
    }
    let max = greatest.max_lane();
    let mut sums = s.splat(T::ZERO);
    for chunk in row.chunks_mut(S::LANES) {
        let e = exp(s, s.load_partial(chunk, lowest) - s.splat(max));
        sums = sums + e;
        s.store_partial(e, chunk);
    }
    let sum = sums.sum();
    let factor = s.splat(T::ONE / sum);
    for chunk in row.chunks_mut(S::LANES) {
        s.store_partial(s.load_partial(chunk, T::ZERO) * factor, chunk);
    }
    (max, sum)
}

/// g of every element, in place. (A kernel of its own, so that it is compiled once for all that call it.)
#[inline(always)]
fn map<T: Element, S: Simd<T>>(s: S, values: &mut [T], g: impl Function<T>) {
    s.run(Map { values, g });
}

/// g of every `z` to `a`, and g' back to `z`.
#[inline(always)]
fn map_both<T: Element, S: Simd<T>>(s: S, z: &mut [T], a: &mut [T], g: impl Function<T>) {
    assert_eq!(z.len(), a.len(), "z and a");
    s.run(MapBoth { z, a, g });
}

struct Map<'a, T, G> {
    values: &'a mut [T],
    g: G,
}

impl<T: Element, G: Function<T>> Kernel<T> for Map<'_, T, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { values, g } = self;
        let rest = if G::IS_CHAIN { map_vectors(s.wide(), values, g) } else { values };
        let tail = map_vectors(s, rest, g);
        if !tail.is_empty() {
            s.store_partial(g.value(s, s.load_partial(tail, T::ZERO)), tail);
        }
    }
}

/// As many whole vectors as there are; returns the rest.
#[inline(always)]
fn map_vectors<T: Element, S: Simd<T>>(s: S, values: &mut [T], g: impl Function<T>) -> &mut [T] {
    let mut chunks = values.chunks_exact_mut(S::LANES);
    for chunk in &mut chunks {
        s.store(g.value(s, s.load(chunk)), chunk);
    }
    chunks.into_remainder()
}

struct MapBoth<'a, T, G> {
    z: &'a mut [T],
    a: &'a mut [T],
    g: G,
}

impl<T: Element, G: Function<T>> Kernel<T> for MapBoth<'_, T, G> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { z, a, g } = self;
        let (z, a) = if G::IS_CHAIN { map_both_vectors(s.wide(), z, a, g) } else { (z, a) };
        let (z, a) = map_both_vectors(s, z, a, g);
        if !z.is_empty() {
            let (value, derivative) = g.both(s, s.load_partial(z, T::ZERO));
            s.store_partial(value, a);
            s.store_partial(derivative, z);
        }
    }
}

/// As many whole vectors as there are; returns the rest.
#[inline(always)]
fn map_both_vectors<'a, T: Element, S: Simd<T>>(
    s: S,
    z: &'a mut [T],
    a: &'a mut [T],
    g: impl Function<T>,
) -> (&'a mut [T], &'a mut [T]) {
    let mut z_chunks = z.chunks_exact_mut(S::LANES);
    let mut a_chunks = a.chunks_exact_mut(S::LANES);
    for (z, a) in (&mut z_chunks).zip(&mut a_chunks) {
        let (value, derivative) = g.both(s, s.load(z));
        s.store(value, a);
        s.store(derivative, z);
    }
    (z_chunks.into_remainder(), a_chunks.into_remainder())
}
