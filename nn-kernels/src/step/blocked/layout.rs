//! How the blocked engine keeps parameters: Θ_wᵀ of each layer in panels, its bias behind it.
//!
//! The panels' columns are the units of layer l+1. The forward pass and back-propagation broadcast from them, along
//! columns and along rows, and the gradient is written in them, so that weights are never packed nor transposed. What
//! fills up a panel is zero, and since its gradient is zero it stays so.

use super::panels::{Panels, width_of};
use crate::step::layer::{Layers, Matrix};
use crate::{Architecture, Element, InstructionSet, StepError};

/// Θ_wᵀ, S_l × S_{l+1}.
impl Matrix for Panels {
    fn row(&self, output: usize) -> (usize, usize) {
        (self.element(0, output), self.width)
    }
}

/// All layers.
///
/// # Errors
/// [`StepError::Memory`] where an address space is too small for them.
pub(super) fn layers<T: Element>(
    architecture: &Architecture,
    set: InstructionSet,
) -> Result<Layers<Panels>, StepError> {
    let width = width_of::<T>();
    Layers::new::<T>(architecture, set, |_, layer| {
        let panels = Panels::checked(layer.inputs, layer.outputs, width, size_of::<T>())?;
        Some((panels, panels.len(), panels.panels() * width))
    })
}
