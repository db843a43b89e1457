//! The batches of an epoch, from memory or from elsewhere: of one process, or this rank's share of them.

use std::ops::Range;

use nn_kernels::{Architecture, Batch, Element};

use super::block_order::{BlockOrder, Blocks};
pub(super) use super::division::{Ranks, Shards};
use super::division::{Wanted, counted, cuts_at, cuts_into, part_window, wanted};
use super::order::{Order, part_seed};
use super::parts::Parts;
use super::share::Share;
use super::state::Batches;
use crate::data::{Access, DynDataset, Rows, Source};
use crate::error::Error;
use crate::memory::reserve;

/// The batches of an epoch.
pub(super) struct Feed<'a, T: Element> {
    rows: Kind<'a, T>,
    batches: Batches,
    /// The seed of the orders, where there are any.
    seed: Option<u64>,
    ranks: Ranks,
    /// Whether rows may have weights, on any rank.
    weighted: bool,
    division: Division,
    /// Into what the rows are divided, unless a state says otherwise of the epoch that it is from the midst of.
    wanted: Wanted,
    adopted: Adopted,
    /// This rank's rows of the step, where they are not a slice of the epoch's order.
    order: Vec<u64>,
    /// Which of them, or of the epoch's order, the last step's are; empty before the first one.
    own: Range<usize>,
    /// The last step, if one was taken since the run began or was resumed.
    last: Option<Taken>,
}

enum Kind<'a, T: Element> {
    /// All samples are in memory.
    Resident { source: &'a dyn Source<Scalar = T>, data: &'a DynDataset<T>, all: Batch<'a, T> },
    /// Each step's are read.
    Read { source: &'a dyn Source<Scalar = T>, rows: Rows<T>, architecture: Architecture },
}

impl<'a, T: Element> Kind<'a, T> {
    fn source(&self) -> &'a dyn Source<Scalar = T> {
        match self {
            Self::Resident { source, .. } | Self::Read { source, .. } => *source,
        }
    }
}

/// Whose the rows are.
enum Division {
    /// Every rank has all of them in the same order, and takes a slice of each step's.
    Whole(Order),
    /// Each rank has some parts, with an order for each of its own.
    Parts(Parts, Vec<Order>),
}

/// Whether the rows are divided as a state says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Adopted {
    No,
    /// In the epoch that begins next.
    Next,
    /// In this one.
    Now,
}

/// What is known of a step beside its rows.
#[derive(Debug, Clone, Copy)]
struct Taken {
    first: u64,
    rows: u64,
    weight: f64,
    total: Option<f64>,
    leader: usize,
}

/// Checks what a source says of itself, and the targets of one that is in memory.
pub(super) fn check_source<T: Element>(
    source: &dyn Source<Scalar = T>,
    architecture: &Architecture,
) -> Result<(), Error> {
    check_widths(source, architecture)?;
    source.resident().map_or(Ok(()), |data| data.check_targets(architecture))
}

/// The part of [`check_source`] that reads nothing.
pub(super) fn check_widths<T: Element>(
    source: &dyn Source<Scalar = T>,
    architecture: &Architecture,
) -> Result<(), Error> {
    if source.len() == 0 {
        return Err(Error::Empty { what: "source" });
    }
    let widths = [
        ("inputs", architecture.inputs(), source.input_width()),
        ("targets", architecture.outputs(), source.target_width()),
    ];
    match widths.into_iter().find(|(_, expected, found)| expected != found) {
        Some((what, expected, found)) => Err(Error::Width { what, expected, found }),
        None => Ok(()),
    }
}

