//! Samples as a user holds them, turned into samples along lanes.

use std::mem::MaybeUninit;

use crate::Element;
use crate::isa::{Simd, Vector};

/// The most rows and columns of a block that a set transposes at a time.
const MAX_BLOCK: usize = 8;

/// Turns `rows` of `width` numbers into `width` rows, `stride` elements apart.
///
/// Rows of 1, 2, 4 and 8 numbers are taken apart by vectors, others block by block.
///
/// # Panics
/// When `from` is not as long as its rows, or `to` is too short.
#[inline(always)]
pub(super) fn columns<T: Element, S: Simd<T>>(
    s: S,
    from: &[T],
    (rows, width): (usize, usize),
    to: &mut [T],
    stride: usize,
) {
    assert!(from.len() == rows * width, "rows of that width");
    assert!(rows <= stride && to.len() >= (width - 1) * stride + rows, "room for every number");
    let done = match width {
        1 => {
            to[..rows].copy_from_slice(from);
            rows
        }
        2 => unzip::<T, S, 2>(s, from, to, stride),
        4 => unzip::<T, S, 4>(s, from, to, stride),
        8 => unzip::<T, S, 8>(s, from, to, stride),
        _ => transpose(s, from, (rows, width), to, stride),
    };
    for row in done..rows {
        for (column, from) in from[row * width..(row + 1) * width].iter().enumerate() {
            to[column * stride + row] = *from;
        }
    }
}

/// Whole vectors of rows of `WIDTH`, a power of two: each round parts even places from odd ones. Returns how many rows
/// those are.
#[inline(always)]
fn unzip<T: Element, S: Simd<T>, const WIDTH: usize>(s: S, from: &[T], to: &mut [T], stride: usize) -> usize {
    let vectors = from.len() / WIDTH / S::LANES;
    for (v, from) in from.chunks_exact(WIDTH * S::LANES).enumerate() {
        let mut columns = [s.splat(T::ZERO); WIDTH];
        for (column, from) in columns.iter_mut().zip(from.chunks_exact(S::LANES)) {
            *column = s.load(from);
        }
        let mut round = 1;
        while round < WIDTH {
            let before = columns;
            for pair in 0..WIDTH / 2 {
                // Even places to the front half: after all rounds a column stands where its number says.
                let (even, odd) = before[2 * pair].unzip(before[2 * pair + 1]);
                (columns[pair], columns[pair + WIDTH / 2]) = (even, odd);
            }
            round *= 2;
        }
        for (c, column) in columns.into_iter().enumerate() {
            s.store(column, &mut to[c * stride + v * S::LANES..]);
        }
    }
    vectors * S::LANES
}

/// Blocks of rows of any width. Returns how many rows those are.
#[inline(always)]
fn transpose<T: Element, S: Simd<T>>(
    s: S,
    from: &[T],
    (rows, width): (usize, usize),
    to: &mut [T],
    stride: usize,
) -> usize {
    let block = S::BLOCK;
    let mut row = 0;
    // A block of narrower rows reads past the end of its last one, which must not be the end of everything.
    while row + block <= rows && (row + block - 1) * width + block.max(width) <= from.len() {
        let mut column = 0;
        while column < width {
            // The last block of wider rows overlaps the one before it.
            let at = if width < block { 0 } else { column.min(width - block) };
            let mut turned = [MaybeUninit::<T>::uninit(); MAX_BLOCK * MAX_BLOCK];
            // SAFETY: the loop's condition keeps the block within `from`, `turned` has room for it; rows of `to` up to
            // `width` have `stride` ≥ `rows` elements or, the last one, `rows`.
            unsafe {
                let source = from.as_ptr().add(row * width + at);
                if width < block {
                    s.transpose(source, width, turned.as_mut_ptr().cast(), MAX_BLOCK);
                    for (c, turned) in turned.chunks_exact(MAX_BLOCK).take(width).enumerate() {
                        let target = to.as_mut_ptr().add(c * stride + row);
                        std::ptr::copy_nonoverlapping(turned.as_ptr().cast(), target, block);
                    }
                } else {
                    s.transpose(source, width, to.as_mut_ptr().add(at * stride + row), stride);
                }
            }
            column += block;
        }
        row += block;
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::InstructionSet;
    use crate::isa::Kernel;

    struct Columns<'a, T>(&'a [T], usize, &'a mut [T], usize);

    impl<T: Element> Kernel<T> for Columns<'_, T> {
        type Output = ();

        #[inline(always)]
        fn run<S: Simd<T>>(self, s: S) {
            assert!(S::BLOCK <= MAX_BLOCK, "a block fits into its room");
            columns(s, self.0, (self.0.len() / self.1, self.1), self.2, self.3);
        }
    }

    fn every_number_finds_its_place<T: Element>() {
        for set in InstructionSet::available() {
            for width in (1..=20).chain([31, 32, 33, 64]) {
                for rows in (1..=40).chain([127, 128]) {
                    let from: Vec<T> = (0..rows * width).map(|i| T::from_f64(i as f64)).collect();
                    let stride = rows + rows % 3;
                    let untouched = T::from_f64(-1.0);
                    let mut to = vec![untouched; (width - 1) * stride + rows];
                    T::dispatch(set, Columns(&from, width, &mut to, stride));
                    for (at, found) in to.into_iter().enumerate() {
                        let (column, row) = (at / stride, at % stride);
                        let expected = if row < rows { from[row * width + column] } else { untouched };
                        assert_eq!(found, expected, "{set}: width {width}, {rows} rows: column {column}, row {row}");
                    }
                }
            }
        }
    }

    #[test]
    fn every_number_finds_its_place_in_both_types() {
        every_number_finds_its_place::<f32>();
        every_number_finds_its_place::<f64>();
    }
}
