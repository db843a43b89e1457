//! Declare a fully-connected network in one line of Rust and train it on the CPU.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod network;

pub use network::{Dense, DenseLayer, HasLayer, Init, Network, Row, Theta};
pub use nn_kernels::{Activation, Architecture, ArchitectureError, Element, Layer, Loss};
