//! How a batch is split: a function of the network and the number of samples, never of the threads.

use crate::{Architecture, Layer};

/// The most accumulators of a gradient, and with them the most threads that one step can use.
const MAX_PORTIONS: usize = 16;
/// Memory for accumulators beyond the gradient itself.
const ACCUMULATOR_BYTES: usize = 64 << 20;
/// Work for which a portion is worth waking a thread, in multiply-adds: some 8 µs where they are fast. Handing a portion to a
/// thread that has not gone to sleep takes one or two.
const PORTION_WORK: usize = 3 << 18;
/// The multiply-adds that an activation, with its derivative, takes the time of.
const ACTIVATION_WORK: usize = 24;
/// Accumulators that stay in L2 beside all else.
const CACHED_BYTES: usize = 512 << 10;
/// The least rows of a portion whose accumulator does not: fewer take no time beside writing and reading it.
const FAR_ROWS: usize = 256;

/// The rule for a network: its batches are cut into *portions*, each of which has an accumulator for the gradient and
/// walks through its rows in *shards*, whose activations fit into cache.
///
/// - A shard has at most `max_rows`, by the engine's caches and registers.
/// - A portion has at least `min_rows`: what the engine needs to be fast, or as many as make [`PORTION_WORK`].
/// - There are at most `max_portions`: [`MAX_PORTIONS`], or as many as fit into [`ACCUMULATOR_BYTES`], but at least two.
/// - There are at most `cached_portions`, whose accumulators fit into [`CACHED_BYTES`], but at least two, unless a portion has
///   [`FAR_ROWS`]: what the portions beyond the first cost one thread must be little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShardRule {
    /// The most rows of a shard, a multiple of `step`.
    pub(crate) max_rows: usize,
    /// The least rows of a portion.
    pub(crate) min_rows: usize,
    /// The same where there are two portions: the second halves a step where there are threads, and the others help few.
    pub(crate) pair_rows: usize,
    pub(crate) max_portions: usize,
    /// Portions whose accumulators stay in L2.
    pub(crate) cached_portions: usize,
    /// Rows of a shard are a multiple of this, which fills the kernels' tiles.
    pub(crate) step: usize,
}

/// The most portions of a network: as many as [`ACCUMULATOR_BYTES`] hold, but at least two, at most [`MAX_PORTIONS`].
pub(crate) fn max_portions<T>(architecture: &Architecture) -> usize {
    let accumulators = ACCUMULATOR_BYTES / (architecture.params() * size_of::<T>());
    (1 + accumulators).clamp(2, MAX_PORTIONS)
}

/// Portions whose accumulators stay in L2, and two in any case.
pub(crate) fn cached_portions<T>(architecture: &Architecture) -> usize {
    let accumulators = CACHED_BYTES / (architecture.params() * size_of::<T>());
    (1 + accumulators).max(2)
}

/// Rows whose arithmetic makes [`PORTION_WORK`].
pub(crate) fn worthwhile_rows(architecture: &Architecture) -> usize {
    let layer = |layer: &Layer| (3 * layer.inputs).saturating_add(ACTIVATION_WORK).saturating_mul(layer.outputs);
    let work = architecture.layers().iter().map(layer).fold(0_usize, usize::saturating_add);
    PORTION_WORK.div_ceil(work)
}

/// How one batch is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shards {
    /// Rows of a shard; the last one of the batch may have fewer.
    pub(crate) rows: usize,
    /// Rows of a portion; the last portion may have fewer.
    pub(crate) portion_rows: usize,
    /// Portions that have rows.
    pub(crate) portions: usize,
}

impl ShardRule {
    /// The most portions of any batch of up to `rows` rows. A power of two where there are several, so that two or four
    /// threads have equal shares.
    pub(crate) fn portion_bound(self, rows: usize) -> usize {
        let affordable = self.cached_portions.max(rows / FAR_ROWS);
        let pair = if rows / self.pair_rows >= 2 { 2 } else { 1 };
        let portions = (rows / self.min_rows).min(affordable).clamp(pair, self.max_portions);
        1 << portions.ilog2()
    }

    /// The most rows of a shard of any batch of up to `rows` rows.
    pub(crate) fn row_bound(self, rows: usize) -> usize {
        rows.min(self.max_rows)
    }

    /// The split of a batch of `rows` ≥ 1 rows.
    pub(crate) fn split(self, rows: usize) -> Shards {
        let portions = self.portion_bound(rows);
        let portion_rows = rows.div_ceil(portions).next_multiple_of(self.step);
        let shards = portion_rows.div_ceil(self.max_rows);
        let shard_rows = portion_rows.div_ceil(shards).next_multiple_of(self.step).min(self.row_bound(rows));
        Shards { rows: shard_rows, portion_rows, portions: rows.div_ceil(portion_rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::step::{narrow, tile};
    use crate::{Activation, InstructionSet, Layer, Loss};

    fn architecture(widths: &[usize]) -> Architecture {
        let layers = widths.windows(2).map(|w| Layer::new(w[0], w[1], Activation::Sigmoid)).collect();
        Architecture::new(layers, Loss::CrossEntropy).expect("valid")
    }

    fn rules(widths: &[usize]) -> [ShardRule; 2] {
        let architecture = architecture(widths);
        [narrow::rule(&architecture), tile::rule::<f32>(&architecture, InstructionSet::best())]
    }

    #[test]
    fn every_row_is_in_one_shard_and_bounds_hold() {
        for widths in [&[2, 4, 4, 4][..], &[784, 128, 10], &[1, 1], &[1024, 1024, 1024, 10], &[5000, 5000]] {
            for rule in rules(widths) {
                for rows in (1..3000).chain([4096, 65_535, 65_536, 1_000_000]) {
                    let split = rule.split(rows);
                    assert!(split.portions * split.portion_rows >= rows, "{widths:?} {rows}: {split:?}");
                    assert!((split.portions - 1) * split.portion_rows < rows, "{widths:?} {rows}: {split:?}");
                    assert!(split.portions <= rule.portion_bound(rows) && split.rows <= rule.row_bound(rows));
                }
            }
        }
    }

    #[test]
    fn a_pair_comes_early_and_lanes_beyond_it_when_their_accumulators_are_cheap() {
        let rule =
            ShardRule { max_rows: 96, min_rows: 48, pair_rows: 24, max_portions: 16, cached_portions: 3, step: 6 };
        for (rows, portions) in [(47, 1), (48, 2), (191, 2), (192, 2), (1023, 2), (1024, 4), (4095, 8), (1 << 20, 16)] {
            assert_eq!(rule.portion_bound(rows), portions, "{rows} rows");
        }
        let cached = ShardRule { cached_portions: 16, ..rule };
        for (rows, portions) in [(47, 1), (95, 2), (192, 4), (768, 16)] {
            assert_eq!(cached.portion_bound(rows), portions, "{rows} rows");
        }
    }

    #[test]
    fn examples() {
        let [narrow, _] = rules(&[2, 4, 4, 4]);
        assert_eq!(narrow.split(32), Shards { rows: 32, portion_rows: 128, portions: 1 });
        assert_eq!(narrow.split(65_536), Shards { rows: 4096, portion_rows: 4096, portions: 16 });
        let [_, tile] = rules(&[784, 128, 10]);
        assert_eq!(tile.split(128), Shards { rows: 66, portion_rows: 66, portions: 2 });
        assert_eq!(rules(&[5000, 5000])[1].split(4096).portions, 2, "accumulators of 100 MB");
    }
}
