//! The product at the heart of the blocked engine: one block of C = L · R, all three in panels.
//!
//! The scheme is that of K. Goto and R. van de Geijn, "Anatomy of High-Performance Matrix Multiplication", ACM TOMS
//! 34(3), 2008, with L and R taken as they lie. A block of C is as large as stays in L2 with the block of L that it
//! needs; for each block of k, panels of R that stay in L1 pass by all rows of the block. What is to be done with
//! finished numbers ([`Finish`]) is done strip by strip, while they are in L2.

use std::ops::Range;

use super::grid::{Grid, Part, for_each};
use super::pairs::{InPairs, Pairs};
use super::panels::Panels;
use super::shared::{Source, Target};
use crate::Element;
use crate::gemm::register_tile::{Left, Products, Right, accumulate, has_32_registers};
use crate::isa::{InstructionSet, Kernel, PairProducts, Simd};

/// The most k of a block. R's three panels, 96 KiB of them, then stay in L2 with the rows of L, from where a tile can
/// stream them: 24 FMAs want 192 bytes of them in as many cycles. The deeper the block, the less it weighs that a tile's
/// sums are loaded and stored.
pub(super) const MAX_DEPTH: usize = 512;
/// The most panels of a register tile: 8 × 3 sums in 32 registers, with the vectors of R and one number of L. Where there are
/// 16 registers it is 4 × 2: a third vector would leave none to spare, and sums that find no register make a tile half as fast.
pub(super) const MOST_VECTORS: usize = 3;

/// How L is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// C's row is L's row, k its column.
    Rows,
    /// C's row is L's column, k its row.
    Columns,
}

/// What C starts from.
#[derive(Debug, Clone, Copy)]
pub(super) enum Start<'a, T> {
    Zero,
    /// What C holds.
    Itself,
    /// A number for each row.
    Bias(&'a [T]),
}

/// What is done with finished numbers.
pub(super) trait Finish<T>: Sync {
    /// Takes the numbers of a strip of C.
    ///
    /// # Safety
    /// The strip is one of the product that this belongs to, and comes once. What this reads or writes besides is shaped as C,
    /// and nobody else writes there meanwhile.
    unsafe fn finish(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]);
}

/// Some rows of a panel of C.
#[derive(Debug, Clone)]
pub(super) struct Strip {
    /// The number of the part that they belong to.
    pub(super) part: usize,
    pub(super) panel: usize,
    pub(super) rows: Range<usize>,
}

/// C = start + L · R.
pub(super) struct Product<'a, T: Element> {
    pub(super) left: Source<'a, T>,
    pub(super) side: Side,
    pub(super) right: Source<'a, T>,
    pub(super) depth: usize,
    pub(super) start: Start<'a, T>,
    pub(super) out: Target<'a, T>,
    pub(super) finish: &'a dyn Finish<T>,
    /// What finishing will read that is shaped as C and may be far away.
    pub(super) beside: Option<Source<'a, T>>,
}

impl<'a, T: Element> Product<'a, T> {
    /// The product, to be computed in parts as they are cut for sums of `depth`: its own, or that of a full shard, so that
    /// the last one's parts are those of the others.
    ///
    /// # Panics
    /// When the shapes do not fit.
    pub(super) fn divided(self, arithmetic: &'a Arithmetic<'a, T>, depth: usize) -> Divided<'a, T> {
        let grid = arithmetic.grid(&self.out.panels, depth);
        let (out, left, right) = (self.out.panels, self.left.panels, self.right.panels);
        let (rows, columns) = match self.side {
            Side::Rows => (left.rows, left.columns),
            Side::Columns => (left.columns, left.rows),
        };
        assert!(
            rows >= out.rows && columns >= self.depth && right.rows >= self.depth && right.panels() >= out.panels(),
            "{left:?} · {right:?} to {out:?}"
        );
        assert!(left.width == out.width && right.width == out.width, "{left:?} · {right:?} to {out:?}");
        if let Start::Bias(bias) = self.start {
            assert!(bias.len() >= out.rows, "a bias of {} for {out:?}", bias.len());
        }
        Divided { product: self, arithmetic, grid }
    }
}

/// A product whose shapes fit, in parts that share nothing.
pub(super) struct Divided<'a, T: Element> {
    product: Product<'a, T>,
    arithmetic: &'a Arithmetic<'a, T>,
    grid: Grid,
}

