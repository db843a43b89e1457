//! Training step by step.

use std::fmt;

use nn_kernels::{Batch, Element, Explanation, StepError};

use super::core::{Core, Place};
use super::share::Share;
use super::state::SessionState;
use super::threads::Ready;
use super::trainer::Trainer;
use crate::error::Error;
use crate::network::{Network, batch};

/// Training step by step, on batches that the caller makes: see [`Trainer::session`].
///
/// It holds all that steps need: the network, the optimiser's memory, the plan, and the threads. Optimiser,
/// schedule and dropout masks go on from step to step as within [`fit`](Trainer::fit), which is written over the same
/// steps: the batches that it would take give the same parameters, bit for bit.
///
/// ```
/// use nn_train::prelude::*;
///
/// network! { struct Plant<2 => 8 tanh => 1 linear>; }
///
/// // A model of a plant is learnt while the plant is running: the next temperature from this one and the heating.
/// let mut net = Plant::new(1);
/// let trainer = Trainer::builder().optimizer(Adam::default()).learning_rate(0.01).batch_size(1).build()?;
/// let mut session = trainer.session(&mut net)?;
/// let (mut temperature, mut cost) = (0.0, 0.0);
/// for tick in 0..2000 {
///     let heating = (tick as f32 * 0.37).sin();
///     let next = 0.8 * temperature + 0.3 * heating;
///     cost = session.step(&[[temperature, heating]], &[[next]])?;
///     temperature = next;
///     if tick == 1000 {
///         session.set_learning_rate(0.001)?;
///     }
/// }
/// session.finish();
/// assert!(cost < 1e-3);
/// # Ok::<(), Error>(())
/// ```
///
/// # Where the parameters are
///
/// In the session, in the layout of its engine. They come back to the network by [`network`](Self::network), by
/// [`finish`](Self::finish), and when the session is dropped.
///
/// # What a step's cost and gradient include
///
/// The mean loss of the batch on [smoothed](crate::TrainerBuilder::label_smoothing) targets, with dropout, and the
/// terms of λ and λ₁. Both λ are divided by the trainer's batch size in every step, whatever the number of samples in
/// it. The gradient is that of this cost, and [clipped](crate::TrainerBuilder::clip_norm) afterwards.
///
/// [`Network::cost`](crate::Network::cost), [`gradient`](crate::Network::gradient) and
/// [`check_gradient`](crate::Network::check_gradient) know the loss and a λ that they are given, and nothing of the
/// trainer.
///
/// # Speed
///
/// A step that is too small to be divided is computed by the calling thread, and begins at once: that of a small network
/// on no more samples than the trainer's batch size. So is every step of a trainer with one thread, and with
/// [`Threads::Current`](crate::Threads::Current) inside a rayon pool. To hand other steps over to the trainer's threads
/// takes some microseconds each time; [`install`](Self::install) hands over once for any number of steps.
///
/// A step on no more samples than the trainer's batch size allocates nothing where it begins at once, and in `install`.
#[must_use = "nothing is trained without a step"]
pub struct Session<'a, N: Network> {
    pub(super) network: &'a mut N,
    pub(super) core: Core<N::Scalar>,
    pub(super) threads: Ready,
}

impl<'a, N: Network> Session<'a, N> {
    pub(super) fn new(trainer: &Trainer, network: &'a mut N, rows: u64) -> Result<Self, Error> {
        trainer.greet(network)?;
        Self::greeted(trainer, network, rows)
    }

    /// A session whose ranks know that they are alike.
    pub(super) fn greeted(trainer: &Trainer, network: &'a mut N, rows: u64) -> Result<Self, Error> {
        let own = trainer.threads().and_then(|threads| {
            let core = Core::new(trainer, network.architecture(), network.parameters(), rows)?;
            Ok(Self { network, core, threads })
        });
        let session = trainer.group().agree("the plan of training", own)?;
        session.core.check_alike()?;
        Ok(session)
    }

