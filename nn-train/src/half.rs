//! Numbers of 16 bits.

/// Of IEEE 754's binary16: a sign, 5 bits of the exponent, 10 of the fraction.
pub(crate) fn from_half(bits: u16) -> f64 {
    let fraction = f64::from(bits & 0x3ff);
    let size = match bits >> 10 & 0x1f {
        0 => fraction * f64::exp2(-24.0),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        exponent => (1024.0 + fraction) * f64::from_bits((u64::from(exponent) + 1023 - 25) << 52),
    };
    if bits >> 15 == 0 { size } else { -size }
}
