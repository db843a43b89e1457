//! One candidate's training in the course of a search.

use std::cmp::Ordering;

use super::mean_and_deviation;
use super::score::{Score, compare};
use crate::data::TrainingData;
use crate::error::Error;
use crate::network::Network;
use crate::train::{Goal, History, RunState, TrainerBuilder};

/// One candidate of a [`Search`](super::Search), and what has come of it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Trial<C> {
    /// Its place among the candidates, from 0.
    pub number: usize,
    /// The candidate.
    pub candidate: C,
    /// The epochs that it was trained for.
    pub epochs: usize,
    /// Its score after them on each validation part; empty if it failed.
    pub scores: Vec<f64>,
    /// Its epochs, a history for each validation part.
    pub histories: Vec<History>,
    /// Why it has no score: [`Error::Diverged`], or [`Error::Setting`] for a score that is not finite.
    pub failure: Option<Error>,
}

impl<C> Trial<C> {
    pub(super) fn new(number: usize, candidate: C) -> Self {
        Self { number, candidate, epochs: 0, scores: Vec::new(), histories: Vec::new(), failure: None }
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
            (Some(a), Some(b)) => other.epochs.cmp(&self.epochs).then(compare(goal, a, b)),
            (a, b) => a.is_none().cmp(&b.is_none()),
        };
        better.then(self.number.cmp(&other.number))
    }
}

/// What a trial needs to go on.
pub(super) struct Work<N: Network> {
    builder: TrainerBuilder,
    pub(super) networks: Vec<N>,
    /// Where each network's run goes on; empty before the first epoch.
    states: Vec<RunState<N::Scalar>>,
}

impl<N: Network> Work<N> {
    pub(super) fn new((builder, network): (TrainerBuilder, N), parts: usize) -> Self {
        Self { builder, networks: vec![network; parts], states: Vec::new() }
    }

    /// Trains up to `epochs` on each pair of a part to train and a part to validate on, and scores. `goes_on` says
    /// whether there may be more epochs after these.
    pub(super) fn advance<C, D: TrainingData<N> + ?Sized>(
        &mut self,
        trial: &mut Trial<C>,
        parts: &[(&D, &N::Data)],
        score: &Score<'_, N>,
        epochs: usize,
        goes_on: bool,
    ) -> Result<(), Error> {
        // A number that is not finite is the candidate's fault, and not the caller's.
        match self.train(trial, parts, score, epochs, goes_on) {
            Err(failure @ Error::Diverged { .. }) => trial.fail(failure),
            outcome => outcome?,
        }
        if let Some(&number) = trial.scores.iter().find(|score| !score.is_finite()) {
            trial.fail(Error::number("score", number, "a finite number"));
        }
        trial.epochs = trial.histories.iter().map(|history| history.len()).min().unwrap_or(0);
        Ok(())
    }

    fn train<C, D: TrainingData<N> + ?Sized>(
        &mut self,
        trial: &mut Trial<C>,
        parts: &[(&D, &N::Data)],
        score: &Score<'_, N>,
        epochs: usize,
        goes_on: bool,
    ) -> Result<(), Error> {
        let trainer = self.builder.clone().threads(1).epochs(epochs).build()?;
        let before = std::mem::take(&mut self.states);
        trial.scores.clear();
        trial.histories.resize_with(parts.len(), History::default);
        let each = self.networks.iter_mut().zip(parts).zip(&mut trial.histories).enumerate();
        for (part, ((network, (train, validation)), history)) in each {
            let mut run = trainer.run(network, *train)?.validation(*validation)?;
            if let Some(state) = before.get(part) {
                run = run.resume(state)?;
            }
            let trained = run.by_ref().try_for_each(|epoch| epoch.map(drop));
            history.clone_from(run.history());
            trained?;
            if goes_on {
                self.states.push(run.state()?);
            }
            drop(run);
            trial.scores.push(score.measure(network, validation)?);
        }
        Ok(())
    }
}
