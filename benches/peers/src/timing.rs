//! What a step takes.

use std::time::Instant;

use crate::{Failure, Step};

/// Seconds of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// Of the best repeat.
    pub best: f64,
    /// Of the one in the middle.
    pub median: f64,
}

/// Times `repeats` repeats that take `seconds` each, after a warm-up, in the manner of `throughput` and `peers.py`.
///
/// # Errors
/// What the system says of a step.
pub fn timed(system: &mut dyn Step, repeats: usize, seconds: f64) -> Result<Timing, Failure> {
    let mut clock = |count: usize| {
        let start = Instant::now();
        for _ in 0..count {
            system.step()?;
        }
        Ok::<_, Failure>(start.elapsed().as_secs_f64())
    };
    let (mut count, mut taken) = (2, clock(2)?);
    while taken < seconds / 4.0 {
        count *= 2;
        taken = clock(count)?;
    }
    let count = (seconds * count as f64 / taken).ceil().max(1.0) as usize;
    let mut found = Vec::new();
    for _ in 0..repeats.max(1) {
        found.push(clock(count)? / count as f64);
    }
    found.sort_by(f64::total_cmp);
    Ok(Timing { best: found[0], median: found[found.len() / 2] })
}
