//! Which instruction set this run uses: found once, when an engine is made.

use std::fmt;

#[cfg(target_arch = "x86_64")]
use crate::isa::{Avx2, Avx512};
use crate::isa::{Kernel, Portable, Simd};

/// An instruction set that this CPU has.
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

impl InstructionSet {
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
}

impl fmt::Debug for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for InstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// An element type for which kernels can be run on every set.
pub trait Dispatch: Sized {
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