impl<'a, T: Element> Divided<'a, T> {
    /// How many parts there are.
    pub(super) fn parts(&self) -> usize {
        self.grid.parts()
    }

    /// C.
    pub(super) fn out(&self) -> &Target<'a, T> {
        &self.product.out
    }

    /// Computes a part, as the thread of number `worker`.
    ///
    /// # Safety
    /// Every part is computed once, `index` being below [`parts`](Self::parts); no two threads have the same number.
    pub(super) unsafe fn run(&self, worker: usize, index: usize) {
        let Self { product, arithmetic, .. } = self;
        let block = Block { product, part: self.grid.part(index), set: arithmetic.set };
        match &arithmetic.pairs {
            None => T::dispatch(arithmetic.set, block),
            // SAFETY: the caller vouches for the number.
            Some(pairs) => pairs.products.run(InPairs { block, room: unsafe { pairs.room(worker) } }),
        }
    }

    /// Computes all parts, on all threads.
    pub(super) fn run_all(self) {
        // SAFETY: every number comes once, from threads of different numbers.
        for_each(self.parts(), |worker, index| unsafe { self.run(worker, index) });
    }
}

/// In what numbers products are computed.
pub(super) struct Arithmetic<'a, T: Element> {
    pub(super) set: InstructionSet,
    /// Pairs of bfloat16, or the operands as they are.
    pub(super) pairs: Option<Pairs<'a, T>>,
}

impl<T: Element> Arithmetic<'_, T> {
    /// The parts of a C that lies in such panels, each number a sum of `depth`.
    pub(super) fn grid(&self, out: &Panels, depth: usize) -> Grid {
        let packed = self.pairs.is_some();
        let size = if packed { 2 } else { size_of::<T>() };
        Grid::new(out.rows, out.panels(), out.width, depth, (size, packed))
    }
}

/// One part of a product at work. Whoever has it has the part alone and the shapes fit, by the contract of [`Divided::run`].
pub(super) struct Block<'a, 'p, T: Element> {
    product: &'a Product<'p, T>,
    part: Part,
    set: InstructionSet,
}

impl<T: Element> Kernel<T> for Block<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd<T>>(self, s: S) {
        let Product { left, right, side, .. } = *self.product;
        // SAFETY: these are the product's operands.
        unsafe {
            match side {
                Side::Rows => self.compute(s, Direct::<T, false> { left, right }),
                Side::Columns => self.compute(s, Direct::<T, true> { left, right }),
            }
        }
    }
}

/// How the operands of a register tile are had.
pub(super) trait Operands<T: Element, S: Simd<T>> {
    /// Comes before any tile of `rows` at these k.
    ///
    /// # Safety
    /// L has these rows and k.
    unsafe fn begin_rows(&mut self, s: S, rows: &Range<usize>, depth: Depth);

    /// Comes before any tile of these panels at these k.
    ///
    /// # Safety
    /// R has these panels and k.
    unsafe fn begin_panels(&mut self, s: S, panel: usize, vectors: usize, depth: Depth);

    /// `sums` += L · R, at (`row`, `panel`) of C.
    ///
    /// # Safety
    /// L has `ROWS` rows there and R `VECTORS` panels, and both have these k, at which they have begun.
    unsafe fn add<const ROWS: usize, const VECTORS: usize>(
        &self,
        s: S,
        row: usize,
        panel: usize,
        depth: Depth,
        sums: &mut [[S::V; VECTORS]; ROWS],
    );
}

/// The panels of the next register tile where there are `left`: not such that a single one is left at the end, which would
/// read L for one vector only.
const fn group(left: usize, most: usize) -> usize {
    if left <= most {
        left
    } else if left == most + 1 && most > 2 {
        2
    } else {
        most
    }
}

/// The k of one block.
#[derive(Clone, Copy)]
pub(super) struct Depth {
    pub(super) first: usize,
    pub(super) count: usize,
    begins: bool,
    ends: bool,
}

