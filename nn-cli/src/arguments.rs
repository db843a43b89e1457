//! Arguments that several commands have, and checks that `clap` turns into errors with the exit status 2.

use std::ops::RangeBounds;

use clap::ValueEnum;
use nn_train::{Activation, Precision};

use crate::failure::Failure;

/// A parser of a finite number in `range`, which `expected` describes.
pub(crate) fn number_in(
    range: impl RangeBounds<f64> + Clone + Send + Sync + 'static,
    expected: &'static str,
) -> impl Fn(&str) -> Result<f64, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse::<f64>() {
        Ok(value) if value.is_finite() && range.contains(&value) => Ok(value),
        _ => Err(format!("expected {expected}")),
    }
}

/// A parser of a whole number from `least` to `most`.
pub(crate) fn count_in(
    least: usize,
    most: usize,
) -> impl Fn(&str) -> Result<usize, String> + Clone + Send + Sync + 'static {
    move |text| match text.parse::<usize>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        _ => Err(format!("expected a whole number from {least} to {most}")),
    }
}

/// The widths of layers: `64,32`, or `none` where there is no hidden layer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Widths(pub(crate) Vec<usize>);

/// Widths as they stand on the command line.
pub(crate) fn widths(text: &str) -> Result<Widths, String> {
    if text == "none" {
        return Ok(Widths(Vec::new()));
    }
    let width = |text: &str| text.trim().parse::<usize>().ok().filter(|&width| width > 0);
    let widths: Option<Vec<usize>> = text.split(',').map(width).collect();
    widths.map(Widths).ok_or_else(|| "expected widths above 0 such as 64,32, or none".to_owned())
}

/// An activation of hidden layers.
pub(crate) fn hidden_activation(text: &str) -> Result<Activation, String> {
    match text.parse::<Activation>() {
        Ok(Activation::Softmax) => Err("softmax is for the output; expected relu, silu, tanh or another".to_owned()),
        Ok(activation) => Ok(activation),
        Err(error) => Err(error.to_string()),
    }
}

/// A number of bytes: `500000`, `64KB`, `2GiB`.
pub(crate) fn bytes(text: &str) -> Result<u64, String> {
    let units =
        [("KIB", 1 << 10), ("MIB", 1 << 20), ("GIB", 1 << 30), ("KB", 1_000), ("MB", 1_000_000), ("GB", 1_000_000_000)];
    let upper = text.trim().to_uppercase();
    let unit = units.iter().find_map(|(name, unit)| Some((upper.strip_suffix(name)?, *unit)));
    let (number, unit) = unit.unwrap_or((&upper, 1));
    let count = number.trim().parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
    count.filter(|&count| count > 0).ok_or_else(|| "expected a number of bytes such as 500000, 64MB or 2GiB".to_owned())
}

/// What numbers a network computes in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum NumberType {
    /// Single precision
    F32,
    /// Double precision
    F64,
    /// Single precision, with products rounded to bfloat16 where the CPU has instructions for it
    Bf16,
}

impl NumberType {
    pub(crate) fn precision(self) -> Precision {
        if self == Self::Bf16 { Precision::Bf16 } else { Precision::Full }
    }
}

/// Work that is not a trainer's runs on so many threads from now on.
pub(crate) fn set_threads(threads: Option<usize>) -> Result<(), Failure> {
    let Some(threads) = threads else { return Ok(()) };
    let built = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
    built.map_err(|error| Failure::work(format!("could not start {threads} threads: {error}")))
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

    #[test]
    fn widths_bytes_and_activations_are_read() {
        assert_eq!(widths("64, 32"), Ok(Widths(vec![64, 32])));
        assert_eq!(widths("none"), Ok(Widths(vec![])));
        for wrong in ["", "64,", "0", "64;32", "-1", "99999999999999999999999"] {
            assert!(widths(wrong).is_err(), "{wrong}");
        }
        assert_eq!((bytes("500000"), bytes("64MB"), bytes("2 gib")), (Ok(500_000), Ok(64_000_000), Ok(2 << 30)));
        for wrong in ["", "0", "-1", "MB", "1.5GB", "99999999999999999999GB", "18446744073709551615KB"] {
            assert!(bytes(wrong).is_err(), "{wrong}");
        }
        assert_eq!(hidden_activation("silu"), Ok(Activation::Silu));
        assert!(hidden_activation("softmax").is_err() && hidden_activation("relo").is_err());
    }
}
