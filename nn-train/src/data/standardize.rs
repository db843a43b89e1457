//! Bringing features to mean 0 and standard deviation 1.

use nn_kernels::Element;

use super::DynDataset;
use super::moments::{Moments, Weighing, moments, parts, unit};
use super::samples::{check_finite, check_width};
use crate::Row;
use crate::collective::{Collective, Group, Numbers};
use crate::error::Error;
use crate::network::compute::zeros;

/// The constants by which rows are standardised, feature by feature: x' = (x - mean) / deviation.
///
/// Fit it on the samples to train on and apply it to all others, including those of tomorrow: with the feature
/// `serde` it goes into a file. Means and deviations are computed and applied in `f64`.
///
/// ```
/// use nn_train::Standardizer;
///
/// let standardizer = Standardizer::fit(&[[1.0_f32, 7.0], [3.0, 7.0]])?;
/// assert_eq!(standardizer.means(), [2.0, 7.0]);
/// assert_eq!(standardizer.deviations(), [1.0, 1.0]);
/// assert_eq!(standardizer.apply(&[5.0_f32, 7.5])?, [3.0, 0.5]);
/// assert_eq!(standardizer.invert(&[3.0_f32, 0.5])?, [5.0, 7.5]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Standardizer {
    means: Box<[f64]>,
    deviations: Box<[f64]>,
}

impl Standardizer {
    /// The mean of each feature, and its deviation √(Σ(x - mean)² / m), that of the whole and not of a sample, as
    /// in scikit-learn's `StandardScaler`. A feature that never varies has the deviation 1: it is centred only.
    ///
    /// # Errors
    /// [`Error::Empty`] without a sample, [`Error::NonFinite`], or [`Error::Deviation`] when a feature varies so
    /// little that its deviation rounds to 0.
    pub fn fit<X: Row>(rows: &[X]) -> Result<Self, Error> {
        Self::fit_flat(X::flatten(rows), X::WIDTH)
    }

    /// As [`fit`](Self::fit), on rows of `width` numbers one behind the other.
    ///
    /// # Errors
    /// As [`fit`](Self::fit), [`Error::Argument`] for a width of 0, and [`StepError::Ragged`](crate::StepError::Ragged) in
    /// [`Error::Step`] when the numbers do not fill their last row.
    pub fn fit_flat<T: Element>(numbers: &[T], width: usize) -> Result<Self, Error> {
        check(numbers, width)?;
        Self::of(numbers, width)
    }

    /// As [`fit`](Self::fit), on the rows of all processes that train together, of which each has some: its
    /// [`Shard`](super::Shard). All come to the same constants, bit for bit; they are those of all rows in one place, to
    /// rounding.
    ///
    /// ```
    /// use nn_train::Standardizer;
    /// use nn_train::collective::Single;
    ///
    /// // On each rank its own rows; with `Mpi` in place of `Single`, of all ranks.
    /// let standardizer = Standardizer::fit_together(&[[1.0_f32, 7.0], [3.0, 7.0]], &Single)?;
    /// assert_eq!(standardizer.means(), [2.0, 7.0]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`fit`](Self::fit), in [`Error::Rank`] where there are several ranks, one without a row among them, or one whose
    /// rows have another width; and [`Error::Collective`] where not all ranks came. Every rank gets the same.
    pub fn fit_together<X: Row>(rows: &[X], collective: &dyn Collective) -> Result<Self, Error> {
        Self::fit_flat_together(X::flatten(rows), X::WIDTH, collective)
    }

