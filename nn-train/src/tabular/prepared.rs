//! Everything that is decided before the first step.

use nn_kernels::{Architecture, Layer};

use super::columns::Columns;
use super::score::Score;
use super::{Fitted, LeftOut, Recipe, Task};
use crate::data::DynDataset;
use crate::error::Error;
use crate::network::{DynNetwork, Init};
use crate::optim::AdamW;
use crate::preprocess::{Missing, Preprocess, check_text, most_bins};
use crate::table::{Table, TableFault};
use crate::train::{Callback, EarlyStopping, RunState, Trainer, TrainerBuilder};

/// The share of the rows that chooses the epoch, and the rows that are enough for it.
const VALIDATION: f64 = 0.2;
const VALIDATION_ROWS: f64 = 5000.0;
/// The fewest rows with a target that anything is learned from.
const ROWS: usize = 10;
/// The most bins that are asked for, of a column and of all columns together. Those that divide the outermost ones come on top.
const BINS: usize = 32;
const BINS_OF_ALL: usize = 512;
/// The most numbers that all bins, these too, make of the rows that are trained on: 2 GiB of `f32`.
const BINNED_NUMBERS: usize = 1 << 29;

/// A network that is ready to be trained: made by [`Recipe::prepare`].
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::tabular::Recipe;
/// # let rows = (0..100).map(|i| format!("{},{}\n", i % 37, 3 * (i % 37)));
/// # let table = Csv::new().read_bytes(format!("area,price\n{}", rows.collect::<String>()).as_bytes())?;
/// let prepared = Recipe::for_target("price").epochs(5).prepare(&table, None)?;
/// println!("{}\n{}", prepared.preprocess(), prepared.network().architecture());
/// assert_eq!((prepared.train_rows(), prepared.validation_rows()), (80, 20));
/// let fitted = prepared.train()?;
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "nothing is trained before `train`"]
pub struct Prepared {
    task: Task,
    preprocess: Preprocess,
    left_out: Vec<LeftOut>,
    without_target: usize,
    train: DynDataset<f32>,
    validation: DynDataset<f32>,
    network: DynNetwork<f32>,
    builder: TrainerBuilder,
    trainer: Trainer,
    epochs: usize,
    batch_size: usize,
    patience: usize,
}

impl Prepared {
    pub(super) fn new(recipe: &Recipe, train: &Table, validation: Option<&Table>) -> Result<Self, Error> {
        let target = recipe.target.as_str();
        let all = train.drop_missing(&[target])?;
        if all.rows() < ROWS {
            let fault = TableFault::FewRows { found: all.rows(), expected: ROWS };
            return Err(Error::table(train.place().column(target), fault));
        }
        let task = match recipe.task {
            Some(task) => task,
            None => {
                check_text(&all, target)?;
                Task::of(&all, target)?
            }
        };
        task.check(&all, target)?;
        let columns = Columns::of(recipe, &all)?;
        let without_target = train.rows() - all.rows();
        let fraction = recipe.validation.unwrap_or_else(|| VALIDATION.min(VALIDATION_ROWS / all.rows() as f64));
        let (rows, held_out) = match (validation, task) {
            (Some(validation), _) => (all, validation.drop_missing(&[target])?),
            (None, Task::Classes) => {
                let divided = all.stratified_split(target, 1.0 - fraction, recipe.seed);
                divided.map_err(|error| match error {
                    Error::EmptyPart { .. } => Error::table(all.place().column(target), TableFault::SingleRows),
                    other => other,
                })?
            }
            (None, Task::Numbers) => all.split(1.0 - fraction, recipe.seed)?,
        };

        let bins = recipe.bins.unwrap_or_else(|| bins(columns.numbers, rows.rows()));
        let mut settings = Preprocess::for_target(target)
            .inputs(columns.inputs)
            .scaling(recipe.scaling)
            .bins(bins)
            .missing(Missing::Median)
            .indicators()
            .common_categories(recipe.categories);
        if task == Task::Classes {
            settings = settings.classes();
        }
        if let Some(name) = &recipe.weights {
            settings = settings.weights(name);
        }
        let preprocess = settings.fit(&rows)?;
        let (train, validation) = (preprocess.dataset(&rows)?, preprocess.dataset(&held_out)?);

        let network = DynNetwork::new(architecture(recipe, &preprocess)?, Init::default(), recipe.seed)?;
        let batch_size = recipe.batch_size.unwrap_or_else(|| batch_size(train.len()));
        let epochs = recipe.epochs.unwrap_or_else(|| epochs(train.len()));
        let optimizer = AdamW::default().betas(0.9, 0.95).weight_decay(recipe.weight_decay);
        let mut trainer = Trainer::builder()
            .optimizer(optimizer)
            .batch_size(batch_size)
            .epochs(epochs)
            .seed(recipe.seed)
            .threads(recipe.threads);
        if task == Task::Classes {
            trainer = trainer.label_smoothing(recipe.label_smoothing);
        }
        let schedule = recipe.rates.schedule(recipe.learning_rate, trainer.steps(train.len()));
        let builder = trainer.schedule(schedule);
        let trainer = builder.clone().build()?;
        let patience = recipe.patience.unwrap_or_else(|| epochs.div_ceil(3));
        let left_out = columns.left_out;
        Ok(Self {
            task,
            preprocess,
            left_out,
            without_target,
            train,
            validation,
            network,
            builder,
            trainer,
            epochs,
            batch_size,
            patience,
        })
    }

