//! What can go wrong between processes.

use thiserror::Error;

/// Why ranks could not sum their numbers.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum CollectiveFault {
    /// A part has another number of sums than of numbers.
    #[error("{sum} sums for {own} numbers; expected as many")]
    Length {
        /// The numbers.
        own: usize,
        /// The sums.
        sum: usize,
    },
    /// Nobody has this rank.
    #[error("rank {root} was asked for its bytes; expected one below {size}, the number of ranks")]
    Root {
        /// The rank.
        root: usize,
        /// The number of ranks.
        size: usize,
    },
    /// A rank has ended while others waited for it.
    #[error("rank {rank} has left: {reason}")]
    Left {
        /// Which one.
        rank: usize,
        /// What it said.
        reason: String,
    },
    /// Ranks did not come within the time allowed.
    #[error("{operation}: the other ranks did not come within {seconds} s")]
    Silence {
        /// What this rank waits in.
        operation: &'static str,
        /// The time allowed.
        seconds: u64,
    },
    /// A rank has asked for two things at once.
    #[error("{operation}: this rank is in another sum already; expected one at a time")]
    Busy {
        /// What was asked for.
        operation: &'static str,
    },
    /// MPI starts once in the life of a process.
    #[error("MPI has been started in this process before; expected once")]
    Started,
    /// The system's MPI cannot be called from threads.
    #[error("the system's MPI allows calls from threads as '{found}'; expected 'Serialized' or 'Multiple'")]
    Threads {
        /// What it allows.
        found: String,
    },
    /// The system's MPI has refused something.
    #[error("{operation}: {reason}")]
    System {
        /// What was asked of it.
        operation: &'static str,
        /// What it said.
        reason: String,
    },
}
