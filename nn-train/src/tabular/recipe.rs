//! The settings of the preset.

use super::columns::{Columns, Reason};
use super::{Fitted, LeftOut, Prepared, Task};
use crate::error::{Error, check_not_negative};
use crate::preprocess::Scaling;
use crate::table::Table;
use crate::train::{Callback, Constant, Cosine, FlatCosine, OneCycle, RunState, Schedule, Threads};
use crate::{Activation, DynNetwork};

/// The course of the learning rate over a run of n steps, of which α is the largest rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[non_exhaustive]
pub enum Rates {
    /// α in every step: [`Constant`].
    Constant,
    /// From α down to 0 along a cosine, after a short rise: [`Cosine`].
    Cosine,
    /// α, then down to 0 along a cosine: [`FlatCosine`].
    #[default]
    FlatCosine,
    /// Up to α and down again: [`OneCycle`].
    OneCycle,
}

impl Rates {
    pub(super) fn schedule(self, learning_rate: f64, steps: u64) -> Box<dyn Schedule> {
        // A step in which the rate rises, at least.
        let rising = (steps / 50).max(1);
        match self {
            Self::Constant => Box::new(Constant::new(learning_rate)),
            Self::Cosine => Box::new(Cosine::new(learning_rate, (steps - rising).max(1)).warm_up(rising)),
            Self::FlatCosine => {
                Box::new(FlatCosine::new(learning_rate, (steps - rising).max(1)).flat(0.3).warm_up(rising))
            }
            Self::OneCycle => Box::new(OneCycle::new(learning_rate, steps)),
        }
    }
}

/// A preset for tables: everything from the columns of an unknown table to a trained network, each part a setting with a
/// default that suits most tables. It is made in the manner of RealMLP (Holzmüller, Grinsztajn and Steinwart, "Better by
/// default: strong pre-tuned MLPs and boosted trees on tabular data", NeurIPS 2024, arXiv 2407.04491).
///
/// ```no_run
/// use nn_train::prelude::*;
/// use nn_train::tabular::Recipe;
///
/// let train = Table::from_csv("train.csv")?;
/// let fitted = Recipe::for_target("price").without(["id"]).seed(1).fit(&train)?;
/// let predictions = fitted.predict(&fitted.preprocess().csv().read("new.csv")?)?;
/// predictions.to_table()?.write_csv("predicted.csv")?;
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is trained before `fit`"]
pub struct Recipe {
    pub(super) target: String,
    pub(super) task: Option<Task>,
    pub(super) inputs: Option<Vec<String>>,
    pub(super) without: Vec<String>,
    pub(super) weights: Option<String>,
    pub(super) categories: usize,
    pub(super) scaling: Scaling,
    pub(super) bins: Option<usize>,
    pub(super) hidden: Vec<usize>,
    pub(super) activation: Activation,
    pub(super) dropout: f64,
    pub(super) rates: Rates,
    pub(super) learning_rate: f64,
    pub(super) weight_decay: f64,
    pub(super) label_smoothing: f64,
    pub(super) batch_size: Option<usize>,
    pub(super) epochs: Option<usize>,
    pub(super) patience: Option<usize>,
    pub(super) validation: Option<f64>,
    pub(super) seed: u64,
    pub(super) threads: Threads,
}

impl Recipe {
    /// The preset for the prediction of a column from all others.
    pub fn for_target(name: impl Into<String>) -> Self {
        Self {
            target: name.into(),
            task: None,
            inputs: None,
            without: Vec::new(),
            weights: None,
            categories: 128,
            scaling: Scaling::RobustClipped,
            bins: None,
            hidden: vec![256; 3],
            activation: Activation::Silu,
            dropout: 0.1,
            rates: Rates::default(),
            learning_rate: 0.002,
            weight_decay: 0.02,
            label_smoothing: 0.1,
            batch_size: None,
            epochs: None,
            patience: None,
            validation: None,
            seed: 0,
            threads: Threads::default(),
        }
    }

