//! Training epoch by epoch.

mod advance;

use std::fmt;

use nn_kernels::{Element, Explanation};

use super::callback::{Callback, Context, OnEpoch, OnStep, Signal, states};
use super::core::Core;
use super::feed::{Feed, Ranks, Shards};
use super::session::Session;
use super::state::{Batches, CallbackState, Position, RunState, check_most};
use super::trainer::Trainer;
use super::validation::Validation;
use super::{Epoch, History};
use crate::data::{Access, DynDataset, Source, Sum, TrainingData};
use crate::error::Error;
use crate::network::Network;

/// A training run: epochs over data, with validation, callbacks and a history. See [`Trainer::run`].
///
/// It is an iterator over its epochs. The network trains as the iterator advances, and stops where it is dropped.
///
/// ```
/// # use nn_train::prelude::*;
/// # network! { struct Xor<2 => 4 => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let trainer = Trainer::builder().learning_rate(0.05).batch_size(4).epochs(1000).build()?;
/// let mut run = trainer.run(&mut net, &data)?.validation(&data)?;
/// while let Some(epoch) = run.next() {
///     if epoch?.number == 3 {
///         println!("h(1, 0) is now {}", run.network().predict(&[1.0, 0.0])[0]);
///         break;
///     }
/// }
/// # Ok::<(), Error>(())
/// ```
///
/// [`finish`](Self::finish) goes through what is left of it. With closures it can be watched, or ended:
///
/// ```
/// # use nn_train::prelude::*;
/// # network! { struct Xor<2 => 4 => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// # let trainer = Trainer::builder().epochs(100).build()?;
/// // Keep the best network.
/// let mut best = net.clone();
/// let history = trainer
///     .run(&mut net, &data)?
///     .validation(&data)?
///     .on_epoch(|context| {
///         if context.history().best().map(|epoch| epoch.number) == Some(context.epoch()) {
///             best = context.network().clone();
///         }
///         Ok(Signal::Continue)
///     })
///     .finish()?;
/// # assert_eq!(history.len(), 100);
/// # assert_eq!(best.cost(data.inputs(), data.targets(), 0.0)?, history.best().and_then(|e| e.validation_cost).unwrap_or(0.0));
/// # Ok::<(), Error>(())
/// ```
#[must_use = "nothing is trained until the run is iterated or finished"]
pub struct Run<'a, N: Network> {
    session: Session<'a, N>,
    feed: Feed<'a, N::Scalar>,
    validation: Option<Validation<'a, N::Scalar>>,
    callbacks: Vec<Box<dyn Callback<N> + 'a>>,
    /// The last of them that keeps something: which one, and its name.
    keeper: Option<(usize, String)>,
    /// What a state says that callbacks keep, before they have it; and what they kept when the run ended.
    kept: Option<Vec<CallbackState>>,
    epochs: usize,
    /// Whether another run may go on where this one ends.
    may_go_on: bool,
    position: Position,
    history: History,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// No callback has been called.
    New,
    Going,
    /// The last epoch is over, a callback has stopped the run, or there was an error.
    Over,
}

impl<'a, N: Network> Run<'a, N> {
    /// Plans a run. What is needed for it is allocated here, or in its first epoch.
    pub(super) fn new(
        trainer: &Trainer,
        network: &'a mut N,
        source: &'a dyn Source<Scalar = N::Scalar>,
    ) -> Result<Self, Error> {
        let settings = trainer.settings();
        let group = trainer.group();
        trainer.greet(network)?;
        if group.ranks().is_some() {
            group.same("the data of a run", &[("the data", described(source))])?;
        }
        let shards = if source.is_shard() { Some(Shards::exchange(source, group)?) } else { None };
        let ranks = Ranks { rank: group.rank(), size: group.size(), shards };
        let (batch_size, shuffle, seed, parts) = (settings.batch_size, settings.shuffle, settings.seed, settings.parts);
        let feed = group.agree(
            "the rows of a run",
            Feed::new(source, network.architecture(), batch_size, shuffle, seed, ranks, parts),
        )?;
        let session = Session::greeted(trainer, network, feed.batches().samples)?;
        Ok(Self {
            session,
            feed,
            validation: None,
            callbacks: Vec::new(),
            keeper: None,
            kept: None,
            epochs: settings.epochs,
            may_go_on: false,
            position: Position::default(),
            history: History::default(),
            phase: Phase::New,
        })
    }

    /// Data to validate on after each epoch.
    ///
    /// # Errors
    /// The same as for training data.
    pub fn validation<D: TrainingData<N> + ?Sized>(self, data: &'a D) -> Result<Self, Error> {
        let group = self.session.core.group();
        let source = data.source();
        let validation = Validation::new(source, self.session.network.architecture(), group);
        let validation = group.agree("Run::validation", validation)?;
        if group.ranks().is_some() {
            group.same("Run::validation", &[("the validation data", described(source))])?;
        }
        Ok(Self { validation: Some(validation), ..self })
    }

