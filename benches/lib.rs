//! What benchmarks share: the standard workloads, with samples for them.

mod workload;

pub use nn_train::throughput::Samples;
pub use workload::{Target, UnknownActivation, UnknownTarget, UnknownWorkload, Workload, WorkloadError, hidden};
