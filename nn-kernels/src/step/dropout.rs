//! Which units a step drops.

use rand::Rng;

use crate::Element;
use crate::random::{ChaCha8Rng, Purpose, stream};

/// Where a step's dropout masks come from: a seed, and the number of the batch's first sample in the run.
///
/// Dropout is inverted: a kept unit is scaled by 1/(1 - p) in training, so that prediction need not know of it.
///
/// Masks depend on the seed, the layer, the unit and the sample's number (`first_sample` + its row in the batch),
/// on nothing else: not on shards, threads, or the engine. Layer l's (from 0) come from
/// [`stream`]`(seed, Purpose::Dropout, l)`, of which each sample owns ⌈width / 16⌉ blocks of 16 words: sample i
/// those from block i · ⌈width / 16⌉ on. Unit u takes the sample's u-th word, and is kept where that word is at
/// least p · 2³².
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dropout {
    /// The seed of the run.
    pub seed: u64,
    /// How many samples the run has trained on before this batch.
    pub first_sample: u64,
}

/// Words in a block of the generator.
const BLOCK_WORDS: usize = 16;

/// The least word that keeps a unit.
fn threshold(probability: f64) -> u32 {
    // 2³² is exact, and the conversion saturates.
    (probability * 4_294_967_296.0).round() as u32
}

impl Dropout {
    /// Drops units of `layer` (from 0) in a shard: the numbers of both slices are multiplied by 1/(1 - p) or 0. There are
    /// `rows` of `units`, the first of them being row `first_row` of the batch; units are `unit_step` numbers apart, and rows
    /// `row_step`.
    pub(crate) fn apply<T: Element>(
        self,
        (layer, probability): (usize, f64),
        (rows, units): (usize, usize),
        (row_step, unit_step): (usize, usize),
        first_row: usize,
        activations: &mut [T],
        slopes: &mut [T],
    ) {
        let mut factors = self.factors(layer, probability, units, first_row);
        for row in 0..rows {
            let numbers = activations[row * row_step..].iter_mut().zip(&mut slopes[row * row_step..]);
            for (a, slope) in numbers.step_by(unit_step).take(units) {
                let factor = factors.next();
                *a *= factor;
                *slope *= factor;
            }
        }
    }

    /// The factors of a layer's units, 1/(1 - p) or 0, sample by sample from row `first_row` of the batch on.
    fn factors<T: Element>(self, layer: usize, probability: f64, width: usize, first_row: usize) -> Factors<T> {
        let blocks = width.div_ceil(BLOCK_WORDS);
        let mut generator = stream(self.seed, Purpose::Dropout, layer as u32);
        let first_sample = self.first_sample.wrapping_add(first_row as u64);
        generator.set_block_pos(first_sample.wrapping_mul(blocks as u64));
        let keep = T::from_f64(1.0 / (1.0 - probability));
        Factors {
            generator,
            threshold: threshold(probability),
            keep,
            width,
            padding: blocks * BLOCK_WORDS - width,
            unit: 0,
        }
    }
}

/// See [`Dropout::factors`].
struct Factors<T> {
    generator: ChaCha8Rng,
    threshold: u32,
    keep: T,
    width: usize,
    /// Words between a sample's last unit and the next sample.
    padding: usize,
    unit: usize,
}

impl<T: Element> Factors<T> {
    /// The next unit's factor; after a sample's last unit comes the next sample's first.
    fn next(&mut self) -> T {
        if self.unit == self.width {
            self.unit = 0;
            for _ in 0..self.padding {
                self.generator.next_u32();
            }
        }
        self.unit += 1;
        if self.generator.next_u32() >= self.threshold { self.keep } else { T::ZERO }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thresholds_cover_the_words() {
        assert_eq!(threshold(0.0), 0);
        assert_eq!(threshold(0.5), 1 << 31);
        assert_eq!(threshold(0.25), 1 << 30);
        assert_eq!(threshold(1.0 - f64::EPSILON), u32::MAX);
    }

    /// The first masks are part of the format: a checkpoint resumed elsewhere must drop the same units.
    /// They were computed by another implementation of ChaCha8, from the documentation of [`Dropout`].
    #[test]
    fn golden_masks() {
        let mask = |seed, first_sample, layer, first_row| {
            let mut a = [1.0; 40];
            let mut d = [1.0; 40];
            Dropout { seed, first_sample }.apply::<f64>((layer, 0.5), (2, 20), (20, 1), first_row, &mut a, &mut d);
            assert_eq!(a, d);
            a.map(|a| if a == 2.0 { '1' } else { '0' }).iter().collect::<String>()
        };
        assert_eq!(mask(7, 0, 0, 0), "0100001100111000111100101111110101000101");
        assert_eq!(mask(7, 0, 1, 0), "0111011011110010001000010100011101101111");
        assert_eq!(mask(8, 1_000_000, 0, 3), "0100110001111111000011101100010100101111");
        assert_eq!(mask(7, 0, 0, 1)[..20], mask(7, 0, 0, 0)[20..], "a row of the batch");
        assert_eq!(mask(7, 1, 0, 0)[..20], mask(7, 0, 0, 0)[20..], "a batch further on");
    }

    /// A layout changes the place of a factor, not the factor.
    #[test]
    fn units_and_rows_may_be_any_numbers_apart() {
        let dropout = Dropout { seed: 3, first_sample: 5 };
        let [mut a, mut b, mut slopes] = [[1.0_f32; 60]; 3];
        dropout.apply((1, 0.3), (3, 20), (20, 1), 2, &mut a, &mut slopes);
        dropout.apply((1, 0.3), (3, 20), (1, 3), 2, &mut b, &mut [1.0; 60]);
        for (at, found) in b.into_iter().enumerate() {
            assert_eq!(found, a[at % 3 * 20 + at / 3]);
        }
    }

    #[test]
    fn positions_wrap() {
        let mut a = [1.0_f32; 64];
        let mut d = [1.0; 64];
        Dropout { seed: 0, first_sample: u64::MAX }.apply((0, 0.5), (2, 32), (32, 1), usize::MAX, &mut a, &mut d);
    }
}
