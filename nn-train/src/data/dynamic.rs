//! The data set underneath all others: flat numbers, and widths that are known when the program runs.

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Architecture, Element};
use rand::seq::SliceRandom;

use super::labels::{check_labels, classes, write_labels};
use super::samples::check_width;
use super::weights::check_weights;
use super::{Samples, Standardizer};
use crate::error::Error;
use crate::network::compute::zeros;

/// m samples with their targets, whose widths come from data: what a [`DynNetwork`](crate::DynNetwork) is trained on.
///
/// A data set is never empty, has a target for each sample, and holds finite numbers only. Its samples may have
/// [weights](Self::with_weights), and it carries the [`Standardizer`]s that have been applied to it, so that other data
/// can be treated alike.
///
/// A [`Dataset`](crate::Dataset) is a view of one of these whose widths the compiler knows; it has the same methods.
///
/// ```
/// use nn_train::DynDataset;
///
/// let data = DynDataset::<f32>::from_labels(vec![5.1, 3.5, 7.0, 3.2, 6.3, 3.3], 2, &[0, 1, 2], 3)?;
/// assert_eq!((data.len(), data.input_width(), data.target_width()), (3, 2, 3));
/// assert_eq!(data.targets()[3..6], [0.0, 1.0, 0.0]);
/// assert_eq!(data.class_counts()?, [1, 1, 1]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct DynDataset<T> {
    /// m × S_1.
    pub(super) inputs: Vec<T>,
    /// m × S_L.
    pub(super) targets: Vec<T>,
    /// m numbers.
    pub(super) weights: Option<Vec<T>>,
    pub(super) input_width: usize,
    pub(super) target_width: usize,
    pub(super) standardizer: Option<Standardizer>,
    pub(super) target_standardizer: Option<Standardizer>,
}

impl<T: Element> DynDataset<T> {
    /// Samples of `input_width` numbers one behind the other, with their targets of `target_width`.
    ///
    /// # Errors
    /// [`Error::Argument`] for a width of 0, [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when
    /// numbers do not fill their last row, [`Error::Empty`] without a sample, [`Error::Length`] unless there are as many
    /// targets as samples, [`Error::NonFinite`] for a number that is infinite or NaN.
    pub fn new(inputs: Vec<T>, input_width: usize, targets: Vec<T>, target_width: usize) -> Result<Self, Error> {
        check_width("inputs", &inputs, "input_width", input_width)?;
        check_width("targets", &targets, "target_width", target_width)?;
        let (standardizer, target_standardizer) = (None, None);
        let data =
            Self { inputs, targets, weights: None, input_width, target_width, standardizer, target_standardizer };
        data.samples().check()?;
        Ok(data)
    }

    /// Samples with the class of each, made into targets of `target_width` numbers: 1 in the place of the class and 0
    /// elsewhere. Where a target is one number, the class 0 or 1 is that number.
    ///
    /// # Errors
    /// As [`new`](Self::new), [`Error::Label`] for a label that is too high, and [`Error::Argument`] for a width that
    /// there is no memory for.
    pub fn from_labels(
        inputs: Vec<T>,
        input_width: usize,
        labels: &[usize],
        target_width: usize,
    ) -> Result<Self, Error> {
        check_width("inputs", &inputs, "input_width", input_width)?;
        check_width::<T>("targets", &[], "target_width", target_width)?;
        let expected = inputs.len() / input_width;
        if expected == 0 {
            return Err(Error::Empty { what: "inputs" });
        }
        if expected != labels.len() {
            return Err(Error::Length { what: "labels", expected, found: labels.len() });
        }
        check_labels(labels, target_width)?;
        let too_wide = |_| Error::argument("target_width", target_width, "less, so that the targets fit into memory");
        let mut targets = zeros(labels.len().saturating_mul(target_width)).map_err(too_wide)?;
        write_labels(labels, target_width, &mut targets);
        Self::new(inputs, input_width, targets, target_width)
    }

    /// A sample within the data set, as it is pushed onto rows.
    #[cfg(feature = "records")]
    pub(crate) fn known(&self, sample: usize) -> super::Known<'_, T> {
        super::Known {
            input: &self.inputs[sample * self.input_width..][..self.input_width],
            target: super::KnownTarget::Numbers(&self.targets[sample * self.target_width..][..self.target_width]),
            weight: self.weights.as_ref().map(|weights| weights[sample]),
        }
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

    /// K, how many classes the targets can tell apart: as many as they have numbers, or 2 for one number.
    #[must_use]
    pub fn classes(&self) -> usize {
        classes(self.target_width)
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

    /// The number of samples of each class, [`classes`](Self::classes) counts. Weights do not enter.
    ///
    /// # Errors
    /// As [`labels`](Self::labels).
    pub fn class_counts(&self) -> Result<Vec<usize>, Error> {
        let mut counts = vec![0; self.classes()];
        for label in self.labels()? {
            counts[label] += 1;
        }
        Ok(counts)
    }

    /// The targets are what the loss of a network of this architecture takes: cross-entropy on a sigmoid takes numbers
    /// in [0, 1], and on a softmax also rows that sum to 1 (within 10⁻³ in `f32`, 10⁻⁶ in `f64`). The other losses
    /// take any number. Training asks before it begins.
    ///
    /// # Errors
    /// [`Error::Target`] or [`Error::TargetSum`] for the first target that is not.
    pub fn check_targets(&self, architecture: &Architecture) -> Result<(), Error> {
        self.samples().check_targets(architecture)
    }

    /// The samples at `indices`, in that order; an index may appear more than once.
    ///
    /// # Errors
    /// [`Error::Empty`] without an index, [`Error::Index`] for one past the data, [`Error::Weightless`] when all of
    /// these samples have the weight 0.
    pub fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        if indices.is_empty() {
            return Err(Error::Empty { what: "subset" });
        }
        match indices.iter().find(|&&index| index >= self.len()) {
            Some(&index) => Err(Error::Index { index, len: self.len() }),
            None => self.pick("the subset", indices),
        }
    }

    /// The same samples in another order, drawn under `seed`: the order in which a trainer of that seed sees them
    /// in its first epoch.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut random::stream(seed, Purpose::Shuffle, 0));
        self.gather(&order)
    }

    /// The samples at `indices`, all of which are within the data; at least one. `what` they are, for an error.
    pub(super) fn pick(&self, what: &'static str, indices: &[usize]) -> Result<Self, Error> {
        let data = self.gather(indices);
        if let Some(weights) = &data.weights {
            check_weights(what, weights, indices.len())?;
        }
        Ok(data)
    }

    fn gather(&self, indices: &[usize]) -> Self {
        let rows = |numbers: &[T], width: usize| {
            let mut rows = Vec::with_capacity(indices.len() * width);
            for &index in indices {
                rows.extend_from_slice(&numbers[index * width..][..width]);
            }
            rows
        };
        Self {
            inputs: rows(&self.inputs, self.input_width),
            targets: rows(&self.targets, self.target_width),
            weights: self.weights.as_ref().map(|weights| rows(weights, 1)),
            input_width: self.input_width,
            target_width: self.target_width,
            standardizer: self.standardizer.clone(),
            target_standardizer: self.target_standardizer.clone(),
        }
    }

    /// Everything that a step needs, as slices.
    pub(crate) fn samples(&self) -> Samples<'_, T> {
        let Self { inputs, targets, weights, input_width, target_width, .. } = self;
        let (input_width, target_width) = (*input_width, *target_width);
        Samples { inputs, targets, weights: weights.as_deref(), input_width, target_width }
    }
}
