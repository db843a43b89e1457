//! Own kernels: the scheme of K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication",
//! ACM TOMS 34(3), 2008, over [`Simd`].
//!
//! B is packed into panels of one or two vectors' width and A into panels of a few rows, so that the innermost loop reads
//! both in order: for each k it loads the vectors of B, broadcasts each of A's rows, and keeps all of C's tile in
//! registers.

use super::register_tile::{Left, Right, accumulate, has_32_registers};
use super::{Gemm, MatMut, MatRef, product_shape};
use crate::Element;
use crate::isa::InstructionSet;
use crate::isa::{Kernel, Simd};

/// The most rows of a tile in any instruction set.
const MAX_TILE_ROWS: usize = 8;
/// The most lanes of a vector in any instruction set.
const MAX_LANES: usize = 16;
/// The widest tile, of two vectors, which all panels have room for.
const MAX_TILE_COLS: usize = 2 * MAX_LANES;

/// Rows of A and columns of B in a packed panel's block of K: a panel of B, K × 32 f32, is 32 KiB and stays in L1
/// or near it while the rows of A pass by.
const BLOCK_K: usize = 256;
/// Rows of A packed at a time: 128 × 256 f32 is 128 KiB, which leaves room in L2.
const BLOCK_M: usize = 128;
/// Columns of B packed at a time: 256 × 2048 f32 is 2 MiB, a share of L3.
const BLOCK_N: usize = 2048;

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

/// Numbers in the packed block of A, for any tile.
fn packed_a_len(m: usize, k: usize) -> usize {
    m.min(BLOCK_M).next_multiple_of(MAX_TILE_ROWS) * k.min(BLOCK_K)
}

/// Numbers in the packed block of B, for any tile.
fn packed_b_len(n: usize, k: usize) -> usize {
    n.min(BLOCK_N).next_multiple_of(MAX_TILE_COLS) * k.min(BLOCK_K)
}

impl<T: Element> Gemm<T> for Packed {
    fn name(&self) -> &'static str {
        "packed"
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> usize {
        // Either of A and B may be packed as the other, see `gemm`.
        (packed_a_len(m, k) + packed_b_len(n, k)).max(packed_a_len(n, k) + packed_b_len(m, k))
    }

    fn gemm(&self, alpha: T, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: T, c: MatMut<'_, T>, workspace: &mut [T]) {
        let (m, k, n) = product_shape(&a, &b, &c);
        let needed = Gemm::<T>::workspace(self, m, n, k);
        assert!(workspace.len() >= needed, "a workspace of {} for {m} × {n} over {k}", workspace.len());
        if m == 0 || n == 0 {
            return;
        }
        // Tiles are written along C's rows: where its columns are the contiguous ones, Cᵀ = Bᵀ·Aᵀ is computed.
        let product = if c.col_stride() != 1 && c.row_stride() == 1 {
            Product { alpha, a: b.t(), b: a.t(), beta, c: c.t(), workspace }
        } else {
            Product { alpha, a, b, beta, c, workspace }
        };
        T::dispatch(self.set, product);
    }
}

/// One product, ready to be run in some instruction set.
struct Product<'a, T> {
    alpha: T,
    a: MatRef<'a, T>,
    b: MatRef<'a, T>,
    beta: T,
    c: MatMut<'a, T>,
    workspace: &'a mut [T],
}

impl<T: Element> Kernel<T> for Product<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        // A tile of R × 2 vectors needs 2R + 3 registers. Sets of 64-byte vectors have 32 of them, the others 16,
        // and a fused multiply-add needs 8 sums under way. A product no wider than one vector takes tiles of one.
        match (has_32_registers::<T, S>(), self.b.cols() <= S::LANES) {
            (true, false) => self.run_tiles::<S, 8, 2>(s),
            (true, true) => self.run_tiles::<S, 8, 1>(s),
            (false, false) => self.run_tiles::<S, 4, 2>(s),
            (false, true) => self.run_tiles::<S, 8, 1>(s),
        }
    }
}

