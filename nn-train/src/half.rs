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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves() {
        let bits = [0x0000, 0x8001, 0x3C00, 0xC000, 0x7BFF, 0x7C00, 0x3555];
        let numbers = [0.0, -(2_f64.powi(-24)), 1.0, -2.0, 65504.0, f64::INFINITY, 0.333_251_953_125];
        assert_eq!(bits.map(from_half), numbers);
        assert!(from_half(0xFE00).is_nan());
    }
}
