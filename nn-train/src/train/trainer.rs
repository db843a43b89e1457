//! The trainer, and its epochs as an iterator.

use std::fmt;

use super::run::{Run, Samples};
use super::{Epoch, History, TrainerBuilder};
use crate::data::Dataset;
use crate::error::Error;
use crate::network::{AsNetwork, Network, Row};
use crate::optim::Optimizer;

/// Trains networks: settings that have been checked, to be used on any network and data.
///
/// Same seed, same instruction set: the same parameters, bit for bit, whatever the number of threads.
#[derive(Debug, Clone, PartialEq)]
pub struct Trainer {
    pub(super) optimizer: Optimizer,
    pub(super) l2: f64,
    pub(super) batch_size: usize,
    pub(super) epochs: usize,
    pub(super) seed: u64,
    pub(super) threads: usize,
    pub(super) shuffle: bool,
}

/// The data that a network of type `N` is trained on.
pub type DatasetOf<N> = Dataset<<N as Network>::Input, <N as Network>::Output>;

impl Trainer {
    /// The settings, to be made.
    pub fn builder() -> TrainerBuilder {
        TrainerBuilder::default()
    }

    /// Trains `network` for all epochs, and says how it went. Whether it is boxed makes no difference.
    ///
    /// The optimiser starts afresh, and so does the numbering of epochs: two fits of one epoch see the same
    /// order of samples twice.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a cost, a gradient or an update is not finite: the parameters are then those
    /// before that step, bit for bit. [`Error::Threads`] when the threads could not be started, or [`Error::Step`]
    /// when there is no memory for the step; the network is then as it was.
    pub fn fit<P, B: AsNetwork<P>>(
        &self,
        network: &mut B,
        train: &DatasetOf<B::Network>,
        validation: Option<&DatasetOf<B::Network>>,
    ) -> Result<History, Error> {
        self.epochs(network, train, validation)?.collect()
    }

    /// The epochs of a training run, one by one: the network trains as the iterator advances, and stops where it
    /// is dropped.
    ///
    /// To look at the network in between, keep hold of the iterator:
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 => 1>; }
    /// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
    /// # let mut net = Xor::new(1);
    /// let trainer = Trainer::builder().optimizer(Adam::new(0.05)).batch_size(4).epochs(1000).build()?;
    /// let mut epochs = trainer.epochs(&mut net, &data, None)?;
    /// while let Some(epoch) = epochs.next() {
    ///     if epoch?.number == 3 {
    ///         println!("h(1, 0) is now {}", epochs.network().predict(&[1.0, 0.0])[0]);
    ///         break;
    ///     }
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit); after an error in an epoch the iterator ends.
    pub fn epochs<'a, P, B: AsNetwork<P>>(
        &self,
        network: &'a mut B,
        train: &'a DatasetOf<B::Network>,
        validation: Option<&'a DatasetOf<B::Network>>,
    ) -> Result<Epochs<'a, B::Network>, Error> {
        let run = Run::new(self, B::Network::ARCHITECTURE, samples(train), validation.map(samples))?;
        Ok(Epochs { network: network.as_network_mut(), run })
    }
}

fn samples<X: Row, Y: Row<Scalar = X::Scalar>>(data: &Dataset<X, Y>) -> Samples<'_, X::Scalar> {
    Samples { inputs: X::flatten(data.inputs()), targets: Y::flatten(data.targets()) }
}

/// A training run, epoch by epoch: see [`Trainer::epochs`].
#[must_use = "nothing is trained before the iterator advances"]
pub struct Epochs<'a, N: Network> {
    network: &'a mut N,
    run: Run<'a, N::Scalar>,
}

impl<N: Network> Epochs<'_, N> {
    /// The network as it is after the epochs so far.
    #[must_use]
    pub fn network(&self) -> &N {
        self.network
    }
}

impl<N: Network> Iterator for Epochs<'_, N> {
    type Item = Result<Epoch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        self.run.epoch(self.network.parameters_mut())
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // An error ends the run early.
        let remaining = self.run.remaining();
        (remaining.min(1), Some(remaining))
    }
}

impl<N: Network> std::iter::FusedIterator for Epochs<'_, N> {}

impl<N: Network> fmt::Debug for Epochs<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Epochs").field("network", &N::NAME).field("remaining", &self.run.remaining()).finish()
    }
}
