//! How ranks come to the same decisions: none goes on alone, and none waits for one that has given up.
//!
//! What they say to each other beside gradients is a message of always the same length, with two numbers that say what it is about:
//! ranks that are in different places, as their programs differ, see so and end.

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
    let text = own.as_ref().err().map(ToString::to_string);
    let [failed] = group.sum("collective::agree", [f64::from(own.is_err())])?;
    match own {
        Ok(value) if failed == 0.0 => Ok(value),
        _ => Err(match group.failed(text.as_deref())? {
            Some(error) => error,
            None => Error::Rank { rank: 0, reason: text.unwrap_or_default() },
        }),
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
    let place = "collective::from_first";
    let mut bytes = group.agree(place, if collective.rank() == 0 { make() } else { Ok(Vec::new()) })?;
    let [length] = group.sum(place, [bytes.len() as f64])?;
    let length = length as usize;
    group.agree(place, crate::memory::reserve(&mut bytes, length as u64))?;
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
    /// It could not read the rows of this step, which is no matter where the run stops before.
    pub(crate) lacks: bool,
}

impl Ballot {
    /// As numbers to be summed.
    pub(crate) fn numbers(self) -> [f64; 3] {
        [self.fails, self.stops, self.lacks].map(f64::from)
    }

    /// What the sum of all ballots comes to.
    pub(crate) fn of_sum(sums: [f64; 3]) -> Self {
        let [fails, stops, lacks] = sums.map(|sum| sum != 0.0);
        Self { fails, stops, lacks }
    }
}

/// Bits of a mark. The sums of marks and of their squares are exact for up to 2¹³ ranks.
const MARK_BITS: u32 = 20;

/// Two numbers that tell, when they have been summed, whether all ranks have the same `bytes`.
pub(crate) fn mark(bytes: &[u8]) -> [f64; 2] {
    let mark = f64::from(crc32fast::hash(bytes) >> (u32::BITS - MARK_BITS));
    [mark, mark * mark]
}

/// Whether the sums of marks are those of one mark: n Σ h² = (Σ h)².
pub(crate) fn is_same_mark([sum, squares]: [f64; 2], ranks: usize) -> bool {
    let (sum, squares) = (sum as u128, squares as u128);
    ranks as u128 * squares == sum * sum
}

