//! Which way a product is computed, by what each is estimated to take, in cycles.

use super::pack::Lines;
use super::tiles::tile_rows;
use super::{Product, narrow};
use crate::Element;
use crate::gemm::register_tile::has_32_registers;
use crate::isa::Simd;

/// A number copied from a contiguous line, from lines contiguous in k, and from anywhere.
const COPIED: f32 = 0.13;
const TURNED: f32 = 0.35;
const GATHERED: f32 = 1.5;
/// A vector of sums added to C; a number of a tile that is turned first.
const WRITTEN: f32 = 2.0;
const SCATTERED: f32 = 0.5;
/// A sum over lanes, and its way into C.
const SUMMED: f32 = 3.5;
/// Loads that a product by lanes waits for, beside its FMAs.
const LANES_LOADED: f32 = 1.1;
/// A right operand that tiles read in place, as often as there are groups of rows, from the nearest cache.
const NEAR_BYTES: usize = 32 << 10;

/// A narrow row's k in f32, of which a small vector holds four, and its way into C.
const NARROW_K: f32 = 0.7;
const NARROW_ROW: f32 = 2.0;

/// A way to compute a product, or that of the transposes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// Tiles of C, columns along the lanes.
    Tiles,
    /// Few columns, and no lanes.
    Narrow,
    /// Sums along the lanes, of more rows than columns.
    Dots,
}

/// The way with the lowest estimate, and whether it is Cᵀ = Bᵀ·Aᵀ that is computed.
#[inline(always)]
pub(super) fn cheapest<T: Element, S: Simd<T>>(product: &Product<'_, T>) -> (Way, bool) {
    let &Product { m, n, k, left, right, target, .. } = product;
    let straight = tiles::<T, S>((m, n, k), left, right, target.col == 1);
    let transposed = tiles::<T, S>((n, m, k), right, left, target.row == 1);
    let (mut way, mut turned, mut least) = (Way::Tiles, transposed < straight, straight.min(transposed));
    let few = m.min(n);
    if few <= narrow::COLS && m + n - few >= narrow::ROWS {
        let narrow = (m + n - few) as f32 * (k as f32 * NARROW_K * (size_of::<T>() / 4) as f32 + NARROW_ROW);
        if narrow < least {
            (way, turned, least) = (Way::Narrow, m < n, narrow);
        }
    }
    if left.k == 1 && right.k == 1 {
        let each = k.div_ceil(S::LANES) as f32 * LANES_LOADED * fma::<T, S>() + SUMMED;
        if m as f32 * n as f32 * each < least {
            (way, turned) = (Way::Dots, m < n);
        }
    }
    (way, turned)
}

/// Cycles of an FMA: two a cycle, of 32 bytes each.
fn fma<T, S: Simd<T>>() -> f32 {
    (S::LANES * size_of::<T>()) as f32 / 64.0
}

/// Cycles of a product by tiles.
#[inline(always)]
fn tiles<T: Element, S: Simd<T>>(
    (m, n, k): (usize, usize, usize),
    left: Lines<T>,
    right: Lines<T>,
    rows_are_contiguous: bool,
) -> f32 {
    let (packs_left, packs_right) = packs::<T, S>(m, n, k, left, right);
    let vectors = n.div_ceil(S::LANES);
    let copied = |lines: Lines<T>| match (lines.line, lines.k) {
        (1, _) => COPIED,
        (_, 1) if k >= S::BLOCK => TURNED,
        _ => GATHERED,
    };
    let products = m as f32 * vectors as f32 * k as f32 * fma::<T, S>();
    let left = if packs_left { m as f32 * k as f32 * copied(left) } else { 0.0 };
    let right = if packs_right { n as f32 * k as f32 * copied(right) } else { 0.0 };
    let blocks = k.div_ceil(256) as f32;
    let written =
        if rows_are_contiguous { m as f32 * vectors as f32 * WRITTEN } else { m as f32 * n as f32 * SCATTERED };
    products + left + right + blocks * written
}

/// Whether the left operand, and the right one, are copied for tiles of up to `k` deep.
#[inline(always)]
pub(super) fn packs<T: Element, S: Simd<T>>(
    m: usize,
    n: usize,
    k: usize,
    left: Lines<T>,
    right: Lines<T>,
) -> (bool, bool) {
    let rows = tile_rows(const { has_32_registers::<T, S>() });
    // In place a tile reads its rows of the left operand by k. Where k is not the contiguous one, that is a line of the
    // cache for each, which panels after the first one find gone.
    let spread = left.k.saturating_mul(k).saturating_mul(size_of::<T>());
    let packs_left = left.k != 1 && n > 3 * S::LANES && (left.line != 1 || spread > NEAR_BYTES / 2);
    // The right one's columns are the lanes; its place is that of the whole panel.
    let spread = right.k.saturating_mul(k).saturating_mul(size_of::<T>());
    let packs_right = right.line != 1 || (m > 4 * rows && spread > NEAR_BYTES);
    (packs_left, packs_right)
}
