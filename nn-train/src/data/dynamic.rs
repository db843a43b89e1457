//! Samples whose widths are known when the program runs.

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Element, StepError};
use rand::seq::SliceRandom;

use super::dataset::write_labels;
use super::{Dataset, Samples};
use crate::Row;
use crate::error::Error;

/// m samples with their targets, whose widths come from data: what a [`DynNetwork`](crate::DynNetwork) is trained on.
///
/// Like a [`Dataset`] it is never empty, has a target for each sample, and holds finite numbers only.
///
/// ```
/// use nn_train::DynDataset;
///
/// let data = DynDataset::<f32>::from_labels(vec![5.1, 3.5, 7.0, 3.2, 6.3, 3.3], 2, &[0, 1, 2], 3)?;
/// assert_eq!((data.len(), data.input_width(), data.target_width()), (3, 2, 3));
/// assert_eq!(data.targets()[3..6], [0.0, 1.0, 0.0]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DynDataset<T> {
    inputs: Vec<T>,
    targets: Vec<T>,
    input_width: usize,
    target_width: usize,
}

/// `numbers` is rows of `width`.
fn check_rows<T>(what: &'static str, numbers: &[T], name: &'static str, width: usize) -> Result<(), Error> {
    if width == 0 {
        return Err(Error::setting(name, width, "at least 1"));
    }
    if !numbers.len().is_multiple_of(width) {
        return Err(StepError::Ragged { what, len: numbers.len(), width }.into());
    }
    Ok(())
}

impl<T: Element> DynDataset<T> {
    /// Samples of `input_width` numbers one behind the other, with their targets of `target_width`.
    ///
    /// # Errors
    /// [`Error::Setting`] for a width of 0, [`StepError::Ragged`] when numbers do not fill their last row,
    /// otherwise as [`Dataset::new`].
    pub fn new(inputs: Vec<T>, input_width: usize, targets: Vec<T>, target_width: usize) -> Result<Self, Error> {
        check_rows("inputs", &inputs, "input_width", input_width)?;
        check_rows("targets", &targets, "target_width", target_width)?;
        let data = Self { inputs, targets, input_width, target_width };
        data.samples().check()?;
        match u32::try_from(data.len()) {
            Ok(_) => Ok(data),
            Err(_) => Err(Error::TooManySamples { found: data.len(), max: u32::MAX as usize }),
        }
    }

    /// Samples with the class of each, made into targets of `target_width` as [`Dataset::from_labels`] makes them.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Label`] for a label that is too high.
    pub fn from_labels(
        inputs: Vec<T>,
        input_width: usize,
        labels: &[usize],
        target_width: usize,
    ) -> Result<Self, Error> {
        check_rows("inputs", &inputs, "input_width", input_width)?;
        check_rows::<T>("targets", &[], "target_width", target_width)?;
        let expected = inputs.len() / input_width;
        if expected != labels.len() {
            return Err(Error::Length { what: "labels", expected, found: labels.len() });
        }
        let too_many = || Error::setting("target_width", target_width, "fewer classes");
        let mut targets = vec![T::ZERO; labels.len().checked_mul(target_width).ok_or_else(too_many)?];
        write_labels(labels, target_width, &mut targets)?;
        Self::new(inputs, input_width, targets, target_width)
    }

    /// m, the number of samples, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.inputs.len() / self.input_width
    }

    /// S_1.
    #[must_use]
    pub fn input_width(&self) -> usize {
        self.input_width
    }

    /// S_L.
    #[must_use]
    pub fn target_width(&self) -> usize {
        self.target_width
    }

    /// The samples, m × S_1, row by row.
    #[must_use]
    pub fn inputs(&self) -> &[T] {
        &self.inputs
    }

    /// The targets, m × S_L, row by row.
    #[must_use]
    pub fn targets(&self) -> &[T] {
        &self.targets
    }

    /// Every sample with its target.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[T], &[T])> {
        self.inputs.chunks_exact(self.input_width).zip(self.targets.chunks_exact(self.target_width))
    }

    /// The class of every sample.
    ///
    /// # Errors
    /// [`Error::NotAClass`] for a target that is not made of one 1 and zeros (of 0 or 1, if it is one number).
    pub fn labels(&self) -> Result<Vec<usize>, Error> {
        self.samples().labels()
    }

    /// The samples at `indices`, in that order; an index may appear more than once.
    ///
    /// # Errors
    /// [`Error::Empty`] without an index, [`Error::Index`] for one past the data.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        if indices.is_empty() {
            return Err(Error::Empty { what: "subset" });
        }
        match indices.iter().find(|&&index| index >= self.len()) {
            Some(&index) => Err(Error::Index { index, len: self.len() }),
            None => Ok(self.pick(indices)),
        }
    }

    /// The same samples in the order of [`Dataset::shuffled`].
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut random::stream(seed, Purpose::Shuffle, 0));
        self.pick(&order)
    }

    /// The samples at `indices`, all of which are within the data; at least one.
    pub(super) fn pick(&self, indices: &[usize]) -> Self {
        let rows = |numbers: &[T], width: usize| -> Vec<T> {
            indices.iter().flat_map(|&index| numbers[index * width..][..width].iter().copied()).collect()
        };
        Self { inputs: rows(&self.inputs, self.input_width), targets: rows(&self.targets, self.target_width), ..*self }
    }

    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let Self { inputs, targets, input_width, target_width } = self;
        Samples { inputs, targets, input_width: *input_width, target_width: *target_width }
    }
}

/// The same samples; what has standardised them is not remembered.
impl<X: Row, Y: Row<Scalar = X::Scalar>> From<&Dataset<X, Y>> for DynDataset<X::Scalar> {
    fn from(data: &Dataset<X, Y>) -> Self {
        let Samples { inputs, targets, input_width, target_width } = data.samples();
        Self { inputs: inputs.to_vec(), targets: targets.to_vec(), input_width, target_width }
    }
}
