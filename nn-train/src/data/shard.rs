//! A share of a data set that is spread over several processes.

use nn_kernels::Element;

use super::{Access, Dataset, DynDataset, Rows, Source};
use crate::Row;
use crate::error::Error;

/// Says that `data` is this process's own share of a data set that is spread over all processes that train together. Without
/// it they all have the same data.
///
/// Each process has other rows: its own lines of a table, say, or a stream of its own. How many they are may differ. An epoch
/// goes through the rows of all: each step has of each share as many as it has of what is left, so that all end with the same
/// step. A process shuffles its rows among themselves.
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
/// It is made of a `Dataset` or any [`Source`], a [`Stream`](super::Stream) among them, and is a source itself. Its widths
/// are compared with the network's when a run begins. A process without a row is an error: give it some of another's.
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

/// What a process may have a share of: a [`Dataset`], or any [`Source`].
pub trait Spread: private::Sealed + Sync {
    /// The number type of the rows.
    type Scalar: Element;

    /// Where the rows come from.
    #[doc(hidden)]
    fn rows(&self) -> &dyn Source<Scalar = Self::Scalar>;
}

mod private {
    pub trait Sealed {}
}

impl<X: Row, Y: Row<Scalar = X::Scalar>> private::Sealed for Dataset<X, Y> {}

impl<S: Source> private::Sealed for S {}

impl<X: Row, Y: Row<Scalar = X::Scalar>> Spread for Dataset<X, Y> {
    type Scalar = X::Scalar;

    fn rows(&self) -> &dyn Source<Scalar = X::Scalar> {
        &**self
    }
}

impl<S: Source> Spread for S {
    type Scalar = S::Scalar;

    fn rows(&self) -> &dyn Source<Scalar = S::Scalar> {
        self
    }
}

impl<D: Spread + ?Sized> Source for Shard<'_, D> {
    type Scalar = D::Scalar;

    fn len(&self) -> u64 {
        self.0.rows().len()
    }

    fn input_width(&self) -> usize {
        self.0.rows().input_width()
    }

    fn target_width(&self) -> usize {
        self.0.rows().target_width()
    }

    fn access(&self) -> Access {
        self.0.rows().access()
    }

    fn files(&self) -> Vec<u64> {
        self.0.rows().files()
    }

    fn weighted(&self) -> bool {
        self.0.rows().weighted()
    }

    fn prefetch(&self, blocks: &[u64]) {
        self.0.rows().prefetch(blocks);
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<D::Scalar>) -> Result<(), Error> {
        self.0.rows().read(indices, rows)
    }

    fn resident(&self) -> Option<&DynDataset<D::Scalar>> {
        self.0.rows().resident()
    }

    fn is_shard(&self) -> bool {
        true
    }
}
