//! Products of lines that are contiguous in k: nothing is packed, and sums grow along the lanes.
//!
//! A tile of C that is thin has few columns for the lanes; k has many. What it costs is the sum over the lanes at the end.

use std::mem::MaybeUninit;

use super::pack::Lines;
use super::tiles::Target;
use crate::Element;
use crate::isa::{MAX_LANES, Simd, Vector};

/// The most sums of a tile.
const MAX_SUMS: usize = 16;

/// C's `rows` × `cols` as products of lines of `depth` numbers, contiguous in k.
#[derive(Debug, Clone, Copy)]
pub(super) struct Dots<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) left: Lines<T>,
    pub(super) right: Lines<T>,
    pub(super) target: Target<T>,
}

impl<T: Element> Dots<T> {
    /// Computes it.
    ///
    /// # Safety
    /// Lines are contiguous in k and valid for reads, C for writes, and for reads where β is not 0; C shares nothing with
    /// the lines.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd<T>>(&self, s: S, has_32_registers: bool) {
        // SAFETY (of both): the caller's guarantees. A tile has as many sums as there are registers for beside its lines.
        unsafe {
            if has_32_registers {
                self.run_rows::<S, 4, 8, 16>(s);
            } else {
                self.run_rows::<S, 2, 4, 8>(s);
            }
        }
    }

    /// Rows in blocks that stay in L1 while the columns pass, four, two and one at a time.
    #[inline(always)]
    unsafe fn run_rows<S: Simd<T>, const BY_4: usize, const BY_2: usize, const BY_1: usize>(&self, s: S) {
        for row in (0..self.rows).step_by(BY_1) {
            let rows = BY_1.min(self.rows - row);
            let mut col = 0;
            // SAFETY (of all three): rows and columns that are there, by the conditions.
            unsafe {
                while col + 4 <= self.cols {
                    self.run_tiles::<S, BY_4, 4>(s, row, rows, col);
                    col += 4;
                }
                if col + 2 <= self.cols {
                    self.run_tiles::<S, BY_2, 2>(s, row, rows, col);
                    col += 2;
                }
                if col < self.cols {
                    self.run_tiles::<S, BY_1, 1>(s, row, rows, col);
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn run_tiles<S: Simd<T>, const ROWS: usize, const COLS: usize>(
        &self,
        s: S,
        first: usize,
        rows: usize,
        col: usize,
    ) {
        let mut row = first;
        // SAFETY (of both): rows and columns that are there.
        unsafe {
            while row + ROWS <= first + rows {
                self.run_tile::<S, ROWS, COLS>(s, row, col);
                row += ROWS;
            }
            while row < first + rows {
                self.run_tile::<S, 1, COLS>(s, row, col);
                row += 1;
            }
        }
    }

    /// The tile at (`row`, `col`).
    #[inline(always)]
    unsafe fn run_tile<S: Simd<T>, const ROWS: usize, const COLS: usize>(&self, s: S, row: usize, col: usize) {
        let (left, right) = (self.left.from(row, 0), self.right.from(col, 0));
        let mut sums = [[s.splat(T::ZERO); COLS]; ROWS];
        let whole = self.depth - self.depth % S::LANES;
        let mut k = 0;
        while k < whole {
            let mut columns = [s.splat(T::ZERO); COLS];
            for (c, column) in columns.iter_mut().enumerate() {
                // SAFETY: a whole vector of a line that is there.
                *column = unsafe { s.load_ptr(right.data.add(c * right.line + k)) };
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let values = unsafe { s.load_ptr(left.data.add(r * left.line + k)) };
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = values.mul_add(column, *sum);
                }
            }
            k += S::LANES;
        }
        if k < self.depth {
            let tail = self.depth - k;
            let mut columns = [s.splat(T::ZERO); COLS];
            for (c, column) in columns.iter_mut().enumerate() {
                // SAFETY: what is left of a line that is there.
                *column = unsafe { s.load_first(right.data.add(c * right.line + k), tail) };
            }
            for (r, sums) in sums.iter_mut().enumerate() {
                // SAFETY: as above.
                let values = unsafe { s.load_first(left.data.add(r * left.line + k), tail) };
                for (sum, &column) in sums.iter_mut().zip(&columns) {
                    *sum = values.mul_add(column, *sum);
                }
            }
        }
        let mut results = [T::ZERO; MAX_SUMS + MAX_LANES];
        if 2 * ROWS * COLS < S::LANES {
            for (sum, result) in sums.iter().flatten().zip(&mut results) {
                *result = sum.sum();
            }
        } else {
            let mut lanes = MaybeUninit::<[T; MAX_SUMS * MAX_LANES]>::uninit();
            let lanes = lanes.as_mut_ptr().cast::<T>();
            for i in 0..(ROWS * COLS).next_multiple_of(S::LANES) {
                let sum = sums.as_flattened().get(i).copied().unwrap_or(s.splat(T::ZERO));
                // SAFETY: there is room for MAX_SUMS vectors, a multiple of the lanes in every set.
                unsafe { s.store_ptr(sum, lanes.add(i * S::LANES)) };
            }
            for group in (0..ROWS * COLS).step_by(S::LANES) {
                // SAFETY: a group of as many vectors as there are lanes, just written.
                let sums = unsafe { s.sum_each(lanes.add(group * S::LANES)) };
                s.store(sums, &mut results[group..]);
            }
        }
        let Target { row: row_stride, col: col_stride, .. } = self.target;
        let data = self.target.data.wrapping_add(row * row_stride + col * col_stride);
        // SAFETY (of all three): places of C, for which the caller vouches, and which the strides put side by side.
        unsafe {
            if COLS > 1 && col_stride == 1 {
                for (r, sums) in results.as_chunks::<COLS>().0.iter().enumerate().take(ROWS) {
                    self.write(sums, data.wrapping_add(r * row_stride));
                }
            } else if COLS == 1 && row_stride == 1 {
                self.write::<ROWS>(results[..ROWS].as_array().unwrap_or(&[T::ZERO; ROWS]), data);
            } else {
                for (i, &sum) in results.iter().enumerate().take(ROWS * COLS) {
                    self.write(&[sum], data.wrapping_add(i / COLS * row_stride + i % COLS * col_stride));
                }
            }
        }
    }

    /// C ← α · sums + β · C, for numbers that lie side by side.
    ///
    /// # Safety
    /// `place` is valid for writes of them, and for reads where β is not 0.
    #[inline(always)]
    unsafe fn write<const COUNT: usize>(&self, sums: &[T; COUNT], place: *mut T) {
        let Target { alpha, beta, .. } = self.target;
        let (mut values, place) = (*sums, place.cast::<[T; COUNT]>());
        for value in &mut values {
            *value = alpha * *value;
        }
        // SAFETY: the caller's guarantees; C is not read where β is 0.
        unsafe {
            if beta != T::ZERO {
                let old = place.read_unaligned();
                for (value, old) in values.iter_mut().zip(old) {
                    *value = beta * old + *value;
                }
            }
            place.write_unaligned(values);
        }
    }
}
