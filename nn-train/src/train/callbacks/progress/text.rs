//! Numbers that are read at a glance.

/// The digits that a number has at least and at most.
const DIGITS: std::ops::RangeInclusive<usize> = 4..=9;

/// Four significant digits, or as many as it takes to tell the number from the one before.
pub(super) fn changed(number: f64, before: Option<f64>) -> String {
    let differs =
        |digits: &usize| before.is_none_or(|b| b == number || significant(b, *digits) != significant(number, *digits));
    significant(number, DIGITS.clone().find(differs).unwrap_or(*DIGITS.end()))
}

/// Four significant digits at most.
pub(super) fn short(number: f64) -> String {
    let text = significant(number, *DIGITS.start());
    let (mantissa, exponent) = text.split_at(text.find('e').unwrap_or(text.len()));
    match mantissa.contains('.') {
        true => format!("{}{exponent}", mantissa.trim_end_matches('0').trim_end_matches('.')),
        false => text,
    }
}

/// So many significant digits, of very large and very small numbers with an exponent.
fn significant(number: f64, digits: usize) -> String {
    let scientific = format!("{number:.*e}", digits - 1);
    match scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok()) {
        _ if number == 0.0 => "0".to_owned(),
        // NaN and infinity have none.
        None => number.to_string(),
        Some(exponent @ -4..=5) => format!("{number:.*}", (digits as i32 - 1 - exponent).max(0) as usize),
        Some(_) => scientific,
    }
}

/// `950`, `12 k`, `4.6 M`.
pub(super) fn quantity(number: f64) -> String {
    match number {
        n if n >= 999.5e3 => format!("{:.1} M", n / 1e6),
        n if n >= 999.5 => format!("{:.0} k", n / 1e3),
        n => format!("{n:.0}"),
    }
}

/// `0:07`, `1:42`, `3:25:45`, and `–` for a time that nobody knows.
pub(super) fn clock(seconds: f64) -> String {
    if !seconds.is_finite() || seconds >= 1e9 {
        return "–".to_owned();
    }
    let seconds = seconds.round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_four_digits_and_more_where_the_change_is_small() {
        let numbers = [0.0123456, 1.0, 123.456, 123_456.7, 1.5e7, 0.00012346, 9.99996e-5, 1e-7, -0.5, 0.0, f64::NAN];
        let texts = numbers.map(|number| changed(number, None));
        let expected = [
            "0.01235",
            "1.000",
            "123.5",
            "123457",
            "1.500e7",
            "0.0001235",
            "0.0001000",
            "1.000e-7",
            "-0.5000",
            "0",
            "NaN",
        ];
        assert_eq!(texts, expected);
        assert_eq!(changed(0.523_147, Some(0.523_1)), "0.52315");
        assert_eq!(changed(0.523_147, Some(0.523_146)), "0.523147");
        assert_eq!(changed(0.523_147, Some(0.523_147)), "0.5231");
        assert_eq!(changed(1.0, Some(1.0 + 1e-15)), "1.00000000", "no more digits than nine");
        assert_eq!(changed(f64::INFINITY, Some(1.0)), "inf");
    }

    #[test]
    fn rates_have_no_zeros_at_their_end() {
        assert_eq!(
            [0.002, 1e-5, 0.0012345, 3.0, 120.0, 0.0].map(short),
            ["0.002", "1e-5", "0.001234", "3", "120", "0"]
        );
    }

    #[test]
    fn quantities_and_times_are_short() {
        let quantities = [0.4, 950.0, 999.6, 12_345.0, 999_400.0, 999_600.0, 4.56e6, f64::INFINITY].map(quantity);
        assert_eq!(quantities, ["0", "950", "1 k", "12 k", "999 k", "1.0 M", "4.6 M", "inf M"]);
        let times = [0.2, 7.0, 59.6, 102.0, 12_345.0, f64::NAN, f64::INFINITY].map(clock);
        assert_eq!(times, ["0:00", "0:07", "1:00", "1:42", "3:25:45", "–", "–"]);
    }
}
