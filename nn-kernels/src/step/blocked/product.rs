//! The blocked engine's products: C = start + L · R, all three in panels, in parts that share nothing.

use std::ops::Range;

use super::grid::{Grid, Part};
use super::matrix::{Source, Target};
use super::pairs::Pairs;
use super::panels::Panels;
use crate::Element;
use crate::isa::{InstructionSet, PairProducts};
use crate::product::Product as Tiles;
use crate::product::{Blocking, Finish, InPairs, Left, Out, Right, Start, Steps, Strips};
use crate::threads::Team;

/// How L is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    /// C's row is L's row, k its column.
    Rows,
    /// C's row is L's column, k its row.
    Columns,
}

/// What is done with finished numbers, beyond what register tiles do.
pub(super) trait Complete<T>: Sync {
    /// Takes the numbers of a strip of C.
    ///
    /// # Safety
    /// The strip is one of the product that this belongs to, and comes once. What this reads or writes besides is shaped as C,
    /// and nobody else writes there meanwhile.
    unsafe fn complete(&self, set: InstructionSet, strip: Strip, numbers: &mut [T]);
}

/// Some rows of a panel of C.
#[derive(Debug, Clone)]
pub(super) struct Strip {
    /// The number of the part that they belong to.
    pub(super) part: usize,
    pub(super) panel: usize,
    pub(super) rows: Range<usize>,
}

/// C's numbers before and behind a product.
pub(super) enum Ends<'a, T> {
    /// From a bias for each row of C, to at least 0 where it is relu's.
    Forward { bias: &'a [T], floor: bool },
    /// From 0, or what C holds, to what it comes to.
    Sum { add: bool },
    /// From 0 to sums ⊙ g', which is had from what is shaped as C.
    Backward { slope: crate::slope::Slope, values: Source<'a, T> },
}

/// C = start + L · R.
pub(super) struct Product<'a, T: Element> {
    pub(super) left: Source<'a, T>,
    pub(super) side: Side,
    pub(super) right: Source<'a, T>,
    pub(super) depth: usize,
    pub(super) ends: Ends<'a, T>,
    pub(super) out: Target<'a, T>,
    pub(super) complete: Option<&'a dyn Complete<T>>,
    /// What completing will read that is shaped as C and may be far away.
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
        match &self.ends {
            Ends::Forward { bias, .. } => assert!(bias.len() >= out.rows, "a bias of {} for {out:?}", bias.len()),
            Ends::Sum { .. } => {}
            Ends::Backward { values, .. } => assert!(values.panels == out, "g' of {:?} for {out:?}", values.panels),
        }
        if let Some(beside) = &self.beside {
            assert!(beside.panels == out, "{:?} beside {out:?}", beside.panels);
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
        let Self {
            product: Product { left, side, right, depth, ref ends, ref out, complete, beside }, arithmetic, ..
        } = *self;
        let part = self.grid.part(index);
        let (l, r, c, width) = (left.panels, right.panels, out.panels, out.panels.width);
        let vectors = |stride| Steps::in_panels(arithmetic.blocking.lanes, width, stride);
        let in_panel = width / arithmetic.blocking.lanes;
        let (rows, k) = match side {
            Side::Rows => (Steps::even(width), Steps::in_groups(width, 1, l.stride)),
            Side::Columns => (Steps::in_groups(width, 1, l.stride), Steps::even(width)),
        };
        let (start, finish) = match *ends {
            Ends::Forward { bias, floor } => {
                (Start::OfRow(bias.as_ptr()), if floor { Finish::Floor } else { Finish::Nothing })
            }
            Ends::Sum { add } => (if add { Start::Itself } else { Start::Zero }, Finish::Nothing),
            Ends::Backward { slope, values } => (Start::Zero, Finish::slope(slope, values.as_ptr())),
        };
        let strips = PartStrips { complete, part: &part, out, set: arithmetic.set, in_panel };
        let tiles = Tiles {
            rows: part.rows.clone(),
            vectors: part.panels.start * in_panel..part.panels.end * in_panel,
            depth,
            left: Left { data: left.as_ptr(), rows, k, is_far: true },
            right: Right { data: right.as_ptr(), k: width, vectors: vectors(r.stride), is_far: true },
            out: Out { data: out.as_mut_ptr(), row: width, vectors: vectors(c.stride), is_far: true },
            start,
            finish,
            beside: beside.map(|beside| beside.as_ptr()),
            strips: complete.is_some().then_some(&strips),
            blocking: arithmetic.blocking,
        };
        // SAFETY: the part lies within C, whose rows and columns L and R have, and every k, by the assertions of `divided`; panels
        // are whole vectors, and a part begins with one. The caller vouches that nobody else has the part, or the room.
        unsafe {
            match &arithmetic.pairs {
                None => tiles.run(arithmetic.set),
                Some(pairs) => {
                    let [left, right] = pairs.room(worker);
                    pairs.products.run(InPairs::new(tiles, left, right));
                }
            }
        }
    }

    /// Computes all parts, on all threads of a team.
    pub(super) fn run_all(self, team: &mut Team<'_>) {
        // SAFETY: every number comes once, from threads of different numbers.
        team.for_each(self.parts(), |worker, index| unsafe { self.run(worker, index) });
    }
}

/// Completes the strips of one part.
struct PartStrips<'a, 'p, T> {
    complete: Option<&'a dyn Complete<T>>,
    part: &'a Part,
    out: &'a Target<'p, T>,
    set: InstructionSet,
    /// Vectors in a panel.
    in_panel: usize,
}

impl<T: Element> Strips<T> for PartStrips<'_, '_, T> {
    unsafe fn finish(&self, vectors: Range<usize>) {
        let Some(complete) = self.complete else { return };
        // The panels that end with one of these vectors.
        for panel in vectors.start / self.in_panel..vectors.end / self.in_panel {
            let strip = Strip { part: self.part.index, panel, rows: self.part.rows.clone() };
            // SAFETY: the part lies within C and is one thread's alone; its strips come here once.
            unsafe { complete.complete(self.set, strip, self.out.strip(panel, self.part.rows.clone())) };
        }
    }
}

/// In what numbers products are computed, and in what blocks.
pub(super) struct Arithmetic<'a, T: Element> {
    pub(super) set: InstructionSet,
    pub(super) blocking: Blocking,
    /// Pairs of bfloat16, or the operands as they are.
    pub(super) pairs: Option<Pairs<'a, T>>,
}

impl<T: Element> Arithmetic<'_, T> {
    /// The parts of a C that lies in such panels, each number a sum of `depth`.
    pub(super) fn grid(&self, out: &Panels, depth: usize) -> Grid {
        Grid::new((out.rows, out.panels(), out.width), depth, self.blocking, self.pairs.is_some())
    }
}
