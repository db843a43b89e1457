//! Several processes that train one network: each computes a part of every step, and they sum the parts.

mod agree;
mod fault;
#[cfg(feature = "mpi")]
mod mpi;
mod single;

use std::fmt;
use std::sync::Arc;

use nn_kernels::Element;

pub(crate) use self::agree::{Ballot, Group};
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
