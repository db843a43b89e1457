//! A process that is alone.

use super::{Collective, CollectiveFault, Numbers};

/// One process: rank 0 of 1.
///
/// ```
/// use nn_train::collective::{Collective, Numbers, Single};
///
/// let mut sum = [0.0; 2];
/// Single.all_reduce(Numbers::new(&[1.0, 2.0], &mut sum))?;
/// assert_eq!((Single.rank(), Single.size(), sum), (0, 1, [1.0, 2.0]));
/// # Ok::<(), nn_train::collective::CollectiveFault>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Single;

impl Collective for Single {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn all_reduce(&self, part: Numbers<'_>) -> Result<(), CollectiveFault> {
        part.checked_len()?;
        match part {
            Numbers::F32 { own, sum } => sum.copy_from_slice(own),
            Numbers::F64 { own, sum } => sum.copy_from_slice(own),
        }
        Ok(())
    }

    fn broadcast(&self, _bytes: &mut [u8], root: usize) -> Result<(), CollectiveFault> {
        if root == 0 { Ok(()) } else { Err(CollectiveFault::Root { root, size: 1 }) }
    }

    fn barrier(&self) -> Result<(), CollectiveFault> {
        Ok(())
    }
}
