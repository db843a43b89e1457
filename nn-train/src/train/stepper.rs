//! Training batch by batch.

use std::fmt;
use std::sync::Arc;

use nn_kernels::{Batch, Explanation, StepError};
use rayon::ThreadPool;

use super::Trainer;
use super::steps::{Place, Steps};
use crate::error::Error;
use crate::network::Network;

/// Training in the caller's hands, a step on each batch that it is given: see [`Trainer::stepper`].
///
/// The optimiser and the dropout masks go on from step to step, as within [`fit`](Trainer::fit): the batches that it
/// would take give the same parameters, bit for bit.
///
/// ```
/// use nn_train::prelude::*;
///
/// network! { struct Plant<2 => 8 tanh => 1 linear>; }
///
/// // A model of a plant is learnt while the plant is running: the next temperature from this one and the heating.
/// let mut net = Plant::new(1);
/// let trainer = Trainer::builder().optimizer(Adam::new(0.01)).batch_size(1).build()?;
/// let mut stepper = trainer.stepper(&mut net)?;
/// let (mut temperature, mut cost) = (0.0, 0.0);
/// for tick in 0..2000 {
///     let heating = (tick as f32 * 0.37).sin();
///     let next = 0.8 * temperature + 0.3 * heating;
///     cost = stepper.step(&[[temperature, heating]], &[[next]])?;
///     temperature = next;
/// }
/// stepper.finish();
/// assert!(cost < 1e-3);
/// # Ok::<(), Error>(())
/// ```
///
/// # Where the parameters are
///
/// In the stepper, in the layout of its engine. They come back to the network by [`network`](Self::network), by
/// [`finish`](Self::finish), and when the stepper is dropped.
///
/// # Speed
///
/// A step is computed by the trainer's own threads, and it takes some microseconds to hand it over to them and to
/// wait, which is many times what a small network's step takes. [`install`](Self::install) hands over once for any
/// number of steps. A step in there, on no more samples than the trainer's batch size, allocates nothing.
#[must_use = "nothing is trained without a step"]
pub struct Stepper<'a, N: Network> {
    network: &'a mut N,
    steps: Steps<N::Scalar>,
    pool: Arc<ThreadPool>,
    /// Steps taken.
    taken: usize,
    /// Whether the network lags behind.
    ahead: bool,
    /// What ended the training.
    end: Option<Error>,
}

impl<'a, N: Network> Stepper<'a, N> {
    pub(super) fn new(trainer: &Trainer, network: &'a mut N) -> Result<Self, Error> {
        let pool = Arc::new(trainer.pool()?);
        let mut steps = Steps::new(trainer, network.architecture(), usize::MAX)?;
        steps.import(network.parameters())?;
        Ok(Self { network, steps, pool, taken: 0, ahead: false, end: None })
    }

