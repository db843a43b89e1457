//! Matrices turned: rows become columns. Every engine's transposition is this one.

use crate::isa::{Kernel, Simd, Vector};
use crate::{Element, InstructionSet};

/// The most rows and columns of a block that a set turns at a time.
const MAX_BLOCK: usize = 8;

/// Turns `rows` rows of `columns` numbers, `from_stride` apart, into `columns` rows that are `to_stride` apart. What lies
/// between rows is not touched.
///
/// Rows of 1, 2, 4 and 8 numbers without a gap are taken apart by vectors, others block by block.
///
/// # Panics
/// When a slice is shorter than its rows, or rows are longer than they are apart.
#[inline(always)]
pub(crate) fn turn_rows<T: Element, S: Simd<T>>(
    s: S,
    (from, from_stride): (&[T], usize),
    (rows, columns): (usize, usize),
    (to, to_stride): (&mut [T], usize),
) {
    if rows == 0 || columns == 0 {
        return;
    }
    assert!(from_stride >= columns && to_stride >= rows, "{rows} × {columns}, {from_stride} to {to_stride} apart");
    assert!(from.len() >= (rows - 1) * from_stride + columns, "{} numbers of {rows} × {columns}", from.len());
    assert!(to.len() >= (columns - 1) * to_stride + rows, "room for {} of {rows} × {columns}", to.len());
    let block = S::BLOCK;
    let mut done = match columns {
        _ if from_stride != columns => 0,
        1 => {
            to[..rows].copy_from_slice(&from[..rows]);
            rows
        }
        2 => unzip::<T, S, 2>(s, &from[..rows * 2], to, to_stride),
        4 => unzip::<T, S, 4>(s, &from[..rows * 4], to, to_stride),
        8 => unzip::<T, S, 8>(s, &from[..rows * 8], to, to_stride),
        _ => 0,
    };
    if columns >= block && rows - done >= block {
        // The last blocks overlap those before, which writes the same numbers twice.
        for row in (done..rows).step_by(block) {
            let row = row.min(rows - block);
            for column in (0..columns).step_by(block) {
                let column = column.min(columns - block);
                // SAFETY: a block within both matrices, by the assertions.
                unsafe {
                    let source = from.as_ptr().add(row * from_stride + column);
                    s.transpose(source, from_stride, to.as_mut_ptr().add(column * to_stride + row), to_stride);
                }
            }
        }
        return;
    }
    // Rows that are shorter than a block: what is read beyond their ends is there, but for the last ones.
    while done + block <= rows && (done + block - 1) * from_stride + block <= from.len() {
        let mut turned = [T::ZERO; MAX_BLOCK * MAX_BLOCK];
        // SAFETY: the block is in memory, by the condition, and no larger than its room.
        unsafe { s.transpose(from.as_ptr().add(done * from_stride), from_stride, turned.as_mut_ptr(), MAX_BLOCK) };
        for (column, turned) in turned.chunks_exact(MAX_BLOCK).take(columns).enumerate() {
            to[column * to_stride + done..][..block].copy_from_slice(&turned[..block]);
        }
        done += block;
    }
    for row in done..rows {
        for (column, number) in from[row * from_stride..][..columns].iter().enumerate() {
            to[column * to_stride + row] = *number;
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

/// A matrix to be turned: see [`turn_rows`].
struct Turn<'a, T> {
    from: &'a [T],
    from_stride: usize,
    /// Rows and columns of `from`.
    shape: (usize, usize),
    to: &'a mut [T],
    to_stride: usize,
}

impl<T: Element> Kernel<T> for Turn<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { from, from_stride, shape, to, to_stride } = self;
        turn_rows(s, (from, from_stride), shape, (to, to_stride));
    }
}

/// Turns a matrix in the instructions of `set`: see [`turn_rows`].
pub(crate) fn turn<T: Element>(
    set: InstructionSet,
    (from, from_stride): (&[T], usize),
    shape: (usize, usize),
    (to, to_stride): (&mut [T], usize),
) {
    T::dispatch(set, Turn { from, from_stride, shape, to, to_stride });
}

#[cfg(test)]
mod tests {
    use super::*;

    fn every_number_finds_its_place<T: Element>() {
        let untouched = T::from_f64(-1.0);
        for set in InstructionSet::available() {
            for columns in (1..=20).chain([31, 32, 33, 64]) {
                for rows in (1..=40).chain([127, 128]) {
                    // With and without gaps between rows.
                    let (from_stride, to_stride) = (columns + rows % 3, rows + columns % 3);
                    let from: Vec<T> = (0..(rows - 1) * from_stride + columns).map(|i| T::from_f64(i as f64)).collect();
                    let mut to = vec![untouched; (columns - 1) * to_stride + rows];
                    turn(set, (&from, from_stride), (rows, columns), (&mut to, to_stride));
                    for (at, found) in to.into_iter().enumerate() {
                        let (column, row) = (at / to_stride, at % to_stride);
                        let expected = if row < rows { from[row * from_stride + column] } else { untouched };
                        assert_eq!(found, expected, "{set}: {rows} × {columns}: row {row}, column {column}");
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
