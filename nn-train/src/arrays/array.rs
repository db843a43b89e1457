//! Numbers in rows, as files have them.

use std::fs::File;
use std::io::{BufReader, Cursor};
use std::path::Path;

use nn_kernels::{Element, StepError};

use super::fault::ArrayFault as Fault;
use super::item::Item;
use super::numbers::{Bytes, Report, Trouble};
use super::{idx, npy};
use crate::data::DynDataset;
use crate::disk::write_file;
use crate::error::Error;

/// An array of any number of dimensions, the last of which runs fastest: what an NPY or IDX file holds.
///
/// ```
/// use nn_train::arrays::Array;
/// use nn_train::prelude::*;
///
/// # let folder = std::env::temp_dir();
/// # let x = folder.join(format!("nn-train-doc-x-{}.npy", std::process::id()));
/// # let y = folder.join(format!("nn-train-doc-y-{}.npy", std::process::id()));
/// # Array::new(vec![5.1, 3.5, 7.0, 3.2, 6.3, 3.3], [3, 2])?.write_npy(&x)?;
/// # Array::new(vec![0_i64, 1, 2], [3])?.write_npy(&y)?;
/// // np.save("x.npy", x); np.save("y.npy", y)
/// let (x, y) = (Array::<f32>::read_npy(x)?, Array::<usize>::read_npy(y)?);
/// let data = x.with_labels(&y, 3)?;
/// assert_eq!((data.len(), data.input_width(), data.labels()?), (3, 2, vec![0, 1, 2]));
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Array<T> {
    numbers: Vec<T>,
    sizes: Vec<usize>,
}

/// What stands for a path in messages about an array in memory.
const MEMORY: &str = "the array";

impl<T: Item> Array<T> {
    /// Numbers under the sizes of their dimensions, the last of which runs fastest.
    ///
    /// # Errors
    /// [`Error::Array`] unless the product of the sizes is the count of the numbers.
    pub fn new(numbers: Vec<T>, sizes: impl Into<Vec<usize>>) -> Result<Self, Error> {
        let sizes = sizes.into();
        if product(&sizes) == Some(numbers.len()) {
            return Ok(Self { numbers, sizes });
        }
        let expected = format!("sizes of {} numbers, as many as there are", numbers.len());
        Err(sizes_fault(MEMORY, &sizes, expected))
    }

    /// The same of sizes that are known to be right.
    pub(super) fn of(numbers: Vec<T>, sizes: Vec<usize>) -> Self {
        Self { numbers, sizes }
    }

    /// The same of numbers of which the first dimension runs fastest.
    pub(super) fn from_fortran(numbers: Vec<T>, sizes: Vec<usize>) -> Result<Self, Trouble> {
        // The sizes beside a 0 may be any, and their products too large.
        if numbers.is_empty() {
            return Ok(Self { numbers, sizes });
        }
        let mut strides = vec![1; sizes.len()];
        for dimension in 1..sizes.len() {
            strides[dimension] = strides[dimension - 1] * sizes[dimension - 1];
        }
        let mut index = vec![0; sizes.len()];
        let mut place = 0;
        let mut ordered = Vec::new();
        let memory = |_| Trouble::Memory(numbers.len().saturating_mul(size_of::<T>()));
        ordered.try_reserve_exact(numbers.len()).map_err(memory)?;
        for _ in 0..numbers.len() {
            ordered.push(numbers[place]);
            // The last index that is not at its end goes on; those behind it begin anew.
            for dimension in (0..sizes.len()).rev() {
                index[dimension] += 1;
                place += strides[dimension];
                if index[dimension] < sizes[dimension] {
                    break;
                }
                place -= strides[dimension] * sizes[dimension];
                index[dimension] = 0;
            }
        }
        Ok(Self { numbers: ordered, sizes })
    }

    /// The size of each dimension.
    #[must_use]
    pub fn sizes(&self) -> &[usize] {
        &self.sizes
    }