impl<'a, T: Element> Feed<'a, T> {
    /// The steps of `batch_size` rows over all ranks. `parts` is into how many parts the rows are to be divided: unless said,
    /// rows that come in blocks are divided into as many as there are ranks, and others are not.
    pub(super) fn new(
        source: &'a dyn Source<Scalar = T>,
        architecture: &Architecture,
        batch_size: usize,
        shuffle: bool,
        seed: u64,
        mut ranks: Ranks,
        parts: Option<u64>,
    ) -> Result<Self, Error> {
        if ranks.size == 1 {
            // Its shard is all that there is.
            ranks.shards = None;
        }
        let empty = ranks.shards.as_ref().and_then(|shards| shards.lengths.iter().position(|&length| length == 0));
        if let Some(rank) = empty {
            return Err(Error::Rank { rank, reason: Error::Empty { what: "the shard" }.to_string() });
        }
        check_widths(source, architecture)?;
        let access = source.access();
        let wanted = wanted(access, &ranks, parts)?;
        // Of a file whose blocks are other ranks' not all may be read.
        let all_own = ranks.size == 1 || ranks.shards.is_some() || !matches!(access, Access::Blocks { .. });
        let rows = match source.resident().filter(|_| all_own) {
            Some(data) => {
                data.check_targets(architecture)?;
                Kind::Resident { source, data, all: data.samples().batch(architecture)? }
            }
            None => {
                let rows = Rows::of(source)?.checked_for(architecture);
                Kind::Read { source, rows, architecture: architecture.clone() }
            }
        };
        let (samples, weighted) = match &ranks.shards {
            Some(Shards { lengths, weighted }) => {
                let samples = lengths.iter().try_fold(0_u64, |sum, &length| sum.checked_add(length));
                let expected = "a number that 64 bits hold, of all ranks together";
                let samples = samples.ok_or_else(|| Error::argument("Source::len", source.len(), expected))?;
                (samples, *weighted)
            }
            None => (source.len(), source.weighted()),
        };
        // What each rank has may be of another kind, and a state is the same on all of them.
        let shuffled = shuffle && (ranks.shards.is_some() || access != Access::Stream);
        let batches = Batches {
            samples,
            batch_size: (batch_size as u64).min(samples),
            shuffled,
            blocks: None,
            parts: Vec::new(),
            files: Vec::new(),
        };
        let mut feed = Self {
            rows,
            batches,
            seed: (shuffle && access != Access::Stream).then_some(seed),
            ranks,
            weighted,
            division: Division::Whole(Order::Standing(0)),
            wanted: wanted.clone(),
            adopted: Adopted::No,
            order: Vec::new(),
            own: 0..0,
            last: None,
        };
        feed.divide(wanted)?;
        Ok(feed)
    }

    /// Divides the rows anew.
    fn divide(&mut self, wanted: Wanted) -> Result<(), Error> {
        let Self { seed, ref ranks, .. } = *self;
        let source = self.rows.source();
        let shards = ranks.shards.is_some();
        let layout = match source.access() {
            Access::Blocks { rows, window } => {
                for (name, number) in [("Access::Blocks::rows", rows), ("Access::Blocks::window", window)] {
                    if number == 0 {
                        return Err(Error::setting(name, number, "at least 1"));
                    }
                }
                let files = source.files();
                let files = if files.is_empty() { vec![source.len()] } else { files };
                let blocks = Blocks::new(rows, &files, source.len())?;
                Some((blocks, rows, window, files))
            }
            Access::Random | Access::Stream => None,
        };
        let order = |part: u64, parts: u64, rows: Range<u64>, blocks: Range<u64>| -> Result<Order, Error> {
            let seed = seed.map(|seed| part_seed(seed, part));
            Ok(match &layout {
                Some((layout, _, window, _)) => {
                    let window = part_window(*window, layout.count(), parts);
                    Order::Blocks(BlockOrder::new(layout.clone(), blocks, window, seed)?)
                }
                None => Order::of(rows, seed),
            })
        };
        let all_blocks = layout.as_ref().map_or(0, |(layout, ..)| layout.count());
        let (division, parts, lengths) = match wanted {
            Wanted::Whole => (Division::Whole(order(0, 1, 0..source.len(), 0..all_blocks)?), 1, Vec::new()),
            Wanted::Lengths(lengths) if shards => {
                let own = order(ranks.rank as u64, 1, 0..source.len(), 0..all_blocks)?;
                let parts = Parts::new(lengths.clone(), self.batches.batch_size, ranks.rank, ranks.size);
                (Division::Parts(parts, vec![own]), 1, lengths)
            }
            wanted => {
                let blocks = layout.as_ref().map(|(layout, ..)| layout);
                let cuts = match wanted {
                    Wanted::Lengths(lengths) => cuts_at(&lengths, source.len(), blocks)?,
                    Wanted::Count(parts) => cuts_into(parts, source.len(), blocks)?,
                    Wanted::Whole => Vec::new(),
                };
                let start = |cut: u64| blocks.map_or(cut, |blocks| blocks.start(cut));
                let lengths: Vec<u64> = cuts.windows(2).map(|part| start(part[1]) - start(part[0])).collect();
                let count = lengths.len() as u64;
                let parts = Parts::new(lengths.clone(), self.batches.batch_size, ranks.rank, ranks.size);
                let own = parts.own().map(|part| {
                    let places = cuts[part]..cuts[part + 1];
                    order(part as u64, count, start(places.start)..start(places.end), places)
                });
                let own = own.collect::<Result<_, _>>()?;
                (Division::Parts(parts, own), count, lengths)
            }
        };
        self.division = division;
        self.batches.parts = lengths;
        let told = layout.filter(|_| !shards && self.batches.shuffled);
        self.batches.blocks =
            told.as_ref().map(|(blocks, rows, window, _)| (*rows, part_window(*window, blocks.count(), parts)));
        self.batches.files = told.map_or(Vec::new(), |(.., files)| if files.len() > 1 { files } else { Vec::new() });
        (self.own, self.last) = (0..0, None);
        Ok(())
    }

