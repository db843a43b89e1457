//! Θ^(l) as the derivation writes it: the bias as column 0.

use std::fmt;
use std::ops::Index;

use nn_kernels::Element;

use super::dense::DenseLayer;

/// Rows or columns that `Display` shows at either end of a large matrix.
const EDGE: usize = 6;

/// A view of Θ^(l): S_{l+1} rows and S_l + 1 columns, the bias being column 0.
///
/// `theta[(j, i)]` is θ_{j+1, i}: rows are counted from 0, and column i ≥ 1 belongs to unit i of layer l, as in
/// the formulas. An index out of range panics, as a slice's does; [`get`](Self::get) does not.
///
/// `Display` prints the matrix, four decimals unless the format says otherwise; of a large one it prints the
/// corners, and everything with `{:#}`.
#[derive(Clone, Copy, PartialEq)]
pub struct Theta<'a, T> {
    weights: &'a [T],
    bias: &'a [T],
}

impl<'a, T: Element> Theta<'a, T> {
    pub(crate) fn of(layer: &'a impl DenseLayer<Scalar = T>) -> Self {
        Self { weights: layer.weights(), bias: layer.bias() }
    }

    /// Θ_w row by row, and column 0.
    pub(crate) fn new(weights: &'a [T], bias: &'a [T]) -> Self {
        Self { weights, bias }
    }

    /// S_{l+1}.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.bias.len()
    }

    /// S_l + 1.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.weights.len() / self.bias.len().max(1) + 1
    }

    /// The number in row `j` and column `i`, if the matrix has it.
    #[must_use]
    pub fn get(&self, j: usize, i: usize) -> Option<&'a T> {
        let inputs = self.cols() - 1;
        match i {
            0 => self.bias.get(j),
            _ if i > inputs => None,
            _ => self.weights.get(j * inputs + i - 1),
        }
    }

    /// The whole matrix, row by row, bias first in each.
    #[must_use]
    pub fn to_vec(&self) -> Vec<T> {
        let rows = self.weights.chunks_exact((self.cols() - 1).max(1)).zip(self.bias);
        rows.flat_map(|(weights, &bias)| std::iter::once(bias).chain(weights.iter().copied())).collect()
    }
}

impl<T: Element> Index<(usize, usize)> for Theta<'_, T> {
    type Output = T;

    fn index(&self, (j, i): (usize, usize)) -> &T {
        match self.get(j, i) {
            Some(number) => number,
            None => panic!("row {j}, column {i} of a {} × {} matrix", self.rows(), self.cols()),
        }
    }
}

/// Prints the shape, not the numbers.
impl<T: Element> fmt::Debug for Theta<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Theta<{} × {}>", self.rows(), self.cols())
    }
}

/// The indices to print of `count`: all, or the first and the last with a gap (`None`) between.
fn shown(count: usize, all: bool) -> Vec<Option<usize>> {
    if all || count <= 2 * EDGE {
        (0..count).map(Some).collect()
    } else {
        (0..EDGE).map(Some).chain([None]).chain((count - EDGE..count).map(Some)).collect()
    }
}

impl<T: Element> fmt::Display for Theta<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(4);
        let columns = shown(self.cols(), f.alternate());
        let rows = shown(self.rows(), f.alternate());
        let number = |j, i| format!("{:.precision$}", self[(j, i)]);
        let width = rows.iter().flatten().flat_map(|&j| columns.iter().flatten().map(move |&i| number(j, i).len()));
        let width = width.max().unwrap_or(0);
        for (line, row) in rows.iter().enumerate() {
            if line > 0 {
                writeln!(f)?;
            }
            let Some(j) = *row else {
                write!(f, "⋮")?;
                continue;
            };
            write!(f, "[")?;
            for column in &columns {
                match *column {
                    Some(i) => write!(f, " {:>width$}", number(j, i))?,
                    None => write!(f, " …")?,
                }
            }
            write!(f, " ]")?;
        }
        Ok(())
    }
}
