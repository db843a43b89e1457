//! The cost of a batch's outputs and δ^(L), both from the pre-activation z.
//!
//! From z, because ln h underflows long before z overflows: the cost is finite for every finite z whose true cost
//! is. Every cost is divided by m before it is added, so that the sum cannot overflow where the mean does not.

use crate::activation::{activate_with_derivative, softmax};
use crate::isa::{MAX_LANES, Simd, Vector};
use crate::math::{exp_clamped, ln_1p, sigmoid_from_exp};
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
    /// 1/m, or 1/Σs where samples have weights.
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
        (Loss::CrossEntropy, _) => sigmoid_cross_entropy_in_place(s, output.scale, z, targets, spare),
        (loss, activation) => {
            activate_with_derivative(s, activation, output.width, z, spare);
            let cost = residual_cost(loss, spare, targets, output.scale);
            residual_delta(s, loss, z, spare, targets);
            cost
        }
    }
}

/// As [`cost_and_delta`], with the cost and δ of each row multiplied by its weight, of which `output.scale` is 1/Σs. Where
/// a weight is 0 both are 0, even where `z` or `targets` are not finite. Weights are finite and not negative.
///
/// Where the width matters, which is for softmax only, units lie side by side. For others it says how many numbers a
/// weight is for: with a width of 1, `z` may be one unit of many samples.
///
/// # Panics
/// When the slices differ in length, or there is not a weight for each row.
#[inline(always)]
pub fn weighted_cost_and_delta<T: Element, S: Simd<T>>(
    s: S,
    output: Output,
    z: &mut [T],
    targets: &[T],
    weights: &[T],
    spare: &mut [T],
) -> f64 {
    assert!(z.len() == targets.len() && z.len() == spare.len(), "z, targets and spare");
    assert!(z.len() == weights.len() * output.width, "a weight for each row");
    match (output.loss, output.activation) {
        (Loss::CrossEntropy, Activation::Softmax) => {
            return weighted_softmax_cross_entropy(s, output, z, targets, weights, spare);
        }
        (Loss::CrossEntropy, _) => spare.copy_from_slice(z),
        (_, activation) => activate_with_derivative(s, activation, output.width, z, spare),
    }
    // z, or g' and a, block by block with a weight for every number.
    let (mut cost, mut first) = (0.0, 0);
    let mut room = [T::ZERO; SPREAD];
    let blocks = z.chunks_mut(SPREAD).zip(targets.chunks(SPREAD)).zip(spare.chunks(SPREAD));
    for ((z, targets), spare) in blocks {
        let weights = spread(weights, output.width, first, &mut room[..z.len()]);
        first += z.len();
        cost += if output.loss == Loss::CrossEntropy {
            weighted_sigmoid_cross_entropy(s, output.scale, spare, targets, weights, z)
        } else {
            residual_delta(s, output.loss, z, spare, targets);
            multiply(s, z, weights);
            weighted_residual_cost(output.loss, spare, targets, weights, output.scale)
        };
    }
    cost
}

/// Numbers whose weights are written out at a time: 1 KiB of f32.
const SPREAD: usize = 256;

/// The weights of numbers from `first` on, of which `width` share one: as many as there is room for.
#[inline(always)]
fn spread<'a, T: Copy>(weights: &'a [T], width: usize, first: usize, room: &'a mut [T]) -> &'a [T] {
    if width == 1 {
        return &weights[first..first + room.len()];
    }
    let (mut row, mut count) = (first / width, width - first % width);
    let mut rest = &mut *room;
    while !rest.is_empty() {
        let (numbers, behind) = rest.split_at_mut(count.min(rest.len()));
        numbers.fill(weights[row]);
        (row, count, rest) = (row + 1, width, behind);
    }
    room
}

/// `values` ⊙= `weights`, 0 where a weight is 0.
#[inline(always)]
fn multiply<T: Element, S: Simd<T>>(s: S, values: &mut [T], weights: &[T]) {
    for (values, weights) in values.chunks_mut(S::LANES).zip(weights.chunks(S::LANES)) {
        let product = weighted(s, s.load_partial(values, T::ZERO), s.load_partial(weights, T::ZERO));
        s.store_partial(product, values);
    }
}

/// `value` · `weight`, 0 where the weight is 0.
#[inline(always)]
pub(crate) fn weighted<T: Element, S: Simd<T>>(s: S, value: S::V, weight: S::V) -> S::V {
    let zero = s.splat(T::ZERO);
    S::V::select(weight.le(zero), zero, value * weight)
}

