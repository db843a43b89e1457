//! Several processes that train one network: each computes a part of every step, and they sum the parts.
//!
//! The processes are the *ranks* of a [`Collective`]: with the feature `mpi` those that `mpirun` has started, on one machine or
//! on many. Each runs the same program, which tells the trainer of the others and otherwise stays as it was:
//!
//! ```
//! use nn_train::collective::{self, Collective, Single};
//! use nn_train::prelude::*;
//!
//! network! { struct Xor<2 => 4 tanh => 1>; }
//!
//! let ranks = Single; // `Mpi::start()?` under mpirun.
//! let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0]);
//! let data = collective::agree(&ranks, data)?;
//! let trainer = Trainer::builder().learning_rate(0.05).batch_size(4).epochs(400).collective(ranks).build()?;
//! let mut net = Xor::new(42);
//! trainer.fit(&mut net, &data, None)?;
//! if ranks.rank() == 0 {
//!     println!("{:?}", net.predict(&[1.0, 0.0]));
//! }
//! # Ok::<(), Error>(())
//! ```
//!
//! # Steps
//!
//! [`batch_size`](crate::TrainerBuilder::batch_size) is that of the step, whose rows the ranks divide: its gradient is
//! Σ sᵢ ∂lossᵢ / Σ sᵢ over the rows of all ranks, and the terms of λ enter once. So N ranks take the steps of one process, up
//! to the rounding of sums in another order; for B rows on each, `batch_size(N * B)`. Every rank makes the same update of the same
//! sum: parameters are the same on all ranks, bit for bit, which a [checksum](crate::TrainerBuilder::verify_every) checks.
//! With another number of ranks the last bits differ.
//!
//! The blocked engine's gradients are summed layer by layer, from the output on, while the layers before are still computed. Those
//! of small networks go round in one message, in `f64`.
//!
//! # Data
//!
//! | what a rank has | what it reads | order |
//! |---|---|---|
//! | the same data set as all others, or a [`Source`](crate::Source) that has | its share of each step's rows | that of one process |
//! | record files that all ranks can read | its part of the blocks, cut by [`parts`](crate::TrainerBuilder::parts) | that of one process with as many parts |
//! | a data set, source or stream of its own, as a [`Shard`](crate::Shard) | all of it | each shard's own |
//!
//! Parts and shards give each step a share of what they have left, so that all end with the same step, and no row is lost where
//! they are uneven. Splits, standardisation and preprocessing of data that all ranks have are the same on all; for shards see
//! [`Standardizer::fit_together`](crate::Standardizer::fit_together) and [`from_first`].
//!
//! # Decisions and errors
//!
//! Callbacks are called on every rank, but for those [of the first only](crate::Callback::only_on_first_rank), which write files and
//! print. One that says [`Stop`](crate::Signal::Stop), or a signal, ends the run on all ranks after the same step. An error
//! of one rank, such as a sample that is not a number, ends it on all with an error that names the rank. What a rank does
//! by itself before and after a run is to be [agreed](agree) on.
//!
//! A run is resumed from its [`RunState`](crate::RunState) on any number of ranks; [`from_first`] brings what only rank 0 can read
//! to all.

mod agree;
mod fault;
#[cfg(feature = "mpi")]
mod mpi;
mod single;

use std::fmt;
use std::sync::Arc;

use nn_kernels::Element;

pub(crate) use self::agree::{Ballot, Group, is_same_mark, mark};
pub use self::agree::{agree, from_first};
pub use self::fault::CollectiveFault;
#[cfg(feature = "mpi")]
pub use self::mpi::Mpi;
pub use self::single::Single;

/// The processes that train one network together, as one of them sees them: its rank, how many there are, and how numbers
/// go round among them.
///
/// With [`Single`] a process is alone, as unless set. With the feature `mpi`, `Mpi` is the processes that `mpirun` has
/// started. Give it to [`TrainerBuilder::collective`](crate::TrainerBuilder::collective); everything else of a program stays.
///
/// # For who implements it
///
/// All ranks call the same methods in the same order, with slices of the same length. A sum must have the same bits on every
/// rank. Where a rank cannot go on, the others get an error too: none may wait for ever.
pub trait Collective: fmt::Debug + Send + Sync {
    /// Which process this is, below [`size`](Self::size).
    fn rank(&self) -> usize;

