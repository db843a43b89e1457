//! One candidate's training in the course of a search.

use std::cmp::Ordering;

use super::mean_and_deviation;
use super::score::{Score, compare};
use crate::data::TrainingData;
use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Context, Goal, History, RunState, Signal, TrainerBuilder};

/// One candidate of a [`Search`](super::Search), and what has come of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trial<C> {
    /// Its place among the candidates, from 0.
    pub number: usize,
    /// The candidate.
    pub candidate: C,
    /// The epochs that it was trained for. Where a callback has stopped some of the folds sooner: those of the shortest.
    pub epochs: usize,
    /// The rungs that it has gone up.
    pub(super) rungs: usize,
    /// Its score after them on each validation part; empty if it failed.
    pub scores: Vec<f64>,
    /// Its epochs, a history for each validation part.
    pub histories: Vec<History>,
    /// Why it has no score: [`Error::Diverged`], or [`Error::Score`] for one that is not finite.
    pub failure: Option<Error>,
}

impl<C> Trial<C> {
    pub(super) fn new(number: usize, candidate: C) -> Self {
        Self { number, candidate, epochs: 0, rungs: 0, scores: Vec::new(), histories: Vec::new(), failure: None }
    }

    /// The mean of its scores; none if it failed.
    #[must_use]
    pub fn score(&self) -> Option<f64> {
        (!self.scores.is_empty()).then(|| mean_and_deviation(self.scores.iter().copied()).0)
    }

    /// The history of its training, on the first part if there are several.
    #[must_use]
    pub fn history(&self) -> Option<&History> {
        self.histories.first()
    }

    fn fail(&mut self, failure: Error) {
        self.scores.clear();
        self.failure = Some(failure);
    }

    /// Which comes first: one that has a score, then the one that has come further, then the better one, then the one
    /// that was first among the candidates.
    pub(super) fn rank(&self, other: &Self, goal: Goal) -> Ordering {
        let better = match (self.score(), other.score()) {
            (Some(a), Some(b)) => other.rungs.cmp(&self.rungs).then(compare(goal, a, b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        better.then(self.number.cmp(&other.number))
    }
}

/// Makes the callbacks of a trial's run on a fold.
pub(super) type Watch<'a, C, N> = dyn Fn(&Trial<C>, usize) -> Result<Vec<Box<dyn Callback<N>>>, Error> + Sync + 'a;

/// What all trials are trained and scored on, and who watches them.
pub(super) struct Judges<'j, 'a, C, D: ?Sized, N: Network> {
    /// Pairs of a part to train on and a part to validate on.
    pub(super) parts: &'j [(&'j D, &'j N::Data)],
    pub(super) score: &'j Score<'a, N>,
    pub(super) callbacks: Option<&'j Watch<'a, C, N>>,
}

/// What a trial needs to go on.
pub(super) struct Work<N: Network> {
    builder: TrainerBuilder,
    folds: Vec<FoldWork<N>>,
}

/// The same on one fold.
struct FoldWork<N: Network> {
    network: N,
    progress: Progress<N::Scalar>,
}

/// How far a trial has come on a fold.
enum Progress<T> {
    New,
    /// The last rung ended here, before its callbacks ended.
    Paused(Box<RunState<T>>),
    /// It is not trained any more.
    Over,
}

impl<N: Network> Work<N> {
    pub(super) fn new((builder, network): (TrainerBuilder, N), folds: usize) -> Self {
        let folds = (0..folds).map(|_| FoldWork { network: network.clone(), progress: Progress::New });
        Self { builder, folds: folds.collect() }
    }

    /// The networks, one for each fold.
    pub(super) fn networks(self) -> Vec<N> {
        self.folds.into_iter().map(|fold| fold.network).collect()
    }

    /// Trains up to `epochs` on each fold, and scores. `goes_on` says whether there may be more epochs after these.
    pub(super) fn advance<C, D: TrainingData<N> + ?Sized>(
        &mut self,
        trial: &mut Trial<C>,
        judges: &Judges<'_, '_, C, D, N>,
        epochs: usize,
        goes_on: bool,
    ) -> Result<(), Error> {
        // A number that is not finite is the candidate's fault, and not the caller's.
        match self.train(trial, judges, epochs, goes_on) {
            Err(failure @ Error::Diverged { .. }) => trial.fail(failure),
            outcome => outcome?,
        }
        if let Some(&value) = trial.scores.iter().find(|score| !score.is_finite()) {
            trial.fail(Error::Score { value });
        }
        trial.epochs =
            trial.histories.iter().map(|history| history.len()).filter(|&epochs| epochs > 0).min().unwrap_or(0);
        trial.rungs += 1;
        Ok(())
    }

    fn train<C, D: TrainingData<N> + ?Sized>(
        &mut self,
        trial: &mut Trial<C>,
        judges: &Judges<'_, '_, C, D, N>,
        epochs: usize,
        goes_on: bool,
    ) -> Result<(), Error> {
        let trainer = self.builder.clone().threads(1).epochs(epochs).build()?;
        if let ranks @ 2.. = trainer.group().size() {
            let expected = "one process: trials run side by side, so that their sums would meet";
            return Err(Error::setting("collective", format!("{ranks} processes"), expected));
        }
        trial.histories.resize_with(judges.parts.len(), History::default);
        let mut scores = Vec::with_capacity(judges.parts.len());
        for (number, (fold, &(train, validation))) in self.folds.iter_mut().zip(judges.parts).enumerate() {
            let FoldWork { network, progress } = fold;
            let before = std::mem::replace(progress, Progress::Over);
            if !matches!(before, Progress::Over) {
                let mut run = trainer.run(network, train)?.validation(validation)?.may_go_on(goes_on);
                if let Progress::Paused(state) = before {
                    run = run.resume(&state)?;
                }
                if let Some(callbacks) = judges.callbacks {
                    run = run.callbacks(callbacks(trial, number)?);
                }
                let pause = |context: &mut Context<'_, N>| {
                    if context.epoch() == context.epochs() && !context.is_stopping() && goes_on {
                        *progress = Progress::Paused(Box::new(context.state()?));
                    }
                    Ok(Signal::Continue)
                };
                let mut run = run.on_epoch(pause);
                let trained = run.by_ref().try_for_each(|epoch| epoch.map(drop));
                trial.histories[number].clone_from(run.history());
                trained?;
            }
            scores.push(judges.score.measure(network, validation)?);
        }
        trial.scores = scores;
        Ok(())
    }
}
