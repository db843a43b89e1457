//! Memory that begins on a cache line, in large pages where there is much of it.

use std::alloc::{Layout, alloc, dealloc};
use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use crate::{Architecture, Element, StepError};

/// Bytes that no process has: 128 TiB is the address space that 64-bit systems give to one.
const ADDRESS_SPACE: u64 = 1 << 47;

/// Whether there can be memory for a network's parameters. Where there can, sizes of all that is made for them may be
/// computed without overflow: no layout pads a matrix to more than 16² times its size, and there is room for 2¹⁷ times.
pub(crate) fn check_size<T>(architecture: &Architecture) -> Result<(), StepError> {
    let bytes = architecture.params().saturating_mul(size_of::<T>());
    if (bytes as u64) < ADDRESS_SPACE { Ok(()) } else { Err(StepError::Memory { bytes }) }
}

/// One cache line, and one AVX-512 register.
const LINE: usize = 64;
/// A large page of x86-64 and of common AArch64 kernels.
const LARGE_PAGE: usize = 2 << 20;

/// Numbers in 64-byte-aligned memory, so that a vector at a multiple of its own length never straddles two lines.
///
/// Memory of 2 MiB and more begins on a large page, and the system is asked to use such: a product that walks through
/// panels far apart would otherwise wait for the translation of addresses.
pub struct Buffer<T> {
    /// `capacity` bytes, of which the numbers have been written.
    data: NonNull<T>,
    /// Bytes; 0 where nothing has been allocated.
    capacity: usize,
    len: usize,
    element: PhantomData<T>,
}

// SAFETY: a buffer owns its numbers, as a vector does.
unsafe impl<T: Send> Send for Buffer<T> {}
// SAFETY: as above.
unsafe impl<T: Sync> Sync for Buffer<T> {}

impl<T: Element> Buffer<T> {
    /// `len` zeros.
    ///
    /// # Errors
    /// [`StepError::Memory`] when the system has no memory for them.
    pub fn zeros(len: usize) -> Result<Self, StepError> {
        let mut buffer = Self::empty();
        buffer.grow(len)?;
        Ok(buffer)
    }

    /// At least `len` numbers. New ones are zero; old ones keep their values.
    ///
    /// # Errors
    /// [`StepError::Memory`] when the system has none.
    pub fn grow(&mut self, len: usize) -> Result<(), StepError> {
        if len <= self.len {
            return Ok(());
        }
        let too_much = || StepError::Memory { bytes: len.saturating_mul(size_of::<T>()) };
        let bytes = len.checked_mul(size_of::<T>()).ok_or_else(too_much)?;
        if bytes > self.capacity {
            let layout = layout(bytes).ok_or_else(too_much)?;
            // SAFETY: the layout has a size of at least one line.
            let data: NonNull<T> = NonNull::new(unsafe { alloc(layout) }.cast()).ok_or_else(too_much)?;
            advise_large_pages(data.as_ptr().cast(), layout.size());
            // SAFETY: both are valid for so many numbers, and new memory overlaps with nothing.
            unsafe { data.copy_from_nonoverlapping(self.data, self.len) };
            let old = std::mem::replace(self, Self { data, capacity: layout.size(), ..Self::empty() });
            self.len = old.len;
        }
        // SAFETY: the memory has room for `len` numbers; all zeros is a number, see `Pod`.
        unsafe {
            self.data.add(self.len).write_bytes(0, len - self.len);
        }
        self.len = len;
        Ok(())
    }

    /// The numbers.
    #[must_use]
    pub const fn as_slice(&self) -> &[T] {
        // SAFETY: `len` numbers have been written, to memory that is aligned for them.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }

    /// The numbers.
    #[must_use]
    pub const fn as_mut_slice(&mut self) -> &mut [T] {
        // SAFETY: as above, and they are borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }
}

impl<T> Buffer<T> {
    /// A buffer that holds nothing and no memory.
    #[must_use]
    pub const fn empty() -> Self {
        Self { data: NonNull::dangling(), capacity: 0, len: 0, element: PhantomData }
    }

    /// The memory held.
    #[must_use]
    pub const fn bytes(&self) -> usize {
        self.capacity
    }
}

/// Memory of at least so many bytes, if there can be such. Of the size that it has it is its own layout, by which memory is
/// freed again.
fn layout(bytes: usize) -> Option<Layout> {
    let size = bytes.checked_next_multiple_of(LINE)?;
    Layout::from_size_align(size, if size >= LARGE_PAGE { LARGE_PAGE } else { LINE }).ok()
}

/// Asks the system for large pages, which it may ignore.
fn advise_large_pages(data: *mut u8, bytes: usize) {
    #[cfg(target_os = "linux")]
    if bytes >= LARGE_PAGE {
        // SAFETY: the memory is this buffer's own, begins on a large page by its layout, and keeps its contents.
        unsafe { libc::madvise(data.cast(), bytes / LARGE_PAGE * LARGE_PAGE, libc::MADV_HUGEPAGE) };
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (data, bytes);
}

impl<T> Drop for Buffer<T> {
    fn drop(&mut self) {
        if self.capacity > 0
            && let Some(layout) = layout(self.capacity)
        {
            // SAFETY: allocated with this layout: a capacity is a multiple of a line, which the layout keeps.
            unsafe { dealloc(self.data.as_ptr().cast(), layout) };
        }
    }
}

impl<T> Default for Buffer<T> {
    fn default() -> Self {
        Self::empty()
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Buffer").field("len", &self.len).field("bytes", &self.capacity).finish()
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
        buffer.grow(1 << 19).expect("4 MiB");
        assert_eq!(buffer.as_slice().as_ptr().addr() % LARGE_PAGE, 0);
        assert!(buffer.as_slice()[..3] == [1.0, 2.0, 3.0] && buffer.as_slice()[3..].iter().all(|&x| x == 0.0));
    }

    #[test]
    fn memory_is_freed_as_it_was_allocated() {
        for bytes in (1..200).chain(LARGE_PAGE - 130..LARGE_PAGE + 130) {
            let made = layout(bytes).expect("there can be such");
            assert_eq!(layout(made.size()), Some(made), "{bytes} bytes");
        }
        let mut buffer = Buffer::<f32>::zeros(LARGE_PAGE / 4 - 1).expect("2 MiB less a number");
        buffer.grow(LARGE_PAGE / 4 + 1).expect("2 MiB and a number");
    }

    #[test]
    fn too_much_memory_is_an_error() {
        let mut buffer = Buffer::<f32>::empty();
        assert!(matches!(buffer.grow(usize::MAX), Err(StepError::Memory { .. })));
        assert!(matches!(buffer.grow(isize::MAX as usize / 4), Err(StepError::Memory { .. })));
        assert!(buffer.as_slice().is_empty());
    }
}
