//! Sums along the lanes, where k are contiguous in both operands: of single samples and thin layers.

use crate::Element;
use crate::isa::{Simd, Vector};

/// Σ a·b over as many numbers as both have, in four sums side by side so that one FMA need not wait for another.
#[inline(always)]
pub(crate) fn dot<T: Element, S: Simd<T>>(s: S, a: &[T], b: &[T]) -> T {
    const SUMS: usize = 4;
    let len = a.len().min(b.len());
    let (a, b) = (&a[..len], &b[..len]);
    let mut sums = [s.splat(T::ZERO); SUMS];
    let mut at = 0;
    while at + SUMS * S::LANES <= len {
        for (v, sum) in sums.iter_mut().enumerate() {
            *sum = s.load(&a[at + v * S::LANES..]).mul_add(s.load(&b[at + v * S::LANES..]), *sum);
        }
        at += SUMS * S::LANES;
    }
    for sum in &mut sums {
        if at + S::LANES <= len {
            *sum = s.load(&a[at..]).mul_add(s.load(&b[at..]), *sum);
            at += S::LANES;
        } else if at < len {
            *sum = s.load_partial(&a[at..], T::ZERO).mul_add(s.load_partial(&b[at..], T::ZERO), *sum);
            at = len;
        }
    }
    ((sums[0] + sums[1]) + (sums[2] + sums[3])).sum()
}
