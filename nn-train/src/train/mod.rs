//! The training loop.

mod builder;
mod epoch;
mod history;
mod run;
mod stepper;
mod steps;
mod trainer;

pub use builder::TrainerBuilder;
pub use epoch::Epoch;
pub use history::History;
pub use stepper::Stepper;
pub use trainer::{Epochs, Trainer};
