//! The order of an epoch whose rows come in blocks: blocks are shuffled, and the rows within a few of them at a time.

use std::ops::Range;
use std::sync::Arc;

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Element, StepError};
use rand::seq::SliceRandom;

use super::parts::{partition_point, starts};
use crate::data::Source;
use crate::error::Error;
use crate::memory::reserve;

/// The blocks of a source: as many rows each, but for the last of each file, which may have fewer.
#[derive(Debug, Clone)]
pub(super) struct Blocks {
    /// Rows of a block.
    rows: u64,
    /// Where each file begins, and where the last one ends.
    files: Arc<[Border]>,
}

/// Where a file begins.
#[derive(Debug, Clone, Copy)]
struct Border {
    block: u64,
    row: u64,
}

impl Blocks {
    /// The blocks of `rows` rows, at least 1, of files of these lengths, `count` rows in all.
    pub(super) fn new(rows: u64, files: &[u64], count: u64) -> Result<Self, Error> {
        let total = files.iter().try_fold(0_u64, |total, &file| total.checked_add(file));
        if total != Some(count) || files.contains(&0) {
            let found = format!("{files:?}");
            return Err(Error::argument(
                "Source::files",
                found,
                "numbers from 1 on, and as many rows in all as the source",
            ));
        }
        let rows = rows.min(count);
        let mut block = 0_u64;
        let mut borders = Vec::new();
        reserve(&mut borders, files.len() + 1)?;
        for (row, file) in starts(files).zip(files.iter().chain([&0])) {
            borders.push(Border { block, row });
            block += file.div_ceil(rows);
        }
        // What follows counts up to whole blocks, one more than there are.
        block
            .checked_add(1)
            .and_then(|blocks| blocks.checked_mul(rows))
            .ok_or(StepError::Memory { bytes: usize::MAX })?;
        Ok(Self { rows, files: borders.into() })
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        self.files[self.files.len() - 1].block
    }

    /// Rows of a block that is not the last of a file.
    pub(super) fn rows(&self) -> u64 {
        self.rows
    }

    /// The rows of a block; none behind the last.
    fn of(&self, block: u64) -> Range<u64> {
        let next = if self.files.len() == 2 { 1 } else { self.files.partition_point(|file| file.block <= block) };
        let Some(end) = self.files.get(next) else {
            let end = self.files[self.files.len() - 1].row;
            return end..end;
        };
        let Border { block: first, row } = self.files[next - 1];
        let start = row + (block - first) * self.rows;
        start.min(end.row)..end.row.min(start.saturating_add(self.rows))
    }

    /// The first row of a block; behind the last, the number of all rows.
    pub(super) fn start(&self, block: u64) -> u64 {
        self.of(block).start
    }

    /// The block that begins with a row, if one does, or that is behind all rows.
    pub(super) fn beginning(&self, row: u64) -> Option<u64> {
        let block = partition_point(0..self.count(), |block| self.start(block) < row);
        (self.start(block) == row).then_some(block)
    }
}

/// The rows of an epoch in their order, or of the part of it that some blocks are, of which a window is known at a time.
///
/// Each window's order is drawn from a part of the epoch's random stream that is its own. So the order depends on nothing
/// but the seed and the epoch, and a run goes on from any step without what was before it.
pub(super) struct BlockOrder {
    layout: Blocks,
    /// Which of the blocks.
    range: Range<u64>,
    /// Blocks of a window; the last may have fewer.
    window: u64,
    /// The seed, unless rows are taken as they stand.
    seed: Option<u64>,
    epoch: u32,
    /// The blocks in the order of this epoch.
    blocks: Vec<u64>,
    /// Where among them those stand that are shorter than others, and how many rows they and those before lack.
    short: Vec<(u64, u64)>,
    /// The window whose rows these are, in their order.
    current: Option<u64>,
    order: Vec<u64>,
    /// The last window that rows reach which began in another, until they have been read.
    reached: Option<u64>,
}

