//! A table of a run's epochs, as comma-separated values.

use std::io::Write;
use std::path::PathBuf;

use super::lines::{Destination, Line};
use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Context, Signal};

/// Writes a table of comma-separated values, a line an epoch, as Keras' `CSVLogger` does (feature `logs`).
///
/// ```
/// use nn_train::CsvLog;
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let mut table = Vec::new();
/// let trainer = Trainer::builder().learning_rate(0.1).epochs(3).build()?;
/// trainer.run(&mut net, &data)?.callback(CsvLog::writer(&mut table)).finish()?;
///
/// let table = String::from_utf8_lossy(&table);
/// let (head, lines) = table.split_once('\n').unwrap_or_default();
/// assert_eq!(head, "epoch,steps,learning_rate,cost,validation_cost,accuracy,samples_per_second,seconds");
/// assert_eq!(lines.lines().count(), 3);
/// # Ok::<(), Error>(())
/// ```
///
/// | column | |
/// |---|---|
/// | `epoch` | its number, from 1 |
/// | `steps` | taken in the run so far |
/// | `learning_rate` | of the next step, as the callbacks before this one have left it |
/// | `cost`, `validation_cost`, `accuracy`, `samples_per_second` | as in [`Epoch`](crate::Epoch); empty where there is none |
/// | `seconds` | the [duration](crate::Epoch::duration) |
///
/// A number has the digits that read back to the same bits; one that is not finite is `NaN`, `inf` or `-inf`. A line is
/// written through in one piece when its epoch is over, so that a run that is killed leaves whole lines.
///
/// A [file](Self::file) is made anew by a run that begins, and appended to by one that is
/// [resumed](crate::Run::resume). Where it goes on from an earlier epoch than the last one of the file, of two lines of
/// one epoch the later one counts.
#[derive(Debug)]
pub struct CsvLog<'a> {
    destination: Destination<'a>,
}

impl<'a> CsvLog<'a> {
    /// To a file, which is there once the run has begun.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self { destination: Destination::file(path.into()) }
    }

    /// To any writer, which begins with the names of the columns.
    #[must_use]
    pub fn writer(writer: impl Write + Send + 'a) -> Self {
        Self { destination: Destination::writer(writer) }
    }
}

impl<N: Network> Callback<N> for CsvLog<'_> {
    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.destination.open(context.epoch() > 0)?;
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Some(line) = Line::of(context) {
            let names = self.destination.empty;
            let mut writer = csv::WriterBuilder::new().has_headers(names).from_writer(Vec::new());
            writer.serialize(line).map_err(Error::callback)?;
            self.destination.write(&writer.into_inner().map_err(Error::callback)?)?;
        }
        Ok(Signal::Continue)
    }
}
