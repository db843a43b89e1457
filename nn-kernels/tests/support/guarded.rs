//! Slices beside pages that nobody may touch.

use std::ops::{Deref, DerefMut};
use std::ptr;

/// Which end of a slice meets a guard page.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Guard {
    Before,
    Behind,
}

/// A slice in pages of its own between two pages without access.
pub struct Guarded<T> {
    pages: *mut libc::c_void,
    bytes: usize,
    data: *mut T,
    len: usize,
}

impl<T: Copy> Guarded<T> {
    pub fn new(values: &[T], guard: Guard) -> Self {
        // SAFETY: no memory is involved.
        let page = usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).expect("a page has a size");
        let room = size_of_val(values).next_multiple_of(page);
        let bytes = room + 2 * page;
        let (flags, access) = (libc::MAP_PRIVATE | libc::MAP_ANON, libc::PROT_READ | libc::PROT_WRITE);
        // SAFETY: new pages at an address of the system's choice; nothing else is touched.
        let pages = unsafe { libc::mmap(ptr::null_mut(), bytes, libc::PROT_NONE, flags, -1, 0) };
        assert!(pages != libc::MAP_FAILED, "{bytes} bytes of pages");
        // SAFETY: the pages between the first and the last are within the mapping.
        let (inner, status) = unsafe {
            let inner = pages.byte_add(page);
            (inner, if room > 0 { libc::mprotect(inner, room, access) } else { 0 })
        };
        assert_eq!(status, 0, "access to {room} bytes of pages");
        let offset = if guard == Guard::Behind { room - size_of_val(values) } else { 0 };
        // SAFETY: offset and length are within the accessible pages; a page's size is a multiple of the alignment,
        // and so then is the offset; the memory is new, so it does not overlap the values.
        let data = unsafe {
            let data = inner.byte_add(offset).cast::<T>();
            ptr::copy_nonoverlapping(values.as_ptr(), data, values.len());
            data
        };
        Self { pages, bytes, data, len: values.len() }
    }
}

impl<T> Deref for Guarded<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        // SAFETY: `new` put `len` values there, which live until `drop`.
        unsafe { std::slice::from_raw_parts(self.data, self.len) }
    }
}

impl<T> DerefMut for Guarded<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: as for `deref`; the borrow is exclusive.
        unsafe { std::slice::from_raw_parts_mut(self.data, self.len) }
    }
}

impl<T> Drop for Guarded<T> {
    fn drop(&mut self) {
        // SAFETY: the mapping of `new`, to which no reference is left.
        let status = unsafe { libc::munmap(self.pages, self.bytes) };
        assert_eq!(status, 0, "pages given back");
    }
}
