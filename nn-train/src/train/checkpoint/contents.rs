//! What is in a checkpoint, as bytes and from bytes. The format is described in the module above.

use std::cmp::Ordering;
use std::io::{self, Write};
use std::ops::Range;

use crc32fast::Hasher;
use nn_kernels::{Architecture, Element};
use postcard::ser_flavors::Size;
use serde::{Deserialize, Serialize};

use super::{BACK, BestNumber, CheckpointFault as Fault, FRONT, SIGNATURE, VERSION};
use crate::error::Error;
use crate::network::Network;
use crate::train::{RunState, SessionState};

/// What is written between the front and the checksum, behind the number type and the version of the library.
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
        let mut bytes = Vec::new();
        // A vector takes everything.
        let written = self.write(&mut bytes);
        debug_assert!(written.is_ok(), "{written:?}");
        bytes
    }

    /// Writes the file from its first to its last byte.
    pub(super) fn write(&self, writer: &mut dyn Write) -> io::Result<()> {
        let contents = (T::NAME, env!("CARGO_PKG_VERSION"), self);
        let length = postcard::serialize_with_flavor(&contents, Size::default()).map_err(io::Error::other)?;
        let mut writer = Hashed { writer, hasher: Hasher::new(), failure: None };
        writer.write_all(&SIGNATURE)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        writer.write_all(&((FRONT + length + BACK) as u64).to_le_bytes())?;
        if let Err(error) = postcard::to_io(&contents, &mut writer) {
            return Err(writer.failure.unwrap_or_else(|| io::Error::other(error)));
        }
        let Hashed { writer, hasher, .. } = writer;
        writer.write_all(&hasher.finalize().to_le_bytes())
    }
}

/// Forms the checksum of what is written, and keeps why it could not be, which postcard does not tell.
struct Hashed<'w> {
    writer: &'w mut dyn Write,
    hasher: Hasher,
    failure: Option<io::Error>,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.writer.write_all(bytes) {
            let kind = error.kind();
            self.failure = Some(error);
            return Err(kind.into());
        }
        self.hasher.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        // Whoever gave the writer does.
        Ok(())
    }
}

/// The state of a run, and for what number it was kept as the best.
pub(super) fn run<T: Element>(file: &[u8], place: &str) -> Result<(RunState<T>, Option<BestNumber>), Error> {
    let (kind, mut parts) = Parts::of::<T>(file, place)?;
    if kind != Kind::Run {
        return Err(parts.fault(Fault::Kind { expected: "run", found: "session" }));
    }
    // In the order in which `RunState` is written.
    let state = RunState {
        session: parts.session()?,
        position: parts.next("the position")?,
        batches: parts.next("the batches")?,
        history: parts.next("the history")?,
        callbacks: parts.next("the callbacks")?,
    };
    let best = parts.next("the best number")?;
    parts.end()?;
    Ok((state, best))
}

/// The state of a session, or of a run's.
pub(super) fn session<T: Element>(file: &[u8], place: &str) -> Result<SessionState<T>, Error> {
    let (kind, mut parts) = Parts::of::<T>(file, place)?;
    let state = parts.session()?;
    if kind == Kind::Session {
        parts.end()?;
    }
    Ok(state)
}

/// The network alone.
pub(super) fn network<N: Network>(file: &[u8], place: &str) -> Result<N, Error> {
    /// What a [`SessionState`] begins with.
    #[derive(Deserialize)]
    #[serde(bound = "T: Element")]
    struct Start<T> {
        architecture: String,
        #[serde(with = "crate::number::list")]
        parameters: Vec<T>,
    }
    let (_, mut parts) = Parts::of::<N::Scalar>(file, place)?;
    let Start { architecture, parameters } = parts.next("the network")?;
    let architecture = parts.architecture::<N::Scalar>(&architecture, parameters.len())?;
    N::of_parts(architecture, parameters)
}

