//! The register tile: sums of C in registers, to which operands are added k by k.
//!
//! For each k it loads the vectors of the right operand, broadcasts a number of the left one for every row, and adds the
//! products. Rows of the left operand are addressed in pairs, so that a pair may lie in another group of rows than its
//! neighbours, and so that no row's address has to be computed: with one pointer for all rows, 6 × 2 vectors of AVX2 reach
//! 93 % of the FMA peak, with three 99 %.

use super::{Operands, Sweep};
use crate::Element;
use crate::isa::{Simd, Vector};

/// How a term is added to a sum.
pub(super) trait Terms<T, S: Simd<T>>: Copy {
    /// `sum` + `left` · `right`.
    fn add(self, left: S::V, right: S::V, sum: S::V) -> S::V;
}

/// By an FMA, where the set has it, otherwise by a product and a sum, each rounded.
#[derive(Debug, Clone, Copy)]
pub(super) struct Products;

impl<T, S: Simd<T>> Terms<T, S> for Products {
    #[inline(always)]
    fn add(self, left: S::V, right: S::V, sum: S::V) -> S::V {
        left.mul_add(right, sum)
    }
}

/// What the sums of C start from.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Start<T> {
    Zero,
    /// What C holds.
    Itself,
    /// A number for each row of C.
    OfRow(*const T),
    /// A number for each column of C.
    OfColumn(*const T),
}

/// What becomes of a sum before it is written. Other matrices lie as C does.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Finish<T> {
    Nothing,
    /// Not below 0: relu.
    Floor,
    /// ⊙ (c₀ + a (c₁ - a)): g' of sigmoid and tanh.
    Quadratic([T; 2], *const T),
    /// ⊙ 1 where a > 0, else 0: g' of relu.
    Step(*const T),
    /// ⊙ g' itself.
    Stored(*const T),
}

/// Pairs of rows in the tallest tile.
const MOST_PAIRS: usize = 8;
/// How many groups of k ahead numbers of L are asked for: some hundreds of cycles.
const AHEAD: usize = 2;
/// The same where k are evenly apart: about a thousand cycles, as the CPU itself asks for no line of the next page.
const EVEN_AHEAD: usize = 96;

