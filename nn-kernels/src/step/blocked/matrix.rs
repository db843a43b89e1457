//! Matrices of a step, of which threads read all and write parts of their own.

use std::ops::Range;

use super::panels::Panels;
use crate::threads::Shared;

/// A matrix to read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source<'a, T> {
    numbers: &'a [T],
    pub(super) panels: Panels,
}

impl<'a, T> Source<'a, T> {
    /// The matrix in a slice.
    ///
    /// # Panics
    /// When the slice is shorter than the panels.
    pub(super) fn new(numbers: &'a [T], panels: Panels) -> Self {
        assert!(numbers.len() >= panels.len(), "{} numbers for {panels:?}", numbers.len());
        Self { numbers, panels }
    }

    /// The rows of a panel.
    ///
    /// # Panics
    /// When there are fewer.
    pub(super) fn strip(&self, panel: usize, rows: Range<usize>) -> &'a [T] {
        assert!(rows.end <= self.panels.rows, "rows {rows:?} of {:?}", self.panels);
        let at = self.panels.at(rows.start, panel);
        &self.numbers[at..at + rows.len() * self.panels.width]
    }

    /// The first number.
    pub(super) fn as_ptr(&self) -> *const T {
        self.numbers.as_ptr()
    }
}

/// A matrix to write, by several threads in parts of their own.
#[derive(Debug)]
pub(super) struct Target<'a, T> {
    numbers: Shared<'a, T>,
    pub(super) panels: Panels,
}

impl<'a, T> Target<'a, T> {
    /// The matrix in a slice.
    ///
    /// # Panics
    /// When the slice is shorter than the panels.
    pub(super) fn new(numbers: &'a mut [T], panels: Panels) -> Self {
        assert!(numbers.len() >= panels.len(), "{} numbers for {panels:?}", numbers.len());
        Self { numbers: Shared::new(numbers), panels }
    }

    /// The first number.
    pub(super) fn as_mut_ptr(&self) -> *mut T {
        self.numbers.as_mut_ptr()
    }

    /// The rows of a panel.
    ///
    /// # Panics
    /// When there are fewer.
    ///
    /// # Safety
    /// Nobody else uses them as long as the strip lives.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has these numbers")]
    pub(super) unsafe fn strip(&self, panel: usize, rows: Range<usize>) -> &mut [T] {
        assert!(rows.end <= self.panels.rows, "rows {rows:?} of {:?}", self.panels);
        let at = self.panels.at(rows.start, panel);
        // SAFETY: the caller vouches for them.
        unsafe { self.numbers.part(at..at + rows.len() * self.panels.width) }
    }

    /// What lies between a panel and the next one.
    ///
    /// # Safety
    /// Nobody else uses it as long as it lives.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has these numbers")]
    pub(super) unsafe fn gap(&self, panel: usize) -> &mut [T] {
        // SAFETY: the caller vouches for it.
        unsafe { self.numbers.part(self.panels.at(self.panels.rows, panel)..self.panels.at(0, panel + 1)) }
    }
}