    /// The numbers, the last dimension running fastest.
    #[must_use]
    pub fn numbers(&self) -> &[T] {
        &self.numbers
    }

    /// The numbers alone.
    #[must_use]
    pub fn into_numbers(self) -> Vec<T> {
        self.numbers
    }

    /// Every number by `f`, under the same sizes: pixels divided by 255, say.
    #[must_use]
    pub fn map<U: Item>(self, f: impl FnMut(T) -> U) -> Array<U> {
        Array { numbers: self.numbers.into_iter().map(f).collect(), sizes: self.sizes }
    }

    /// Reads an NPY file: numbers of any type of NumPy's from bool to float64, but for complex ones, in C or Fortran order,
    /// of either byte order. See [`Item`] for what becomes of the numbers.
    ///
    /// # Errors
    /// [`Error::Array`] names the file and what is wrong with it; [`Error::Io`] when it cannot be read;
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn read_npy(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::read_npy_reporting(path, |_, _| ())
    }

    /// The same, calling `report` with the bytes of numbers that have been read and how many there are, about once a mebibyte and at
    /// the end.
    ///
    /// # Errors
    /// As [`read_npy`](Self::read_npy).
    pub fn read_npy_reporting(path: impl AsRef<Path>, mut report: impl FnMut(u64, u64)) -> Result<Self, Error> {
        let (reader, length, place) = open(path.as_ref())?;
        npy::read(reader, Bytes::Counted(length), &mut report).map_err(|trouble| error(&place, trouble))
    }

    /// The same of the bytes of a file.
    ///
    /// # Errors
    /// As [`read_npy`](Self::read_npy).
    pub fn from_npy_bytes(bytes: &[u8]) -> Result<Self, Error> {
        npy::read(bytes, Bytes::Counted(bytes.len() as u64), &mut |_, _| ()).map_err(|trouble| error(MEMORY, trouble))
    }

    /// Writes an NPY file, whole or not at all: after an error what stood there stands there still. `usize` is written as
    /// `uint64`.
    ///
    /// # Errors
    /// [`Error::Io`] names the file and what could not be done with it.
    pub fn write_npy(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        write_file(path.as_ref(), |writer| Ok(npy::write(self, writer)?))
    }

    /// Reads an IDX file, the format of MNIST, plain or packed by gzip, which its first bytes tell. Of what is packed up to 100
    /// times the bytes of the file and 1 MiB are unpacked, so that a small file cannot ask for all memory.
    ///
    /// ```no_run
    /// # use nn_train::arrays::Array;
    /// # use nn_train::prelude::*;
    /// let images = Array::<u8>::read_idx("train-images-idx3-ubyte.gz")?.map(|pixel| f32::from(pixel) / 255.0);
    /// let labels = Array::<usize>::read_idx("train-labels-idx1-ubyte.gz")?;
    /// let data = images.with_labels(&labels, 10)?;
    /// assert_eq!(data.input_width(), 28 * 28);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`read_npy`](Self::read_npy).
    pub fn read_idx(path: impl AsRef<Path>) -> Result<Self, Error> {
        Self::idx_of(path.as_ref(), None, &mut |_, _| ())
    }

    /// The same, calling `report` as [`read_npy_reporting`](Self::read_npy_reporting) does.
    ///
    /// # Errors
    /// As [`read_npy`](Self::read_npy).
    pub fn read_idx_reporting(path: impl AsRef<Path>, mut report: impl FnMut(u64, u64)) -> Result<Self, Error> {
        Self::idx_of(path.as_ref(), None, &mut report)
    }

    /// The same, unpacking up to `bytes` bytes: for a file beyond the limit of [`read_idx`](Self::read_idx), or a lower one.
    ///
    /// # Errors
    /// As [`read_npy`](Self::read_npy).
    pub fn read_idx_within(path: impl AsRef<Path>, bytes: u64) -> Result<Self, Error> {
        Self::idx_of(path.as_ref(), Some(bytes), &mut |_, _| ())
    }