/// Row by row, as [`softmax_cross_entropy`].
#[inline(always)]
fn weighted_softmax_cross_entropy<T: Element, S: Simd<T>>(
    s: S,
    output: Output,
    z: &mut [T],
    targets: &[T],
    weights: &[T],
    spare: &mut [T],
) -> f64 {
    let width = output.width;
    let mut cost = 0.0;
    let rows = z.chunks_exact_mut(width).zip(targets.chunks_exact(width)).zip(spare.chunks_exact_mut(width));
    for (((z, targets), spare), &weight) in rows.zip(weights) {
        if weight == T::ZERO {
            z.fill(T::ZERO);
            continue;
        }
        let output = Output { scale: output.scale * weight.to_f64(), ..output };
        cost += softmax_cross_entropy(s, output, z, targets, spare);
        for z in z {
            *z *= weight;
        }
    }
    cost
}

/// As [`sigmoid_cross_entropy`], for any number of units, each with a weight.
#[inline(always)]
fn weighted_sigmoid_cross_entropy<T: Element, S: Simd<T>>(
    s: S,
    scale: f64,
    z: &[T],
    targets: &[T],
    weights: &[T],
    delta: &mut [T],
) -> f64 {
    let share_of_sum = z.len() as f64;
    let factor = T::from_f64(scale / share_of_sum);
    let wide = s.wide();
    let bulk = z.len() / S::Wide::LANES * S::Wide::LANES;
    let (wide_z, z) = z.split_at(bulk);
    let (wide_targets, targets) = targets.split_at(bulk);
    let (wide_weights, weights) = weights.split_at(bulk);
    let (wide_delta, delta) = delta.split_at_mut(bulk);
    let bulk = weighted_sigmoid_costs(wide, wide_z, wide_targets, wide_weights, wide_delta, factor).sum().to_f64();
    let rest = weighted_sigmoid_costs(s, z, targets, weights, delta, factor).sum().to_f64();
    share_of_sum * (bulk + rest)
}

/// The costs of units, lane by lane, times weight and `factor`; and δ times the weight. Each has a logarithm of its own:
/// products of the 1 + e, as in [`sigmoid_costs`], have no weights.
#[inline(always)]
fn weighted_sigmoid_costs<T: Element, S: Simd<T>>(
    s: S,
    z: &[T],
    targets: &[T],
    weights: &[T],
    delta: &mut [T],
    factor: T,
) -> S::V {
    let (zero, factor) = (s.splat(T::ZERO), s.splat(factor));
    let mut total = zero;
    let vectors = z.chunks(S::LANES).zip(targets.chunks(S::LANES)).zip(weights.chunks(S::LANES));
    for (((z, y), weight), delta) in vectors.zip(delta.chunks_mut(S::LANES)) {
        // Lanes without a unit weigh nothing.
        let (z, y) = (s.load_partial(z, T::ZERO), s.load_partial(y, T::ZERO));
        let weight = s.load_partial(weight, T::ZERO);
        let e = exp_clamped(s, -z.abs());
        let cost = z.neg_mul_add(y, zero.max(z)) + ln_1p(s, e);
        // The factor first, so that a large weight cannot overflow.
        total = total + weighted(s, cost, weight * factor);
        s.store_partial(weighted(s, sigmoid_from_exp(s, z, e) - y, weight), delta);
    }
    total
}

/// As [`sigmoid_cross_entropy`], in place and for any number of units.
#[inline(always)]
fn sigmoid_cross_entropy_in_place<T: Element, S: Simd<T>>(
    s: S,
    scale: f64,
    delta: &mut [T],
    targets: &[T],
    z: &mut [T],
) -> f64 {
    z.copy_from_slice(delta);
    let whole = z.len() / S::LANES * S::LANES;
    let cost = sigmoid_cross_entropy(s, scale, &z[..whole], &targets[..whole], &mut delta[..whole], S::LANES);
    let rest = z.len() - whole;
    if rest == 0 {
        return cost;
    }
    let [mut last_z, mut last_y, mut last_delta] = [[T::ZERO; MAX_LANES]; 3];
    last_z[..rest].copy_from_slice(&z[whole..]);
    last_y[..rest].copy_from_slice(&targets[whole..]);
    let [z, y] = [&last_z[..S::LANES], &last_y[..S::LANES]];
    let last = sigmoid_cross_entropy(s, scale, z, y, &mut last_delta[..S::LANES], rest);
    delta[whole..].copy_from_slice(&last_delta[..rest]);
    cost + last
}