    /// Changes how the network is trained beyond what the recipe has settings for: another optimiser, a limit of the gradient's
    /// norm, products in bfloat16. Epochs, batch size, rates and seed are those of the recipe, which sets them; they are not to
    /// be changed here.
    ///
    /// ```no_run
    /// use nn_train::prelude::*;
    /// use nn_train::tabular::Recipe;
    ///
    /// let train = Table::from_csv("train.csv")?;
    /// let prepared = Recipe::for_target("price").prepare(&train, None)?;
    /// let fitted = prepared.with_trainer(|trainer| trainer.optimizer(Lion::default()).clip_norm(1.0))?.train()?;
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`TrainerBuilder::build`].
    pub fn with_trainer(self, change: impl FnOnce(TrainerBuilder) -> TrainerBuilder) -> Result<Self, Error> {
        let builder = change(self.builder);
        Ok(Self { trainer: builder.clone().build()?, builder, ..self })
    }

    /// The samples that choose the best epoch.
    #[must_use]
    pub fn validation_data(&self) -> &DynDataset<f32> {
        &self.validation
    }

    /// What the target is taken for.
    #[must_use]
    pub fn task(&self) -> Task {
        self.task
    }

    /// What becomes of the columns.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// The network before its first step.
    #[must_use]
    pub fn network(&self) -> &DynNetwork<f32> {
        &self.network
    }

    /// How it is trained.
    #[must_use]
    pub fn trainer(&self) -> &Trainer {
        &self.trainer
    }

    /// The columns that are left out though nobody asked for it.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Rows that are not used because they have no target.
    #[must_use]
    pub fn rows_without_target(&self) -> usize {
        self.without_target
    }

    /// Rows that are trained on.
    #[must_use]
    pub fn train_rows(&self) -> usize {
        self.train.len()
    }

    /// Rows that choose the best epoch.
    #[must_use]
    pub fn validation_rows(&self) -> usize {
        self.validation.len()
    }

    /// The most epochs.
    #[must_use]
    pub fn epochs(&self) -> usize {
        self.epochs
    }

    /// Samples in a step.
    #[must_use]
    pub fn batch_size(&self) -> usize {
        self.batch_size
    }

    /// The epochs without a better score after which training ends.
    #[must_use]
    pub fn patience(&self) -> usize {
        self.patience
    }

    /// Trains the network, and keeps the epoch that is the best on the validation rows.
    ///
    /// # Errors
    /// What [`Trainer::fit`] returns.
    pub fn train(self) -> Result<Fitted, Error> {
        self.train_with([], None)
    }

    /// [`train`](Self::train) with callbacks, which are called after the one that keeps the best epoch, and from the state of
    /// a run that was ended before: that of the same recipe on the same table goes on bit for bit.
    ///
    /// # Errors
    /// What [`Trainer::fit`] and callbacks return, and as [`Run::resume`](crate::Run::resume).
    pub fn train_with<'a>(
        self,
        callbacks: impl IntoIterator<Item = Box<dyn Callback<DynNetwork<f32>> + 'a>>,
        resume: Option<&RunState<f32>>,
    ) -> Result<Fitted, Error> {
        let Self { mut network, preprocess, train, validation, trainer, .. } = self;
        let score = Score::of(self.task, preprocess.target_width());
        let mut best = EarlyStopping::new(score).patience(self.patience);
        let callbacks: Vec<Box<dyn Callback<DynNetwork<f32>> + 'a>> = callbacks.into_iter().collect();
        let mut run =
            trainer.run(&mut network, &train)?.validation(&validation)?.callback(&mut best).callbacks(callbacks);
        if let Some(state) = resume {
            run = run.resume(state)?;
        }
        let history = run.finish()?;
        let best_epoch = best.best_epoch();
        Ok(Fitted {
            network,
            preprocess,
            history,
            best_epoch,
            task: self.task,
            left_out: self.left_out,
            without_target: self.without_target,
            train_rows: train.len(),
            validation_rows: validation.len(),
        })
    }
}

