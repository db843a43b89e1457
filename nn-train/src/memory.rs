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

/// What a packed array or text may take in any case: [`unpacked_limit`]'s `free`.
#[cfg(any(feature = "arrays", feature = "tables"))]
pub(crate) const FREE: u64 = 1 << 20;

/// How many bytes may be made of a file or a part of it, unless somebody has said: 100 for each of its own and `free` more. Every
/// reader of packed data goes by it, so that no small file can ask for all memory.
#[cfg(any(feature = "arrays", feature = "tables"))]
pub(crate) fn unpacked_limit(packed: u64, free: u64, limit: Option<u64>) -> u64 {
    const RATIO: u64 = 100;
    limit.unwrap_or_else(|| packed.saturating_mul(RATIO).saturating_add(free))
}
