//! Lowering the learning rate of a run that gets no better.

use super::{Best, Goal, Metric, Monitor};
use crate::error::{Error, check_not_negative, is_expressible};
use crate::network::Network;
use crate::train::{Callback, CallbackState, Context, Signal};

const NAME: &str = "reduce_on_plateau";

/// Multiplies the learning rate by a factor when a number of the epochs has not got better for more than `patience`
/// epochs: PyTorch's `ReduceLROnPlateau` with `threshold_mode="abs"` and `eps=0`.
///
/// ```
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let trainer = Trainer::builder().learning_rate(0.1).epochs(100).build()?;
/// let plateau = ReduceOnPlateau::new(Monitor::ValidationCost).factor(0.5).patience(3).floor(1e-4);
/// trainer.run(&mut net, &data)?.validation(&data)?.callback(plateau).finish()?;
/// # Ok::<(), Error>(())
/// ```
///
/// Once it has lowered the rate, the rate stays as it has set it and follows no [`Schedule`](crate::Schedule) any more.
/// It takes one epoch more than [`EarlyStopping`](crate::EarlyStopping) of the same patience, which counts as Keras
/// does: to have both, give this one less. Best number, patience used and cooldown are part of the [run's
/// state](crate::RunState).
#[derive(Debug, Clone)]
pub struct ReduceOnPlateau<M = Monitor> {
    metric: M,
    goal: Option<Goal>,
    factor: f64,
    patience: usize,
    min_delta: f64,
    cooldown: usize,
    floor: f64,
    best: Best,
    /// Epochs since the best one or the last cooldown.
    waited: usize,
    /// Epochs of the cooldown that are left.
    cooling: usize,
}

impl<M> ReduceOnPlateau<M> {
    /// Watches `metric`, and takes a tenth of the rate after 11 epochs in which it has not got better.
    #[must_use]
    pub const fn new(metric: M) -> Self {
        Self {
            metric,
            goal: None,
            factor: 0.1,
            patience: 10,
            min_delta: 0.0,
            cooldown: 0,
            floor: 0.0,
            best: Best(None),
            waited: 0,
            cooling: 0,
        }
    }

    /// Sets what the rate is multiplied by, in (0, 1); 0.1 unless set.
    #[must_use]
    pub fn factor(self, factor: f64) -> Self {
        Self { factor, ..self }
    }

    /// Sets the epochs without a better number that are borne; the rate falls after one more. 10 unless set.
    #[must_use]
    pub fn patience(self, patience: usize) -> Self {
        Self { patience, ..self }
    }

    /// Sets by more than how much a number must be better than the best one, finite and not negative; 0 unless set.
    #[must_use]
    pub fn min_delta(self, min_delta: f64) -> Self {
        Self { min_delta, ..self }
    }

    /// Sets the epochs after each fall that are not counted; 0 unless set.
    #[must_use]
    pub fn cooldown(self, cooldown: usize) -> Self {
        Self { cooldown, ..self }
    }

    /// Sets the least rate, finite and not negative; 0 unless set.
    #[must_use]
    pub fn floor(self, floor: f64) -> Self {
        Self { floor, ..self }
    }

    /// Sets whether lower or higher is better; as [the metric says](Metric::goal) unless set.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }
}

impl<N: Network, M: Metric<N>> Callback<N> for ReduceOnPlateau<M> {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        check_not_negative("min_delta", self.min_delta)?;
        if !(self.factor > 0.0 && self.factor < 1.0) {
            return Err(Error::number("factor", self.factor, "a number in (0, 1)"));
        }
        check_not_negative("floor", self.floor)?;
        if context.epoch() == 0 {
            // What a run before this one has left.
            (self.best, self.waited, self.cooling) = (Best::default(), 0, 0);
        }
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if self.best.measure(&mut self.metric, self.goal, self.min_delta, context)?.is_some() {
            self.waited = 0;
        } else {
            self.waited += 1;
        }
        if self.cooling > 0 {
            self.cooling -= 1;
            self.waited = 0;
        }
        if self.waited > self.patience {
            (self.cooling, self.waited) = (self.cooldown, 0);
            let rate = context.learning_rate();
            let lower = (rate * self.factor).max(self.floor);
            // A rate that the network's numbers cannot express would end the run.
            if lower < rate && is_expressible::<N::Scalar>(lower) {
                context.set_learning_rate(lower)?;
            }
        }
        Ok(Signal::Continue)
    }

    fn state(&self) -> Option<CallbackState> {
        let [count, best] = self.best.to_numbers();
        let numbers = vec![count, best, self.waited as f64, self.cooling as f64];
        Some(CallbackState::new(NAME, numbers, Vec::new()))
    }

    fn restore(&mut self, state: &CallbackState) -> Result<(), Error> {
        let [count, best, waited, cooling] = state.numbers()?;
        let [] = state.lists()?;
        let best = Best::of_numbers(state, [count, best])?;
        let (waited, cooling) = (state.count(waited)?, state.count(cooling)?);
        (self.best, self.waited, self.cooling) = (best, waited as usize, cooling as usize);
        Ok(())
    }
}
