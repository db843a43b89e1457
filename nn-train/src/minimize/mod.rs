//! Batch training: the whole data set in every evaluation, and a line search in place of a learning rate.
//!
//! [`descent`] goes along the directions that an algorithm names, [`line_search`] says how far.

mod conjugate_gradient;
mod descent;
mod lbfgs;
mod line_search;
mod objective;
mod settings;
mod solution;

pub use conjugate_gradient::ConjugateGradient;
pub use lbfgs::Lbfgs;
pub use solution::{Iteration, Solution, StopReason};
