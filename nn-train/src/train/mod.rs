//! The training loop.

mod builder;
mod epoch;
mod history;
mod run;
mod trainer;

pub use builder::TrainerBuilder;
pub use epoch::Epoch;
pub use history::History;
pub use trainer::{DatasetOf, Epochs, Trainer};
