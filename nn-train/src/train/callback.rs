//! Callbacks: code of the caller's that watches and steers a run.

use std::time::{Duration, Instant};

use super::core::Core;
use super::feed::Feed;
use super::run::context_state;
use super::session::set_network;
use super::state::{Batches, CallbackState, Position, RunState};
use super::{Epoch, History};
use crate::error::Error;
use crate::network::Network;

/// The answer of a callback: whether the run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// Go on.
    Continue,
    /// Stop here. The network is as the last step left it.
    Stop,
}

/// Code that is called in the course of a [`Run`](crate::Run): to watch it, to set the learning rate, to keep the best
/// network, or to stop it.
///
/// A method that you leave out does nothing. Each may return an error, which ends the run and is what the run
/// returns. Callbacks are called on one of the trainer's threads, in the order in which they were added. All of them are
/// called, also when the first one says [`Stop`](Signal::Stop).
///
/// ```
/// use nn_train::prelude::*;
///
/// /// Ends a run whose validation cost has not improved for `patience` epochs.
/// struct Patience {
///     patience: usize,
/// }
///
/// impl<N: Network> Callback<N> for Patience {
///     fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
///         let best = context.history().best().map_or(0, |epoch| epoch.number);
///         Ok(if context.epoch() >= best + self.patience { Signal::Stop } else { Signal::Continue })
///     }
/// }
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let trainer = Trainer::builder().learning_rate(0.5).epochs(1000).build()?;
/// let history = trainer.run(&mut net, &data)?.validation(&data)?.callback(Patience { patience: 3 }).finish()?;
/// # assert!(!history.is_empty() && history.len() < 1000);
/// # Ok::<(), Error>(())
/// ```
///
/// [`EarlyStopping`](crate::EarlyStopping) does that and more; [`ReduceOnPlateau`](crate::ReduceOnPlateau) lowers the
/// learning rate. What a callback keeps from call to call is part of the run's state if it says so by
/// [`state`](Self::state) and [`restore`](Self::restore).
///
/// # Files
///
/// The library's callbacks that write files (`CsvLog`, `JsonLines`, `TensorBoard`, `Checkpoints`) have one rule for what an
/// earlier run has left:
///
/// - A run that begins anew overwrites nothing. Where a log is there already, or a folder has such files, the run ends with
///   `Error::Exists` before its first step. `overwrite(true)` lets it replace them, from its first own line, event or
///   checkpoint on. A program that restarts itself wants that for its logs: it may have been ended before there was a
///   checkpoint to go on from.
/// - A run that is [resumed](crate::Run::resume) goes on with its own. What an earlier attempt wrote to a log after the point
///   at which it goes on is cut off: lines of later epochs, and the line that a killed program left unfinished.
///   TensorBoard is told to hide the later steps, whosever the folder's files are. Checkpoints of later steps stay until
///   they are the oldest. A log or a checkpoint of another run is `Error::AnotherRun`, and is left as it is. What is
///   not there is made.
pub trait Callback<N: Network>: Send {
    /// Before the first step, of a run that is resumed too.
    ///
    /// # Errors
    /// Whatever should end the run.
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let _ = context;
        Ok(Signal::Continue)
    }

    /// After each step.
    ///
    /// # Errors
    /// Whatever should end the run.
    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let _ = context;
        Ok(Signal::Continue)
    }

    /// After a step that [diverged and was dropped](crate::Divergence), in place of [`on_step`](Self::on_step). `why`
    /// is the [`Error::Diverged`] of that step. The parameters are as they were before it, the learning rate is already
    /// the lower one, and [`Context::cost`] is `None`.
    ///
    /// # Errors
    /// Whatever should end the run.
    fn on_dropped_step(&mut self, context: &mut Context<'_, N>, why: &Error) -> Result<Signal, Error> {
        let _ = (context, why);
        Ok(Signal::Continue)
    }

    /// After each epoch and its validation.
    ///
    /// # Errors
    /// Whatever should end the run.
    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let _ = context;
        Ok(Signal::Continue)
    }

    /// When a callback has stopped the run, once all have been called after that step or epoch: the time to write down what
    /// must not be lost. Not after an error, nor where a callback stops the run at its start.
    ///
    /// # Errors
    /// Whatever the run should return.
    fn on_stop(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        let _ = context;
        Ok(())
    }

    /// After the last epoch, or when a callback has stopped the run; not after an error.
    ///
    /// The network may get other parameters for its user here, for example the best ones. They are no part of the run's
    /// [state](crate::Run::state), which stays that of the last step.
    ///
    /// # Errors
    /// Whatever the run should return.
    fn on_end(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        let _ = context;
        Ok(())
    }

    /// Return true for a callback that prints or writes files: of [several processes](crate::TrainerBuilder::collective) that
    /// train together rank 0 alone then calls it. It cannot ask for the [gradient](Context::gradient), and must not change the
    /// network or the learning rate. All ranks call the others, closures too: print where [`Context::rank`] is 0.
    fn only_on_first_rank(&self) -> bool {
        false
    }

    /// What it keeps, under a name that is always the same, for a run that is resumed to go on bit for bit. `None`, as
    /// unless implemented, if it keeps nothing; then it has nothing before the first step either.
    fn state(&self) -> Option<CallbackState> {
        None
    }

    /// Takes what [`state`](Self::state) of one of the same name returned. A run that is resumed calls it before
    /// [`on_start`](Self::on_start).
    ///
    /// # Errors
    /// [`Error::State`] for a state that is not one of this callback's.
    fn restore(&mut self, state: &CallbackState) -> Result<(), Error> {
        let _ = state;
        Ok(())
    }
}

