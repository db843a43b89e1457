//! The cost of a batch's outputs and δ^(L), both from the pre-activation z.
//!
//! From z, because ln h underflows long before z overflows: the cost is finite for every finite z whose true cost
//! is. Costs are added up in `f64`, every one divided by m first, so that the sum cannot overflow where the mean
//! does not.

use crate::activation::{activate_with_derivative, softmax};
use crate::isa::{MAX_LANES, Simd, Vector};
use crate::math::{exp_clamped, ln_1p_unit, sigmoid_from_exp};
use crate::{Activation, Element, Loss};

/// What the loss at the output needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The loss.
    pub loss: Loss,
    /// The activation of the output layer, one that the loss fits.
    pub activation: Activation,
    /// S_L.
    pub width: usize,
    /// 1/m.
    pub scale: f64,
}

/// The samples' share of the cost, Σ_i loss_i / m; `z` (rows × S_L) becomes δ^(L), not divided by m. `targets` are
/// shaped as `z`; `spare` is room for as many numbers again.
///
/// | loss | output | cost of a unit | δ |
/// |---|---|---|---|
/// | cross-entropy | sigmoid | ln(1 + e^-\|z\|) + max(z, 0) - y z | a - y |
/// | cross-entropy | softmax | y (max z - z + ln Σ e^(z - max z)) | a Σy - y |
/// | squared | any | ½ (a - y)² | (a - y) g'(z) |
/// | absolute | any | \|a - y\| | sgn(a - y) g'(z) |
/// | Huber | any | ½ r², or d (\|r\| - ½ d) | clamp(a - y, -d, d) g'(z) |
///
/// NaN in `z` or `targets` gives NaN in both.
///
/// # Panics
/// When the slices differ in length.
#[inline(always)]
pub fn cost_and_delta<T: Element, S: Simd<T>>(
    s: S,
    output: Output,
    z: &mut [T],
    targets: &[T],
    spare: &mut [T],
) -> f64 {
    assert!(z.len() == targets.len() && z.len() == spare.len(), "z, targets and spare");
    match (output.loss, output.activation) {
        (Loss::CrossEntropy, Activation::Softmax) => softmax_cross_entropy(s, output, z, targets, spare),
        (Loss::CrossEntropy, _) => sigmoid_cross_entropy(s, output.scale, z, targets),
        (loss, activation) => {
            activate_with_derivative(s, activation, output.width, z, spare);
            let cost = residual_cost(loss, spare, targets, output.scale);
            residual_delta(s, loss, z, spare, targets);
            cost
        }
    }
}

#[inline(always)]
fn sigmoid_cross_entropy<T: Element, S: Simd<T>>(s: S, scale: f64, z: &mut [T], targets: &[T]) -> f64 {
    let mut sums = [0.0; MAX_LANES];
    let mut lanes = [T::ZERO; MAX_LANES];
    let mut z = z.chunks_exact_mut(S::LANES);
    let mut y = targets.chunks_exact(S::LANES);
    for (z, y) in (&mut z).zip(&mut y) {
        let (cost, delta) = sigmoid_cross_entropy_of(s, s.load(z), s.load(y));
        s.store(delta, z);
        s.store(cost, &mut lanes);
        for lane in 0..S::LANES {
            sums[lane] += lanes[lane].to_f64() * scale;
        }
    }
    let (z, y) = (z.into_remainder(), y.remainder());
    if !z.is_empty() {
        let (cost, delta) = sigmoid_cross_entropy_of(s, s.load_partial(z, T::ZERO), s.load_partial(y, T::ZERO));
        s.store_partial(delta, z);
        s.store(cost, &mut lanes);
        for lane in 0..z.len() {
            sums[lane] += lanes[lane].to_f64() * scale;
        }
    }
    sums.iter().sum()
}

/// A unit's cost and δ from one exponential, e^-|z|.
#[inline(always)]
pub(crate) fn sigmoid_cross_entropy_of<T: Element, S: Simd<T>>(s: S, z: S::V, y: S::V) -> (S::V, S::V) {
    let e = exp_clamped(s, -z.abs());
    // softplus(z) - y z = ln(1 + e^-|z|) + max(z, 0) - y z: the last two are rounded once, so nothing cancels.
    let cost = ln_1p_unit(s, e) + z.neg_mul_add(y, s.splat(T::ZERO).max(z));
    (cost, sigmoid_from_exp(s, z, e) - y)
}

