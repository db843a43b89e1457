//! What is in a checkpoint, as bytes and from bytes. The format is described in the module above.

use std::io::{self, Write};

use nn_kernels::Element;
use serde::{Deserialize, Serialize};

use super::{BestNumber, CheckpointFault as Fault};
use crate::envelope::{CHECKPOINT, FileFault, Parts};
use crate::error::Error;
use crate::network::Network;
use crate::train::{Batches, RunState, SessionState};

/// What is written behind the number type and the version of the library.
#[derive(Serialize)]
#[serde(bound = "T: Element")]
pub(in crate::train) enum Contents<'a, T> {
    Session(&'a SessionState<T>),
    /// A run's, with the number for which it is kept as the best, if it is.
    Run(&'a RunState<T>, Option<&'a BestNumber>),
}

/// Which of them, as it is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
enum Kind {
    Session,
    Run,
}

impl<T: Element> Contents<'_, T> {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        CHECKPOINT.to_bytes::<T, _>(self)
    }

    /// Writes the file from its first to its last byte.
    pub(super) fn write(&self, writer: &mut dyn Write) -> io::Result<()> {
        CHECKPOINT.write::<T, _>(self, writer)
    }
}

/// The state of a run, and for what number it was kept as the best.
pub(super) fn run<T: Element>(file: &[u8]) -> Result<(RunState<T>, Option<BestNumber>), Fault> {
    let (kind, mut parts) = open::<T>(file)?;
    if kind != Kind::Run {
        return Err(Fault::Kind { expected: "run", found: "session" });
    }
    // In the order in which `RunState` is written.
    let state = RunState {
        session: next_session(&mut parts)?,
        position: parts.next("the position")?,
        batches: next_batches(&mut parts)?,
        history: parts.next("the history")?,
        callbacks: parts.next("the callbacks")?,
    };
    let best = parts.next("the best number")?;
    parts.end()?;
    Ok((state, best))
}

/// The state of a session, or of a run's.
pub(super) fn session<T: Element>(file: &[u8]) -> Result<SessionState<T>, Fault> {
    let (kind, mut parts) = open::<T>(file)?;
    let state = next_session(&mut parts)?;
    if kind == Kind::Session {
        parts.end()?;
    }
    Ok(state)
}

/// The network alone: a [`SessionState`] begins with it.
pub(super) fn network<N: Network>(file: &[u8], place: &str) -> Result<N, Error> {
    let network = open::<N::Scalar>(file).and_then(|(_, mut parts)| parts.network());
    let (architecture, parameters) = network.map_err(|fault| at(place, fault))?;
    N::of_parts(architecture, parameters)
}

/// The error of a fault of the file at `place`.
pub(super) fn at(place: &str, fault: impl Into<Fault>) -> Error {
    Error::Checkpoint { place: place.to_owned(), fault: fault.into() }
}

/// Checks all that does not depend on the kind of state.
fn open<T: Element>(file: &[u8]) -> Result<(Kind, Parts<'_>), FileFault> {
    let mut parts = CHECKPOINT.open(file)?;
    parts.check_number_type::<T>()?;
    let kind = parts.next("the kind")?;
    Ok((kind, parts))
}

fn next_session<T: Element>(parts: &mut Parts<'_>) -> Result<SessionState<T>, FileFault> {
    let state: SessionState<T> = parts.next("the session")?;
    parts.architecture::<T>(&state.architecture, state.parameters.len())?;
    Ok(state)
}

/// [`Batches`] of version 1, before rows were divided into parts.
#[derive(Deserialize)]
struct UndividedBatches {
    samples: u64,
    batch_size: u64,
    shuffled: bool,
    blocks: Option<(u64, u64)>,
}

fn next_batches(parts: &mut Parts<'_>) -> Result<Batches, FileFault> {
    const WHAT: &str = "the batches";
    if parts.version() > 1 {
        return parts.next(WHAT);
    }
    let UndividedBatches { samples, batch_size, shuffled, blocks } = parts.next(WHAT)?;
    Ok(Batches { samples, batch_size, shuffled, blocks, parts: Vec::new(), files: Vec::new() })
}
