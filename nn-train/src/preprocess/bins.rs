//! Where in its distribution a number is: its piecewise linear encoding.

use nn_kernels::Element;

use super::scale::knots;

/// The edges of up to `bins` bins with about as many of the finite numbers in each; none where there would be only one bin.
pub(super) fn edges(numbers: &[f64], bins: usize) -> Option<Vec<f64>> {
    if bins < 2 {
        return None;
    }
    // More bins than numbers would only repeat edges.
    let mut edges = knots(numbers, bins.min(numbers.len()));
    edges.dedup_by(|high, low| distance(*low, *high) <= 0.0);
    (edges.len() > 2).then_some(edges)
}

/// How far a number has come through each bin.
pub(super) fn write<T: Element>(edges: &[f64], number: f64, cells: &mut [T]) {
    for (cell, edges) in cells.iter_mut().zip(edges.windows(2)) {
        let share = distance(edges[0], number) / distance(edges[0], edges[1]);
        *cell = T::from_f64(share.clamp(0.0, 1.0));
    }
}

/// Half of high - low, which is finite for all finite numbers.
fn distance(low: f64, high: f64) -> f64 {
    0.5 * high - 0.5 * low
}

/// Edges with which [`write`] can compute.
#[cfg(feature = "serde")]
pub(super) fn check(edges: &[f64]) -> Result<(), &'static str> {
    let rising = edges.windows(2).all(|edges| distance(edges[0], edges[1]) > 0.0);
    if edges.len() > 1 && rising && edges.iter().all(|edge| edge.is_finite()) {
        Ok(())
    } else {
        Err("edges of bins that are fewer than two, do not rise or are not finite")
    }
}
