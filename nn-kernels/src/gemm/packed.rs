//! Own kernels: the crate's [product](crate::product) behind the trait, with copies of what it cannot read in place.
//!
//! C is written by vectors of columns, so that of C and Cᵀ = Bᵀ·Aᵀ the one is computed whose rows are contiguous; where
//! neither's are, or a row ends within a vector, the vector goes by way of a buffer. The left operand is read number by number and
//! the right one by vectors: either is packed, in the same panels of a vector's width, where its place costs more than a
//! copy. A thin C of operands that are contiguous in k is sums along the lanes.

use std::ops::Range;

use super::{Gemm, MatMut, MatRef, product_shape, scale};
use crate::Element;
use crate::isa::{InstructionSet, Kernel, MAX_LANES, Simd};
use crate::product::{Blocking, Finish, Left, Out, Product, Right, Start, Steps, dot, turn_rows};

/// The k of a block of packed numbers.
const DEPTH: usize = 512;
/// The most that a block of the right operand takes: part of a common L3, whose copy is used for all rows.
const RIGHT_BYTES: usize = 2 << 20;
/// The most rows that pass by it: in blocks of k, half of an L2.
const ROWS: usize = 512;
/// An operand whose k of a block are spread over more than this is packed if many lines of the other one meet it.
const NEAR_BYTES: usize = 32 << 10;

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

/// The most columns of a block of the right operand: whole vectors of any set.
const fn most_columns<T>() -> usize {
    RIGHT_BYTES / size_of::<T>() / DEPTH
}

/// Numbers that a block of the right operand takes, one of the left operand, and the buffer for part vectors.
fn lengths<T>(rows: usize, columns: usize, k: usize) -> [usize; 3] {
    let whole = |count: usize, most: usize| count.min(most).next_multiple_of(MAX_LANES);
    let (rows, depth) = (whole(rows, ROWS), k.min(DEPTH));
    [whole(columns, most_columns::<T>()) * depth, rows * depth, rows * MAX_LANES]
}

impl<T: Element> Gemm<T> for Packed {
    fn name(&self) -> &'static str {
        "packed"
    }

    fn workspace(&self, m: usize, n: usize, k: usize) -> usize {
        // C or its transpose is computed.
        let len = |rows, columns| lengths::<T>(rows, columns, k).into_iter().sum();
        std::cmp::max::<usize>(len(m, n), len(n, m))
    }

    fn gemm(&self, alpha: T, a: MatRef<'_, T>, b: MatRef<'_, T>, beta: T, mut c: MatMut<'_, T>, workspace: &mut [T]) {
        let (m, k, n) = product_shape(&a, &b, &c);
        let needed = Gemm::<T>::workspace(self, m, n, k);
        assert!(workspace.len() >= needed, "a workspace of {} for {m} × {n} over {k}", workspace.len());
        if m == 0 || n == 0 {
            return;
        }
        if k == 0 || (beta != T::ZERO && beta != T::ONE) {
            scale(beta, &mut c);
        }
        if k == 0 {
            return;
        }
        let left = Lines { data: a.data(), line: a.row_stride(), k: a.col_stride() };
        let right = Lines { data: b.data(), line: b.col_stride(), k: b.row_stride() };
        let blocking = Blocking::of_large::<T>(self.set);
        let is_turned = c.col_stride() != 1 && c.row_stride() == 1 || (n == 1 && m > 1 && c.row_stride() == 1);
        let (row, column) = (c.row_stride(), c.col_stride());
        let data = c.data_mut();
        let task =
            Task { set: self.set, blocking, m, n, k, left, right, data, row, column, alpha, adds: beta != T::ZERO };
        if left.k == 1 && right.k == 1 && 2 * m.min(n) <= blocking.width {
            T::dispatch(self.set, Dots(task));
        } else if is_turned {
            task.turned().run(workspace);
        } else {
            task.run(workspace);
        }
    }
}

