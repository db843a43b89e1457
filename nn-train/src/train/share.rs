//! A rank's share of a step.

use nn_kernels::{Batch, Element};

/// What one of several processes computes of a step. The rows of a step are those of the ranks one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share<'a, T: Element> {
    /// The rank's own rows; none where the others have all of the step's.
    pub(super) batch: Option<Batch<'a, T>>,
    /// The place of the first of them among the step's rows.
    pub(super) first: u64,
    /// m, the step's rows.
    pub(super) rows: u64,
    /// What the own rows weigh together: their number, where samples have no weights.
    pub(super) weight: f64,
    /// What all rows of the step weigh together, where it is known without asking the other ranks. All ranks know it, or none.
    pub(super) total: Option<f64>,
    /// The lowest rank that has rows in this step.
    pub(super) leader: usize,
}
