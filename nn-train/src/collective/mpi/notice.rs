//! What a rank that leaves says to the others.

use crate::collective::CollectiveFault;

/// Enough for a message, and little enough that MPI sends it without waiting for who is to read it.
const LONGEST: usize = 1000;

/// That a rank has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Notice {
    /// It has come to its end as it should, and the others have not.
    pub(super) ended: bool,
    /// Which rank: who says so, or of whom that one has heard.
    pub(super) rank: usize,
    pub(super) reason: String,
}

impl Notice {
    /// That of a rank that came to its end first.
    pub(super) fn end(rank: usize) -> Self {
        Self { ended: true, rank, reason: "it has come to its end, and others have not".to_owned() }
    }

    /// That of a rank that can sum no more.
    pub(super) fn of(fault: &CollectiveFault, own: usize) -> Self {
        let (rank, reason) = match fault {
            CollectiveFault::Left { rank, reason } => (*rank, reason.clone()),
            other => (own, other.to_string()),
        };
        Self { ended: false, rank, reason }
    }

    pub(super) fn fault(&self) -> CollectiveFault {
        CollectiveFault::Left { rank: self.rank, reason: self.reason.clone() }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![u8::from(self.ended)];
        bytes.extend_from_slice(&(self.rank as u32).to_le_bytes());
        bytes.extend_from_slice(&self.reason.as_bytes()[..self.reason.floor_char_boundary(LONGEST)]);
        bytes
    }

    /// What `from` has sent.
    pub(super) fn from_bytes(bytes: &[u8], from: usize) -> Self {
        let Some((head, reason)) = bytes.split_first_chunk::<5>() else {
            return Self { ended: false, rank: from, reason: String::new() };
        };
        let [ended, rank @ ..] = *head;
        let reason = String::from_utf8_lossy(reason).into_owned();
        Self { ended: ended != 0, rank: u32::from_le_bytes(rank) as usize, reason }
    }
}