impl<'p, T: Element> Block<'_, 'p, T> {
    /// The product that it is a part of.
    pub(super) fn product(&self) -> &Product<'p, T> {
        self.product
    }

    /// The first row of C.
    pub(super) fn first_row(&self) -> usize {
        self.part.rows.start
    }

    /// The part, its operands had in some way.
    ///
    /// # Safety
    /// `operands` are those of the product.
    #[inline(always)]
    pub(super) unsafe fn compute<S: Simd<T>, O: Operands<T, S>>(self, s: S, mut operands: O) {
        let Self { product, part, .. } = &self;
        assert!(product.out.panels.width == S::LANES, "vectors of {} for {:?}", S::LANES, product.out.panels);
        // Whole vectors of k, which L's panels are made of.
        let count = product.depth.div_ceil(MAX_DEPTH).max(1);
        let step = product.depth.div_ceil(count).next_multiple_of(S::LANES).max(1);
        let mut first = 0;
        loop {
            let count = step.min(product.depth - first);
            let depth = Depth { first, count, begins: first == 0, ends: first + count == product.depth };
            // SAFETY: the part lies within C, whose rows and columns L and R have, and every k.
            unsafe { operands.begin_rows(s, &part.rows, depth) };
            let mut panel = part.panels.start;
            while panel < part.panels.end {
                let most = if has_32_registers::<T, S>() { MOST_VECTORS } else { 2 };
                let vectors = group(part.panels.end - panel, most);
                // SAFETY: as above.
                unsafe { operands.begin_panels(s, panel, vectors, depth) };
                // What comes next: the panels beside these, or the first ones at the next k.
                let next = match panel + vectors {
                    next if next < part.panels.end => (first, next),
                    _ => (first + count, part.panels.start),
                };
                // SAFETY: they have begun.
                unsafe {
                    match (has_32_registers::<T, S>(), vectors) {
                        (true, 3) => self.column::<S, O, 8, 3>(s, &operands, depth, panel, next),
                        (true, 2) => self.column::<S, O, 8, 2>(s, &operands, depth, panel, next),
                        (true, _) => self.column::<S, O, 8, 1>(s, &operands, depth, panel, next),
                        (false, 2) => self.column::<S, O, 4, 2>(s, &operands, depth, panel, next),
                        (false, _) => self.column::<S, O, 4, 1>(s, &operands, depth, panel, next),
                    }
                }
                panel += vectors;
            }
            first += count;
            if first >= product.depth {
                break;
            }
        }
    }

    /// All rows of the part, and `VECTORS` panels. R's panels at `next`, a k and a panel, are asked for meanwhile.
    ///
    /// # Safety
    /// `operands` are those of the product, begun at these k and panels, which are the part's.
    #[inline(always)]
    unsafe fn column<S: Simd<T>, O: Operands<T, S>, const ROWS: usize, const VECTORS: usize>(
        &self,
        s: S,
        operands: &O,
        depth: Depth,
        panel: usize,
        next: (usize, usize),
    ) {
        let Self { product, part, .. } = self;
        let right = product.right;
        let next = right.as_ptr().wrapping_add(right.panels.at(next.0, next.1));
        // So many k of it for each tile that all of it is there in the end.
        let share = depth.count.div_ceil((part.rows.len() / ROWS).max(1));
        let mut k = 0;
        let mut row = part.rows.start;
        while part.rows.end - row >= ROWS {
            for k in k..(k + share).min(depth.count) {
                for v in 0..VECTORS {
                    s.prefetch_to_l2(next.wrapping_add(v * right.panels.stride + k * S::LANES));
                }
            }
            k += share;
            // SAFETY: the rows are the part's.
            unsafe { self.tile::<S, O, ROWS, VECTORS>(s, operands, depth, row, panel) };
            row += ROWS;
        }
        while part.rows.end - row >= 2 {
            // SAFETY: the rows are the part's.
            unsafe { self.tile::<S, O, 2, VECTORS>(s, operands, depth, row, panel) };
            row += 2;
        }
        if row < part.rows.end {
            // SAFETY: the rows are the part's.
            unsafe { self.tile::<S, O, 1, VECTORS>(s, operands, depth, row, panel) };
        }
        if depth.ends {
            for panel in panel..panel + VECTORS {
                let strip = Strip { part: part.index, panel, rows: part.rows.clone() };
                // SAFETY: the part lies within C and is this block's alone; its strips come here once.
                unsafe {
                    let numbers = product.out.strip(panel, part.rows.clone());
                    product.finish.finish(self.set, strip, numbers);
                }
            }
        }
    }

    /// A register tile, at (`row`, `panel`) of C.
    ///
    /// # Safety
    /// As for [`column`](Self::column), and the rows are the part's, too.
    #[inline(always)]
    unsafe fn tile<S: Simd<T>, O: Operands<T, S>, const ROWS: usize, const VECTORS: usize>(
        &self,
        s: S,
        operands: &O,
        depth: Depth,
        row: usize,
        panel: usize,
    ) {
        let Product { start, ref out, beside, .. } = *self.product;
        // SAFETY: the part lies within C, whose rows and columns L and R have, and every k; a bias has C's rows.
        unsafe {
            let c = out.as_mut_ptr().add(out.panels.at(row, panel));
            let mut sums = [[s.splat(T::ZERO); VECTORS]; ROWS];
            for (i, sums) in sums.iter_mut().enumerate() {
                for (v, sum) in sums.iter_mut().enumerate() {
                    s.prefetch(c.wrapping_add(v * out.panels.stride + (ROWS + i) * S::LANES));
                    *sum = match start {
                        Start::Bias(bias) if depth.begins => s.splat(*bias.get_unchecked(row + i)),
                        Start::Zero if depth.begins => s.splat(T::ZERO),
                        _ => s.load_ptr(c.add(v * out.panels.stride + i * S::LANES)),
                    };
                }
            }
            operands.add(s, row, panel, depth, &mut sums);
            for (i, sums) in sums.iter().enumerate() {
                for (v, sum) in sums.iter().enumerate() {
                    s.store_ptr(*sum, c.add(v * out.panels.stride + i * S::LANES));
                }
            }
        }
        if let (Some(beside), true) = (beside, depth.ends) {
            for i in 0..ROWS {
                for v in 0..VECTORS {
                    s.prefetch(beside.as_ptr().wrapping_add(beside.panels.at(row + i, panel + v)));
                }
            }
        }
    }
}