/// An operand by lines: rows of the left one, columns of the right one. All of them lie within `data`.
#[derive(Debug, Clone, Copy)]
struct Lines<'a, T> {
    data: &'a [T],
    /// Elements from one line to the next.
    line: usize,
    /// Elements from one k to the next.
    k: usize,
}

impl<'a, T> Lines<'a, T> {
    /// The lines from `line` on, from `k` on.
    fn from(self, line: usize, k: usize) -> Self {
        Self { data: &self.data[line * self.line + k * self.k..], ..self }
    }

    /// What a block of k is spread over.
    fn spread(self, depth: usize) -> usize {
        self.k.saturating_mul(depth).saturating_mul(size_of::<T>())
    }
}

/// C ← α · L · R, or C + α · L · R.
struct Task<'a, T> {
    set: InstructionSet,
    blocking: Blocking,
    m: usize,
    n: usize,
    k: usize,
    left: Lines<'a, T>,
    right: Lines<'a, T>,
    /// C, with the distances of its rows and columns.
    data: &'a mut [T],
    row: usize,
    column: usize,
    alpha: T,
    adds: bool,
}

impl<T: Element> Task<'_, T> {
    /// The task whose result is the transpose.
    fn turned(self) -> Self {
        let Self { m, n, left, right, row, column, .. } = self;
        Self { m: n, n: m, left: right, right: left, row: column, column: row, ..self }
    }

    fn run(self, workspace: &mut [T]) {
        let Self { set, blocking, m, n, k, left, right, data, row, column, alpha, adds } = self;
        let lanes = blocking.width;
        let [right_len, left_len, _] = lengths::<T>(m, n, k);
        let (right_space, rest) = workspace.split_at_mut(right_len);
        let (left_space, buffer) = rest.split_at_mut(left_len);
        let depth = k.min(DEPTH);
        let packs_right =
            right.line != 1 || alpha != T::ONE || (m > 4 * blocking.rows && right.spread(depth) > NEAR_BYTES);
        let packs_left = left.k != 1 && n > 3 * lanes && (left.line != 1 || left.spread(depth) > NEAR_BYTES / 2);
        let rows_at_once = (blocking.left / depth).clamp(ROWS / 8, ROWS) / MAX_LANES * MAX_LANES;
        let in_place = if column == 1 { n / lanes * lanes } else { 0 };
        for columns in parts(n, most_columns::<T>()) {
            let whole = in_place.clamp(columns.start, columns.end) - columns.start;
            for ks in parts(k, DEPTH) {
                let depth = ks.len();
                let starts = if adds || ks.start > 0 { Start::Itself } else { Start::Zero };
                let first = if packs_right { 0 } else { whole };
                if first < columns.len() {
                    let lines = right.from(columns.start + first, ks.start);
                    pack(set, lines, columns.len() - first, depth, alpha, right_space);
                }
                let panels = |data| Right { data, k: lanes, vectors: Steps::even(depth * lanes), is_far: true };
                let source = if packs_right || whole == 0 {
                    panels(right_space.as_ptr())
                } else {
                    let data = right.from(columns.start, ks.start).data.as_ptr();
                    Right { data, k: right.k, vectors: Steps::even(lanes), is_far: false }
                };
                for rows in parts(m, rows_at_once) {
                    let lines = left.from(rows.start, ks.start);
                    let left = if packs_left {
                        pack(set, lines, rows.len(), depth, T::ONE, left_space);
                        let rows = Steps::in_groups(lanes, 1, depth * lanes);
                        Left { data: left_space.as_ptr(), rows, k: Steps::even(lanes) }
                    } else {
                        Left::near(lines.data.as_ptr(), lines.line, lines.k)
                    };
                    let product = |vectors: Range<usize>, right, out, start| Product {
                        rows: 0..rows.len(),
                        vectors,
                        depth,
                        left,
                        right,
                        out,
                        start,
                        finish: Finish::Nothing,
                        beside: None,
                        strips: None,
                        blocking,
                    };
                    if whole > 0 {
                        let data = data[rows.start * row + columns.start..].as_mut_ptr();
                        let out = Out { data, row, vectors: Steps::even(lanes), is_far: true };
                        // SAFETY: the views have these rows, columns and k, as do the copies; the vectors are whole ones of
                        // rows of C, which was borrowed mutably.
                        unsafe { product(0..whole / lanes, source, out, starts).run(set) };
                    }
                    for at in (whole..columns.len()).step_by(lanes) {
                        let panel = right_space[(at - first) * depth..].as_ptr();
                        let out = Out {
                            data: buffer[..rows.len() * lanes].as_mut_ptr(),
                            row: lanes,
                            vectors: Steps::even(lanes),
                            is_far: false,
                        };
                        // SAFETY: as above, the buffer having a vector for each row.
                        unsafe { product(0..1, panels(panel), out, Start::Zero).run(set) };
                        for (row_index, sums) in rows.clone().zip(buffer.chunks_exact(lanes)) {
                            for (j, &sum) in (columns.start + at..columns.end).zip(sums) {
                                let c = &mut data[row_index * row + j * column];
                                *c = if matches!(starts, Start::Itself) { *c + sum } else { sum };
                            }
                        }
                    }
                }
            }
        }
    }
}