    /// The target is classes, whatever [`Task::of`] makes of it.
    pub fn classes(self) -> Self {
        Self { task: Some(Task::Classes), ..self }
    }

    /// The target is numbers, whatever [`Task::of`] makes of it.
    pub fn numbers(self) -> Self {
        Self { task: Some(Task::Numbers), ..self }
    }

    /// The columns to predict from. All that are neither target nor weight unless set.
    pub fn inputs<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Self {
        Self { inputs: Some(names.into_iter().map(Into::into).collect()), ..self }
    }

    /// Columns that are not used.
    pub fn without<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.without.extend(names.into_iter().map(Into::into));
        self
    }

    /// The column that says how many times each row counts.
    pub fn weights(self, name: impl Into<String>) -> Self {
        Self { weights: Some(name.into()), ..self }
    }

    /// The most categories of a column of text that get an input each, the most frequent ones; 128 unless set, at least 1.
    pub fn categories(self, categories: usize) -> Self {
        Self { categories, ..self }
    }

    /// How numbers are scaled; [`Scaling::RobustClipped`] unless set. With it no input is beyond ±3, so that a number beyond all
    /// reason does no great harm; the outermost [bins](Self::bins) tell outliers apart.
    pub fn scaling(self, scaling: Scaling) -> Self {
        Self { scaling, ..self }
    }

    /// The [bins](crate::preprocess::PreprocessBuilder::bins) of each column of numbers; 0 for none. Unless set 32, or fewer where the columns
    /// would have more than 512 together, or their inputs take more than 2 GiB of the rows that are trained on. What divides the
    /// outermost bins comes on top, up to log2(rows / bins) - 2 inputs a column.
    pub fn bins(self, bins: usize) -> Self {
        Self { bins: Some(bins), ..self }
    }

    /// The widths of the hidden layers; three of 256 unless set. None make a linear model.
    pub fn hidden(self, widths: impl IntoIterator<Item = usize>) -> Self {
        Self { hidden: widths.into_iter().collect(), ..self }
    }

    /// The activation of the hidden layers; `silu` unless set.
    pub fn activation(self, activation: Activation) -> Self {
        Self { activation, ..self }
    }

    /// The share of each hidden layer's outputs that is dropped in a step, in [0, 1); 0.1 unless set.
    pub fn dropout(self, dropout: f64) -> Self {
        Self { dropout, ..self }
    }

    /// The course of the learning rate; [`Rates::FlatCosine`] unless set.
    pub fn rates(self, rates: Rates) -> Self {
        Self { rates, ..self }
    }

    /// α, the largest learning rate; 0.002 unless set.
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        Self { learning_rate, ..self }
    }

    /// The decay of [`AdamW`](crate::AdamW); 0.02 unless set.
    pub fn weight_decay(self, weight_decay: f64) -> Self {
        Self { weight_decay, ..self }
    }

    /// [ε](crate::TrainerBuilder::label_smoothing) where the target is classes; 0.1 unless set.
    pub fn label_smoothing(self, label_smoothing: f64) -> Self {
        Self { label_smoothing, ..self }
    }

    /// Samples in a step. Unless set 256, or fewer of small tables.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size: Some(batch_size), ..self }
    }

    /// The most passes over the data. Unless set so many that the network sees 1.5 million samples, at least 20 and at most 64.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs: Some(epochs), ..self }
    }

    /// The epochs without a better validation score after which training ends; a third of all epochs unless set.
    pub fn patience(self, patience: usize) -> Self {
        Self { patience: Some(patience), ..self }
    }

    /// The share of the rows that chooses the best epoch and is not trained on, in (0, ½]; unless set 0.2, or what makes
    /// 5,000 rows where that is less. Classes have the same shares in both parts.
    pub fn validation(self, fraction: f64) -> Self {
        Self { validation: Some(fraction), ..self }
    }

    /// The seed of everything that is drawn: validation rows, initial parameters, order, dropout; 0 unless set.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// As [`TrainerBuilder::threads`](crate::TrainerBuilder::threads). They change no bit of the result.
    pub fn threads(self, threads: impl Into<Threads>) -> Self {
        Self { threads: threads.into(), ..self }
    }

    /// Trains a network on a table, of whose rows a share chooses the best epoch.
    ///
    /// # Errors
    /// As [`prepare`](Self::prepare), and what [`Trainer::fit`](crate::Trainer::fit) returns.
    pub fn fit(&self, train: &Table) -> Result<Fitted, Error> {
        self.prepare(train, None)?.train()
    }

    /// [`fit`](Self::fit) with rows of your own to choose the best epoch, callbacks that watch, and a state to go on from. For
    /// a look at what is going to be done before it is, [`prepare`](Self::prepare).
    ///
    /// # Errors
    /// As [`fit`](Self::fit), what callbacks return, and as [`Run::resume`](crate::Run::resume).
    pub fn fit_with<'a>(
        &self,
        train: &Table,
        validation: Option<&Table>,
        callbacks: impl IntoIterator<Item = Box<dyn Callback<DynNetwork<f32>> + 'a>>,
        resume: Option<&RunState<f32>>,
    ) -> Result<Fitted, Error> {
        self.prepare(train, validation)?.train_with(callbacks, resume)
    }

    /// Everything but training: what the target is, which columns are of use, what becomes of them, the network and its
    /// trainer. Of `train` alone is learned what becomes of columns, or of the rows of it that are trained on.
    ///
    /// # Errors
    /// [`Error::Setting`] for a setting that is out of its range; [`Error::Table`] when a column is not there, the target has
    /// only one value or classes beyond what a network can tell apart, there are fewer than 10 rows with a target, or a value
    /// is infinite.
    pub fn prepare(&self, train: &Table, validation: Option<&Table>) -> Result<Prepared, Error> {
        self.check()?;
        Prepared::new(self, train, validation)
    }

    /// The columns that number the rows of a table, of which [`prepare`](Self::prepare) makes no input. Where you set rows aside
    /// before, ask this of the whole table and pass the names to [`without`](Self::without): what is left of such a column has gaps,
    /// and nothing tells any more what it is.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// # use nn_train::tabular::Recipe;
    /// # let rows = (0..100).map(|i| format!("{},{},{}\n", 500 + i, i % 37, 3 * (i % 37)));
    /// # let flats = Csv::new().read_bytes(format!("id,area,price\n{}", rows.collect::<String>()).as_bytes())?;
    /// let recipe = Recipe::for_target("price");
    /// let numbers = recipe.row_numbers(&flats)?;
    /// assert_eq!(numbers[0].to_string(), "\"id\": it numbers the rows");
    /// let (test, train) = flats.split(0.2, 1)?;
    /// let fitted = recipe.without(numbers.into_iter().map(|column| column.name)).epochs(2).fit(&train)?;
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Table`] when there is no row, a column is not there, or none is left to learn from.
    pub fn row_numbers(&self, table: &Table) -> Result<Vec<LeftOut>, Error> {
        table.check_rows()?;
        let left_out = Columns::of(self, table)?.left_out;
        Ok(left_out.into_iter().filter(|column| column.reason == Reason::RowNumber).collect())
    }

    /// Settings that no other part checks.
    fn check(&self) -> Result<(), Error> {
        if self.categories == 0 {
            return Err(Error::setting("categories", self.categories, "at least 1"));
        }
        check_not_negative("weight_decay", self.weight_decay)?;
        if !(self.learning_rate > 0.0 && self.learning_rate.is_finite()) {
            return Err(Error::number("learning_rate", self.learning_rate, "a finite number above 0"));
        }
        if let Some(fraction) = self.validation.filter(|&fraction| !(fraction > 0.0 && fraction <= 0.5)) {
            return Err(Error::number("validation", fraction, "a number above 0 and at most 0.5"));
        }
        for (name, value) in [("batch_size", self.batch_size), ("epochs", self.epochs), ("patience", self.patience)] {
            if value == Some(0) {
                return Err(Error::setting(name, 0, "at least 1"));
            }
        }
        Ok(())
    }
}
