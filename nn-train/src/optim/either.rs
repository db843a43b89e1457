//! One of two updates, as an optimiser's settings choose.

use nn_kernels::{Element, InstructionSet, Part, Span, Update};

/// The update of an optimiser whose settings choose between two rules: each is compiled for itself, and takes no more
/// memory than it needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Either<A, B> {
    /// What is left out is switched off.
    Plain(A),
    /// It is switched on.
    Extended(B),
}

impl<T: Element, A: Update<T>, B: Update<T>> Update<T> for Either<A, B> {
    fn update(&self, set: InstructionSet, part: Part, span: Span<'_, T>) -> bool {
        match self {
            Self::Plain(update) => update.update(set, part, span),
            Self::Extended(update) => update.update(set, part, span),
        }
    }

    fn slots(&self) -> usize {
        match self {
            Self::Plain(update) => update.slots(),
            Self::Extended(update) => update.slots(),
        }
    }

    fn minds_part(&self) -> bool {
        match self {
            Self::Plain(update) => update.minds_part(),
            Self::Extended(update) => update.minds_part(),
        }
    }
}
