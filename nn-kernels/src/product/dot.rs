//! Sums along the lanes, where k are contiguous in both operands: of single samples and thin layers.

use crate::Element;
use crate::isa::{MAX_LANES, Simd, Vector};

/// Σ a·b over as many numbers as both have, in four sums side by side so that one FMA need not wait for another.
#[inline(always)]
pub(crate) fn dot<T: Element, S: Simd<T>>(s: S, a: &[T], b: &[T]) -> T {
    const SUMS: usize = 4;
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut sums = [s.splat(T::ZERO); SUMS];
    let mut at = 0;
    while at + SUMS * S::LANES <= len {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = s.load(&a[at + v * S::LANES..]).mul_add(s.load(&b[at + v * S::LANES..]), *sum);
        }
        at += SUMS * S::LANES;
    }
    for sum in &mut sums {
        if at + S::LANES <= len {
            *sum = s.load(&a[at..]).mul_add(s.load(&b[at..]), *sum);
            at += S::LANES;
        } else if at < len {
            *sum = s.load_partial(&a[at..], T::ZERO).mul_add(s.load_partial(&b[at..], T::ZERO), *sum);
            at = len;
        }
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum()
}

/// Rows of a matrix whose sums are formed at a time. With two sums each they are eight FMAs that need not wait for one
/// another, and the vector is loaded once for all of them.
const ROWS: usize = 4;
const SUMS: usize = 2;
/// How far ahead of themselves rows are asked for, in bytes: long ones come from memory.
const AHEAD: usize = 1 << 10;

/// Vectors whose lanes are to be added up: one a row.
#[repr(align(64))]
struct Sums<T>([T; MAX_LANES * MAX_LANES]);

/// `z` = `bias` + `matrix` · `x`: the rows of `matrix`, as many as `z` and `bias` have numbers, lie one behind the other, each as
/// long as `x`.
///
/// What becomes of a row does not depend on the others, if rows are cut off in multiples of [`MAX_LANES`].
///
/// # Panics
/// When there are fewer rows or biases.
#[inline(always)]
pub(crate) fn matrix_vector<T: Element, S: Simd<T>>(s: S, matrix: &[T], bias: &[T], x: &[T], z: &mut [T]) {
    let width = x.len();
    let (matrix, bias) = (&matrix[..width * z.len()], &bias[..z.len()]);
    let mut sums = Sums([T::ZERO; MAX_LANES * MAX_LANES]);
    let groups = z.chunks_mut(S::LANES).zip(bias.chunks(S::LANES)).zip(matrix.chunks(S::LANES * width));
    for ((z, bias), rows) in groups {
        let mut at = 0;
        while at + ROWS <= z.len() {
            sums_of_rows::<T, S, ROWS>(s, &rows[at * width..], x, &mut sums.0[at * S::LANES..]);
            at += ROWS;
        }
        while at < z.len() {
            sums_of_rows::<T, S, 1>(s, &rows[at * width..], x, &mut sums.0[at * S::LANES..]);
            at += 1;
        }
        // SAFETY: there is room for the largest number of vectors of the most lanes; all of it has been written.
        let total = unsafe { s.sum_each(sums.0.as_ptr()) };
        s.store_partial(total + s.load_partial(bias, T::ZERO), z);
    }
}

/// For each of `N` rows of `x`'s length, the vector whose lanes add up to row · x.
#[inline(always)]
fn sums_of_rows<T: Element, S: Simd<T>, const N: usize>(s: S, rows: &[T], x: &[T], sums: &mut [T]) {
    let width = x.len();
    let rows: [&[T]; N] = std::array::from_fn(|row| &rows[row * width..(row + 1) * width]);
    let mut totals = [[s.splat(T::ZERO); SUMS]; N];
    let mut at = 0;
    while at + SUMS * S::LANES <= width {
        for v in 0..SUMS {
            let x = s.load(&x[at + v * S::LANES..]);
            for (row, totals) in rows.iter().zip(&mut totals) {
                s.prefetch(row.as_ptr().wrapping_add(at + v * S::LANES + AHEAD / size_of::<T>()));
                totals[v] = s.load(&row[at + v * S::LANES..]).mul_add(x, totals[v]);
            }
        }
        at += SUMS * S::LANES;
    }
    for v in 0..SUMS {
        if at < width {
            let x = s.load_partial(&x[at..], T::ZERO);
            for (row, totals) in rows.iter().zip(&mut totals) {
                totals[v] = s.load_partial(&row[at..], T::ZERO).mul_add(x, totals[v]);
            }
            at = width.min(at + S::LANES);
        }
    }
    for (totals, sums) in totals.into_iter().zip(sums.chunks_exact_mut(S::LANES)) {
        s.store(totals[0] + totals[1], sums);
    }
}
