//! Products in bfloat16: blocks of L and panels of R are rounded and packed in pairs of k, just before they are used.
//!
//! Parameters, activations and sums stay in f32; only what is multiplied is rounded. A number of L is packed once for some
//! hundred columns of C and one of R once for as many rows, which takes a few percent of the time of the products.

use std::ops::Range;

use super::grid::{LEFT_BYTES, MAX_ROWS};
use super::product::{Block, Depth, MAX_DEPTH, MOST_VECTORS, Operands, Product, Side};
use super::shared::{Shared, Source};
use crate::buffer::Buffer;
use crate::gemm::register_tile::{Left, Right, Terms, accumulate};
use crate::isa::{MAX_LANES, PairKernel, PairSimd, Simd};
use crate::{Element, StepError};

/// Pairs between two rows of L beside what is needed, so that rows share no set of a cache.
const GAP: usize = MAX_LANES;
/// Pairs of L in a part: half of its numbers, with rows and pairs rounded up, and a gap for each row.
const LEFT_PAIRS: usize =
    LEFT_BYTES / 4 + (MAX_ROWS + MAX_LANES) * (MAX_LANES + GAP) + MAX_LANES * MAX_DEPTH.div_ceil(2) + MAX_LANES;
/// Pairs of R in a register tile's panels.
const RIGHT_PAIRS: usize = MOST_VECTORS * MAX_LANES * MAX_DEPTH.div_ceil(2);

/// How pairs are multiplied, and where threads pack them.
pub(super) struct Pairs<'a, T: Element> {
    pub(super) products: T::Pairs,
    packed: Shared<'a, T>,
}

impl<'a, T: Element> Pairs<'a, T> {
    /// Products by `products`, packed in `buffer`, which is grown to hold the operands of `workers` threads.
    ///
    /// # Errors
    /// [`StepError::Memory`].
    pub(super) fn new(products: T::Pairs, buffer: &'a mut Buffer<T>, workers: usize) -> Result<Self, StepError> {
        buffer.grow(workers * (LEFT_PAIRS + RIGHT_PAIRS))?;
        Ok(Self { products, packed: Shared::new(buffer.as_mut_slice()) })
    }

    /// The room of one thread, for L and for R.
    ///
    /// # Safety
    /// Nobody else uses this thread's room as long as this lives.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has this room")]
    pub(super) unsafe fn room(&self, worker: usize) -> [&mut [T]; 2] {
        let len = LEFT_PAIRS + RIGHT_PAIRS;
        // SAFETY: the caller vouches for the room.
        let room = unsafe { self.packed.part(worker * len..(worker + 1) * len) };
        let (left, right) = room.split_at_mut(LEFT_PAIRS);
        [left, right]
    }
}

