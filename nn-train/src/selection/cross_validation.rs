//! Cross-validation.

use std::fmt;

use super::folds::Fold;
use super::mean_and_deviation;
use super::score::Score;
use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Goal, History, Trainer};

impl Trainer {
    /// Cross-validation: for each fold a new network, `network(fold)` with the fold's number from 0, is trained on one
    /// part of the data and scored on the other. See [`CrossValidation`] for its settings.
    ///
    /// ```
    /// use nn_train::prelude::*;
    ///
    /// # network! { struct Iris<2 => 8 tanh => 3 softmax>; }
    /// # let row = |i: usize| [(i % 3) as f32 + (i as f32).sin() / 9.0, 100.0 + i as f32];
    /// # let rows: Vec<[f32; 2]> = (0..30).map(row).collect();
    /// # let data = Dataset::from_labels(rows, &(0..30).map(|i| i % 3).collect::<Vec<_>>())?;
    /// let trainer = Trainer::builder().learning_rate(0.05).epochs(40).build()?;
    /// let folds = KFold::new(5).shuffle(1).stratified(&data.labels()?)?;
    /// let scores = trainer
    ///     .cross_validate(|fold| Ok(Iris::new(fold as u64)), &data, &folds)
    ///     .prepare(|train, validation| {
    ///         // By what the training part is like, and nothing else.
    ///         let train = train.standardized()?;
    ///         let validation = validation.standardized_like(&train)?;
    ///         Ok((train, validation))
    ///     })
    ///     .score(Goal::Highest, metrics::accuracy)
    ///     .run()?;
    /// println!("{scores}");
    /// assert!(scores.mean() > 0.9);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn cross_validate<'a, N: Network>(
        &'a self,
        network: impl FnMut(usize) -> Result<N, Error> + 'a,
        data: &'a N::Data,
        folds: &'a [Fold],
    ) -> CrossValidation<'a, N> {
        CrossValidation {
            trainer: self,
            network: Box::new(network),
            data,
            folds,
            prepare: None,
            callbacks: None,
            score: Score::default(),
            keep_networks: false,
        }
    }
}

/// Makes the network of a fold.
type Make<'a, N> = dyn FnMut(usize) -> Result<N, Error> + 'a;

/// The part to train on and the part to validate on.
type Parts<N> = (<N as Network>::Data, <N as Network>::Data);

/// Makes of both parts as they stand in the data what is trained and validated on.
type Prepare<'a, N> = dyn FnMut(<N as Network>::Data, <N as Network>::Data) -> Result<Parts<N>, Error> + 'a;

/// Makes the callbacks of a fold's run.
type Watch<'a, N> = dyn FnMut(usize) -> Result<Vec<Box<dyn Callback<N>>>, Error> + 'a;

/// Cross-validation before it runs: see [`Trainer::cross_validate`].
///
/// Folds are trained one after the other, each on all the trainer's threads. Only the fold that is under way has a copy
/// of the data. The network with its seed is the caller's: to give each fold its own seed shows how much is due to the
/// seed too.
#[must_use = "nothing is trained before `run`"]
pub struct CrossValidation<'a, N: Network> {
    trainer: &'a Trainer,
    network: Box<Make<'a, N>>,
    data: &'a N::Data,
    folds: &'a [Fold],
    prepare: Option<Box<Prepare<'a, N>>>,
    callbacks: Option<Box<Watch<'a, N>>>,
    score: Score<'a, N>,
    keep_networks: bool,
}

impl<'a, N: Network> CrossValidation<'a, N> {
    /// Sets what is made of each fold's parts, to train and to validate on, before they are used; nothing unless set.
    ///
    /// Whatever is fitted to data belongs in here, a [`Standardizer`](crate::Standardizer) first of all. Fitted before,
    /// to all of the data, it tells the network about the samples that it is validated on, and the score is too good.
    /// The same holds for class weights, [`balanced`](crate::DynDataset::balanced).
    pub fn prepare(self, prepare: impl FnMut(N::Data, N::Data) -> Result<Parts<N>, Error> + 'a) -> Self {
        Self { prepare: Some(Box::new(prepare)), ..self }
    }

