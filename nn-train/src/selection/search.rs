//! The best of many settings.

use std::fmt;
use std::ops::RangeInclusive;

use nn_kernels::threads::{alone, join};

use super::score::Score;
use super::trial::{Judges, Trial, Watch, Work};
use super::{mean_and_deviation, short};
use crate::data::TrainingData;
use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Goal, Threads, TrainerBuilder, Workers};

/// Trains a network for each candidate, a list of them or what a [`Space`](super::Space) draws, and finds the best by
/// its score on validation data. Trials run side by side, each on one thread.
///
/// ```
/// use nn_train::prelude::*;
///
/// # let rows = |count: usize, at: f32| -> Result<DynDataset<f32>, Error> {
/// #     let xs: Vec<f32> = (0..count).map(|i| (i as f32 + at) / count as f32).collect();
/// #     let ys = xs.iter().map(|x| (6.0 * x).sin()).collect();
/// #     DynDataset::new(xs, 1, ys, 1)
/// # };
/// # let (train, validation) = (rows(64, 0.0)?, rows(32, 0.5)?);
/// // Width and learning rate. A closure makes of them what is to be trained.
/// let space = (Choice::new([4, 16]), LogUniform::new(1e-4, 1.0));
/// let search = Search::new(space.sample(9, 1)?).epochs(9..=81).halving(3);
/// let result = search.run(&train, &validation, |&(width, rate)| {
///     let layers = vec![Layer::new(1, width, Activation::Tanh), Layer::new(width, 1, Activation::Linear)];
///     let network = DynNetwork::new(Architecture::new(layers, Loss::Mse)?, Init::default(), 1)?;
///     Ok((Trainer::builder().learning_rate(rate).seed(1), network))
/// })?;
/// println!("{result}");
///
/// let (width, rate) = result.best().candidate;
/// println!("{width} units at the rate {rate}: h(0.5) = {:?}", result.network().predict(&[0.5])?);
/// # assert_eq!(result.best().epochs, 81);
/// # assert!(rate > 1e-3);
/// # Ok::<(), Error>(())
/// ```
///
/// # Successive halving
///
/// With [`halving(η)`](Self::halving) trials go up rungs: after each rung the best 1/η of them go on, with η times the
/// epochs in all, the last up to the full number. 27 trials of 27 epochs come to 729; with η = 3 they come to 81. Runs
/// go on from their [state](crate::RunState), bit for bit as if they had never paused.
/// Jamieson and Talwalkar, "Non-stochastic best arm identification and hyperparameter optimization", AISTATS 2016
/// ([arXiv 1502.07943](https://arxiv.org/abs/1502.07943)).
///
/// A trial that a [callback](Self::callbacks) has stopped is trained no further. It keeps its score, and with that goes
/// up the rungs or does not.
///
/// Candidates that learn slowly at first and well in the end are lost on the way. A schedule that counts on a number of
/// steps takes the full number of epochs, so that trials of a lower rung have not come to its end.
///
/// # What is the same for all
///
/// Search sets the epochs and the thread of each trial; what the closure's builder says of these two does not count.
/// All other settings are the candidate's: if you want the same seeds for all, give them all the same ones. The
/// training and validation data are borrowed and not copied.
///
/// The result does not depend on the number of threads, but for the durations in the histories.
///
/// A search is one process's: a builder with a [collective](crate::TrainerBuilder::collective) is refused.
#[must_use = "nothing is trained before `run`"]
pub struct Search<'a, C, N: Network> {
    candidates: Vec<C>,
    epochs: RangeInclusive<usize>,
    factor: Option<usize>,
    threads: Threads,
    score: Score<'a, N>,
    callbacks: Option<Box<Watch<'a, C, N>>>,
}

impl<'a, C: Send + Sync, N: Network> Search<'a, C, N> {
    /// A search among these candidates, at least one.
    pub fn new(candidates: impl IntoIterator<Item = C>) -> Self {
        Self {
            candidates: candidates.into_iter().collect(),
            epochs: 1..=10,
            factor: None,
            threads: Threads::default(),
            score: Score::default(),
            callbacks: None,
        }
    }

    /// Sets the fewest and the most epochs of a trial; 1 to 10 unless set. Every trial takes the most, but with
    /// [`halving`](Self::halving): then the first rung takes at least the fewest.
    pub fn epochs(self, epochs: RangeInclusive<usize>) -> Self {
        Self { epochs, ..self }
    }

