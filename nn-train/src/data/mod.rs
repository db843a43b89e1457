//! Samples and targets, checked once.

mod dataset;
#[cfg(feature = "serde")]
mod serde;
mod split;
mod standardize;

pub use dataset::Dataset;
pub(crate) use dataset::{class_of, highest};
pub use standardize::Standardizer;
