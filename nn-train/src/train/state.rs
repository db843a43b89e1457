//! The state of a training run as a value, to be written to a file and resumed.

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use nn_kernels::{Explanation, InstructionSet, PlanOptions, Precision, StepError};

use super::History;
use crate::data::Sum;
use crate::error::Error;

/// The state of a session: everything that the next step depends on besides the trainer's settings and the data.
///
/// [`Session::state`](crate::Session::state) returns it and [`Session::resume`](crate::Session::resume) takes it.
///
/// Numbers are in the network's layout, so that a state goes on under another number of threads, bit for bit, or under another
/// plan.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: nn_kernels::Element"))]
#[non_exhaustive]
pub struct SessionState<T> {
    /// The network's architecture, as it is displayed.
    pub architecture: String,
    /// Θ in the order of [`Architecture::ranges`](crate::Architecture::ranges).
    #[cfg_attr(feature = "serde", serde(with = "crate::number::list"))]
    pub parameters: Vec<T>,
    /// The optimiser's memory.
    pub optimizer: OptimizerState<T>,
    /// Steps taken.
    pub steps: u64,
    /// Samples trained on, which number the dropout masks.
    pub samples: u64,
    /// The seed of orders and dropout masks.
    pub seed: u64,
    /// The learning rate, if one was set in place of the schedule's.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::optional"))]
    pub learning_rate: Option<f64>,
    /// What the schedule's rate is multiplied by, for steps that diverged: 1 if there were none.
    #[cfg_attr(feature = "serde", serde(default = "one", with = "crate::number"))]
    pub rate_factor: f64,
    /// Steps that [diverged and were dropped](crate::Divergence).
    #[cfg_attr(feature = "serde", serde(default))]
    pub dropped_steps: u64,
    /// How steps were computed, and will be again: the same bits come of the same engine in the same instructions. Set it to
    /// `None` to go on as the trainer plans, on a CPU that lacks those instructions, say.
    #[cfg_attr(feature = "serde", serde(default))]
    pub plan: Option<PlanState>,
}

/// The factor of a state that names none.
#[cfg(feature = "serde")]
const fn one() -> f64 {
    1.0
}

/// What of a plan the bits of a step depend on: names, as [`Explanation`](crate::Explanation) has the values.
///
/// What the trainer's builder or the environment names goes before it, and the precision is the trainer's: of a state only
/// whether its permission to use bfloat16 was made use of. The last bits of a cost with an L2 term may differ between CPUs
/// whose caches differ; parameters do not.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct PlanState {
    /// The engine.
    pub engine: String,
    /// The instruction set.
    pub set: String,
    /// In what numbers products are computed.
    pub precision: String,
}

impl PlanState {
    /// What a plan comes to.
    pub(super) fn of(explanation: &Explanation) -> Self {
        let Explanation { engine, set, precision, .. } = explanation;
        Self { engine: engine.to_string(), set: set.to_string(), precision: precision.to_string() }
    }

    /// The options that lead to this plan, as far as the trainer's own leave it open.
    pub(super) fn options(&self, own: PlanOptions) -> Result<PlanOptions, Error> {
        let mut options = own;
        if own.engine.is_none() {
            options = options.engine(Some(read("the plan's engine", &self.engine)?));
            // A permission, which the plan made use of or not. All else a trainer has named.
            if own.precision == Precision::Bf16
                && read::<Precision>("the plan's precision", &self.precision)? == Precision::Full
            {
                options = options.precision(Precision::Full);
            }
        }
        if own.set.is_none() && InstructionSet::forced().map_err(StepError::from)?.is_none() {
            options = options.instruction_set(Some(read("the plan's instruction set", &self.set)?));
        }
        Ok(options)
    }
}

/// A name of a plan; what is expected instead is told by who reads it.
fn read<V: FromStr<Err: Display>>(what: &'static str, name: &str) -> Result<V, Error> {
    name.parse().map_err(|error: V::Err| Error::State {
        what,
        expected: format!("what there is here ({error}); without a plan the state goes on as the trainer plans"),
        found: name.to_owned(),
    })
}

/// An optimiser's memory from step to step.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: nn_kernels::Element"))]
#[non_exhaustive]
pub struct OptimizerState<T> {
    /// Whose it is: [`Optimizer::name`](crate::Optimizer::name).
    pub name: String,
    /// [`Optimizer::slots`](crate::Optimizer::slots) numbers of each parameter, slot by slot.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::lists"))]
    pub slots: Vec<Vec<T>>,
    /// [`Optimizer::scalars`](crate::Optimizer::scalars) numbers.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::list"))]
    pub scalars: Vec<f64>,
}

/// The state of a run: what [`Run::state`](crate::Run::state) returns and [`Run::resume`](crate::Run::resume) takes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(bound = "T: nn_kernels::Element"))]
#[non_exhaustive]
pub struct RunState<T> {
    /// The session's state.
    pub session: SessionState<T>,
    /// How far the run has come.
    pub position: Position,
    /// What that position depends on.
    pub batches: Batches,
    /// The epochs that are over.
    pub history: History,
    /// What the run's callbacks keep, of those that keep anything.
    #[cfg_attr(feature = "serde", serde(default))]
    pub callbacks: Vec<CallbackState>,
}

