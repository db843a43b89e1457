//! Numbers: what the engines of `nn-train` compute with.

pub mod architecture;
mod element;
mod error;
pub mod isa;
pub mod math;
pub mod random;
pub mod reference;
pub mod step;

pub use architecture::{Activation, Architecture, ArchitectureError, Layer, LayerRange, Loss};
pub use element::Element;
pub use error::{Shown, StepError};
pub use step::{Batch, Dropout, Layered, StepEngine, predict_one};