impl BlockOrder {
    pub(super) fn new(layout: Blocks, range: Range<u64>, window: u64, seed: Option<u64>) -> Result<Self, Error> {
        let count = range.end - range.start;
        let window = window.min(count);
        let (mut blocks, mut order, mut short) = (Vec::new(), Vec::new(), Vec::new());
        let rows = layout.start(range.end) - layout.start(range.start);
        reserve(&mut blocks, count)?;
        reserve(&mut order, window.saturating_mul(layout.rows).min(rows))?;
        reserve(&mut short, (layout.files.len() as u64).min(count))?;
        Ok(Self { layout, range, window, seed, epoch: 0, blocks, short, current: None, order, reached: None })
    }

    /// Draws other orders from the next epoch on.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = self.seed.map(|_| seed);
    }

    /// Draws the order of the blocks of an epoch, from 1.
    pub(super) fn begin(&mut self, epoch: usize) {
        self.epoch = (epoch - 1) as u32;
        (self.current, self.reached) = (None, None);
        self.blocks.clear();
        self.blocks.extend(self.range.clone());
        if let Some(seed) = self.seed {
            self.blocks.shuffle(&mut random::stream(seed, Purpose::Shuffle, self.epoch));
        }
        self.short.clear();
        let mut lacking = 0;
        for (place, &block) in (0..).zip(&self.blocks) {
            let Range { start, end } = self.layout.of(block);
            if end - start < self.layout.rows {
                lacking += self.layout.rows - (end - start);
                self.short.push((place, lacking));
            }
        }
    }

    /// Adds the rows of the places `places` of the epoch to `rows`. Where these begin a window, `source` is told of that
    /// and the next. When they have been read, [`tell`](Self::tell) is to be called.
    pub(super) fn extend<T: Element>(
        &mut self,
        places: Range<u64>,
        source: &dyn Source<Scalar = T>,
        rows: &mut Vec<u64>,
    ) {
        let mut place = places.start;
        while place < places.end {
            let window = self.window_of(place);
            if self.current != Some(window) {
                self.draw(window);
                self.reached = Some(window);
                if place == places.start {
                    self.tell(source);
                }
            }
            let first = self.start(window);
            let end = places.end.min(first + self.order.len() as u64);
            rows.extend_from_slice(&self.order[(place - first) as usize..(end - first) as usize]);
            place = end;
        }
    }

    /// Tells `source` of the window that rows have reached, unless that was done, and of the next. Before the rows are read that
    /// are left of the window before, the blocks of the next one could take the room of theirs.
    pub(super) fn tell<T: Element>(&mut self, source: &dyn Source<Scalar = T>) {
        if let Some(window) = self.reached.take() {
            source.prefetch(&self.blocks[self.blocks_of(window).start..self.blocks_of(window + 1).end]);
        }
    }

    /// Draws the order of the rows of a window.
    fn draw(&mut self, window: u64) {
        self.order.clear();
        for &block in &self.blocks[self.blocks_of(window)] {
            self.order.extend(self.layout.of(block));
        }
        if let Some(seed) = self.seed {
            let mut generator = random::stream(seed, Purpose::Shuffle, self.epoch);
            // Far behind what the order of the blocks, or of another window, takes of the stream.
            generator.set_block_pos((window + 1) << 32);
            self.order.shuffle(&mut generator);
        }
        self.current = Some(window);
    }

    /// Where in the order of the blocks a window's are; none behind the last window.
    fn blocks_of(&self, window: u64) -> Range<usize> {
        let count = self.blocks.len() as u64;
        let place = |window: u64| (window * self.window).min(count) as usize;
        place(window)..place(window + 1)
    }

    /// The place at which a window begins. Only behind short blocks places are fewer than blocks would have.
    fn start(&self, window: u64) -> u64 {
        let blocks = self.blocks_of(window).start as u64;
        let before = self.short.partition_point(|&(place, _)| place < blocks);
        let lacking = before.checked_sub(1).map_or(0, |last| self.short[last].1);
        blocks * self.layout.rows - lacking
    }

    /// The window that a place is in.
    fn window_of(&self, place: u64) -> u64 {
        let least = place / (self.window * self.layout.rows);
        if self.short.len() < 2 {
            return least + u64::from(self.start(least + 1) <= place);
        }
        let windows = (self.blocks.len() as u64).div_ceil(self.window);
        partition_point(least + 1..windows, |window| self.start(window) <= place) - 1
    }
}
