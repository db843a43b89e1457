//! Samples with their targets.

use nn_kernels::Element;
use nn_kernels::random::{self, Purpose};
use rand::seq::SliceRandom;

use super::{Samples, Standardizer, check_finite};
use crate::Row;
use crate::error::Error;

/// m samples of type `X` = `[T; S_1]` with their targets `Y` = `[T; S_L]`.
///
/// A data set is never empty, has a target for each sample, and holds finite numbers only: whoever makes one has
/// been told otherwise. It carries the [`Standardizer`] that has been applied to it, so that other data can be
/// treated alike.
///
/// ```
/// use nn_train::Dataset;
///
/// let iris = Dataset::<[f32; 2], [f32; 3]>::from_labels(vec![[5.1, 3.5], [7.0, 3.2], [6.3, 3.3]], &[0, 1, 2])?;
/// assert_eq!(iris.targets()[1], [0.0, 1.0, 0.0]);
/// assert_eq!(iris.class_counts()?, [1, 1, 1]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Dataset<X, Y> {
    inputs: Vec<X>,
    targets: Vec<Y>,
    standardizer: Option<Standardizer<X>>,
}

/// The class that a target stands for: of several numbers the place of the single 1 among zeros, of one number
/// that number, 0 or 1.
pub(crate) fn class_of<T: Element>(target: &[T]) -> Option<usize> {
    if let [number] = target {
        return [T::ZERO, T::ONE].iter().position(|class| class == number);
    }
    let class = target.iter().position(|&number| number == T::ONE)?;
    let others = target.iter().enumerate().all(|(k, &number)| k == class || number == T::ZERO);
    others.then_some(class)
}

/// The class that an output decides for: the highest of several numbers, the first if there are more; of one
/// number, whether it is at least ½.
pub(crate) fn highest<T: Element>(output: &[T]) -> usize {
    if let [number] = output {
        return usize::from(number.to_f64() >= 0.5);
    }
    let mut best = 0;
    for (k, number) in output.iter().enumerate() {
        if *number > output[best] {
            best = k;
        }
    }
    best
}

/// How many classes targets of `width` numbers tell apart: one number tells two.
pub(crate) const fn classes(width: usize) -> usize {
    if width == 1 { 2 } else { width }
}

/// Makes targets of classes: 1 in the place of the class, where zeros are, or the class itself as the one number.
pub(super) fn write_labels<T: Element>(labels: &[usize], width: usize, targets: &mut [T]) -> Result<(), Error> {
    let classes = classes(width);
    for (sample, (&label, target)) in labels.iter().zip(targets.chunks_exact_mut(width)).enumerate() {
        if label >= classes {
            return Err(Error::Label { sample, label, classes });
        }
        match target {
            [number] => *number = T::from_f64(label as f64),
            several => several[label] = T::ONE,
        }
    }
    Ok(())
}

impl<X: Row, Y: Row<Scalar = X::Scalar>> Dataset<X, Y> {
    /// How many classes the targets can tell apart: as many as they have numbers, or 2 for one number.
    pub const CLASSES: usize = classes(Y::WIDTH);

    /// Samples with their targets.
    ///
    /// # Errors
    /// [`Error::Empty`], [`Error::Length`], [`Error::NonFinite`], or [`Error::TooManySamples`] beyond 2³² - 1.
    pub fn new(inputs: Vec<X>, targets: Vec<Y>) -> Result<Self, Error> {
        Samples::of(&inputs, &targets).check()?;
        match u32::try_from(inputs.len()) {
            Ok(_) => Ok(Self { inputs, targets, standardizer: None }),
            Err(_) => Err(Error::TooManySamples { found: inputs.len(), max: u32::MAX as usize }),
        }
    }

    /// Samples with the class of each, made into targets: 1 in the place of the class and 0 elsewhere. Where a
    /// target is one number, the class 0 or 1 is that number.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Label`] for a label that is not below [`CLASSES`](Self::CLASSES).
    pub fn from_labels(inputs: Vec<X>, labels: &[usize]) -> Result<Self, Error> {
        if !inputs.is_empty() && inputs.len() != labels.len() {
            return Err(Error::Length { what: "labels", expected: inputs.len(), found: labels.len() });
        }
        let mut targets = vec![Y::zeros(); labels.len()];
        write_labels(labels, Y::WIDTH, Y::flatten_mut(&mut targets))?;
        Self::new(inputs, targets)
    }