    /// How an epoch is divided.
    pub(super) fn batches(&self) -> &Batches {
        &self.batches
    }

    /// Whether each rank knows by itself what the rows of a step weigh. All of them do, or none.
    pub(super) fn knows_totals(&self) -> bool {
        let whole = matches!((&self.rows, &self.division), (Kind::Resident { .. }, Division::Whole(_)));
        self.ranks.size == 1 || !self.weighted || whole
    }

    /// Goes on in the midst of an epoch that was divided as a state says: into the same parts, whatever the trainer or the
    /// number of ranks would make of it. The epochs after it are divided as these would.
    pub(super) fn adopt(&mut self, found: &Batches) -> Result<(), Error> {
        let kept = self.batches.clone();
        if found.parts != kept.parts && self.ranks.shards.is_none() {
            // What else differs goes first: parts that do not fit may be due to it.
            self.batches.check_undivided(found)?;
            let ranks = self.ranks.size;
            let most = found.parts.len().max(1);
            let whole = found.parts.len() < 2;
            let divisible = whole && !matches!(self.rows.source().access(), Access::Blocks { .. });
            if ranks > most && !divisible {
                return Err(Error::Division {
                    found: format!("an epoch that began with its rows in {}", counted(most as u64, "part")),
                    pieces: format!("among {ranks} ranks"),
                    expected: "no more ranks than parts, since the state is from the midst of the epoch; from a state of an \
                               epoch's end any number of ranks goes on",
                });
            }
            self.divide(if whole { Wanted::Whole } else { Wanted::Lengths(found.parts.clone()) })?;
            self.adopted = Adopted::Next;
        }
        self.batches.check(found)
    }

    /// Draws orders under another seed.
    pub(super) fn reseed(&mut self, seed: u64) {
        self.seed = self.seed.map(|_| seed);
        match &mut self.division {
            Division::Whole(order) => order.reseed(seed),
            Division::Parts(parts, orders) => {
                for (part, order) in parts.own().zip(orders) {
                    order.reseed(part_seed(seed, part as u64));
                }
            }
        }
    }

    /// Draws the order of an epoch, from 1. It depends on the seed and the epoch's number alone.
    pub(super) fn begin(&mut self, epoch: usize) -> Result<(), Error> {
        self.adopted = match self.adopted {
            Adopted::Next => Adopted::Now,
            Adopted::Now => {
                self.divide(self.wanted.clone())?;
                Adopted::No
            }
            Adopted::No => Adopted::No,
        };
        match &mut self.division {
            Division::Whole(order) => order.begin(epoch),
            Division::Parts(_, orders) => orders.iter_mut().try_for_each(|order| order.begin(epoch)),
        }
    }

    /// Goes to step `step` of the epoch, from 0: a stream has its rows in one order only, and is read up to there.
    pub(super) fn skip(&mut self, step: u64) -> Result<(), Error> {
        let streams = self.rows.source().access() == Access::Stream;
        if streams && step < self.batches.steps() {
            for passed in 0..step {
                self.batch(passed)?;
            }
            (self.own, self.last) = (0..0, None);
        }
        Ok(())
    }

