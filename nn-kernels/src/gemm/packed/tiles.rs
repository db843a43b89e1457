//! Tiles of C: their sums in registers, and how they get into C.

use std::mem::MaybeUninit;

use super::super::register_tile::{Left, Products, Right, accumulate};
use super::SHALLOW;
use crate::Element;
use crate::isa::{Kernel, MAX_LANES, Simd, Vector};

/// The most rows of a tile.
pub(super) const MAX_ROWS: usize = 8;
/// The most vectors of a tile's row in any set; tiles of so many have no more than half of the rows.
pub(super) const MAX_WIDE_VECTORS: usize = 4;

/// Rows of a panel's tiles in a set with 32 registers, where 8 × 3 sums, a row of vectors and a broadcast fit. In one with 16
/// the tile is 6 × 2: 4 × 3 would fit as well, but for the second broadcast that the compiler has ready, and a sum in memory
/// halves the speed.
pub(super) const fn tile_rows(has_32_registers: bool) -> usize {
    if has_32_registers { 8 } else { 6 }
}

/// The most vectors of a tile's row, where it has [`tile_rows`].
pub(super) const fn tile_vectors(has_32_registers: bool) -> usize {
    if has_32_registers { 3 } else { 2 }
}

/// The left operand of a panel: rows of `row`, in groups as tall as a tile, which are `group` apart.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows<T> {
    pub(super) data: *const T,
    pub(super) group: usize,
    pub(super) row: usize,
    pub(super) k: usize,
}

/// Where a panel of C lies, and what becomes of what is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Target<T> {
    pub(super) data: *mut T,
    /// Elements from one row to the next, and from one column to the next.
    pub(super) row: usize,
    pub(super) col: usize,
    pub(super) alpha: T,
    pub(super) beta: T,
}

/// A panel of C, as wide as a tile: `rows` rows and `cols` columns of sums over `depth`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Panel<T> {
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) depth: usize,
    pub(super) left: Rows<T>,
    pub(super) right: Right<T>,
    pub(super) target: Target<T>,
    /// Whether the left operand's rows, contiguous in k, are to be asked for ahead: no panel before has.
    pub(super) asks_ahead: bool,
}

/// All columns are there, and lie side by side in C.
const FULL: u8 = 0;
/// The last vector of columns may be a part, in the right operand and in C.
const PART: u8 = 1;
/// C's columns do not lie side by side: its tiles take a detour. The last vector may be a part.
const SCATTERED: u8 = 2;

impl<T: Element> Panel<T> {
    /// Computes the panel.
    ///
    /// # Safety
    /// `cols` takes at most [`MAX_WIDE_VECTORS`] vectors; the operands are valid for reads of all rows and columns for `depth` k,
    /// of the right one's last vector only as far as there are columns; C is valid for writes of all rows and columns, and
    /// for reads where β is not 0, and shares nothing with the operands.
    #[inline(always)]
    pub(super) unsafe fn run<S: Simd<T>, const ROWS: usize>(&self, s: S) {
        match (self.cols.div_ceil(S::LANES), self.target.col == 1, self.cols.is_multiple_of(S::LANES)) {
            (1, true, true) => s.run(Heights::<_, ROWS, 1, FULL>(self)),
            (1, true, false) => s.run(Heights::<_, ROWS, 1, PART>(self)),
            (1, false, _) => s.run(Heights::<_, ROWS, 1, SCATTERED>(self)),
            (2, true, true) => s.run(Heights::<_, ROWS, 2, FULL>(self)),
            (2, true, false) => s.run(Heights::<_, ROWS, 2, PART>(self)),
            (2, false, _) => s.run(Heights::<_, ROWS, 2, SCATTERED>(self)),
            (3, true, true) => s.run(Heights::<_, ROWS, 3, FULL>(self)),
            (3, true, false) => s.run(Heights::<_, ROWS, 3, PART>(self)),
            (3, false, _) => s.run(Heights::<_, ROWS, 3, SCATTERED>(self)),
            (_, true, true) => s.run(Heights::<_, ROWS, 4, FULL>(self)),
            (_, true, false) => s.run(Heights::<_, ROWS, 4, PART>(self)),
            (_, false, _) => s.run(Heights::<_, ROWS, 4, SCATTERED>(self)),
        }
    }