    /// Sets the callbacks of each fold's run, by the fold's number from 0: new ones each time, as most of them remember
    /// something of the run that they watch. None unless set.
    ///
    /// A network that [`EarlyStopping`](crate::EarlyStopping) chooses by its validation cost is chosen by the samples that
    /// it is then scored on: the score is a little too good.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Line<1 => 1 linear>; }
    /// # let xs: Vec<[f32; 1]> = (0..30).map(|i| [i as f32 / 30.0]).collect();
    /// # let data = Dataset::new(xs.clone(), xs)?;
    /// # let trainer = Trainer::builder().learning_rate(0.1).epochs(1000).build()?;
    /// let folds = KFold::new(3).split(data.len())?;
    /// let scores = trainer
    ///     .cross_validate(|_| Ok(Line::new(1)), &data, &folds)
    ///     .callbacks(|_| Ok(vec![Box::new(EarlyStopping::new(Monitor::ValidationCost).patience(3))]))
    ///     .run()?;
    /// assert!(scores.folds.iter().all(|fold| fold.history.len() < 1000));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn callbacks(self, callbacks: impl FnMut(usize) -> Result<Vec<Box<dyn Callback<N>>>, Error> + 'a) -> Self {
        Self { callbacks: Some(Box::new(callbacks)), ..self }
    }

    /// Sets what a network is scored by on the validation part, such as
    /// [`metrics::accuracy`](crate::metrics::accuracy), and whether the lowest or the highest score is the best. Unless
    /// set it is the validation cost.
    pub fn score(self, goal: Goal, measure: impl Fn(&N, &N::Data) -> Result<f64, Error> + Sync + 'a) -> Self {
        Self { score: Score::new(goal, measure), ..self }
    }

    /// Sets whether the networks are kept, in [`FoldRun::network`]; false unless set.
    pub fn keep_networks(self, keep_networks: bool) -> Self {
        Self { keep_networks, ..self }
    }

    /// Trains and scores.
    ///
    /// # Errors
    /// [`Error::Missing`] without a fold, [`Error::Index`], [`Error::Empty`] or [`Error::Weightless`] for a part that
    /// is none, what the closures return, otherwise as [`Trainer::fit`]: [`Error::Diverged`] too, since a mean over the
    /// other folds would be too good.
    pub fn run(self) -> Result<CrossValidated<N>, Error> {
        let Self { trainer, mut network, data, folds, mut prepare, mut callbacks, score, keep_networks } = self;
        if folds.is_empty() {
            return Err(Error::Missing { what: "fold", expected: "at least 1" });
        }
        let mut runs = Vec::with_capacity(folds.len());
        for (number, fold) in folds.iter().enumerate() {
            let part = |indices: &[usize]| N::data(N::dataset(data).subset(indices)?);
            let (mut train, mut validation) = (part(&fold.train)?, part(&fold.validation)?);
            if let Some(prepare) = &mut prepare {
                (train, validation) = prepare(train, validation)?;
            }
            let mut network = network(number)?;
            let mut run = trainer.run(&mut network, &train)?.validation(&validation)?;
            if let Some(callbacks) = &mut callbacks {
                run = run.callbacks(callbacks(number)?);
            }
            let history = run.finish()?;
            let score = score.measure(&network, &validation)?;
            runs.push(FoldRun { score, history, network: keep_networks.then_some(network) });
        }
        Ok(CrossValidated { goal: score.goal, folds: runs })
    }
}

impl<N: Network> fmt::Debug for CrossValidation<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("CrossValidation");
        debug.field("folds", &self.folds.len()).field("score", &self.score).finish_non_exhaustive()
    }
}

/// What has come of one fold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoldRun<N> {
    /// The score of the network, as its run has left it, on the part to validate on.
    pub score: f64,
    /// Its epochs, with the validation cost of each.
    pub history: History,
    /// The network, where [it is kept](CrossValidation::keep_networks).
    pub network: Option<N>,
}

/// The result of a cross-validation. Displayed, it is a table, a line for each fold.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct CrossValidated<N> {
    /// Whether the lowest or the highest score is the best.
    pub goal: Goal,
    /// The folds, in their order; at least one.
    pub folds: Vec<FoldRun<N>>,
}

impl<N> CrossValidated<N> {
    /// The mean of the scores, in which each fold counts the same.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean_and_deviation().0
    }

    /// The standard deviation of the scores, √(Σ (score - mean)² / k), as `scores.std()` in NumPy.
    #[must_use]
    pub fn deviation(&self) -> f64 {
        self.mean_and_deviation().1
    }

    fn mean_and_deviation(&self) -> (f64, f64) {
        mean_and_deviation(self.folds.iter().map(|fold| fold.score))
    }
}

impl<N> fmt::Display for CrossValidated<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "fold        cost  validation  accuracy       score")?;
        let optional = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| format!("{number:.4}"));
        for (number, fold) in self.folds.iter().enumerate() {
            let last = fold.history.last();
            let cost = optional(last.map(|epoch| epoch.cost));
            let validation = optional(last.and_then(|epoch| epoch.validation_cost));
            let accuracy = optional(last.and_then(|epoch| epoch.accuracy));
            writeln!(f, "{number:>4}  {cost:>10}  {validation:>10}  {accuracy:>8}  {:>10.4}", fold.score)?;
        }
        let (mean, deviation) = self.mean_and_deviation();
        write!(f, "mean {:>41.4} ± {deviation:.4}", mean)
    }
}
