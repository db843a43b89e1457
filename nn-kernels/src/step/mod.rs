//! The step engines: a batch goes in; its cost and its gradient come out.

mod batch;
mod blocked;
mod dropout;
mod elementwise;
mod layer;
mod narrow;
mod passes;
mod plan;
mod precision;
mod sharded;
mod shards;
mod single;
mod tile;
mod update;

pub use batch::Batch;
pub use blocked::Blocked;
pub use dropout::Dropout;
pub use elementwise::{Elementwise, Rule};
pub use narrow::Narrow;
pub use plan::{Candidate, EngineKind, Engines, Explanation, Plan, PlanOptions, Share, UnknownEngine};
pub use precision::{Precision, UnknownPrecision};
pub use sharded::Sharded;
pub use single::{predict_one, predict_one_on_threads};
pub use tile::Tile;
pub use update::{MAX_SLOTS, Part, Slot, Span, Stepped, Update, update_all};

use std::ops::Range;

use crate::error::check_length;
use crate::{Architecture, Element, InstructionSet, LayerRange, StepError};

/// A way to compute a training step. Engines differ in speed and in the last bits, not in what they compute.
///
/// Parameters and gradients are flat slices in a layout of the engine's own, in which its kernels read them: as many
/// numbers as [`params`](Self::params) says, each layer's where [`ranges`](Self::ranges) says. What a network holds,
/// in the layout of [`Architecture::ranges`], comes in by [`import`](Self::import) and goes out by
/// [`export`](Self::export).
pub trait StepEngine<T: Element>: Send {
    /// The engine's name, as documentation and messages write it.
    fn name(&self) -> &'static str;

    /// The network that the engine was planned for.
    fn architecture(&self) -> &Architecture;

    /// The instruction set of the engine's kernels.
    fn set(&self) -> InstructionSet;

    /// Where each layer's parameters lie in the engine's layout: all matrices in order, and behind them all biases, without
    /// gaps. Numbers that pad a matrix are zero, and so are their gradients.
    fn ranges(&self) -> &[LayerRange];

    /// Numbers in the engine's layout, no fewer than the network's parameters.
    fn params(&self) -> usize {
        self.ranges().last().map_or(0, |range| range.bias.end)
    }

    /// Copies a network's flat slice into the engine's layout. What pads that layout is not touched: let `own` be
    /// zeros the first time.
    ///
    /// # Errors
    /// [`StepError::Length`].
    fn import(&self, theta: &[T], own: &mut [T]) -> Result<(), StepError>;

    /// Copies parameters, a gradient, or an optimiser's memory from the engine's layout into a network's.
    ///
    /// # Errors
    /// [`StepError::Length`].
    fn export(&self, own: &[T], theta: &mut [T]) -> Result<(), StepError>;

    /// Makes room for steps on batches of up to `rows` samples in any order, for gradients where `backward`, so that
    /// the first step allocates no more than the others. Engines that make room as they go need not.
    ///
    /// # Errors
    /// [`StepError::Memory`].
    fn reserve(&mut self, rows: usize, backward: bool) -> Result<(), StepError> {
        let _ = (rows, backward);
        Ok(())
    }

    /// The cost J = data + ½ · `decay` · Σ‖Θ_w‖² of `batch`, where `decay` is λ/m, and its gradient Δ = ∂J/∂Θ, written
    /// to `gradient`. Units are dropped only when `dropout` is given.
    ///
    /// The data's cost is the mean over the batch's samples, weighted where the batch has
    /// [weights](Batch::with_weights). By what λ is divided is the caller's decision: for a whole training run it is
    /// better the size of a full batch, so that a last batch of one sample is not decayed many times as hard.
    ///
    /// Numbers that are not finite pass through: the cost or the gradient then is not finite either.
    ///
    /// # Errors
    /// A [`StepError`] when a length or width is not the network's, or `decay` is negative or not finite; `gradient` is
    /// then as it was.
    fn gradient(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &mut [T],
    ) -> Result<f64, StepError>;

