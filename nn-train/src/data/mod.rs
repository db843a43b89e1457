//! Samples and targets, checked once.

mod dataset;
mod dynamic;
mod samples;
#[cfg(feature = "serde")]
mod serde;
mod split;
mod standardize;

pub use dataset::Dataset;
pub(crate) use dataset::{class_of, highest};
pub use dynamic::DynDataset;
pub(crate) use samples::{Samples, check_finite};
pub use standardize::Standardizer;
