//! How the operands of a product lie in memory.

/// Places along one dimension of a matrix: evenly apart, or in groups.
///
/// ```text
/// in groups of 4:   0  near  2 near  3 near   far  far + near  …
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Steps {
    /// Elements from one index to the next, in a group.
    pub(crate) near: usize,
    /// Elements from behind a group to the next, modulo 2^64.
    skip: usize,
    /// A group has 2^`bits` indices.
    bits: u32,
}

impl Steps {
    /// `step` elements apart.
    pub(crate) const fn even(step: usize) -> Self {
        Self { near: step, skip: 0, bits: usize::BITS - 1 }
    }

    /// `near` apart in groups of `count`, a power of two, that begin `far` apart.
    pub(crate) const fn in_groups(count: usize, near: usize, far: usize) -> Self {
        debug_assert!(count.is_power_of_two());
        Self { near, skip: far.wrapping_sub(count * near), bits: count.trailing_zeros() }
    }

    /// Vectors of `lanes` in panels of `width`, a power of two of vectors, that begin `panel` apart.
    pub(crate) const fn in_panels(lanes: usize, width: usize, panel: usize) -> Self {
        if lanes == width { Self::even(panel) } else { Self::in_groups(width / lanes, lanes, panel) }
    }

    /// Where an index lies.
    #[inline(always)]
    pub(crate) const fn at(self, index: usize) -> usize {
        (index * self.near).wrapping_add((index >> self.bits).wrapping_mul(self.skip))
    }

    /// Indices in a group.
    #[inline(always)]
    pub(super) const fn group(self) -> usize {
        1 << self.bits
    }

    /// From behind a group's last index to the first of the next.
    #[inline(always)]
    pub(super) const fn skip(self) -> usize {
        self.skip
    }

    /// From one group to the next, where there are groups.
    #[inline(always)]
    pub(super) const fn far(self) -> Option<usize> {
        if self.bits == usize::BITS - 1 { None } else { Some((self.near << self.bits).wrapping_add(self.skip)) }
    }
}

/// A left operand, which is broadcast number by number.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left<T> {
    pub(crate) data: *const T,
    /// Groups of an even number of rows.
    pub(crate) rows: Steps,
    pub(crate) k: Steps,
    /// Whether its numbers may be out of L1 and L2, and are to be asked for.
    pub(crate) is_far: bool,
}

impl<T> Left<T> {
    /// Rows `row` apart and k `k` apart, all of it near.
    pub(crate) const fn near(data: *const T, row: usize, k: usize) -> Self {
        Self { data, rows: Steps::even(row), k: Steps::even(k), is_far: false }
    }

    /// From the first row and the first k of a group on.
    #[inline(always)]
    pub(super) fn from(self, row: usize, k: usize) -> Self {
        Self { data: self.data.wrapping_add(self.rows.at(row) + self.k.at(k)), ..self }
    }
}

/// A right operand, which is read by vectors of columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right<T> {
    pub(crate) data: *const T,
    /// Elements from one k to the next.
    pub(crate) k: usize,
    /// Vectors of columns.
    pub(crate) vectors: Steps,
    /// Whether its numbers may be out of L1 and L2, and are to be asked for.
    pub(crate) is_far: bool,
}

impl<T> Right<T> {
    #[inline(always)]
    pub(super) fn from(self, vector: usize, k: usize) -> Self {
        Self { data: self.place(vector, k), ..self }
    }

    /// Where a vector lies. It may be none of the operand's.
    #[inline(always)]
    pub(super) fn place(&self, vector: usize, k: usize) -> *const T {
        self.data.wrapping_add(self.vectors.at(vector) + k * self.k)
    }
}

/// C, which is written by vectors of columns.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Out<T> {
    pub(crate) data: *mut T,
    /// Elements from one row to the next.
    pub(crate) row: usize,
    /// Vectors of columns.
    pub(crate) vectors: Steps,
    /// Whether it may be out of the caches, and is to be asked for.
    pub(crate) is_far: bool,
}

impl<T> Out<T> {
    /// Where a vector lies. It may be none of C's.
    #[inline(always)]
    pub(super) const fn at(&self, row: usize, vector: usize) -> usize {
        row * self.row + self.vectors.at(vector)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_those_of_the_groups() {
        let steps = Steps::in_groups(4, 10, 1000);
        assert_eq!([0, 1, 3, 4, 6, 8].map(|index| steps.at(index)), [0, 10, 30, 1000, 1020, 2000]);
        let steps = Steps::even(7);
        assert_eq!([0, 1, 1_000_000].map(|index| steps.at(index)), [0, 7, 7_000_000]);
    }
}
