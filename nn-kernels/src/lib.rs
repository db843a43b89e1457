//! Numbers: what the engines of `nn-train` compute with.

pub mod architecture;
mod element;
pub mod isa;
pub mod math;
pub mod random;

pub use architecture::{Activation, Architecture, ArchitectureError, Layer, LayerRange, Loss};
pub use element::Element;