    /// Tiles of full height, and then ever smaller ones.
    #[inline(always)]
    unsafe fn run_heights<S: Simd<T>, const ROWS: usize, const VECTORS: usize, const KIND: u8>(&self, s: S) {
        // SAFETY: the caller's guarantees.
        unsafe {
            let mut row = 0;
            if VECTORS < MAX_WIDE_VECTORS {
                row = self.run_tiles::<S, ROWS, ROWS, VECTORS, KIND>(s, row);
            }
            // Half of the tallest, where that is not one of the others.
            if ROWS > 4 {
                row = self.run_tiles::<S, ROWS, 4, VECTORS, KIND>(s, row);
            }
            row = self.run_tiles::<S, ROWS, 2, VECTORS, KIND>(s, row);
            self.run_tiles::<S, ROWS, 1, VECTORS, KIND>(s, row);
        }
    }

    /// Tiles of `HEIGHT` rows from `row` on, as many as there are rows for; where they end.
    #[inline(always)]
    unsafe fn run_tiles<S: Simd<T>, const ROWS: usize, const HEIGHT: usize, const VECTORS: usize, const KIND: u8>(
        &self,
        s: S,
        mut row: usize,
    ) -> usize {
        let tail = self.cols - (VECTORS - 1) * S::LANES;
        while row + HEIGHT <= self.rows {
            let start = row / ROWS * self.left.group + row % ROWS * self.left.row;
            let left = Left { data: self.left.data.wrapping_add(start), row: self.left.row, k: self.left.k };
            let c = self.target.data.wrapping_add(row * self.target.row);
            if KIND != SCATTERED && self.depth > SHALLOW {
                for r in 0..HEIGHT {
                    for v in 0..VECTORS {
                        s.prefetch(c.wrapping_add(r * self.target.row + v * S::LANES));
                    }
                }
            }
            if self.asks_ahead {
                for r in HEIGHT..2 * HEIGHT {
                    for k in (0..self.depth).step_by(64 / size_of::<T>()) {
                        s.prefetch(left.data.wrapping_add(r * left.row + k));
                    }
                }
            }
            // SAFETY: the rows from `row` on are there, by the condition; the rest are the caller's guarantees.
            unsafe {
                let mut sums = sums::<T, S, HEIGHT, VECTORS, KIND>(s, self.depth, left, self.right, tail);
                let target = Target { data: c, ..self.target };
                if KIND == SCATTERED {
                    scatter(s, &sums, target, self.cols);
                } else {
                    write::<T, S, HEIGHT, VECTORS, KIND>(s, &mut sums, target, tail);
                }
            }
            row += HEIGHT;
        }
        row
    }
}

/// A panel whose tiles have `VECTORS` vectors, to be run: a function by itself, so that each has the registers to itself.
/// Only [`Panel::run`] makes one, whose caller vouches for the panel.
struct Heights<'a, T, const ROWS: usize, const VECTORS: usize, const KIND: u8>(&'a Panel<T>);

impl<T: Element, const ROWS: usize, const VECTORS: usize, const KIND: u8> Kernel<T>
    for Heights<'_, T, ROWS, VECTORS, KIND>
{
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        // SAFETY: the guarantees of the panel's caller, and the vectors are as many as its columns take.
        unsafe { self.0.run_heights::<S, ROWS, VECTORS, KIND>(s) }
    }
}

/// A tile's sums. Where it has few, k take turns in several tiles of them, so that one FMA need not wait for another.
///
/// # Safety
/// As [`accumulate`], of the last vector only its first `tail` lanes.
#[inline(always)]
unsafe fn sums<T: Element, S: Simd<T>, const HEIGHT: usize, const VECTORS: usize, const KIND: u8>(
    s: S,
    depth: usize,
    left: Left<T>,
    right: Right<T>,
    tail: usize,
) -> [[S::V; VECTORS]; HEIGHT] {
    // SAFETY: the caller's guarantees, for every part of the depth.
    unsafe {
        if HEIGHT * VECTORS >= 6 {
            let mut sums = [[s.splat(T::ZERO); VECTORS]; HEIGHT];
            if KIND == FULL {
                accumulate(s, Products, depth, left, right, &mut sums);
            } else {
                accumulate_part(s, depth, left, right, tail, &mut sums);
            }
            sums
        } else if HEIGHT * VECTORS >= 4 {
            take_turns::<T, S, HEIGHT, VECTORS, 2>(s, depth, left, right, tail)
        } else {
            take_turns::<T, S, HEIGHT, VECTORS, 4>(s, depth, left, right, tail)
        }
    }
}

