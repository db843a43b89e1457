//! Room for products in bfloat16: where each thread packs its operands.

use crate::buffer::Buffer;
use crate::product::{LEFT_ROOM, RIGHT_ROOM};
use crate::threads::Shared;
use crate::{Element, StepError};

/// How pairs are multiplied, and where threads pack them.
pub(super) struct Pairs<'a, T: Element> {
    pub(super) products: T::Pairs,
    packed: Shared<'a, T>,
}

impl<'a, T: Element> Pairs<'a, T> {
    /// Products by `products`, packed in `buffer`, which is grown to hold the operands of `workers` threads.
    ///
    /// # Errors
    /// [`StepError::Memory`].
    pub(super) fn new(products: T::Pairs, buffer: &'a mut Buffer<T>, workers: usize) -> Result<Self, StepError> {
        buffer.grow(workers * (LEFT_ROOM + RIGHT_ROOM))?;
        Ok(Self { products, packed: Shared::new(buffer.as_mut_slice()) })
    }

    /// The room of one thread, for L and for R.
    ///
    /// # Safety
    /// Nobody else uses this thread's room as long as this lives.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has this room")]
    pub(super) unsafe fn room(&self, worker: usize) -> [&mut [T]; 2] {
        let len = LEFT_ROOM + RIGHT_ROOM;
        // SAFETY: the caller vouches for the room.
        let room = unsafe { self.packed.part(worker * len..(worker + 1) * len) };
        let (left, right) = room.split_at_mut(LEFT_ROOM);
        [left, right]
    }
}
