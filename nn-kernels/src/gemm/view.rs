//! Matrices in slices: shapes and strides that have been checked against the slice once.

use thiserror::Error;

/// Why a slice cannot be seen as a matrix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ShapeError {
    /// The slice ends before the matrix does.
    #[error(
        "{rows} × {cols} with strides ({row_stride}, {col_stride}) needs {needed} numbers, but the slice holds {len}"
    )]
    TooShort {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
        /// Elements from one row to the next.
        row_stride: usize,
        /// Elements from one column to the next.
        col_stride: usize,
        /// What the slice would have to hold; `usize::MAX` when that overflows.
        needed: usize,
        /// What it holds.
        len: usize,
    },
    /// Two elements of a matrix that is to be written lie in the same place.
    #[error("{rows} × {cols} with strides ({row_stride}, {col_stride}) puts two elements into one place")]
    Overlap {
        /// Rows asked for.
        rows: usize,
        /// Columns asked for.
        cols: usize,
        /// Elements from one row to the next.
        row_stride: usize,
        /// Elements from one column to the next.
        col_stride: usize,
    },
}

/// Shape and strides, counted in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Layout {
    rows: usize,
    cols: usize,
    row_stride: usize,
    col_stride: usize,
}

impl Layout {
    /// The layout, if every element of it lies within `len` numbers, and strides fit into an `isize`.
    #[inline]
    fn checked(self, len: usize) -> Result<Self, ShapeError> {
        let Self { rows, cols, row_stride, col_stride } = self;
        let needed = if rows == 0 || cols == 0 {
            Some(0)
        } else {
            let (down, right) = ((rows - 1).checked_mul(row_stride), (cols - 1).checked_mul(col_stride));
            down.zip(right).and_then(|(down, right)| down.checked_add(right)?.checked_add(1))
        };
        let fits = needed.is_some_and(|needed| needed <= len);
        if fits && isize::try_from(row_stride.max(col_stride)).is_ok() {
            Ok(self)
        } else {
            let needed = needed.unwrap_or(usize::MAX);
            Err(ShapeError::TooShort { rows, cols, row_stride, col_stride, needed, len })
        }
    }

    /// No two elements share a place: whole rows follow one another, or whole columns do.
    #[inline]
    fn is_disjoint(self) -> bool {
        let Self { rows, cols, row_stride, col_stride } = self;
        let line = |count: usize, stride: usize| count <= 1 || stride > 0;
        let behind = |outer: usize, outer_stride: usize, inner: usize, inner_stride: usize| {
            outer <= 1 || outer_stride > (inner.max(1) - 1).saturating_mul(inner_stride)
        };
        let by_rows = line(cols, col_stride) && behind(rows, row_stride, cols, col_stride);
        let by_cols = line(rows, row_stride) && behind(cols, col_stride, rows, row_stride);
        rows == 0 || cols == 0 || by_rows || by_cols
    }
}

macro_rules! shape_methods {
    () => {
        /// Rows.
        #[must_use]
        pub const fn rows(&self) -> usize {
            self.layout.rows
        }

        /// Columns.
        #[must_use]
        pub const fn cols(&self) -> usize {
            self.layout.cols
        }

        /// Elements from one row to the next.
        #[must_use]
        pub const fn row_stride(&self) -> usize {
            self.layout.row_stride
        }

        /// Elements from one column to the next.
        #[must_use]
        pub const fn col_stride(&self) -> usize {
            self.layout.col_stride
        }
    };
}

/// A matrix to read: element (r, c) is `data[r · row_stride + c · col_stride]`, and lies within the slice.
#[derive(Debug, Clone, Copy)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    layout: Layout,
}

impl<'a, T> MatRef<'a, T> {
    /// `rows` × `cols` with any strides; a stride may be 0, which repeats a row or column.
    ///
    /// # Errors
    /// [`ShapeError::TooShort`].
    pub fn strided(
        data: &'a [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        let layout = Layout { rows, cols, row_stride, col_stride }.checked(data.len())?;
        Ok(Self { data, layout })
    }

    /// `rows` × `cols`, row behind row.
    ///
    /// # Errors
    /// [`ShapeError::TooShort`].
    pub fn row_major(data: &'a [T], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        Self::strided(data, rows, cols, cols, 1)
    }

