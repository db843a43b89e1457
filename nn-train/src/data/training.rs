//! What a network can be trained on.

use super::{Dataset, Source};
use crate::network::{Declared, Network};

/// What a network of type `N` can be trained on: for a declared network a [`Dataset`] of its widths, which the compiler
/// checks, and for every network any [`Source`] of its numbers, a [`DynDataset`](crate::DynDataset) among them, whose
/// widths are checked before training begins.
///
/// ```compile_fail,E0277
/// use nn_train::prelude::*;
/// use nn_train::TrainingData;
///
/// network! { struct Xor<2 => 4 tanh => 1>; }
///
/// fn train<D: TrainingData<Xor>>(_: &D) {}
///
/// train(&Dataset::<[f32; 3], [f32; 1]>::new(vec![[0.0; 3]], vec![[1.0]])?); // Xor takes [f32; 2]
/// # Ok::<(), Error>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "a network `{N}` cannot be trained on `{Self}`",
    label = "not the widths or the numbers of `{N}`",
    note = "a declared network takes a `Dataset` of its own widths and numbers",
    note = "every network takes a `Source` of its numbers, such as a `DynDataset`"
)]
pub trait TrainingData<N: Network> {
    /// Where the rows come from.
    #[doc(hidden)]
    fn source(&self) -> &dyn Source<Scalar = N::Scalar>;
}

impl<N: Declared> TrainingData<N> for Dataset<N::Input, N::Output> {
    fn source(&self) -> &dyn Source<Scalar = <N as Declared>::Scalar> {
        &**self
    }
}

impl<N: Network, S: Source<Scalar = N::Scalar>> TrainingData<N> for S {
    fn source(&self) -> &dyn Source<Scalar = N::Scalar> {
        self
    }
}