    /// How many processes there are, at least 1.
    fn size(&self) -> usize;

    /// Writes to each number of `part.sum` the sum over all ranks of that number in their `part.own`.
    ///
    /// # Errors
    /// A [`CollectiveFault`] where not all ranks took part. What stands in the sums is then undefined.
    fn all_reduce(&self, part: Numbers<'_>) -> Result<(), CollectiveFault>;

    /// Sums the parts that `work` hands over one by one, while it makes the next; all sums are there when this returns. The
    /// ranks hand over the same parts in the same order.
    ///
    /// Unless implemented, each part is summed where it is handed over, and `work` waits for it.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce). `work` goes to its end all the same.
    fn all_reduce_beside<'g>(&self, work: &mut (dyn FnMut(HandOver<'_, 'g>) + Send)) -> Result<(), CollectiveFault> {
        let mut result = Ok(());
        work(&mut |part| {
            if result.is_ok() {
                result = self.all_reduce(part);
            }
        });
        result
    }

    /// Writes to `bytes` what rank `root` has there.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    fn broadcast(&self, bytes: &mut [u8], root: usize) -> Result<(), CollectiveFault>;

    /// Waits until all ranks have come here.
    ///
    /// # Errors
    /// As [`all_reduce`](Self::all_reduce).
    fn barrier(&self) -> Result<(), CollectiveFault>;
}

impl<C: Collective + ?Sized> Collective for Arc<C> {
    fn rank(&self) -> usize {
        (**self).rank()
    }

    fn size(&self) -> usize {
        (**self).size()
    }

    fn all_reduce(&self, numbers: Numbers<'_>) -> Result<(), CollectiveFault> {
        (**self).all_reduce(numbers)
    }

    fn all_reduce_beside<'g>(&self, work: &mut (dyn FnMut(HandOver<'_, 'g>) + Send)) -> Result<(), CollectiveFault> {
        (**self).all_reduce_beside(work)
    }

    fn broadcast(&self, bytes: &mut [u8], root: usize) -> Result<(), CollectiveFault> {
        (**self).broadcast(bytes, root)
    }

    fn barrier(&self) -> Result<(), CollectiveFault> {
        (**self).barrier()
    }
}

/// How `work` of [`Collective::all_reduce_beside`] hands over a part.
pub type HandOver<'h, 'g> = &'h mut (dyn FnMut(Numbers<'g>) + Send);

/// Numbers to be summed over the ranks.
#[derive(Debug)]
pub enum Numbers<'g> {
    /// Of networks in `f32`.
    F32 {
        /// This rank's.
        own: &'g [f32],
        /// Where the sums go, as many.
        sum: &'g mut [f32],
    },
    /// Of networks in `f64`, and costs and counts of all.
    F64 {
        /// This rank's.
        own: &'g [f64],
        /// Where the sums go, as many.
        sum: &'g mut [f64],
    },
}

impl<'g> Numbers<'g> {
    /// Numbers of either type.
    pub fn new<T: Element>(own: &'g [T], sum: &'g mut [T]) -> Self {
        if T::NAME == <f32 as Element>::NAME {
            Self::F32 { own: bytemuck::cast_slice(own), sum: bytemuck::cast_slice_mut(sum) }
        } else {
            Self::F64 { own: bytemuck::cast_slice(own), sum: bytemuck::cast_slice_mut(sum) }
        }
    }

    /// There are as many sums as numbers: how many.
    ///
    /// # Errors
    /// [`CollectiveFault::Length`].
    pub fn checked_len(&self) -> Result<usize, CollectiveFault> {
        let (own, sum) = match self {
            Self::F32 { own, sum } => (own.len(), sum.len()),
            Self::F64 { own, sum } => (own.len(), sum.len()),
        };
        if own == sum { Ok(own) } else { Err(CollectiveFault::Length { own, sum }) }
    }
}