    /// One training step on m ≥ 1 samples and their targets: the cost as it was before the step, the λ terms included.
    ///
    /// A declared network takes rows whose widths are in their types, `&[[f32; S_1]]` and `&[[f32; S_L]]`; a
    /// [`DynNetwork`](crate::DynNetwork) takes flat slices of m × S_1 and m × S_L numbers.
    ///
    /// # Errors
    /// [`Error::Empty`] for m = 0, [`Error::Length`] unless there are as many targets as samples,
    /// [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when numbers do not fill their last row,
    /// [`Error::Target`] or [`Error::TargetSum`] for a target that the loss does not take, and
    /// [`StepError::Memory`](crate::StepError::Memory) when a batch larger than planned finds no memory.
    ///
    /// [`Error::Diverged`] when the cost, the gradient or the update is not finite, as where a sample is not.
    ///
    /// After any error the parameters and the optimiser's memory are as they were, bit for bit, and training may go on
    /// with the next batch.
    pub fn step(&mut self, inputs: &N::Inputs, targets: &N::Outputs) -> Result<f64, Error> {
        self.step_on_rows(inputs, targets, None)
    }

    /// As [`step`](Self::step), where each sample counts as much as its weight: the mean loss is Σ sᵢ lossᵢ / Σ sᵢ.
    ///
    /// # Errors
    /// As [`step`](Self::step); [`StepError::Rows`](crate::StepError::Rows) or
    /// [`StepError::Weight`](crate::StepError::Weight) in [`Error::Step`] unless there is a weight for each sample, finite
    /// and not negative.
    pub fn step_weighted(
        &mut self,
        inputs: &N::Inputs,
        targets: &N::Outputs,
        weights: &[N::Scalar],
    ) -> Result<f64, Error> {
        self.step_on_rows(inputs, targets, Some(weights))
    }

    /// One training step on the samples of `data` at `indices`, in that order; an index may appear more than once.
    ///
    /// It gives the same bits as [`step`](Self::step) on a copy of those samples, and makes no such copy: each thread
    /// fetches the rows that it is about to read. So you can take the samples in an order of your own, and
    /// look at the network in the middle of an epoch.
    ///
    /// Targets are not looked at again: call [`DynDataset::check_targets`](crate::DynDataset::check_targets) once if they
    /// may not be what the loss takes.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
    /// # let mut net = Xor::new(1);
    /// let trainer = Trainer::builder().batch_size(2).build()?;
    /// let mut session = trainer.session(&mut net)?;
    /// for indices in [2, 0, 3, 1].chunks(2) {
    ///     session.step_at(&data, indices)?;
    /// }
    /// # assert_eq!(session.steps(), 2);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Empty`] without an index, [`Error::Index`] for one past the data, [`Error::Width`] when data is not as
    /// wide as the network; otherwise as [`step`](Self::step).
    pub fn step_at(&mut self, data: &N::Data, indices: &[u64]) -> Result<f64, Error> {
        let Self { core, threads, .. } = self;
        let samples = N::dataset(data).samples();
        let weigh = |weights: &[N::Scalar]| {
            let places = indices.iter().filter_map(|&index| weights.get(usize::try_from(index).ok()?));
            places.map(|weight| weight.to_f64()).sum()
        };
        let weight = || samples.weights.map(weigh);
        let batch = samples.batch(core.architecture()).and_then(|batch| {
            batch.with_order(indices).map_err(|error| match error {
                StepError::NoRows { .. } => Error::Empty { what: "indices" },
                StepError::Order { index, rows, .. } => {
                    Error::Index { index: usize::try_from(index).unwrap_or(usize::MAX), len: rows }
                }
                other => other.into(),
            })
        });
        step_on(core, threads, batch, indices.is_empty(), weight)
    }

