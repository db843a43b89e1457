//! A data set whose widths the compiler knows.

use std::marker::PhantomData;
use std::ops::Deref;

use super::labels::classes;
use super::{DynDataset, Standardizer};
use crate::Row;
use crate::error::Error;

/// m samples of type `X` = `[T; S_1]` with their targets `Y` = `[T; S_L]`.
///
/// It is a [`DynDataset`] with the widths in its type: rows are arrays here, and data of another width does not compile
/// where a declared network expects it. Whatever needs no widths is the `DynDataset`'s, and found through `Deref`: how
/// many samples there are, their classes, weights and standardizers.
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
pub struct Dataset<X: Row, Y: Row<Scalar = X::Scalar>> {
    data: DynDataset<X::Scalar>,
    rows: PhantomData<fn() -> (X, Y)>,
}

impl<X: Row, Y: Row<Scalar = X::Scalar>> Dataset<X, Y> {
    /// How many classes the targets can tell apart: as many as they have numbers, or 2 for one number.
    pub const CLASSES: usize = classes(Y::WIDTH);

    /// Samples with their targets. Nothing is copied.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::Length`] unless there are as many targets as samples,
    /// [`Error::NonFinite`] for a number that is infinite or NaN. Rows `[T; 0]` do not compile.
    pub fn new(inputs: Vec<X>, targets: Vec<Y>) -> Result<Self, Error> {
        DynDataset::new(X::into_flat(inputs), X::WIDTH, Y::into_flat(targets), Y::WIDTH).map(Self::typed)
    }

    /// Samples with the class of each, made into targets: 1 in the place of the class and 0 elsewhere. Where a
    /// target is one number, the class 0 or 1 is that number.
    ///
    /// # Errors
    /// As [`new`](Self::new), and [`Error::Label`] for a label that is not below [`CLASSES`](Self::CLASSES).
    pub fn from_labels(inputs: Vec<X>, labels: &[usize]) -> Result<Self, Error> {
        DynDataset::from_labels(X::into_flat(inputs), X::WIDTH, labels, Y::WIDTH).map(Self::typed)
    }

    /// Data of these widths.
    fn typed(data: DynDataset<X::Scalar>) -> Self {
        Self { data, rows: PhantomData }
    }

    /// Two parts of such data.
    fn both((first, second): (DynDataset<X::Scalar>, DynDataset<X::Scalar>)) -> (Self, Self) {
        (Self::typed(first), Self::typed(second))
    }

    /// The samples, m × S_1.
    #[must_use]
    pub fn inputs(&self) -> &[X] {
        X::rows(&self.data.inputs)
    }

    /// The targets, m × S_L.
    #[must_use]
    pub fn targets(&self) -> &[Y] {
        Y::rows(&self.data.targets)
    }