/// A tile's sums, in `TURNS` tiles of them.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
unsafe fn take_turns<T: Element, S: Simd<T>, const HEIGHT: usize, const VECTORS: usize, const TURNS: usize>(
    s: S,
    depth: usize,
    left: Left<T>,
    right: Right<T>,
    tail: usize,
) -> [[S::V; VECTORS]; HEIGHT] {
    let mut tiles = [[[s.splat(T::ZERO); VECTORS]; HEIGHT]; TURNS];
    let (mut a, mut b) = (left.data, right.data);
    for _ in 0..depth / TURNS {
        for (turn, tile) in tiles.iter_mut().enumerate() {
            // SAFETY: a k below `depth`, so the caller's guarantees.
            unsafe {
                add_one(
                    s,
                    a.wrapping_add(turn * left.k),
                    left.row,
                    b.wrapping_add(turn * right.k),
                    right.vector,
                    tail,
                    tile,
                )
            };
        }
        a = a.wrapping_add(TURNS * left.k);
        b = b.wrapping_add(TURNS * right.k);
    }
    for _ in 0..depth % TURNS {
        // SAFETY: as above.
        unsafe { add_one(s, a, left.row, b, right.vector, tail, &mut tiles[0]) };
        a = a.wrapping_add(left.k);
        b = b.wrapping_add(right.k);
    }
    let mut sums = tiles[0];
    for tile in &tiles[1..] {
        for (sums, tile) in sums.iter_mut().zip(tile) {
            for (sum, &other) in sums.iter_mut().zip(tile) {
                *sum = *sum + other;
            }
        }
    }
    sums
}

/// One k's products.
///
/// # Safety
/// The operands are valid for reads of this k, of the last vector its first `tail` lanes.
#[inline(always)]
unsafe fn add_one<T: Element, S: Simd<T>, const HEIGHT: usize, const VECTORS: usize>(
    s: S,
    a: *const T,
    row: usize,
    b: *const T,
    vector: usize,
    tail: usize,
    sums: &mut [[S::V; VECTORS]; HEIGHT],
) {
    let mut columns = [s.splat(T::ZERO); VECTORS];
    for (v, column) in columns.iter_mut().enumerate() {
        // SAFETY: the caller vouches for every vector, and the last one's lanes.
        *column = unsafe {
            if v + 1 == VECTORS { s.load_first(b.add(v * vector), tail) } else { s.load_ptr(b.add(v * vector)) }
        };
    }
    for (r, sums) in sums.iter_mut().enumerate() {
        // SAFETY: the caller vouches for every row.
        let broadcast = s.splat(unsafe { *a.add(r * row) });
        for (sum, column) in sums.iter_mut().zip(columns) {
            *sum = broadcast.mul_add(column, *sum);
        }
    }
}

/// As [`accumulate`], with a last vector of which only the first `tail` lanes are there.
///
/// # Safety
/// As [`sums`].
#[inline(always)]
unsafe fn accumulate_part<T: Element, S: Simd<T>, const HEIGHT: usize, const VECTORS: usize>(
    s: S,
    depth: usize,
    left: Left<T>,
    right: Right<T>,
    tail: usize,
    sums: &mut [[S::V; VECTORS]; HEIGHT],
) {
    let (mut a, mut b) = (left.data, right.data);
    for _ in 0..depth {
        // SAFETY: the caller's guarantees.
        unsafe { add_one(s, a, left.row, b, right.vector, tail, sums) };
        a = a.wrapping_add(left.k);
        b = b.wrapping_add(right.k);
    }
}

