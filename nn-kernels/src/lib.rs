//! Numbers: what the engines of `nn-train` compute with.

pub mod activation;
pub mod architecture;
mod buffer;
mod element;
mod error;
pub mod gemm;
pub mod isa;
pub mod loss;
pub mod math;
pub mod random;
pub mod reference;
pub mod step;

pub use architecture::{Activation, Architecture, ArchitectureError, Layer, LayerRange, Loss};
pub use element::Element;
pub use error::{Shown, StepError};
pub use isa::{Dispatch, InstructionSet};
pub use step::{Batch, Dropout, Layered, StepEngine, predict_one};