    /// The same numbers, rows become columns.
    #[must_use]
    pub const fn t(self) -> Self {
        let Layout { rows, cols, row_stride, col_stride } = self.layout;
        Self {
            data: self.data,
            layout: Layout { rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride },
        }
    }

    shape_methods!();

    /// The elements behind (0, 0), as far as the slice goes.
    #[must_use]
    pub const fn data(&self) -> &'a [T] {
        self.data
    }
}

/// A matrix to write: as [`MatRef`], and no two elements lie in the same place.
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    layout: Layout,
}

impl<'a, T> MatMut<'a, T> {
    /// `rows` × `cols` with strides that keep whole rows, or whole columns, apart from each other.
    ///
    /// # Errors
    /// [`ShapeError::TooShort`], or [`ShapeError::Overlap`] when elements may share a place.
    pub fn strided(
        data: &'a mut [T],
        rows: usize,
        cols: usize,
        row_stride: usize,
        col_stride: usize,
    ) -> Result<Self, ShapeError> {
        let layout = Layout { rows, cols, row_stride, col_stride }.checked(data.len())?;
        if layout.is_disjoint() {
            Ok(Self { data, layout })
        } else {
            Err(ShapeError::Overlap { rows, cols, row_stride, col_stride })
        }
    }

    /// `rows` × `cols`, row behind row.
    ///
    /// # Errors
    /// [`ShapeError::TooShort`].
    pub fn row_major(data: &'a mut [T], rows: usize, cols: usize) -> Result<Self, ShapeError> {
        Self::strided(data, rows, cols, cols, 1)
    }

    /// The same numbers, rows become columns.
    #[must_use]
    pub fn t(self) -> Self {
        let Layout { rows, cols, row_stride, col_stride } = self.layout;
        Self {
            data: self.data,
            layout: Layout { rows: cols, cols: rows, row_stride: col_stride, col_stride: row_stride },
        }
    }

    shape_methods!();

    /// The elements behind (0, 0), as far as the slice goes.
    pub const fn data_mut(&mut self) -> &mut [T] {
        self.data
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_ends_within_its_slice() {
        let data = [0.0; 12];
        assert!(MatRef::row_major(&data, 3, 4).is_ok());
        assert!(MatRef::strided(&data, 3, 4, 1, 3).is_ok());
        assert!(MatRef::strided(&data, 2, 2, 7, 4).is_ok(), "the last element is the slice's last");
        assert!(MatRef::strided(&data, 0, usize::MAX, usize::MAX >> 1, 1).is_ok(), "an empty matrix reads nothing");
        let short = MatRef::strided(&data, 2, 2, 8, 4).expect_err("13 numbers");
        assert_eq!(short.to_string(), "2 × 2 with strides (8, 4) needs 13 numbers, but the slice holds 12");
        for (rows, row_stride) in [(3, usize::MAX), (usize::MAX, 2), (2, usize::MAX), (2, usize::MAX - 1)] {
            assert!(MatRef::strided(&data, rows, 2, row_stride, 1).is_err(), "{rows} rows by {row_stride}");
        }
    }

    #[test]
    fn what_is_written_has_one_place_an_element() {
        let mut data = [0.0; 100];
        let mut ok =
            |rows, cols, row_stride, col_stride| MatMut::strided(&mut data, rows, cols, row_stride, col_stride).is_ok();
        assert!(ok(3, 4, 4, 1) && ok(3, 4, 1, 3) && ok(3, 4, 20, 2) && ok(3, 4, 2, 20));
        assert!(ok(1, 4, 0, 1) && ok(4, 1, 1, 0) && ok(1, 1, 0, 0) && ok(0, 5, 0, 0));
        assert!(!ok(3, 4, 3, 1) && !ok(3, 4, 0, 1) && !ok(3, 4, 4, 0) && !ok(2, 1, 0, 1));
    }

    #[test]
    fn transposition_swaps_shape_and_strides() {
        let data = [1, 2, 3, 4, 5, 6];
        let a = MatRef::row_major(&data, 2, 3).expect("six numbers");
        let t = a.t();
        assert_eq!((a.rows(), a.cols(), a.row_stride(), a.col_stride()), (2, 3, 3, 1));
        assert_eq!((t.rows(), t.cols(), t.row_stride(), t.col_stride()), (3, 2, 1, 3));
    }
}
