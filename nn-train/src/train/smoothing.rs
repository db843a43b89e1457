//! Label smoothing: what becomes of targets before a training step.

use nn_kernels::isa::{Kernel, Simd};
use nn_kernels::{Architecture, Element, InstructionSet, StepError};

use crate::data::TargetRule;
use crate::error::{Error, is_expressible};

/// y ← (1 - ε) y + ε/K.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Smoothing<T> {
    /// 1 - ε.
    keep: T,
    /// ε/K.
    share: T,
}

impl<T: Element> Smoothing<T> {
    /// What a trainer's ε comes to for a network; `None` for 0.
    pub(super) fn new(epsilon: f64, architecture: &Architecture) -> Result<Option<Self>, Error> {
        if epsilon == 0.0 {
            return Ok(None);
        }
        let classes = match TargetRule::of(architecture) {
            TargetRule::Distribution => architecture.outputs(),
            TargetRule::Probabilities => 2,
            TargetRule::Any => {
                let expected = "0, as only targets of the loss cross_entropy are smoothed";
                return Err(Error::number("label_smoothing", epsilon, expected));
            }
        };
        let [keep, share] = [1.0 - epsilon, epsilon / classes as f64];
        if !(is_expressible::<T>(keep) && is_expressible::<T>(share)) || T::from_f64(keep) == T::ONE {
            let expected = "a number ε of which neither 1 - ε nor ε/K rounds to 0 or 1 in the network's type";
            return Err(Error::number("label_smoothing", epsilon, expected));
        }
        Ok(Some(Self { keep: T::from_f64(keep), share: T::from_f64(share) }))
    }

    /// Smooths targets where they are.
    pub(super) fn apply(self, set: InstructionSet, targets: &mut [T]) {
        T::dispatch(set, Smooth { smoothing: self, targets });
    }

    /// Smoothed copies of all `targets`, in `room`.
    pub(super) fn copy<'r>(self, set: InstructionSet, targets: &[T], room: &'r mut Vec<T>) -> Result<&'r [T], Error> {
        resize(room, targets.len())?;
        room.copy_from_slice(targets);
        self.apply(set, room);
        Ok(room)
    }

    /// Room as long as `targets`, in which the rows at `indices` are smoothed copies; what the others are is not said.
    /// Indices that point past the rows are left out.
    pub(super) fn copy_rows<'r>(
        self,
        targets: &[T],
        width: usize,
        indices: &[u64],
        room: &'r mut Vec<T>,
    ) -> Result<&'r [T], Error> {
        resize(room, targets.len())?;
        let rows = targets.len() / width;
        for index in indices.iter().filter(|&&index| index < rows as u64) {
            let row = *index as usize * width..(*index as usize + 1) * width;
            for (smoothed, target) in room[row.clone()].iter_mut().zip(&targets[row]) {
                *smoothed = self.smoothed(*target);
            }
        }
        Ok(room)
    }

    /// A product and a sum, not fused in any instruction set.
    #[inline(always)]
    fn smoothed(self, target: T) -> T {
        self.keep * target + self.share
    }
}

/// Gives `room` this length, and allocates only where it has been shorter all along.
fn resize<T: Element>(room: &mut Vec<T>, len: usize) -> Result<(), Error> {
    let more = len.saturating_sub(room.len());
    room.try_reserve_exact(more).map_err(|_| StepError::Memory { bytes: len.saturating_mul(size_of::<T>()) })?;
    room.resize(len, T::ZERO);
    Ok(())
}

struct Smooth<'a, T> {
    smoothing: Smoothing<T>,
    targets: &'a mut [T],
}

impl<T: Element> Kernel<T> for Smooth<'_, T> {
    type Output = ();

    // Plain Rust: inside the kernel the compiler turns the loop into vectors of the instruction set.
    #[inline(always)]
    fn run<S: Simd<T>>(self, _isa: S) {
        let Self { smoothing, targets } = self;
        targets.iter_mut().for_each(|target| *target = smoothing.smoothed(*target));
    }
}
