//! A matrix as plain as on paper.

use std::fmt;
use std::ops::Index;

/// A dense matrix of `f64`, rows × columns. Indices are (row, column), from 0.
#[derive(Debug, Clone, PartialEq)]
pub struct Matrix {
    rows: usize,
    cols: usize,
    data: Vec<f64>,
}

impl Matrix {
    /// `rows` × `cols`, element (r, c) being `f(r, c)`.
    #[must_use]
    pub fn from_fn(rows: usize, cols: usize, f: impl Fn(usize, usize) -> f64) -> Self {
        let mut data = Vec::with_capacity(rows * cols);
        for row in 0..rows {
            data.extend((0..cols).map(|col| f(row, col)));
        }
        Self { rows, cols, data }
    }

    /// `width` × m from m samples of `width` numbers, one behind the other: each becomes a column.
    ///
    /// # Panics
    /// When `samples` does not end at the end of a sample.
    #[must_use]
    pub fn from_samples(samples: &[f64], width: usize) -> Self {
        assert_eq!(samples.len() % width, 0, "{} numbers are not samples of {width}", samples.len());
        Self::from_fn(width, samples.len() / width, |k, i| samples[i * width + k])
    }

    /// The inverse of [`from_samples`](Self::from_samples): column behind column.
    #[must_use]
    pub fn to_samples(&self) -> Vec<f64> {
        self.transposed().data
    }

    /// Rows.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Columns.
    #[must_use]
    pub const fn cols(&self) -> usize {
        self.cols
    }

    /// All elements, row by row.
    #[must_use]
    pub fn as_slice(&self) -> &[f64] {
        &self.data
    }

    /// The matrix product: (M × K) · (K × N) is M × N.
    ///
    /// # Panics
    /// When the inner sizes differ.
    #[must_use]
    pub fn times(&self, other: &Self) -> Self {
        assert_eq!(self.cols, other.rows, "inner sizes of a product");
        Self::from_fn(self.rows, other.cols, |r, c| (0..self.cols).map(|k| self[(r, k)] * other[(k, c)]).sum())
    }

    /// ⊙, element by element.
    ///
    /// # Panics
    /// When the shapes differ.
    #[must_use]
    pub fn hadamard(&self, other: &Self) -> Self {
        assert_eq!((self.rows, self.cols), (other.rows, other.cols), "shapes of an elementwise product");
        Self::from_fn(self.rows, self.cols, |r, c| self[(r, c)] * other[(r, c)])
    }

    /// `f` of every element.
    #[must_use]
    pub fn map(&self, f: impl Fn(f64) -> f64) -> Self {
        Self::from_fn(self.rows, self.cols, |r, c| f(self[(r, c)]))
    }

    /// Rows become columns.
    #[must_use]
    pub fn transposed(&self) -> Self {
        Self::from_fn(self.cols, self.rows, |r, c| self[(c, r)])
    }

    /// With the bias unit a_0 = 1 as a first row.
    #[must_use]
    pub fn with_bias_row(&self) -> Self {
        Self::from_fn(self.rows + 1, self.cols, |r, c| if r == 0 { 1.0 } else { self[(r - 1, c)] })
    }

    /// Θ_w: Θ without column 0.
    #[must_use]
    pub fn without_bias_column(&self) -> Self {
        Self::from_fn(self.rows, self.cols - 1, |r, c| self[(r, c + 1)])
    }

    /// Column `c`.
    #[must_use]
    pub fn column(&self, c: usize) -> Vec<f64> {
        (0..self.rows).map(|r| self[(r, c)]).collect()
    }
}

impl Index<(usize, usize)> for Matrix {
    type Output = f64;

    fn index(&self, (row, col): (usize, usize)) -> &f64 {
        assert!(row < self.rows && col < self.cols, "({row}, {col}) of {} × {}", self.rows, self.cols);
        &self.data[row * self.cols + col]
    }
}

impl fmt::Display for Matrix {
    /// One line a row; a precision (`{:.4}`) goes to every element.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let precision = f.precision().unwrap_or(6);
        for row in 0..self.rows {
            let line: Vec<String> = (0..self.cols)
                .map(|col| format!("{:>width$.precision$}", self[(row, col)], width = precision + 4))
                .collect();
            if row > 0 {
                writeln!(f)?;
            }
            write!(f, "[{}]", line.join(" "))?;
        }
        Ok(())
    }
}
