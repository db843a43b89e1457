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
/// assert_eq!(head, "epoch,steps,dropped_steps,learning_rate,cost,validation_cost,accuracy,samples_per_second,seconds");
/// assert_eq!(lines.lines().count(), 3);
/// # Ok::<(), Error>(())
/// ```
///
/// | column | |
/// |---|---|
/// | `epoch` | its number, from 1 |
/// | `steps` | taken in the run so far |
/// | `dropped_steps` | of the epoch, those that [diverged](crate::Divergence) |
/// | `learning_rate` | of the next step, as the callbacks before this one have left it |
/// | `cost`, `validation_cost`, `accuracy`, `samples_per_second` | as in [`Epoch`](crate::Epoch); empty where there is none |
/// | `seconds` | the [duration](crate::Epoch::duration) |
///
/// A number has the digits that read back to the same bits; one that is not finite is `NaN`, `inf` or `-inf`. A line is
/// written through in one piece when its epoch is over, so that a run that is killed leaves whole lines.
///
/// A [file](Self::file) that is there already is [treated as all files are](Callback#files).
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

    /// Sets whether a run that begins anew makes a file anew that is there already; false unless set, and then it is
    /// [refused](Callback#files).
    #[must_use]
    pub fn overwrite(self, overwrite: bool) -> Self {
        Self { destination: self.destination.overwrite(overwrite) }
    }

    /// To any writer, which begins with the names of the columns.
    #[must_use]
    pub fn writer(writer: impl Write + Send + 'a) -> Self {
        Self { destination: Destination::writer(writer) }
    }
}

impl<N: Network> Callback<N> for CsvLog<'_> {
    fn only_on_first_rank(&self) -> bool {
        true
    }

    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        let head = row(Line::default(), true)?;
        let end = head.iter().position(|&byte| byte == b'\n').map_or(0, |place| place + 1);
        let read =
            |line: &[u8]| csv::ReaderBuilder::new().has_headers(false).from_reader(line).deserialize().next()?.ok();
        self.destination.open(context, &head[..end], read)?;
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Some(line) = Line::of(context) {
            let row = row(line, self.destination.empty)?;
            self.destination.write(&row)?;
        }
        Ok(Signal::Continue)
    }
}

/// A line, below the names of the columns if they are wanted.
fn row(line: Line, names: bool) -> Result<Vec<u8>, Error> {
    let mut writer = csv::WriterBuilder::new().has_headers(names).from_writer(Vec::new());
    writer.serialize(line).map_err(Error::callback)?;
    writer.into_inner().map_err(Error::callback)
}
