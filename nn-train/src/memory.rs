//! Memory that there may not be enough of.

use nn_kernels::StepError;

use crate::error::Error;

/// Room in a list for `count` in all.
///
/// # Errors
/// [`StepError::Memory`] in [`Error::Step`] where there is none.
pub(crate) fn reserve<T>(list: &mut Vec<T>, count: impl TryInto<usize>) -> Result<(), Error> {
    let count = count.try_into().unwrap_or(usize::MAX);
    let bytes = count.saturating_mul(size_of::<T>());
    Ok(list.try_reserve_exact(count.saturating_sub(list.len())).map_err(|_| StepError::Memory { bytes })?)
}
