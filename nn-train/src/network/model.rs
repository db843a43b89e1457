//! What a trainer and a metric need of a network, declared or not.

use nn_kernels::{Architecture, Batch, Element};

use super::{DynNetwork, Network};
use crate::data::{DynDataset, Samples};
use crate::error::Error;
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
pub trait Model: sealed::Sealed + Send + Sync {
    /// What parameters, samples and predictions are made of.
    type Scalar: Element;
    /// What the network is trained on.
    type Data;
    /// The samples of a batch: `[N::Input]` where the type knows the width S_1, elsewhere `[T]`, m × S_1 numbers row
    /// by row.
    type Inputs: ?Sized;
    /// Their targets: `[N::Output]`, or `[T]`, m × S_L numbers.
    type Targets: ?Sized;

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

    /// A batch of as many targets as there are samples, at least one.
    #[doc(hidden)]
    fn batch<'a>(&self, inputs: &'a Self::Inputs, targets: &'a Self::Targets)
    -> Result<Batch<'a, Self::Scalar>, Error>;
}

impl<N: Network> Model for N {
    type Scalar = N::Scalar;
    type Data = DatasetOf<N>;
    type Inputs = [N::Input];
    type Targets = [N::Output];

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

    fn batch<'a>(&self, inputs: &'a [N::Input], targets: &'a [N::Output]) -> Result<Batch<'a, N::Scalar>, Error> {
        let samples = Samples::of(inputs, targets);
        Batch::new(N::ARCHITECTURE, samples.inputs, samples.targets).or_else(|error| {
            samples.check_rows()?;
            Err(error.into())
        })
    }
}

impl<T: Element> Model for DynNetwork<T> {
    type Scalar = T;
    type Data = DynDataset<T>;
    type Inputs = [T];
    type Targets = [T];

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

    fn batch<'a>(&self, inputs: &'a [T], targets: &'a [T]) -> Result<Batch<'a, T>, Error> {
        Batch::new(self.architecture(), inputs, targets).or_else(|error| {
            DynNetwork::samples(self, inputs, targets)?.check_rows()?;
            Err(error.into())
        })
    }
}
