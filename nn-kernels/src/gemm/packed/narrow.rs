//! Products with up to four columns, for which a vector is too wide.
//!
//! Rows of C are vectors of four: no masks, whose loads and stores get in the way of each other where rows of C are shorter
//! than a vector.

use std::ops::{Add, Mul};

use super::pack::Lines;
use super::tiles::Target;
use crate::Element;

/// The most columns.
pub(super) const COLS: usize = 4;
/// Rows that are computed together.
pub(super) const ROWS: usize = 8;

/// C's `rows` × up to [`COLS`] columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Narrow<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) left: Lines<T>,
    pub(super) target: Target<T>,
}

impl<T: Element> Narrow<T> {
    /// Computes it. `right` holds [`COLS`] numbers for each k.
    ///
    /// # Safety
    /// The left operand and `right` are valid for reads of `depth` k, C for writes, and for reads where β is not 0.
    #[inline(always)]
    pub(super) unsafe fn run(&self, right: *const T) {
        let mut row = 0;
        // SAFETY: rows that are there.
        unsafe {
            while row + ROWS <= self.rows {
                self.run_rows::<ROWS, 1>(row, right);
                row += ROWS;
            }
            while row + 4 <= self.rows {
                self.run_rows::<4, 2>(row, right);
                row += 4;
            }
            while row < self.rows {
                self.run_rows::<1, 4>(row, right);
                row += 1;
            }
        }
    }

    /// `HEIGHT` rows, for which k take turns in `TURNS` sums, so that one addition need not wait for another.
    #[inline(always)]
    unsafe fn run_rows<const HEIGHT: usize, const TURNS: usize>(&self, row: usize, right: *const T) {
        let left = self.left.from(row, 0);
        let mut tiles = [[T::Four::from(T::ZERO); HEIGHT]; TURNS];
        let add = |tile: &mut [T::Four; HEIGHT], k: usize| {
            // SAFETY: a k below the depth.
            let columns = T::Four::from(unsafe { right.add(k * COLS).cast::<[T; COLS]>().read_unaligned() });
            for (r, sums) in tile.iter_mut().enumerate() {
                // SAFETY: as above, and rows that are there.
                let value = unsafe { *left.data.add(r * left.line + k * left.k) };
                *sums = *sums + T::Four::from(value) * columns;
            }
        };
        let mut k = 0;
        while k + TURNS <= self.depth {
            for (turn, tile) in tiles.iter_mut().enumerate() {
                add(tile, k + turn);
            }
            k += TURNS;
        }
        while k < self.depth {
            add(&mut tiles[0], k);
            k += 1;
        }
        let mut sums = tiles[0];
        for other in &tiles[1..] {
            for (sum, other) in sums.iter_mut().zip(other) {
                *sum = *sum + *other;
            }
        }
        let Target { data, row: row_stride, col: col_stride, alpha, beta } = self.target;
        for (r, &sums) in sums.iter().enumerate() {
            let mut sums = T::Four::from(alpha) * sums;
            let data = data.wrapping_add((row + r) * row_stride);
            if col_stride == 1 && self.cols == COLS {
                let place = data.cast::<[T; COLS]>();
                // SAFETY: a row of C, for which the caller vouches; it is not read where β is 0.
                unsafe {
                    if beta != T::ZERO {
                        sums = T::Four::from(beta) * T::Four::from(place.read_unaligned()) + sums;
                    }
                    place.write_unaligned(sums.into());
                }
            } else {
                let sums: [T; COLS] = sums.into();
                for (c, &sum) in sums.iter().enumerate().take(self.cols) {
                    let place = data.wrapping_add(c * col_stride);
                    // SAFETY: as above, number by number.
                    unsafe { *place = if beta == T::ZERO { sum } else { beta * *place + sum } };
                }
            }
        }
    }
}

/// An element of which there are vectors of four, in any instruction set. Part of [`Element`].
#[doc(hidden)]
#[allow(missing_docs, reason = "not for anyone else to use")]
pub trait InFours: crate::sealed::Sealed + Sized {
    type Four: Copy
        + Add<Output = Self::Four>
        + Mul<Output = Self::Four>
        + From<Self>
        + From<[Self; COLS]>
        + Into<[Self; COLS]>;
}

impl InFours for f32 {
    type Four = wide::f32x4;
}

impl InFours for f64 {
    type Four = wide::f64x4;
}