    /// Sets that only one in `factor` = η ≥ 2 trials goes on after each rung, and takes η times the epochs in all. There are
    /// as many rungs as leave one trial in the last, and the fewest epochs in the first: with 27 trials, 1 to 27 epochs
    /// and η = 3, 27 trials take 1 epoch, 9 of them 3 in all, 3 of them 9, and the best one 27. Divisions round down.
    ///
    /// η = 3 or 4 is usual. Unless set, every trial takes all epochs.
    pub fn halving(self, factor: usize) -> Self {
        Self { factor: Some(factor), ..self }
    }

    /// Sets on how many threads trials run side by side: a number or [`Threads::Current`], as of
    /// [a trainer](crate::TrainerBuilder::threads); as many as the machine offers unless set.
    pub fn threads(self, threads: impl Into<Threads>) -> Self {
        Self { threads: threads.into(), ..self }
    }

    /// Sets what a network is scored by on the validation data, such as
    /// [`metrics::accuracy`](crate::metrics::accuracy), and whether the lowest or the highest score is the best. Unless
    /// set it is the validation cost.
    pub fn score(self, goal: Goal, measure: impl Fn(&N, &N::Data) -> Result<f64, Error> + Sync + 'a) -> Self {
        Self { score: Score::new(goal, measure), ..self }
    }