/// Hidden layers as the recipe wants them, and the output that suits the target.
fn architecture(recipe: &Recipe, preprocess: &Preprocess) -> Result<Architecture, Error> {
    let plain = preprocess.architecture(&recipe.hidden)?;
    let last = plain.layers().len() - 1;
    let layer = |(index, &layer): (usize, &Layer)| match index {
        _ if index == last => layer,
        _ => Layer { activation: recipe.activation, dropout: recipe.dropout, ..layer },
    };
    Ok(Architecture::new(plain.layers().iter().enumerate().map(layer).collect(), plain.loss())?)
}

/// The bins that are asked for of each of so many columns of numbers.
fn bins(columns: usize, rows: usize) -> usize {
    let columns = columns.max(1);
    let most = (BINS_OF_ALL / columns).min(BINS);
    let numbers = |bins| most_bins(rows, bins).saturating_mul(columns).saturating_mul(rows);
    (2..=most).rev().find(|&bins| numbers(bins) <= BINNED_NUMBERS).unwrap_or(0)
}

/// 256, or fewer where an epoch would have less than 16 steps.
fn batch_size(rows: usize) -> usize {
    (rows / 16).next_power_of_two().clamp(16, 256)
}

/// As many as let the network see a million and a half of samples, within bounds.
fn epochs(rows: usize) -> usize {
    (1_500_000 / rows.max(1)).clamp(20, 64)
}

#[cfg(test)]
mod tests {
    use super::{bins, most_bins};

    #[test]
    fn bins_stay_within_their_limits() {
        for rows in (0..32).map(|power| 1_usize << power).chain([10, 100, 60_000, 524_289, 1_000_001]) {
            for columns in [0, 1, 2, 3, 9, 16, 17, 33, 73, 102, 256, 257, 512, 513, 100_000] {
                let bins = bins(columns, rows);
                // What is said of the bins that come on top.
                let top = most_bins(rows, bins).saturating_sub(bins);
                assert!(
                    top == 0 || top as f64 <= (rows as f64 / bins as f64).log2() - 2.0,
                    "{rows} rows, {bins} bins: {top}"
                );
                assert!(bins <= 32 && bins * columns <= 512, "{rows} rows, {columns} columns: {bins}");
                let bytes = 4 * most_bins(rows, bins) * columns * rows;
                assert!(bytes <= 1 << 31, "{rows} rows, {columns} columns: {bytes} bytes");
            }
        }
        // Memory is no limit for some ten thousand rows; of a million it is with many columns, and of 16 million with one.
        assert_eq!([1, 16, 17, 33, 256, 257].map(|columns| bins(columns, 60_000)), [32, 32, 30, 15, 2, 0]);
        assert_eq!([1, 8, 16].map(|columns| bins(columns, 1 << 20)), [32, 32, 20]);
        assert_eq!([1, 2].map(|columns| bins(columns, 1 << 24)), [14, 0]);
    }
}
