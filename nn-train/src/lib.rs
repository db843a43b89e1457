//! Declare a fully-connected network in one line of Rust and train it on the CPU.

mod error;
mod network;
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;

pub use error::{Error, Quantity};
pub use network::{Dense, DenseLayer, GradientCheck, HasLayer, Init, Network, Row, Theta, WorstParameter};
pub use nn_kernels::{Activation, Architecture, ArchitectureError, Element, Layer, Loss, StepError};
