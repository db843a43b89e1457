//! How a run goes on: an epoch, its steps, and the callbacks after them.

use std::time::Instant;

use super::{Phase, Run};
use crate::error::Error;
use crate::network::Network;
use crate::train::Epoch;
use crate::train::callback::{Callback, Context, Signal, restore, states};
use crate::train::core::{Place, Taken};
use crate::train::share::Share;
use crate::train::state::Position;

impl<N: Network> Run<'_, N> {
    /// The next epoch, if the run has another one.
    pub(super) fn advance(&mut self) -> Result<Option<Epoch>, Error> {
        if let Some(kept) = self.kept.take() {
            let restored = restore(&mut self.callbacks, kept);
            self.session.core.group().agree("the start of a run", restored)?;
        }
        if self.phase == Phase::New {
            self.phase = Phase::Going;
            let signal = self.call(Signal::Continue, None, None, |callback, context| callback.on_start(context));
            if self.decide("the start of a run", signal)? == Signal::Stop {
                return self.end().map(|()| None);
            }
        }
        let mut begun = Ok(());
        if self.position.step == 0 {
            if self.position.epoch == self.epochs {
                return self.end().map(|()| None);
            }
            self.position.epoch += 1;
            begun = self.feed.begin(self.position.epoch);
        }
        // An epoch may be divided in another way than the one before.
        self.session.core.ask_for_totals(!self.feed.knows_totals());
        let stopped = if self.session.core.is_alone() {
            begun?;
            self.steps()?
        } else {
            self.steps_together(begun)?
        };
        if stopped == Signal::Stop && self.position.step < self.feed.batches().steps() {
            self.stop()?;
            return self.end().map(|()| None);
        }
        // Stopped by its last step, an epoch is over all the same.
        let epoch = self.summary()?;
        self.history.push(epoch);
        let cost = Some(epoch.cost);
        let signal = self.call(stopped, cost, None, |callback, context| callback.on_epoch(context));
        let signal = self.decide("the callbacks of an epoch", signal)?;
        if signal == Signal::Stop {
            self.stop()?;
        }
        if signal == Signal::Stop || self.position.epoch == self.epochs {
            self.end()?;
        }
        Ok(Some(epoch))
    }

    /// The steps that are left of the epoch.
    fn steps(&mut self) -> Result<Signal, Error> {
        let steps = self.feed.batches().steps();
        // The clock is read twice an epoch: twice a step would be a tenth of a small network's step.
        let (start, before) = (Instant::now(), self.position.elapsed);
        let mut signal = Signal::Continue;
        while self.position.step < steps {
            let Share { batch: Some(batch), weight, .. } = self.feed.batch(self.position.step)? else { break };
            let place = Place { epoch: Some(self.position.epoch), step: self.position.step + 1 };
            let stepped = self.session.core.step(&batch, place);
            let stepped = self.note(stepped.map(|cost| (cost, weight)))?;
            if self.callbacks.is_empty() {
                continue;
            }
            signal = self.call_after(signal, stepped, start)?;
            if signal == Signal::Stop {
                break;
            }
        }
        self.position.elapsed = before.saturating_add(start.elapsed());
        Ok(signal)
    }

    /// The same with other processes. What a callback says after a step goes round with the sums of the next one, or with the
    /// epoch's end: no rank takes a step that another has not.
    fn steps_together(&mut self, begun: Result<(), Error>) -> Result<Signal, Error> {
        let steps = self.feed.batches().steps();
        let (start, before) = (Instant::now(), self.position.elapsed);
        let mut said = begun.map(|()| Signal::Continue);
        let mut stopped = false;
        while self.position.step < steps {
            let place = Place { epoch: Some(self.position.epoch), step: self.position.step + 1 };
            let said_before = std::mem::replace(&mut said, Ok(Signal::Continue)).map(|signal| signal == Signal::Stop);
            let own = match &said_before {
                Ok(false) => Some(self.feed.batch(self.position.step)),
                // The step will not be taken.
                _ => None,
            };
            let stepped = match self.session.core.step_together(own, said_before, place) {
                Ok(None) => {
                    stopped = true;
                    break;
                }
                Ok(Some(Taken { cost, weight })) => Ok((cost, weight)),
                Err(error) => Err(error),
            };
            let stepped = self.note(stepped)?;
            said = self.call_after(Signal::Continue, stepped, start);
        }
        self.position.elapsed = before.saturating_add(start.elapsed());
        if stopped {
            // A rank that had not heard of it has read the next step's.
            self.feed.forget_last();
            return Ok(Signal::Stop);
        }
        self.decide("the end of an epoch", said)
    }

    /// Counts a step that was taken, or dropped, or returns the error that ends the run.
    #[inline]
    fn note(&mut self, stepped: Result<(f64, f64), Error>) -> Result<Result<f64, Error>, Error> {
        match stepped {
            Err(why @ Error::Diverged { .. }) if self.session.core.drops_step() => {
                self.position.drop_step();
                Ok(Err(why))
            }
            stepped => {
                let (cost, weight) = stepped?;
                self.position.add(cost, weight);
                Ok(Ok(cost))
            }
        }
    }

    /// Calls the callbacks after a step.
    fn call_after(&mut self, signal: Signal, stepped: Result<f64, Error>, start: Instant) -> Result<Signal, Error> {
        match stepped {
            Ok(cost) => self.call(signal, Some(cost), Some(start), |callback, context| callback.on_step(context)),
            Err(why) => {
                self.call(signal, None, Some(start), |callback, context| callback.on_dropped_step(context, &why))
            }
        }
    }

    /// Whether the run stops, when all ranks have said what their callbacks want; an error if any has one.
    fn decide(&self, place: &'static str, own: Result<Signal, Error>) -> Result<Signal, Error> {
        let stops = self.session.core.group().decide(place, own.map(|signal| signal == Signal::Stop))?;
        Ok(if stops { Signal::Stop } else { Signal::Continue })
    }

    /// The result of the epoch, its validation included.
    fn summary(&mut self) -> Result<Epoch, Error> {
        let position = std::mem::take(&mut self.position);
        let Position { epoch, dropped_steps, elapsed, .. } = position;
        self.position.epoch = epoch;
        let (validation_cost, accuracy) = match &mut self.validation {
            Some(validation) => {
                let (cost, accuracy) = validation.evaluate(&mut self.session.core)?;
                (Some(cost), accuracy)
            }
            None => (None, None),
        };
        Ok(Epoch {
            number: epoch,
            cost: position.mean_cost(),
            validation_cost,
            accuracy,
            samples_per_second: self.feed.batches().samples as f64 / elapsed.as_secs_f64().max(f64::MIN_POSITIVE),
            dropped_steps,
            duration: elapsed,
        })
    }

    /// Tells the callbacks that one of them has stopped the run.
    fn stop(&mut self) -> Result<(), Error> {
        let signal = Signal::Stop;
        let told = self.call(signal, None, None, |callback, context| callback.on_stop(context).map(|()| signal));
        self.decide("the stop of a run", told).map(|_| ())
    }

    fn end(&mut self) -> Result<(), Error> {
        self.phase = Phase::Over;
        self.session.core.verify()?;
        // What the state will be, whatever the callbacks do now.
        self.kept = Some(states(&self.callbacks));
        self.session.core.end();
        let signal = Signal::Continue;
        let ended = self.call(signal, None, None, |callback, context| callback.on_end(context).map(|()| signal));
        self.decide("the end of a run", ended)?;
        // Callbacks may have put other parameters in place.
        self.session.core.verify()
    }

    /// Calls every callback; whether one of them stops the run, or one has before.
    fn call(
        &mut self,
        mut signal: Signal,
        cost: Option<f64>,
        under_way_since: Option<Instant>,
        mut call: impl FnMut(&mut dyn Callback<N>, &mut Context<'_, N>) -> Result<Signal, Error>,
    ) -> Result<Signal, Error> {
        let (rank, alone) = (self.session.core.group().rank(), self.session.core.is_alone());
        let mut failed = None;
        for index in 0..self.callbacks.len() {
            let (called, rest) = self.callbacks.split_at_mut(index);
            let Some(callback) = rest.first_mut() else { break };
            if rank > 0 && callback.only_on_first_rank() {
                continue;
            }
            let first_only = !alone && callback.only_on_first_rank();
            let mut context = Context {
                first_only,
                network: &mut *self.session.network,
                core: &mut self.session.core,
                feed: &self.feed,
                position: &self.position,
                history: &self.history,
                epochs: self.epochs,
                may_go_on: self.may_go_on,
                batches: self.feed.batches(),
                cost,
                under_way_since,
                stopping: signal == Signal::Stop,
                called,
                uncalled: self.keeper.as_ref().filter(|(last, _)| *last >= index).map(|(_, name)| name.as_str()),
            };
            match call(&mut **callback, &mut context) {
                Ok(Signal::Continue) => {}
                Ok(Signal::Stop) => signal = Signal::Stop,
                Err(error) if alone => return Err(error),
                // Those behind it may sum something over the ranks, as they do on the others.
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(signal), Err)
    }
}
