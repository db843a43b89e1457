//! Own kernels: the scheme of K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
//! ACM TOMS 34(3), 2008, over [`Simd`], with what it packs reduced to what must be.
//!
//! C is cut into panels as wide as a register tile, and k into blocks so short that the panel's part of B stays in L1
//! while the rows of A pass by. The left operand is read number by number, which any layout with k in order allows in
//! place; the right one by vectors of columns, in place where few rows use it, and otherwise from a copy that is one panel
//! large. Which of A and B is the left one is a matter of cost: Cᵀ = Bᵀ·Aᵀ. Where C is thin and both are contiguous in k,
//! neither is copied, and sums grow along the lanes.

mod cost;
mod dot;
mod narrow;
mod pack;
mod tiles;

#[doc(hidden)]
pub use self::narrow::InFours;

use self::cost::{Way, cheapest};
use self::dot::Dots;
use self::narrow::Narrow;
use self::pack::{Lines, pack_group, pack_vectors};
use self::tiles::{MAX_ROWS, MAX_WIDE_VECTORS, Panel, Rows, Target, tile_rows, tile_vectors};
use super::register_tile::{Right, has_32_registers};
use super::{Gemm, MatMut, MatRef, product_shape, scale};
use crate::Element;
use crate::isa::{InstructionSet, Kernel, MAX_LANES, Simd};

/// A panel's part of the right operand for one block of k. It streams from L2 beside the rows that use it, which is as fast as
/// from L1, and C is read and written half as often as with what L1 holds.
const RIGHT_BYTES: usize = 48 << 10;

/// The rows of the left operand that pass by a panel, for one block of k: half of a common L2.
const LEFT_BYTES: usize = 512 << 10;
/// So few k that writing C is a good part of the work: wider tiles then write longer parts of its rows.
const SHALLOW: usize = 16;

/// Own kernels in the instruction set that they were made for.
#[derive(Debug, Clone, Copy)]
pub struct Packed {
    set: InstructionSet,
}

impl Packed {
    /// Kernels in `set`.
    #[must_use]
    pub const fn new(set: InstructionSet) -> Self {
        Self { set }
    }
}

impl Default for Packed {
    /// Kernels in the widest set of this CPU.
    fn default() -> Self {
        Self::new(InstructionSet::best())
    }
}

/// Numbers that a panel's part of the right operand takes, in any set.
fn right_len<T>(n: usize, k: usize) -> usize {
    let lines = n.min(MAX_WIDE_VECTORS * MAX_LANES).next_multiple_of(MAX_LANES);
    lines.saturating_mul(k).min(RIGHT_BYTES / size_of::<T>()).next_multiple_of(MAX_LANES)
}

/// Numbers that a block of the left operand takes, in any set.
fn left_len<T>(m: usize, k: usize) -> usize {
    // The last group of rows is a whole one.
    m.saturating_add(MAX_ROWS - 1).saturating_mul(k).min(LEFT_BYTES / size_of::<T>())
}

impl<T: Element> Gemm<T> for Packed {
    fn name(&self) -> &'static str {
        "packed"
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> usize {
        // Either of A and B may be the left one.
        (right_len::<T>(n, k) + left_len::<T>(m, k)).max(right_len::<T>(m, k) + left_len::<T>(n, k))
    }

    fn gemm(&self, alpha: T, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: T, mut c: MatMut<'_, T>, workspace: &mut [T]) {
        let (m, k, n) = product_shape(&a, &b, &c);
        let needed = Gemm::<T>::workspace(self, m, n, k);
        assert!(workspace.len() >= needed, "a workspace of {} for {m} × {n} over {k}", workspace.len());
        if m == 0 || n == 0 {
            return;
        }
        if k == 0 {
            return scale(beta, &mut c);
        }
        let left = Lines { data: a.data().as_ptr(), line: a.row_stride(), k: a.col_stride() };
        let right = Lines { data: b.data().as_ptr(), line: b.col_stride(), k: b.row_stride() };
        let (row, col) = (c.row_stride(), c.col_stride());
        let target = Target { data: c.data_mut().as_mut_ptr(), row, col, alpha, beta };
        T::dispatch(self.set, Product { m, n, k, left, right, target, workspace });
    }
}

/// One product, ready to be run in some instruction set: the views that it was made of vouch for its places, and C was
/// borrowed mutably.
struct Product<'a, T> {
    m: usize,
    n: usize,
    k: usize,
    left: Lines<T>,
    right: Lines<T>,
    target: Target<T>,
    /// As long as [`Packed`] asks for.
    workspace: &'a mut [T],
}

impl<T: Element> Kernel<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(mut self, s: S) {
        let (way, transposed) = cheapest::<T, S>(&self);
        if transposed {
            (self.m, self.n) = (self.n, self.m);
            (self.left, self.right) = (self.right, self.left);
            (self.target.row, self.target.col) = (self.target.col, self.target.row);
        }
        match way {
            Way::Tiles => {
                if const { has_32_registers::<T, S>() } {
                    self.run_blocks::<S, { tile_rows(true) }>(s);
                } else {
                    self.run_blocks::<S, { tile_rows(false) }>(s);
                }
            }
            Way::Narrow => self.run_narrow(),
            Way::Dots => {
                let Self { m: rows, n: cols, k: depth, left, right, target, .. } = self;
                let dots = Dots { rows, cols, depth, left, right, target };
                // SAFETY: the views' guarantees, and the way is taken only where lines are contiguous in k.
                unsafe { dots.run(s, const { has_32_registers::<T, S>() }) };
            }
        }
    }
}

