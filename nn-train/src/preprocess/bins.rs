//! Where in its distribution a number is: its piecewise linear encoding.

use std::iter;

use nn_kernels::Element;

use super::scale::{knots, sorted};

/// The fewest numbers beyond an edge in the outermost bins.
const FEWEST: usize = 4;

/// The edges of up to `bins` bins with about as many of the finite numbers in each, of which the outermost are quartered again
/// and again; none where there would be only one bin.
pub(super) fn edges(numbers: &[f64], bins: usize) -> Option<Vec<f64>> {
    if bins < 2 {
        return None;
    }
    let sorted = sorted(numbers);
    // More bins than numbers would only repeat edges.
    let bins = bins.min(sorted.len());
    let mut edges = knots(&sorted, bins);
    let tail = sorted.len() / bins;
    let beyond = iter::successors(Some(tail / 4), |rows| Some(rows / 4)).take_while(|&rows| rows >= FEWEST);
    edges.extend(beyond.flat_map(|rows| [sorted[rows], sorted[sorted.len() - 1 - rows]]));
    edges.sort_unstable_by(f64::total_cmp);
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
