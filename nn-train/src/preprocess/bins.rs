//! Where in its distribution a number is: its piecewise linear encoding.

use std::iter::successors;

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
    edges.extend(tail(sorted.len(), bins).flat_map(|rows| [sorted[rows], sorted[sorted.len() - 1 - rows]]));
    edges.sort_unstable_by(f64::total_cmp);
    edges.dedup_by(|high, low| distance(*low, *high) <= 0.0);
    (edges.len() > 2).then_some(edges)
}

/// How many numbers lie beyond each of the edges in an outermost bin.
fn tail(numbers: usize, bins: usize) -> impl Iterator<Item = usize> {
    successors(Some(numbers / bins / 4), |rows| Some(rows / 4)).take_while(|&rows| rows >= FEWEST)
}

/// The most bins that [`edges`] makes of so many numbers when it is asked for `bins`.
#[cfg(feature = "tabular")]
pub(crate) fn most(numbers: usize, bins: usize) -> usize {
    let bins = bins.min(numbers);
    if bins < 2 { 0 } else { bins + 2 * tail(numbers, bins).count() }
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

#[cfg(all(test, feature = "tabular"))]
mod tests {
    use super::{edges, most};

    #[test]
    fn there_are_as_many_bins_as_are_counted() {
        for rows in [1_usize, 2, 3, 15, 16, 31, 32, 33, 80, 127, 128, 129, 1000, 4096, 60_000] {
            for bins in [0, 1, 2, 3, 5, 7, 16, 32, 100] {
                let different: Vec<f64> = (0..rows).map(|row| row as f64).collect();
                let found = edges(&different, bins).map_or(0, |edges| edges.len() - 1);
                assert_eq!(found, most(rows, bins), "{rows} rows, {bins} bins");
                // Fewer where numbers are alike.
                let alike: Vec<f64> = (0..rows).map(|row| (row % 7) as f64).collect();
                let found = edges(&alike, bins).map_or(0, |edges| edges.len() - 1);
                assert!(found <= most(rows, bins), "{rows} rows, {bins} bins");
            }
        }
        // 32 bins of 1,875 rows: edges with 468, 117, 29 and 7 rows beyond on each side.
        assert_eq!(most(60_000, 32), 32 + 2 * 4);
    }
}
