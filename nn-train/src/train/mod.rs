//! Training: a session takes steps, a run goes through epochs, a trainer has the settings.

mod block_order;
mod builder;
mod callback;
mod callbacks;
#[cfg(feature = "checkpoints")]
pub mod checkpoint;
mod core;
mod divergence;
mod division;
mod epoch;
mod feed;
mod history;
mod order;
mod parts;
mod run;
mod schedule;
mod session;
mod share;
mod smoothing;
mod state;
mod threads;
mod trainer;
mod validation;

pub(crate) use self::core::{fault_of_ranks, last_faulty};
pub use builder::TrainerBuilder;
pub use callback::{Callback, Context, Signal};
#[cfg(feature = "progress")]
pub use callbacks::Progress;
#[cfg(feature = "tensorboard")]
pub use callbacks::TensorBoard;
#[cfg(feature = "checkpoints")]
pub use callbacks::{Checkpoints, Interrupt, Interruption, Latest};
#[cfg(feature = "logs")]
pub use callbacks::{CsvLog, JsonLines};
pub use callbacks::{EarlyStopping, Goal, Metric, Monitor, ReduceOnPlateau, WeightAverage};
pub use divergence::Divergence;
pub use epoch::Epoch;
pub use history::History;
pub use run::Run;
pub(crate) use run::described;
pub use schedule::{
    Annealing, Constant, Cosine, CosineRestarts, Exponential, FlatCosine, OneCycle, Schedule, StepDecay, WarmUp,
};
pub use session::Session;
pub use state::{Batches, CallbackState, OptimizerState, PlanState, Position, RunState, SessionState};
pub use threads::Threads;
pub(crate) use threads::{Ready, Workers};
pub use trainer::Trainer;
pub(crate) use trainer::{ALIKE, kind_of};
pub(crate) use validation::share_of;