    fn step_on_rows(
        &mut self,
        inputs: &N::Inputs,
        targets: &N::Outputs,
        weights: Option<&[N::Scalar]>,
    ) -> Result<f64, Error> {
        let Self { core, threads, .. } = self;
        let (inputs, targets) = (N::flat_inputs(inputs), N::flat_outputs(targets));
        let own = batch(core.architecture(), inputs, targets).and_then(|batch| match weights {
            Some(weights) => Ok(batch.with_weights(weights)?),
            None => Ok(batch),
        });
        let own = own.and_then(|batch| core.check_targets(targets).map(|()| batch));
        let weight = || weights.map(|weights| weights.iter().map(|weight| weight.to_f64()).sum());
        step_on(core, threads, own, inputs.is_empty() && targets.is_empty(), weight)
    }

    /// Runs `work` on one of the trainer's threads, from where its steps begin at once.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let mut net = Xor::new(1);
    /// # let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(1.0).batch_size(4).build()?;
    /// let xs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    /// let ys = [[0.0], [1.0], [1.0], [0.0]];
    /// let mut session = trainer.session(&mut net)?;
    /// let cost = session.install(|session| {
    ///     (0..1000).try_fold(0.0, |_, _| session.step(&xs, &ys))
    /// })?;
    /// # assert!(cost < 0.5);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn install<R: Send>(&mut self, work: impl FnOnce(&mut Self) -> R + Send) -> R {
        let threads = self.threads.clone();
        threads.install(|| work(self))
    }

    /// The learning rate of the next step.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.core.learning_rate()
    }

    /// Sets the learning rate of all steps to come, in place of the trainer's schedule.
    ///
    /// # Errors
    /// [`Error::Setting`] unless it is finite and not negative, and rounds neither to 0 nor to infinity in the network's
    /// type.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        self.core.set_learning_rate(learning_rate)
    }

    /// Leaves the learning rate to the trainer's schedule again.
    pub fn follow_schedule(&mut self) {
        self.core.follow_schedule();
    }

    /// The Euclidean norm ‖Δ‖ of the last step's gradient, the λ terms included and before it was clipped. There is one
    /// once a step has been taken, where the trainer was built with
    /// [`gradient_norm(true)`](crate::TrainerBuilder::gradient_norm) or
    /// [`clip_norm`](crate::TrainerBuilder::clip_norm).
    #[must_use]
    pub fn gradient_norm(&self) -> Option<f64> {
        self.core.gradient_norm()
    }

    /// The network as it is after the steps so far. After a step this copies the parameters.
    pub fn network(&mut self) -> &N {
        self.core.write_back(self.network.parameters_mut());
        self.network
    }

    /// Goes on from other parameters. The optimiser's memory stays as it is.
    ///
    /// # Errors
    /// [`Error::AnotherArchitecture`] when `network` has another architecture than the one that is trained.
    pub fn set_network(&mut self, network: &N) -> Result<(), Error> {
        set_network(&mut self.core, network)
    }

    /// Steps taken, those that failed not counted.
    #[must_use]
    pub fn steps(&self) -> u64 {
        self.core.steps()
    }

    /// How steps on batches of the trainer's size are computed, and why so.
    #[must_use]
    pub fn explain(&self) -> &Explanation {
        self.core.explain()
    }

    /// The whole state as a value: parameters, the optimiser's memory, the number of steps, and the positions of the random
    /// streams.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let (xs, ys) = ([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [[0.0], [1.0], [1.0], [0.0]]);
    /// # let trainer = Trainer::builder().batch_size(4).build()?;
    /// let mut net = Xor::new(1);
    /// let mut session = trainer.session(&mut net)?;
    /// session.step(&xs, &ys)?;
    /// let state = session.state()?;
    /// session.step(&xs, &ys)?;
    ///
    /// let mut other = Xor::zeros();
    /// let mut resumed = trainer.session(&mut other)?;
    /// resumed.resume(&state)?;
    /// resumed.step(&xs, &ys)?;
    /// assert_eq!(resumed.network(), session.network());
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn state(&self) -> Result<SessionState<N::Scalar>, Error> {
        self.core.export()
    }

    /// Goes on from a state, which a session of the same architecture and optimiser has exported.
    ///
    /// # Errors
    /// [`Error::AnotherArchitecture`] when the state is another architecture's; [`Error::State`] when it is another
    /// optimiser's, holds a number that is not finite, or names an engine or an instruction set that there is not here;
    /// [`Error::Step`] when its plan does not suit the
    /// trainer's settings or there is no memory for it. The session is then as it was.
    pub fn resume(&mut self, state: &SessionState<N::Scalar>) -> Result<(), Error> {
        let own = self.core.import(state);
        self.core.group().agree("Session::resume", own)?;
        self.core.verify()
    }

    /// Compares the parameters and the optimiser's memory with those of the other processes that [train
    /// together](crate::TrainerBuilder::collective), as is done every so many steps; all of them have to ask. A process that is
    /// alone has nothing to compare.
    ///
    /// # Errors
    /// [`Error::Rank`] names the lowest whose are not those of rank 0, bit for bit.
    pub fn verify(&self) -> Result<(), Error> {
        self.core.verify()
    }

    /// Ends the training and leaves the network as the last step made it. Dropping the session does the same.
    pub fn finish(self) {}
}

