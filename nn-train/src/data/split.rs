//! Dividing data into two parts.

use nn_kernels::random::{self, Purpose};
use rand::seq::SliceRandom;

use super::Dataset;
use crate::Row;
use crate::error::Error;

/// The stream of [`Dataset::split`] within [`Purpose::Split`].
const PLAIN: u32 = 0;
/// The stream of [`Dataset::stratified_split`] within [`Purpose::Split`].
const STRATIFIED: u32 = 1;

/// `fraction` of `count`, to the nearest whole number.
fn share(fraction: f64, count: usize) -> usize {
    ((fraction * count as f64).round() as usize).min(count)
}

fn check_fraction(fraction: f64) -> Result<(), Error> {
    if fraction > 0.0 && fraction < 1.0 {
        Ok(())
    } else {
        Err(Error::setting("fraction", fraction, "a number between 0 and 1, both excluded"))
    }
}

impl<X: Row, Y: Row<Scalar = X::Scalar>> Dataset<X, Y> {
    /// Two parts, drawn under `seed`: the first with `fraction` of the samples (to the nearest whole number),
    /// the second with the others. Both keep the samples in the order in which they stand here.
    ///
    /// # Errors
    /// [`Error::Setting`] for a fraction outside (0, 1), [`Error::EmptyPart`] when a part would get no sample.
    pub fn split(&self, fraction: f64, seed: u64) -> Result<(Self, Self), Error> {
        check_fraction(fraction)?;
        let mut order: Vec<usize> = (0..self.len()).collect();
        order.shuffle(&mut random::stream(seed, Purpose::Split, PLAIN));
        let mut in_first = vec![false; self.len()];
        for &index in &order[..share(fraction, self.len())] {
            in_first[index] = true;
        }
        self.parts(&in_first, fraction)
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
        let mut strata = vec![Vec::new(); Self::CLASSES];
        for (index, label) in self.labels()?.into_iter().enumerate() {
            strata[label].push(index);
        }
        let mut generator = random::stream(seed, Purpose::Split, STRATIFIED);
        let mut in_first = vec![false; self.len()];
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
        self.parts(&in_first, fraction)
    }

    /// The samples that are in the first part, and the others.
    fn parts(&self, in_first: &[bool], fraction: f64) -> Result<(Self, Self), Error> {
        let part = |first: bool, part| {
            let indices: Vec<usize> = (0..self.len()).filter(|&index| in_first[index] == first).collect();
            if indices.is_empty() {
                return Err(Error::EmptyPart { samples: self.len(), fraction, part });
            }
            Ok(self.pick(&indices))
        };
        Ok((part(true, "first")?, part(false, "second")?))
    }
}
