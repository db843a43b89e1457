//! Matrices in panels: the one layout of the blocked engine.

/// A matrix whose columns are cut into panels of a cache line's width, which is one vector of the widest set: element (r, c) lies at
/// `c / width · stride + r · width + c % width`.
///
/// ```text
///            columns 0 … w-1        columns w … 2w-1
/// row 0    [ 0, 1, … w-1 ]          [ stride, … ]
/// row 1    [ w, …        ]          [ stride + w, … ]
/// ```
///
/// A panel is contiguous, so that a product reads whole lines of columns row by row, and broadcasts numbers of a row,
/// or of a column, from memory that lies close together. The layout is the same in every instruction set. Columns that fill up the last panel, and the numbers between
/// two panels, belong to nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Panels {
    pub(super) rows: usize,
    pub(super) columns: usize,
    /// Columns of a panel.
    pub(super) width: usize,
    /// Numbers from one panel to the next.
    pub(super) stride: usize,
}

/// Panels longer than this are spread over the sets of the caches: four pages.
const SPREAD_FROM: usize = 16 << 10;
/// The step by which panels are spread: 8 lines, what the rows of a register tile take.
const SPREAD: usize = 512;

/// Columns of a panel: a cache line of elements.
pub(super) const fn width_of<T>() -> usize {
    64 / size_of::<T>()
}

impl Panels {
    /// A matrix of elements of `size` bytes, if no address space is too small for it. Long panels are an odd multiple of
    /// [`SPREAD`] apart, so that the same rows of neighbouring panels share no set of a cache, whatever power of two the
    /// number of rows is.
    pub(super) fn checked(rows: usize, columns: usize, width: usize, size: usize) -> Option<Self> {
        let panel = rows.checked_mul(width * size)?.checked_add(2 * SPREAD)?;
        panel.checked_mul(columns.div_ceil(width))?;
        Some(Self::new(rows, columns, width, size))
    }

    /// The same where it is known to fit.
    pub(super) const fn new(rows: usize, columns: usize, width: usize, size: usize) -> Self {
        let bytes = rows * width * size;
        let bytes = if bytes < SPREAD_FROM { bytes } else { (bytes.div_ceil(SPREAD) | 1) * SPREAD };
        Self { rows, columns, width, stride: bytes / size }
    }

    /// The panels.
    pub(super) const fn panels(&self) -> usize {
        self.columns.div_ceil(self.width)
    }

    /// The numbers of all panels, with what lies between them.
    pub(super) const fn len(&self) -> usize {
        self.panels() * self.stride
    }

    /// Where the rows from `row` on begin in a panel.
    pub(super) const fn at(&self, row: usize, panel: usize) -> usize {
        panel * self.stride + row * self.width
    }

    /// Where element (`row`, `column`) lies.
    pub(super) const fn element(&self, row: usize, column: usize) -> usize {
        self.at(row, column / self.width) + column % self.width
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_have_places_of_their_own_and_long_panels_are_spread() {
        for (width, size) in [(16, 4), (8, 4), (8, 8), (4, 8)] {
            for (rows, columns) in [(1, 1), (3, 17), (100, 33), (1024, 64), (1023, 20), (4096, 40), (4097, 16)] {
                let panels = Panels::new(rows, columns, width, size);
                let mut seen = vec![false; panels.len()];
                for row in 0..rows {
                    for column in 0..columns {
                        assert!(!std::mem::replace(&mut seen[panels.element(row, column)], true));
                    }
                }
                assert!(panels.stride >= rows * width && panels.stride < rows * width + 2 * SPREAD / size);
                let bytes = panels.stride * size;
                assert!(rows * width * size < SPREAD_FROM || (bytes.is_multiple_of(SPREAD) && bytes / SPREAD % 2 == 1));
            }
        }
    }
}
