//! The step engines: a batch goes in; its cost and its gradient come out.

mod batch;
mod dropout;
mod lane;
mod layered;
mod passes;
mod shards;
mod single;
mod tile;

pub use batch::Batch;
pub use dropout::Dropout;
pub use layered::Layered;
pub use single::predict_one;
pub use tile::Tile;

use crate::{Architecture, Element, StepError};

/// A way to compute a training step. Engines differ in speed and in the last bits, not in what they compute.
///
/// Parameters and gradients are flat slices in the layout of [`Architecture::ranges`].
pub trait StepEngine<T: Element>: Send {
    /// The engine's name, as documentation and messages write it.
    fn name(&self) -> &'static str;

    /// The network that the engine was planned for.
    fn architecture(&self) -> &Architecture;

    /// J and Δ: the cost of `batch` with its term λ/2m Σ‖Θ_w‖², where λ = `l2`, and ∂J/∂Θ written to `gradient`.
    /// Units are dropped only when `dropout` is given.
    ///
    /// Numbers that are not finite pass through: the cost or the gradient then is not finite either.
    ///
    /// # Errors
    /// A [`StepError`] when a length or width is not the network's or λ is no strength; `gradient` is then as
    /// it was.
    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        l2: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError>;

    /// J alone, the λ term included, without dropout.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, l2: f64) -> Result<f64, StepError>;

    /// A^(L) of every sample: `inputs` is m × S_1, `outputs` m × S_L, sample-major.
    ///
    /// # Errors
    /// A [`StepError`] when a length is not the network's; `outputs` is then as it was.
    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError>;

    /// Bytes of memory that the engine holds between steps.
    fn scratch_bytes(&self) -> usize;
}
