//! How a product's C is cut into parts: a function of the shapes, never of the threads.

use std::ops::Range;

use crate::product::{Blocking, LEFT_ROWS};

/// The most panels of a part of C where operands are taken as they lie: 2 KiB of each row. L is read from far away once for
/// each part beside another, and R once for each below.
const MAX_PANELS: usize = 32;
/// The same where they are packed, which all panels share.
const MAX_PACKED_PANELS: usize = 48;
/// The least rows of a part, but for what a multiple of a register tile's rows asks.
const MIN_ROWS: usize = 48;
/// The least panels of a part that is cut further, but for what a register tile's columns ask.
const MIN_PANELS: usize = 2;
/// Parts that there should be, so that threads of unequal speed end at nearly the same time.
const WANTED: usize = 16;
/// The same where operands are packed.
const WANTED_PACKED: usize = 6;
/// Multiply-adds for which a part is worth handing over: some µs.
const WORTHWHILE: usize = 1 << 18;

/// A part of a product: rows of C, from a multiple of the panels' width on, and panels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// Its number.
    pub(super) index: usize,
    pub(super) rows: Range<usize>,
    pub(super) panels: Range<usize>,
}

/// The parts of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Grid {
    rows: usize,
    panels: usize,
    part_rows: usize,
    part_panels: usize,
}

impl Grid {
    /// The parts of a C of `rows` × `panels` of `width` columns, each number a sum of `depth` products.
    pub(super) fn new(
        (rows, panels, width): (usize, usize, usize),
        depth: usize,
        blocking: Blocking,
        packed: bool,
    ) -> Self {
        let (max_panels, wanted) = if packed { (MAX_PACKED_PANELS, WANTED_PACKED) } else { (MAX_PANELS, WANTED) };
        let mut blocks = panels.div_ceil(max_panels).max(1);
        let in_panel = width / blocking.lanes;
        let in_tile = common_multiple(in_panel, blocking.vectors) / in_panel;
        let mut part_panels = panels.div_ceil(blocks).next_multiple_of(in_tile);
        // Parts begin with a panel where δ is turned, and end with a whole tile.
        let step = common_multiple(width, blocking.rows);
        let min_rows = MIN_ROWS.next_multiple_of(step);
        let mut part_rows = (blocking.left / depth.clamp(1, blocking.depth)).clamp(min_rows, LEFT_ROWS / step * step);
        let work = |rows: usize, panels: usize| (rows * panels * width).saturating_mul(depth);
        let is_worthwhile = |part_rows: usize, part_panels| work(part_rows.min(rows), part_panels) / 2 >= WORTHWHILE;
        while part_rows > min_rows
            && rows.div_ceil(part_rows) * blocks < wanted
            && is_worthwhile(part_rows, part_panels)
        {
            part_rows = (part_rows / 2).max(min_rows);
        }
        let min_panels = MIN_PANELS.next_multiple_of(in_tile);
        while part_panels > min_panels
            && rows.div_ceil(part_rows) * blocks < wanted
            && is_worthwhile(part_rows, part_panels)
        {
            blocks += 1;
            part_panels = panels.div_ceil(blocks).next_multiple_of(in_tile).max(min_panels);
        }
        let part_rows = rows.div_ceil(rows.div_ceil(part_rows).max(1)).next_multiple_of(step);
        Self { rows, panels, part_rows, part_panels }
    }

    /// No fewer than there are, whatever the depth.
    pub(super) const fn most_parts(rows: usize, panels: usize) -> usize {
        rows.div_ceil(MIN_ROWS) * panels.div_ceil(MIN_PANELS)
    }

    /// How many there are.
    pub(super) const fn parts(&self) -> usize {
        self.rows.div_ceil(self.part_rows) * self.panels.div_ceil(self.part_panels)
    }

    /// Part `index`: rows go first, so that neighbours read the same panels of R.
    pub(super) fn part(&self, index: usize) -> Part {
        let down = self.rows.div_ceil(self.part_rows);
        let part =
            |index: usize, size: usize, all: usize| -> Range<usize> { index * size..all.min((index + 1) * size) };
        Part {
            index,
            rows: part(index % down, self.part_rows, self.rows),
            panels: part(index / down, self.part_panels, self.panels),
        }
    }
}

/// The least common multiple.
fn common_multiple(a: usize, b: usize) -> usize {
    (1..=b).map(|i| a * i).find(|multiple| multiple.is_multiple_of(b)).unwrap_or(a * b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::product::Outer;

    #[test]
    fn every_row_of_every_panel_is_in_one_part() {
        let blocking =
            |lanes, vectors, rows, left| Blocking { lanes, depth: 256, outer: Outer::Depth, vectors, rows, left };
        for (width, blocking, packed) in [
            (16, blocking(16, 3, 8, 96 << 10), false),
            (16, blocking(16, 3, 8, 192 << 10), true),
            (16, blocking(8, 2, 6, 48 << 10), false),
            (8, blocking(4, 2, 6, 24 << 10), false),
            (16, blocking(4, 1, 6, 48 << 10), true),
        ] {
            for (rows, panels, depth) in [
                (1, 1, 1),
                (10, 64, 1024),
                (1024, 64, 1024),
                (1024, 4, 64),
                (4096, 250, 64),
                (1023, 13, 7),
                (65, 1, 1),
                (300, 6, 900),
            ] {
                let grid = Grid::new((rows, panels, width), depth, blocking, packed);
                let mut seen = vec![0; rows * panels];
                assert!(grid.parts() <= Grid::most_parts(rows, panels), "{grid:?}");
                for index in 0..grid.parts() {
                    let part = grid.part(index);
                    assert!(part.rows.start.is_multiple_of(width) && !part.rows.is_empty() && !part.panels.is_empty());
                    for row in part.rows {
                        part.panels.clone().for_each(|panel| seen[row * panels + panel] += 1);
                    }
                }
                assert!(seen.iter().all(|&count| count == 1), "{grid:?}");
            }
        }
    }
}
