//! Among whom the rows of an epoch are divided, and into what.

use std::ops::Range;

use nn_kernels::Element;

use super::block_order::Blocks;
use super::parts::{cuts, portion, starts};
use super::state::rows_of_parts;
use crate::collective::Group;
use crate::data::{Access, Source};
use crate::error::Error;

/// The ranks among which the rows of a step are divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranks {
    /// This rank.
    pub(super) rank: usize,
    /// How many there are.
    pub(super) size: usize,
    /// What the ranks have told each other, where each has rows of its own; otherwise all have the same source.
    pub(super) shards: Option<Shards>,
}

/// What the ranks have told each other of their [shards](crate::Shard).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shards {
    /// The rows of each rank's.
    pub(super) lengths: Vec<u64>,
    /// Whether rows may have weights: [`Source::weighted`] of any of them.
    pub(super) weighted: bool,
}

impl Shards {
    /// The ranks tell each other of theirs.
    pub(super) fn exchange<T: Element>(source: &dyn Source<Scalar = T>, group: Group<'_>) -> Result<Self, Error> {
        let all = group.gather("the shards of the ranks", [source.len() as f64, f64::from(source.weighted())])?;
        let lengths = all.iter().map(|[rows, _]| *rows as u64).collect();
        Ok(Self { lengths, weighted: all.iter().any(|[_, weighted]| *weighted != 0.0) })
    }
}

impl Ranks {
    /// This rank's of a step's rows that are not in parts.
    pub(super) fn of(&self, rows: u64) -> Range<u64> {
        let Self { rank, size, .. } = *self;
        if size == 1 {
            return 0..rows;
        }
        portion(rank as u64, rows, size as u64)..portion(rank as u64 + 1, rows, size as u64)
    }

    /// The lowest rank that has any of them.
    pub(super) fn leader(&self, rows: u64) -> usize {
        if self.size == 1 { 0 } else { (self.size as u64).div_ceil(rows.max(1)) as usize - 1 }
    }
}

/// Into what the rows are divided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted {
    Whole,
    /// So many parts, as nearly equal as can be.
    Count(u64),
    /// Parts of so many rows.
    Lengths(Vec<u64>),
}

/// Into what the rows of a source are divided when an epoch begins.
pub(super) fn wanted(access: Access, ranks: &Ranks, parts: Option<u64>) -> Result<Wanted, Error> {
    let size = ranks.size as u64;
    let division = |found: String, pieces: String, expected| Err(Error::Division { found, pieces, expected });
    let among = || format!("among {size} ranks");
    if parts == Some(0) {
        return Err(Error::setting("parts", 0, "at least 1"));
    }
    if let Some(Shards { lengths, .. }) = &ranks.shards {
        return match parts.filter(|&parts| parts != size) {
            Some(parts) => {
                let expected =
                    "as many parts as there are ranks, or that the trainer says nothing of parts: each shard is one";
                division(format!("the shards of {size} ranks"), format!("into {}", counted(parts, "part")), expected)
            }
            None => Ok(Wanted::Lengths(lengths.clone())),
        };
    }
    let count = match access {
        Access::Stream if size > 1 => {
            let expected = "a `Shard` on each rank, whose stream is of rows of its own; or a source that is no stream, such as \
                            files of records";
            return division("a stream, of which each rank would read all rows,".to_owned(), among(), expected);
        }
        Access::Stream if parts.is_some_and(|parts| parts > 1) => {
            let pieces = format!("into {} parts", parts.unwrap_or(1));
            return division("a stream".to_owned(), pieces, "1 part, since its rows come in one order only");
        }
        Access::Blocks { .. } => parts.unwrap_or(size),
        Access::Random | Access::Stream => parts.unwrap_or(1),
    };
    match count {
        1 if size == 1 || !matches!(access, Access::Blocks { .. }) => Ok(Wanted::Whole),
        _ if count < size => {
            let expected = "at least one part a rank: set no `parts` in the trainer, or more, or start fewer ranks";
            division(counted(count, "part"), among(), expected)
        }
        _ => Ok(Wanted::Count(count)),
    }
}

/// The borders of so many parts: rows, or blocks where there are any.
pub(super) fn cuts_into(parts: u64, rows: u64, blocks: Option<&Blocks>) -> Result<Vec<u64>, Error> {
    let (count, what) = blocks.map_or((rows, "row"), |blocks| (blocks.count(), "block"));
    if parts > count {
        let found = match blocks {
            Some(blocks) => format!("{} of {}", counted(count, what), counted(blocks.rows(), "row")),
            None => counted(count, what),
        };
        let expected = "at least one of them a part: write smaller blocks, or start fewer ranks, or set fewer `parts`";
        return Err(Error::Division { found, pieces: format!("into {parts} parts"), expected });
    }
    Ok(cuts(count, rows, |place| blocks.map_or(place, |blocks| blocks.start(place)), parts))
}

/// The borders of parts of these lengths, which a state has.
pub(super) fn cuts_at(lengths: &[u64], rows: u64, blocks: Option<&Blocks>) -> Result<Vec<u64>, Error> {
    let total = lengths.iter().try_fold(0_u64, |sum, &length| sum.checked_add(length).filter(|_| length > 0));
    let cuts = match blocks {
        _ if total != Some(rows) => None,
        Some(blocks) => starts(lengths).map(|row| blocks.beginning(row)).collect(),
        None => Some(starts(lengths).collect()),
    };
    cuts.ok_or_else(|| {
        let what = if blocks.is_some() { "whole blocks" } else { "rows" };
        Error::State {
            what: "the parts of the rows",
            expected: format!(
                "{what} that are {rows} rows together, as in this run, since the state is from the midst of an epoch"
            ),
            found: rows_of_parts(lengths),
        }
    })
}

/// The blocks of a window of one of so many parts: together the windows of all have as many as one of undivided rows has, so that
/// they take no more memory.
pub(super) fn part_window(window: u64, blocks: u64, parts: u64) -> u64 {
    // Where all blocks are one window, each part is one.
    if window >= blocks { window } else { (window / parts).max(1) }
}

/// `1 part`, `2 parts`.
pub(super) fn counted(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}
