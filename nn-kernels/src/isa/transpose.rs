//! Blocks turned in AVX registers, for AVX2 and AVX-512 alike.

use std::arch::x86_64::*;

/// Turns 8 × 8 f32: interleaves pairs of rows, then pairs of pairs, then swaps halves.
///
/// # Safety
/// Both blocks must be valid for all elements.
#[target_feature(enable = "avx")]
#[inline]
pub(super) unsafe fn block_f32(source: *const f32, source_stride: usize, target: *mut f32, target_stride: usize) {
    // SAFETY: the caller vouches for every row of both blocks.
    unsafe {
        let row = |i: usize| _mm256_loadu_ps(source.add(i * source_stride));
        let r = [row(0), row(1), row(2), row(3), row(4), row(5), row(6), row(7)];
        let t = [
            _mm256_unpacklo_ps(r[0], r[1]),
            _mm256_unpackhi_ps(r[0], r[1]),
            _mm256_unpacklo_ps(r[2], r[3]),
            _mm256_unpackhi_ps(r[2], r[3]),
            _mm256_unpacklo_ps(r[4], r[5]),
            _mm256_unpackhi_ps(r[4], r[5]),
            _mm256_unpacklo_ps(r[6], r[7]),
            _mm256_unpackhi_ps(r[6], r[7]),
        ];
        let q = [
            _mm256_shuffle_ps::<0x44>(t[0], t[2]),
            _mm256_shuffle_ps::<0xEE>(t[0], t[2]),
            _mm256_shuffle_ps::<0x44>(t[1], t[3]),
            _mm256_shuffle_ps::<0xEE>(t[1], t[3]),
            _mm256_shuffle_ps::<0x44>(t[4], t[6]),
            _mm256_shuffle_ps::<0xEE>(t[4], t[6]),
            _mm256_shuffle_ps::<0x44>(t[5], t[7]),
            _mm256_shuffle_ps::<0xEE>(t[5], t[7]),
        ];
        for i in 0..4 {
            _mm256_storeu_ps(target.add(i * target_stride), _mm256_permute2f128_ps::<0x20>(q[i], q[i + 4]));
            _mm256_storeu_ps(target.add((i + 4) * target_stride), _mm256_permute2f128_ps::<0x31>(q[i], q[i + 4]));
        }
    }
}

/// Turns 4 × 4 f64.
///
/// # Safety
/// Both blocks must be valid for all elements.
#[target_feature(enable = "avx")]
#[inline]
pub(super) unsafe fn block_f64(source: *const f64, source_stride: usize, target: *mut f64, target_stride: usize) {
    // SAFETY: the caller vouches for every row of both blocks.
    unsafe {
        let row = |i: usize| _mm256_loadu_pd(source.add(i * source_stride));
        let r = [row(0), row(1), row(2), row(3)];
        let low = [_mm256_unpacklo_pd(r[0], r[1]), _mm256_unpacklo_pd(r[2], r[3])];
        let high = [_mm256_unpackhi_pd(r[0], r[1]), _mm256_unpackhi_pd(r[2], r[3])];
        _mm256_storeu_pd(target, _mm256_permute2f128_pd::<0x20>(low[0], low[1]));
        _mm256_storeu_pd(target.add(target_stride), _mm256_permute2f128_pd::<0x20>(high[0], high[1]));
        _mm256_storeu_pd(target.add(2 * target_stride), _mm256_permute2f128_pd::<0x31>(low[0], low[1]));
        _mm256_storeu_pd(target.add(3 * target_stride), _mm256_permute2f128_pd::<0x31>(high[0], high[1]));
    }
}