/// 0..`count` in parts of nearly the same length, at most `most`, that begin with a multiple of [`MAX_LANES`].
fn parts(count: usize, most: usize) -> impl Iterator<Item = Range<usize>> {
    let step = count.div_ceil(count.div_ceil(most).max(1)).next_multiple_of(MAX_LANES).max(1);
    (0..count).step_by(step).map(move |first| first..count.min(first + step))
}

/// Panels of a vector's width for `count` lines and `depth` k, times α: for each k, a vector of lines, zeros for those that
/// are not there.
fn pack<T: Element>(set: InstructionSet, lines: Lines<'_, T>, count: usize, depth: usize, alpha: T, target: &mut [T]) {
    T::dispatch(set, Pack { lines, count, depth, alpha, target });
}

struct Pack<'a, T> {
    lines: Lines<'a, T>,
    count: usize,
    depth: usize,
    alpha: T,
    target: &'a mut [T],
}

impl<T: Element> Kernel<T> for Pack<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Self { lines, count, depth, alpha, target } = self;
        for (first, panel) in (0..count).step_by(S::LANES).zip(target.chunks_exact_mut(depth * S::LANES)) {
            let (lines, count) = (lines.from(first, 0), S::LANES.min(count - first));
            let vectors = panel.chunks_exact_mut(S::LANES).enumerate();
            if lines.line == 1 {
                for (k, vector) in vectors {
                    let source = &lines.data[k * lines.k..];
                    let numbers =
                        if count == S::LANES { s.load(source) } else { s.load_partial(&source[..count], T::ZERO) };
                    s.store(numbers, vector);
                }
            } else if lines.k == 1 && lines.line >= depth {
                if count < S::LANES {
                    panel.fill(T::ZERO);
                }
                turn_rows(s, (lines.data, lines.line), (count, depth), (&mut *panel, S::LANES));
            } else {
                for (k, vector) in vectors {
                    for (line, number) in vector.iter_mut().enumerate() {
                        *number = if line < count { lines.data[line * lines.line + k * lines.k] } else { T::ZERO };
                    }
                }
            }
            if alpha != T::ONE {
                for vector in panel.chunks_exact_mut(S::LANES) {
                    s.store(s.splat(alpha) * s.load(vector), vector);
                }
            }
        }
    }
}

/// Sums along the lanes, of operands that are contiguous in k.
struct Dots<'a, T>(Task<'a, T>);

impl<T: Element> Kernel<T> for Dots<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Task { m, n, k, left, right, data, row, column, alpha, adds, .. } = self.0;
        for i in 0..m {
            for j in 0..n {
                let sum = alpha * dot(s, &left.from(i, 0).data[..k], &right.from(j, 0).data[..k]);
                let c = &mut data[i * row + j * column];
                *c = if adds { *c + sum } else { sum };
            }
        }
    }
}
