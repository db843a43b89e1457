//! Checks of rows that no network or data set has checked.

use nn_kernels::{Element, StepError};

use crate::data::is_nan;
use crate::error::Error;

/// Two slices hold rows of `width` numbers, as many one as the other, and at least one. Returns how many; the first slice
/// says how many there should be. `name` is what the width is called.
pub(super) fn check_rows(
    [(targets, len), (predictions, other)]: [(&'static str, usize); 2],
    name: &'static str,
    width: usize,
) -> Result<usize, Error> {
    if width == 0 {
        return Err(Error::argument(name, width, "at least 1"));
    }
    if len == 0 {
        return Err(Error::Empty { what: targets });
    }
    for (what, len) in [(targets, len), (predictions, other)] {
        if !len.is_multiple_of(width) {
            return Err(StepError::Ragged { what, len, width }.into());
        }
    }
    let (expected, found) = (len / width, other / width);
    if expected != found {
        return Err(Error::Length { what: predictions, expected, found });
    }
    Ok(expected)
}

/// No output is NaN.
pub(super) fn check_numbers<T: Element>(outputs: &[T], width: usize) -> Result<(), Error> {
    match outputs.iter().position(|&output| is_nan(output)) {
        Some(place) => Err(Error::NaNOutput { sample: place / width, column: place % width }),
        None => Ok(()),
    }
}

/// Targets that say yes (1) or no (0).
pub(super) fn answers<T: Element>(targets: &[T], width: usize) -> Result<Vec<bool>, Error> {
    let answer = |(place, &target): (usize, &T)| match target {
        _ if target == T::ONE => Ok(true),
        _ if target == T::ZERO => Ok(false),
        _ => {
            let (sample, column, value) = (place / width, place % width, target.to_f64());
            Err(Error::Target { sample, column, value, expected: "0 or 1" })
        }
    };
    targets.iter().enumerate().map(answer).collect()
}
