//! A share of a data set that is spread over several processes.

use super::{Source, TrainingData};
use crate::network::Network;

/// Says that `data` is this process's own share of a data set that is spread over all processes that train together. Without it they all
/// have the same data.
///
/// Each process has other rows: its own lines of a table, say, or a stream of its own. How many they are may differ. An epoch goes
/// through the rows of all: each step has of each share as many as it has of what is left, so that all end with the same step. A process
/// shuffles its rows among themselves.
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::Shard;
///
/// network! { struct Xor<2 => 4 tanh => 1>; }
///
/// // Of each process its own lines; a single one has all of them.
/// let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// let mut net = Xor::new(1);
/// let trainer = Trainer::builder().batch_size(4).epochs(10).build()?;
/// trainer.fit(&mut net, &Shard::new(&data), None)?;
/// # let mut other = Xor::new(1);
/// # trainer.fit(&mut other, &data, None)?;
/// # assert_eq!(net, other);
/// # Ok::<(), Error>(())
/// ```
///
/// It goes wherever a network takes [`TrainingData`]: a `Dataset`, or any [`Source`], a [`Stream`](super::Stream) among them. A process
/// without a row is an error: give it some of another's.
#[derive(Debug)]
pub struct Shard<'a, D: ?Sized>(&'a D);

impl<'a, D: ?Sized> Shard<'a, D> {
    /// This process's share.
    pub fn new(data: &'a D) -> Self {
        Self(data)
    }

    /// The rows of this process.
    #[must_use]
    pub fn data(&self) -> &'a D {
        self.0
    }
}

impl<D: ?Sized> Clone for Shard<'_, D> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<D: ?Sized> Copy for Shard<'_, D> {}

impl<N: Network, D: TrainingData<N> + ?Sized> TrainingData<N> for Shard<'_, D> {
    fn source(&self) -> &dyn Source<Scalar = N::Scalar> {
        self.0.source()
    }

    fn is_shard(&self) -> bool {
        true
    }
}
