//! Arguments that several commands have, and checks that `clap` turns into errors with the exit status 2.

use std::ffi::OsStr;
use std::ops::RangeInclusive;

use clap::builder::{PossibleValue, RangedU64ValueParser, TypedValueParser};
use clap::{Arg, Command, ValueEnum};
use nn_train::{Activation, Precision};

use crate::failure::Failure;

/// A finite number that `fits`, which `expected` describes.
fn number(text: &str, fits: fn(f64) -> bool, expected: &str) -> Result<f64, String> {
    let number = text.trim().parse::<f64>().ok().filter(|&number| number.is_finite() && fits(number));
    number.ok_or_else(|| format!("expected {expected}"))
}

/// A finite number above 0.
pub(crate) fn positive(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0, "a finite number above 0")
}

/// A finite number of at least 0.
pub(crate) fn not_negative(text: &str) -> Result<f64, String> {
    number(text, |number| number >= 0.0, "a finite number of at least 0")
}

/// A share that is neither nothing nor all.
pub(crate) fn part(text: &str) -> Result<f64, String> {
    number(text, |number| number > 0.0 && number < 1.0, "a number between 0 and 1")
}

/// A share that is not all.
pub(crate) fn share(text: &str) -> Result<f64, String> {
    number(text, |number| (0.0..1.0).contains(&number), "a number from 0 to less than 1")
}

/// A parser of a whole number in a range.
pub(crate) fn count_in(range: RangeInclusive<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
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
fn hidden_activation(text: &str) -> Result<Activation, String> {
    match text.parse::<Activation>() {
        Ok(Activation::Softmax) => Err("softmax is for the output; expected relu, silu, tanh or another".to_owned()),
        Ok(activation) => Ok(activation),
        Err(error) => Err(error.to_string()),
    }
}

/// What clap says of activations, and how they are read.
#[derive(Debug, Clone, Copy)]
pub(crate) enum ActivationParser {
    /// Of hidden layers.
    Hidden,
    /// Of the output.
    Output,
}

impl TypedValueParser for ActivationParser {
    type Value = Activation;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, text: &OsStr) -> Result<Activation, clap::Error> {
        let parse: fn(&str) -> Result<Activation, String> = match self {
            Self::Hidden => hidden_activation,
            Self::Output => |text| text.parse().map_err(|error: nn_train::ParseError| error.to_string()),
        };
        TypedValueParser::parse_ref(&parse, command, argument, text)
    }

    /// The usual ones: `leaky_relu(0.01)`, which has a number, is read too.
    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let names: &[&str] = match self {
            Self::Hidden => &["relu", "silu", "gelu", "elu", "softplus", "tanh", "sigmoid", "linear"],
            Self::Output => &["linear", "softmax", "sigmoid"],
        };
        Some(Box::new(names.iter().map(|name| PossibleValue::new(*name))))
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
        assert_eq!((positive("0.5"), not_negative("0"), share("0.999")), (Ok(0.5), Ok(0.0), Ok(0.999)));
        for wrong in ["-1", "NaN", "inf", "", "x", "-1e-300"] {
            assert_eq!(not_negative(wrong), Err("expected a finite number of at least 0".to_owned()), "{wrong}");
        }
        assert!(positive("0").is_err() && share("1").is_err() && share("-0.1").is_err());
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
