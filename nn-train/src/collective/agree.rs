//! How ranks come to the same decisions: none goes on alone, and none waits for one that has given up.

use std::fmt::Display;

use super::{Collective, Numbers};
use crate::error::Error;

/// The longest message of a rank's that the others are told, in bytes.
const MESSAGE: usize = 1 << 12;

/// All ranks go on, each with its own value, or none does: where any of them has an error, each gets
/// [`Error::Rank`] with the lowest such rank and its message.
///
/// What a rank does by itself before a run, such as reading its data, is to be said here. The others would otherwise wait for a
/// rank that has left.
///
/// ```
/// use nn_train::collective::{self, Single};
/// use nn_train::prelude::*;
///
/// let data = collective::agree(&Single, DynDataset::new(vec![0.0_f32, f32::NAN], 1, vec![0.0, 1.0], 1));
/// assert_eq!(data.unwrap_err().to_string(), "rank 0: inputs, row 1, column 0 is NaN; expected a finite number");
/// # Ok::<(), Error>(())
/// ```
///
/// # Errors
/// [`Error::Rank`]; [`Error::Collective`] where not all ranks came.
pub fn agree<V, E: Display>(collective: &dyn Collective, own: Result<V, E>) -> Result<V, Error> {
    let group = Group::of(collective);
    let [failed] = group.sum([f64::from(own.is_err())])?;
    match own {
        Ok(value) if failed == 0.0 => Ok(value),
        own => Err(group.failure(own.err().as_ref())?),
    }
}

/// The bytes that `make` returns on rank 0, on every rank; the others do not call it. For what only one process reads: a
/// checkpoint, settings, a preprocessing that has been fitted to a table.
///
/// ```
/// use nn_train::collective::{self, Single};
///
/// let bytes = collective::from_first(&Single, || std::fs::read("Cargo.toml").map_err(nn_train::Error::source))?;
/// assert!(bytes.starts_with(b"[package]"));
/// # Ok::<(), nn_train::Error>(())
/// ```
///
/// # Errors
/// As [`agree`]: the error of rank 0, on every rank.
pub fn from_first(
    collective: &dyn Collective,
    make: impl FnOnce() -> Result<Vec<u8>, Error>,
) -> Result<Vec<u8>, Error> {
    let group = Group::of(collective);
    let mut bytes = group.agree(if collective.rank() == 0 { make() } else { Ok(Vec::new()) })?;
    let [length] = group.sum([bytes.len() as f64])?;
    let length = length as usize;
    crate::memory::reserve(&mut bytes, length as u64)?;
    bytes.resize(length, 0);
    collective.broadcast(&mut bytes, 0)?;
    Ok(bytes)
}

/// The ranks, or a process that is alone: then nothing goes round.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Group<'c> {
    ranks: Option<&'c dyn Collective>,
}

/// What a rank says beside its numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ballot {
    /// It cannot go on.
    pub(crate) fails: bool,
    /// A callback of its wants the run to stop.
    pub(crate) stops: bool,
}

impl Ballot {
    /// As numbers to be summed.
    pub(crate) fn numbers(self) -> [f64; 2] {
        [self.fails, self.stops].map(f64::from)
    }

    /// What the sum of all ballots comes to.
    pub(crate) fn of_sum([fails, stops]: [f64; 2]) -> Self {
        Self { fails: fails != 0.0, stops: stops != 0.0 }
    }
}

impl<'c> Group<'c> {
    pub(crate) fn of(collective: &'c dyn Collective) -> Self {
        Self { ranks: (collective.size() > 1).then_some(collective) }
    }

    /// One process.
    pub(crate) fn alone() -> Self {
        Self { ranks: None }
    }

