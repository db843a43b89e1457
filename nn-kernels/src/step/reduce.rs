//! From the lanes' accumulators to a step's gradient, in an order that does not depend on threads.

use rayon::prelude::*;

use super::passes::{Add, Finish, Squares};
use crate::{Element, InstructionSet, LayerRange};

/// Parameters that are reduced at a time: 64 KiB of f32, which with a few accumulators stays in L2.
pub(super) const CHUNK: usize = 16 << 10;

/// Whether `tasks` run on the calling thread.
pub(super) fn runs_inline(tasks: usize) -> bool {
    tasks <= 1 || rayon::current_num_threads() == 1
}

/// Runs `work` on every lane with the memory that its gradient goes to: the first lane's is the caller's own, the
/// others' are their accumulators.
pub(super) fn accumulate<T: Element, L: Send>(
    lanes: &mut [L],
    gradient: &mut [T],
    accumulator: impl Fn(&mut L) -> &mut crate::buffer::Buffer<T> + Sync,
    work: impl Fn(usize, &mut L, &mut [T]) + Sync,
) {
    let Some((first, others)) = lanes.split_first_mut() else { return };
    let work_apart = |(index, lane): (usize, &mut L)| {
        let mut memory = std::mem::take(accumulator(lane));
        work(index + 1, lane, memory.as_mut_slice());
        *accumulator(lane) = memory;
    };
    if runs_inline(1 + others.len()) {
        work(0, first, gradient);
        others.iter_mut().enumerate().for_each(work_apart);
    } else {
        rayon::join(
            || work(0, first, gradient),
            || others.par_iter_mut().with_max_len(1).enumerate().for_each(work_apart),
        );
    }
}

/// What becomes of the sum over lanes.
#[derive(Clone, Copy)]
pub(super) struct Scales {
    /// The factor of the sum, 1/m unless it has been applied already.
    pub(super) data: f64,
    /// λ/m, the factor of Θ_w.
    pub(super) decay: f64,
}

/// Adds `others` to `gradient`, scales the sum, adds `decay` · Θ_w, and returns Σ Θ_w², or 0 where `decay` is 0.
/// `squares` has a number for every chunk.
pub(super) fn reduce<'a, T: Element>(
    set: InstructionSet,
    ranges: &[LayerRange],
    theta: &[T],
    scales: Scales,
    others: impl Iterator<Item = &'a [T]> + Clone + Send + Sync,
    gradient: &mut [T],
    squares: &mut [f64],
) -> f64 {
    let chunk = |(index, (gradient, sum)): (usize, (&mut [T], &mut f64))| {
        let start = index * CHUNK;
        let end = start + gradient.len();
        for other in others.clone() {
            T::dispatch(set, Add { values: &mut *gradient, others: &other[start..end] });
        }
        *sum = 0.0;
        for range in ranges {
            for (part, decay) in [(&range.weights, scales.decay), (&range.bias, 0.0)] {
                let (from, to) = (part.start.max(start), part.end.min(end));
                if from < to {
                    let (scale, decay) = (T::from_f64(scales.data), T::from_f64(decay));
                    let gradient = &mut gradient[from - start..to - start];
                    *sum += T::dispatch(set, Finish { gradient, theta: &theta[from..to], scale, decay });
                }
            }
        }
    };
    if runs_inline(squares.len()) {
        gradient.chunks_mut(CHUNK).zip(&mut *squares).enumerate().for_each(chunk);
    } else {
        gradient.par_chunks_mut(CHUNK).zip(&mut *squares).enumerate().for_each(chunk);
    }
    squares.iter().sum()
}

/// Σ Θ_w², or 0 where `decay` is 0, in which case the term is absent even where Θ is not finite.
pub(super) fn squares<T: Element>(set: InstructionSet, ranges: &[LayerRange], theta: &[T], decay: f64) -> f64 {
    if decay == 0.0 {
        return 0.0;
    }
    ranges.iter().map(|range| T::dispatch(set, Squares { theta: &theta[range.weights.clone()] })).sum()
}
