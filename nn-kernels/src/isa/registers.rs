//! What AVX-512 does in several instructions between registers.

use std::arch::x86_64::*;

/// a / b by the reciprocal's 14 bits and one step of Newton's iteration, which leaves less than an ULP: 2 cycles where
/// a division holds its unit for 5 to 10.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn quotient_f32(a: __m512, b: __m512) -> __m512 {
    let y = _mm512_rcp14_ps(b);
    let error = _mm512_fnmadd_ps(b, y, _mm512_set1_ps(1.0));
    _mm512_mul_ps(a, _mm512_fmadd_ps(error, y, y))
}

/// As [`quotient_f32`], with a second step: 14 bits, 28, 56.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn quotient_f64(a: __m512d, b: __m512d) -> __m512d {
    let one = _mm512_set1_pd(1.0);
    let y = _mm512_rcp14_pd(b);
    let y = _mm512_fmadd_pd(_mm512_fnmadd_pd(b, y, one), y, y);
    _mm512_mul_pd(a, _mm512_fmadd_pd(_mm512_fnmadd_pd(b, y, one), y, y))
}

/// The elements of `a` and then `b` at even places, and those at odd ones.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn unzip_f32(a: __m512, b: __m512) -> (__m512, __m512) {
    let even = _mm512_setr_epi32(0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30);
    let odd = _mm512_setr_epi32(1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
    (_mm512_permutex2var_ps(a, even, b), _mm512_permutex2var_ps(a, odd, b))
}

/// As [`unzip_f32`].
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) fn unzip_f64(a: __m512d, b: __m512d) -> (__m512d, __m512d) {
    let even = _mm512_setr_epi64(0, 2, 4, 6, 8, 10, 12, 14);
    let odd = _mm512_setr_epi64(1, 3, 5, 7, 9, 11, 13, 15);
    (_mm512_permutex2var_pd(a, even, b), _mm512_permutex2var_pd(a, odd, b))
}

/// The sums of sixteen vectors' lanes: halves are added while two vectors become one.
///
/// # Safety
/// `source` must be valid for reads of sixteen vectors.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) unsafe fn sum_each_f32(source: *const f32) -> __m512 {
    let mut quarters = [_mm512_setzero_ps(); 4];
    for (q, quarter) in quarters.iter_mut().enumerate() {
        // SAFETY: the caller vouches for sixteen vectors.
        let [a, b, c, d] = unsafe {
            let at = source.add(64 * q);
            [_mm512_loadu_ps(at), _mm512_loadu_ps(at.add(16)), _mm512_loadu_ps(at.add(32)), _mm512_loadu_ps(at.add(48))]
        };
        // Of each 128 bits: a0 + a2, b0 + b2, a1 + a3, b1 + b3; then the sums of a, b, c, d.
        let ab = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b)));
        let cd = _mm512_castps_pd(_mm512_add_ps(_mm512_unpacklo_ps(c, d), _mm512_unpackhi_ps(c, d)));
        let (low, high) = (_mm512_unpacklo_pd(ab, cd), _mm512_unpackhi_pd(ab, cd));
        *quarter = _mm512_add_ps(_mm512_castpd_ps(low), _mm512_castpd_ps(high));
    }
    let [a, b, c, d] = quarters;
    let ab = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(a, b), _mm512_shuffle_f32x4::<0xEE>(a, b));
    let cd = _mm512_add_ps(_mm512_shuffle_f32x4::<0x44>(c, d), _mm512_shuffle_f32x4::<0xEE>(c, d));
    _mm512_add_ps(_mm512_shuffle_f32x4::<0x88>(ab, cd), _mm512_shuffle_f32x4::<0xDD>(ab, cd))
}

/// As [`sum_each_f32`], of eight vectors.
///
/// # Safety
/// `source` must be valid for reads of eight vectors.
#[target_feature(enable = "avx512f")]
#[inline]
pub(super) unsafe fn sum_each_f64(source: *const f64) -> __m512d {
    let mut pairs = [_mm512_setzero_pd(); 4];
    for (p, pair) in pairs.iter_mut().enumerate() {
        // SAFETY: the caller vouches for eight vectors.
        let (a, b) = unsafe { (_mm512_loadu_pd(source.add(16 * p)), _mm512_loadu_pd(source.add(16 * p + 8))) };
        *pair = _mm512_add_pd(_mm512_unpacklo_pd(a, b), _mm512_unpackhi_pd(a, b));
    }
    let [a, b, c, d] = pairs;
    let ab = _mm512_add_pd(_mm512_shuffle_f64x2::<0x44>(a, b), _mm512_shuffle_f64x2::<0xEE>(a, b));
    let cd = _mm512_add_pd(_mm512_shuffle_f64x2::<0x44>(c, d), _mm512_shuffle_f64x2::<0xEE>(c, d));
    _mm512_add_pd(_mm512_shuffle_f64x2::<0x88>(ab, cd), _mm512_shuffle_f64x2::<0xDD>(ab, cd))
}