    /// One training step on m ≥ 1 samples and their targets: J as it was before the step, the term in λ included.
    ///
    /// A declared network takes rows whose widths are in their types, `&[[f32; S_1]]` and `&[[f32; S_L]]`; a
    /// [`DynNetwork`](crate::DynNetwork) takes flat slices of m × S_1 and m × S_L numbers.
    ///
    /// # Errors
    /// [`Error::Empty`] for m = 0, [`Error::Length`] unless there are as many targets as samples,
    /// [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when numbers do not fill their last row, and
    /// [`StepError::Memory`](crate::StepError::Memory) when a batch larger than planned finds no memory: all is then as
    /// it was.
    ///
    /// [`Error::Diverged`] when the cost, the gradient or the update is not finite, as where a sample is not; the
    /// parameters are those from before the step. Where J is not finite, or the optimiser is plain SGD, all else is
    /// as it was too, and the next batch may do better. Otherwise what the optimiser remembers is no longer finite: no
    /// further step is taken, and each returns the same error.
    pub fn step(&mut self, inputs: &N::Inputs, targets: &N::Outputs) -> Result<f64, Error> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        let batch = self.network.samples(inputs, targets)?.0.batch(self.network.architecture())?;
        self.step_on(batch)
    }

    /// One training step on the samples of `data` at `indices`, in that order; an index may appear more than once.
    ///
    /// It gives the same bits as [`step`](Self::step) on a copy of those samples, and makes no such copy: each thread
    /// fetches the rows that it is about to read. So an epoch may go through the data in an order of one's own, and be
    /// looked at midway.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
    /// # let mut net = Xor::new(1);
    /// let trainer = Trainer::builder().batch_size(2).build()?;
    /// let mut stepper = trainer.stepper(&mut net)?;
    /// for indices in [2, 0, 3, 1].chunks(2) {
    ///     stepper.step_at(&data, indices)?;
    /// }
    /// # assert_eq!(stepper.taken(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] without an index, [`Error::Index`] for one past the data, [`Error::Width`] when dynamic data
    /// is not as wide as the network; otherwise as [`step`](Self::step).
    pub fn step_at(&mut self, data: &N::Data, indices: &[u32]) -> Result<f64, Error> {
        if let Some(end) = &self.end {
            return Err(end.clone());
        }
        let samples = N::dataset(data).samples();
        let batch = samples.batch(self.network.architecture())?.with_order(indices).map_err(|error| match error {
            StepError::NoRows { .. } => Error::Empty { what: "indices" },
            StepError::Order { index, rows, .. } => Error::Index { index: index as usize, len: rows },
            other => other.into(),
        })?;
        self.step_on(batch)
    }

    fn step_on(&mut self, batch: Batch<'_, N::Scalar>) -> Result<f64, Error> {
        let place = Place { epoch: None, step: self.taken + 1 };
        let Self { steps, pool, .. } = self;
        // Inside the pool this is a call.
        match pool.install(|| steps.step(batch, place)) {
            Ok(cost) => {
                self.taken += 1;
                self.ahead = true;
                Ok(cost)
            }
            Err(error) => {
                if self.steps.is_spoilt() {
                    self.end = Some(error.clone());
                }
                Err(error)
            }
        }
    }

    /// Runs `work` on a thread of the trainer's, from where its steps start without a hand-over.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let mut net = Xor::new(1);
    /// # let trainer = Trainer::builder().optimizer(Sgd::new(1.0)).batch_size(4).build()?;
    /// let xs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    /// let ys = [[0.0], [1.0], [1.0], [0.0]];
    /// let mut stepper = trainer.stepper(&mut net)?;
    /// let cost = stepper.install(|stepper| {
    ///     (0..1000).try_fold(0.0, |_, _| stepper.step(&xs, &ys))
    /// })?;
    /// # assert!(cost < 0.5);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn install<R: Send>(&mut self, work: impl FnOnce(&mut Self) -> R + Send) -> R {
        let pool = Arc::clone(&self.pool);
        pool.install(|| work(self))
    }

    /// The network as it is after the steps so far. After a step this copies the parameters.
    pub fn network(&mut self) -> &N {
        self.write_back();
        self.network
    }

    /// Steps taken, those that failed not counted.
    #[must_use]
    pub fn taken(&self) -> usize {
        self.taken
    }

    /// How steps on batches of the trainer's size are computed, and why so.
    #[must_use]
    pub fn explain(&self) -> &Explanation {
        self.steps.explain()
    }

    /// Ends the training and leaves the network as the last step made it. Dropping the stepper does the same.
    pub fn finish(self) {}

    fn write_back(&mut self) {
        if std::mem::take(&mut self.ahead) {
            let written = self.steps.export(self.network.parameters_mut());
            // A wrong length is all that could be in the way, and `import` has had the same ones.
            debug_assert_eq!(written, Ok(()));
        }
    }
}

impl<N: Network> Drop for Stepper<'_, N> {
    fn drop(&mut self) {
        self.write_back();
    }
}

impl<N: Network> fmt::Debug for Stepper<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stepper")
            .field("network", &self.network.name())
            .field("taken", &self.taken)
            .finish_non_exhaustive()
    }
}
