//! What benchmarks share: the standard workloads with samples for them, and the arithmetic limit of the machine.

mod peak;
mod workload;

pub use peak::Peak;
pub use workload::{
    Samples, Target, UnknownActivation, UnknownTarget, UnknownWorkload, Workload, WorkloadError, hidden,
};