/// A step on a batch; of several ranks, on all their batches, of which this one may be `empty`.
fn step_on<T: Element>(
    core: &mut Core<T>,
    threads: &Ready,
    own: Result<Batch<'_, T>, Error>,
    empty: bool,
    weight: impl FnOnce() -> Option<f64>,
) -> Result<f64, Error> {
    let place = Place { epoch: None, step: core.steps() + 1 };
    if core.is_alone() {
        let batch = own?;
        return workplace(core, threads, batch.rows()).install(|| core.step(&batch, place));
    }
    let own = if empty { Ok(None) } else { own.map(Some) };
    let group = core.group();
    let rows = own.as_ref().map_or(0, |batch| batch.map_or(0, |batch| batch.rows()));
    let weight = weight().unwrap_or(rows as f64);
    let all = group.gather("a step of a session", [rows as f64, weight, f64::from(own.is_err())])?;
    if all.iter().any(|[.., fails]| *fails != 0.0) {
        return Err(group.failure(own.err())?);
    }
    let Some(leader) = all.iter().position(|[rows, ..]| *rows > 0.0) else {
        return Err(Error::Empty { what: "the batch of every rank" });
    };
    let rows_of = |ranks: &[[f64; 3]]| ranks.iter().map(|[rows, ..]| *rows as u64).sum();
    let share = Share {
        batch: own?,
        first: rows_of(&all[..group.rank()]),
        rows: rows_of(&all),
        weight,
        total: Some(all.iter().map(|[_, weight, _]| weight).sum()),
        leader,
    };
    let taken = workplace(core, threads, rows).install(|| core.step_together(Some(Ok(share)), Ok(false), place))?;
    taken.map(|taken| taken.cost).ok_or(Error::Empty { what: "the step" })
}

/// Where a step on `rows` samples is computed: by the calling thread if nobody else would have a part in it.
fn workplace<'t, T: Element>(core: &Core<T>, threads: &'t Ready, rows: usize) -> &'t Ready {
    static CALLER: Ready = Ready::Caller;
    if core.is_undivided(rows) { &CALLER } else { threads }
}

/// Takes a network's parameters in place of those that are trained.
pub(super) fn set_network<N: Network>(core: &mut Core<N::Scalar>, network: &N) -> Result<(), Error> {
    let (expected, found) = (core.architecture(), network.architecture());
    if expected != found {
        return Err(Error::AnotherArchitecture { expected: expected.to_string(), found: found.to_string() });
    }
    core.set_parameters(network.parameters())
}

impl<N: Network> Drop for Session<'_, N> {
    fn drop(&mut self) {
        self.core.write_back(self.network.parameters_mut());
    }
}

impl<N: Network> fmt::Debug for Session<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Session");
        debug.field("network", &self.network.name()).field("steps", &self.steps()).finish_non_exhaustive()
    }
}
