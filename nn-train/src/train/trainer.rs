//! The trainer, and its epochs as an iterator.

use std::fmt;

use nn_kernels::{Architecture, Element, Explanation, Plan, PlanOptions};
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::run::Run;
use super::{Epoch, History, Stepper, TrainerBuilder};
use crate::error::Error;
use crate::network::Network;
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
    pub(super) plan: PlanOptions,
}

impl Trainer {
    /// The settings, to be made.
    pub fn builder() -> TrainerBuilder {
        TrainerBuilder::default()
    }

    /// Trains `network` for all epochs, and says how it went.
    ///
    /// The optimiser starts afresh, and so does the numbering of epochs: two fits of one epoch see the same
    /// order of samples twice.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a cost, a gradient or an update is not finite: the parameters are then those
    /// before that step, bit for bit. [`Error::Width`] when dynamic data is not as wide as the network,
    /// [`Error::Threads`] when the threads could not be started, [`Error::Step`] when the engine or instruction set
    /// asked for cannot be had or there is no memory for the step; the network is then as it was.
    pub fn fit<N: Network>(
        &self,
        network: &mut N,
        train: &N::Data,
        validation: Option<&N::Data>,
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
    pub fn epochs<'a, N: Network>(
        &self,
        network: &'a mut N,
        train: &'a N::Data,
        validation: Option<&'a N::Data>,
    ) -> Result<Epochs<'a, N>, Error> {
        let samples = |data| N::dataset(data).samples();
        let run = Run::new(self, network.architecture(), samples(train), validation.map(samples))?;
        Ok(Epochs { network, run })
    }

    /// Training in the caller's hands, batch by batch: for samples that come as they are made, or an order of one's
    /// own. See [`Stepper`].
    ///
    /// Of the settings, the number of epochs and whether to shuffle mean nothing here, and the batch size is what the
    /// steps are planned for: other sizes do as well, larger ones with more memory.
    ///
    /// # Errors
    /// [`Error::Threads`] when the threads could not be started, [`Error::Step`] when the engine or instruction set
    /// asked for cannot be had or there is no memory for the step.
    pub fn stepper<'a, N: Network>(&self, network: &'a mut N) -> Result<Stepper<'a, N>, Error> {
        Stepper::new(self, network)
    }

    /// How steps on full batches of `network` would be computed: which engine, in which instruction set, on how
    /// many threads, and why.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// network! { struct Digits<64 => 32 => 10>; }
    /// println!("{}", Trainer::builder().batch_size(128).build()?.explain(&Digits::new(1))?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Step`] when the engine or the instruction set asked for cannot be had, or there is no memory.
    pub fn explain<N: Network>(&self, network: &N) -> Result<Explanation, Error> {
        let plan = self.plan_for::<N::Scalar>(network.architecture(), usize::MAX)?;
        Ok(plan.explain().clone())
    }

    /// The trainer's threads.
    pub(super) fn pool(&self) -> Result<ThreadPool, Error> {
        let threads = self.threads;
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("nn-train {index}"));
        pool.build().map_err(|error| Error::Threads { threads, reason: error.to_string() })
    }

    /// The plan for data of `rows` samples.
    pub(super) fn plan_for<T: Element>(&self, architecture: &Architecture, rows: usize) -> Result<Plan<T>, Error> {
        Ok(Plan::new(architecture, self.batch_size.min(rows), self.threads, &self.plan)?)
    }
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

    /// How steps are computed, and why so.
    #[must_use]
    pub fn explain(&self) -> &Explanation {
        self.run.explain()
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
        f.debug_struct("Epochs")
            .field("network", &self.network.name())
            .field("remaining", &self.run.remaining())
            .finish()
    }
}
