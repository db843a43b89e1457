//! The numbers of a network on the heap, and its layers as views of them. All that is unsafe in networks is here.

use std::fmt;

use nn_kernels::Element;

use super::Dense;

/// All Θ^(l) of a network in one piece of memory on the heap, in the order of
/// [`Architecture::ranges`](crate::Architecture::ranges).
///
/// It is the one field of a network that [`network!`](crate::network) declares. Cloning it copies from heap to heap.
#[derive(Clone, PartialEq)]
pub struct Parameters<T> {
    numbers: Box<[T]>,
}

impl<T: Element> Parameters<T> {
    /// `count` zeros. The system hands out memory that is zero already, so nothing passes over the stack.
    pub(crate) fn zeros(count: usize) -> Self {
        Self { numbers: vec![T::ZERO; count].into_boxed_slice() }
    }

    /// The numbers.
    #[must_use]
    #[inline]
    pub fn as_slice(&self) -> &[T] {
        &self.numbers
    }

    /// The numbers, to be written.
    #[must_use]
    #[inline]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.numbers
    }
}

impl<T> From<Vec<T>> for Parameters<T> {
    fn from(numbers: Vec<T>) -> Self {
        Self { numbers: numbers.into_boxed_slice() }
    }
}

/// Prints how many there are, not the numbers.
impl<T: Element> fmt::Debug for Parameters<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters<{}; {}>", T::NAME, self.numbers.len())
    }
}

/// Numbers in a `Dense<T, IN, OUT>`: none where the product overflows, so that no slice is that long.
const fn numbers_of(inputs: usize, outputs: usize) -> Option<usize> {
    match inputs.checked_add(1) {
        Some(columns) => columns.checked_mul(outputs),
        None => None,
    }
}

/// The layer that `numbers` are: Θ_w row by row, and the bias behind it.
///
/// # Panics
/// When there are more or fewer numbers than the layer has. An expansion of `network!` never does that.
#[inline]
pub(super) fn layer<T: Element, const IN: usize, const OUT: usize>(numbers: &[T]) -> &Dense<T, IN, OUT> {
    assert!(numbers_of(IN, OUT) == Some(numbers.len()), "a layer of {IN} => {OUT} has not {} numbers", numbers.len());
    // SAFETY: `Dense` is `#[repr(C)]`: `OUT` arrays of `IN` numbers and an array of `OUT` numbers, all of type `T`. So it
    // is aligned as `T` is, has no padding, and is as long as the slice, which was checked above. Any `T` will do in any
    // place. The view borrows the slice for as long as it lives.
    unsafe { &*numbers.as_ptr().cast::<Dense<T, IN, OUT>>() }
}

/// [`layer`], to be written.
///
/// # Panics
/// As [`layer`].
#[inline]
pub(super) fn layer_mut<T: Element, const IN: usize, const OUT: usize>(numbers: &mut [T]) -> &mut Dense<T, IN, OUT> {
    assert!(numbers_of(IN, OUT) == Some(numbers.len()), "a layer of {IN} => {OUT} has not {} numbers", numbers.len());
    // SAFETY: as in `layer`; the slice is borrowed mutably for as long as the view lives, and whatever `T`s are written
    // through the view are valid numbers of the slice.
    unsafe { &mut *numbers.as_mut_ptr().cast::<Dense<T, IN, OUT>>() }
}
