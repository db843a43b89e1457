//! The batches of an epoch, from memory or from elsewhere.

use std::ops::Range;

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Architecture, Batch, Element};
use rand::seq::SliceRandom;

use super::block_order::BlockOrder;
use super::share::Share;
use super::state::Batches;
use crate::data::{Access, DynDataset, Rows, Source};
use crate::error::Error;
use crate::memory::reserve;

/// The batches of an epoch.
pub(super) struct Feed<'a, T: Element> {
    rows: Kind<'a, T>,
    batches: Batches,
    /// The seed of the orders, where there are any.
    shuffle: Option<u64>,
    /// The order of rows that come in blocks.
    blocks: Option<BlockOrder>,
    /// The order of this epoch, or of this step where rows are taken as they stand.
    order: Vec<u64>,
    /// Which of them the last batch was; empty before the first one.
    last: Range<usize>,
}

enum Kind<'a, T: Element> {
    /// All samples are in memory.
    Resident { source: &'a dyn Source<Scalar = T>, data: &'a DynDataset<T>, all: Batch<'a, T> },
    /// Each step's are read.
    Read { source: &'a dyn Source<Scalar = T>, rows: Rows<T>, architecture: Architecture },
}

/// Checks what a source says of itself, and the targets of one that is in memory.
pub(super) fn check_source<T: Element>(
    source: &dyn Source<Scalar = T>,
    architecture: &Architecture,
) -> Result<(), Error> {
    if source.len() == 0 {
        return Err(Error::Empty { what: "source" });
    }
    let widths = [
        ("inputs", architecture.inputs(), source.input_width()),
        ("targets", architecture.outputs(), source.target_width()),
    ];
    for (what, expected, found) in widths {
        if expected != found {
            return Err(Error::Width { what, expected, found });
        }
    }
    source.resident().map_or(Ok(()), |data| data.check_targets(architecture))
}

impl<'a, T: Element> Feed<'a, T> {
    pub(super) fn new(
        source: &'a dyn Source<Scalar = T>,
        architecture: &Architecture,
        batch_size: usize,
        shuffle: bool,
        seed: u64,
    ) -> Result<Self, Error> {
        check_source(source, architecture)?;
        let rows = match source.resident() {
            Some(data) => Kind::Resident { source, data, all: data.samples().batch(architecture)? },
            None => {
                let rows = Rows::of(source)?.checked_for(architecture);
                Kind::Read { source, rows, architecture: architecture.clone() }
            }
        };
        let (samples, access) = (source.len(), source.access());
        let seed = (shuffle && access != Access::Stream).then_some(seed);
        let (shuffle, blocks, window) = match access {
            Access::Random => (seed, None, None),
            Access::Stream => (None, None, None),
            Access::Blocks { rows, window } => {
                (None, Some(BlockOrder::new(samples, rows, window, seed)?), seed.map(|_| (rows, window)))
            }
        };
        let batch_size = (batch_size as u64).min(samples);
        let batches = Batches { samples, batch_size, shuffled: seed.is_some(), blocks: window };
        Ok(Self { rows, batches, shuffle, blocks, order: Vec::new(), last: 0..0 })
    }

    /// How an epoch is divided.
    pub(super) fn batches(&self) -> Batches {
        self.batches
    }

    /// Draws orders under another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.shuffle = self.shuffle.map(|_| seed);
        if let Some(blocks) = &mut self.blocks {
            blocks.reseed(seed);
        }
    }

    /// Draws the order of an epoch, from 1. It depends on the seed and the epoch's number alone.
    pub(super) fn begin(&mut self, epoch: usize) -> Result<(), Error> {
        if let Some(blocks) = &mut self.blocks {
            blocks.begin(epoch);
        }
        let Some(seed) = self.shuffle else { return Ok(()) };
        if self.order.is_empty() {
            reserve(&mut self.order, self.batches.samples)?;
        }
        self.order.clear();
        self.order.extend(0..self.batches.samples);
        self.order.shuffle(&mut random::stream(seed, Purpose::Shuffle, (epoch - 1) as u32));
        Ok(())
    }

    /// Goes to step `step` of the epoch, from 0: a stream has its rows in one order only, and is read up to there.
    pub(super) fn skip(&mut self, step: u64) -> Result<(), Error> {
        let streams = matches!(&self.rows, Kind::Read { source, .. } if source.access() == Access::Stream);
        if streams && step < self.batches.steps() {
            for passed in 0..step {
                self.batch(passed)?;
            }
            self.last = 0..0;
        }
        Ok(())
    }

    /// The batch of step `step`, from 0, and what its samples weigh together.
    pub(super) fn batch(&mut self, step: u64) -> Result<(Batch<'_, T>, f64), Error> {
        let Batches { samples, batch_size, .. } = self.batches;
        let first = step * batch_size;
        let rows = first..(first + batch_size).min(samples);
        if self.shuffle.is_some() {
            self.last = rows.start as usize..rows.end as usize;
        } else if let (Some(blocks), Kind::Read { source, .. } | Kind::Resident { source, .. }) =
            (&mut self.blocks, &self.rows)
        {
            self.last = 0..(rows.end - rows.start) as usize;
            blocks.extend(rows, *source, &mut self.order)?;
        } else {
            self.last = 0..(rows.end - rows.start) as usize;
            if self.order.is_empty() {
                reserve(&mut self.order, batch_size)?;
            }
            self.order.clear();
            self.order.extend(rows);
        }
        let order = &self.order[self.last.clone()];
        match &mut self.rows {
            Kind::Resident { data, all, .. } => {
                let weight = data
                    .weights()
                    .map(|weights| order.iter().map(|&index| weights[index as usize].to_f64()).sum::<f64>());
                Ok((all.with_order(order)?, weight.unwrap_or(order.len() as f64)))
            }
            Kind::Read { source, rows, architecture } => {
                rows.fill(*source, order)?;
                if let Some(blocks) = &mut self.blocks {
                    blocks.tell(*source);
                }
                let weight = rows.weights().map(|weights| weights.iter().map(|weight| weight.to_f64()).sum::<f64>());
                Ok((rows.samples().batch(architecture)?, weight.unwrap_or(order.len() as f64)))
            }
        }
    }

    /// The batch of the last step, if one was taken since the run began or was resumed.
    pub(super) fn last(&self) -> Result<Option<Share<'_, T>>, Error> {
        if self.last.is_empty() {
            return Ok(None);
        }
        let batch = match &self.rows {
            Kind::Resident { all, .. } => all.with_order(&self.order[self.last.clone()])?,
            Kind::Read { rows, architecture, .. } => rows.samples().batch(architecture)?,
        };
        Ok(Some(Share::whole(batch, 0.0)))
    }
}
