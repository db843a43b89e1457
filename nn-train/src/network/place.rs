//! Networks wherever they are: by themselves or in a box.

use nn_kernels::Element;

use super::{DynNetwork, Model, Network};

/// The place of a network that stands for itself.
#[derive(Debug, Clone, Copy)]
pub enum Bare {}

/// The place of a network in a box.
#[derive(Debug, Clone, Copy)]
pub enum Boxed {}

/// The place of a network whose sizes come from data.
#[derive(Debug, Clone, Copy)]
pub enum Dynamic {}

/// A network, or a box with one: what lets `&net` and `&mut net` be handed over alike, whether `net` is the
/// `Box<Digits>` that a constructor returns, a `Digits`, or a [`DynNetwork`]. The compiler finds out the `Place` by itself.
pub trait AsNetwork<Place> {
    /// The network's type.
    type Network: Model;

    /// The network.
    fn as_network(&self) -> &Self::Network;

    /// The network, to be changed.
    fn as_network_mut(&mut self) -> &mut Self::Network;
}

impl<N: Network> AsNetwork<Bare> for N {
    type Network = N;

    fn as_network(&self) -> &N {
        self
    }

    fn as_network_mut(&mut self) -> &mut N {
        self
    }
}

impl<N: Network> AsNetwork<Boxed> for Box<N> {
    type Network = N;

    fn as_network(&self) -> &N {
        self
    }

    fn as_network_mut(&mut self) -> &mut N {
        self
    }
}

impl<T: Element> AsNetwork<Dynamic> for DynNetwork<T> {
    type Network = Self;

    fn as_network(&self) -> &Self {
        self
    }

    fn as_network_mut(&mut self) -> &mut Self {
        self
    }
}