/// What a callback keeps in the course of a run: what [`Callback::state`](crate::Callback::state) returns and
/// [`Callback::restore`](crate::Callback::restore) takes.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct CallbackState {
    /// Whose it is.
    pub name: String,
    /// Single numbers. Counts up to 2⁵³ are exact.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::list"))]
    pub numbers: Vec<f64>,
    /// Lists of numbers, such as the parameters of a network; an `f32` is exact.
    #[cfg_attr(feature = "serde", serde(with = "crate::number::lists"))]
    pub lists: Vec<Vec<f64>>,
}

impl CallbackState {
    /// The state of the callback `name`.
    #[must_use]
    pub fn new(name: impl Into<String>, numbers: Vec<f64>, lists: Vec<Vec<f64>>) -> Self {
        Self { name: name.into(), numbers, lists }
    }

    /// Its single numbers, if there are `N`.
    ///
    /// # Errors
    /// [`Error::State`] names the callback.
    pub fn numbers<const N: usize>(&self) -> Result<[f64; N], Error> {
        <[f64; N]>::try_from(self.numbers.as_slice())
            .map_err(|_| self.unfit("a callback's numbers", N, self.numbers.len()))
    }

    /// Its lists, if there are `N`, of finite numbers.
    ///
    /// # Errors
    /// [`Error::State`] names the callback.
    pub fn lists<const N: usize>(&self) -> Result<[&[f64]; N], Error> {
        if let Some(number) = self.lists.iter().flatten().find(|number| !number.is_finite()) {
            return Err(self.unfit("a callback's lists", "finite numbers", number));
        }
        let lists: Vec<&[f64]> = self.lists.iter().map(Vec::as_slice).collect();
        lists.try_into().map_err(|_| self.unfit("a callback's lists", N, self.lists.len()))
    }

    /// A number that counts something.
    ///
    /// # Errors
    /// [`Error::State`] names the callback.
    pub fn count(&self, number: f64) -> Result<u64, Error> {
        const MOST: f64 = (1_u64 << 53) as f64;
        if (0.0..=MOST).contains(&number) && number.fract() == 0.0 {
            return Ok(number as u64);
        }
        Err(self.unfit("a callback's count", "a whole number that is not negative", number))
    }

    /// Something of it is not what its callback expects.
    pub(super) fn unfit(&self, what: &'static str, expected: impl Display, found: impl Display) -> Error {
        Error::State { what, expected: format!("{expected} for `{}`", self.name), found: found.to_string() }
    }
}

/// The position of a run: how far it has come.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Position {
    /// Epochs begun, the one that is under way included.
    pub epoch: usize,
    /// Steps taken in the epoch that is under way, those that were dropped included; 0 between epochs.
    pub step: u64,
    /// Steps of this epoch that [diverged and were dropped](crate::Divergence).
    #[cfg_attr(feature = "serde", serde(default))]
    pub dropped_steps: u64,
    /// The sum over the steps of this epoch: cost × weight of its samples.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub cost: f64,
    /// What rounding has taken from that sum, to be added to it at the epoch's end.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::number"))]
    pub cost_rounding: f64,
    /// The sum of those samples' weights; without weights, their number.
    #[cfg_attr(feature = "serde", serde(with = "crate::number"))]
    pub weight: f64,
    /// What rounding has taken from that one.
    #[cfg_attr(feature = "serde", serde(default, with = "crate::number"))]
    pub weight_rounding: f64,
    /// The time spent in those steps.
    pub elapsed: Duration,
}

impl Position {
    /// Counts a step that was taken, on samples that weigh so much.
    pub(super) fn add(&mut self, cost: f64, weight: f64) {
        let [mut costs, mut weights] = self.sums();
        costs.add(cost * weight);
        weights.add(weight);
        self.step += 1;
        (self.cost, self.cost_rounding) = (costs.sum, costs.lost);
        (self.weight, self.weight_rounding) = (weights.sum, weights.lost);
    }

    /// Counts a step that was dropped.
    pub(super) fn drop_step(&mut self) {
        self.step += 1;
        self.dropped_steps += 1;
    }

    /// The mean cost of the epoch's samples so far; NaN where each step was dropped.
    pub(super) fn mean_cost(&self) -> f64 {
        let [costs, weights] = self.sums().map(Sum::value);
        if self.dropped_steps > 0 && self.dropped_steps == self.step {
            return f64::NAN;
        }
        // Where no sample weighs anything, nothing costs anything.
        if weights == 0.0 { 0.0 } else { costs / weights }
    }

    /// The sums of costs and weights.
    pub(super) fn sums(&self) -> [Sum; 2] {
        let Self { cost, cost_rounding, weight, weight_rounding, .. } = *self;
        [Sum { sum: cost, lost: cost_rounding }, Sum { sum: weight, lost: weight_rounding }]
    }
}

