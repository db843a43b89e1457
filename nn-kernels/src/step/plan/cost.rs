//! What a step is estimated to take, from the shapes: counted [`work`](super::work) at its [`costs`](super::costs).
//!
//! No workload has an entry here, and what follows from the counts is continuous but for padding and the size of the
//! caches.

use super::costs::{BLOCKED, BLOCKED_BF16, Costs, NARROW, TILE};
use super::engines::{split, suits};
use super::work::Problem;
use super::{Candidate, EngineKind, Share};
use crate::isa::Caches;
use crate::step::Precision;
use crate::{Architecture, Element, InstructionSet};

/// An engine with its estimate for a step on `rows` samples.
pub(super) fn candidate<T: Element>(
    engine: EngineKind,
    precision: Precision,
    architecture: &Architecture,
    set: InstructionSet,
    rows: usize,
) -> Candidate {
    if let Err(reason) = suits(engine, architecture, precision) {
        return Candidate { engine, precision, nanoseconds: Err(reason), parts: 0, shares: Vec::new() };
    }
    let (lanes, size) = (set.lanes::<T>(), size_of::<T>());
    let (shard_rows, parts) = split::<T>(engine, architecture, set, rows);
    let l2 = Caches::of_cpu().l2;
    let problem = Problem { layers: architecture.layers(), rows, shard_rows, lanes, size, l2 };
    let Costs { narrow, tile, blocked, blocked_bf16 } = Costs::of(set);
    let shares = match engine {
        EngineKind::Narrow => shares(&NARROW, &problem.narrow(), narrow),
        EngineKind::Tile => shares(&TILE, &problem.tile(), tile),
        EngineKind::Blocked => match (precision, blocked_bf16) {
            (Precision::Bf16, Some(costs)) => shares(&BLOCKED_BF16, &problem.blocked_bf16(), costs),
            _ => shares(&BLOCKED, &problem.blocked(), blocked),
        },
    };
    let nanoseconds = Ok(shares.iter().map(Share::nanoseconds).sum());
    Candidate { engine, precision, nanoseconds, parts, shares }
}

fn shares(kinds: &[&'static str], counts: &[f64], costs: &[f64]) -> Vec<Share> {
    kinds.iter().zip(counts).zip(costs).map(|((&work, &count), &each)| Share { work, count, each }).collect()
}

/// What an engine may be slower on one thread than another and yet be preferred, if its steps have several parts and
/// the other's have not: two threads make it faster by far.
const SHARED: f64 = 1.15;

/// The engine with the lowest estimate, and its precision; the tile engine, which suits any network, if there is no other.
pub(super) fn cheapest(candidates: &[Candidate]) -> (EngineKind, Precision) {
    let shared = candidates.iter().any(|candidate| candidate.parts > 1);
    let weighed = candidates.iter().filter_map(|candidate| {
        let estimate = candidate.nanoseconds.as_ref().ok()?;
        let factor = if shared && candidate.parts == 1 { SHARED } else { 1.0 };
        Some(((candidate.engine, candidate.precision), estimate * factor))
    });
    let best = weighed.min_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map_or((EngineKind::Tile, Precision::Full), |(choice, _)| choice)
}
