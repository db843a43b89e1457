//! How a batch is split: a function of the network and the number of samples, never of the threads.

use crate::{Architecture, Element, Layer};

/// The most accumulators of a gradient, and with them the most threads that one step can use.
const MAX_LANES: usize = 16;
/// Memory for accumulators beyond the gradient itself.
const ACCUMULATOR_BYTES: usize = 64 << 20;
/// What a shard's activations may take: half of a common L2.
const SHARD_BYTES: usize = 512 << 10;
/// Work for which a lane is worth waking a thread, in multiply-adds: some 8 µs where they are fast. Handing a lane to a
/// thread that has not gone to sleep takes one or two.
const LANE_WORK: usize = 3 << 18;
/// The multiply-adds that an activation, with its derivative, takes the time of.
const ACTIVATION_WORK: usize = 24;
/// Accumulators that stay in L2 beside all else.
const CACHED_BYTES: usize = 512 << 10;
/// The least rows of a lane whose accumulator does not: fewer take no time beside writing and reading it.
const FAR_ROWS: usize = 256;
/// Below this many rows, packing Θ for a shard's GEMM costs more than the parallelism brings.
const MIN_ROWS: usize = 64;
/// More rows than this bring the GEMM nothing.
const MAX_ROWS: usize = 1024;
/// A layer of more weights than this falls out of L2, so that more rows must share the reading of it.
const WIDE_LAYER: usize = 1 << 18;
/// What a network with a wide layer has instead of [`MIN_ROWS`].
const WIDE_ROWS: usize = 128;

/// The rule for a network: its batches are cut into *lanes*, each of which has an accumulator for the gradient and
/// walks through its rows in *shards*, whose activations fit into cache.
///
/// - A shard has at most `max_rows`: as many as fit into [`SHARD_BYTES`], within [`MIN_ROWS`] ([`WIDE_ROWS`] where a
///   layer is wide) and [`MAX_ROWS`].
/// - A lane has at least `min_rows`: [`MIN_ROWS`] or [`WIDE_ROWS`], or as many as make [`LANE_WORK`].
/// - There are at most `max_lanes`: [`MAX_LANES`], or as many as fit into [`ACCUMULATOR_BYTES`], but at least two.
/// - There are at most `cached_lanes`, whose accumulators fit into [`CACHED_BYTES`], but at least two, unless a lane has
///   [`FAR_ROWS`]: what the lanes beyond the first cost one thread must be little.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ShardRule {
    /// The most rows of a shard, a multiple of `step`.
    pub(crate) max_rows: usize,
    /// The least rows of a lane.
    pub(crate) min_rows: usize,
    /// The same where there are two lanes: the second halves a step where there are threads, and the others help few.
    pub(crate) pair_rows: usize,
    pub(crate) max_lanes: usize,
    /// Lanes whose accumulators stay in L2.
    pub(crate) cached_lanes: usize,
    /// Rows of a shard are a multiple of this, which fills the kernels' tiles.
    pub(crate) step: usize,
}

/// The most lanes of a network: as many as [`ACCUMULATOR_BYTES`] hold, but at least two, at most [`MAX_LANES`].
pub(crate) fn max_lanes<T>(architecture: &Architecture) -> usize {
    let accumulators = ACCUMULATOR_BYTES / (architecture.params() * size_of::<T>());
    (1 + accumulators).clamp(2, MAX_LANES)
}

/// Lanes whose accumulators stay in L2, and two in any case.
pub(crate) fn cached_lanes<T>(architecture: &Architecture) -> usize {
    let accumulators = CACHED_BYTES / (architecture.params() * size_of::<T>());
    (1 + accumulators).max(2)
}

/// Rows whose arithmetic makes [`LANE_WORK`].
pub(crate) fn worthwhile_rows(architecture: &Architecture) -> usize {
    let layer = |layer: &Layer| (3 * layer.inputs).saturating_add(ACTIVATION_WORK).saturating_mul(layer.outputs);
    let work = architecture.layers().iter().map(layer).fold(0_usize, usize::saturating_add);
    LANE_WORK.div_ceil(work)
}

/// How one batch is split.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shards {
    /// Rows of a shard; the last one of the batch may have fewer.
    pub(crate) rows: usize,
    /// Rows of a lane; the last lane may have fewer.
    pub(crate) lane_rows: usize,
    /// Lanes that have rows.
    pub(crate) lanes: usize,
}

