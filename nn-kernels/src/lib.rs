//! Numbers: what the engines of `nn-train` compute with.

pub mod activation;
pub mod architecture;
mod buffer;
mod dispatch;
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
pub use dispatch::{Dispatch, InstructionSet};
pub use element::Element;
pub use error::{Shown, StepError};
pub use step::{Batch, Dropout, Layered, StepEngine, predict_one};