impl<N: Network, C: Callback<N> + ?Sized> Callback<N> for &mut C {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        (**self).on_start(context)
    }

    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        (**self).on_step(context)
    }

    fn on_dropped_step(&mut self, context: &mut Context<'_, N>, why: &Error) -> Result<Signal, Error> {
        (**self).on_dropped_step(context, why)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        (**self).on_epoch(context)
    }

    fn on_stop(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        (**self).on_stop(context)
    }

    fn on_end(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        (**self).on_end(context)
    }

    fn only_on_first_rank(&self) -> bool {
        (**self).only_on_first_rank()
    }

    fn state(&self) -> Option<CallbackState> {
        (**self).state()
    }

    fn restore(&mut self, state: &CallbackState) -> Result<(), Error> {
        (**self).restore(state)
    }
}

/// What callbacks keep.
pub(super) fn states<N: Network>(callbacks: &[Box<dyn Callback<N> + '_>]) -> Vec<CallbackState> {
    callbacks.iter().filter_map(|callback| callback.state()).collect()
}

/// Gives callbacks what they kept, each the first state left that has its name.
pub(super) fn restore<N: Network>(
    callbacks: &mut [Box<dyn Callback<N> + '_>],
    mut kept: Vec<CallbackState>,
) -> Result<(), Error> {
    let names = |states: &[CallbackState]| {
        let mut names: Vec<String> = states.iter().map(|state| format!("`{}`", state.name)).collect();
        names.sort_unstable();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    };
    let (expected, found) = (names(&states(callbacks)), names(&kept));
    if expected != found {
        return Err(Error::State { what: "the callbacks", expected, found });
    }
    for callback in callbacks {
        let Some(name) = callback.state().map(|state| state.name) else { continue };
        if let Some(index) = kept.iter().position(|state| state.name == name) {
            callback.restore(&kept.remove(index))?;
        }
    }
    Ok(())
}

/// A closure that is called after each step.
pub(super) struct OnStep<F>(pub(super) F);

impl<N: Network, F: FnMut(&mut Context<'_, N>) -> Result<Signal, Error> + Send> Callback<N> for OnStep<F> {
    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.0(context)
    }
}

/// A closure that is called after each epoch.
pub(super) struct OnEpoch<F>(pub(super) F);

impl<N: Network, F: FnMut(&mut Context<'_, N>) -> Result<Signal, Error> + Send> Callback<N> for OnEpoch<F> {
    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.0(context)
    }
}

/// The run as a [`Callback`] sees it.
pub struct Context<'c, N: Network> {
    /// Whether only the first of several ranks is here.
    pub(super) first_only: bool,
    pub(super) network: &'c mut N,
    pub(super) core: &'c mut Core<N::Scalar>,
    pub(super) feed: &'c Feed<'c, N::Scalar>,
    pub(super) position: &'c Position,
    pub(super) history: &'c History,
    pub(super) epochs: usize,
    /// Whether another run may go on where this one ends, as in a search with rungs.
    pub(super) may_go_on: bool,
    pub(super) batches: &'c Batches,
    pub(super) cost: Option<f64>,
    /// When the steps began that the position does not count the time of.
    pub(super) under_way_since: Option<Instant>,
    pub(super) stopping: bool,
    /// The callbacks that have been called.
    pub(super) called: &'c [Box<dyn Callback<N> + 'c>],
    /// The name of one that keeps something and has not been called yet, or is being called.
    pub(super) uncalled: Option<&'c str>,
}

