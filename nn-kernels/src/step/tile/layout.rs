//! How the tile engine keeps parameters: every row of a layer's matrix is whole vectors.
//!
//! | layer | matrix | forward | back-propagation |
//! |---|---|---|---|
//! | wide | Θ_wᵀ, S_l rows of S_{l+1} | reads it as it is: features of layer l+1 along lanes | reads Θ_w, made anew each step |
//! | thin | Θ_w, S_{l+1} rows of S_l | dot products along lanes | reads it as it is |
//!
//! Only an output layer is thin, where its few units would leave most lanes of a vector idle. The numbers that pad a
//! row are zero, and since their gradient is zero they stay so.

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
    pub(super) thin: bool,
    /// Numbers from one row of the matrix to the next.
    pub(super) stride: usize,
    /// S_l and S_{l+1}, rounded up to whole vectors.
    pub(super) padded_inputs: usize,
    /// Numbers from one row of the transposed matrix to the next.
    pub(super) turned_row: usize,
    pub(super) padded_outputs: usize,
    /// Numbers from one sample's outputs to the next's, in a tile.
    pub(super) row: usize,
    /// Where matrix and bias lie among the engine's parameters.
    pub(super) range: LayerRange,
    pub(super) slope: Slope,
    /// Where Θ_w, made anew each step for back-propagation, lies among all of those; `None` where nobody needs it.
    pub(super) transposed: Option<usize>,
}

/// All layers.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    pub(super) layers: Vec<LayerPlan>,
    /// Numbers in all transposed matrices together.
    pub(super) transposed: usize,
    /// Elements in a vector.
    pub(super) lanes: usize,
}

impl Layout {
    /// Of an architecture whose [size has been checked](crate::buffer::check_size).
    pub(super) fn new(architecture: &Architecture, lanes: usize) -> Self {
        let count = architecture.layers().len();
        let (mut params, mut transposed) = (0, 0);
        let plan = |(index, layer): (usize, &crate::Layer)| {
            let (padded_inputs, padded_outputs) =
                (layer.inputs.next_multiple_of(lanes), layer.outputs.next_multiple_of(lanes));
            let softmax = layer.activation == Activation::Softmax;
            let thin = index + 1 == count && 2 * layer.outputs <= lanes && !softmax;
            let (rows, stride) = if thin { (layer.outputs, padded_inputs) } else { (layer.inputs, padded_outputs) };
            let weights = params..params + rows * stride;
            let bias = weights.end..weights.end + padded_outputs;
            params = bias.end;
            let needs_transposed = index > 0 && !thin;
            let at = transposed;
            if needs_transposed {
                transposed += padded_outputs * spread(padded_inputs, lanes);
            }
            LayerPlan {
                inputs: layer.inputs,
                outputs: layer.outputs,
                activation: layer.activation,
                dropout: layer.dropout,
                thin,
                stride,
                padded_inputs,
                turned_row: spread(padded_inputs, lanes),
                padded_outputs,
                row: spread(padded_outputs, lanes),
                range: LayerRange { weights, bias },
                slope: Slope::of(layer.activation, layer.dropout),
                transposed: needs_transposed.then_some(at),
            }
        };
        let layers = architecture.layers().iter().enumerate().map(plan).collect();
        Self { layers, transposed, lanes }
    }

    /// Whether the only layer is thin, and rows of its inputs are not whole vectors.
    pub(super) fn pads_inputs(&self) -> bool {
        self.layers.len() == 1 && self.layers[0].thin && self.layers[0].inputs < self.layers[0].stride
    }

    /// Copies parameters from the flat slice of a network into the engine's layout. What pads a row is not touched.
    pub(super) fn import<T: Element>(&self, architecture: &Architecture, theta: &[T], into: &mut [T]) {
        self.pairs(architecture, |flat, own| into[own] = theta[flat]);
    }

    /// Copies parameters, or anything shaped like them, from the engine's layout into a network's flat slice.
    pub(super) fn export<T: Element>(&self, architecture: &Architecture, from: &[T], theta: &mut [T]) {
        self.pairs(architecture, |flat, own| theta[flat] = from[own]);
    }

    /// Every parameter's index in the flat slice, and in the engine's layout.
    fn pairs(&self, architecture: &Architecture, mut pair: impl FnMut(usize, usize)) {
        for (plan, flat) in self.layers.iter().zip(architecture.ranges()) {
            for output in 0..plan.outputs {
                for input in 0..plan.inputs {
                    let own = if plan.thin { output * plan.stride + input } else { input * plan.stride + output };
                    pair(flat.weights.start + output * plan.inputs + input, plan.range.weights.start + own);
                }
                pair(flat.bias.start + output, plan.range.bias.start + output);
            }
        }
    }
}

/// A distance between rows that spreads a panel of columns over all sets of the L1 cache: rows of many whole vectors
/// get one more where their number is even. (Rows of 256 f32, 1 KiB apart, would share 16 of 64 sets.)
const fn spread(padded: usize, lanes: usize) -> usize {
    if padded >= 8 * lanes && (padded / lanes).is_multiple_of(2) { padded + lanes } else { padded }
}
