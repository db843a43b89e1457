//! Memory that begins on a cache line.

use std::marker::PhantomData;

use bytemuck::{Pod, Zeroable};

use crate::{Element, StepError};

/// One cache line, and one AVX-512 register.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
struct Line([u8; 64]);

// SAFETY: all zeros is a value of an array of bytes.
unsafe impl Zeroable for Line {}
// SAFETY: 64 bytes of alignment 64, so there is no padding, and any bits are a value.
unsafe impl Pod for Line {}

/// Numbers in 64-byte-aligned memory, so that a vector at a multiple of its own length never straddles two lines.
#[derive(Debug, Default)]
pub(crate) struct Buffer<T> {
    lines: Vec<Line>,
    len: usize,
    element: PhantomData<T>,
}

impl<T: Element> Buffer<T> {
    /// A buffer that holds nothing and no memory.
    pub(crate) const fn empty() -> Self {
        Self { lines: Vec::new(), len: 0, element: PhantomData }
    }

    /// At least `len` numbers. New ones are zero; old ones keep their values.
    ///
    /// # Errors
    /// [`StepError::Memory`] when the system has none.
    pub(crate) fn grow(&mut self, len: usize) -> Result<(), StepError> {
        if len <= self.len {
            return Ok(());
        }
        let too_much = || StepError::Memory { bytes: len.saturating_mul(size_of::<T>()) };
        let lines = len.checked_mul(size_of::<T>()).ok_or_else(too_much)?.div_ceil(size_of::<Line>());
        self.lines.try_reserve_exact(lines - self.lines.len()).map_err(|_| too_much())?;
        self.lines.resize(lines, Line::zeroed());
        self.len = len;
        Ok(())
    }

    /// The numbers.
    pub(crate) fn as_slice(&self) -> &[T] {
        &bytemuck::cast_slice(&self.lines)[..self.len]
    }

    /// The numbers.
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        &mut bytemuck::cast_slice_mut(&mut self.lines)[..self.len]
    }

    /// The memory held.
    pub(crate) const fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_on_a_line_and_keeps_its_values() {
        let mut buffer = Buffer::<f64>::empty();
        assert_eq!((buffer.as_slice().len(), buffer.bytes()), (0, 0));
        buffer.grow(3).expect("24 bytes");
        buffer.as_mut_slice().copy_from_slice(&[1.0, 2.0, 3.0]);
        buffer.grow(1000).expect("8 kB");
        assert_eq!(buffer.as_slice().as_ptr().addr() % 64, 0);
        assert_eq!(buffer.as_slice()[..4], [1.0, 2.0, 3.0, 0.0]);
        assert_eq!(buffer.as_slice().len(), 1000);
        assert_eq!(buffer.bytes(), 125 * 64);
    }

    #[test]
    fn too_much_memory_is_an_error() {
        let mut buffer = Buffer::<f32>::empty();
        assert!(matches!(buffer.grow(usize::MAX), Err(StepError::Memory { .. })));
        assert!(matches!(buffer.grow(isize::MAX as usize / 4), Err(StepError::Memory { .. })));
        assert!(buffer.as_slice().is_empty());
    }
}
