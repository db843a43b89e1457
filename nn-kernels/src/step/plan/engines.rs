//! The engines of each number type, compiled here and not in the crates that use them.

use super::EngineKind;
use crate::step::blocked::{self, Blocked};
use crate::step::narrow::{self, Narrow};
use crate::step::single;
use crate::step::tile::{self, Tile};
use crate::step::{Precision, StepEngine};
use crate::{Architecture, Element, InstructionSet, StepError};

/// The engines of a number type. Part of [`Element`](crate::Element), so that generic code elsewhere reaches kernels
/// that have been compiled once, in this crate.
#[doc(hidden)]
#[allow(missing_docs, reason = "not for anyone else to call")]
pub trait Engines: crate::sealed::Sealed + Sized {
    /// The engine.
    fn build(
        kind: EngineKind,
        architecture: &Architecture,
        set: InstructionSet,
        precision: Precision,
    ) -> Result<Box<dyn StepEngine<Self>>, StepError>
    where
        Self: Element;
    /// A^(L) of one sample, the lengths having been checked; `shared` among the threads of the pool.
    fn forward_one(
        set: InstructionSet,
        architecture: &Architecture,
        theta: &[Self],
        x: &[Self],
        out: &mut [Self],
        scratch: &mut [Self],
        shared: bool,
    );
}

macro_rules! engines {
    ($($T:ident),*) => { $(
        impl Engines for $T {
            fn build(
                kind: EngineKind,
                architecture: &Architecture,
                set: InstructionSet,
                precision: Precision,
            ) -> Result<Box<dyn StepEngine<$T>>, StepError> {
                Ok(match kind {
                    EngineKind::Tile => Box::new(Tile::<$T>::with_set(architecture, set)?),
                    EngineKind::Narrow => Box::new(Narrow::<$T>::with_set(architecture, set)?),
                    EngineKind::Blocked => Box::new(Blocked::<$T>::with_precision(architecture, set, precision)?),
                })
            }

            fn forward_one(
                set: InstructionSet,
                architecture: &Architecture,
                theta: &[$T],
                x: &[$T],
                out: &mut [$T],
                scratch: &mut [$T],
                shared: bool,
            ) {
                single::forward_one(set, architecture, theta, x, out, scratch, shared);
            }
        }
    )* };
}
engines!(f32, f64);

/// Whether an engine is made for such a network and precision, or why it is not.
pub(super) fn suits(kind: EngineKind, architecture: &Architecture, precision: Precision) -> Result<(), &'static str> {
    match kind {
        EngineKind::Narrow | EngineKind::Tile if precision != Precision::Full => {
            Err("only the blocked engine computes in bfloat16")
        }
        EngineKind::Narrow if !narrow::suits(architecture) => Err("it takes layers up to 64 wide"),
        _ => Ok(()),
    }
}

/// The rows of a batch of `rows` that go through an engine at a time, and the parts of a step that may be computed side by
/// side.
pub(super) fn split<T: Element>(
    kind: EngineKind,
    architecture: &Architecture,
    set: InstructionSet,
    rows: usize,
) -> (usize, usize) {
    let split = match kind {
        EngineKind::Tile => tile::rule::<T>(architecture, set).split(rows),
        EngineKind::Narrow => narrow::rule(architecture).split(rows),
        EngineKind::Blocked => return blocked::split::<T>(architecture, set, rows),
    };
    (split.rows, split.portions)
}
