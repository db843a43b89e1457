//! A gradient that is handed over in parts, while others are still computed.

use std::mem;
use std::ops::Range;

use super::panels::Panels;
use crate::step::Finished;
use crate::step::layer::{LayerPlan, Layers};

/// The least bytes of a part, but for those of the first layers and of the biases. To sum so many over two processes takes a few
/// hundred µs in shared memory, and a ms in a network of 10 Gbit/s: many times the latency that each part pays once more.
const LEAST_BYTES: usize = 1 << 20;

/// The parts of a gradient of elements of `size` bytes, in the order in which they are finished: weights of one layer or of several
/// that lie side by side, from the output on, and all biases.
pub(super) fn parts(layers: &Layers<Panels>, size: usize) -> Vec<Range<usize>> {
    let (weights, biases) = (&layers.whole.weights, &layers.whole.bias);
    let (mut parts, mut end) = (Vec::new(), weights.end);
    for plan in layers.plans.iter().rev() {
        let start = plan.range.weights.start;
        if start == 0 || (end - start) * size >= LEAST_BYTES {
            parts.push(start..end);
            end = start;
        }
    }
    if parts.len() == 1 {
        // The biases lie behind it.
        parts[0].end = biases.end;
        return parts;
    }
    parts.push(biases.clone());
    parts
}

/// The numbers of a gradient, of which finished parts leave.
pub(super) struct Room<'f, 'g, T> {
    /// The weights that have not left: those of the layers up to one.
    weights: &'g mut [T],
    biases: &'g mut [T],
    /// The place of the first bias among all numbers.
    first_bias: usize,
    /// Who is told of parts, and which are still to come.
    leaving: Option<(Finished<'f, 'g, T>, &'f [Range<usize>])>,
}

impl<'f, 'g, T> Room<'f, 'g, T> {
    /// Room for a gradient of `layers`, which stays, or of which somebody is told part by part.
    pub(super) fn new(
        layers: &Layers<Panels>,
        gradient: &'g mut [T],
        leaving: Option<(Finished<'f, 'g, T>, &'f [Range<usize>])>,
    ) -> Self {
        let first_bias = layers.whole.bias.start;
        let (weights, biases) = gradient.split_at_mut(first_bias);
        Self { weights, biases, first_bias, leaving }
    }

    /// A layer's matrix and its bias.
    pub(super) fn layer(&mut self, plan: &LayerPlan<Panels>) -> (&mut [T], &mut [T]) {
        let bias = plan.range.bias.start - self.first_bias..plan.range.bias.end - self.first_bias;
        (&mut self.weights[plan.range.weights.clone()], &mut self.biases[bias])
    }

    /// The gradient of a layer is what it will be, as is that of the layers behind it. It is not asked for again where parts leave.
    pub(super) fn finished(&mut self, plan: &LayerPlan<Panels>) {
        let Some((tell, parts)) = &mut self.leaving else { return };
        let start = plan.range.weights.start;
        // The first of the layers of a part is its last to be finished.
        if let Some((part, rest)) = parts.split_first().filter(|(part, _)| part.start == start) {
            let (kept, numbers) = mem::take(&mut self.weights).split_at_mut(start);
            self.weights = kept;
            *parts = rest;
            tell(part.clone(), numbers);
        }
        if let (0, Some(part)) = (start, parts.first()) {
            tell(part.clone(), mem::take(&mut self.biases));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::blocked::layout;
    use crate::{Activation, Architecture, InstructionSet, Layer, Loss};

    fn of(widths: &[usize]) -> Vec<Range<usize>> {
        let layers = widths.windows(2).map(|widths| Layer::new(widths[0], widths[1], Activation::Linear)).collect();
        let network = Architecture::new(layers, Loss::Mse).expect("a valid network");
        let layers = layout::layers::<f32>(&network, InstructionSet::best()).expect("small");
        parts(&layers, size_of::<f32>())
    }

    /// Of f32, 2¹⁸ numbers are a MiB; there are 16 units in a panel, whose rows of 1,024 are 128 numbers longer.
    #[test]
    fn small_layers_share_a_part_and_small_networks_are_one() {
        for (widths, params) in [(&[2, 4, 1][..], 2 * 16 + 4 * 16 + 2 * 16), (&[1024, 1024], 64 * 16_512 + 1024)] {
            let parts = of(widths);
            assert_eq!((parts.len(), &parts[0]), (1, &(0..params)), "one part with the biases");
        }
        let wide = 64 * 16_512;
        let ends = [wide, 2 * wide, 3 * wide + 16_512];
        let expected = [ends[1]..ends[2], ends[0]..ends[1], 0..ends[0], ends[2]..ends[2] + 3 * 1024 + 16];
        assert_eq!(of(&[1024, 1024, 1024, 1024, 10]), expected);
        // What is left for the first layers may be less.
        let tail = of(&[8, 16, 1024, 1024]);
        assert_eq!(tail, [8 * 16 + 16 * 1024..8 * 16 + 16 * 1024 + wide, 0..8 * 16 + 16 * 1024, tail[2].clone()]);
    }
}
