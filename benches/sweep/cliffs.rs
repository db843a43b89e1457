//! Where a step grows markedly slower than its work grows.

use std::fmt;

use super::Point;

/// What a step may take beyond what its FLOPs grow by, from one width or batch to the next.
pub(crate) const GROWTH: f64 = 1.15;
/// What a step on more threads may take beyond the step on one.
pub(crate) const THREADS: f64 = 1.10;
/// Only neighbours this close in width are compared: beyond, a network is another one.
const NEIGHBOURS: usize = 1;

/// A pair of points of which the second is slower than it should be.
pub(crate) struct Cliff<'a> {
    pub(crate) kind: Kind,
    pub(crate) from: &'a Point,
    pub(crate) to: &'a Point,
    /// The time's growth by the work's.
    pub(crate) factor: f64,
}

/// What differs between the two points of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Width,
    Batch,
    Threads,
}

impl fmt::Display for Cliff<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, from, to, factor } = self;
        let step = match kind {
            Kind::Width => format!("width {} -> {}", from.width, to.width),
            Kind::Batch => format!("batch {} -> {}", from.rows, to.rows),
            Kind::Threads => format!("threads {} -> {}", from.threads, to.threads),
        };
        let engine = if from.engine == to.engine {
            from.engine.to_string()
        } else {
            format!("{} -> {}", from.engine, to.engine)
        };
        write!(
            f,
            "{factor:5.2} x  {step:<18} {:<22} width {:>3}  batch {:>5}  threads {}  {:>9.2} -> {:>9.2} µs  {engine}",
            from.network.name,
            from.width,
            from.rows,
            from.threads,
            from.seconds * 1e6,
            to.seconds * 1e6,
        )
    }
}

/// The pairs of neighbours in `points` that are slower than they should be, the worst of each kind first.
pub(crate) fn cliffs(points: &[Point]) -> Vec<Cliff<'_>> {
    let mut found: Vec<Cliff<'_>> =
        points.iter().flat_map(|from| points.iter().filter_map(move |to| cliff(from, to, points))).collect();
    found.sort_by(|a, b| (a.kind as u8).cmp(&(b.kind as u8)).then(b.factor.total_cmp(&a.factor)));
    found
}

/// The cliff from one point to another, if they are neighbours and it is one.
fn cliff<'a>(from: &'a Point, to: &'a Point, points: &[Point]) -> Option<Cliff<'a>> {
    let same = |a: &Point, b: &Point| {
        (a.network.name == b.network.name, a.width == b.width, a.rows == b.rows, a.threads == b.threads)
    };
    let kind = match same(from, to) {
        (true, false, true, true) if (1..=NEIGHBOURS).contains(&to.width.saturating_sub(from.width)) => Kind::Width,
        (true, true, false, true) if from.rows < to.rows => Kind::Batch,
        (true, true, true, false) if from.threads < to.threads => Kind::Threads,
        _ => return None,
    };
    let between = |other: &Point| {
        same(other, from) == (true, true, false, true) && (from.rows + 1..to.rows).contains(&other.rows)
    };
    if kind == Kind::Batch && points.iter().any(between) {
        return None;
    }
    let factor = to.seconds / from.seconds / (to.flops() / from.flops());
    let limit = if kind == Kind::Threads { THREADS } else { GROWTH };
    (factor > limit).then_some(Cliff { kind, from, to, factor })
}