impl<T: Element> Sweep<'_, '_, T> {
    /// The tile of `ROWS` × `VECTORS` at `row`, counted from the first of the product's.
    ///
    /// # Safety
    /// The operands are valid for its rows, vectors and k.
    #[inline(always)]
    pub(super) unsafe fn tile<S: Simd<T>, O: Operands<T, S>, const ROWS: usize, const VECTORS: usize>(
        &self,
        s: S,
        operands: &O,
        row: usize,
    ) {
        let Self { product, depth, left, ref right, ref vectors, .. } = *self;
        // A copy: the compiler would read its fields again after each store.
        let out = product.out;
        let (c_row, vector) = (product.rows.start + row, vectors.start);
        let at = out.at(c_row, vector);
        let place = |i: usize, v: usize| at + i * out.row + v * out.vectors.near;
        let mut sums = [[s.splat(T::ZERO); VECTORS]; ROWS];
        if out.is_far {
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    s.prefetch(out.data.wrapping_add(place(ROWS + i, v)));
                }
            }
        }
        // SAFETY: the caller vouches for C, and for a number of each row or column.
        unsafe {
            match if depth.begins { product.start } else { Start::Itself } {
                Start::Zero => {}
                Start::Itself => each(&mut sums, |i, v, _| s.load_ptr(out.data.add(place(i, v)))),
                Start::OfRow(numbers) => each(&mut sums, |i, _, _| s.splat(*numbers.add(c_row + i))),
                Start::OfColumn(numbers) => each(&mut sums, |_, v, _| s.load_ptr(numbers.add((vector + v) * S::LANES))),
            }
        }
        let terms = operands.terms();
        let mut pairs = [left.data; MOST_PAIRS];
        for (pair, place) in pairs.iter_mut().enumerate().take(ROWS.div_ceil(2)) {
            *place = left.data.wrapping_add(left.rows.at(row + 2 * pair));
        }
        let (mut columns, mut steps) = (right.data, operands.steps(depth.count));
        let groups = steps.div_ceil(left.k.group());
        let is_asked_for = left.is_far && left.k.far().is_none();
        let next_tile = left.rows.at(row + ROWS).wrapping_sub(left.rows.at(row));
        while steps > 0 {
            let count = left.k.group().min(steps);
            steps -= count;
            if let Some(far) = left.k.far() {
                // The same rows some groups ahead, or the first groups of the next tile's rows.
                let is_behind = steps <= (AHEAD - 1) * left.k.group();
                let ahead = if is_behind {
                    next_tile.wrapping_add((AHEAD.wrapping_sub(groups)).wrapping_mul(far))
                } else {
                    AHEAD * far
                };
                for i in 0..ROWS {
                    s.prefetch(pairs[i / 2].wrapping_add(i % 2 * left.rows.near).wrapping_add(ahead));
                }
            }
            for _ in 0..count {
                if is_asked_for {
                    // The rows of a tile lie side by side: in one line, or two.
                    s.prefetch(pairs[0].wrapping_add(EVEN_AHEAD * left.k.near));
                }
                let mut vectors = [s.splat(T::ZERO); VECTORS];
                for (v, vector) in vectors.iter_mut().enumerate() {
                    // SAFETY: the caller vouches for every vector at every k.
                    *vector = unsafe { s.load_ptr(columns.add(v * right.vectors.near)) };
                }
                for (i, sums) in sums.iter_mut().enumerate() {
                    // SAFETY: the caller vouches for every row at every k.
                    let number = s.splat(unsafe { *pairs[i / 2].wrapping_add(i % 2 * left.rows.near) });
                    for (sum, vector) in sums.iter_mut().zip(vectors) {
                        *sum = terms.add(number, vector, *sum);
                    }
                }
                // Behind the last k they may point past the operands, which is why they only wrap.
                for pair in &mut pairs[..ROWS.div_ceil(2)] {
                    *pair = pair.wrapping_add(left.k.near);
                }
                columns = columns.wrapping_add(right.k);
            }
            for pair in &mut pairs[..ROWS.div_ceil(2)] {
                *pair = pair.wrapping_add(left.k.skip());
            }
        }
        // SAFETY: the caller vouches for C, and for what lies as C does.
        unsafe {
            if depth.ends {
                let load = |values: *const T, i, v| s.load_ptr(values.add(place(i, v)));
                match product.finish {
                    Finish::Nothing => {}
                    Finish::Floor => each(&mut sums, |_, _, sum| s.splat(T::ZERO).max(sum)),
                    Finish::Quadratic([c0, c1], a) => each(&mut sums, |i, v, sum| {
                        let a = load(a, i, v);
                        sum * a.mul_add(s.splat(c1) - a, s.splat(c0))
                    }),
                    Finish::Step(a) => each(&mut sums, |i, v, sum| {
                        let positive = s.splat(T::ZERO).lt(load(a, i, v));
                        sum * S::V::select(positive, s.splat(T::ONE), s.splat(T::ZERO))
                    }),
                    Finish::Stored(slope) => each(&mut sums, |i, v, sum| sum * load(slope, i, v)),
                }
            }
            for (i, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    s.store_ptr(*sum, out.data.add(place(i, v)));
                }
            }
        }
        if let (Some(beside), true) = (product.beside, depth.ends) {
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    s.prefetch(beside.wrapping_add(place(i, v)));
                }
            }
        }
    }
}

/// Every sum anew, by its row and vector.
#[inline(always)]
fn each<V: Copy, const ROWS: usize, const VECTORS: usize>(
    sums: &mut [[V; VECTORS]; ROWS],
    make: impl Fn(usize, usize, V) -> V,
) {
    for (i, sums) in sums.iter_mut().enumerate() {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = make(i, v, *sum);
        }
    }
}
