//! Declare a fully-connected network in one line of Rust and train it on the CPU.

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod data;
mod error;
pub mod metrics;
mod network;
mod optim;
mod train;

pub use data::{Dataset, Standardizer};
pub use error::{Error, Quantity};
pub use network::{
    AsNetwork, Bare, Boxed, Dense, DenseLayer, GradientCheck, HasLayer, Init, Network, Row, Theta, WorstParameter,
};
pub use nn_kernels::{Activation, Architecture, ArchitectureError, Element, Layer, Loss, StepError};
pub use nn_macros::network;
pub use optim::{Adam, AdamW, Optimizer, Sgd};
pub use train::{DatasetOf, Epoch, Epochs, History, Trainer, TrainerBuilder};

/// What most programs want in scope.
pub mod prelude {
    pub use crate::metrics::{self, ClassificationReport, ConfusionMatrix};
    pub use crate::{
        Adam, AdamW, Dataset, Epoch, Error, HasLayer, History, Network, Optimizer, Sgd, Standardizer, Trainer, network,
    };
}