    /// As [`fit_together`](Self::fit_together), on rows of `width` numbers one behind the other.
    ///
    /// # Errors
    /// As [`fit_together`](Self::fit_together) and [`fit_flat`](Self::fit_flat).
    pub fn fit_flat_together<T: Element>(
        numbers: &[T],
        width: usize,
        collective: &dyn Collective,
    ) -> Result<Self, Error> {
        let group = Group::of(collective);
        let Some(ranks) = group.ranks() else { return Self::fit_flat(numbers, width) };
        group.agree("Standardizer::fit_together", check(numbers, width))?;
        group.same("Standardizer::fit_together", &[("the number of features", width.to_string())])?;
        let counts = group.gather("Standardizer::fit_together", [(numbers.len() / width) as f64])?;
        let total: f64 = counts.as_flattened().iter().sum();
        // Of each rank the first row, and the largest magnitudes.
        let first: Vec<f64> = numbers[..width].iter().map(|number| number.to_f64()).collect();
        let found = gathered(&[first, largest(numbers, width)].concat(), ranks)?;
        let of = |place: usize| found.chunks_exact(2 * width).map(move |rank| rank[place]);
        let units: Vec<f64> = (width..2 * width).map(|place| unit(of(place).fold(0.0, f64::max))).collect();
        // The sums, and whether a number is another than the first of all.
        let varies = |column: usize| {
            let own = numbers[column..].iter().step_by(width).any(|number| number.to_f64() != found[column]);
            f64::from(own)
        };
        let own = [parts::sums(numbers, &units), (0..width).map(varies).collect()].concat();
        let sums = gathered(&own, ranks)?;
        let sum = |place: usize| sums.chunks_exact(2 * width).map(|rank| rank[place]).sum::<f64>();
        let rough: Vec<f64> = (0..width).map(|column| sum(column) / total).collect();
        let own = parts::around(numbers, &units, &rough);
        let around = gathered(own.as_flattened(), ranks)?;
        let column = |column: usize| {
            if sum(width + column) == 0.0 {
                return Moments { mean: found[column] / units[column], variance: 0.0, varies: false };
            }
            let ranks = around.chunks_exact(2 * width).zip(&counts);
            let ranks = ranks.map(|(rank, [count])| (*count, [rank[2 * column], rank[2 * column + 1]]));
            let [offset, variance] = parts::together(&ranks.collect::<Vec<_>>());
            Moments { mean: rough[column] + offset, variance, varies: true }
        };
        Self::of_moments((0..width).map(column), &units)
    }

    /// The constants of at least one row of finite numbers.
    fn of<T: Element>(numbers: &[T], width: usize) -> Result<Self, Error> {
        let units: Vec<f64> = largest(numbers, width).into_iter().map(unit).collect();
        let moments = moments(numbers, &units, Weighing::new(None));
        Self::of_moments(moments.into_iter(), &units)
    }

    /// The constants of columns with these moments, in their units.
    fn of_moments(moments: impl Iterator<Item = Moments>, units: &[f64]) -> Result<Self, Error> {
        let (mut means, mut deviations) = (Vec::with_capacity(units.len()), Vec::with_capacity(units.len()));
        for (column, (moments, unit)) in moments.zip(units).enumerate() {
            let value = if moments.varies { moments.variance.sqrt() * unit } else { 1.0 };
            if value == 0.0 {
                return Err(Error::Deviation { column, value });
            }
            means.push(moments.mean * unit);
            deviations.push(value);
        }
        Ok(Self { means: means.into(), deviations: deviations.into() })
    }

    /// Constants from elsewhere, one of each for a feature.
    ///
    /// # Errors
    /// [`Error::Missing`] for no feature, [`Error::Constants`] unless there are as many deviations as means,
    /// [`Error::Mean`] for a mean that is not finite, [`Error::Deviation`] for a deviation that is not finite and
    /// positive.
    pub fn from_constants(means: Vec<f64>, deviations: Vec<f64>) -> Result<Self, Error> {
        if means.is_empty() {
            return Err(Error::Missing { what: "mean", expected: "at least 1, that of a feature" });
        }
        if means.len() != deviations.len() {
            return Err(Error::Constants { name: "deviations", expected: means.len(), found: deviations.len() });
        }
        if let Some(column) = means.iter().position(|mean| !mean.is_finite()) {
            return Err(Error::Mean { column, value: means[column] });
        }
        if let Some(column) = deviations.iter().position(|deviation| !(deviation.is_finite() && *deviation > 0.0)) {
            return Err(Error::Deviation { column, value: deviations[column] });
        }
        Ok(Self { means: means.into(), deviations: deviations.into() })
    }

    /// The number of features in a row, at least 1.
    #[must_use]
    pub fn features(&self) -> usize {
        self.means.len()
    }

    /// The mean of each feature.
    #[must_use]
    pub fn means(&self) -> &[f64] {
        &self.means
    }

    /// The standard deviation of each feature, 1 for one that never varied.
    #[must_use]
    pub fn deviations(&self) -> &[f64] {
        &self.deviations
    }

