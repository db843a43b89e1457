//! The order in which an epoch, or a part of it, takes its rows.

use std::ops::Range;

use nn_kernels::Element;
use nn_kernels::random::{self, Purpose};
use rand::Rng;
use rand::seq::SliceRandom;

use super::block_order::BlockOrder;
use crate::data::Source;
use crate::error::Error;
use crate::memory::reserve;

/// The rows of an epoch, or of a part of it, in their order.
pub(super) enum Order {
    /// As they stand, from this one on.
    Standing(u64),
    /// All shuffled with each other.
    Shuffled { seed: u64, rows: Range<u64>, order: Vec<u64> },
    /// Shuffled by blocks, or as they stand in them.
    Blocks(BlockOrder),
}

impl Order {
    /// The order of some rows, shuffled if there is a seed.
    pub(super) fn of(rows: Range<u64>, seed: Option<u64>) -> Self {
        match seed {
            Some(seed) => Self::Shuffled { seed, rows, order: Vec::new() },
            None => Self::Standing(rows.start),
        }
    }

    /// Draws other orders from the next epoch on, if any are drawn.
    pub(super) fn reseed(&mut self, by: u64) {
        match self {
            Self::Standing(_) => {}
            Self::Shuffled { seed, .. } => *seed = by,
            Self::Blocks(blocks) => blocks.reseed(by),
        }
    }

    /// Draws the order of an epoch, from 1. It depends on the seed and the epoch's number alone.
    pub(super) fn begin(&mut self, epoch: usize) -> Result<(), Error> {
        match self {
            Self::Standing(_) => {}
            Self::Shuffled { seed, rows, order } => {
                if order.is_empty() {
                    reserve(order, rows.end - rows.start)?;
                }
                order.clear();
                order.extend(rows.clone());
                order.shuffle(&mut random::stream(*seed, Purpose::Shuffle, (epoch - 1) as u32));
            }
            Self::Blocks(blocks) => blocks.begin(epoch),
        }
        Ok(())
    }

    /// Adds the rows of some places to `rows`, where there is room for them. When they have been read, [`tell`](Self::tell)
    /// is to be called.
    pub(super) fn extend<T: Element>(
        &mut self,
        places: Range<u64>,
        source: &dyn Source<Scalar = T>,
        rows: &mut Vec<u64>,
    ) {
        match self {
            Self::Standing(first) => rows.extend(*first + places.start..*first + places.end),
            Self::Shuffled { order, .. } => {
                rows.extend_from_slice(&order[places.start as usize..places.end as usize]);
            }
            Self::Blocks(blocks) => blocks.extend(places, source, rows),
        }
    }

    /// The rows of some places, where all are known.
    pub(super) fn at(&self, places: Range<u64>) -> Option<impl Iterator<Item = u64>> {
        let (standing, shuffled) = match self {
            Self::Standing(first) => (*first + places.start..*first + places.end, &[][..]),
            Self::Shuffled { order, .. } => (0..0, &order[places.start as usize..places.end as usize]),
            Self::Blocks(_) => return None,
        };
        Some(standing.chain(shuffled.iter().copied()))
    }

    /// Tells a source of blocks which ones will be asked for, if there is anything new.
    pub(super) fn tell<T: Element>(&mut self, source: &dyn Source<Scalar = T>) {
        if let Self::Blocks(blocks) = self {
            blocks.tell(source);
        }
    }
}

/// The seed of the orders of a part. That of the first is the trainer's, so that one part alone has the order of undivided
/// rows.
pub(super) fn part_seed(seed: u64, part: u64) -> u64 {
    if part == 0 {
        return seed;
    }
    // The stream of an epoch that no run comes to.
    let mut generator = random::stream(seed, Purpose::Shuffle, u32::MAX);
    generator.set_block_pos(part);
    generator.next_u64()
}
