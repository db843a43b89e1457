//! Rows of a CSV file as samples, part by part: what is converted without being in memory as a whole.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use nn_train::preprocess::Preprocess;
use nn_train::{Access, DynDataset, Element, Error, Rows, Source};

use crate::csv_stream::{self, Part, Parts};
use crate::data::{self, Format, Reading, name_of};
use crate::failure::Failure;

/// The samples that a [`Preprocess`] makes of the rows of a file, once, from the first to the last.
pub(crate) struct Streamed<'a, T> {
    path: PathBuf,
    reading: &'a Reading,
    format: Format,
    delimiter: u8,
    preprocess: &'a Preprocess,
    len: u64,
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
        let (mut counted, mut len) = (parts()?, 0);
        while let Some(part) = counted.next()? {
            len += csv_stream::rows_of(&part, delimiter)?;
        }
        if len == 0 {
            return Err(Failure::work(format!("{}: there is no row; expected one at least", name_of(path))));
        }
        let state = Mutex::new(State { parts: parts()?, samples: None, next: 0, first: 0 });
        Ok(Self { path: path.to_owned(), reading, format, delimiter, preprocess, len, state })
    }

    /// The samples of the next part.
    fn samples(&self, part: &Part) -> Result<DynDataset<T>, Error> {
        let read = || {
            let csv = self.reading.csv(self.preprocess.csv(), &self.path, self.format).delimiter(self.delimiter);
            let table = csv.read_bytes(&part.text)?;
            self.preprocess.dataset(&table)
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
            if state.samples.as_ref().is_none_or(|samples| index - state.first == samples.len() as u64) {
                let part = state.parts.next().map_err(|failure| Error::source(failure.message()))?;
                // The file has changed since its rows were counted.
                let part = part.ok_or(Error::StreamEnded { expected: self.len, found: index })?;
                (state.samples, state.first) = (Some(self.samples(&part)?), index);
            }
            if let Some(samples) = &state.samples {
                samples.read(&[index - state.first], rows)?;
            }
            state.next += 1;
        }
        Ok(())
    }
}