    /// Every sample with its target.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&X, &Y)> {
        self.inputs().iter().zip(self.targets())
    }

    /// The same data with a weight for each sample: it counts as that many samples. See [`DynDataset::with_weights`].
    ///
    /// # Errors
    /// As [`DynDataset::with_weights`].
    pub fn with_weights(self, weights: Vec<X::Scalar>) -> Result<Self, Error> {
        self.data.with_weights(weights).map(Self::typed)
    }

    /// The same data with each sample's weight multiplied by that of its class. See [`DynDataset::with_class_weights`].
    ///
    /// # Errors
    /// As [`DynDataset::with_class_weights`].
    pub fn with_class_weights(self, class_weights: &[f64]) -> Result<Self, Error> {
        self.data.with_class_weights(class_weights).map(Self::typed)
    }

    /// The same data with class weights that make all classes count alike. See [`DynDataset::balanced`].
    ///
    /// # Errors
    /// As [`DynDataset::balanced`].
    pub fn balanced(self) -> Result<Self, Error> {
        self.data.balanced().map(Self::typed)
    }

    /// The samples at `indices`, in that order. See [`DynDataset::subset`].
    ///
    /// # Errors
    /// As [`DynDataset::subset`].
    pub fn subset(&self, indices: &[usize]) -> Result<Self, Error> {
        self.data.subset(indices).map(Self::typed)
    }

    /// The same samples in an order drawn under `seed`. See [`DynDataset::shuffled`].
    #[must_use]
    pub fn shuffled(&self, seed: u64) -> Self {
        Self::typed(self.data.shuffled(seed))
    }

    /// Two parts drawn under `seed`, the first with the share `fraction` of the samples. See [`DynDataset::split`].
    ///
    /// # Errors
    /// As [`DynDataset::split`].
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        self.data.split(fraction, seed).map(Self::both)
    }

    /// As [`split`](Self::split), with the share of each class the same in both parts. See
    /// [`DynDataset::stratified_split`].
    ///
    /// # Errors
    /// As [`DynDataset::stratified_split`].
    pub fn stratified_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        self.data.stratified_split(fraction, seed).map(Self::both)
    }

    /// Inputs with mean 0 and standard deviation 1 in each feature. See [`DynDataset::standardized`].
    ///
    /// # Errors
    /// As [`DynDataset::standardized`].
    pub fn standardized(&self) -> Result<Self, Error> {
        self.data.standardized().map(Self::typed)
    }

    /// Inputs standardised by the constants of `other`, which is training data as a rule. See
    /// [`DynDataset::standardized_like`].
    ///
    /// # Errors
    /// As [`DynDataset::standardized_like`].
    pub fn standardized_like<Z: Row<Scalar = X::Scalar>>(&self, other: &Dataset<X, Z>) -> Result<Self, Error> {
        self.data.standardized_like(other).map(Self::typed)
    }

    /// Inputs standardised by `standardizer`. See [`DynDataset::standardized_by`].
    ///
    /// # Errors
    /// As [`DynDataset::standardized_by`].
    pub fn standardized_by(&self, standardizer: &Standardizer) -> Result<Self, Error> {
        self.data.standardized_by(standardizer).map(Self::typed)
    }

    /// Targets with mean 0 and standard deviation 1 in each column. See [`DynDataset::targets_standardized`].
    ///
    /// # Errors
    /// As [`DynDataset::targets_standardized`].
    pub fn targets_standardized(&self) -> Result<Self, Error> {
        self.data.targets_standardized().map(Self::typed)
    }

    /// Targets standardised by the constants of `other`, which is training data as a rule. See
    /// [`DynDataset::targets_standardized_like`].
    ///
    /// # Errors
    /// As [`DynDataset::targets_standardized_like`].
    pub fn targets_standardized_like<W: Row<Scalar = X::Scalar>>(&self, other: &Dataset<W, Y>) -> Result<Self, Error> {
        self.data.targets_standardized_like(other).map(Self::typed)
    }

    /// Targets standardised by `standardizer`. See [`DynDataset::targets_standardized_by`].
    ///
    /// # Errors
    /// As [`DynDataset::targets_standardized_by`].
    pub fn targets_standardized_by(&self, standardizer: &Standardizer) -> Result<Self, Error> {
        self.data.targets_standardized_by(standardizer).map(Self::typed)
    }
}

impl<X: Row, Y: Row<Scalar = X::Scalar>> Deref for Dataset<X, Y> {
    type Target = DynDataset<X::Scalar>;

    fn deref(&self) -> &DynDataset<X::Scalar> {
        &self.data
    }
}

/// The same data without the widths in its type. Nothing is copied.
impl<X: Row, Y: Row<Scalar = X::Scalar>> From<Dataset<X, Y>> for DynDataset<X::Scalar> {
    fn from(data: Dataset<X, Y>) -> Self {
        data.data
    }
}

/// The same data with its widths in the type, if they are these. Nothing is copied.
impl<X: Row, Y: Row<Scalar = X::Scalar>> TryFrom<DynDataset<X::Scalar>> for Dataset<X, Y> {
    type Error = Error;

    fn try_from(data: DynDataset<X::Scalar>) -> Result<Self, Error> {
        let widths = [("inputs", X::WIDTH, data.input_width()), ("targets", Y::WIDTH, data.target_width())];
        for (what, expected, found) in widths {
            if expected != found {
                return Err(Error::Width { what, expected, found });
            }
        }
        Ok(Self::typed(data))
    }
}