/// Row by row: -Σ_k y_k ln h_k, where -ln h_k = max - z_k + ln Σ_j e^(z_j - max).
#[inline(always)]
fn softmax_cross_entropy<T: Element, S: Simd<T>>(
    s: S,
    output: Output,
    z: &mut [T],
    targets: &[T],
    spare: &mut [T],
) -> f64 {
    let width = output.width;
    let mut cost = 0.0;
    let rows = z.chunks_exact_mut(width).zip(targets.chunks_exact(width)).zip(spare.chunks_exact_mut(width));
    for ((z, y), a) in rows {
        a.copy_from_slice(z);
        let (max, sum) = softmax(s, a);
        let (max, log_sum) = (max.to_f64(), sum.to_f64().ln());
        let mut mass = 0.0;
        for (&z, &y) in z.iter().zip(y) {
            let y = y.to_f64();
            mass += y;
            // A target of 0 asks for nothing, however far its z lies below. Halves, since max - z may overflow.
            if y != 0.0 {
                cost += 2.0 * (output.scale * y * (0.5 * max - 0.5 * z.to_f64()));
            }
        }
        cost += output.scale * mass * log_sum;
        let mass = T::from_f64(mass);
        for ((z, &y), &a) in z.iter_mut().zip(y).zip(&*a) {
            *z = a * mass - y;
        }
    }
    cost
}

/// Σ of the loss of a - y, in `f64`: a residual's square may overflow an `f32`.
#[inline(always)]
fn residual_cost<T: Element>(loss: Loss, a: &[T], targets: &[T], scale: f64) -> f64 {
    match loss {
        Loss::Mae => sum_of(a, targets, scale, f64::abs),
        Loss::Huber(d) => sum_of(a, targets, scale, |r| {
            let magnitude = r.abs();
            if magnitude > d { d * (magnitude - 0.5 * d) } else { 0.5 * r * r }
        }),
        _ => sum_of(a, targets, scale, |r| 0.5 * r * r),
    }
}

/// Σ f(a - y) · scale over eight sums side by side, so that the compiler may use vectors.
#[inline(always)]
fn sum_of<T: Element>(a: &[T], targets: &[T], scale: f64, f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    let (a_chunks, a_tail) = a.as_chunks::<8>();
    let (y_chunks, y_tail) = targets.as_chunks::<8>();
    for (a, y) in a_chunks.iter().zip(y_chunks) {
        for lane in 0..8 {
            sums[lane] += f(a[lane].to_f64() - y[lane].to_f64()) * scale;
        }
    }
    for (lane, (a, y)) in a_tail.iter().zip(y_tail).enumerate() {
        sums[lane] += f(a.to_f64() - y.to_f64()) * scale;
    }
    sums.iter().sum()
}

/// δ = loss'(a - y) ⊙ g'(z), where `slope` holds g'(z) and becomes δ.
#[inline(always)]
fn residual_delta<T: Element, S: Simd<T>>(s: S, loss: Loss, slope: &mut [T], a: &[T], targets: &[T]) {
    let (zero, one) = (s.splat(T::ZERO), s.splat(T::ONE));
    for (slope, (a, y)) in slope.chunks_mut(S::LANES).zip(a.chunks(S::LANES).zip(targets.chunks(S::LANES))) {
        let r = s.load_partial(a, T::ZERO) - s.load_partial(y, T::ZERO);
        let derivative = match loss {
            // sgn r; 0 and NaN stay what they are
            Loss::Mae => S::V::select(zero.lt(r), one, S::V::select(r.lt(zero), -one, r)),
            Loss::Huber(d) => {
                let d = s.splat(T::from_f64(d));
                d.min((-d).max(r))
            }
            _ => r,
        };
        s.store_partial(derivative * s.load_partial(slope, T::ZERO), slope);
    }
}