    /// Sets the callbacks of each trial, by the trial as it is before it is trained and the number of the fold, 0 where
    /// there is one part to train on: new ones each time, as most of them remember something of the run that they
    /// watch. None unless set.
    ///
    /// With [`halving`](Self::halving) they are made for each rung, and get back what they [keep](Callback::state), as in
    /// a run that is [resumed](crate::Run::resume). Their [`on_end`](Callback::on_end) is called at the end of each rung,
    /// before the trial is scored; the next rung goes on from before that.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Line<1 => 1 linear>; }
    /// # let xs: Vec<[f32; 1]> = (0..30).map(|i| [i as f32 / 30.0]).collect();
    /// # let data = Dataset::new(xs.clone(), xs)?;
    /// let search = Search::new([0.01, 0.1]).epochs(1..=1000).callbacks(|trial, _fold| {
    ///     println!("trial {} at the rate {}", trial.number, trial.candidate);
    ///     Ok(vec![Box::new(EarlyStopping::new(Monitor::ValidationCost).patience(3).min_delta(1e-6))])
    /// });
    /// let result = search.run(&data, &data, |&rate| Ok((Trainer::builder().learning_rate(rate), Line::new(1))))?;
    /// assert!(result.best().epochs < 1000);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn callbacks(
        self,
        callbacks: impl Fn(&Trial<C>, usize) -> Result<Vec<Box<dyn Callback<N>>>, Error> + Sync + 'a,
    ) -> Self {
        Self { callbacks: Some(Box::new(callbacks)), ..self }
    }

    /// Trains on `train` what `network` makes of each candidate, a trainer's settings and a network with its initial
    /// weights, and scores it on `validation`.
    ///
    /// A trial that diverges, or whose score is not finite, comes last, and [says why](Trial::failure).
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting that is out of its range, [`Error::Missing`] without a candidate,
    /// [`Error::AllFailed`] when no trial has a score, [`Error::Threads`] when the threads could not be started. What the
    /// closures return and what [`Trainer::fit`](crate::Trainer::fit) does, but for [`Error::Diverged`]: of several
    /// candidates the first one's.
    pub fn run<D: TrainingData<N> + Sync + ?Sized>(
        self,
        train: &D,
        validation: &N::Data,
        network: impl Fn(&C) -> Result<(TrainerBuilder, N), Error> + Sync,
    ) -> Result<SearchResult<C, N>, Error>
    where
        N::Data: Sync,
    {
        self.run_on(&[(train, validation)], network)
    }

    /// As [`run`](Self::run), with cross-validation: each trial trains a network on each fold's first part, and its
    /// score is the mean of those on the second parts.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # network! { struct Line<1 => 1 linear>; }
    /// # let xs: Vec<[f32; 1]> = (0..30).map(|i| [i as f32 / 30.0]).collect();
    /// # let data = Dataset::new(xs.clone(), xs)?;
    /// // Made once, for all trials, each standardised by its own part to train on.
    /// let fold = |fold: &selection::Fold| {
    ///     let train = data.subset(&fold.train)?.standardized()?;
    ///     let validation = data.subset(&fold.validation)?.standardized_like(&train)?;
    ///     Ok((train, validation))
    /// };
    /// let parts = KFold::new(3).shuffle(1).split(data.len())?.iter().map(fold).collect::<Result<Vec<_>, Error>>()?;
    /// let result = Search::new([0.01, 0.1]).epochs(1..=20).run_on_folds(&parts, |&rate| {
    ///     Ok((Trainer::builder().learning_rate(rate), Line::new(1)))
    /// })?;
    /// assert_eq!((result.best().candidate, result.best().scores.len()), (0.1, 3));
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`run`](Self::run), and [`Error::Missing`] without a fold.
    pub fn run_on_folds(
        self,
        parts: &[(N::Data, N::Data)],
        network: impl Fn(&C) -> Result<(TrainerBuilder, N), Error> + Sync,
    ) -> Result<SearchResult<C, N>, Error>
    where
        N::Data: Sync,
    {
        if parts.is_empty() {
            return Err(Error::Missing { what: "fold", expected: "at least 1" });
        }
        let parts: Vec<(&N::Data, &N::Data)> = parts.iter().map(|(train, validation)| (train, validation)).collect();
        self.run_on(&parts, network)
    }

    fn run_on<D: TrainingData<N> + Sync + ?Sized>(
        self,
        parts: &[(&D, &N::Data)],
        network: impl Fn(&C) -> Result<(TrainerBuilder, N), Error> + Sync,
    ) -> Result<SearchResult<C, N>, Error>
    where
        N::Data: Sync,
    {
        let rungs = self.rungs()?;
        let Self { candidates, threads, score, callbacks, .. } = self;
        let judges = Judges { parts, score: &score, callbacks: callbacks.as_deref() };
        let threads = Workers::new(threads)?.ready()?;
        let mut entries: Vec<Entry<C, N>> = candidates.into_iter().enumerate().map(Entry::new).collect();
        for (index, &Rung { epochs, .. }) in rungs.iter().enumerate() {
            let next = rungs.get(index + 1);
            let mut going: Vec<&mut Entry<C, N>> = entries.iter_mut().filter(|entry| entry.goes_on).collect();
            let work = |entry: &mut &mut Entry<C, N>| {
                let Entry { trial, work, error, .. } = &mut **entry;
                let outcome = match work {
                    Some(work) => work.advance(trial, &judges, epochs, next.is_some()),
                    None => network(&trial.candidate).and_then(|made| {
                        work.insert(Work::new(made, parts.len())).advance(trial, &judges, epochs, next.is_some())
                    }),
                };
                *error = outcome.err();
            };
            threads.install(|| each(&mut going, &work));
            entries.sort_by_key(|entry| entry.trial.number);
            if let Some(error) = entries.iter_mut().find_map(|entry| entry.error.take()) {
                return Err(error);
            }
            entries.sort_by(|a, b| a.trial.rank(&b.trial, score.goal));
            // Those that came no further keep their networks until somebody has.
            let furthest = entries.first().map_or(0, |best| best.trial.rungs);
            let count = next.map_or(0, |next| next.trials);
            for (rank, entry) in entries.iter_mut().enumerate() {
                let Trial { rungs, failure, .. } = &entry.trial;
                let in_front = failure.is_none() && *rungs == furthest;
                entry.goes_on = entry.goes_on && in_front && rank < count;
                if !in_front {
                    entry.work = None;
                }
            }
        }
        SearchResult::new(entries, score.goal)
    }

    /// How many trials take how many epochs in all, rung by rung.
    fn rungs(&self) -> Result<Vec<Rung>, Error> {
        let (trials, least, most) = (self.candidates.len(), *self.epochs.start(), *self.epochs.end());
        if trials == 0 {
            return Err(NO_CANDIDATE);
        }
        if !(1..=most).contains(&least) {
            return Err(Error::setting("epochs", format!("{least}..={most}"), "at least 1, and then no fewer"));
        }
        let Some(factor) = self.factor else { return Ok(vec![Rung { trials, epochs: most }]) };
        if factor < 2 {
            return Err(Error::setting("halving", factor, "a factor of at least 2"));
        }
        // η^0, η^1, … as far as a trial and its epochs are left.
        let powers = std::iter::successors(Some(1_usize), |power| power.checked_mul(factor));
        let powers: Vec<usize> = powers.take_while(|power| trials / power >= 1 && most / power >= least).collect();
        let rungs = powers.iter().zip(powers.iter().rev());
        Ok(rungs.map(|(up, down)| Rung { trials: trials / up, epochs: most / down }).collect())
    }
}

