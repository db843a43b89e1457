//! Dividing data into two parts.

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Element, number_text};
use rand::seq::SliceRandom;

use super::DynDataset;
use crate::error::Error;

/// The stream of [`DynDataset::split`] within [`Purpose::Split`].
const PLAIN: u32 = 0;
/// The stream of [`DynDataset::stratified_split`] within [`Purpose::Split`].
const STRATIFIED: u32 = 1;

/// `fraction` of `count`, to the nearest whole number.
fn share(fraction: f64, count: usize) -> usize {
    ((fraction * count as f64).round() as usize).min(count)
}

fn check_fraction(fraction: f64) -> Result<(), Error> {
    if fraction > 0.0 && fraction < 1.0 {
        Ok(())
    } else {
        Err(Error::argument("fraction", number_text(fraction), "a number between 0 and 1, both excluded"))
    }
}

/// Which of `count` samples are in the first part.
pub(crate) fn plain(count: usize, fraction: f64, seed: u64) -> Result<Vec<bool>, Error> {
    check_fraction(fraction)?;
    let mut order: Vec<usize> = (0..count).collect();
    order.shuffle(&mut random::stream(seed, Purpose::Split, PLAIN));
    let mut in_first = vec![false; count];
    for &index in &order[..share(fraction, count)] {
        in_first[index] = true;
    }
    Ok(in_first)
}

/// Which samples are in the first part, where each class is divided by itself.
pub(crate) fn stratified(labels: &[usize], classes: usize, fraction: f64, seed: u64) -> Result<Vec<bool>, Error> {
    check_fraction(fraction)?;
    let mut strata = vec![Vec::new(); classes];
    for (index, &label) in labels.iter().enumerate() {
        strata[label].push(index);
    }
    let mut generator = random::stream(seed, Purpose::Split, STRATIFIED);
    let mut in_first = vec![false; labels.len()];
    for stratum in &mut strata {
        let count = match stratum.len() {
            0 => continue,
            1 => usize::from(fraction >= 0.5),
            several => share(fraction, several).clamp(1, several - 1),
        };
        stratum.shuffle(&mut generator);
        for &index in &stratum[..count] {
            in_first[index] = true;
        }
    }
    Ok(in_first)
}

/// The indices of the samples that are in the first part, and of the others.
pub(crate) fn parts(in_first: &[bool], fraction: f64) -> Result<(Vec<usize>, Vec<usize>), Error> {
    let part = |first: bool, part| {
        let indices: Vec<usize> = (0..in_first.len()).filter(|&index| in_first[index] == first).collect();
        if indices.is_empty() {
            return Err(Error::EmptyPart { samples: in_first.len(), fraction, part });
        }
        Ok(indices)
    };
    Ok((part(true, "first")?, part(false, "second")?))
}

impl<T: Element> DynDataset<T> {
    /// Two parts, drawn under `seed`: the first with `fraction` of the samples (to the nearest whole number),
    /// the second with the others. Both keep the samples in the order in which they stand here.
    ///
    /// # Errors
    /// [`Error::Argument`] for a fraction outside (0, 1), [`Error::EmptyPart`] when a part would get no sample,
    /// [`Error::Weightless`] when all samples of a part would have the weight 0.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        self.divide(&plain(self.len(), fraction, seed)?, fraction)
    }

    /// Two parts like [`split`](Self::split)'s, but drawn class by class: of the n samples of a class the first
    /// part gets `fraction` · n, to the nearest whole number.
    ///
    /// A class with two samples or more has at least one in either part; even then it is within one sample of its
    /// share. The only sample of a class goes into the larger part, the first if both are alike.
    ///
    /// # Errors
    /// As [`split`](Self::split), and [`Error::NotAClass`] when a target stands for no class.
    pub fn stratified_split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        check_fraction(fraction)?;
        self.divide(&stratified(&self.labels()?, self.classes(), fraction, seed)?, fraction)
    }

    fn divide(&self, in_first: &[bool], fraction: f64) -> Result<(Self, Self), Error> {
        let (first, second) = parts(in_first, fraction)?;
        Ok((self.pick("the first part", &first)?, self.pick("the second part", &second)?))
    }
}