    /// m, the number of samples, at least 1.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "a data set is never empty")]
    pub fn len(&self) -> usize {
        self.inputs.len()
    }

    /// The samples, m × S_1.
    #[must_use]
    pub fn inputs(&self) -> &[X] {
        &self.inputs
    }

    /// The targets, m × S_L.
    #[must_use]
    pub fn targets(&self) -> &[Y] {
        &self.targets
    }

    /// Inputs and targets as flat slices.
    pub(crate) fn samples(&self) -> Samples<'_, X::Scalar> {
        Samples::of(&self.inputs, &self.targets)
    }

    /// Every sample with its target.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&X, &Y)> {
        self.inputs.iter().zip(&self.targets)
    }

    /// The class of every sample.
    ///
    /// # Errors
    /// [`Error::NotAClass`] for a target that is not made of one 1 and zeros (of 0 or 1, if it is one number).
    pub fn labels(&self) -> Result<Vec<usize>, Error> {
        self.samples().labels()
    }

    /// How many samples each class has, [`CLASSES`](Self::CLASSES) counts.
    ///
    /// # Errors
    /// As [`labels`](Self::labels).
    pub fn class_counts(&self) -> Result<Vec<usize>, Error> {
        let mut counts = vec![0; Self::CLASSES];
        for label in self.labels()? {
            counts[label] += 1;
        }
        Ok(counts)
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

    /// The same samples in another order, drawn under `seed`: the order in which a trainer of that seed sees them
    /// in its first epoch.
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut random::stream(seed, Purpose::Shuffle, 0));
        self.pick(&order)
    }

    /// The samples at `indices`, all of which are within the data; at least one.
    pub(super) fn pick(&self, indices: &[usize]) -> Self {
        Self {
            inputs: indices.iter().map(|&index| self.inputs[index]).collect(),
            targets: indices.iter().map(|&index| self.targets[index]).collect(),
            standardizer: self.standardizer.clone(),
        }
    }

    /// What has been applied to the samples, if anything has.
    #[must_use]
    pub fn standardizer(&self) -> Option<&Standardizer<X>> {
        self.standardizer.as_ref()
    }

    /// The samples with each feature at mean 0 and standard deviation 1, as [`Standardizer::fit`] finds them here.
    ///
    /// Split first, then standardise the part to train on, and the others like it: what a test set's samples
    /// average to is not known when a network is trained.
    ///
    /// # Errors
    /// [`Error::AlreadyStandardized`], or as [`Standardizer::fit`].
    pub fn standardized(&self) -> Result<Self, Error> {
        self.standardized_by(&Standardizer::fit(self.inputs())?)
    }

    /// The samples as the standardizer of `other` makes them.
    ///
    /// # Errors
    /// [`Error::NotStandardized`] when `other` has none, or as [`standardized_by`](Self::standardized_by).
    pub fn standardized_like<Z>(&self, other: &Dataset<X, Z>) -> Result<Self, Error> {
        self.standardized_by(other.standardizer.as_ref().ok_or(Error::NotStandardized)?)
    }

    /// The samples as `standardizer` makes them.
    ///
    /// # Errors
    /// [`Error::AlreadyStandardized`], or [`Error::NonFinite`] when a sample lies so far from the standardizer's
    /// mean that the result overflows.
    pub fn standardized_by(&self, standardizer: &Standardizer<X>) -> Result<Self, Error> {
        if self.standardizer.is_some() {
            return Err(Error::AlreadyStandardized);
        }
        let inputs: Vec<X> = self.inputs.iter().map(|input| standardizer.apply(input)).collect();
        check_finite("standardised inputs", X::flatten(&inputs), X::WIDTH)?;
        Ok(Self { inputs, targets: self.targets.clone(), standardizer: Some(standardizer.clone()) })
    }
}
