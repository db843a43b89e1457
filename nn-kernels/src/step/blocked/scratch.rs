//! What a step of the blocked engine works in.

use super::grid::Grid;
use super::layout::LayerPlan;
use super::panels::Panels;
use crate::buffer::Buffer;
use crate::step::slope::Slope;
use crate::{Element, StepError};

/// The activations and deltas of a shard.
#[derive(Debug)]
pub(super) struct Scratch<T> {
    /// A^(l) of each layer, inputs first: S_l × m. The last is z^(L).
    pub(super) activations: Vec<Buffer<T>>,
    /// g' of each layer that stores it: S_{l+1} × m.
    pub(super) slopes: Vec<Buffer<T>>,
    /// δ of this layer and of the next: S_l × m.
    pub(super) delta: [Buffer<T>; 2],
    /// The same turned: m × S_l.
    pub(super) turned: [Buffer<T>; 2],
    /// Outputs, targets and a spare for the loss, sample by sample without padding.
    pub(super) compact: Buffer<T>,
    /// Σ Θ_w² of each part of each layer.
    pub(super) squares: Vec<f64>,
    /// The cost of each panel of samples.
    pub(super) costs: Vec<f64>,
}

/// δ with samples as rows, of which there are whole panels.
pub(super) fn turned_panels<T>(rows: usize, units: usize, width: usize) -> Panels {
    Panels::new(rows.next_multiple_of(width), units, width, size_of::<T>())
}

/// Units as rows, samples as columns.
pub(super) fn unit_panels<T>(units: usize, rows: usize, width: usize) -> Panels {
    Panels::new(units, rows, width, size_of::<T>())
}

impl<T: Element> Scratch<T> {
    pub(super) fn new(layers: usize) -> Self {
        let buffers = |count: usize| (0..count).map(|_| Buffer::empty()).collect();
        Self {
            activations: buffers(layers + 1),
            slopes: buffers(layers),
            delta: [Buffer::empty(), Buffer::empty()],
            turned: [Buffer::empty(), Buffer::empty()],
            compact: Buffer::empty(),
            squares: Vec::new(),
            costs: Vec::new(),
        }
    }

    /// Room for shards of up to `rows`, for gradients where `backward`.
    pub(super) fn grow(
        &mut self,
        layers: &[LayerPlan],
        width: usize,
        rows: usize,
        backward: bool,
    ) -> Result<(), StepError> {
        let units = |units: usize| unit_panels::<T>(units, rows, width).len();
        self.activations[0].grow(units(layers[0].inputs))?;
        for (plan, a) in layers.iter().zip(&mut self.activations[1..]) {
            a.grow(units(plan.outputs))?;
        }
        let panels = rows.div_ceil(width);
        let outputs = layers[layers.len() - 1].outputs;
        self.compact.grow(3 * panels * width * outputs)?;
        resize(&mut self.costs, panels)?;
        if backward {
            for (plan, slope) in layers.iter().zip(&mut self.slopes) {
                if plan.slope == Slope::Stored {
                    slope.grow(units(plan.outputs))?;
                }
            }
            let widest = layers.iter().map(|plan| plan.outputs);
            let delta = widest.clone().map(units).max().unwrap_or(0);
            let turned = widest.map(|units| turned_panels::<T>(rows, units, width).len()).max().unwrap_or(0);
            self.delta.iter_mut().try_for_each(|buffer| buffer.grow(delta))?;
            self.turned.iter_mut().try_for_each(|buffer| buffer.grow(turned))?;
            let parts = |plan: &LayerPlan| Grid::most_parts(plan.inputs, plan.weights.panels());
            resize(&mut self.squares, layers.iter().map(parts).sum())?;
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        let buffers = self.activations.iter().chain(&self.slopes).chain(&self.delta).chain(&self.turned);
        let numbers = self.squares.capacity() + self.costs.capacity();
        buffers.map(Buffer::bytes).sum::<usize>() + self.compact.bytes() + numbers * size_of::<f64>()
    }
}

/// At least `len` numbers.
fn resize(numbers: &mut Vec<f64>, len: usize) -> Result<(), StepError> {
    if len > numbers.len() {
        let bytes = len * size_of::<f64>();
        numbers.try_reserve_exact(len - numbers.len()).map_err(|_| StepError::Memory { bytes })?;
        numbers.resize(len, 0.0);
    }
    Ok(())
}
