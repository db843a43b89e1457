//! Checkpoints in the course of a run.

mod folder;

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use nn_kernels::Element;

use self::folder::Folder;
use super::{Best, Goal, Metric, Monitor};
use crate::disk;
use crate::error::Error;
use crate::network::Network;
use crate::train::checkpoint::{BestNumber, CheckpointFault, FileFault, load_run};
use crate::train::{Callback, Context, RunState, Signal};

/// Writes the run's state to a folder as it goes, so that a program that was ended, or a machine that failed, goes on
/// from there.
///
/// ```
/// use nn_train::prelude::*;
///
/// # let folder = std::env::temp_dir().join(format!("nn-train-doc-folder-{}", std::process::id()));
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// # let trainer = Trainer::builder().epochs(10).build()?;
/// let latest = Checkpoints::latest(&folder)?;
/// for (path, why) in &latest.skipped {
///     println!("skipped {}: {why}", path.display());
/// }
/// let mut run = trainer.run(&mut net, &data)?.validation(&data)?;
/// if let Some((_, state)) = &latest.found {
///     run = run.resume(state)?;
/// }
/// let checkpoints = Checkpoints::new(&folder).every_epochs(5).keep_last(2).keep_best(Monitor::ValidationCost);
/// run.callback(EarlyStopping::new(Monitor::ValidationCost)).callback(checkpoints).finish()?;
/// # assert!(folder.join("best.ckpt").exists());
/// # std::fs::remove_dir_all(folder).map_err(Error::callback)?;
/// # Ok::<(), Error>(())
/// ```
///
/// **Add it last**: after the callbacks that keep something, or the run is refused when it begins.
///
/// # When
///
/// After every epoch, unless one of [`every_epochs`](Self::every_epochs), [`every_steps`](Self::every_steps) and
/// [`every_interval`](Self::every_interval) is set; each that is set counts. Besides them when a callback stops the run,
/// and after the last epoch. What is due after the last step of an epoch is written after its validation. Of a run that is dropped,
/// or ends with an error, nothing more is written. A file that cannot be written ends the run with that error.
///
/// # Files
///
/// `000001-step-480.ckpt` and so on: numbered as they were written, with the steps of the run. Each is [written whole
/// or not at all](crate::checkpoint). The last three are kept, or as many as [`keep_last`](Self::keep_last) says; an
/// older one is removed after the new one is on the disk. So there is never one less to go on from than before.
///
/// A folder is one run's, since it would remove the checkpoints of another one, which may be all that is left of it. A run
/// that begins anew is [refused](Callback#files) in a folder that has checkpoints, unless it may
/// [overwrite](Self::overwrite) them. So is one that is resumed where the newest of them is another run's: of another
/// architecture, number type or seed, or with another cost in its first epoch. Numbers go on where the folder's end, also
/// behind files of later steps, which a run that is resumed from an earlier one leaves until they are the oldest.
///
/// A program that begins anew where it finds no checkpoint, as the one above, gives its logs `overwrite(true)`: it may have
/// been ended before the first checkpoint, and then a log is there already.
pub struct Checkpoints<M = Monitor> {
    folder: Folder,
    epochs: Option<u64>,
    steps: Option<u64>,
    interval: Option<Duration>,
    keep: usize,
    metric: Option<M>,
    goal: Option<Goal>,
    overwrite: bool,
    best: Best,
    /// When the last file was written, or the run began.
    since: Instant,
    last: Option<PathBuf>,
    /// How far the run had come in that file.
    saved: Option<Place>,
}

/// How far a run has come: the epoch, and the step in it, dropped ones counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place(usize, u64);

impl Place {
    fn of<T>(state: &RunState<T>) -> Self {
        Self(state.position.epoch, state.position.step)
    }
}

/// The newest checkpoint of a folder that can be gone on from: what [`Checkpoints::latest`] finds.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Latest<T> {
    /// Its path and the state that it holds; nothing in a folder that is not there or has none.
    pub found: Option<(PathBuf, RunState<T>)>,
    /// Newer ones that cannot be gone on from, the newest first, and why so.
    pub skipped: Vec<(PathBuf, Error)>,
}

