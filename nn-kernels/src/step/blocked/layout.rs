//! How the blocked engine keeps parameters: Θ_wᵀ of each layer in panels, its bias behind it.
//!
//! The panels' columns are the units of layer l+1. The forward pass and back-propagation broadcast from them, along
//! columns and along rows, and the gradient is written in them, so that weights are never packed nor transposed. What
//! fills up a panel is zero, and since its gradient is zero it stays so.

use super::panels::Panels;
use crate::slope::Slope;
use crate::{Activation, Architecture, Element, LayerRange};

/// One layer of parameters, as the engine keeps it.
#[derive(Debug, Clone)]
pub(super) struct LayerPlan {
    /// S_l.
    pub(super) inputs: usize,
    /// S_{l+1}.
    pub(super) outputs: usize,
    pub(super) activation: Activation,
    pub(super) dropout: f64,
    pub(super) slope: Slope,
    /// Θ_wᵀ, S_l × S_{l+1}.
    pub(super) weights: Panels,
    /// Where the panels and the bias lie among the engine's parameters.
    pub(super) range: LayerRange,
}

/// All layers, if no address space is too small for them.
pub(super) fn layout<T: Element>(architecture: &Architecture, width: usize) -> Option<Vec<LayerPlan>> {
    let mut params: usize = 0;
    let plan = |layer: &crate::Layer| {
        let panels = Panels::checked(layer.inputs, layer.outputs, width, size_of::<T>())?;
        let weights = params..params.checked_add(panels.len())?;
        let bias = weights.end..weights.end.checked_add(panels.panels() * width)?;
        params = bias.end;
        Some(LayerPlan {
            inputs: layer.inputs,
            outputs: layer.outputs,
            activation: layer.activation,
            dropout: layer.dropout,
            slope: Slope::of(layer.activation, layer.dropout),
            weights: panels,
            range: LayerRange { weights, bias },
        })
    };
    architecture.layers().iter().map(plan).collect()
}

/// Every parameter's index in a network's flat slice, and in the engine's layout.
pub(super) fn pairs(layers: &[LayerPlan], architecture: &Architecture, mut pair: impl FnMut(usize, usize)) {
    for (plan, flat) in layers.iter().zip(architecture.ranges()) {
        for output in 0..plan.outputs {
            let row = flat.weights.start + output * plan.inputs;
            for input in 0..plan.inputs {
                pair(row + input, plan.range.weights.start + plan.weights.element(input, output));
            }
            pair(flat.bias.start + output, plan.range.bias.start + output);
        }
    }
}