    /// The ranks, where there are several.
    pub(crate) fn ranks(self) -> Option<&'c dyn Collective> {
        self.ranks
    }

    pub(crate) fn rank(self) -> usize {
        self.ranks.map_or(0, Collective::rank)
    }

    pub(crate) fn size(self) -> usize {
        self.ranks.map_or(1, Collective::size)
    }

    /// Sums over the ranks.
    pub(crate) fn sum<const K: usize>(self, own: [f64; K]) -> Result<[f64; K], Error> {
        let Some(ranks) = self.ranks else { return Ok(own) };
        let mut sum = [0.0; K];
        ranks.all_reduce(Numbers::F64 { own: &own, sum: &mut sum })?;
        Ok(sum)
    }

    /// What each rank has, in the order of ranks. Numbers must be finite, or of other ranks nothing is learnt.
    pub(crate) fn gather<const K: usize>(self, own: [f64; K]) -> Result<Vec<[f64; K]>, Error> {
        let Some(ranks) = self.ranks else { return Ok(vec![own]) };
        let mut all = vec![[0.0; K]; ranks.size()];
        all[ranks.rank()] = own;
        let mut sum = vec![[0.0; K]; ranks.size()];
        ranks.all_reduce(Numbers::F64 { own: all.as_flattened(), sum: sum.as_flattened_mut() })?;
        Ok(sum)
    }

    /// All ranks have a value, or none has: see [`agree`].
    pub(crate) fn agree<V>(self, own: Result<V, Error>) -> Result<V, Error> {
        if self.ranks.is_none() {
            return own;
        }
        let decided = self.decide(own.as_ref().map(|_| false).map_err(Clone::clone));
        decided.and(own)
    }

    /// The error of every rank, once it is known that one has failed: that of the lowest one. `own` is this rank's, if it has.
    pub(crate) fn failure<E: Display + ?Sized>(self, own: Option<&E>) -> Result<Error, Error> {
        let mut message = own.map(ToString::to_string).unwrap_or_default();
        if message.len() > MESSAGE {
            message.truncate(message.floor_char_boundary(MESSAGE));
        }
        let all = self.gather([f64::from(own.is_some()), message.len() as f64])?;
        let Some(rank) = all.iter().position(|[failed, _]| *failed != 0.0) else {
            let reason = "it was said that a rank had failed, and none says so".to_owned();
            return Ok(Error::Rank { rank: self.rank(), reason });
        };
        let mut bytes = message.into_bytes();
        bytes.resize(all[rank][1] as usize, 0);
        if let Some(ranks) = self.ranks {
            ranks.broadcast(&mut bytes, rank)?;
        }
        Ok(Error::Rank { rank, reason: String::from_utf8_lossy(&bytes).into_owned() })
    }

    /// Decides together on the result of something that each rank has done: an error if any has one, else whether one stops.
    pub(crate) fn decide(self, own: Result<bool, Error>) -> Result<bool, Error> {
        if self.ranks.is_none() {
            return own;
        }
        let ballot = Ballot { fails: own.is_err(), stops: *own.as_ref().unwrap_or(&false) };
        let all = Ballot::of_sum(self.sum(ballot.numbers())?);
        if all.fails { Err(self.failure(own.err().as_ref())?) } else { Ok(all.stops) }
    }

    /// Each of these texts is the same on all ranks: else an error that names the rank, the thing, and what rank 0 has.
    pub(crate) fn same(self, own: &[(&'static str, String)]) -> Result<(), Error> {
        let Some(ranks) = self.ranks else { return Ok(()) };
        let mut first: Vec<u8> =
            own.iter().map(|(_, text)| text.replace('\0', " ") + "\0").collect::<String>().into_bytes();
        let [length] = self.sum([if ranks.rank() == 0 { first.len() as f64 } else { 0.0 }])?;
        first.resize(length as usize, 0);
        ranks.broadcast(&mut first, 0)?;
        let first = String::from_utf8_lossy(&first);
        let texts: Vec<&str> = first.split_terminator('\0').collect();
        let differs = own.iter().zip(&texts).find(|((_, own), first)| own != *first);
        let another = match differs {
            Some(((what, own), first)) => Some(format!("{what} is `{own}`; expected `{first}`, as on rank 0")),
            None => (texts.len() != own.len())
                .then(|| format!("it says {} things; expected {}, as rank 0 does", own.len(), texts.len())),
        };
        let [differ] = self.sum([f64::from(another.is_some())])?;
        if differ == 0.0 { Ok(()) } else { Err(self.failure(another.as_deref())?) }
    }
}
