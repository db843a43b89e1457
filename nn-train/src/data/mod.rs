//! Samples and targets, checked once.

mod dataset;
mod dynamic;
mod labels;
mod moments;
mod samples;
#[cfg(feature = "serde")]
mod serde;
mod shard;
mod source;
pub(crate) mod split;
mod standardize;
mod stream;
mod targets;
mod training;
mod weights;

pub use dataset::Dataset;
pub use dynamic::DynDataset;
pub(crate) use labels::{check_labels, class_of, highest, is_nan};
#[cfg(feature = "records")]
pub(crate) use labels::{classes, write_labels};
pub(crate) use moments::{Moments, Sum, Weighing, moments, unit};
pub(crate) use samples::Samples;
#[cfg(feature = "records")]
pub(crate) use samples::check_finite;
pub use shard::{Shard, Spread};
pub use source::{Access, Rows, Source};
#[cfg(feature = "records")]
pub(crate) use source::{Known, KnownTarget};
pub use standardize::Standardizer;
pub use stream::{Stream, StreamItem};
pub(crate) use targets::{TargetRule, sum_tolerance};
pub use training::TrainingData;
pub(crate) use weights::check_weights;
