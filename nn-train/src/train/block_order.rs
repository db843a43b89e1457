//! The order of an epoch whose rows come in blocks: blocks are shuffled, and the rows within a few of them at a time.

use std::ops::Range;

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Element, StepError};
use rand::seq::SliceRandom;

use crate::data::Source;
use crate::error::Error;
use crate::memory::reserve;

/// The rows of an epoch in their order, of which a window is known at a time.
///
/// Each window's order is drawn from a part of the epoch's random stream that is its own. So the order depends on nothing
/// but the seed and the epoch, and a run goes on from any step without what was before it.
pub(super) struct BlockOrder {
    /// Rows in all.
    count: u64,
    /// Rows of a block; the last may have fewer.
    rows: u64,
    /// Blocks of a window; the last may have fewer.
    window: u64,
    /// The seed, unless rows are taken as they stand.
    seed: Option<u64>,
    epoch: u32,
    /// The blocks in the order of this epoch.
    blocks: Vec<u64>,
    /// Where among them the file's last one stands.
    last: u64,
    /// The window whose rows these are, in their order.
    current: Option<u64>,
    order: Vec<u64>,
    /// The last window that rows reach which began in another, until they have been read.
    reached: Option<u64>,
}

impl BlockOrder {
    pub(super) fn new(count: u64, rows: u64, window: u64, seed: Option<u64>) -> Result<Self, Error> {
        for (name, number) in [("Access::Blocks::rows", rows), ("Access::Blocks::window", window)] {
            if number == 0 {
                return Err(Error::setting(name, number, "at least 1"));
            }
        }
        let rows = rows.min(count);
        // What follows counts up to a whole last block.
        count.checked_add(rows).ok_or(StepError::Memory { bytes: usize::MAX })?;
        let window = window.min(count.div_ceil(rows));
        let (mut blocks, mut order) = (Vec::new(), Vec::new());
        reserve(&mut blocks, count.div_ceil(rows))?;
        reserve(&mut order, window.saturating_mul(rows).min(count))?;
        Ok(Self { count, rows, window, seed, epoch: 0, blocks, last: 0, current: None, order, reached: None })
    }

    /// Draws other orders from the next epoch on.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = self.seed.map(|_| seed);
    }

    /// Draws the order of the blocks of an epoch, from 1.
    pub(super) fn begin(&mut self, epoch: usize) {
        self.epoch = (epoch - 1) as u32;
        (self.current, self.reached) = (None, None);
        let count = self.count.div_ceil(self.rows);
        self.blocks.clear();
        self.blocks.extend(0..count);
        if let Some(seed) = self.seed {
            self.blocks.shuffle(&mut random::stream(seed, Purpose::Shuffle, self.epoch));
        }
        self.last = self.blocks.iter().position(|&block| block == count - 1).unwrap_or(0) as u64;
    }

    /// Replaces `rows` by those of the places `places` of the epoch. Where these begin a window, `source` is told of that
    /// and the next. When they have been read, [`tell`](Self::tell) is to be called.
    pub(super) fn extend<T: Element>(
        &mut self,
        places: Range<u64>,
        source: &dyn Source<Scalar = T>,
        rows: &mut Vec<u64>,
    ) -> Result<(), Error> {
        rows.clear();
        reserve(rows, places.end - places.start)?;
        let mut place = places.start;
        while place < places.end {
            let window = self.window_of(place);
            if self.current != Some(window) {
                self.draw(window);
                self.reached = Some(window);
                if rows.is_empty() {
                    self.tell(source);
                }
            }
            let first = self.start(window);
            let end = places.end.min(first + self.order.len() as u64);
            rows.extend_from_slice(&self.order[(place - first) as usize..(end - first) as usize]);
            place = end;
        }
        Ok(())
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
            let first = block * self.rows;
            self.order.extend(first..self.count.min(first + self.rows));
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

    /// The place at which a window begins. Only behind the file's last block places are fewer than blocks would have.
    fn start(&self, window: u64) -> u64 {
        let blocks = self.blocks_of(window).start as u64;
        let lacking = self.blocks.len() as u64 * self.rows - self.count;
        blocks * self.rows - if blocks > self.last { lacking } else { 0 }
    }

    /// The window that a place is in.
    fn window_of(&self, place: u64) -> u64 {
        let window = place / (self.window * self.rows);
        window + u64::from(self.start(window + 1) <= place)
    }
}
