//! What a step of the blocked engine works in.

use std::ops::Range;

use super::grid::Grid;
use super::panels::Panels;
use crate::buffer::Buffer;
use crate::step::layer::Layers;
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
    /// Σ Θ_w² of each part, layer by layer.
    pub(super) squares: Vec<Vec<f64>>,
    /// The cost of each panel of samples.
    pub(super) costs: Vec<f64>,
}

/// The samples that are computed at a time, and the panels that they lie in.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shard {
    pub(super) rows: usize,
    /// Columns of a panel.
    pub(super) width: usize,
}

impl Shard {
    /// Units as rows, samples as columns.
    pub(super) const fn units<T>(self, units: usize) -> Panels {
        Panels::new(units, self.rows, self.width, size_of::<T>())
    }

    /// Samples as rows, of which there are whole panels, units as columns.
    pub(super) const fn turned<T>(self, units: usize) -> Panels {
        Panels::new(self.rows.next_multiple_of(self.width), units, self.width, size_of::<T>())
    }

    /// Whether an address space is large enough for layers of up to `units`.
    fn holds<T>(self, units: usize) -> bool {
        let (rows, size) = (self.panels() * self.width, size_of::<T>());
        Panels::checked(units, rows, self.width, size).and(Panels::checked(rows, units, self.width, size)).is_some()
    }

    /// Panels of samples.
    pub(super) const fn panels(self) -> usize {
        self.rows.div_ceil(self.width)
    }

    /// The samples of a panel.
    pub(super) fn samples(self, panel: usize) -> Range<usize> {
        panel * self.width..self.rows.min((panel + 1) * self.width)
    }
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
            squares: vec![Vec::new(); layers],
            costs: Vec::new(),
        }
    }

    /// Room for shards no larger than `most`, for gradients where `backward`.
    pub(super) fn grow(&mut self, layers: &Layers<Panels>, most: Shard, backward: bool) -> Result<(), StepError> {
        if !most.holds::<T>(layers.widest(|plan| plan.inputs.max(plan.outputs))) {
            return Err(StepError::Memory { bytes: usize::MAX });
        }
        let units = |units: usize| most.units::<T>(units).len();
        self.activations[0].grow(units(layers.inputs()))?;
        for (plan, a) in layers.plans.iter().zip(&mut self.activations[1..]) {
            a.grow(units(plan.outputs))?;
        }
        self.compact.grow((3 * most.panels() * most.width).saturating_mul(layers.outputs()))?;
        resize(&mut self.costs, most.panels())?;
        if !backward {
            return Ok(());
        }
        for (plan, slope) in layers.plans.iter().zip(&mut self.slopes) {
            if plan.stores_slope() {
                slope.grow(units(plan.outputs))?;
            }
        }
        let delta = layers.widest(|plan| units(plan.outputs));
        let turned = layers.widest(|plan| most.turned::<T>(plan.outputs).len());
        self.delta.iter_mut().try_for_each(|buffer| buffer.grow(delta))?;
        self.turned.iter_mut().try_for_each(|buffer| buffer.grow(turned))?;
        for (plan, squares) in layers.plans.iter().zip(&mut self.squares) {
            resize(squares, Grid::most_parts(plan.inputs, plan.matrix.panels()))?;
        }
        Ok(())
    }

    pub(super) fn bytes(&self) -> usize {
        let buffers = self.activations.iter().chain(&self.slopes).chain(&self.delta).chain(&self.turned);
        let numbers = self.squares.iter().map(Vec::capacity).sum::<usize>() + self.costs.capacity();
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
