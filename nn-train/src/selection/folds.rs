//! Folds for cross-validation.

use std::collections::{BTreeMap, HashMap};

use nn_kernels::random::{self, Purpose};
use rand::seq::SliceRandom;

use crate::error::Error;

// The streams within `Purpose::Split`; the data's own splits have 0 and 1.
const PLAIN: u32 = 2;
const STRATIFIED: u32 = 3;
const GROUPED: u32 = 4;

/// One way to divide samples for cross-validation: the indices of those to train on, and of those to validate on, each
/// in ascending order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fold {
    /// The samples to train on.
    pub train: Vec<usize>,
    /// All others.
    pub validation: Vec<usize>,
}

/// Divides samples into k parts, each of which is validated on once while the others are trained on.
///
/// ```
/// use nn_train::selection::KFold;
///
/// let folds = KFold::new(3).split(7)?;
/// assert_eq!(folds[0].validation, [0, 1, 2]);
/// assert_eq!(folds[0].train, [3, 4, 5, 6]);
///
/// // Each part has its share of each class.
/// let folds = KFold::new(2).shuffle(1).stratified(&[0, 0, 0, 0, 1, 1])?;
/// assert!(folds.iter().all(|fold| fold.validation.iter().filter(|&&sample| sample >= 4).count() == 1));
///
/// // Samples of one patient stay together.
/// let folds = KFold::new(2).grouped(&["ann", "bob", "ann", "cy", "bob"])?;
/// assert_eq!(folds[0].validation, [0, 2, 3]);
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KFold {
    folds: usize,
    seed: Option<u64>,
}

impl KFold {
    /// k = `folds`, at least 2, in the order of the samples.
    #[must_use]
    pub const fn new(folds: usize) -> Self {
        Self { folds, seed: None }
    }

    /// Which sample goes where is drawn under `seed`. Without it parts take the samples as they stand, which is
    /// wrong where these are sorted by anything.
    #[must_use]
    pub const fn shuffle(self, seed: u64) -> Self {
        Self { seed: Some(seed), ..self }
    }

    /// The folds of `count` samples. Parts differ by one sample at the most, larger ones first: scikit-learn's `KFold`.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 2 folds, or more than samples.
    pub fn split(&self, count: usize) -> Result<Vec<Fold>, Error> {
        self.check(count, "at least 2 and at most the number of samples")?;
        let mut order: Vec<usize> = (0..count).collect();
        self.mix(PLAIN, &mut order);
        let mut part_of = vec![0; count];
        let (least, more) = (count / self.folds, count % self.folds);
        let mut rest = order.into_iter();
        for part in 0..self.folds {
            for sample in rest.by_ref().take(least + usize::from(part < more)) {
                part_of[sample] = part;
            }
        }
        Ok(self.folds(&part_of))
    }

    /// The folds of samples of these classes, [`labels`](crate::DynDataset::labels) of a data set. Parts differ by one
    /// sample at the most, and by one sample of each class at the most: scikit-learn's `StratifiedKFold`.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 2 folds, or more than the most frequent class has samples.
    pub fn stratified(&self, labels: &[usize]) -> Result<Vec<Fold>, Error> {
        // By the order in which classes appear.
        let (mut classes, mut places) = (Vec::<Vec<usize>>::new(), HashMap::new());
        for (sample, label) in labels.iter().enumerate() {
            let place = *places.entry(label).or_insert_with(|| {
                classes.push(Vec::new());
                classes.len() - 1
            });
            classes[place].push(sample);
        }
        let most = classes.iter().map(Vec::len).max().unwrap_or(0);
        self.check(most, "at least 2 and at most the samples of the most frequent class")?;
        let mut generator = self.generator(STRATIFIED);
        let mut part_of = vec![0; labels.len()];
        let mut before = 0;
        for class in &mut classes {
            if let Some(generator) = &mut generator {
                class.shuffle(generator);
            }
            // Samples sorted by class are dealt out in turn, and where a class ends the next one goes on. That says how
            // many of a class each part has; which ones, the order within the class.
            let mut counts = vec![0; self.folds];
            for turn in before..before + class.len() {
                counts[turn % self.folds] += 1;
            }
            before += class.len();
            let parts = counts.into_iter().enumerate().flat_map(|(part, count)| std::iter::repeat_n(part, count));
            for (&sample, part) in class.iter().zip(parts) {
                part_of[sample] = part;
            }
        }
        Ok(self.folds(&part_of))
    }

    /// The folds of samples that belong to groups, `groups[i]` being that of sample i: no group is in two parts. The
    /// largest group goes first, each into the part that has the fewest samples, the first of them if there are more:
    /// scikit-learn's `GroupKFold`. A seed draws the order of groups that are equally large.
    ///
    /// # Errors
    /// [`Error::Setting`] for fewer than 2 folds, or more than groups.
    pub fn grouped<G: Ord>(&self, groups: &[G]) -> Result<Vec<Fold>, Error> {
        let mut members = BTreeMap::<&G, Vec<usize>>::new();
        for (sample, group) in groups.iter().enumerate() {
            members.entry(group).or_default().push(sample);
        }
        self.check(members.len(), "at least 2 and at most the number of groups")?;
        let mut members: Vec<Vec<usize>> = members.into_values().collect();
        self.mix(GROUPED, &mut members);
        members.sort_by_key(|samples| std::cmp::Reverse(samples.len()));
        let (mut part_of, mut sizes) = (vec![0; groups.len()], vec![0; self.folds]);
        for samples in members {
            let part = (0..self.folds).min_by_key(|&part| sizes[part]).unwrap_or(0);
            sizes[part] += samples.len();
            for sample in samples {
                part_of[sample] = part;
            }
        }
        Ok(self.folds(&part_of))
    }

    fn check(&self, most: usize, expected: &'static str) -> Result<(), Error> {
        if (2..=most).contains(&self.folds) { Ok(()) } else { Err(Error::setting("folds", self.folds, expected)) }
    }

    fn generator(&self, stream: u32) -> Option<random::ChaCha8Rng> {
        self.seed.map(|seed| random::stream(seed, Purpose::Split, stream))
    }

    fn mix<T>(&self, stream: u32, items: &mut [T]) {
        if let Some(mut generator) = self.generator(stream) {
            items.shuffle(&mut generator);
        }
    }

    /// From the part of each sample.
    fn folds(&self, part_of: &[usize]) -> Vec<Fold> {
        let fold = |part| {
            let (validation, train) = (0..part_of.len()).partition(|&sample| part_of[sample] == part);
            Fold { train, validation }
        };
        (0..self.folds).map(fold).collect()
    }
}