/// Numbers that a [`Group::sum`] has at most, and numbers of each rank that a [`Group::gather`] has.
const NUMBERS: usize = 6;
const GATHERED: usize = 3;

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

    /// Sums over the ranks, of the same thing on all of them: `place` says of what.
    pub(crate) fn sum<const K: usize>(self, place: &'static str, own: [f64; K]) -> Result<[f64; K], Error> {
        const { assert!(K <= NUMBERS) };
        self.meet(
            "sum",
            place,
            |all| all[..K].copy_from_slice(&own),
            |sums| {
                let mut sum = [0.0; K];
                sum.copy_from_slice(&sums[..K]);
                sum
            },
        )
        .map(|sum| sum.unwrap_or(own))
    }

    /// What each rank has, in the order of ranks. Numbers must be finite, or of other ranks nothing is learnt.
    pub(crate) fn gather<const K: usize>(self, place: &'static str, own: [f64; K]) -> Result<Vec<[f64; K]>, Error> {
        const { assert!(K <= GATHERED) };
        let first = NUMBERS + GATHERED * self.rank();
        let fetch = |sums: &[f64]| {
            let ranks = sums[NUMBERS..].as_chunks::<GATHERED>().0;
            ranks.iter().map(|rank| std::array::from_fn(|number| rank[number])).collect()
        };
        let all = self.meet("gather", place, |all| all[first..first + K].copy_from_slice(&own), fetch)?;
        Ok(all.unwrap_or_else(|| vec![own]))
    }

    /// Sums one message over the ranks, which `write` writes and `read` reads; nothing where the process is alone. Whatever it is
    /// about, it is as long.
    fn meet<V>(
        self,
        kind: &str,
        place: &str,
        write: impl FnOnce(&mut [f64]),
        read: impl FnOnce(&[f64]) -> V,
    ) -> Result<Option<V>, Error> {
        let Some(ranks) = self.ranks else { return Ok(None) };
        let count = NUMBERS + GATHERED * ranks.size();
        let (mut all, mut sums) = (vec![0.0; count + 2], vec![0.0; count + 2]);
        write(&mut all[..count]);
        all[count..].copy_from_slice(&mark(format!("{kind} {place}").as_bytes()));
        ranks.all_reduce(Numbers::F64 { own: &all, sum: &mut sums })?;
        if !is_same_mark([sums[count], sums[count + 1]], ranks.size()) {
            let reason =
                format!("it has come to `{place}`, and other ranks to something else; expected that all do the same");
            return Err(Error::Rank { rank: ranks.rank(), reason });
        }
        Ok(Some(read(&sums[..count])))
    }

    /// All ranks have the same digest of what they have, or an error names the lowest that differs from rank 0.
    pub(crate) fn same_digest(
        self,
        place: &'static str,
        own: u32,
        differs: impl FnOnce() -> String,
    ) -> Result<(), Error> {
        let all = self.gather(place, [f64::from(own)])?;
        match all.iter().position(|digest| *digest != all[0]) {
            None => Ok(()),
            Some(rank) => Err(Error::Rank { rank, reason: differs() }),
        }
    }

    /// All ranks have a value, or none has: see [`agree`].
    pub(crate) fn agree<V>(self, place: &'static str, own: Result<V, Error>) -> Result<V, Error> {
        if self.ranks.is_none() {
            return own;
        }
        let decided = self.decide(place, own.as_ref().map(|_| false).map_err(Clone::clone));
        decided.and(own)
    }

    /// The error of every rank, once it is known that one has failed: that of the lowest one, or the own one, `own`, where all
    /// have the same.
    pub(crate) fn failure(self, own: Option<Error>) -> Result<Error, Error> {
        let text = own.as_ref().map(ToString::to_string);
        let told = self.failed(text.as_deref())?;
        let nobody = || Error::Rank {
            rank: self.rank(),
            reason: "it was said that a rank had failed, and none says so".to_owned(),
        };
        Ok(told.or(own).unwrap_or_else(nobody))
    }

    /// The error of the lowest rank that has failed; none where all have with the same message.
    fn failed(self, own: Option<&str>) -> Result<Option<Error>, Error> {
        let message = own.map_or("", |text| &text[..text.floor_char_boundary(MESSAGE)]);
        let [mark, _] = mark(message.as_bytes());
        let all = self.gather("the error of a rank", [f64::from(own.is_some()), message.len() as f64, mark])?;
        let Some(rank) = all.iter().position(|[failed, ..]| *failed != 0.0) else { return Ok(None) };
        if all.iter().all(|one| *one == all[0]) {
            return Ok(None);
        }
        let mut bytes = message.as_bytes().to_vec();
        bytes.resize(all[rank][1] as usize, 0);
        if let Some(ranks) = self.ranks {
            ranks.broadcast(&mut bytes, rank)?;
        }
        Ok(Some(Error::Rank { rank, reason: String::from_utf8_lossy(&bytes).into_owned() }))
    }

    /// Decides together on the result of something that each rank has done: an error if any has one, else whether one stops.
    pub(crate) fn decide(self, place: &'static str, own: Result<bool, Error>) -> Result<bool, Error> {
        if self.ranks.is_none() {
            return own;
        }
        let ballot = Ballot { fails: own.is_err(), stops: *own.as_ref().unwrap_or(&false), lacks: false };
        let decide = |all: &mut [f64]| all[..3].copy_from_slice(&ballot.numbers());
        let sums = self.meet("decide", place, decide, |sums| [sums[0], sums[1], sums[2]])?;
        let all = Ballot::of_sum(sums.unwrap_or_default());
        if all.fails { Err(self.failure(own.err())?) } else { Ok(all.stops) }
    }

    /// Each of these texts is the same on all ranks: else an error that names the rank, the thing, and what rank 0 has.
    pub(crate) fn same(self, place: &'static str, own: &[(&'static str, String)]) -> Result<(), Error> {
        let Some(ranks) = self.ranks else { return Ok(()) };
        let mut first: Vec<u8> =
            own.iter().map(|(_, text)| text.replace('\0', " ") + "\0").collect::<String>().into_bytes();
        let [length] = self.sum(place, [if ranks.rank() == 0 { first.len() as f64 } else { 0.0 }])?;
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
        let [differ] = self.sum(place, [f64::from(another.is_some())])?;
        match another {
            _ if differ == 0.0 => Ok(()),
            another => {
                Err(self.failed(another.as_deref())?.unwrap_or(Error::Rank { rank: 0, reason: place.to_owned() }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_tell_what_is_not_the_same() {
        for ranks in [2_usize, 3, 1024] {
            let [one, other] = [mark(b"the start of a run"), mark(b"the end of an epoch")];
            let sum = |marks: [[f64; 2]; 2], others: f64| [0, 1].map(|k| marks[0][k] * others + marks[1][k]);
            assert!(is_same_mark(sum([one, one], ranks as f64 - 1.0), ranks));
            assert!(!is_same_mark(sum([one, other], ranks as f64 - 1.0), ranks));
        }
    }
}
