//! What the logs of a run have in common: a line an epoch, and where it goes.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::PathBuf;

use serde::Serialize;

use crate::error::Error;
use crate::network::Network;
use crate::train::{Context, Epoch};

/// The numbers of an epoch, in the order of the columns.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    epoch: usize,
    steps: u64,
    #[serde(with = "crate::number")]
    learning_rate: f64,
    #[serde(with = "crate::number")]
    cost: f64,
    #[serde(with = "crate::number::optional")]
    validation_cost: Option<f64>,
    #[serde(with = "crate::number::optional")]
    accuracy: Option<f64>,
    #[serde(with = "crate::number")]
    samples_per_second: f64,
    #[serde(with = "crate::number")]
    seconds: f64,
}

impl Line {
    /// The line of the last epoch that is over.
    pub(super) fn of<N: Network>(context: &Context<'_, N>) -> Option<Self> {
        let Epoch { number, cost, validation_cost, accuracy, samples_per_second, duration, .. } =
            *context.last_epoch()?;
        Some(Self {
            epoch: number,
            steps: context.step(),
            learning_rate: context.learning_rate(),
            cost,
            validation_cost,
            accuracy,
            samples_per_second,
            seconds: duration.as_secs_f64(),
        })
    }
}

/// Where lines go.
pub(super) struct Destination<'a> {
    place: Place<'a>,
    /// Whether nothing stands there.
    pub(super) empty: bool,
}

enum Place<'a> {
    Writer(Box<dyn Write + Send + 'a>),
    /// A file, which is there once a run has begun.
    File(PathBuf, Option<std::fs::File>),
}

impl<'a> Destination<'a> {
    pub(super) fn writer(writer: impl Write + Send + 'a) -> Self {
        Self { place: Place::Writer(Box::new(writer)), empty: true }
    }

    pub(super) fn file(path: PathBuf) -> Self {
        Self { place: Place::File(path, None), empty: true }
    }

    /// Makes a file anew, or opens it to go on where it ends.
    pub(super) fn open(&mut self, goes_on: bool) -> Result<(), Error> {
        let Place::File(path, file) = &mut self.place else { return Ok(()) };
        let mut options = OpenOptions::new();
        let options = if goes_on { options.append(true) } else { options.write(true).truncate(true) };
        let opened = options.create(true).open(&*path).and_then(|opened| {
            self.empty = opened.metadata()?.len() == 0;
            Ok(opened)
        });
        *file = Some(opened.map_err(|error| Error::write(path.display(), &error))?);
        Ok(())
    }

    /// Writes a whole line at once, so that a program that is killed leaves no part of one.
    pub(super) fn write(&mut self, line: &[u8]) -> Result<(), Error> {
        let written = |writer: &mut dyn Write| writer.write_all(line).and_then(|()| writer.flush());
        let (written, name) = match &mut self.place {
            Place::Writer(writer) => (written(writer), "the log".to_owned()),
            Place::File(path, Some(file)) => (written(file), path.display().to_string()),
            Place::File(path, None) => (Err(io::ErrorKind::NotFound.into()), path.display().to_string()),
        };
        written.map_err(|error| Error::write(name, &error))?;
        self.empty = false;
        Ok(())
    }
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Writer(_) => f.write_str("a writer"),
            Place::File(path, _) => path.fmt(f),
        }
    }
}
