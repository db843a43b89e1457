//! Prices from measured times.

/// How often each price is improved in turn: far more than it takes.
const ROUNDS: usize = 20_000;

/// The prices, none below 0, at which `counts` · prices comes closest to `times`: the squares of the relative errors
/// are the least. Coordinate descent, which needs no more than the normal equations and finds the least of a convex
/// function on a quadrant.
pub(crate) fn fit(counts: Vec<Vec<f64>>, times: &[f64]) -> Vec<f64> {
    let kinds = counts.first().map_or(0, Vec::len);
    let rows: Vec<Vec<f64>> =
        counts.iter().zip(times).map(|(row, time)| row.iter().map(|count| count / time).collect()).collect();
    let product = |i: usize, j: usize| rows.iter().map(|row| row[i] * row[j]).sum::<f64>();
    let normal: Vec<Vec<f64>> = (0..kinds).map(|i| (0..kinds).map(|j| product(i, j)).collect()).collect();
    let wanted: Vec<f64> = (0..kinds).map(|i| rows.iter().map(|row| row[i]).sum()).collect();
    let mut prices = vec![0.0_f64; kinds];
    for _ in 0..ROUNDS {
        for i in 0..kinds {
            let others: f64 = (0..kinds).filter(|&j| j != i).map(|j| normal[i][j] * prices[j]).sum();
            if normal[i][i] > 0.0 {
                prices[i] = ((wanted[i] - others) / normal[i][i]).max(0.0);
            }
        }
    }
    prices
}