    /// A row, standardised. An array gives an array; a slice or a `Vec` gives a `Vec`, and may hold several rows one
    /// behind the other.
    ///
    /// ```
    /// # use nn_train::Standardizer;
    /// let standardizer = Standardizer::from_constants(vec![1.0, 10.0], vec![2.0, 5.0])?;
    /// assert_eq!(standardizer.apply(&[3.0, 0.0])?, [1.0, -2.0]);
    /// let rows: &[f64] = &[3.0, 0.0, 1.0, 10.0];
    /// assert_eq!(standardizer.apply(rows)?, vec![1.0, -2.0, 0.0, 0.0]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Features`] when it is not whole rows of as many features.
    pub fn apply<T, R>(&self, row: &R) -> Result<R::Owned, Error>
    where
        T: Element,
        R: AsRef<[T]> + ToOwned + ?Sized,
        R::Owned: AsMut<[T]>,
    {
        self.each(row, |number, mean, deviation| (number - mean) / deviation)
    }

    /// The row that [`apply`](Self::apply) makes `row` of, up to rounding.
    ///
    /// # Errors
    /// As [`apply`](Self::apply).
    pub fn invert<T, R>(&self, row: &R) -> Result<R::Owned, Error>
    where
        T: Element,
        R: AsRef<[T]> + ToOwned + ?Sized,
        R::Owned: AsMut<[T]>,
    {
        self.each(row, |number, mean, deviation| number * deviation + mean)
    }

    /// `work` on each number and the constants of its feature.
    fn each<T, R>(&self, row: &R, work: impl Fn(f64, f64, f64) -> f64) -> Result<R::Owned, Error>
    where
        T: Element,
        R: AsRef<[T]> + ToOwned + ?Sized,
        R::Owned: AsMut<[T]>,
    {
        let (found, expected) = (row.as_ref().len(), self.features());
        if found == 0 || !found.is_multiple_of(expected) {
            return Err(Error::Features { what: "the row", expected, found });
        }
        let mut output = row.to_owned();
        for row in output.as_mut().chunks_exact_mut(expected) {
            for ((number, mean), deviation) in row.iter_mut().zip(&self.means).zip(&self.deviations) {
                *number = T::from_f64(work(number.to_f64(), *mean, *deviation));
            }
        }
        Ok(output)
    }

    /// Rows of `width`, standardised, which overflows for none of them.
    fn apply_to<T: Element>(&self, what: &'static str, numbers: &[T], width: usize) -> Result<Vec<T>, Error> {
        if width != self.features() {
            return Err(Error::Features { what: "a row", expected: self.features(), found: width });
        }
        let standardized = self.apply(numbers)?;
        check_finite(what, &standardized, width)?;
        Ok(standardized)
    }
}

/// There are rows of this width, and their numbers are finite.
fn check<T: Element>(numbers: &[T], width: usize) -> Result<(), Error> {
    check_width("inputs", numbers, "width", width)?;
    if numbers.is_empty() {
        return Err(Error::Empty { what: "inputs" });
    }
    check_finite("inputs", numbers, width)
}

/// The largest magnitude in each column.
fn largest<T: Element>(numbers: &[T], width: usize) -> Vec<f64> {
    let mut largest = vec![0.0_f64; width];
    for row in numbers.chunks_exact(width) {
        for (largest, number) in largest.iter_mut().zip(row) {
            *largest = largest.max(number.to_f64().abs());
        }
    }
    largest
}

/// The numbers of each rank, one rank behind the other.
fn gathered(own: &[f64], ranks: &dyn Collective) -> Result<Vec<f64>, Error> {
    let mut all = zeros(own.len().saturating_mul(ranks.size()))?;
    let mut sum = zeros(all.len())?;
    all[ranks.rank() * own.len()..][..own.len()].copy_from_slice(own);
    ranks.all_reduce(Numbers::F64 { own: &all, sum: &mut sum })?;
    Ok(sum)
}

impl<T: Element> DynDataset<T> {
    /// The standardizer that was applied to the inputs, if any.
    #[must_use]
    pub fn standardizer(&self) -> Option<&Standardizer> {
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
        self.standardized_by(&Standardizer::of(self.inputs(), self.input_width())?)
    }