impl Checkpoints {
    /// Writes to `folder`, which is made if it is not there.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: Folder::new(folder.into()),
            epochs: None,
            steps: None,
            interval: None,
            keep: 3,
            metric: None,
            goal: None,
            overwrite: false,
            best: Best(None),
            since: Instant::now(),
            last: None,
            saved: None,
        }
    }

    /// Reads the newest checkpoint of a folder, without those that are damaged. The best one is taken where all others
    /// are.
    ///
    /// # Errors
    /// [`Error::Checkpoint`] with [`FileFault::NumberType`] for checkpoints of another number type than `T`,
    /// [`Error::Io`] when the folder cannot be read, and [`StepError::Memory`](crate::StepError::Memory) in
    /// [`Error::Step`] when there is no memory for a state.
    pub fn latest<T: Element>(folder: impl AsRef<Path>) -> Result<Latest<T>, Error> {
        let mut skipped = Vec::new();
        for path in Folder::new(folder.as_ref().to_owned()).newest_first(&disk::System)? {
            match RunState::load(&path) {
                Ok(state) => return Ok(Latest { found: Some((path, state)), skipped }),
                Err(error) if is_damage(&error) => skipped.push((path, error)),
                Err(error) => return Err(error),
            }
        }
        Ok(Latest { found: None, skipped })
    }
}

/// Whether an error is one file's, so that another one may be read.
fn is_damage(error: &Error) -> bool {
    match error {
        Error::Checkpoint { fault, .. } => !matches!(fault, CheckpointFault::File(FileFault::NumberType { .. })),
        Error::Io { .. } => true,
        _ => false,
    }
}

/// What tells that a state is not one of the run under way.
fn difference<N: Network>(context: &Context<'_, N>, state: &RunState<N::Scalar>) -> Option<String> {
    let (own, found) = (context.core.architecture().to_string(), &state.session.architecture);
    if own != *found {
        return Some(format!("the architecture is `{found}`, not `{own}`"));
    }
    let (own, found) = (context.core.seed(), state.session.seed);
    if own != found {
        return Some(format!("the seed is {found}, not {own}"));
    }
    // The same bits come of the same data and settings.
    let (own, found) = (context.history().first()?.cost, state.history.first()?.cost);
    (own.to_bits() != found.to_bits()).then(|| format!("the first epoch's cost is {found}, not {own}"))
}

impl<M> Checkpoints<M> {
    /// Writes after every so many epochs, at least 1: those whose number it divides.
    #[must_use]
    pub fn every_epochs(self, epochs: u64) -> Self {
        Self { epochs: Some(epochs), ..self }
    }

    /// Writes after every so many steps of the run, at least 1: those whose number it divides.
    #[must_use]
    pub fn every_steps(self, steps: u64) -> Self {
        Self { steps: Some(steps), ..self }
    }

    /// Writes after the step at which so much time has passed since the last file, more than none. The clock is then
    /// read in every step, which takes some ten nanoseconds.
    #[must_use]
    pub fn every_interval(self, interval: Duration) -> Self {
        Self { interval: Some(interval), ..self }
    }

    /// Sets how many files are kept, at least 1, that of the best epoch not counted; 3 unless set.
    #[must_use]
    pub fn keep_last(self, files: usize) -> Self {
        Self { keep: files, ..self }
    }

    /// Writes `best.ckpt` too, after each epoch in which `metric` is better than in all before, those of earlier parts
    /// of a resumed run included. The file has the metric's [name](Metric::name), goal and number; a run with another
    /// metric or goal is refused in its folder, as the numbers cannot be compared, until the file is moved or removed.
    #[must_use]
    pub fn keep_best<B>(self, metric: B) -> Checkpoints<B> {
        let Self { folder, epochs, steps, interval, keep, metric: _, goal, overwrite, best, since, last, saved } = self;
        let metric = Some(metric);
        Checkpoints { folder, epochs, steps, interval, keep, metric, goal, overwrite, best, since, last, saved }
    }

