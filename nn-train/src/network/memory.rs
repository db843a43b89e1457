//! Networks as flat slices, and their place on the heap. All that relies on [`Network`]'s contract is here.

use std::alloc::{Layout, alloc_zeroed, handle_alloc_error};
use std::ptr::NonNull;
use std::slice;

use super::Network;

/// A network of zeros, without one on the stack first.
pub(super) fn zeroed<N: Network>() -> Box<N> {
    let layout = Layout::new::<N>();
    if layout.size() == 0 {
        let place = NonNull::<N>::dangling();
        // SAFETY: a value of size 0 needs no memory, and `dangling` is aligned for it; it consists of no numbers.
        return unsafe { Box::from_raw(place.as_ptr()) };
    }
    // SAFETY: the layout's size is not 0.
    let place = unsafe { alloc_zeroed(layout) }.cast::<N>();
    if place.is_null() {
        handle_alloc_error(layout);
    }
    // SAFETY: the memory comes from the global allocator with the layout of `N`, nothing else owns it, and it is
    // initialised: by the trait's contract `N` consists of floating-point numbers, whose zero is all zero bits.
    unsafe { Box::from_raw(place) }
}

/// The parameters as one slice.
pub(super) fn flat<N: Network>(network: &N) -> &[N::Scalar] {
    // SAFETY: by the trait's contract `N` is `PARAMS` numbers of type `Scalar` without padding, so the pointer is
    // aligned and valid for that many; the slice borrows the network for as long as it lives.
    unsafe { slice::from_raw_parts(std::ptr::from_ref(network).cast::<N::Scalar>(), N::PARAMS) }
}

/// The parameters as one slice, to be written.
pub(super) fn flat_mut<N: Network>(network: &mut N) -> &mut [N::Scalar] {
    // SAFETY: as for `flat`; the borrow is unique, and whatever number is written is a valid one.
    unsafe { slice::from_raw_parts_mut(std::ptr::from_mut(network).cast::<N::Scalar>(), N::PARAMS) }
}
