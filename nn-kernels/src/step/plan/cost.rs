//! What a step is estimated to take, from the shapes: counted [`work`](super::work) at its [`costs`](super::costs).
//!
//! No workload has an entry here, and what follows from the counts is continuous but for padding and the size of the
//! caches.

use super::costs::{BLOCKED, Costs, NARROW, TILE};
use super::work::Problem;
use super::{Candidate, EngineKind, Share};
use crate::isa::Caches;
use crate::step::Precision;
use crate::{Architecture, Element, InstructionSet};

/// An engine with its estimate for a step on `rows` samples.
pub(super) fn candidate<T: Element>(
    engine: EngineKind,
    architecture: &Architecture,
    set: InstructionSet,
    rows: usize,
) -> Candidate {
    let suits = match engine {
        EngineKind::Layered => Err("it is taken only where it is asked for"),
        _ => T::suits(engine, architecture, Precision::Full),
    };
    if let Err(reason) = suits {
        return Candidate { engine, nanoseconds: Err(reason), lanes: 0, shares: Vec::new() };
    }
    let (lanes, size) = (T::lanes(set), size_of::<T>());
    let split = T::split(engine, architecture, set, rows);
    let l2 = Caches::of_cpu().l2;
    let problem = Problem { layers: architecture.layers(), rows, shard_rows: split.rows, lanes, size, l2 };
    let Costs { narrow, tile, blocked } = Costs::of(set);
    let shares = match engine {
        EngineKind::Narrow => shares(&NARROW, &problem.narrow(), narrow),
        EngineKind::Tile => shares(&TILE, &problem.tile(), tile),
        EngineKind::Blocked => shares(&BLOCKED, &problem.blocked(), blocked),
        EngineKind::Layered => Vec::new(),
    };
    Candidate { engine, nanoseconds: Ok(shares.iter().map(Share::nanoseconds).sum()), lanes: split.lanes, shares }
}

fn shares(kinds: &[&'static str], counts: &[f64], costs: &[f64]) -> Vec<Share> {
    kinds.iter().zip(counts).zip(costs).map(|((&work, &count), &each)| Share { work, count, each }).collect()
}

/// What an engine may be slower on one thread than another and yet be preferred, if its batches are cut into lanes and
/// the other's are not: two threads make it faster by far.
const SHARED: f64 = 1.15;

/// The engine with the lowest estimate; the tile engine, which suits any network, if there is no other.
pub(super) fn cheapest(candidates: &[Candidate]) -> EngineKind {
    let shared = candidates.iter().any(|candidate| candidate.lanes > 1);
    let weighed = candidates.iter().filter_map(|candidate| {
        let estimate = candidate.nanoseconds.as_ref().ok()?;
        let factor = if shared && candidate.lanes == 1 { SHARED } else { 1.0 };
        Some((candidate.engine, estimate * factor))
    });
    let best = weighed.min_by(|(_, a), (_, b)| a.total_cmp(b));
    best.map_or(EngineKind::Tile, |(engine, _)| engine)
}