    /// Adds a callback, to be called after those that were added before.
    pub fn callback(self, callback: impl Callback<N> + 'a) -> Self {
        self.callbacks([Box::new(callback) as Box<dyn Callback<N> + 'a>])
    }

    /// Adds callbacks in their order, for a program that learns only when it runs which there are.
    pub fn callbacks(mut self, callbacks: impl IntoIterator<Item = Box<dyn Callback<N> + 'a>>) -> Self {
        for callback in callbacks {
            if let Some(state) = callback.state() {
                self.keeper = Some((self.callbacks.len(), state.name));
            }
            self.callbacks.push(callback);
        }
        self
    }

    /// Adds a closure that is called after each step.
    pub fn on_step(self, callback: impl FnMut(&mut Context<'_, N>) -> Result<Signal, Error> + Send + 'a) -> Self {
        self.callback(OnStep(callback))
    }

    /// Adds a closure that is called after each epoch and its validation.
    pub fn on_epoch(self, callback: impl FnMut(&mut Context<'_, N>) -> Result<Signal, Error> + Send + 'a) -> Self {
        self.callback(OnEpoch(callback))
    }

    /// Goes on from a state, which a run of the same architecture and optimiser has exported: under the same settings and on
    /// the same data bit for bit as that run went on, from the midst of an epoch too, on another number of threads too.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Xor<2 => 4 tanh => 1>; }
    /// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
    /// # let trainer = Trainer::builder().batch_size(3).epochs(5).build()?;
    /// let mut net = Xor::new(1);
    /// let mut state = None;
    /// let history = trainer.run(&mut net, &data)?.on_step(|context| {
    ///     if context.step() == 7 {
    ///         state = Some(context.state()?);
    ///     }
    ///     Ok(nn_train::Signal::Continue)
    /// }).finish()?;
    ///
    /// let state = state.expect("ten steps were taken");
    /// let mut other = Xor::zeros();
    /// let resumed = trainer.run(&mut other, &data)?.resume(&state)?.finish()?;
    /// assert_eq!(other, net);
    /// assert_eq!(resumed.len(), 5);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// Within an epoch the number of samples, the batch size and whether they are shuffled must be [those of the
    /// state](crate::Batches): its position would be another one under others. At an epoch's end they may have changed.
    /// The seed is the state's. All other settings are the trainer's, whatever they were before: more epochs, another
    /// schedule, λ, clipping, smoothing, callbacks that keep nothing.
    ///
    /// Callbacks that [keep something](Callback::state) get back what the state has of them, whether they are added
    /// before or after this call. There must be the same ones; which, the run's first epoch finds out. For one to begin
    /// anew put its state as it is when new in place of the one in [`RunState::callbacks`], or among them.
    ///
    /// # Errors
    /// As [`Session::resume`](crate::Session::resume), and [`Error::State`] when this run has begun, the state is further than
    /// its epochs go, or is from the midst of an epoch that was divided into other batches; what a
    /// [stream](crate::Access::Stream) returns, which is read again up to the step that the
    /// state has come to. The run is then lost, and the network as it was.
    pub fn resume(mut self, state: &RunState<N::Scalar>) -> Result<Self, Error> {
        let own = self.go_on_from(state);
        let group = self.session.core.group();
        group.agree("Run::resume", own)?;
        let Position { epoch, step, .. } = self.position;
        group.same("Run::resume", &[("the state to go on from", format!("epoch {epoch}, step {step}"))])?;
        self.session.core.verify()?;
        Ok(self)
    }

    fn go_on_from(&mut self, state: &RunState<N::Scalar>) -> Result<(), Error> {
        if self.phase != Phase::New {
            let (expected, found) = ("one that has not begun".to_owned(), "one that has".to_owned());
            return Err(Error::State { what: "the run to go on from it", expected, found });
        }
        self.session.core.check_architecture(&state.session.architecture)?;
        let Position { epoch, step, dropped_steps, .. } = state.position;
        check_most("the epochs begun", self.epochs as u64, epoch as u64)?;
        if step > 0 {
            self.feed.adopt(&state.batches)?;
        }
        check_most("the steps taken in the epoch", self.feed.batches().steps(), step)?;
        check_most("the steps dropped in the epoch", step, dropped_steps)?;
        if step > 0 && epoch == 0 {
            let (expected, found) = ("at least 1, since steps were taken".to_owned(), epoch.to_string());
            return Err(Error::State { what: "the epochs begun", expected, found });
        }
        let [cost, weight] = state.position.sums();
        for (what, Sum { sum, lost }) in [("the sum of the costs", cost), ("the sum of the weights", weight)] {
            if let Some(sum) = [sum, lost].into_iter().find(|number| !number.is_finite()) {
                let (expected, found) = ("a finite number".to_owned(), sum.to_string());
                return Err(Error::State { what, expected, found });
            }
        }
        self.session.core.import(&state.session)?;
        self.feed.reseed(state.session.seed);
        if step > 0 {
            self.feed.begin(epoch)?;
            self.feed.skip(step)?;
        }
        (self.position, self.history) = (state.position, state.history.clone());
        self.kept = Some(state.callbacks.clone());
        Ok(())
    }

    /// The run as a value, from which another [goes on](Self::resume) bit for bit.
    ///
    /// After the run's end it is still the state of its last step: without what callbacks have put into the network [at the
    /// end](Callback::on_end), such as the best weights. So a trainer with more epochs goes on from it as if the run had
    /// had them from the first.
    ///
    /// # Errors
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn state(&self) -> Result<RunState<N::Scalar>, Error> {
        let kept = self.kept.clone().unwrap_or_else(|| states(&self.callbacks));
        context_state(&self.session.core, self.position, self.feed.batches(), &self.history, kept)
    }

    /// Says that another run may go on where this one ends, as in a search with rungs.
    pub(crate) fn may_go_on(self, may_go_on: bool) -> Self {
        Self { may_go_on, ..self }
    }

    /// Goes through all epochs that are left, and says how the run went, the epochs before included.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a cost, a gradient or an update is not finite and the step is not
    /// [dropped](crate::Divergence), what a source or a callback returns, or
    /// [`Error::Setting`] for a learning rate of the schedule that is none. The network is as it was before the step.
    /// [`Error::State`] when a callback cannot go on from the state that was [resumed](Self::resume); no step is then
    /// taken.
    pub fn finish(mut self) -> Result<History, Error> {
        for epoch in self.by_ref() {
            epoch?;
        }
        Ok(std::mem::take(&mut self.history))
    }

    /// The network as it is after the steps so far.
    pub fn network(&mut self) -> &N {
        self.session.network()
    }

    /// The epochs that are over.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The number of steps in an epoch.
    #[must_use]
    pub fn epoch_steps(&self) -> u64 {
        self.feed.batches().steps()
    }

    /// How steps are computed, and why so.
    #[must_use]
    pub fn explain(&self) -> &Explanation {
        self.session.explain()
    }
}

/// What all ranks must have alike of their data: the same rows, which are looked at where they are in memory, or a shard each.
pub(crate) fn described<T: Element>(source: &dyn Source<Scalar = T>) -> String {
    let widths = format!("{} inputs and {} targets", source.input_width(), source.target_width());
    if source.is_shard() {
        return format!("a shard of rows of {widths}");
    }
    let rows = format!("{} rows of {widths}", source.len());
    // Of a file in blocks a rank reads its own ones only.
    let resident = if source.access() == Access::Random { source.resident() } else { None };
    let Some(samples) = resident.map(DynDataset::samples) else {
        let files = crc32fast::hash(bytemuck::cast_slice(&source.files()));
        let (access, weighted) = (source.access(), source.weighted());
        return format!("{rows}, read as {access:?}, weighted: {weighted}, files: {files:08x}");
    };
    let mut digest = crc32fast::Hasher::new();
    for numbers in [samples.inputs, samples.targets, samples.weights.unwrap_or_default()] {
        digest.update(bytemuck::cast_slice(numbers));
    }
    format!("{rows} with the checksum {:08x}", digest.finalize())
}

/// A run as a value.
pub(super) fn context_state<T: Element>(
    core: &Core<T>,
    position: Position,
    batches: &Batches,
    history: &History,
    callbacks: Vec<CallbackState>,
) -> Result<RunState<T>, Error> {
    Ok(RunState { session: core.export()?, position, batches: batches.clone(), history: history.clone(), callbacks })
}

impl<N: Network> Iterator for Run<'_, N> {
    type Item = Result<Epoch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.phase == Phase::Over {
            return None;
        }
        let threads = self.session.threads.clone();
        let epoch = threads.install(|| self.advance());
        if epoch.is_err() {
            self.phase = Phase::Over;
        }
        epoch.transpose()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        // A callback or an error may end the run at once.
        let under_way = usize::from(self.position.step > 0);
        let most = if self.phase == Phase::Over { 0 } else { self.epochs - self.position.epoch + under_way };
        (0, Some(most))
    }
}

impl<N: Network> std::iter::FusedIterator for Run<'_, N> {}

impl<N: Network> fmt::Debug for Run<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Run");
        debug.field("network", &self.session.network.name()).field("position", &self.position).finish_non_exhaustive()
    }
}
