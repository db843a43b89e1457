//! Memory that the threads of a step write in parts of their own.

use std::marker::PhantomData;
use std::ops::Range;

/// Numbers, or other things, of one borrow, given out in parts.
///
/// Why parts do not end each other, in the terms of Stacked Borrows (R. Jung, H.-H. Dang, J. Kang, D. Dreyer, POPL 2020): the
/// `&mut [T]` is turned into a pointer once, and not used again as long as this lives, which holds its lifetime. Every part,
/// and every product that writes through [`as_mut_ptr`](Self::as_mut_ptr), comes from that pointer; a part is pushed on top of it
/// for its own numbers only. So a part is ended by nothing but another use of the same numbers, which is what its caller rules
/// out, and a part that is no longer used may be ended by any.
#[derive(Debug)]
pub(crate) struct Shared<'a, T> {
    data: *mut T,
    len: usize,
    borrow: PhantomData<&'a mut [T]>,
}

// SAFETY: it stands for a `&mut [T]`, which may be sent where T may; whoever takes a part vouches that it is theirs alone.
unsafe impl<T: Send> Send for Shared<'_, T> {}
// SAFETY: as above; a part is a `&mut [T]` in the hands of one thread.
unsafe impl<T: Send> Sync for Shared<'_, T> {}

impl<'a, T> Shared<'a, T> {
    pub(crate) fn new(numbers: &'a mut [T]) -> Self {
        Self { data: numbers.as_mut_ptr(), len: numbers.len(), borrow: PhantomData }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The first number.
    pub(crate) fn as_mut_ptr(&self) -> *mut T {
        self.data
    }

    /// The number at `index`, as [`part`](Self::part) gives several.
    ///
    /// # Panics
    /// When there are fewer.
    ///
    /// # Safety
    /// Nobody else uses it as long as the reference lives.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has this number")]
    pub(crate) unsafe fn one(&self, index: usize) -> &mut T {
        // SAFETY: the caller vouches for it.
        unsafe { &mut self.part(index..index + 1)[0] }
    }

    /// The numbers of `range`.
    ///
    /// # Panics
    /// When there are fewer.
    ///
    /// # Safety
    /// Nobody else uses these numbers as long as the part lives.
    #[allow(clippy::mut_from_ref, reason = "the caller vouches that no one else has these numbers")]
    pub(crate) unsafe fn part(&self, range: Range<usize>) -> &mut [T] {
        assert!(range.start <= range.end && range.end <= self.len, "{range:?} of {} numbers", self.len);
        // SAFETY: within the borrow, by the assertion; the caller vouches for the rest.
        unsafe { std::slice::from_raw_parts_mut(self.data.add(range.start), range.len()) }
    }
}
