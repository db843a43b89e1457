//! Checks of command-line arguments; `clap` turns what they return into an error and the exit status 2.

use std::ops::RangeBounds;

/// A parser of a finite number in `range`, which `expected` describes.
pub fn number_in(
    range: impl RangeBounds<f64> + Clone + Send + Sync + 'static,
    expected: &'static str,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse::<f64>() {
        Ok(value) if value.is_finite() && range.contains(&value) => Ok(value),
        _ => Err(format!("expected {expected}")),
    }
}

/// A parser of a whole number from `least` to `most`.
pub fn count_in(least: usize, most: usize) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse::<usize>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_refused() {
        let parse = number_in(0.0.., "a finite number ≥ 0");
        assert_eq!(parse("0.5"), Ok(0.5));
        for wrong in ["-1", "NaN", "inf", "", "x", "-1e-300"] {
            assert_eq!(parse(wrong), Err("expected a finite number ≥ 0".to_owned()), "{wrong}");
        }
        let parse = count_in(1, 10);
        assert_eq!((parse("1"), parse("10")), (Ok(1), Ok(10)));
        for wrong in ["0", "11", "-1", "1.5", "", "99999999999999999999999"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
