//! What a trainer and a metric need of a network, declared or not.

use nn_kernels::{Architecture, Element};

use super::{DynNetwork, Network};
use crate::data::{DynDataset, Samples};
use crate::train::DatasetOf;

mod sealed {
    pub trait Sealed {}
    impl<N: super::Network> Sealed for N {}
    impl<T> Sealed for super::DynNetwork<T> {}
}

/// Data as flat slices, to this crate alone.
#[derive(Debug, Clone, Copy)]
pub struct Flat<'a, T>(pub(crate) Samples<'a, T>);

/// A network that can be trained and measured: every [`Network`], which goes with [`Dataset`](crate::Dataset)s, and
/// [`DynNetwork`], which goes with [`DynDataset`]s. To both the same code applies. The trait is sealed.
pub trait Model: sealed::Sealed {
    /// What parameters, samples and predictions are made of.
    type Scalar: Element;
    /// What the network is trained on.
    type Data;

    /// Widths, activations, dropout and loss.
    fn shape(&self) -> &Architecture;

    /// All parameters in the order of [`Architecture::ranges`].
    fn flat(&self) -> &[Self::Scalar];

    /// [`flat`](Self::flat), to be written.
    fn flat_mut(&mut self) -> &mut [Self::Scalar];

    /// The type's name.
    #[doc(hidden)]
    fn type_name() -> &'static str;

    /// Data as flat slices.
    #[doc(hidden)]
    fn samples(data: &Self::Data) -> Flat<'_, Self::Scalar>;
}

impl<N: Network> Model for N {
    type Scalar = N::Scalar;
    type Data = DatasetOf<N>;

    fn shape(&self) -> &Architecture {
        N::ARCHITECTURE
    }

    fn flat(&self) -> &[N::Scalar] {
        self.parameters()
    }

    fn flat_mut(&mut self) -> &mut [N::Scalar] {
        self.parameters_mut()
    }

    fn type_name() -> &'static str {
        N::NAME
    }

    fn samples(data: &DatasetOf<N>) -> Flat<'_, N::Scalar> {
        Flat(data.samples())
    }
}

impl<T: Element> Model for DynNetwork<T> {
    type Scalar = T;
    type Data = DynDataset<T>;

    fn shape(&self) -> &Architecture {
        self.architecture()
    }

    fn flat(&self) -> &[T] {
        self.parameters()
    }

    fn flat_mut(&mut self) -> &mut [T] {
        self.parameters_mut()
    }

    fn type_name() -> &'static str {
        "DynNetwork"
    }

    fn samples(data: &DynDataset<T>) -> Flat<'_, T> {
        Flat(data.samples())
    }
}
