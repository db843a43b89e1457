//! The one place where an instruction set is detected, named, and entered by its name.

use std::fmt;
use std::str::FromStr;
use std::sync::OnceLock;

use thiserror::Error;

#[cfg(target_arch = "x86_64")]
use super::{Avx2, Avx512};
use super::{Kernel, Portable, Simd};

/// The environment variable that forces an instruction set: `portable`, `avx2` or `avx512`.
pub const ENVIRONMENT_VARIABLE: &str = "NN_ISA";

/// An instruction set that this CPU has. The holder of a value may run kernels with it.
#[derive(Clone, Copy)]
pub struct InstructionSet(Token);

#[derive(Clone, Copy)]
enum Token {
    Portable(Portable),
    #[cfg(target_arch = "x86_64")]
    Avx2(Avx2),
    #[cfg(target_arch = "x86_64")]
    Avx512(Avx512),
}

/// The instruction set does not exist, or the CPU lacks it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum IsaError {
    /// No set has this name.
    #[error("unknown instruction set {name:?}; this CPU has {}", available_names())]
    Unknown {
        /// The name found.
        name: String,
    },
    /// The CPU lacks the set.
    #[error("this CPU has no {name}; it has {}", available_names())]
    Missing {
        /// The set asked for.
        name: &'static str,
    },
}

fn available_names() -> String {
    InstructionSet::available().map(InstructionSet::name).collect::<Vec<_>>().join(", ")
}

impl InstructionSet {
    /// The names of all sets, whether this CPU has them or not, the widest first.
    pub const NAMES: [&'static str; 3] = ["avx512", "avx2", "portable"];

    /// All sets of this CPU, the widest first; the portable one is always there.
    pub fn available() -> impl Iterator<Item = Self> {
        #[cfg(target_arch = "x86_64")]
        let native = [Avx512::new().map(Token::Avx512), Avx2::new().map(Token::Avx2)];
        #[cfg(not(target_arch = "x86_64"))]
        let native: [Option<Token>; 0] = [];
        native.into_iter().flatten().chain([Token::Portable(Portable)]).map(Self)
    }

    /// The widest set of this CPU.
    #[must_use]
    pub fn best() -> Self {
        Self::available().next().unwrap_or(Self(Token::Portable(Portable)))
    }

    /// The set that [`ENVIRONMENT_VARIABLE`] forces, or the widest where the variable is not set or empty. The variable is
    /// read once in a process, when this is first called.
    ///
    /// # Errors
    /// When the variable names no set, or one that this CPU lacks.
    pub fn from_environment() -> Result<Self, IsaError> {
        Ok(Self::forced()?.unwrap_or_else(Self::best))
    }

    /// The set that the environment forces, if it does. It is read once in a process.
    ///
    /// # Errors
    /// When the variable names no set, or one that this CPU lacks.
    pub fn forced() -> Result<Option<Self>, IsaError> {
        static SET: OnceLock<Result<Option<InstructionSet>, IsaError>> = OnceLock::new();
        let read = || match std::env::var_os(ENVIRONMENT_VARIABLE) {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse().map(Some),
            _ => Ok(None),
        };
        SET.get_or_init(read).clone()
    }

    /// The set's name: `"portable"`, `"avx2"` or `"avx512"`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self.0 {
            Token::Portable(_) => <Portable as Simd<f32>>::NAME,
            #[cfg(target_arch = "x86_64")]
            Token::Avx2(_) => <Avx2 as Simd<f32>>::NAME,
            #[cfg(target_arch = "x86_64")]
            Token::Avx512(_) => <Avx512 as Simd<f32>>::NAME,
        }
    }

    /// [`Simd::LANES`] and [`Simd::SUMS`] of the set.
    pub(crate) fn lanes_and_sums<T: Dispatch>(self) -> (usize, usize) {
        struct LanesAndSums;
        impl<T> Kernel<T> for LanesAndSums {
            type Output = (usize, usize);

            #[inline(always)]
            fn run<S: Simd<T>>(self, _s: S) -> (usize, usize) {
                (S::LANES, S::SUMS)
            }
        }
        T::dispatch(self, LanesAndSums)
    }

    /// Elements in a vector.
    pub(crate) fn lanes<T: Dispatch>(self) -> usize {
        self.lanes_and_sums::<T>().0
    }
}

impl FromStr for InstructionSet {
    type Err = IsaError;

    fn from_str(name: &str) -> Result<Self, IsaError> {
        let known = Self::NAMES.into_iter().find(|known| known.eq_ignore_ascii_case(name.trim()));
        let known = known.ok_or_else(|| IsaError::Unknown { name: name.to_owned() })?;
        Self::available().find(|set| set.name() == known).ok_or(IsaError::Missing { name: known })
    }
}

impl PartialEq for InstructionSet {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for InstructionSet {}

impl fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// An element type for which kernels can be run on every set. The trait is sealed: the types are `f32` and `f64`.
///
/// ```compile_fail,E0277
/// use nn_kernels::InstructionSet;
/// use nn_kernels::isa::{Dispatch, Kernel};
///
/// struct Other;
/// impl Dispatch for Other {
///     fn dispatch<K: Kernel<Self>>(_set: InstructionSet, _kernel: K) -> K::Output {
///         unimplemented!()
///     }
/// }
/// ```
pub trait Dispatch: crate::sealed::Sealed + Sized {
    /// Runs `kernel` with the instructions of `set`.
    fn dispatch<K: Kernel<Self>>(set: InstructionSet, kernel: K) -> K::Output;
}

macro_rules! dispatch {
    ($($T:ident),*) => { $(
        impl Dispatch for $T {
            #[inline]
            fn dispatch<K: Kernel<Self>>(set: InstructionSet, kernel: K) -> K::Output {
                match set.0 {
                    Token::Portable(token) => Simd::<$T>::run(token, kernel),
                    #[cfg(target_arch = "x86_64")]
                    Token::Avx2(token) => Simd::<$T>::run(token, kernel),
                    #[cfg(target_arch = "x86_64")]
                    Token::Avx512(token) => Simd::<$T>::run(token, kernel),
                }
            }
        }
    )* };
}
dispatch!(f32, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_round_trip_and_unknown_ones_list_what_there_is() {
        for set in InstructionSet::available() {
            assert_eq!(set.name().parse(), Ok(set));
        }
        let error = "avx1024".parse::<InstructionSet>().expect_err("there is no such set");
        assert!(error.to_string().contains("\"avx1024\"") && error.to_string().contains("portable"), "{error}");
    }

    #[test]
    fn the_widest_set_comes_first() {
        assert_eq!(InstructionSet::available().next(), Some(InstructionSet::best()));
        assert_eq!(InstructionSet::available().last().map(InstructionSet::name), Some("portable"));
    }
}
