//! How the tile engine keeps parameters: every row of a layer's matrix is whole vectors.
//!
//! | layer | matrix | forward | back-propagation |
//! |---|---|---|---|
//! | wide | Θ_wᵀ, S_l rows of S_{l+1} | reads it as it is: features of layer l+1 along lanes | reads Θ_w, made anew each step |
//! | thin | Θ_w, S_{l+1} rows of S_l | dot products along lanes | reads it as it is |
//!
//! Only an output layer is thin, where its few units would leave most lanes of a vector idle. The numbers that pad a
//! row are zero, and since their gradient is zero they stay so.

use crate::step::layer::{LayerPlan, Layers, Matrix};
use crate::{Activation, Architecture, Element, InstructionSet, StepError};

/// One layer's matrix, as the engine keeps it.
#[derive(Debug, Clone)]
pub struct Rows {
    pub(super) thin: bool,
    /// Numbers from one row of the matrix to the next.
    pub(super) stride: usize,
    /// S_l and S_{l+1}, rounded up to whole vectors.
    pub(super) padded_inputs: usize,
    pub(super) padded_outputs: usize,
    /// Numbers from one sample's outputs to the next's, in a tile.
    pub(super) row: usize,
    /// Where Θ_w, made anew each step for back-propagation, lies among all of those, and from one row of it to the next;
    /// `None` where nobody needs it.
    pub(super) turned: Option<(usize, usize)>,
}

impl Matrix for Rows {
    fn row(&self, output: usize) -> (usize, usize) {
        if self.thin { (output * self.stride, 1) } else { (output, self.stride) }
    }
}

/// The layers of a network in rows of whole vectors of `lanes` elements.
///
/// # Errors
/// [`StepError::Memory`].
pub(super) fn layers<T: Element>(
    architecture: &Architecture,
    set: InstructionSet,
    lanes: usize,
) -> Result<Layers<Rows>, StepError> {
    let count = architecture.layers().len();
    let mut turned = 0;
    Layers::new::<T>(architecture, set, |index, layer| {
        let (padded_inputs, padded_outputs) =
            (layer.inputs.next_multiple_of(lanes), layer.outputs.next_multiple_of(lanes));
        let softmax = layer.activation == Activation::Softmax;
        let thin = index + 1 == count && 2 * layer.outputs <= lanes && !softmax;
        let (rows, stride) = if thin {
            (layer.outputs, padded_inputs)
        } else {
            (layer.inputs, apart(padded_outputs, lanes, size_of::<T>()))
        };
        let turned = (index > 0 && !thin).then(|| {
            let (at, row) = (turned, spread(padded_inputs, lanes));
            turned += padded_outputs * row;
            (at, row)
        });
        let row = spread(padded_outputs, lanes);
        let matrix = Rows { thin, stride, padded_inputs, padded_outputs, row, turned };
        Some((matrix, rows.checked_mul(stride)?, padded_outputs))
    })
}

/// Numbers in all turned matrices together.
pub(super) fn turned(layers: &Layers<Rows>) -> usize {
    let end = |plan: &LayerPlan<Rows>| plan.matrix.turned.map_or(0, |(at, row)| at + plan.matrix.padded_outputs * row);
    layers.plans.iter().map(end).max().unwrap_or(0)
}

/// Whether the only layer is thin, and rows of its inputs are not whole vectors.
pub(super) fn pads_inputs(layers: &Layers<Rows>) -> bool {
    matches!(&layers.plans[..], [only] if only.matrix.thin && only.inputs < only.matrix.stride)
}

/// A distance between rows that spreads a panel of columns over all sets of the L1 cache: rows of many whole vectors
/// get one more where their number is even. (Rows of 256 f32, 1 KiB apart, would share 16 of 64 sets.)
pub(super) const fn spread(padded: usize, lanes: usize) -> usize {
    if padded >= 8 * lanes && (padded / lanes).is_multiple_of(2) { padded + lanes } else { padded }
}

/// A distance between rows of weights of `size` bytes: where rows would share few sets of a cache, a vector more.
const fn apart(padded: usize, lanes: usize, size: usize) -> usize {
    if (padded * size).is_multiple_of(SHARING) { padded + lanes } else { padded }
}

/// Rows a multiple of this apart lie in no more than four sets of an L1 of 64.
const SHARING: usize = 1 << 10;
