//! The matrix product at the heart of the tile engine: C = A · B over one tile, everything already in cache.
//!
//! B and C have whole vectors of columns side by side; A's elements are broadcast, so A may have any strides: the
//! forward pass reads activations row by row, the gradient reads the same memory column by column.
//!
//! A block of C stays in registers while k runs. Where there are 32, it has 24 sums, which hide the FMAs' latency twice
//! over (two pipes of four cycles need eight), and 6 × 4 vectors load 10 operands for 24 FMAs, less than one a cycle.
//! Where there are 16, it has 12, and 6 × 2 vectors load 8 operands for them. Sums that find no register cost far more
//! than the loads that they save: with 24 the AVX2 kernels were half as fast.

use crate::Element;
use crate::gemm::register_tile::{Left, Products, Right, accumulate, has_32_registers};
use crate::isa::{InstructionSet, Kernel, Simd, Vector};
use crate::step::slope::SlopeOf;

/// The most that a block of k rows of a panel takes: half or three quarters of an L1.
const PANEL_BYTES: usize = 24 << 10;

/// What a product starts from and ends in, by row of C and vector of columns.
pub(super) trait Epilogue<T> {
    /// The value that the sum over k starts from.
    ///
    /// # Safety
    /// `row` and `vector` lie within C.
    unsafe fn start<S: Simd<T>>(&self, s: S, row: usize, vector: usize) -> S::V;

    /// Takes the finished sum.
    ///
    /// # Safety
    /// `row` and `vector` lie within C.
    unsafe fn finish<S: Simd<T>>(&self, s: S, row: usize, vector: usize, sum: S::V);

    /// Whether C may be out of the caches: the next block's part of it is then asked for while one is computed.
    const IS_FAR: bool;

    /// Where C lies: sums that are not finished wait there.
    fn out(&self) -> *mut T;

    /// Elements from one row of C to the next.
    fn stride(&self) -> usize;
}

/// The k of one block.
#[derive(Clone, Copy)]
struct Depth {
    first: usize,
    count: usize,
    /// Whether sums begin here, and whether they end here.
    begins: bool,
    ends: bool,
}

/// One block of `ROWS` × `VECTORS` of C, at (`row`, `vector`).
///
/// # Safety
/// The operands are valid for reads of the block's rows and columns for all of `depth`, and the epilogue for the block.
#[inline(always)]
unsafe fn block<T: Element, S: Simd<T>, E: Epilogue<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    depth: Depth,
    left: Left<T>,
    right: Right<T>,
    epilogue: &E,
    row: usize,
    vector: usize,
) {
    // SAFETY: the caller vouches for every element that is read below.
    unsafe {
        let mut sums = [[s.splat(T::ZERO); VECTORS]; ROWS];
        for (r, sums) in sums.iter_mut().enumerate() {
            for (v, sum) in sums.iter_mut().enumerate() {
                let at = epilogue.out().wrapping_add((row + r) * epilogue.stride() + (vector + v) * S::LANES);
                *sum = if depth.begins { epilogue.start(s, row + r, vector + v) } else { s.load_ptr(at) };
                if E::IS_FAR {
                    s.prefetch(at.wrapping_add(ROWS * epilogue.stride()));
                }
            }
        }
        let left = Left { data: left.data.wrapping_add(row * left.row + depth.first * left.k), ..left };
        let data = right.data.wrapping_add(depth.first * right.k + vector * S::LANES);
        let right = Right { data, k: right.k, vector: S::LANES };
        accumulate(s, Products, depth.count, left, right, &mut sums);
        for (r, sums) in sums.iter().enumerate() {
            for (v, sum) in sums.iter().enumerate() {
                if depth.ends {
                    epilogue.finish(s, row + r, vector + v, *sum);
                } else {
                    let at = (row + r) * epilogue.stride() + (vector + v) * S::LANES;
                    s.store_ptr(*sum, epilogue.out().add(at));
                }
            }
        }
    }
}

/// All rows of one panel of `$vectors` columns: blocks of as many rows as fit, then ever smaller ones.
macro_rules! panel {
    ($product:ident, $s:ident, $depth:ident, $vector:ident, $vectors:literal: $($rows:literal),+) => {{
        let Product { rows, left, right, ref epilogue, .. } = $product;
        let mut row = 0;
        $(
            while rows - row >= $rows {
                block::<T, S, E, $rows, $vectors>($s, $depth, left, right, epilogue, row, $vector);
                row += $rows;
            }
        )+
        debug_assert_eq!(row, rows, "the smallest block has one row");
    }};
}

/// C = A · B for `rows` rows and `vectors` vectors of columns, summed over `depth`.
pub(super) struct Product<T, E> {
    pub(super) rows: usize,
    pub(super) vectors: usize,
    pub(super) depth: usize,
    pub(super) left: Left<T>,
    pub(super) right: Right<T>,
    pub(super) epilogue: E,
}

impl<T: Element, E: Epilogue<T>> Product<T, E> {
    /// Computes the product in the instructions of `set`.
    ///
    /// # Safety
    /// `left` is valid for reads of `rows` × `depth` elements, `right` of `depth` rows of `vectors` vectors of `set`,
    /// and the epilogue for `rows` × `vectors`.
    pub(super) unsafe fn run(self, set: InstructionSet) {
        T::dispatch(set, Checked(self));
    }
}

