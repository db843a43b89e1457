//! The backends by their names.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::Gemm;
use crate::{Element, InstructionSet};

/// A GEMM backend that is compiled in.
///
/// ```
/// use nn_kernels::{GemmKind, InstructionSet};
///
/// for kind in GemmKind::available() {
///     let gemm = kind.backend::<f32>(InstructionSet::best());
///     assert_eq!(gemm.name().parse(), Ok(kind));
/// }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum GemmKind {
    /// Own kernels: [`Packed`](super::Packed).
    Packed,
    /// The crate of that name: [`MatrixMultiply`](super::MatrixMultiply).
    MatrixMultiply,
    /// The CBLAS library that the program is linked with: [`Blas`](super::Blas).
    #[cfg(feature = "blas")]
    Blas,
}

/// The GEMM backend does not exist, or was not compiled in.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum GemmError {
    /// No backend has this name.
    #[error("unknown GEMM backend {name:?}; expected one of {}", available_names())]
    Unknown {
        /// The name found.
        name: String,
    },
    /// The backend needs a feature that this program was compiled without.
    #[error(
        "the GEMM backend {name} is not compiled in, which the feature `{feature}` would do; there is {}",
        available_names()
    )]
    Missing {
        /// The backend asked for.
        name: &'static str,
        /// The feature of `nn-kernels` and `nn-train` that adds it.
        feature: &'static str,
    },
}

fn available_names() -> String {
    GemmKind::available().map(GemmKind::name).collect::<Vec<_>>().join(", ")
}

impl GemmKind {
    /// The names of all backends, whether they are compiled in or not.
    pub const NAMES: [&'static str; 3] = ["packed", "matrixmultiply", "blas"];

    /// The backends that are compiled in.
    pub fn available() -> impl Iterator<Item = Self> {
        [
            Self::Packed,
            Self::MatrixMultiply,
            #[cfg(feature = "blas")]
            Self::Blas,
        ]
        .into_iter()
    }

    /// The backend's name: `"packed"`, `"matrixmultiply"` or `"blas"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Packed => "packed",
            Self::MatrixMultiply => "matrixmultiply",
            #[cfg(feature = "blas")]
            Self::Blas => "blas",
        }
    }

    /// The backend. Those that are not this crate's own find their instruction set by themselves.
    #[must_use]
    pub fn backend<T: Element>(self, set: InstructionSet) -> Box<dyn Gemm<T>> {
        T::gemm(self, set)
    }
}

impl fmt::Display for GemmKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for GemmKind {
    type Err = GemmError;

    fn from_str(name: &str) -> Result<Self, GemmError> {
        let known = Self::NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()));
        let known = known.ok_or_else(|| GemmError::Unknown { name: name.to_owned() })?;
        let missing = GemmError::Missing { name: known, feature: known };
        Self::available().find(|kind| kind.name() == known).ok_or(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_others_say_what_there_is() {
        for kind in GemmKind::available() {
            assert_eq!(kind.name().parse(), Ok(kind));
            assert_eq!(kind.backend::<f64>(InstructionSet::best()).name(), kind.name());
        }
        let error = "quick".parse::<GemmKind>().expect_err("there is no such backend");
        let start = "unknown GEMM backend \"quick\"; expected one of packed, matrixmultiply";
        assert!(error.to_string().starts_with(start), "{error}");
        let others = GemmKind::NAMES.into_iter().filter(|name| GemmKind::available().all(|kind| kind.name() != *name));
        for name in others {
            let error = name.parse::<GemmKind>().expect_err("it is not compiled in");
            assert!(error.to_string().contains("the feature `blas`"), "{error}");
        }
    }
}