    /// Sets whether lower or higher is better; as [the metric says](Metric::goal) unless set.
    #[must_use]
    pub fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }

    /// Sets whether a run that begins anew takes the place of the one whose checkpoints the folder has; false unless set,
    /// and then it is [refused](Callback#files). They are removed once its first one is on the disk.
    #[must_use]
    pub fn overwrite(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// The last file that was written, that of the best epoch not counted.
    #[must_use]
    pub fn last(&self) -> Option<&Path> {
        self.last.as_deref()
    }

    fn check(&self) -> Result<(), Error> {
        let counts =
            [("every_epochs", self.epochs), ("every_steps", self.steps), ("keep_last", Some(self.keep as u64))];
        for (name, count) in counts {
            if count == Some(0) {
                return Err(Error::setting(name, 0, "at least 1"));
            }
        }
        if self.interval == Some(Duration::ZERO) {
            return Err(Error::setting("every_interval", "0 s", "a longer time"));
        }
        Ok(())
    }

    /// Whether a count has come to a multiple of what was set for it.
    fn is_due(every: Option<u64>, count: u64) -> bool {
        every.is_some_and(|every| count.is_multiple_of(every))
    }

    fn is_due_by_time(&self) -> bool {
        self.interval.is_some_and(|interval| self.since.elapsed() >= interval)
    }

    fn save<T: Element>(&mut self, state: &RunState<T>) -> Result<(), Error> {
        let path = self.folder.save(&disk::System, state, self.keep)?;
        (self.last, self.since, self.saved) = (Some(path), Instant::now(), Some(Place::of(state)));
        Ok(())
    }
}

impl<N: Network, M: Metric<N>> Callback<N> for Checkpoints<M> {
    fn only_on_first_rank(&self) -> bool {
        true
    }

    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.check()?;
        context.check_called()?;
        let resumed = context.epoch() > 0;
        self.folder.open(&disk::System, resumed, self.overwrite)?;
        (self.best, self.last, self.since, self.saved) = (Best(None), None, Instant::now(), None);
        if !resumed {
            return Ok(Signal::Continue);
        }
        if let Some((path, newest)) = Checkpoints::latest(self.folder.path())?.found
            && let Some(why) = difference(context, &newest)
        {
            return Err(Error::AnotherRun { place: path.display().to_string(), why });
        }
        let path = self.folder.best();
        if let Some(metric) = &self.metric
            && path.exists()
        {
            let found = match load_run::<N::Scalar>(&path) {
                // What came after the point from which this run goes on was no part of it.
                Ok((state, best)) => best.filter(|_| state.session.steps <= context.step()),
                // The next one is the best that there is.
                Err(error) if is_damage(&error) => None,
                Err(error) => return Err(error),
            };
            if let Some(BestNumber { metric: name, goal, number }) = found {
                let (own, own_goal) = (metric.name(), self.goal.unwrap_or_else(|| metric.goal()));
                if (name.as_str(), goal) != (own, own_goal) {
                    let why = format!("it is kept for the {goal} {name}, not the {own_goal} {own}");
                    return Err(Error::AnotherRun { place: path.display().to_string(), why });
                }
                self.best = Best(Some(number));
            }
        }
        Ok(Signal::Continue)
    }

    fn on_step(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let ends_epoch = context.epoch_step() == context.epoch_steps();
        let due = Self::is_due(self.steps, context.step()) || self.is_due_by_time();
        if due && !ends_epoch {
            self.save(&context.state()?)?;
        }
        Ok(Signal::Continue)
    }

    fn on_stop(&mut self, context: &mut Context<'_, N>) -> Result<(), Error> {
        let state = context.state()?;
        if self.saved == Some(Place::of(&state)) { Ok(()) } else { self.save(&state) }
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let unset = self.epochs.is_none() && self.steps.is_none() && self.interval.is_none();
        let epochs = if unset { Some(1) } else { self.epochs };
        let due = Self::is_due(epochs, context.epoch() as u64)
            || Self::is_due(self.steps, context.step())
            || self.is_due_by_time()
            || context.epoch() == context.epochs();
        let best = match &mut self.metric {
            Some(metric) => self.best.measure(metric, self.goal, 0.0, context)?,
            None => None,
        };
        if !due && best.is_none() {
            return Ok(Signal::Continue);
        }
        let state = context.state()?;
        // The best first: were the program killed between the two, the run would go on before this epoch, and measure it
        // again.
        if let (Some(number), Some(metric)) = (best, &self.metric) {
            let goal = self.goal.unwrap_or_else(|| metric.goal());
            let best = BestNumber { metric: metric.name().to_owned(), goal, number };
            self.folder.save_best(&disk::System, &state, &best)?;
        }
        if due {
            self.save(&state)?;
        }
        Ok(Signal::Continue)
    }
}

impl<M> fmt::Debug for Checkpoints<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { folder, epochs, steps, interval, keep, last, .. } = self;
        f.debug_struct("Checkpoints")
            .field("folder", &folder.path())
            .field("every_epochs", epochs)
            .field("every_steps", steps)
            .field("every_interval", interval)
            .field("keep_last", keep)
            .field("last", last)
            .finish_non_exhaustive()
    }
}