/// A product whose operands someone vouched for, in [`Product::run`].
struct Checked<T, E>(Product<T, E>);

impl<T: Element, E: Epilogue<T>> Kernel<T> for Checked<T, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let product = self.0;
        // Sets of 64 bytes have 32 registers; where there are 16, 12 sums leave room for the operands.
        let has_32_registers = has_32_registers::<T, S>();
        let width = if has_32_registers { 4 } else { 2 };
        // Where a panel of B is too deep for L1, its blocks of k are taken one by one, each for all rows.
        let max_depth = PANEL_BYTES / (width * S::LANES * size_of::<T>());
        let blocks = product.depth.div_ceil(max_depth).max(1);
        let depth = product.depth.div_ceil(blocks);
        let mut vector = 0;
        // SAFETY: every block lies within the operands that the caller of `Product::run` vouches for.
        unsafe {
            while vector < product.vectors {
                let mut first = 0;
                for block in 0..blocks {
                    let count = depth.min(product.depth - first);
                    let depth = Depth { first, count, begins: block == 0, ends: block + 1 == blocks };
                    match (has_32_registers, product.vectors - vector) {
                        (true, 1) => panel!(product, s, depth, vector, 1: 16, 8, 4, 1),
                        (true, 2) => panel!(product, s, depth, vector, 2: 12, 6, 3, 1),
                        (true, 3) => panel!(product, s, depth, vector, 3: 8, 4, 2, 1),
                        (true, _) => panel!(product, s, depth, vector, 4: 6, 4, 2, 1),
                        (false, 1) => panel!(product, s, depth, vector, 1: 12, 6, 3, 1),
                        (false, _) => panel!(product, s, depth, vector, 2: 6, 3, 1),
                    }
                    first += count;
                }
                vector += width;
            }
        }
    }
}

/// The forward pass: z starts from the bias, and is cut off at `floor`, which is 0 for relu.
pub(super) struct Forward<T> {
    pub(super) bias: *const T,
    pub(super) floor: T,
    pub(super) out: *mut T,
    pub(super) stride: usize,
}

impl<T: Element> Epilogue<T> for Forward<T> {
    const IS_FAR: bool = false;

    #[inline(always)]
    fn out(&self) -> *mut T {
        self.out
    }

    #[inline(always)]
    fn stride(&self) -> usize {
        self.stride
    }

    #[inline(always)]
    unsafe fn start<S: Simd<T>>(&self, s: S, _row: usize, vector: usize) -> S::V {
        // SAFETY: the bias has a number for every column.
        unsafe { s.load_ptr(self.bias.add(vector * S::LANES)) }
    }

    #[inline(always)]
    unsafe fn finish<S: Simd<T>>(&self, s: S, row: usize, vector: usize, sum: S::V) {
        // SAFETY: C has room for every row and column.
        unsafe { s.store_ptr(s.splat(self.floor).max(sum), self.out.add(row * self.stride + vector * S::LANES)) }
    }
}

/// Back-propagation: δ^(l) = (Θ_wᵀ δ^(l+1)) ⊙ g'.
pub(super) struct Backward<T, G> {
    /// a or g', in rows of `stride`.
    pub(super) slope: *const T,
    pub(super) slope_of: G,
    pub(super) out: *mut T,
    pub(super) stride: usize,
}

impl<T: Element, G: SlopeOf<T>> Epilogue<T> for Backward<T, G> {
    const IS_FAR: bool = false;

    #[inline(always)]
    fn out(&self) -> *mut T {
        self.out
    }

    #[inline(always)]
    fn stride(&self) -> usize {
        self.stride
    }

    #[inline(always)]
    unsafe fn start<S: Simd<T>>(&self, s: S, _row: usize, _vector: usize) -> S::V {
        s.splat(T::ZERO)
    }

    #[inline(always)]
    unsafe fn finish<S: Simd<T>>(&self, s: S, row: usize, vector: usize, sum: S::V) {
        let at = row * self.stride + vector * S::LANES;
        // SAFETY: both matrices have every row and column.
        unsafe {
            let slope = self.slope_of.slope(s, s.load_ptr(self.slope.add(at)));
            s.store_ptr(sum * slope, self.out.add(at));
        }
    }
}

/// The gradient: C is added to, or written where `add` is false.
pub(super) struct Accumulate<T> {
    pub(super) out: *mut T,
    pub(super) stride: usize,
    pub(super) add: bool,
}

impl<T: Element> Epilogue<T> for Accumulate<T> {
    const IS_FAR: bool = true;

    #[inline(always)]
    fn out(&self) -> *mut T {
        self.out
    }

    #[inline(always)]
    fn stride(&self) -> usize {
        self.stride
    }

    #[inline(always)]
    unsafe fn start<S: Simd<T>>(&self, s: S, row: usize, vector: usize) -> S::V {
        if self.add {
            // SAFETY: C has every row and column.
            unsafe { s.load_ptr(self.out.add(row * self.stride + vector * S::LANES)) }
        } else {
            s.splat(T::ZERO)
        }
    }

    #[inline(always)]
    unsafe fn finish<S: Simd<T>>(&self, s: S, row: usize, vector: usize, sum: S::V) {
        // SAFETY: C has room for every row and column.
        unsafe { s.store_ptr(sum, self.out.add(row * self.stride + vector * S::LANES)) }
    }
}
