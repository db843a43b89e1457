//! How large tiles and blocks are: a function of the set's registers and the CPU's caches.

use super::pairs::{DEPTH, LEFT_NUMBERS};
use crate::isa::Caches;
use crate::{Element, InstructionSet};

/// The most vectors of a register tile in any set.
pub(super) const MOST_VECTORS: usize = 4;

/// The vectors of the widest tile of a set that keeps `sums` in registers: as few loads for an FMA as there can be.
///
/// | sums | rows × vectors | loads for an FMA |
/// |---|---|---|
/// | 24 | 6 × 4, 8 × 3 | 10/24, 11/24 |
/// | 12 | 6 × 2 (4 × 3 leaves no register for a second broadcast, and a sum in memory halves the speed) | 8/12 |
/// | 6 | 6 × 1 | 7/6 |
pub(super) const fn widest(sums: usize) -> usize {
    match sums {
        24.. => 4,
        12.. => 2,
        _ => 1,
    }
}

/// The outer one of the loops around all rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outer {
    /// Blocks of k: the part of L in one stays near while all vectors pass.
    Depth,
    /// Vectors of C, which stay near while all k pass.
    Vectors,
}

/// How large the blocks of a product are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocking {
    /// Elements in a vector.
    pub(crate) lanes: usize,
    /// The most k of a block: whole vectors.
    pub(crate) depth: usize,
    pub(crate) outer: Outer,
    /// The most vectors of a register tile.
    pub(crate) vectors: usize,
    /// Rows of such a tile.
    pub(crate) rows: usize,
    /// The most numbers of L that pass by R's vectors in a block of k: what L2 holds beside them.
    pub(crate) left: usize,
}

impl Blocking {
    /// Of products of large matrices in the instructions of a set.
    ///
    /// Where there are 24 sums, R's three vectors stream from L2: tiles of 8 × 3 want 192 bytes of them in 12 cycles or more, and
    /// the deeper the block, the less it weighs that sums are loaded and stored. Where there are fewer, R's part stays in L1: three
    /// eighths, as the lines of L that pass by a tile take as much.
    pub(crate) fn of_large<T: Element>(set: InstructionSet) -> Self {
        let (lanes, sums) = set.lanes_and_sums::<T>();
        let caches = Caches::of_cpu();
        let size = size_of::<T>();
        let vectors = widest(sums).min(3);
        let depth =
            if sums >= 24 { 512 } else { (caches.l1 * 3 / 8 / (vectors * lanes * size) / 64 * 64).clamp(64, 512) };
        Self { lanes, depth, outer: Outer::Depth, vectors, rows: sums / vectors, left: caches.l2 * 3 / 8 / size }
    }

    /// The same where operands are packed in pairs of two bytes.
    pub(crate) fn of_pairs(self) -> Self {
        Self { depth: DEPTH, left: LEFT_NUMBERS, ..self }
    }

    /// Of products whose L and C are a few samples, and near: R's part stays in L1 while they pass.
    pub(crate) fn of_few_rows<T: Element>(set: InstructionSet) -> Self {
        let (lanes, sums) = set.lanes_and_sums::<T>();
        let vectors = widest(sums);
        let depth = (PANEL_BYTES / (vectors * lanes * size_of::<T>())).max(lanes);
        Self { depth, outer: Outer::Vectors, vectors, rows: sums / vectors, ..Self::of_large::<T>(set) }
    }
}

/// The most that a block of k of R's vectors takes: half or three quarters of an L1.
const PANEL_BYTES: usize = 24 << 10;
