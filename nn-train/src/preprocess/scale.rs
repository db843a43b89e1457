//! The scaling of a column of numbers.

use super::{Scaling, normal};
use crate::Standardizer;
use crate::table::TableFault;

/// The quantiles that a distribution is known by.
const KNOTS: usize = 1000;
/// Where smooth clipping ends.
pub(crate) const CLIP: f64 = 3.0;

/// What a scaling learned from a column.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(deny_unknown_fields))]
pub(crate) enum Scale {
    /// x.
    None,
    /// (x - center) / unit.
    Affine { center: f64, unit: f64 },
    /// The same, smoothly brought within ±3.
    Clipped { center: f64, unit: f64 },
    /// The normal quantile of x's place among these, which never fall.
    Quantile { knots: Vec<f64> },
}

impl Scale {
    /// What is learned from at least one number, all of them finite.
    pub(super) fn fit(scaling: Scaling, numbers: &[f64]) -> Result<Self, TableFault> {
        Ok(match scaling {
            Scaling::None => Self::None,
            Scaling::Standard => {
                let (center, unit) = mean_and_deviation(numbers)?;
                Self::Affine { center, unit }
            }
            Scaling::Robust => {
                let (center, unit) = robust(numbers);
                Self::Affine { center, unit }
            }
            Scaling::RobustClipped => {
                let (center, unit) = robust(numbers);
                Self::Clipped { center, unit }
            }
            Scaling::Quantile => Self::Quantile { knots: knots(&sorted(numbers), KNOTS.min(numbers.len()) - 1) },
        })
    }

    /// The number as an input; it may be infinite where `number` is far from those that were learned from.
    pub(crate) fn apply(&self, number: f64) -> f64 {
        match self {
            Self::None => number,
            Self::Affine { center, unit } => (number - center) / unit,
            Self::Clipped { center, unit } => {
                let x = (number - center) / unit;
                // Where x² would overflow the result is ±3 to the last digit.
                if x.abs() > 1e100 { CLIP.copysign(x) } else { x / (1.0 + (x / CLIP).powi(2)).sqrt() }
            }
            Self::Quantile { knots } => quantile(knots, number),
        }
    }

    /// The numbers that it holds can be computed with.
    #[cfg(feature = "serde")]
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Affine { center, unit } | Self::Clipped { center, unit }
                if !(center.is_finite() && unit.is_finite() && *unit > 0.0) =>
            {
                Err("a scale that is not finite, or a unit that is not above 0")
            }
            Self::Quantile { knots }
                if knots.is_empty() || !knots.iter().all(|knot| knot.is_finite()) || !knots.is_sorted() =>
            {
                Err("quantiles that are none, fall or are not finite")
            }
            _ => Ok(()),
        }
    }
}

/// The mean and the deviation that a [`Standardizer`] has of at least one finite number.
pub(super) fn mean_and_deviation(numbers: &[f64]) -> Result<(f64, f64), TableFault> {
    let standardizer = Standardizer::fit_flat(numbers, 1).map_err(|_| TableFault::Deviation)?;
    Ok((standardizer.means()[0], standardizer.deviations()[0]))
}

/// The numbers that divide others, sorted and at least one, into so many parts of equal size, with the least and the largest
/// one. They never fall.
pub(super) fn knots(sorted: &[f64], parts: usize) -> Vec<f64> {
    // At the share knot / parts, in whole numbers: where a knot is one of the numbers it is that number.
    let place = |knot: usize| knot * (sorted.len() - 1);
    let divisor = parts.max(1);
    let at = |knot| between(sorted, place(knot) / divisor, (place(knot) % divisor) as f64 / divisor as f64);
    let mut knots: Vec<f64> = (0..=parts).map(at).collect();
    // Rounding must not make one fall.
    for knot in 1..knots.len() {
        knots[knot] = knots[knot].max(knots[knot - 1]);
    }
    knots
}

pub(super) fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    sorted
}

/// The median of sorted numbers.
pub(super) fn median(sorted: &[f64]) -> f64 {
    at_share(sorted, 0.5)
}

/// The number below which a share of the sorted ones lies, in a straight line between two of them.
fn at_share(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    between(sorted, place as usize, place.fract())
}

/// The number at a place, and a fraction of the way on to the next one.
fn between(sorted: &[f64], place: usize, fraction: f64) -> f64 {
    let (low, high) = (sorted[place], sorted[(place + 1).min(sorted.len() - 1)]);
    // Neither overflows for numbers of both signs, and equal numbers give themselves.
    if low == high || fraction == 0.0 { low } else { low * (1.0 - fraction) + high * fraction }
}

/// The median, and what to divide the distance from it by.
fn robust(numbers: &[f64]) -> (f64, f64) {
    let sorted = sorted(numbers);
    let range = at_share(&sorted, 0.75) - at_share(&sorted, 0.25);
    let half = 0.5 * sorted[sorted.len() - 1] - 0.5 * sorted[0];
    let unit = [range, half].into_iter().find(|&unit| unit > 0.0 && unit.is_finite()).unwrap_or(1.0);
    (median(&sorted), unit)
}

/// The normal quantile of the place of a number among knots. Where several are alike it is in their middle; all alike, it
/// is 0.
fn quantile(knots: &[f64], number: f64) -> f64 {
    let last = knots.len() - 1;
    match (number <= knots[0], number >= knots[last]) {
        (true, true) => return 0.0,
        (true, false) => return normal::quantile(0.0),
        (false, true) => return normal::quantile(1.0),
        (false, false) => {}
    }
    // How many knots are less, and how many are at most the number.
    let (less, upto) = (knots.partition_point(|&knot| knot < number), knots.partition_point(|&knot| knot <= number));
    let place = if less < upto {
        0.5 * (less + upto - 1) as f64
    } else {
        let (low, high) = (knots[upto - 1], knots[upto]);
        (upto - 1) as f64 + (0.5 * number - 0.5 * low) / (0.5 * high - 0.5 * low)
    };
    normal::quantile(place / last as f64)
}
