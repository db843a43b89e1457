//! Operands copied into the order in which tiles read them.

use crate::Element;
use crate::isa::Simd;

/// How many k ahead a copy asks for the lines of the cache: they lie in as many pages.
const AHEAD: usize = 8;

/// An operand by lines: rows of the left one, columns of the right one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lines<T> {
    pub(super) data: *const T,
    /// Elements from one line to the next.
    pub(super) line: usize,
    /// Elements from one k to the next.
    pub(super) k: usize,
}

impl<T> Lines<T> {
    /// The lines from `line` on, from `k` on.
    pub(super) fn from(self, line: usize, k: usize) -> Self {
        Self { data: self.data.wrapping_add(line * self.line + k * self.k), ..self }
    }
}

/// `count` lines, at most `WIDTH`, for `depth` k: for each k, `WIDTH` lines' numbers side by side, zeros for lines that are
/// not there.
///
/// # Safety
/// The lines are valid for reads for `depth` k, and `target` for writes of `WIDTH` numbers for each.
#[inline(always)]
pub(super) unsafe fn pack_group<T: Element, const WIDTH: usize>(
    lines: Lines<T>,
    count: usize,
    depth: usize,
    target: *mut T,
) {
    if count == WIDTH && lines.line == 1 {
        for k in 0..depth {
            // SAFETY: the caller vouches for all lines at all k, and for the target.
            unsafe {
                let group = lines.data.add(k * lines.k).cast::<[T; WIDTH]>().read_unaligned();
                target.add(k * WIDTH).cast::<[T; WIDTH]>().write_unaligned(group);
            }
        }
        return;
    }
    for k in 0..depth {
        for line in 0..WIDTH {
            // SAFETY: as above; lines that are not there are not read.
            unsafe {
                let value = if line < count { *lines.data.add(line * lines.line + k * lines.k) } else { T::ZERO };
                *target.add(k * WIDTH + line) = value;
            }
        }
    }
}

/// `count` lines, at most `VECTORS` vectors of them, for `depth` k: for each k, as many numbers as the vectors hold side by
/// side, zeros for lines that are not there.
///
/// # Safety
/// The lines are valid for reads for `depth` k, and `target` for writes of `VECTORS` vectors for each.
#[inline(always)]
pub(super) unsafe fn pack_vectors<T: Element, S: Simd<T>>(
    s: S,
    lines: Lines<T>,
    count: usize,
    depth: usize,
    target: *mut T,
) {
    let vectors = count.div_ceil(S::LANES);
    let (width, tail) = (vectors * S::LANES, count - (vectors - 1) * S::LANES);
    if lines.line == 1 {
        for k in 0..depth {
            let (source, target) = (lines.data.wrapping_add(k * lines.k), target.wrapping_add(k * width));
            for v in 0..vectors {
                s.prefetch(source.wrapping_add(AHEAD * lines.k + v * S::LANES));
            }
            // SAFETY: the caller vouches for all lines at all k, and for the target.
            unsafe {
                for v in 0..vectors - 1 {
                    s.store_ptr(s.load_ptr(source.add(v * S::LANES)), target.add(v * S::LANES));
                }
                let last = (vectors - 1) * S::LANES;
                s.store_ptr(s.load_first(source.add(last), tail), target.add(last));
            }
        }
        return;
    }
    let mut line = 0;
    if lines.k == 1 {
        let whole = depth - depth % S::BLOCK;
        while line + S::BLOCK <= count {
            let source = lines.data.wrapping_add(line * lines.line);
            for k in (0..whole).step_by(S::BLOCK) {
                // SAFETY: a block of lines and k that are there.
                unsafe { s.transpose(source.add(k), lines.line, target.add(k * width + line), width) };
            }
            // SAFETY: k that are left over, of the same lines.
            unsafe { gather(lines, line..line + S::BLOCK, whole..depth, target, width) };
            line += S::BLOCK;
        }
    }
    // SAFETY: the lines that are left over; and room for those that are not there.
    unsafe {
        gather(lines, line..count, 0..depth, target, width);
        for k in 0..depth {
            for line in count..width {
                *target.add(k * width + line) = T::ZERO;
            }
        }
    }
}

/// Number by number: for each k, numbers side by side.
///
/// # Safety
/// The lines are valid for reads at these k, the target for writes.
#[inline(always)]
unsafe fn gather<T: Element>(
    source: Lines<T>,
    lines: std::ops::Range<usize>,
    depth: std::ops::Range<usize>,
    target: *mut T,
    width: usize,
) {
    for k in depth {
        for line in lines.clone() {
            // SAFETY: the caller vouches for every place.
            unsafe { *target.add(k * width + line) = *source.data.add(line * source.line + k * source.k) };
        }
    }
}