/// The signature, as far as there are bytes.
pub(super) fn check_signature(file: &[u8], place: &str) -> Result<(), Error> {
    if file.iter().zip(&SIGNATURE).all(|(found, expected)| found == expected) {
        return Ok(());
    }
    Err(Error::Checkpoint { place: place.to_owned(), fault: Fault::NotACheckpoint })
}

/// What is in a file whose length and checksum are right, part by part.
struct Parts<'b> {
    left: &'b [u8],
    place: &'b str,
}

impl<'b> Parts<'b> {
    /// Checks front, length and checksum, and that the numbers are of the type `T`.
    fn of<T: Element>(file: &'b [u8], place: &'b str) -> Result<(Kind, Self), Error> {
        check_signature(file, place)?;
        let mut parts = Self { left: file, place };
        let found = file.len() as u64;
        let ends = file.split_first_chunk::<FRONT>().and_then(|(front, rest)| Some((front, rest.split_last_chunk()?)));
        let Some((front, (contents, back))) = ends else {
            return Err(parts.fault(Fault::Truncated { expected: (FRONT + BACK) as u64, found }));
        };
        let number =
            |at: Range<usize>| front[at].iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
        let (version, expected) = (number(8..12) as u32, number(12..20));
        match expected.cmp(&found) {
            Ordering::Equal => {}
            Ordering::Greater => return Err(parts.fault(Fault::Truncated { expected, found })),
            Ordering::Less => return Err(parts.fault(Fault::TooLong { expected, found })),
        }
        let (expected, found) = (u32::from_le_bytes(*back), crc32fast::hash(&file[..file.len() - BACK]));
        if expected != found {
            return Err(parts.fault(Fault::Checksum { expected, found }));
        }
        if version != VERSION {
            // There has been no version 0.
            return Err(parts.fault(Fault::Version { found: version, newest: VERSION }));
        }
        parts.left = contents;
        let number_type: &str = parts.next("the number type")?;
        if number_type != T::NAME {
            return Err(parts.fault(Fault::NumberType { expected: T::NAME, found: number_type.to_owned() }));
        }
        // For whoever looks into the file.
        let _: &str = parts.next("the version of the library")?;
        let kind = parts.next("the kind")?;
        Ok((kind, parts))
    }

    fn next<V: Deserialize<'b>>(&mut self, what: &'static str) -> Result<V, Error> {
        let (value, left) = postcard::take_from_bytes(self.left)
            .map_err(|error| self.contents(what, "what the format says", error.to_string()))?;
        self.left = left;
        Ok(value)
    }

    fn session<T: Element>(&mut self) -> Result<SessionState<T>, Error> {
        let state: SessionState<T> = self.next("the session")?;
        self.architecture::<T>(&state.architecture, state.parameters.len())?;
        Ok(state)
    }

    /// The architecture that a file names, if it has so many parameters.
    fn architecture<T: Element>(&self, text: &str, parameters: usize) -> Result<Architecture, Error> {
        let wrong = |error: String| self.contents("the architecture", error, format!("`{text}`"));
        let architecture: Architecture =
            text.parse().map_err(|error: nn_kernels::ParseError| wrong(error.to_string()))?;
        architecture.check_element::<T>().map_err(|error| wrong(error.to_string()))?;
        if parameters != architecture.params() {
            let expected = format!("{} of `{text}`", architecture.params());
            return Err(self.contents("the parameters", expected, parameters.to_string()));
        }
        Ok(architecture)
    }

    /// Nothing is left.
    fn end(&self) -> Result<(), Error> {
        match self.left.len() {
            0 => Ok(()),
            left => Err(self.contents("the end", "nothing behind it", format!("{left} bytes"))),
        }
    }

    fn contents(&self, what: &'static str, expected: impl Into<String>, found: String) -> Error {
        self.fault(Fault::Contents { what, expected: expected.into(), found })
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::Checkpoint { place: self.place.to_owned(), fault }
    }
}