    fn idx_of(path: &Path, limit: Option<u64>, report: Report<'_>) -> Result<Self, Error> {
        let (reader, length, place) = open(path)?;
        idx::read(reader, length, limit, report).map_err(|trouble| error(&place, trouble))
    }

    /// The same of the bytes of a file.
    ///
    /// # Errors
    /// As [`read_npy`](Self::read_npy).
    pub fn from_idx_bytes(bytes: &[u8]) -> Result<Self, Error> {
        idx::read(Cursor::new(bytes), bytes.len() as u64, None, &mut |_, _| ())
            .map_err(|trouble| error(MEMORY, trouble))
    }

    /// Numbers of a row and the numbers themselves: all dimensions behind the first are one.
    fn into_rows(self, what: &'static str) -> Result<(Vec<T>, usize), Error> {
        match self.sizes.split_first() {
            Some((_, rest)) => {
                let expected = || "rows of no more numbers than memory can hold".to_owned();
                let width = product(rest).ok_or_else(|| sizes_fault(what, &self.sizes, expected()))?;
                Ok((self.numbers, width))
            }
            None => Err(sizes_fault(what, &self.sizes, "at least one, that of the samples".to_owned())),
        }
    }
}

impl<T: Item + Element> Array<T> {
    /// A data set of these inputs. The first dimension is that of the samples; all others together are a sample, so that images
    /// are rows of pixels, and without any a sample is one number. So it is with the targets.
    ///
    /// # Errors
    /// [`Error::Array`] for an array without a dimension, otherwise as [`DynDataset::new`].
    pub fn with_targets(self, targets: Self) -> Result<DynDataset<T>, Error> {
        let (inputs, input_width) = self.into_rows("inputs")?;
        let (targets, target_width) = targets.into_rows("targets")?;
        DynDataset::new(inputs, input_width, targets, target_width)
    }

    /// A data set of these inputs and the class of each, of targets of `target_width` numbers: see
    /// [`DynDataset::from_labels`].
    ///
    /// # Errors
    /// [`Error::Array`] unless there is one label a sample, otherwise as [`DynDataset::from_labels`].
    pub fn with_labels(self, labels: &Array<usize>, target_width: usize) -> Result<DynDataset<T>, Error> {
        let (inputs, input_width) = self.into_rows("inputs")?;
        if !matches!(labels.sizes[..], [_] | [_, 1]) {
            return Err(sizes_fault("labels", &labels.sizes, "one dimension, that of the samples".to_owned()));
        }
        DynDataset::from_labels(inputs, input_width, &labels.numbers, target_width)
    }
}

/// How many numbers these sizes are, if a `usize` can say it.
fn product(sizes: &[usize]) -> Option<usize> {
    if sizes.contains(&0) {
        return Some(0);
    }
    sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size))
}

fn sizes_fault(place: &str, sizes: &[usize], expected: String) -> Error {
    let found = sizes.iter().map(|&size| size as u64).collect();
    Error::Array { place: place.to_owned(), fault: Fault::Sizes { found, expected } }
}

/// Opens a file: its bytes, how many there are, and its name.
pub(super) fn open(path: &Path) -> Result<(BufReader<File>, u64, String), Error> {
    let place = path.display().to_string();
    let opened = File::open(path).and_then(|file| {
        let length = file.metadata()?.len();
        Ok((BufReader::new(file), length))
    });
    let (reader, length) = opened.map_err(|error| Error::io("open", &place, &error))?;
    Ok((reader, length, place))
}

/// What went wrong with a file.
pub(super) fn error(place: &str, trouble: Trouble) -> Error {
    match trouble {
        Trouble::Fault(fault) => Error::Array { place: place.to_owned(), fault },
        Trouble::Read(error) => Error::io("read", place, &error),
        Trouble::Memory(bytes) => StepError::Memory { bytes }.into(),
    }
}