/// A part of a product, in pairs.
pub(super) struct InPairs<'a, 'p, T: Element> {
    pub(super) block: Block<'a, 'p, T>,
    pub(super) room: [&'a mut [T]; 2],
}

impl<T: Element> PairKernel<T> for InPairs<'_, '_, T> {
    #[inline(always)]
    fn run<P: PairSimd<T>>(self, pairs: P) {
        let Self { block, room: [packed_left, packed_right] } = self;
        let Product { left, right, side, .. } = *block.product();
        let packed = Packed { pairs, left, right, side, first_row: block.first_row(), packed_left, packed_right };
        // SAFETY: these are the product's operands.
        unsafe { block.compute(pairs.simd(), packed) };
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
    left: Source<'r, T>,
    right: Source<'r, T>,
    side: Side,
    first_row: usize,
    /// Rows of pairs, [`row_pairs`] apart; where C's rows are columns of L, panels of rows of pairs instead.
    packed_left: &'r mut [T],
    /// A panel of pairs for each vector.
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
    /// Rows `first`, `first + 1` of a panel from `source`, in pairs, for `count` rows; behind the last one is a row of zeros.
    ///
    /// # Safety
    /// `source` has `count` rows of a vector each; `target` has room for half as many, rounded up.
    #[inline(always)]
    unsafe fn pack_rows(&self, source: *const T, count: usize, target: *mut T) {
        let (s, p) = (self.pairs.simd(), self.pairs);
        let width = <P::Simd as Simd<T>>::LANES;
        // SAFETY: the caller vouches for the rows.
        unsafe {
            for pair in 0..count / 2 {
                let even = s.load_ptr(source.add(2 * pair * width));
                let odd = s.load_ptr(source.add((2 * pair + 1) * width));
                s.store_ptr(p.pair(even, odd), target.add(pair * width));
            }
            if count % 2 == 1 {
                let even = s.load_ptr(source.add((count - 1) * width));
                s.store_ptr(p.pair(even, s.splat(T::ZERO)), target.add(count / 2 * width));
            }
        }
    }

    /// Neighbours in rows of L.
    ///
    /// # Safety
    /// L has these rows and columns, and the room for them is that of [`row_pairs`] a row.
    #[inline(always)]
    unsafe fn pack_neighbours(&mut self, rows: &Range<usize>, depth: Depth) {
        let (s, p) = (self.pairs.simd(), self.pairs);
        let (width, panels, stride) = (<P::Simd as Simd<T>>::LANES, self.left.panels, row_pairs(depth));
        for k in (0..depth.count).step_by(2 * width) {
            let (low, high) = (width.min(depth.count - k), width.min((depth.count - k).saturating_sub(width)));
            let place = |panel: usize| panels.at(rows.start, (depth.first + k) / width + panel);
            let (low_data, high_data) =
                (self.left.as_ptr().wrapping_add(place(0)), self.left.as_ptr().wrapping_add(place(1)));
            for row in 0..rows.len() {
                // SAFETY: the caller vouches for rows and columns, of which no more are loaded than there are. The vector
                // behind the last pairs of a row lies in the gap.
                unsafe {
                    let low = if low == width {
                        s.load_ptr(low_data.add(row * width))
                    } else {
                        s.load_first(low_data.add(row * width), low)
                    };
                    let high = if high == width {
                        s.load_ptr(high_data.add(row * width))
                    } else if high > 0 {
                        s.load_first(high_data.add(row * width), high)
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
    #[inline(always)]
    unsafe fn begin_rows(&mut self, _s: P::Simd, rows: &Range<usize>, depth: Depth) {
        let width = <P::Simd as Simd<T>>::LANES;
        let needed = match self.side {
            Side::Rows => rows.len() * row_pairs(depth) + width,
            Side::Columns => rows.len().next_multiple_of(width) * pairs_in(depth),
        };
        assert!(self.packed_left.len() >= needed, "room for {needed} pairs of {} rows", rows.len());
        // SAFETY: there is room, by the assertion; the caller vouches for L, whose panels are whole.
        unsafe {
            match self.side {
                Side::Rows => self.pack_neighbours(rows, depth),
                Side::Columns => {
                    for (index, panel) in (rows.start / width..rows.end.div_ceil(width)).enumerate() {
                        let source = self.left.as_ptr().add(self.left.panels.at(depth.first, panel));
                        let target = self.packed_left.as_mut_ptr().add(index * pairs_in(depth) * width);
                        self.pack_rows(source, depth.count, target);
                    }
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn begin_panels(&mut self, _s: P::Simd, panel: usize, vectors: usize, depth: Depth) {
        let len = pairs_in(depth) * <P::Simd as Simd<T>>::LANES;
        assert!(self.packed_right.len() >= vectors * len, "room for {vectors} panels of {len} pairs");
        for v in 0..vectors {
            // SAFETY: there is room, by the assertion; the caller vouches for R.
            unsafe {
                let source = self.right.as_ptr().add(self.right.panels.at(depth.first, panel + v));
                let target = self.packed_right.as_mut_ptr().add(v * len);
                self.pack_rows(source, depth.count, target);
            }
        }
    }

    #[inline(always)]
    unsafe fn add<const ROWS: usize, const VECTORS: usize>(
        &self,
        s: P::Simd,
        row: usize,
        _panel: usize,
        depth: Depth,
        sums: &mut [[<P::Simd as Simd<T>>::V; VECTORS]; ROWS],
    ) {
        let (width, count) = (<P::Simd as Simd<T>>::LANES, pairs_in(depth));
        let row = row - self.first_row;
        let (place, row_step, k_step) = match self.side {
            Side::Rows => (row * row_pairs(depth), row_pairs(depth), 1),
            Side::Columns => (row / width * count * width + row % width, 1, width),
        };
        let left = Left { data: self.packed_left.as_ptr().wrapping_add(place), row: row_step, k: k_step };
        let right = Right { data: self.packed_right.as_ptr(), k: width, vector: count * width };
        // SAFETY: these rows and as many panels have been packed.
        unsafe { accumulate(s, Dots(self.pairs), count, left, right, sums) };
    }
}
