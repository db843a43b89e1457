//! A run's epochs as lines of JSON.

use std::io::Write;
use std::path::PathBuf;

use super::lines::{Destination, Line};
use crate::error::Error;
use crate::network::Network;
use crate::train::{Callback, Context, Signal};

/// Writes a JSON object a line, a line an epoch (feature `logs`).
///
/// ```
/// use nn_train::JsonLines;
/// use nn_train::prelude::*;
///
/// # network! { struct Xor<2 => 4 tanh => 1>; }
/// # let data = Dataset::from_labels(vec![[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], &[0, 1, 1, 0])?;
/// # let mut net = Xor::new(1);
/// let mut lines = Vec::new();
/// let trainer = Trainer::builder().learning_rate(0.1).epochs(3).build()?;
/// trainer.run(&mut net, &data)?.callback(JsonLines::writer(&mut lines)).finish()?;
///
/// let lines = String::from_utf8_lossy(&lines);
/// assert_eq!(lines.lines().count(), 3);
/// assert!(lines.starts_with(r#"{"epoch":1,"steps":1,"dropped_steps":0,"learning_rate":0.1,"cost":0."#));
/// # Ok::<(), Error>(())
/// ```
///
/// The keys are the columns of [`CsvLog`](crate::CsvLog), and all that is said there of files, of digits and of whole
/// lines is so here. A number that there is not is `null`; one that is not finite is a text: `"NaN"`, `"inf"` or
/// `"-inf"`.
#[derive(Debug)]
pub struct JsonLines<'a> {
    destination: Destination<'a>,
}

impl<'a> JsonLines<'a> {
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

    /// To any writer.
    #[must_use]
    pub fn writer(writer: impl Write + Send + 'a) -> Self {
        Self { destination: Destination::writer(writer) }
    }
}

impl<N: Network> Callback<N> for JsonLines<'_> {
    fn only_on_first_rank(&self) -> bool {
        true
    }

    fn on_start(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        self.destination.open(context, b"", |line| serde_json::from_slice(line).ok())?;
        Ok(Signal::Continue)
    }

    fn on_epoch(&mut self, context: &mut Context<'_, N>) -> Result<Signal, Error> {
        if let Some(line) = Line::of(context) {
            let mut line = serde_json::to_vec(&line).map_err(Error::callback)?;
            line.push(b'\n');
            self.destination.write(&line)?;
        }
        Ok(Signal::Continue)
    }
}
