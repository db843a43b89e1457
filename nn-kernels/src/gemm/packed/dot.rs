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
        // SAFETY: the caller's guarantees. A tile has as many sums as there are registers for beside its lines.
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
            // SAFETY: rows and columns that are there, by the conditions.
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
        // SAFETY: rows and columns that are there.
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
        let mut lanes = MaybeUninit::<[T; MAX_SUMS * MAX_LANES]>::uninit();
        let lanes = lanes.as_mut_ptr().cast::<T>();
        let mut results = [T::ZERO; MAX_SUMS];
        // SAFETY: lines that are there, by the caller's guarantees, and room for MAX_SUMS vectors.
        unsafe {
            if COLS == 1 {
                multiply_by_line::<T, S, ROWS>(s, self.depth, left, right, lanes);
            } else {
                multiply_by_lines::<T, S, ROWS, COLS>(s, self.depth, left, right, lanes);
            }
            if (ROWS * COLS).is_multiple_of(S::LANES) {
                for group in (0..ROWS * COLS).step_by(S::LANES) {
                    s.store(s.sum_each(lanes.add(group * S::LANES)), &mut results[group..]);
                }
            } else {
                for (i, result) in results.iter_mut().enumerate().take(ROWS * COLS) {
                    *result = s.load_ptr(lanes.add(i * S::LANES)).sum();
                }
            }
        }
        let Target { row: row_stride, col: col_stride, .. } = self.target;
        let data = self.target.data.wrapping_add(row * row_stride + col * col_stride);
        // SAFETY: places of C, for which the caller vouches, and which the strides put side by side.
        unsafe {
            if COLS > 1 && col_stride == 1 {
                for (r, sums) in results.as_chunks::<COLS>().0.iter().enumerate().take(ROWS) {
                    self.write(sums, data.wrapping_add(r * row_stride));
                }
            } else if COLS == 1 && row_stride == 1 {
                for rows in results.as_chunks::<ROWS>().0.iter().take(1) {
                    self.write(rows, data);
                }
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

/// The products of `ROWS` × `COLS` lines, a vector for each, to be summed up.
///
/// # Safety
/// Lines are contiguous in k and valid for reads of `depth` numbers, `lanes` for writes of all vectors.
#[inline(always)]
unsafe fn multiply_by_lines<T: Element, S: Simd<T>, const ROWS: usize, const COLS: usize>(
    s: S,
    depth: usize,
    left: Lines<T>,
    right: Lines<T>,
    lanes: *mut T,
) {
    let mut sums = [[s.splat(T::ZERO); COLS]; ROWS];
    let whole = depth - depth % S::LANES;
    for k in (0..whole).step_by(S::LANES) {
        // SAFETY: whole vectors of lines that are there.
        unsafe { add_products(|line: *const T| s.load_ptr(line.add(k)), left, right, &mut sums) };
    }
    if whole < depth {
        // SAFETY: what is left of lines that are there.
        unsafe { add_products(|line: *const T| s.load_first(line.add(whole), depth - whole), left, right, &mut sums) };
    }
    for (i, &sum) in sums.as_flattened().iter().enumerate() {
        // SAFETY: the caller vouches for the room.
        unsafe { s.store_ptr(sum, lanes.add(i * S::LANES)) };
    }
}

/// One vector's products of each pair of lines.
///
/// # Safety
/// What `load` reads of the lines is valid.
#[inline(always)]
unsafe fn add_products<T: Element, V: Vector<T>, const ROWS: usize, const COLS: usize>(
    load: impl Fn(*const T) -> V,
    left: Lines<T>,
    right: Lines<T>,
    sums: &mut [[V; COLS]; ROWS],
) {
    let columns: [V; COLS] = std::array::from_fn(|c| load(right.data.wrapping_add(c * right.line)));
    for (r, sums) in sums.iter_mut().enumerate() {
        let values = load(left.data.wrapping_add(r * left.line));
        for (sum, &column) in sums.iter_mut().zip(&columns) {
            *sum = values.mul_add(column, *sum);
        }
    }
}

/// Vectors of the one line that are kept in registers while the others pass.
const KEPT: usize = 4;

/// The products of `ROWS` lines and one, several vectors of a line at a time, so that memory is read nearly in order.
///
/// # Safety
/// As [`multiply_by_lines`].
#[inline(always)]
unsafe fn multiply_by_line<T: Element, S: Simd<T>, const ROWS: usize>(
    s: S,
    depth: usize,
    left: Lines<T>,
    right: Lines<T>,
    lanes: *mut T,
) {
    let mut sums = [[s.splat(T::ZERO); 1]; ROWS];
    let mut k = 0;
    while k + KEPT * S::LANES <= depth {
        // SAFETY: whole vectors of the line.
        let kept: [S::V; KEPT] = std::array::from_fn(|i| unsafe { s.load_ptr(right.data.add(k + i * S::LANES)) });
        for (r, [sum]) in sums.iter_mut().enumerate() {
            for (i, &kept) in kept.iter().enumerate() {
                // SAFETY: whole vectors of a line that is there.
                let values = unsafe { s.load_ptr(left.data.add(r * left.line + k + i * S::LANES)) };
                *sum = values.mul_add(kept, *sum);
            }
        }
        k += KEPT * S::LANES;
    }
    while k < depth {
        let count = (depth - k).min(S::LANES);
        // SAFETY: what is left of lines that are there.
        unsafe { add_products(|line: *const T| s.load_first(line.add(k), count), left, right, &mut sums) };
        k += count;
    }
    for (r, &[sum]) in sums.iter().enumerate() {
        // SAFETY: the caller vouches for the room.
        unsafe { s.store_ptr(sum, lanes.add(r * S::LANES)) };
    }
}
