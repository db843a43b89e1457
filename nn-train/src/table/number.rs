//! Numbers from text.

/// The most digits of a number that is read here: any whole number of so many is one of `f64`.
const DIGITS: usize = 15;

/// The powers of ten that such a number may be divided by, all of them numbers of `f64`.
const POWERS: [f64; DIGITS + 1] =
    [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The number that a value stands for, spaces around it aside.
pub(crate) fn number(field: &[u8]) -> Option<f64> {
    let field = field.trim_ascii();
    match short(field) {
        Some((number, length)) if length == field.len() => Some(number),
        _ => fast_float2::parse(field).ok(),
    }
}

/// The number at the front of a text, and where it ends.
pub(super) fn long(text: &[u8]) -> Option<(f64, usize)> {
    fast_float2::parse_partial(text).ok()
}

/// The same of what most files hold: a sign, at most 15 digits, a point among them. Where the text goes on with what
/// belongs to a number, an exponent say, the caller sees that it does not end here.
///
/// Without the point the digits are a whole number below 2⁵³, and the power of ten to divide it by is one of `f64` too. So the quotient
/// is rounded once and is the nearest number (W. D. Clinger, How to read floating point numbers accurately, PLDI 1990).
pub(super) fn short(text: &[u8]) -> Option<(f64, usize)> {
    let negative = text.first() == Some(&b'-');
    let start = usize::from(negative);
    let (mut whole, mut place) = (0_u64, start);
    let digit = |place: usize| text.get(place).map(|byte| byte.wrapping_sub(b'0')).filter(|&digit| digit < 10);
    while let Some(digit) = digit(place) {
        whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
        place += 1;
    }
    let mut digits = place - start;
    let mut number = whole as f64;
    if text.get(place) == Some(&b'.') {
        place += 1;
        let point = place;
        while let Some(digit) = digit(place) {
            whole = whole.wrapping_mul(10).wrapping_add(u64::from(digit));
            place += 1;
        }
        let decimals = place - point;
        digits += decimals;
        number = whole as f64 / POWERS.get(decimals)?;
    }
    (1..=DIGITS).contains(&digits).then_some((if negative { -number } else { number }, place))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What the standard library makes of the same bytes.
    fn parsed(text: &str) -> u64 {
        text.parse::<f64>().map_or(0, f64::to_bits)
    }

    #[test]
    fn short_numbers_end_where_they_end() {
        let read = |text: &str| short(text.as_bytes()).map(|(number, length)| (number.to_bits(), length));
        for text in [
            "0",
            "-0",
            "7",
            "007",
            "-1.5",
            ".5",
            "-.5",
            "5.",
            "123456789012345",
            "0.00000000000001",
            "99999999.9999999",
        ] {
            assert_eq!(read(text), Some((parsed(text), text.len())), "{text}");
            assert_eq!(read(&format!("{text},8")), Some((parsed(text), text.len())), "{text}");
        }
        assert_eq!(read("1e5"), Some((1_f64.to_bits(), 1)));
        for text in ["", "-", ".", "-.", "+1", "x", "nan", "1234567890123456", "0.000000000000001", "--1", "\n1"] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn short_numbers_are_those_of_the_standard_library(text in "-?([0-9]{1,15}|[0-9]{0,7}\\.[0-9]{1,8}|[0-9]{1,14}\\.[0-9]?)") {
            prop_assert_eq!(short(text.as_bytes()).map(|(number, length)| (number.to_bits(), length)), Some((parsed(&text), text.len())));
        }

        #[test]
        fn numbers_are_those_of_the_standard_library(number in any::<f64>(), decimals in 0..30_usize) {
            for text in [format!("{number}"), format!("{number:e}"), format!("{number:.decimals$}")] {
                if number.is_finite() {
                    prop_assert_eq!(super::number(text.as_bytes()).map(f64::to_bits), Some(parsed(&text)), "{}", text);
                }
            }
        }

        #[test]
        fn what_is_read_here_is_read_alike_elsewhere(text in "[-+0-9.e]{0,20}") {
            if let Some((number, length)) = short(text.as_bytes()) {
                prop_assert_eq!(number.to_bits(), parsed(&text[..length]), "{}", text);
            }
        }
    }
}