const NO_CANDIDATE: Error = Error::Missing { what: "candidate", expected: "at least 1" };

/// So many trials take so many epochs in all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Rung {
    trials: usize,
    epochs: usize,
}

/// A trial in the course of a search.
struct Entry<C, N: Network> {
    trial: Trial<C>,
    work: Option<Work<N>>,
    goes_on: bool,
    /// What ends the search.
    error: Option<Error>,
}

impl<C, N: Network> Entry<C, N> {
    fn new((number, candidate): (usize, C)) -> Self {
        Self { trial: Trial::new(number, candidate), work: None, goes_on: true, error: None }
    }
}

/// `work` on each, side by side where there are threads for it, each on one thread.
fn each<T: Send>(items: &mut [T], work: &(impl Fn(&mut T) + Sync)) {
    match items {
        [] => {}
        [item] => alone(|| work(item)),
        several => {
            let (left, right) = several.split_at_mut(several.len() / 2);
            join(|| each(left, work), || each(right, work));
        }
    }
}

impl<C, N: Network> fmt::Debug for Search<'_, C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { candidates, epochs, factor, threads, score, .. } = self;
        let mut debug = f.debug_struct("Search");
        debug.field("candidates", &candidates.len()).field("epochs", epochs).field("halving", factor);
        debug.field("threads", threads).field("score", score).finish_non_exhaustive()
    }
}

/// The result of a [`Search`]: the trials from the best to the worst, and the best one's network. Displayed, it is a
/// table.
#[derive(Debug, Clone, PartialEq)]
pub struct SearchResult<C, N> {
    trials: Vec<Trial<C>>,
    networks: Vec<N>,
    goal: Goal,
}

impl<C, N: Network> SearchResult<C, N> {
    fn new(mut entries: Vec<Entry<C, N>>, goal: Goal) -> Result<Self, Error> {
        let best = entries.first_mut().filter(|best| best.trial.failure.is_none());
        let Some(work) = best.and_then(|best| best.work.take()) else {
            let trials = entries.len();
            // They are in the order of the candidates.
            let first = entries.into_iter().find_map(|entry| entry.trial.failure);
            let first = first.unwrap_or(NO_CANDIDATE);
            return Err(Error::AllFailed { trials, first: Box::new(first) });
        };
        Ok(Self { trials: entries.into_iter().map(|entry| entry.trial).collect(), networks: work.networks(), goal })
    }
}

impl<C, N> SearchResult<C, N> {
    /// The best trial: of those that went up the most rungs, which are all without halving, the one with the best score.
    #[must_use]
    pub fn best(&self) -> &Trial<C> {
        &self.trials[0]
    }

    /// The best trial's network as its run has left it; with folds that of the first one.
    #[must_use]
    pub fn network(&self) -> &N {
        &self.networks[0]
    }

    /// Its networks, one for each fold.
    #[must_use]
    pub fn networks(&self) -> &[N] {
        &self.networks
    }

    /// All trials from the best to the worst: those that went up more rungs before the others, and those that failed
    /// last.
    #[must_use]
    pub fn trials(&self) -> &[Trial<C>] {
        &self.trials
    }

    /// Whether the lowest or the highest score is the best.
    #[must_use]
    pub fn goal(&self) -> Goal {
        self.goal
    }
}

impl<C: fmt::Debug, N> fmt::Display for SearchResult<C, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rank  trial  epochs       score  candidate")?;
        for (rank, trial) in (1..).zip(&self.trials) {
            let Trial { number, candidate, epochs, scores, failure, .. } = trial;
            let score = trial.score().map_or_else(|| "failed".to_owned(), |score| format!("{score:.5}"));
            write!(f, "\n{rank:>4}  {number:>5}  {epochs:>6}  {score:>10}")?;
            if scores.len() > 1 {
                write!(f, " ± {}", short(mean_and_deviation(scores.iter().copied()).1))?;
            }
            write!(f, "  {candidate:?}")?;
            if let Some(failure) = failure {
                write!(f, ": {failure}")?;
            }
        }
        Ok(())
    }
}
