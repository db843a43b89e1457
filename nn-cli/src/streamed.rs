//! Rows of a CSV file as samples, part by part: what is converted without being in memory as a whole.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nn_train::preprocess::Preprocess;
use nn_train::table::Table;
use nn_train::{Access, DynDataset, Element, Error, Interrupt, Interruption, Rows, Source};

use crate::csv_stream::{Part, Parts};
use crate::data::{self, Format, Reading, name_of};
use crate::failure::Failure;
use crate::output::signals_for;

/// The samples that a [`Preprocess`] makes of the rows of a file, once, from the first to the last.
pub(crate) struct Streamed<'a, T> {
    path: PathBuf,
    reading: &'a Reading,
    format: Format,
    delimiter: u8,
    preprocess: &'a Preprocess,
    len: u64,
    without_target: u64,
    signals: Option<Interrupt>,
    state: Mutex<State<T>>,
}

/// What has been read.
struct State<T> {
    parts: Parts<'static>,
    samples: Option<DynDataset<T>>,
    /// The row that comes next, and the first of the samples.
    next: u64,
    first: u64,
}

impl<'a, T: Element> Streamed<'a, T> {
    /// Counts the rows; they are read when they are asked for.
    pub(crate) fn open(
        path: &Path,
        reading: &'a Reading,
        format: Format,
        preprocess: &'a Preprocess,
    ) -> Result<Self, Failure> {
        let delimiter = reading.delimiter(&preprocess.csv(), path, format);
        let parts = || Parts::new(data::open(path)?, &name_of(path), delimiter, reading.has_header());
        let state = Mutex::new(State { parts: parts()?, samples: None, next: 0, first: 0 });
        let mut streamed = Self {
            path: path.to_owned(),
            reading,
            format,
            delimiter,
            preprocess,
            len: 0,
            without_target: 0,
            signals: signals_for(path)?,
            state,
        };
        let mut counted = parts()?;
        while let Some(part) = counted.next()? {
            if let Some(signal) = streamed.ended() {
                return Err(Failure::ended(signal, Some(format!("ended by {signal}: nothing is written"))));
            }
            let (known, all) = streamed.table(&part)?;
            streamed.len += known.rows() as u64;
            streamed.without_target += all as u64 - known.rows() as u64;
        }
        if streamed.len == 0 {
            return Err(Failure::work(format!("{}: no row has a target; expected one at least", name_of(path))));
        }
        Ok(streamed)
    }

    /// The signal that has ended the work, if one has.
    pub(crate) fn ended(&self) -> Option<Interruption> {
        self.signals.as_ref().and_then(Interrupt::received)
    }

    /// Rows that are left out because they have no target.
    pub(crate) fn without_target(&self) -> u64 {
        self.without_target
    }

    /// The rows of a part that have a target, and how many it has in all.
    fn table(&self, part: &Part) -> Result<(Table, usize), Error> {
        let csv = self.reading.csv(self.preprocess.csv(), &self.path, self.format).delimiter(self.delimiter);
        let read = || {
            let table = csv.read_bytes(&part.text)?;
            Ok((table.drop_missing(&self.preprocess.target_names())?, table.rows()))
        };
        read().map_err(|error| part.relocate(error, &name_of(&self.path)))
    }
}

impl<T: Element> Source for Streamed<'_, T> {
    type Scalar = T;

    fn len(&self) -> u64 {
        self.len
    }

    fn input_width(&self) -> usize {
        self.preprocess.input_width()
    }

    fn target_width(&self) -> usize {
        self.preprocess.target_width()
    }

    fn access(&self) -> Access {
        Access::Stream
    }

    fn read(&self, indices: &[u64], rows: &mut Rows<T>) -> Result<(), Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        for &index in indices {
            if index != state.next {
                return Err(Error::StreamOrder { expected: state.next, found: index });
            }
            // Parts without a target in any row are passed over.
            while state.samples.as_ref().is_none_or(|samples| index - state.first == samples.len() as u64) {
                if let Some(signal) = self.ended() {
                    return Err(Error::source(format!("ended by {signal}")));
                }
                let part = state.parts.next().map_err(|failure| Error::source(failure.message()))?;
                // The file has changed since its rows were counted.
                let part = part.ok_or(Error::StreamEnded { expected: self.len, found: index })?;
                let (table, _) = self.table(&part)?;
                if table.rows() > 0 {
                    let samples = self.preprocess.dataset(&table);
                    let samples = samples.map_err(|error| part.relocate(error, &name_of(&self.path)))?;
                    (state.samples, state.first) = (Some(samples), index);
                }
            }
            if let Some(samples) = &state.samples {
                samples.read(&[index - state.first], rows)?;
            }
            state.next += 1;
        }
        Ok(())
    }
}
