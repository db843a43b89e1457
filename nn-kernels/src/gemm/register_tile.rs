//! The innermost loop of the large products (tile engine, blocked engine, packed GEMM): a tile of C in registers, to which
//! operands are added k by k. The narrow engine, thin layers and part vectors have loops of their own.
//!
//! For each k it loads the vectors of the right operand, broadcasts a number of the left one for every row, and adds
//! the products. The sums stay in registers as long as the tile is no larger than the set has room for (see
//! [`has_32_registers`]); one that finds no register costs far more than the loads that it saves.

use crate::Element;
use crate::isa::{Simd, Vector};

/// A left operand of any strides, read by broadcasting.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Left<T> {
    pub(crate) data: *const T,
    /// Elements from one row to the next.
    pub(crate) row: usize,
    /// Elements from one k to the next.
    pub(crate) k: usize,
}

/// A right operand, read by vectors.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Right<T> {
    pub(crate) data: *const T,
    /// Elements from one k to the next.
    pub(crate) k: usize,
    /// Elements from one vector of columns to the next.
    pub(crate) vector: usize,
}

/// Whether kernels may count on 32 registers: of this crate's sets only AVX-512, whose vectors have 64 bytes, always has so
/// many. (So may the portable set, as on AArch64, where it is compiled for a CPU that has; it is not asked.)
#[inline(always)]
pub(crate) const fn has_32_registers<T, S: Simd<T>>() -> bool {
    S::LANES * size_of::<T>() == 64
}

/// How a term is added to a sum.
pub(crate) trait Terms<T, S: Simd<T>>: Copy {
    /// `sum` + `left` · `right`.
    fn add(self, left: S::V, right: S::V, sum: S::V) -> S::V;
}

/// By an FMA, where the set has it, otherwise by a product and a sum, each rounded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Products;

impl<T, S: Simd<T>> Terms<T, S> for Products {
    #[inline(always)]
    fn add(self, left: S::V, right: S::V, sum: S::V) -> S::V {
        left.mul_add(right, sum)
    }
}

/// `sums` += Σ_k left(row, k) · right(k, vector) over `depth` k.
///
/// # Safety
/// The operands are valid for reads of all rows and vectors of the tile for `depth` k.
#[inline(always)]
pub(crate) unsafe fn accumulate<T: Element, S: Simd<T>, M: Terms<T, S>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    terms: M,
    depth: usize,
    left: Left<T>,
    right: Right<T>,
    sums: &mut [[S::V; VECTORS]; ROWS],
) {
    let (mut a, mut b) = (left.data, right.data);
    for _ in 0..depth {
        let mut columns = [s.splat(T::ZERO); VECTORS];
        for (v, column) in columns.iter_mut().enumerate() {
            // SAFETY: the caller vouches for every vector at every k.
            *column = unsafe { s.load_ptr(b.add(v * right.vector)) };
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            // SAFETY: the caller vouches for every row at every k.
            let broadcast = s.splat(unsafe { *a.add(r * left.row) });
            for (sum, column) in sums.iter_mut().zip(columns) {
                *sum = terms.add(broadcast, column, *sum);
            }
        }
        // Behind the last k they may point past the operands, which is why they only wrap.
        a = a.wrapping_add(left.k);
        b = b.wrapping_add(right.k);
    }
}