/// L and R as they lie.
struct Direct<'a, T, const COLUMNS: bool> {
    left: Source<'a, T>,
    right: Source<'a, T>,
}

/// How many vectors of k ahead numbers of L are asked for: some hundreds of cycles.
const SOON: usize = 2;

impl<T: Element, S: Simd<T>, const COLUMNS: bool> Operands<T, S> for Direct<'_, T, COLUMNS> {
    #[inline(always)]
    unsafe fn begin_rows(&mut self, _s: S, _rows: &Range<usize>, _depth: Depth) {}

    #[inline(always)]
    unsafe fn begin_panels(&mut self, _s: S, _panel: usize, _vectors: usize, _depth: Depth) {}

    #[inline(always)]
    unsafe fn add<const ROWS: usize, const VECTORS: usize>(
        &self,
        s: S,
        row: usize,
        panel: usize,
        depth: Depth,
        sums: &mut [[S::V; VECTORS]; ROWS],
    ) {
        let Self { left, right } = *self;
        let (l, r, width) = (left.panels, right.panels, S::LANES);
        let lines = |place: usize| (0..ROWS).map(move |i| left.as_ptr().wrapping_add(place + i * width));
        let mut k = 0;
        while k < depth.count {
            let count = width.min(depth.count - k);
            // The next tile's numbers of L are asked for while this one's are used.
            let place = if COLUMNS {
                // A panel has the rows of several tiles, each of which asks for its share of the next panel.
                let next = l.at(depth.first + k + row % width, row / width + 1);
                lines(next).for_each(|line| s.prefetch_to_l2(line));
                l.element(depth.first + k, row)
            } else {
                // No stream that the hardware would follow: what is wanted soon is asked for, too.
                let here = (depth.first + k) / width;
                lines(l.at(row + ROWS, here)).for_each(|line| s.prefetch_to_l2(line));
                let soon = match k + SOON * width {
                    ahead if ahead < depth.count => l.at(row, here + SOON),
                    ahead => l.at(row + ROWS, (depth.first + ahead - depth.count) / width),
                };
                lines(soon).for_each(|line| s.prefetch(line));
                l.at(row, here)
            };
            // SAFETY: the caller vouches for L and R. Where C's rows are columns of L, those of a tile lie in one panel: tiles
            // are powers of two tall, no taller than a panel is wide, and a part begins with a panel.
            unsafe {
                let data = left.as_ptr().add(place);
                let left = if COLUMNS { Left { data, row: 1, k: width } } else { Left { data, row: width, k: 1 } };
                let right =
                    Right { data: right.as_ptr().add(r.at(depth.first + k, panel)), k: width, vector: r.stride };
                if count == width {
                    accumulate(s, Products, width, left, right, sums);
                } else {
                    accumulate(s, Products, count, left, right, sums);
                }
            }
            k += width;
        }
    }
}
