//! What the logs of a run have in common: a line an epoch, and where it goes.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::network::Network;
use crate::train::{Context, Epoch, History};

/// The numbers of an epoch, in the order of the columns.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Line {
    epoch: usize,
    steps: u64,
    dropped_steps: u64,
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
        let Epoch { number, cost, validation_cost, accuracy, samples_per_second, dropped_steps, duration } =
            *context.last_epoch()?;
        Some(Self {
            epoch: number,
            steps: context.step(),
            dropped_steps,
            learning_rate: context.learning_rate(),
            cost,
            validation_cost,
            accuracy,
            samples_per_second,
            seconds: duration.as_secs_f64(),
        })
    }

    /// Whether it is one of these epochs'.
    fn is_of(&self, history: &History) -> bool {
        let epoch = history.binary_search_by_key(&self.epoch, |epoch| epoch.number);
        epoch.is_ok_and(|place| history[place].cost.total_cmp(&self.cost).is_eq())
    }
}

/// Where lines go.
pub(super) struct Destination<'a> {
    place: Place<'a>,
    /// Whether a run that begins anew makes a file anew that is there.
    overwrite: bool,
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
        Self { place: Place::Writer(Box::new(writer)), overwrite: false, empty: true }
    }

    pub(super) fn file(path: PathBuf) -> Self {
        Self { place: Place::File(path, None), overwrite: false, empty: true }
    }

    pub(super) fn overwrite(self, overwrite: bool) -> Self {
        Self { overwrite, ..self }
    }

    /// Makes a file, or goes on in one behind the lines of the epochs that are over. `head` is what a file begins with, and
    /// `read` reads a line without its end.
    pub(super) fn open<N: Network>(
        &mut self,
        context: &Context<'_, N>,
        head: &[u8],
        read: fn(&[u8]) -> Option<Line>,
    ) -> Result<(), Error> {
        let Place::File(path, file) = &mut self.place else { return Ok(()) };
        let failed = |error| Error::io("open", path.display(), &error);
        let resumed = context.epoch() > 0;
        let mut options = OpenOptions::new();
        let mut opened = options.read(resumed).write(true).create(true).truncate(false).open(&*path).map_err(failed)?;
        let length = opened.metadata().map_err(failed)?.len();
        if length > 0 && !resumed && !self.overwrite {
            return Err(Error::Exists { place: path.display().to_string() });
        }
        let mut kept = 0;
        if resumed {
            let mut text = Vec::new();
            opened.read_to_end(&mut text).map_err(failed)?;
            let place = || path.display().to_string();
            let another = |line| Error::AnotherRun { place: place(), why: format!("line {line} is none of its lines") };
            kept = behind(&text, context.history(), head, read).map_err(another)? as u64;
        }
        if kept < length {
            opened.set_len(kept).map_err(failed)?;
            opened.seek(SeekFrom::Start(kept)).map_err(failed)?;
        }
        self.empty = kept == 0;
        *file = Some(opened);
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

/// How many bytes of a log a run goes on behind whose epochs `history` has, or the number of a line that is not one of
/// that run. A line without an end is what a program left that was killed.
fn behind(text: &[u8], history: &History, head: &[u8], read: fn(&[u8]) -> Option<Line>) -> Result<usize, usize> {
    let last = history.last().map_or(0, |epoch| epoch.number);
    let mut end = 0;
    for (number, line) in (1..).zip(text.split_inclusive(|&byte| byte == b'\n')) {
        let Some(whole) = line.strip_suffix(b"\n") else { break };
        if number > 1 || line != head {
            let line = read(whole).ok_or(number)?;
            if line.epoch > last {
                break;
            }
            if !line.is_of(history) {
                return Err(number);
            }
        }
        end += line.len();
    }
    Ok(end)
}

impl fmt::Debug for Destination<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::Writer(_) => f.write_str("a writer"),
            Place::File(path, _) => path.fmt(f),
        }
    }
}