impl<T: Element> Product<'_, T> {
    #[inline(always)]
    fn run_tiles<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(mut self, s: S) {
        let (m, k, n) = (self.a.rows(), self.a.cols(), self.b.cols());
        let cols = VECTORS * S::LANES;
        if k == 0 {
            let mut tile = [[s.splat(T::ZERO); VECTORS]; ROWS];
            for i in (0..m).step_by(ROWS) {
                for j in (0..n).step_by(cols) {
                    self.write(s, &mut tile, (i, j), self.beta);
                }
            }
            return;
        }
        let workspace = std::mem::take(&mut self.workspace);
        let (packed_a, packed_b) = workspace.split_at_mut(packed_a_len(m, k));
        for j_block in (0..n).step_by(BLOCK_N) {
            let n_block = BLOCK_N.min(n - j_block);
            for k_block in (0..k).step_by(BLOCK_K) {
                let depth = BLOCK_K.min(k - k_block);
                let beta = if k_block == 0 { self.beta } else { T::ONE };
                pack(packed_b, cols, self.b.t(), j_block..j_block + n_block, k_block..k_block + depth);
                for i_block in (0..m).step_by(BLOCK_M) {
                    let m_block = BLOCK_M.min(m - i_block);
                    pack(packed_a, ROWS, self.a, i_block..i_block + m_block, k_block..k_block + depth);
                    for (j, b) in (j_block..j_block + n_block).step_by(cols).zip(packed_b.chunks_exact(cols * depth)) {
                        let rows = (i_block..i_block + m_block).step_by(ROWS);
                        for (i, a) in rows.zip(packed_a.chunks_exact(ROWS * depth)) {
                            let mut tile = multiply::<T, S, ROWS, VECTORS>(s, depth, a, b);
                            self.write(s, &mut tile, (i, j), beta);
                        }
                    }
                }
            }
        }
    }

    /// C's tile at (i, j), as far as C goes: α · `tile` + `beta` · C.
    #[inline(always)]
    fn write<S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
        &mut self,
        s: S,
        tile: &mut [[S::V; VECTORS]; ROWS],
        (i, j): (usize, usize),
        beta: T,
    ) {
        let alpha = s.splat(self.alpha);
        let width = (self.c.cols() - j).min(VECTORS * S::LANES);
        let height = (self.c.rows() - i).min(ROWS);
        let (row_stride, col_stride) = (self.c.row_stride(), self.c.col_stride());
        let data = self.c.data_mut();
        for (row, vectors) in tile.iter().enumerate().take(height) {
            let start = (i + row) * row_stride + j * col_stride;
            if col_stride == 1 {
                let mut c = &mut data[start..start + width];
                for &sum in vectors {
                    let (part, rest) = c.split_at_mut(S::LANES.min(c.len()));
                    c = rest;
                    // C is not read where β = 0, whatever it holds.
                    let product = alpha * sum;
                    let full = part.len() == S::LANES;
                    let value = if beta == T::ZERO {
                        product
                    } else {
                        let old = if full { s.load(part) } else { s.load_partial(part, T::ZERO) };
                        s.splat(beta) * old + product
                    };
                    if full {
                        s.store(value, part);
                    } else {
                        s.store_partial(value, part);
                    }
                }
            } else {
                let mut lanes = [T::ZERO; MAX_LANES];
                for (v, &sum) in vectors.iter().enumerate() {
                    s.store(alpha * sum, &mut lanes);
                    for (lane, &value) in
                        lanes.iter().enumerate().take(width.saturating_sub(v * S::LANES).min(S::LANES))
                    {
                        let c = &mut data[start + (v * S::LANES + lane) * col_stride];
                        *c = if beta == T::ZERO { value } else { beta * *c + value };
                    }
                }
            }
        }
    }
}

/// The tile's sums over one block of k: `a` holds `ROWS` numbers for each k, `b` a tile's width.
#[inline(always)]
fn multiply<T: Element, S: Simd<T>, const ROWS: usize, const VECTORS: usize>(
    s: S,
    depth: usize,
    a: &[T],
    b: &[T],
) -> [[S::V; VECTORS]; ROWS] {
    let mut tile = [[s.splat(T::ZERO); VECTORS]; ROWS];
    assert!(a.len() >= ROWS * depth && b.len() >= VECTORS * S::LANES * depth, "panels of {depth}");
    let left = Left { data: a.as_ptr(), row: 1, k: ROWS };
    let right = Right { data: b.as_ptr(), k: VECTORS * S::LANES, vector: S::LANES };
    // SAFETY: both panels hold `depth` groups, by the assertion.
    unsafe { accumulate(s, depth, left, right, &mut tile) };
    tile
}

/// Rows `lines` of `source` at columns `depth`, in panels of `width` lines: for each k, the `width` lines' numbers
/// side by side. Missing lines of the last panel are 0.
#[inline(always)]
fn pack<T: Element>(
    target: &mut [T],
    width: usize,
    source: MatRef<'_, T>,
    lines: std::ops::Range<usize>,
    depth: std::ops::Range<usize>,
) {
    let (line_stride, k_stride) = (source.row_stride(), source.col_stride());
    let data = source.data();
    let panels = target.chunks_exact_mut(width * depth.len());
    for (first, panel) in lines.clone().step_by(width).zip(panels) {
        let count = width.min(lines.end - first);
        let start = first * line_stride + depth.start * k_stride;
        if count < width {
            panel.fill(T::ZERO);
        }
        if line_stride == 1 {
            for (k, group) in panel.chunks_exact_mut(width).enumerate() {
                let from = start + k * k_stride;
                group[..count].copy_from_slice(&data[from..from + count]);
            }
        } else if k_stride == 1 {
            // Blocks of 8 × 8, so that the lines read and the groups written stay in L1.
            let length = depth.len();
            for k in (0..length).step_by(8) {
                let k_count = 8.min(length - k);
                for line in 0..count {
                    let from = start + line * line_stride + k;
                    for (offset, &value) in data[from..from + k_count].iter().enumerate() {
                        panel[(k + offset) * width + line] = value;
                    }
                }
            }
        } else {
            for (k, group) in panel.chunks_exact_mut(width).enumerate() {
                for (line, slot) in group.iter_mut().enumerate().take(count) {
                    *slot = data[start + line * line_stride + k * k_stride];
                }
            }
        }
    }
}