    /// The samples as the standardizer of `other` makes them.
    ///
    /// # Errors
    /// [`Error::NotStandardized`] when `other` has none, or as [`standardized_by`](Self::standardized_by).
    pub fn standardized_like(&self, other: &Self) -> Result<Self, Error> {
        self.standardized_by(other.standardizer().ok_or(Error::NotStandardized { by: "standardized" })?)
    }

    /// The samples as `standardizer` makes them.
    ///
    /// # Errors
    /// [`Error::AlreadyStandardized`], [`Error::Features`] when the standardizer is for another width, or
    /// [`Error::NonFinite`] when a sample lies so far from the standardizer's mean that the result overflows.
    pub fn standardized_by(&self, standardizer: &Standardizer) -> Result<Self, Error> {
        if self.standardizer.is_some() {
            return Err(Error::AlreadyStandardized { what: "inputs" });
        }
        let inputs = standardizer.apply_to("standardised inputs", self.inputs(), self.input_width())?;
        let (targets, weights) = (self.targets.clone(), self.weights.clone());
        let standardizer = Some(standardizer.clone());
        let target_standardizer = self.target_standardizer.clone();
        Ok(Self { inputs, targets, weights, standardizer, target_standardizer, ..*self })
    }

    /// The standardizer that was applied to the targets, if any.
    #[must_use]
    pub fn target_standardizer(&self) -> Option<&Standardizer> {
        self.target_standardizer.as_ref()
    }

    /// The samples with each target at mean 0 and standard deviation 1: for regression, where targets in thousands
    /// or in thousandths would call for another rate and other initial weights.
    ///
    /// [`Regression`](crate::metrics::Regression) on such data is in the original units;
    /// [`to_original_units`](Self::to_original_units) brings predictions back there. The cost of training is in the
    /// standardised ones.
    ///
    /// ```
    /// use nn_train::Dataset;
    ///
    /// let prices = Dataset::new(vec![[1.0], [2.0]], vec![[300.0], [500.0]])?.targets_standardized()?;
    /// assert_eq!(prices.targets(), [[-1.0], [1.0]]);
    /// assert_eq!(prices.to_original_units(&[0.5])?, [450.0]);
    /// # Ok::<(), nn_train::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::AlreadyStandardized`], or as [`Standardizer::fit`].
    pub fn targets_standardized(&self) -> Result<Self, Error> {
        self.targets_standardized_by(&Standardizer::of(self.targets(), self.target_width())?)
    }

    /// The samples with their targets as the target standardizer of `other` makes them.
    ///
    /// # Errors
    /// [`Error::NotStandardized`] when `other` has none, or as
    /// [`targets_standardized_by`](Self::targets_standardized_by).
    pub fn targets_standardized_like(&self, other: &Self) -> Result<Self, Error> {
        let missing = Error::NotStandardized { by: "targets_standardized" };
        self.targets_standardized_by(other.target_standardizer().ok_or(missing)?)
    }

    /// The samples with their targets as `standardizer` makes them.
    ///
    /// # Errors
    /// As [`standardized_by`](Self::standardized_by).
    pub fn targets_standardized_by(&self, standardizer: &Standardizer) -> Result<Self, Error> {
        if self.target_standardizer.is_some() {
            return Err(Error::AlreadyStandardized { what: "targets" });
        }
        let targets = standardizer.apply_to("standardised targets", self.targets(), self.target_width())?;
        let (inputs, weights) = (self.inputs.clone(), self.weights.clone());
        let target_standardizer = Some(standardizer.clone());
        let standardizer = self.standardizer.clone();
        Ok(Self { inputs, targets, weights, standardizer, target_standardizer, ..*self })
    }

    /// A prediction, or several one behind the other, in the units that the targets had before
    /// [`targets_standardized`](Self::targets_standardized). As it is, where they have not been standardised.
    ///
    /// # Errors
    /// [`Error::Features`] when it is not whole rows of S_L numbers.
    pub fn to_original_units<R>(&self, prediction: &R) -> Result<R::Owned, Error>
    where
        R: AsRef<[T]> + ToOwned + ?Sized,
        R::Owned: AsMut<[T]>,
    {
        match self.target_standardizer() {
            Some(standardizer) => standardizer.invert(prediction),
            None => Ok(prediction.to_owned()),
        }
    }
}
