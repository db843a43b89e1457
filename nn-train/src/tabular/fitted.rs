//! What training has made.

use std::fmt;

use super::{LeftOut, Task};
use crate::bundle::Bundle;
use crate::error::Error;
use crate::network::DynNetwork;
use crate::preprocess::{Predictions, Preprocess};
use crate::table::Table;
use crate::train::{Epoch, History};

/// A trained network with what turns rows of a table into its inputs and its outputs into predictions: made by
/// [`Recipe::fit`](super::Recipe::fit).
#[derive(Debug, Clone, PartialEq)]
pub struct Fitted {
    pub(super) network: DynNetwork<f32>,
    pub(super) preprocess: Preprocess,
    pub(super) history: History,
    pub(super) best_epoch: Option<usize>,
    pub(super) task: Task,
    pub(super) left_out: Vec<LeftOut>,
    pub(super) without_target: usize,
    pub(super) train_rows: usize,
    pub(super) validation_rows: usize,
}

impl Fitted {
    /// The network with the weights of its best epoch.
    #[must_use]
    pub fn network(&self) -> &DynNetwork<f32> {
        &self.network
    }

    /// What becomes of the columns.
    #[must_use]
    pub fn preprocess(&self) -> &Preprocess {
        &self.preprocess
    }

    /// The epochs of the run.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The epoch that was the best on the validation rows. There is none where no epoch's score was a number; the network
    /// is then that of the last one.
    #[must_use]
    pub fn best_epoch(&self) -> Option<&Epoch> {
        self.history.iter().find(|epoch| Some(epoch.number) == self.best_epoch)
    }

    /// What the target was taken for.
    #[must_use]
    pub fn task(&self) -> Task {
        self.task
    }

    /// The columns that were left out though nobody asked for it.
    #[must_use]
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// Rows that were not used because they had no target.
    #[must_use]
    pub fn rows_without_target(&self) -> usize {
        self.without_target
    }

    /// Rows that were trained on.
    #[must_use]
    pub fn train_rows(&self) -> usize {
        self.train_rows
    }

    /// Rows that chose the best epoch.
    #[must_use]
    pub fn validation_rows(&self) -> usize {
        self.validation_rows
    }

    /// What the network makes of each row, in the units of the target or as classes with their probabilities.
    ///
    /// # Errors
    /// As [`Preprocess::predict`].
    pub fn predict(&self, table: &Table) -> Result<Predictions, Error> {
        self.preprocess.predict(&self.network, table)
    }

    /// Network and preprocessing as one value, which [`Bundle::save`] writes to a file and [`Bundle::load`] reads.
    ///
    /// # Errors
    /// As [`Bundle::new`].
    pub fn into_bundle(self) -> Result<Bundle, Error> {
        Bundle::new(self.network, self.preprocess)
    }

    /// The network and its preprocessing.
    #[must_use]
    pub fn into_parts(self) -> (DynNetwork<f32>, Preprocess) {
        (self.network, self.preprocess)
    }
}

impl fmt::Display for Fitted {
    /// What was learned from how many rows, and the best epoch.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let target = self.preprocess.target_names().join(", ");
        write!(f, "{target:?} as {}, {} rows trained on", self.task, self.train_rows)?;
        if self.without_target > 0 {
            write!(f, ", {} without a target", self.without_target)?;
        }
        for column in &self.left_out {
            write!(f, "\nwithout {column}")?;
        }
        match self.best_epoch() {
            Some(best) => write!(f, "\nbest of {} epochs: {best}", self.history.len()),
            None => write!(f, "\n{} epochs", self.history.len()),
        }
    }
}