/// The cost of whole vectors of units, of each of which the first `counted` lanes count, times `scale`; and δ.
#[inline(always)]
pub(crate) fn sigmoid_cross_entropy<T: Element, S: Simd<T>>(
    s: S,
    scale: f64,
    z: &[T],
    targets: &[T],
    delta: &mut [T],
    counted: usize,
) -> f64 {
    if z.is_empty() {
        return 0.0;
    }
    // Divided by the number of what is added, too, so that the sum cannot overflow where the mean does not.
    let share_of_sum = z.len() as f64;
    let factor = T::from_f64(scale / share_of_sum);
    let wide = s.wide();
    let bulk = if counted >= S::LANES { z.len() / S::Wide::LANES * S::Wide::LANES } else { 0 };
    let (wide_z, z) = z.split_at(bulk);
    let (wide_targets, targets) = targets.split_at(bulk);
    let (wide_delta, delta) = delta.split_at_mut(bulk);
    let bulk = sigmoid_costs(wide, wide_z, wide_targets, wide_delta, factor).sum().to_f64();
    let rest = sigmoid_costs(s, z, targets, delta, factor);
    share_of_sum * (bulk + sum_of_first(s, rest, counted))
}

/// Factors 1 + e^-|z| ≤ 2 that are multiplied before their logarithm is taken.
const FACTORS: usize = 32;

/// The costs of vectors of units, lane by lane, times `factor`; and δ. One exponential gives all three.
///
/// Σ ln(1 + e) is had from the product of the 1 + e, kept less 1 so that a small e is not lost: a logarithm for
/// [`FACTORS`] units rather than one each. softplus(z) - y z = ln(1 + e^-|z|) + max(z, 0) - y z, of which the last two
/// are rounded once, so that nothing cancels.
#[inline(always)]
fn sigmoid_costs<T: Element, S: Simd<T>>(s: S, z: &[T], targets: &[T], delta: &mut [T], factor: T) -> S::V {
    let (zero, factor) = (s.splat(T::ZERO), s.splat(factor));
    let (mut linear, mut logs) = (zero, zero);
    let block = FACTORS * S::LANES;
    for ((z, y), delta) in z.chunks(block).zip(targets.chunks(block)).zip(delta.chunks_mut(block)) {
        let mut product = zero;
        let vectors = z.chunks_exact(S::LANES).zip(y.chunks_exact(S::LANES)).zip(delta.chunks_exact_mut(S::LANES));
        for ((z, y), delta) in vectors {
            let (z, y) = (s.load(z), s.load(y));
            let e = exp_clamped(s, -z.abs());
            product = product.mul_add(e, product + e);
            linear = z.neg_mul_add(y, zero.max(z)).mul_add(factor, linear);
            s.store(sigmoid_from_exp(s, z, e) - y, delta);
        }
        logs = logs + ln_1p(s, product);
    }
    logs.mul_add(factor, linear)
}

/// Σ of a vector's first `count` lanes, or of all where it has fewer.
#[inline(always)]
pub(crate) fn sum_of_first<T: Element, S: Simd<T>>(s: S, vector: S::V, count: usize) -> f64 {
    if count >= S::LANES {
        return vector.sum().to_f64();
    }
    let mut lanes = [T::ZERO; MAX_LANES];
    s.store(vector, &mut lanes);
    lanes[..count].iter().map(|lane| lane.to_f64()).sum()
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
        Loss::Huber(d) => sum_of(a, targets, scale, |r| huber(r, d)),
        _ => sum_of(a, targets, scale, |r| 0.5 * r * r),
    }
}

/// ½ r², or d (|r| - ½ d) beyond d.
#[inline(always)]
fn huber(r: f64, d: f64) -> f64 {
    let magnitude = r.abs();
    if magnitude > d { d * (magnitude - 0.5 * d) } else { 0.5 * r * r }
}

/// As [`residual_cost`], each number with a weight.
#[inline(always)]
fn weighted_residual_cost<T: Element>(loss: Loss, a: &[T], targets: &[T], weights: &[T], scale: f64) -> f64 {
    match loss {
        Loss::Mae => weighted_sum_of(a, targets, weights, scale, f64::abs),
        Loss::Huber(d) => weighted_sum_of(a, targets, weights, scale, |r| huber(r, d)),
        _ => weighted_sum_of(a, targets, weights, scale, |r| 0.5 * r * r),
    }
}

/// As [`sum_of`], each number with a weight.
#[inline(always)]
fn weighted_sum_of<T: Element>(a: &[T], targets: &[T], weights: &[T], scale: f64, f: impl Fn(f64) -> f64) -> f64 {
    let mut sums = [0.0; 8];
    for ((a, y), weights) in a.chunks(8).zip(targets.chunks(8)).zip(weights.chunks(8)) {
        for (sum, ((a, y), weight)) in sums.iter_mut().zip(a.iter().zip(y).zip(weights)) {
            let cost = f(a.to_f64() - y.to_f64()) * (weight.to_f64() * scale);
            *sum += if *weight == T::ZERO { 0.0 } else { cost };
        }
    }
    sums.iter().sum()
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