/// How an epoch is divided into steps: what a position within it depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub struct Batches {
    /// Samples of an epoch.
    pub samples: u64,
    /// Samples of a step: [`batch_size`](crate::TrainerBuilder::batch_size), or all samples if that is less.
    pub batch_size: u64,
    /// Whether each epoch has an order of its own, drawn by the seed: not where shuffling is off or the data is a stream.
    pub shuffled: bool,
    /// The rows of a block and the blocks of a window, where [blocks](crate::Access::Blocks) are shuffled.
    pub blocks: Option<(u64, u64)>,
    /// The rows of each part into which the samples are divided, in their order; none where they are not divided. Each part has
    /// an order of its own.
    #[cfg_attr(feature = "serde", serde(default))]
    pub parts: Vec<u64>,
    /// The rows of each file, where blocks that are shuffled come from several.
    #[cfg_attr(feature = "serde", serde(default))]
    pub files: Vec<u64>,
}

impl Batches {
    /// Steps of an epoch.
    pub(super) fn steps(&self) -> u64 {
        self.samples.div_ceil(self.batch_size)
    }

    /// A position within an epoch that was divided as `found` says is the same one here.
    pub(super) fn check(&self, found: &Self) -> Result<(), Error> {
        self.check_undivided(found)?;
        if self.parts != found.parts {
            return Err(self.unlike("the parts of the rows", rows_of_parts(&self.parts), rows_of_parts(&found.parts)));
        }
        if self.files != found.files {
            return Err(self.unlike("the files of the rows", rows_of_files(&self.files), rows_of_files(&found.files)));
        }
        if self.blocks != found.blocks {
            return Err(self.unlike("the window of blocks", window(self.blocks), window(found.blocks)));
        }
        Ok(())
    }

    /// Of that, what does not depend on how the rows are divided.
    pub(super) fn check_undivided(&self, found: &Self) -> Result<(), Error> {
        let settings = [
            ("the number of samples", self.samples.to_string(), found.samples.to_string()),
            ("batch_size", self.batch_size.to_string(), found.batch_size.to_string()),
            ("shuffle", self.shuffled.to_string(), found.shuffled.to_string()),
        ];
        match settings.into_iter().find(|(_, expected, found)| expected != found) {
            Some((what, expected, found)) => Err(self.unlike(what, expected, found)),
            None => Ok(()),
        }
    }

    fn unlike(&self, what: &'static str, expected: String, found: String) -> Error {
        let expected = format!("{expected} as in this run, since the state is from the midst of an epoch");
        Error::State { what, expected, found }
    }
}

/// `2 of 50 and 40 rows`.
pub(super) fn rows_of_parts(parts: &[u64]) -> String {
    if parts.is_empty() { "none".to_owned() } else { lengths(parts) }
}

fn rows_of_files(files: &[u64]) -> String {
    if files.is_empty() { "one".to_owned() } else { lengths(files) }
}

/// `2 of 50 and 40 rows`.
fn lengths(rows: &[u64]) -> String {
    let numbers: Vec<String> = rows.iter().map(u64::to_string).collect();
    match numbers.split_last() {
        Some((last, others)) if !others.is_empty() => {
            format!("{} of {} and {last} rows", rows.len(), others.join(", "))
        }
        _ => format!("1 of {} rows", numbers.concat()),
    }
}

/// `8 blocks of 512 rows`.
fn window(blocks: Option<(u64, u64)>) -> String {
    blocks.map_or("none".to_owned(), |(rows, window)| format!("{window} blocks of {rows} rows"))
}

/// A state has counted no more than `most`.
pub(super) fn check_most(what: &'static str, most: u64, found: u64) -> Result<(), Error> {
    if found <= most {
        return Ok(());
    }
    Err(Error::State { what, expected: format!("at most {most}"), found: found.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Ten million costs of 0.1 sum to the `f64` next to 10⁷ · 0.1, which a plain sum is far from.
    #[test]
    fn ten_million_small_costs_sum_without_drift() {
        const STEPS: u64 = 10_000_000;
        let (mut position, mut plain) = (Position::default(), 0.0);
        for _ in 0..STEPS {
            position.add(0.1, 1.0);
            plain += 0.1;
        }
        assert_eq!(position.sums().map(Sum::value), [0.1 * STEPS as f64, STEPS as f64]);
        assert_eq!((position.step, position.mean_cost()), (STEPS, 0.1));
        assert!((plain / STEPS as f64 - 0.1_f64).abs() > 1e-12, "{plain}");
    }

    #[test]
    fn an_epoch_of_dropped_steps_has_no_cost() {
        let mut position = Position::default();
        assert_eq!(position.mean_cost(), 0.0);
        position.drop_step();
        assert!(position.mean_cost().is_nan());
        position.add(3.0, 2.0);
        assert_eq!((position.mean_cost(), position.step, position.dropped_steps), (3.0, 2, 1));
        // Samples that weigh nothing are no dropped ones.
        let mut position = Position::default();
        position.add(3.0, 0.0);
        assert_eq!(position.mean_cost(), 0.0);
    }
}
