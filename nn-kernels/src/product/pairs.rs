//! Products in bfloat16: blocks of L and vectors of R are rounded and packed in pairs of k, just before they are used.
//!
//! Parameters, activations and sums stay in f32; only what is multiplied is rounded. A number of L is packed once for some
//! hundred columns of C and one of R once for as many rows, which takes a few percent of the time of the products.

use std::ops::Range;

use super::tile::Terms;
use super::{Depth, Left, MOST_VECTORS, Operands, Product, Right, Steps};
use crate::Element;
use crate::isa::{MAX_LANES, PairKernel, PairSimd, Simd};

/// Pairs between two rows of L beside what is needed, so that rows share no set of a cache.
const GAP: usize = MAX_LANES;
/// The numbers of L that may be packed at a time: 384 KiB of pairs.
pub(crate) const LEFT_NUMBERS: usize = (384 << 10) / 2;
/// The most rows of L that may be packed at a time.
pub(crate) const LEFT_ROWS: usize = 512;
/// The most k that may be packed at a time.
pub(crate) const DEPTH: usize = 512;
/// Rows by which those of a block may be rounded up: no vector's width and height of a tile have a greater multiple.
const ROUNDED: usize = 48;
/// Room for pairs of L: half of its numbers, with rows and pairs rounded up, and a gap for each row.
pub(crate) const LEFT_ROOM: usize =
    LEFT_NUMBERS / 2 + (LEFT_ROWS + ROUNDED) * (MAX_LANES + GAP) + ROUNDED * DEPTH.div_ceil(2) + MAX_LANES;
/// Room for pairs of R: the vectors of the widest tile.
pub(crate) const RIGHT_ROOM: usize = MOST_VECTORS * MAX_LANES * DEPTH.div_ceil(2);

/// A product to be computed in pairs, its operands in panels of a vector's width: in the left one, rows or k lie in
/// groups of that width.
pub(crate) struct InPairs<'a, 'p, T> {
    product: Product<'p, T>,
    left: &'a mut [T],
    right: &'a mut [T],
}

impl<'a, 'p, T: Element> InPairs<'a, 'p, T> {
    /// The product, with room for [`LEFT_ROOM`] and [`RIGHT_ROOM`] pairs.
    ///
    /// # Safety
    /// As for [`Product::run`].
    pub(crate) unsafe fn new(product: Product<'p, T>, left: &'a mut [T], right: &'a mut [T]) -> Self {
        Self { product, left, right }
    }
}

impl<T: Element> PairKernel<T> for InPairs<'_, '_, T> {
    #[inline(always)]
    fn run<P: PairSimd<T>>(self, pairs: P) {
        let Self { product, left: packed_left, right: packed_right } = self;
        let Product { left, right, .. } = product;
        // SAFETY: the caller of `new` vouches for the operands.
        unsafe { product.compute(pairs.simd(), Packed { pairs, left, right, packed_left, packed_right }) };
    }
}

/// Pairs are multiplied and added up.
#[derive(Clone, Copy)]
struct Dots<P>(P);

impl<T, P: PairSimd<T>> Terms<T, P::Simd> for Dots<P> {
    #[inline(always)]
    fn add(
        self,
        left: <P::Simd as Simd<T>>::V,
        right: <P::Simd as Simd<T>>::V,
        sum: <P::Simd as Simd<T>>::V,
    ) -> <P::Simd as Simd<T>>::V {
        self.0.dot(left, right, sum)
    }
}

/// L and R, packed block by block.
struct Packed<'r, T, P> {
    pairs: P,
    left: Left<T>,
    right: Right<T>,
    /// Rows of pairs, [`row_pairs`] apart; where k are not side by side, groups of rows of pairs instead.
    packed_left: &'r mut [T],
    /// As many pairs of k for each vector.
    packed_right: &'r mut [T],
}

/// Pairs in a block of k.
const fn pairs_in(depth: Depth) -> usize {
    depth.count.div_ceil(2)
}

/// From one row of packed pairs to the next.
const fn row_pairs(depth: Depth) -> usize {
    pairs_in(depth).next_multiple_of(MAX_LANES) + GAP
}