impl<N: Network> Context<'_, N> {
    /// Which process this is of those that [train together](crate::TrainerBuilder::collective); 0 of one that is alone.
    #[must_use]
    pub fn rank(&self) -> usize {
        self.core.group().rank()
    }

    /// How many processes train together.
    #[must_use]
    pub fn ranks(&self) -> usize {
        self.core.group().size()
    }

    /// The epoch that is under way or has just ended, from 1; 0 before the first.
    #[must_use]
    pub fn epoch(&self) -> usize {
        self.position.epoch
    }

    /// The number of epochs that the run will have.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Steps taken in the epoch that is under way, those that were dropped included; 0 between epochs.
    #[must_use]
    pub fn epoch_step(&self) -> u64 {
        self.position.step
    }

    /// The number of steps in an epoch.
    #[must_use]
    pub fn epoch_steps(&self) -> u64 {
        self.batches.steps()
    }

    /// Steps taken in the whole run, those that were dropped not counted.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.core.steps()
    }

    /// Steps of the whole run that [diverged and were dropped](crate::Divergence).
    #[must_use]
    pub fn dropped_steps(&self) -> u64 {
        self.core.dropped_steps()
    }

    /// The cost of the last step's batch before that step, on smoothed targets and with the λ terms, as far as they are
    /// set; none before the first step and after one that was dropped.
    #[must_use]
    pub fn cost(&self) -> Option<f64> {
        self.cost
    }

    /// The gradient's norm in the last step, the λ terms included and before it was clipped, where it [is
    /// measured](crate::TrainerBuilder::gradient_norm).
    #[must_use]
    pub fn gradient_norm(&self) -> Option<f64> {
        self.core.gradient_norm()
    }

    /// The cost J of the last step's batch as the parameters are now, and its gradient Δ, which has the network's own
    /// type, as [`Network::gradient`] has it. `None` before the first step of the run, or after it was resumed, and once the
    /// run has [ended](Callback::on_end).
    ///
    /// They are those that one more step on that batch would have: its samples as they weigh, smoothed targets and the
    /// terms of λ and λ₁, as far as they are set. But units are not dropped, and nothing is clipped. After a step that was
    /// dropped because it diverged, numbers may be infinite or NaN.
    ///
    /// It is computed when it is asked for, which takes about as long as a step. The run goes on with the same bits
    /// as without it. Of several processes each computes its part: all have to ask, before anything that may fail on one
    /// of them.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Line<1 => 1 linear>: f64; }
    /// # let data = Dataset::new(vec![[1.0], [2.0]], vec![[3.0], [5.0]])?;
    /// # let mut net = Line::new(1);
    /// let trainer = Trainer::builder().learning_rate(0.1).batch_size(2).epochs(3).build()?;
    /// let watch = |context: &mut Context<'_, Line>| {
    ///     if let Some((cost, gradient)) = context.gradient()? {
    ///         println!("cost {cost}, gradient of the weight {}", gradient.layer1().weights[0][0]);
    ///     }
    ///     Ok(Signal::Continue)
    /// };
    /// trainer.run(&mut net, &data)?.on_epoch(watch).finish()?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn gradient(&mut self) -> Result<Option<(f64, N)>, Error> {
        if self.core.has_ended() {
            return Ok(None);
        }
        if self.first_only {
            let reason = "the gradient takes all ranks, and this callback is called on the first one only";
            return Err(Error::callback(reason));
        }
        let Some(share) = self.feed.last()? else { return Ok(None) };
        let mut gradient = self.network.zeros_like()?;
        let cost = self.core.gradient(&share, gradient.parameters_mut())?;
        Ok(Some((cost, gradient)))
    }

    /// The learning rate of the next step.
    #[must_use]
    pub fn learning_rate(&self) -> f64 {
        self.core.learning_rate()
    }

    /// Sets the learning rate of all steps to come, in place of the trainer's schedule.
    ///
    /// # Errors
    /// As [`Session::set_learning_rate`](crate::Session::set_learning_rate).
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<(), Error> {
        self.core.set_learning_rate(learning_rate)
    }

    /// The epochs that are over.
    #[must_use]
    pub fn history(&self) -> &History {
        self.history
    }

    /// The last epoch that is over.
    #[must_use]
    pub fn last_epoch(&self) -> Option<&Epoch> {
        self.history.last()
    }

    /// Whether the run is about to end because a callback has said [`Stop`](Signal::Stop), of those that were called
    /// before this one after the same step or epoch. At the end of an epoch also whether one has after its last step.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.stopping
    }

    /// The network as it is after the steps so far. After a step this copies the parameters.
    pub fn network(&mut self) -> &N {
        self.core.write_back(self.network.parameters_mut());
        self.network
    }

    /// Goes on from other parameters, for example the best ones. The optimiser's memory stays as it is.
    ///
    /// # Errors
    /// [`Error::AnotherArchitecture`] when `network` has another architecture than the one that is trained.
    pub fn set_network(&mut self, network: &N) -> Result<(), Error> {
        set_network(self.core, network)
    }

    /// The run as a value, from which another [goes on](crate::Run::resume) bit for bit.
    ///
    /// It holds what the callbacks keep. All of those that keep anything must have been called, so the one that asks is
    /// added after them.
    ///
    /// # Errors
    /// [`Error::CallbackOrder`] when a callback that keeps something comes after this one, or is this one;
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn state(&self) -> Result<RunState<N::Scalar>, Error> {
        let mut position = *self.position;
        let under_way = self.under_way_since.map_or(Duration::ZERO, |start| start.elapsed());
        position.elapsed = position.elapsed.saturating_add(under_way);
        self.check_called()?;
        context_state(self.core, position, self.batches, self.history, states(self.called))
    }

    /// All callbacks that keep something have been called.
    pub(super) fn check_called(&self) -> Result<(), Error> {
        let Some(name) = self.uncalled else { return Ok(()) };
        Err(Error::CallbackOrder { callback: name.to_owned() })
    }
}

impl<N: Network> std::fmt::Debug for Context<'_, N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").field("position", self.position).field("cost", &self.cost).finish_non_exhaustive()
    }
}