/// `count` in parts of at most `most`, all but the last one equal and multiples of `step`.
fn balanced(count: usize, most: usize, step: usize) -> usize {
    if count <= most {
        return count;
    }
    count.div_ceil(count.div_ceil(most).max(1)).next_multiple_of(step).min(most)
}

/// The vectors of the next panel, where there are `left` to come: `most`, or rather two and two than three and one.
const fn panel_vectors(left: usize, most: usize) -> usize {
    match (left, most) {
        (4, 3) => 2,
        _ if left < most => left,
        _ => most,
    }
}

impl<T: Element> Product<'_, T> {
    #[inline(always)]
    fn run_narrow(self) {
        let Self { m: rows, n: cols, k, left, right, target, workspace } = self;
        let most = RIGHT_BYTES / size_of::<T>() / narrow::COLS;
        for p in (0..k).step_by(most) {
            let depth = most.min(k - p);
            let columns = right.from(0, p);
            let space = &mut workspace[..narrow::COLS * depth];
            // SAFETY: columns that are there, and room for a group of them.
            unsafe { pack_group::<T, { narrow::COLS }>(columns, cols, depth, space.as_mut_ptr()) };
            let target = Target { beta: if p == 0 { target.beta } else { T::ONE }, ..target };
            let narrow = Narrow { rows, cols, depth, left: left.from(0, p), target };
            // SAFETY: the views' guarantees.
            unsafe { narrow.run(space.as_ptr()) };
        }
    }

    #[inline(always)]
    fn run_blocks<S: Simd<T>, const ROWS: usize>(self, s: S) {
        let Self { m, n, k, left, right, target, workspace } = self;
        let vectors = n.div_ceil(S::LANES);
        // Tiles of four vectors have half as many rows: with 32 registers that is enough to keep the FMA units busy.
        // Where C lies across the tiles, they had better be as tall as the blocks that are turned.
        let affords_wide = 2 * m <= ROWS || (has_32_registers::<T, S>() && target.col == 1);
        let wide = affords_wide && (vectors == MAX_WIDE_VECTORS || k <= SHALLOW);
        let most = if wide { MAX_WIDE_VECTORS } else { const { tile_vectors(has_32_registers::<T, S>()) } };
        let widest = S::LANES * panel_vectors(vectors, most);
        let (right_most, left_most) = (RIGHT_BYTES / size_of::<T>(), LEFT_BYTES / size_of::<T>());
        let k_most = if k.saturating_mul(widest) <= right_most { k } else { right_most / widest };
        let (packs_left, packs_right) = cost::packs::<T, S>(m, n, k_most, left, right);
        // Where one group of rows is all, nothing of the right operand is read twice: k are then as many as let the panels
        // go through its rows while these are near.
        let once = m <= ROWS && !packs_left && !packs_right;
        let k_block = balanced(k, if once { k_most.max(left_most / n) } else { k_most }, 1);
        // The rows' part of the left operand stays near while the panels pass; and where the right one costs nothing anew,
        // their part of C as well.
        let near = if packs_right { k_block } else { k_block.max(n) };
        let m_block = if m.next_multiple_of(ROWS).saturating_mul(near) <= left_most {
            m
        } else {
            balanced(m, (left_most / near / ROWS * ROWS).max(ROWS), ROWS)
        };
        let far = !packs_left && left.k == 1 && m.saturating_mul(k) > left_most;
        let (right_space, left_space) = workspace.split_at_mut(if packs_right { widest * k_block } else { 0 });
        for i in (0..m).step_by(m_block) {
            let rows = m_block.min(m - i);
            for p in (0..k).step_by(k_block) {
                let depth = k_block.min(k - p);
                let first = left.from(i, p);
                let packed_left = if packs_left {
                    for row in (0..rows).step_by(ROWS) {
                        let group = &mut left_space[row * depth..][..ROWS * depth];
                        // SAFETY: rows that are there, and room for a group of them.
                        unsafe {
                            pack_group::<T, ROWS>(first.from(row, 0), ROWS.min(rows - row), depth, group.as_mut_ptr());
                        }
                    }
                    Rows { data: left_space[..rows * depth].as_ptr(), group: ROWS * depth, row: 1, k: ROWS }
                } else {
                    Rows { data: first.data, group: ROWS * first.line, row: first.line, k: first.k }
                };
                let beta = if p == 0 { target.beta } else { T::ONE };
                let mut j = 0;
                while j < n {
                    let cols = (S::LANES * panel_vectors((n - j).div_ceil(S::LANES), most)).min(n - j);
                    let columns = right.from(j, p);
                    let right = if packs_right {
                        let width = cols.next_multiple_of(S::LANES);
                        let space = &mut right_space[..width * depth];
                        // SAFETY: columns that are there, and room for so many vectors.
                        unsafe { pack_vectors(s, columns, cols, depth, space.as_mut_ptr()) };
                        Right { data: space.as_ptr(), k: width, vector: S::LANES }
                    } else {
                        Right { data: columns.data, k: columns.k, vector: S::LANES }
                    };
                    let data = target.data.wrapping_add(i * target.row + j * target.col);
                    let target = Target { data, beta, ..target };
                    let asks_ahead = far && j == 0;
                    let panel = Panel { rows, cols, depth, left: packed_left, right, target, asks_ahead };
                    // SAFETY: the views' guarantees for the panel's rows, columns and k; copies are as long as it reads.
                    unsafe { panel.run::<S, ROWS>(s) };
                    j += cols;
                }
            }
        }
    }
}
