//! The batches of an epoch, from memory or from elsewhere.

use std::sync::Arc;

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Architecture, Batch, Element, InstructionSet};
use rand::seq::SliceRandom;

use super::block_order::BlockOrder;
use super::smoothing::Smoothing;
use crate::data::{Access, DynDataset, Rows, Samples, Source};
use crate::error::Error;

/// The batches of an epoch.
pub(super) struct Feed<'a, T: Element> {
    rows: Kind<'a, T>,
    count: u64,
    batch_size: u64,
    /// The seed of the orders, where there are any.
    shuffle: Option<u64>,
    /// The order of rows that come in blocks.
    blocks: Option<BlockOrder>,
    /// The order of this epoch, or of this step where rows are taken as they stand.
    order: Vec<u64>,
    smoothing: Option<Smoothing<T>>,
}

enum Kind<'a, T: Element> {
    /// All samples are in memory.
    Resident {
        data: &'a DynDataset<T>,
        all: Batch<'a, T>,
        /// Their targets, where they are smoothed.
        smoothed: Option<Smoothed<T>>,
    },
    /// Each step's are read.
    Read { source: &'a dyn Source<Scalar = T>, rows: Rows<T>, architecture: Architecture },
}

/// Smoothed targets, shared so that batches may borrow them while a run is borrowed by its callbacks.
type Smoothed<T> = Arc<Vec<T>>;

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
        smoothing: Option<Smoothing<T>>,
    ) -> Result<Self, Error> {
        check_source(source, architecture)?;
        let rows = match source.resident() {
            Some(data) => {
                let smoothed = smoothing.map(|smoothing| {
                    let mut room = Vec::new();
                    smoothing.copy(InstructionSet::best(), data.targets(), &mut room)?;
                    Ok::<_, Error>(Arc::new(room))
                });
                Kind::Resident { data, all: data.samples().batch(architecture)?, smoothed: smoothed.transpose()? }
            }
            None => {
                let rows = Rows::of(source)?.checked_for(architecture);
                Kind::Read { source, rows, architecture: architecture.clone() }
            }
        };
        let count = source.len();
        let seed = shuffle.then_some(seed);
        let (shuffle, blocks) = match source.access() {
            Access::Random => (seed, None),
            Access::Stream => (None, None),
            Access::Blocks { rows, window } => (None, Some(BlockOrder::new(count, rows, window, seed)?)),
        };
        Ok(Self {
            rows,
            count,
            batch_size: (batch_size as u64).min(count),
            shuffle,
            blocks,
            order: Vec::new(),
            smoothing,
        })
    }

    /// Steps of an epoch.
    pub(super) fn steps(&self) -> u64 {
        self.count.div_ceil(self.batch_size)
    }

    /// Samples of an epoch.
    pub(super) fn count(&self) -> u64 {
        self.count
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
            reserve(&mut self.order, self.count)?;
        }
        self.order.clear();
        self.order.extend(0..self.count);
        self.order.shuffle(&mut random::stream(seed, Purpose::Shuffle, (epoch - 1) as u32));
        Ok(())
    }

    /// The smoothed targets, where all are in memory and smoothed.
    pub(super) fn smoothed(&self) -> Option<Smoothed<T>> {
        match &self.rows {
            Kind::Resident { smoothed, .. } => smoothed.clone(),
            Kind::Read { .. } => None,
        }
    }

    /// All samples, if they are in memory, with other targets than their own. It looks at each weight: once an epoch,
    /// and not in each step.
    pub(super) fn with_targets<'t>(
        &self,
        targets: &'t [T],
        architecture: &Architecture,
    ) -> Result<Option<Batch<'t, T>>, Error>
    where
        'a: 't,
    {
        match &self.rows {
            Kind::Resident { data, .. } => Ok(Some(Samples { targets, ..data.samples() }.batch(architecture)?)),
            Kind::Read { .. } => Ok(None),
        }
    }

    /// Goes to step `step` of the epoch, from 0: a stream has its rows in one order only, and is read up to there.
    pub(super) fn skip(&mut self, step: u64) -> Result<(), Error> {
        let streams = matches!(&self.rows, Kind::Read { source, .. } if source.access() == Access::Stream);
        if streams && step < self.steps() {
            for passed in 0..step {
                self.batch(passed, None)?;
            }
        }
        Ok(())
    }

    /// The batch of step `step`, from 0, and what its samples weigh together: of `samples`, or else of the source's
    /// own.
    pub(super) fn batch<'s>(
        &'s mut self,
        step: u64,
        samples: Option<Batch<'s, T>>,
    ) -> Result<(Batch<'s, T>, f64), Error> {
        let first = step * self.batch_size;
        let rows = first..(first + self.batch_size).min(self.count);
        let order = if self.shuffle.is_some() {
            &self.order[rows.start as usize..rows.end as usize]
        } else if let (Some(blocks), Kind::Read { source, .. }) = (&mut self.blocks, &self.rows) {
            blocks.extend(rows, *source, &mut self.order)?;
            &self.order
        } else {
            if self.order.is_empty() {
                reserve(&mut self.order, self.batch_size)?;
            }
            self.order.clear();
            self.order.extend(rows);
            &self.order
        };
        match &mut self.rows {
            Kind::Resident { data, all, .. } => {
                let weight = data
                    .weights()
                    .map(|weights| order.iter().map(|&index| weights[index as usize].to_f64()).sum::<f64>());
                Ok((samples.unwrap_or(*all).with_order(order)?, weight.unwrap_or(order.len() as f64)))
            }
            Kind::Read { source, rows, architecture } => {
                rows.fill(*source, order)?;
                if let Some(smoothing) = self.smoothing {
                    smoothing.apply(InstructionSet::best(), rows.targets_mut());
                }
                let weight = rows.weights().map(|weights| weights.iter().map(|weight| weight.to_f64()).sum::<f64>());
                Ok((rows.samples().batch(architecture)?, weight.unwrap_or(order.len() as f64)))
            }
        }
    }
}

fn reserve(order: &mut Vec<u64>, count: u64) -> Result<(), Error> {
    let count = usize::try_from(count).unwrap_or(usize::MAX);
    let bytes = count.saturating_mul(size_of::<u64>());
    Ok(order.try_reserve_exact(count).map_err(|_| nn_kernels::StepError::Memory { bytes })?)
}