impl ShardRule {
    pub(crate) fn new<T: Element>(architecture: &Architecture) -> Self {
        let layers = architecture.layers();
        let units = architecture.inputs() + layers.iter().map(|layer| 2 * layer.outputs).sum::<usize>();
        let cached = SHARD_BYTES / (units.saturating_mul(size_of::<T>()));
        let wide = layers.iter().any(|layer| layer.inputs * layer.outputs >= WIDE_LAYER);
        let least = if wide { WIDE_ROWS } else { MIN_ROWS };
        let max_rows = (cached / MIN_ROWS * MIN_ROWS).clamp(least, MAX_ROWS);
        let min_rows = worthwhile_rows(architecture).clamp(least, max_rows);
        Self {
            max_rows,
            min_rows,
            pair_rows: min_rows,
            max_lanes: max_lanes::<T>(architecture),
            cached_lanes: cached_lanes::<T>(architecture),
            step: 8,
        }
    }

    /// The most lanes of any batch of up to `rows` rows. A power of two where there are several, so that two or four
    /// threads have equal shares.
    pub(crate) fn lane_bound(self, rows: usize) -> usize {
        let affordable = self.cached_lanes.max(rows / FAR_ROWS);
        let pair = if rows / self.pair_rows >= 2 { 2 } else { 1 };
        let lanes = (rows / self.min_rows).min(affordable).clamp(pair, self.max_lanes);
        1 << lanes.ilog2()
    }

    /// The most rows of a shard of any batch of up to `rows` rows.
    pub(crate) fn row_bound(self, rows: usize) -> usize {
        rows.min(self.max_rows)
    }

    /// The split of a batch of `rows` ≥ 1 rows.
    pub(crate) fn split(self, rows: usize) -> Shards {
        let lanes = self.lane_bound(rows);
        let lane_rows = rows.div_ceil(lanes).next_multiple_of(self.step);
        let shards = lane_rows.div_ceil(self.max_rows);
        let shard_rows = lane_rows.div_ceil(shards).next_multiple_of(self.step).min(self.row_bound(rows));
        Shards { rows: shard_rows, lane_rows, lanes: rows.div_ceil(lane_rows) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Activation, Layer, Loss};

    fn rule(widths: &[usize]) -> ShardRule {
        let layers = widths.windows(2).map(|w| Layer::new(w[0], w[1], Activation::Sigmoid)).collect();
        ShardRule::new::<f32>(&Architecture::new(layers, Loss::CrossEntropy).expect("valid"))
    }

    #[test]
    fn every_row_is_in_one_shard_and_bounds_hold() {
        for widths in [&[2, 4, 4, 4][..], &[784, 128, 10], &[1, 1], &[1024, 1024, 1024, 10], &[5000, 5000]] {
            let rule = rule(widths);
            for rows in (1..3000).chain([4096, 65_535, 65_536, 1_000_000]) {
                let split = rule.split(rows);
                assert!(split.lanes * split.lane_rows >= rows, "{widths:?} {rows}: {split:?}");
                assert!((split.lanes - 1) * split.lane_rows < rows, "{widths:?} {rows}: {split:?}");
                assert!(split.lanes <= rule.lane_bound(rows) && split.rows <= rule.row_bound(rows));
            }
        }
    }

    #[test]
    fn a_pair_comes_early_and_lanes_beyond_it_when_their_accumulators_are_cheap() {
        let rule = ShardRule { max_rows: 96, min_rows: 48, pair_rows: 24, max_lanes: 16, cached_lanes: 3, step: 6 };
        for (rows, lanes) in [(47, 1), (48, 2), (191, 2), (192, 2), (1023, 2), (1024, 4), (4095, 8), (1 << 20, 16)] {
            assert_eq!(rule.lane_bound(rows), lanes, "{rows} rows");
        }
        let cached = ShardRule { cached_lanes: 16, ..rule };
        for (rows, lanes) in [(47, 1), (95, 2), (192, 4), (768, 16)] {
            assert_eq!(cached.lane_bound(rows), lanes, "{rows} rows");
        }
    }

    #[test]
    fn examples() {
        assert_eq!(rule(&[784, 128, 10]).split(128), Shards { rows: 64, lane_rows: 64, lanes: 2 });
        assert_eq!(rule(&[2, 4, 4, 4]).split(32), Shards { rows: 32, lane_rows: 32, lanes: 1 });
        assert_eq!(rule(&[2, 4, 4, 4]).split(65_536), Shards { rows: 1024, lane_rows: 4096, lanes: 16 });
        assert_eq!(rule(&[1024, 1024, 1024, 10]).split(1024).rows, 128);
        assert_eq!(rule(&[5000, 5000]).split(4096).lanes, 2, "accumulators of 100 MB");
    }
}
