//! Ending a run that gets no better.

use super::{Best, Goal, Metric, Monitor, check_length, parameters, set_parameters};
use crate::error::{Error, check_not_negative};
use crate::network::Network;
use crate::train::{Callback, CallbackState, Context, Signal};

const NAME: &str = "early_stopping";

/// Ends a run when a number of its epochs has not got better for `patience` epochs, and puts the best epoch's weights
/// into the network, also when the run ends by its last epoch. Prechelt, "Early stopping - but when?", in Neural
/// Networks: Tricks of the Trade, 1998.
///
/// ```
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let trainer = Trainer::builder().learning_rate(0.5).epochs(1000).build()?;
/// let mut stopping = EarlyStopping::new(Monitor::ValidationCost).patience(5).min_delta(1e-4);
/// let history = trainer.run(&mut net, &data)?.validation(&data)?.callback(&mut stopping).finish()?;
///
/// assert_eq!(history.len(), stopping.best_epoch().unwrap_or(0) + 5);
/// assert_eq!(Some(net.cost(data.inputs(), data.targets(), 0.0)?), stopping.best());
/// # Ok::<(), Error>(())
/// ```
///
/// The number may also be your own. Name the context's type, of which the compiler learns the network:
///
/// ```
/// # use nn_train::prelude::*;
/// # use nn_train::Goal;
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// # let trainer = Trainer::builder().learning_rate(0.5).epochs(10).build()?;
/// let certain = |context: &mut Context<'_, Xor>| Ok(f64::from(context.network().predict(&[1.0, 0.0])[0]));
/// let stopping = EarlyStopping::new(certain).goal(Goal::Highest);
/// trainer.run(&mut net, &data)?.callback(stopping).finish()?;
/// # Ok::<(), Error>(())
/// ```
///
/// With a [`WeightAverage`](crate::WeightAverage) that is applied at the end, the last one added decides what the network
/// has.
///
/// Best number, patience used and best weights are part of the [run's state](crate::RunState). A run that is resumed
/// when its patience was used up ends at once.
#[derive(Debug, Clone)]
pub struct EarlyStopping<M = Monitor> {
    metric: M,
    goal: Option<Goal>,
    patience: usize,
    min_delta: f64,
    restore_best: bool,
    best: Best,
    best_epoch: usize,
    /// Epochs since the best one.
    waited: usize,
    /// The best epoch's parameters; empty without one.
    weights: Vec<f64>,
}

impl<M> EarlyStopping<M> {
    /// Watches `metric`, with a patience of 10 epochs.
    #[must_use]
    pub const fn new(metric: M) -> Self {
        Self {
            metric,
            goal: None,
            patience: 10,
            min_delta: 0.0,
            restore_best: true,
            best: Best(None),
            best_epoch: 0,
            waited: 0,
            weights: Vec::new(),
        }
    }

    /// Sets the epochs without a better number after which the run ends, at least 1; 10 unless set. With 1 it ends
    /// after the first epoch that is no better than all before. That is Keras' `patience`.
    #[must_use]
    pub fn patience(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// Sets by more than how much a number must be better than the best one, finite and not negative; 0 unless set.
    #[must_use]
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Sets whether lower or higher is better; as [the metric says](Metric::goal) unless set.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Sets whether the best epoch's weights are put into the network when the run ends; true unless set. They are
    /// copied in each epoch that is the best so far.
    #[must_use]
    pub fn restore_best(self, restore_best: bool) -> Self {
        Self { restore_best, ..self }
    }

    /// The best number, once there is one.
    #[must_use]
    pub fn best(&self) -> Option<f64> {
        self.best.0
    }

    /// The epoch that it was, from 1.
    #[must_use]
    pub fn best_epoch(&self) -> Option<usize> {
        (self.best_epoch > 0).then_some(self.best_epoch)
    }

    fn signal(&self) -> Signal {
        if self.waited >= self.patience { Signal::Stop } else { Signal::Continue }
    }
}

impl<N: Network, M: Metric<N>> Callback<N> for EarlyStopping<M> {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        check_not_negative("min_delta", self.min_delta)?;
        if self.patience == 0 {
            return Err(Error::setting("patience", self.patience, "at least 1"));
        }
        if context.epoch() == 0 {
            // What a run before this one has left.
            (self.best, self.best_epoch, self.waited) = (Best::default(), 0, 0);
            self.weights.clear();
        }
        check_length(NAME, &self.weights, context)?;
        Ok(self.signal())
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if self.best.measure(&mut self.metric, self.goal, self.min_delta, context)?.is_some() {
            (self.best_epoch, self.waited) = (context.epoch(), 0);
            if self.restore_best {
                self.weights = parameters(context);
            }
        } else {
            self.waited += 1;
        }
        Ok(self.signal())
    }

    fn on_end(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        if self.weights.is_empty() { Ok(()) } else { set_parameters(context, &self.weights) }
    }

    fn state(&self) -> Option<CallbackState> {
        let [count, best] = self.best.to_numbers();
        let numbers = vec![count, best, self.best_epoch as f64, self.waited as f64];
        Some(CallbackState::new(NAME, numbers, vec![self.weights.clone()]))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<(), Error> {
        let [count, best, best_epoch, waited] = state.numbers()?;
        let [weights] = state.lists()?;
        let best = Best::of_numbers(state, [count, best])?;
        let (best_epoch, waited) = (state.count(best_epoch)?, state.count(waited)?);
        (self.best, self.best_epoch, self.waited) = (best, best_epoch as usize, waited as usize);
        self.weights = weights.to_vec();
        Ok(())
    }
}