/// C ← α · sums + β · C, for a tile whose rows lie in C as they are; of the last vector its first `tail` lanes.
///
/// # Safety
/// C is valid for writes of the tile, and for reads where β is not 0.
#[inline(always)]
unsafe fn write<T: Element, S: Simd<T>, const HEIGHT: usize, const VECTORS: usize, const KIND: u8>(
    s: S,
    sums: &mut [[S::V; VECTORS]; HEIGHT],
    target: Target<T>,
    tail: usize,
) {
    let place = |r: usize, v: usize| target.data.wrapping_add(r * target.row + v * S::LANES);
    let whole = |v: usize| KIND == FULL || v + 1 < VECTORS;
    let load = |r, v| {
        // SAFETY: the caller vouches for every vector, and the last one's lanes.
        unsafe { if whole(v) { s.load_ptr(place(r, v)) } else { s.load_first(place(r, v), tail) } }
    };
    let store = |value, r, v| {
        // SAFETY: as above.
        unsafe { if whole(v) { s.store_ptr(value, place(r, v)) } else { s.store_first(value, place(r, v), tail) } }
    };
    // All of C is read before any of it is written: a load that overlaps a store under way waits for it, and so does one
    // that overlaps only lanes that a mask leaves out.
    if target.alpha != T::ONE {
        let alpha = s.splat(target.alpha);
        for sum in sums.as_flattened_mut() {
            *sum = alpha * *sum;
        }
    }
    if target.beta == T::ONE {
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = *sum + load(r, v);
            }
        }
    } else if target.beta != T::ZERO {
        let beta = s.splat(target.beta);
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                *sum = beta.mul_add(load(r, v), *sum);
            }
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        for (v, &sum) in sums.iter().enumerate() {
            store(sum, r, v);
        }
    }
}

/// C ← α · sums + β · C, for a tile whose first `cols` columns do not lie side by side in C. Where rows do, it is turned
/// in blocks.
///
/// # Safety
/// As [`write`].
#[inline(always)]
unsafe fn scatter<T: Element, S: Simd<T>, const HEIGHT: usize, const VECTORS: usize>(
    s: S,
    sums: &[[S::V; VECTORS]; HEIGHT],
    target: Target<T>,
    cols: usize,
) {
    let mut tile = MaybeUninit::<[T; MAX_ROWS * MAX_WIDE_VECTORS * MAX_LANES]>::uninit();
    let tile = tile.as_mut_ptr().cast::<T>();
    let width = VECTORS * S::LANES;
    let alpha = s.splat(target.alpha);
    for (r, sums) in sums.iter().enumerate() {
        for (v, &sum) in sums.iter().enumerate() {
            // SAFETY: there is room for the vectors of the largest tile.
            unsafe { s.store_ptr(alpha * sum, tile.add(r * width + v * S::LANES)) };
        }
    }
    let Target { data, row, col, beta, .. } = target;
    if row != 1 {
        for r in 0..HEIGHT {
            for c in 0..cols {
                let place = data.wrapping_add(r * row + c * col);
                // SAFETY: a place of the tile, for which the caller vouches; C is not read where β is 0.
                unsafe {
                    let value = *tile.add(r * width + c);
                    *place = if beta == T::ZERO { value } else { beta * *place + value };
                }
            }
        }
        return;
    }
    // A block may have rows beside the tile's, which are turned and not written.
    for r in HEIGHT..HEIGHT.next_multiple_of(S::BLOCK) {
        for v in 0..VECTORS {
            // SAFETY: blocks are no taller than the largest tile.
            unsafe { s.store_ptr(s.splat(T::ZERO), tile.add(r * width + v * S::LANES)) };
        }
    }
    let mut turned = [T::ZERO; MAX_ROWS * MAX_ROWS];
    for first in (0..cols).step_by(S::BLOCK) {
        for top in (0..HEIGHT).step_by(S::BLOCK) {
            // SAFETY: blocks of a tile of MAX_ROWS rows, to a place with room for MAX_ROWS of them.
            unsafe { s.transpose(tile.add(top * width + first), width, turned.as_mut_ptr().add(top), MAX_ROWS) };
        }
        for c in 0..S::BLOCK.min(cols - first) {
            // Arrays of the tile's height rather than vectors with a mask: see `write`.
            let place = data.wrapping_add((first + c) * col).cast::<[T; HEIGHT]>();
            // SAFETY: a column of the tile, for which the caller vouches; C is not read where β is 0.
            unsafe {
                let mut values = turned.as_ptr().add(c * MAX_ROWS).cast::<[T; HEIGHT]>().read();
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
}
