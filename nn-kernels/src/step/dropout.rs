//! Which units a step drops.

/// Where a step's dropout masks come from: a seed, and the number of the batch's first sample in the run.
///
/// Masks depend on the seed, the layer, the unit and the sample's number (`first_sample` + its row in the batch),
/// on nothing else: not on shards, threads, or the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropout {
    /// The seed of the run.
    pub seed: u64,
    /// How many samples the run has trained on before this batch.
    pub first_sample: u64,
}