    /// As [`gradient`](Self::gradient), and hands over its numbers as soon as they are finished, a range of them at a time, while
    /// others are still computed: `finished` is told each range once, with the numbers. Which ranges, and in which order, is a
    /// function of the architecture and the instruction set. Unless an engine says otherwise, it is all at the end.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient); nothing has been handed over then.
    fn gradient_in_parts<'g>(
        &mut self,
        theta: &[T],
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        gradient: &'g mut [T],
        finished: Finished<'_, 'g, T>,
    ) -> Result<f64, StepError> {
        let cost = self.gradient(theta, batch, decay, dropout, &mut *gradient)?;
        finished(0..gradient.len(), gradient);
        Ok(cost)
    }

    /// The ranges in which [`gradient_in_parts`](Self::gradient_in_parts) hands over a gradient, in its order.
    fn parts(&self) -> Vec<Range<usize>> {
        std::iter::once(0..self.params()).collect()
    }

    /// A step with its update: the [`gradient`](Self::gradient) at Θ = `span.theta`, which is as it was afterwards, is
    /// written to `span.gradient` and there replaced by the parameters that `update` makes of it. The
    /// optimiser's new memory is written to the slots' `new`; `old` is as it was, so that a step whose numbers are not
    /// finite can be dropped.
    ///
    /// Where the cost is known not to be finite before anything is updated, nothing is, as [`Stepped::updated`] tells.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient); the length of a slot may be wrong, too.
    fn step(
        &mut self,
        batch: Batch<'_, T>,
        decay: f64,
        dropout: Option<Dropout>,
        update: &dyn Update<T>,
        span: Span<'_, T>,
    ) -> Result<Stepped, StepError> {
        check_slots(&span.slots, self.params())?;
        let cost = self.gradient(span.theta, batch, decay, dropout, &mut *span.gradient)?;
        if !cost.is_finite() {
            return Ok(Stepped { cost, updated: false, finite: false });
        }
        let finite = update_all(update, self.set(), self.ranges(), span);
        Ok(Stepped { cost, updated: true, finite })
    }

    /// J alone, the λ term included, without dropout.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient).
    fn cost(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64) -> Result<f64, StepError>;

    /// One forward pass for both J and A^(L): in the same bits, what [`cost`](Self::cost) returns, and what
    /// [`predict`](Self::predict) writes for the batch's rows in their order. `outputs` is m × S_L, sample-major.
    ///
    /// # Errors
    /// As [`gradient`](Self::gradient); `outputs` is then as it was.
    fn evaluate(&mut self, theta: &[T], batch: Batch<'_, T>, decay: f64, outputs: &mut [T]) -> Result<f64, StepError>;

    /// A^(L) of every sample: `inputs` is m × S_1, `outputs` m × S_L, sample-major.
    ///
    /// # Errors
    /// A [`StepError`] when a length is not the network's; `outputs` is then as it was.
    fn predict(&mut self, theta: &[T], inputs: &[T], outputs: &mut [T]) -> Result<(), StepError>;

    /// Bytes of memory that the engine holds between steps.
    fn scratch_bytes(&self) -> usize;
}

/// What is told of parts of a gradient: where they lie, and their numbers.
pub type Finished<'f, 'g, T> = &'f mut (dyn FnMut(Range<usize>, &'g mut [T]) + Send);

/// A slot has a number for each parameter, or none, before the step as after it.
fn check_slots<T>(slots: &[Slot<'_, T>], params: usize) -> Result<(), StepError> {
    slots.iter().filter(|slot| !(slot.old.is_empty() && slot.new.is_empty())).try_for_each(|slot| {
        check_length("the optimiser's memory", slot.old, params)?;
        check_length("room for the optimiser's memory", slot.new, params)
    })
}