impl<T: Element, P: PairSimd<T>> Packed<'_, T, P> {
    /// Vectors of k and k + 1 from `source`, in pairs, for `count` k; behind an odd last one is a vector of zeros.
    ///
    /// # Safety
    /// `source` has `count` vectors `step` apart; `target` has room for half as many, rounded up.
    #[inline(always)]
    unsafe fn pack_vectors(pairs: P, (source, step): (*const T, usize), count: usize, target: *mut T) {
        let s = pairs.simd();
        let width = <P::Simd as Simd<T>>::LANES;
        // SAFETY: the caller vouches for the vectors.
        unsafe {
            for pair in 0..count / 2 {
                let even = s.load_ptr(source.add(2 * pair * step));
                let odd = s.load_ptr(source.add((2 * pair + 1) * step));
                s.store_ptr(pairs.pair(even, odd), target.add(pair * width));
            }
            if count % 2 == 1 {
                let even = s.load_ptr(source.add((count - 1) * step));
                s.store_ptr(pairs.pair(even, s.splat(T::ZERO)), target.add(count / 2 * width));
            }
        }
    }

    /// Neighbours in rows of L.
    ///
    /// # Safety
    /// L has so many rows and k from `left` on, and the room for them is that of [`row_pairs`] a row.
    #[inline(always)]
    unsafe fn pack_neighbours(&mut self, left: Left<T>, rows: usize, depth: Depth) {
        let (s, p) = (self.pairs.simd(), self.pairs);
        let (width, stride) = (<P::Simd as Simd<T>>::LANES, row_pairs(depth));
        for k in (0..depth.count).step_by(2 * width) {
            let (low, high) = (width.min(depth.count - k), width.min((depth.count - k).saturating_sub(width)));
            let low_data = left.data.wrapping_add(left.k.at(k));
            let high_data = left.data.wrapping_add(left.k.at(k + width));
            for row in 0..rows {
                let at = left.rows.at(row);
                // SAFETY: the caller vouches for rows and k, of which no more are loaded than there are. The vector behind
                // the last pairs of a row lies in the gap.
                unsafe {
                    let low =
                        if low == width { s.load_ptr(low_data.add(at)) } else { s.load_first(low_data.add(at), low) };
                    let high = if high == width {
                        s.load_ptr(high_data.add(at))
                    } else if high > 0 {
                        s.load_first(high_data.add(at), high)
                    } else {
                        s.splat(T::ZERO)
                    };
                    let target = self.packed_left.as_mut_ptr().add(row * stride + k / 2);
                    s.store_ptr(p.pair_neighbours(low, high), target);
                }
            }
        }
    }
}

impl<T: Element, P: PairSimd<T>> Operands<T, P::Simd> for Packed<'_, T, P> {
    type Terms = Dots<P>;

    #[inline(always)]
    fn terms(&self) -> Dots<P> {
        Dots(self.pairs)
    }

    #[inline(always)]
    unsafe fn left(&mut self, rows: &Range<usize>, depth: Depth) -> Left<T> {
        let width = <P::Simd as Simd<T>>::LANES;
        let left = self.left.from(rows.start, depth.first);
        let (count, data) = (pairs_in(depth), self.packed_left.as_ptr());
        if left.k.near == 1 {
            let stride = row_pairs(depth);
            let needed = rows.len() * stride + width;
            assert!(self.packed_left.len() >= needed, "room for {needed} pairs of {} rows", rows.len());
            // SAFETY: there is room, by the assertion; the caller vouches for L.
            unsafe { self.pack_neighbours(left, rows.len(), depth) };
            return Left::near(data, stride, 1);
        }
        let needed = rows.len().next_multiple_of(width) * count;
        assert!(self.packed_left.len() >= needed, "room for {needed} pairs of {} rows", rows.len());
        for (group, row) in (0..rows.len()).step_by(width).enumerate() {
            // SAFETY: there is room, by the assertion; the caller vouches for L, whose groups of rows are whole vectors.
            unsafe {
                let source = (left.data.add(left.rows.at(row)), left.k.near);
                let target = self.packed_left.as_mut_ptr().add(group * count * width);
                Self::pack_vectors(self.pairs, source, depth.count, target);
            }
        }
        Left { data, rows: Steps::in_groups(width, 1, count * width), k: Steps::even(width), is_far: false }
    }

    #[inline(always)]
    unsafe fn right(&mut self, vectors: Range<usize>, depth: Depth) -> Right<T> {
        let (width, count) = (<P::Simd as Simd<T>>::LANES, pairs_in(depth));
        let len = count * width;
        assert!(self.packed_right.len() >= vectors.len() * len, "room for {vectors:?} of {len} pairs");
        let right = self.right.from(vectors.start, depth.first);
        for v in 0..vectors.len() {
            // SAFETY: there is room, by the assertion; the caller vouches for R.
            unsafe {
                let target = self.packed_right.as_mut_ptr().add(v * len);
                Self::pack_vectors(self.pairs, (right.place(v, 0), right.k), depth.count, target);
            }
        }
        Right { data: self.packed_right.as_ptr(), k: width, vectors: Steps::even(len), is_far: false }
    }

    #[inline(always)]
    fn steps(&self, count: usize) -> usize {
        count.div_ceil(2)
    }
}
