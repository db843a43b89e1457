//! Comparators that fail on NaN, on unequal lengths, and on nothing to compare.

use nn_kernels::Architecture;

/// The greatest |a - b| / max(|b|, floor) over all elements; NaN if any number is, infinity if the lengths differ.
pub fn max_error(found: &[f64], expected: &[f64], floor: f64) -> f64 {
    if found.len() != expected.len() || found.is_empty() || floor.is_nan() || floor <= 0.0 {
        return f64::INFINITY;
    }
    found.iter().zip(expected).fold(0.0, |greatest: f64, (a, b)| {
        let error = (a - b).abs() / b.abs().max(floor);
        // f64::max would drop a NaN.
        if error.is_nan() || b.is_nan() || greatest.is_nan() { f64::NAN } else { greatest.max(error) }
    })
}

/// ‖a - b‖ / (‖a‖ + ‖b‖); 0 for two zero vectors, NaN if any number is.
pub fn norm_error(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() || found.is_empty() {
        return f64::INFINITY;
    }
    let norm = |values: &mut dyn Iterator<Item = f64>| values.map(|x| x * x).sum::<f64>().sqrt();
    let difference = norm(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    let sum = norm(&mut found.iter().copied()) + norm(&mut expected.iter().copied());
    if difference == 0.0 && sum == 0.0 { 0.0 } else { difference / sum }
}

/// The greatest |a - b| over the greatest of all |a| and |b|; 0 for two zero vectors, NaN if any number is.
pub fn max_norm_error(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() || found.is_empty() {
        return f64::INFINITY;
    }
    let greatest = |values: &mut dyn Iterator<Item = f64>| {
        values.fold(0.0, |m: f64, x| if x.is_nan() || m.is_nan() { f64::NAN } else { m.max(x.abs()) })
    };
    let difference = greatest(&mut found.iter().zip(expected).map(|(a, b)| a - b));
    let scale = greatest(&mut found.iter().chain(expected).copied());
    if difference == 0.0 && scale == 0.0 { 0.0 } else { difference / scale }
}

/// The greatest error of any layer of a gradient in the network's layout, each layer judged by its own scale: a wrong first
/// layer shows, however much greater the gradients behind it are. Infinity if a length is not the network's.
pub fn layer_error(
    architecture: &Architecture,
    found: &[f64],
    expected: &[f64],
    error: fn(&[f64], &[f64]) -> f64,
) -> f64 {
    if found.len() != architecture.params() || expected.len() != architecture.params() {
        return f64::INFINITY;
    }
    architecture.ranges().fold(0.0, |greatest: f64, range| {
        let layer = range.weights.start..range.bias.end;
        let error = error(&found[layer.clone()], &expected[layer]);
        if error.is_nan() || greatest.is_nan() { f64::NAN } else { greatest.max(error) }
    })
}

/// Fails unless `error` is a number of at most `bound`.
#[track_caller]
pub fn assert_within(error: f64, bound: f64, what: &str) {
    // Not `error > bound`, which NaN would pass.
    assert!(error <= bound, "{what}: error {error:e}, allowed {bound:e}");
}
