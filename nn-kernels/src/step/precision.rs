//! In what numbers products are computed.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::isa::PairProducts;
use crate::{Element, InstructionSet, StepError};

/// In what numbers the products of a step are computed. Parameters, activations, gradients and every sum are in the
/// network's own type whichever it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Precision {
    /// In the network's own type.
    #[default]
    Full,
    /// Operands rounded to bfloat16, by AVX512-BF16: up to twice the multiplications a second, 8 bits of mantissa. For `f32`, in
    /// the [`Blocked`](crate::Blocked) engine. A plan takes it where it is estimated to be faster.
    Bf16,
    /// The same numbers, to the bit, on any CPU: for tests, since it is many times slower than `f32`.
    Bf16Emulated,
}

/// A name that no precision has.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("unknown precision {name:?}; expected one of {}", Precision::ALL.map(Precision::name).join(", "))]
pub struct UnknownPrecision {
    /// The name found.
    pub name: String,
}

impl Precision {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Full, Self::Bf16, Self::Bf16Emulated];

    /// The name: `"full"`, `"bf16"` or `"bf16-emulated"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Bf16 => "bf16",
            Self::Bf16Emulated => "bf16-emulated",
        }
    }

    /// How pairs are multiplied in `set`, where they are.
    ///
    /// # Errors
    /// [`StepError::Precision`] where the CPU lacks it.
    pub(crate) fn pairs<T: Element>(self, set: InstructionSet) -> Result<Option<T::Pairs>, StepError> {
        let unavailable = |reason| StepError::Precision { precision: self, reason };
        let none = "it is for networks of f32";
        match self {
            Self::Full => Ok(None),
            Self::Bf16Emulated => T::Pairs::emulated(set).map(Some).ok_or_else(|| unavailable(none)),
            Self::Bf16 => match (T::Pairs::hardware(set), T::Pairs::emulated(set)) {
                (Some(pairs), _) => Ok(Some(pairs)),
                (None, None) => Err(unavailable(none)),
                (None, Some(_)) => Err(unavailable(
                    "it takes the instruction set avx512 on a CPU with AVX512-BF16; bf16-emulated computes the same slowly",
                )),
            },
        }
    }
}

impl fmt::Display for Precision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Precision {
    type Err = UnknownPrecision;

    fn from_str(name: &str) -> Result<Self, UnknownPrecision> {
        let known = Self::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name.trim()));
        known.ok_or_else(|| UnknownPrecision { name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_what_there_is() {
        for precision in Precision::ALL {
            assert_eq!(precision.name().parse(), Ok(precision));
        }
        let error = "bf8".parse::<Precision>().expect_err("there is no such precision");
        assert_eq!(error.to_string(), "unknown precision \"bf8\"; expected one of full, bf16, bf16-emulated");
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        for set in InstructionSet::available() {
            assert!(Precision::Bf16.pairs::<f64>(set).is_err() && Precision::Bf16Emulated.pairs::<f64>(set).is_err());
            assert!(Precision::Bf16Emulated.pairs::<f32>(set).is_ok_and(|pairs| pairs.is_some()));
            assert!(Precision::Full.pairs::<f64>(set).is_ok_and(|pairs| pairs.is_none()));
            if set.name() != "avx512" {
                let error = Precision::Bf16.pairs::<f32>(set).expect_err("only one set has bf16");
                assert!(error.to_string().contains("AVX512-BF16"), "{error}");
            }
        }
    }
}