    /// This rank's share of step `step`, from 0.
    pub(super) fn batch(&mut self, step: u64) -> Result<Share<'_, T>, Error> {
        let begin = step * self.batches.batch_size;
        let rows = self.batches.batch_size.min(self.batches.samples - begin);
        // One process and rows in memory: a step may take less than a microsecond.
        if self.ranks.size == 1
            && matches!((&self.division, &self.rows), (Division::Whole(Order::Shuffled { .. }), Kind::Resident { .. }))
        {
            self.own = begin as usize..(begin + rows) as usize;
            return self.slice();
        }
        let source = self.rows.source();
        self.last = None;
        let (first, leader) = match &mut self.division {
            Division::Whole(order) => {
                let own = self.ranks.of(rows);
                let places = begin + own.start..begin + own.end;
                if matches!(order, Order::Shuffled { .. }) {
                    self.own = places.start as usize..places.end as usize;
                } else {
                    self.order.clear();
                    reserve(&mut self.order, own.end - own.start)?;
                    order.extend(places, source, &mut self.order);
                    self.own = 0..self.order.len();
                }
                (own.start, self.ranks.leader(rows))
            }
            Division::Parts(parts, orders) => {
                parts.go_to(step);
                self.order.clear();
                let own = parts.own();
                let most: u64 = parts.lengths()[own.clone()].iter().sum();
                reserve(&mut self.order, most.min(rows))?;
                for (part, order) in own.zip(orders) {
                    order.extend(parts.places(part), source, &mut self.order);
                }
                self.own = 0..self.order.len();
                (parts.first(), parts.leader())
            }
        };
        if let Kind::Read { rows, .. } = &mut self.rows
            && !self.own.is_empty()
        {
            rows.fill(source, chosen(&self.division, &self.order, &self.own))?;
            match &mut self.division {
                Division::Whole(order) => order.tell(source),
                Division::Parts(_, orders) => orders.iter_mut().for_each(|order| order.tell(source)),
            }
        }
        let own = chosen(&self.division, &self.order, &self.own);
        let (weights, resident) = match &self.rows {
            Kind::Resident { data, .. } => (data.weights(), true),
            Kind::Read { rows, .. } => (rows.weights().filter(|_| !own.is_empty()), false),
        };
        let weight = match weights {
            None => own.len() as f64,
            Some(weights) if resident => weigh(weights, own.iter().copied()),
            Some(weights) => weights.iter().map(|weight| weight.to_f64()).sum(),
        };
        let total = match (weights, &self.division) {
            _ if self.ranks.size == 1 => Some(weight),
            (Some(_), _) if !self.weighted => {
                let expected = "true of a source whose rows have weights, where there are several ranks";
                return Err(Error::argument("Source::weighted", false, expected));
            }
            _ if !self.weighted => Some(rows as f64),
            (None, Division::Whole(_)) if resident => Some(rows as f64),
            // Each rank has all weights, and sums them in the same order.
            (Some(weights), Division::Whole(order)) if resident => {
                order.at(begin..begin + rows).map(|places| weigh(weights, places))
            }
            _ => None,
        };
        let taken = Taken { first, rows, weight, total, leader };
        self.last = Some(taken);
        self.share(taken)
    }

    /// All of a step, of rows in memory that are shuffled.
    fn slice(&mut self) -> Result<Share<'_, T>, Error> {
        let Self {
            division: Division::Whole(Order::Shuffled { order, .. }),
            rows: Kind::Resident { data, all, .. },
            own,
            last,
            ..
        } = self
        else {
            return Err(Error::Empty { what: "order" });
        };
        let order = &order[own.clone()];
        let weight = data.weights().map_or(order.len() as f64, |weights| weigh(weights, order.iter().copied()));
        let rows = order.len() as u64;
        *last = Some(Taken { first: 0, rows, weight, total: Some(weight), leader: 0 });
        Ok(Share { batch: Some(all.with_order(order)?), first: 0, rows, weight, total: Some(weight), leader: 0 })
    }

    /// The last step was not taken after all.
    pub(super) fn forget_last(&mut self) {
        self.last = None;
    }

    /// The share of the last step, if one was taken since the run began or was resumed.
    pub(super) fn last(&self) -> Result<Option<Share<'_, T>>, Error> {
        self.last.map(|taken| self.share(taken)).transpose()
    }

    fn share(&self, taken: Taken) -> Result<Share<'_, T>, Error> {
        let order = chosen(&self.division, &self.order, &self.own);
        let batch = match &self.rows {
            _ if order.is_empty() => None,
            Kind::Resident { all, .. } => Some(all.with_order(order)?),
            Kind::Read { rows, architecture, .. } => Some(rows.samples().batch(architecture)?),
        };
        let Taken { first, rows, weight, total, leader } = taken;
        Ok(Share { batch, first, rows, weight, total, leader })
    }
}

/// This rank's rows of a step.
fn chosen<'o>(division: &'o Division, order: &'o [u64], own: &Range<usize>) -> &'o [u64] {
    match division {
        Division::Whole(Order::Shuffled { order, .. }) => &order[own.clone()],
        _ => &order[own.clone()],
    }
}

/// What samples at some places weigh together.
fn weigh<T: Element>(weights: &[T], places: impl Iterator<Item = u64>) -> f64 {
    places.map(|place| weights[place as usize].to_f64()).sum()
}

#[cfg(test)]
mod tests;
