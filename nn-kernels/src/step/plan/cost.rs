//! What a step is estimated to take, from the shapes: counted [`work`](super::work) at its [`costs`](super::costs).
//!
//! No workload has an entry here, and what follows from the counts is continuous but for padding and the size of the
//! caches.

use super::costs::{Costs, LAYERED, NARROW, TILE};
use super::work::Problem;
use super::{Candidate, EngineKind, Share};
use crate::{Architecture, Element, InstructionSet};

/// An engine with its estimate for a step on `rows` samples.
pub(super) fn candidate<T: Element>(
    engine: EngineKind,
    architecture: &Architecture,
    set: InstructionSet,
    rows: usize,
) -> Candidate {
    if let Err(reason) = T::suits(engine, architecture) {
        return Candidate { engine, nanoseconds: Err(reason), shares: Vec::new() };
    }
    let (lanes, size) = (T::lanes(set), size_of::<T>());
    let shard_rows = T::rule(engine, architecture, set).split(rows).rows;
    let problem = Problem { layers: architecture.layers(), rows, shard_rows, lanes, size };
    let Costs { narrow, tile, layered } = Costs::of(set);
    let shares = match engine {
        EngineKind::Narrow => shares(&NARROW, &problem.narrow(), narrow),
        EngineKind::Tile => shares(&TILE, &problem.tile(), tile),
        EngineKind::Layered => shares(&LAYERED, &problem.layered(), layered),
    };
    Candidate { engine, nanoseconds: Ok(shares.iter().map(Share::nanoseconds).sum()), shares }
}

fn shares(kinds: &[&'static str], counts: &[f64], costs: &[f64]) -> Vec<Share> {
    kinds.iter().zip(counts).zip(costs).map(|((&work, &count), &each)| Share { work, count, each }).collect()
}
