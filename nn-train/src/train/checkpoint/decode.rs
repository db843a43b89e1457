//! A checkpoint from bytes. The format is described in the module above.
//!
//! The file is gone through twice: for its length and checksum, and once these are right for what is in it. Nothing is
//! believed: every count is compared with the bytes that are left before anything is allocated.

use std::fmt::Display;
use std::io::{self, SeekFrom};
use std::time::Duration;

use crc32fast::Hasher;
use nn_kernels::{Architecture, Element, StepError};

use super::{BACK, CheckpointFault as Fault, FRONT, Input, SIGNATURE, VERSION};
use crate::error::Error;
use crate::network::Network;
use crate::train::state::{CallbackState, OptimizerState, PlanState, Position, RunState, SessionState};
use crate::train::{Epoch, History};

/// The state of a run, and for what number it was kept as the best.
pub(super) fn run<T: Element>(
    input: &mut impl Input,
    length: u64,
    place: &str,
) -> Result<(RunState<T>, Option<f64>), Error> {
    let mut reader = Reader::new(input, length, place)?;
    let head = reader.head::<T>()?;
    if head.kind != Kind::Run {
        return Err(reader.fault(Fault::Kind { expected: "run", found: "session" }));
    }
    let session = reader.rest_of_session(head)?;
    let state = RunState {
        session,
        position: reader.section(b"POSI", "the position", Reader::position)?,
        history: reader
            .section(b"HIST", "the history", |reader| reader.each(Reader::epoch))?
            .into_iter()
            .collect::<History>(),
        callbacks: reader.section(b"CALL", "the callbacks", |reader| reader.each(Reader::callback))?,
    };
    let best = reader.section(b"BEST", "the best number", Reader::optional)?;
    reader.end()?;
    Ok((state, best))
}

/// The state of a session, or of a run's.
pub(super) fn session<T: Element>(input: &mut impl Input, length: u64, place: &str) -> Result<SessionState<T>, Error> {
    let mut reader = Reader::new(input, length, place)?;
    let head = reader.head::<T>()?;
    let of_a_session = head.kind == Kind::Session;
    let state = reader.rest_of_session(head)?;
    if of_a_session {
        reader.end()?;
    }
    Ok(state)
}

/// The network alone.
pub(super) fn network<N: Network>(input: &mut impl Input, length: u64, place: &str) -> Result<N, Error> {
    let mut reader = Reader::new(input, length, place)?;
    let Head { architecture, parameters, .. } = reader.head::<N::Scalar>()?;
    N::of_parts(architecture, parameters)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Session,
    Run,
}

/// The first two sections: what the parameters are, and these.
struct Head<T> {
    kind: Kind,
    /// As the file has it.
    text: String,
    architecture: Architecture,
    parameters: Vec<T>,
}

/// Reads what is in a file whose length and checksum are right.
struct Reader<'r> {
    input: &'r mut dyn io::Read,
    /// Bytes that are left of the section, or between two of them of all.
    left: u64,
    place: &'r str,
    /// What is being read.
    what: &'static str,
}

impl<'r> Reader<'r> {
    /// Checks signature, length, checksum and version, and goes to the first section.
    fn new(input: &'r mut impl Input, length: u64, place: &'r str) -> Result<Self, Error> {
        let fault = |fault| Error::Checkpoint { place: place.to_owned(), fault };
        let failed = |error: io::Error| Error::io("read", place, &error);
        let mut front = [0; FRONT as usize];
        let there = (length.min(FRONT)) as usize;
        input.read_exact(&mut front[..there]).map_err(failed)?;
        let (signature, rest) = front.split_at(SIGNATURE.len());
        let seen = there.min(SIGNATURE.len());
        if signature[..seen] != SIGNATURE[..seen] {
            return Err(fault(Fault::NotACheckpoint));
        }
        if length < FRONT + BACK {
            return Err(fault(Fault::Truncated { expected: FRONT + BACK, found: length }));
        }
        let [version, low, high] = [0, 4, 8].map(|at| {
            let bytes = rest.iter().skip(at).take(4).rev();
            bytes.fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
        });
        let expected = u64::from(high) << 32 | u64::from(low);
        if expected > length {
            return Err(fault(Fault::Truncated { expected, found: length }));
        }
        if expected < length {
            return Err(fault(Fault::TooLong { expected, found: length }));
        }
        let mut hasher = Hasher::new();
        hasher.update(&front);
        let mut left = length - FRONT - BACK;
        let mut block = vec![0; 1 << 16];
        while left > 0 {
            let part = &mut block[..left.min(1 << 16) as usize];
            input.read_exact(part).map_err(failed)?;
            hasher.update(part);
            left -= part.len() as u64;
        }
        let mut back = [0; BACK as usize];
        input.read_exact(&mut back).map_err(failed)?;
        let (expected, found) = (u32::from_le_bytes(back), hasher.finalize());
        if expected != found {
            return Err(fault(Fault::Checksum { expected, found }));
        }
        if version != VERSION {
            // There has been no version 0.
            return Err(fault(Fault::Version { found: version, newest: VERSION }));
        }
        input.seek(SeekFrom::Start(FRONT)).map_err(failed)?;
        Ok(Self { input, left: length - FRONT - BACK, place, what: "the sections" })
    }

    /// The file ends here.
    fn end(&self) -> Result<(), Error> {
        if self.left == 0 {
            return Ok(());
        }
        Err(self.contents("no more bytes", self.left))
    }

    fn fault(&self, fault: Fault) -> Error {
        Error::Checkpoint { place: self.place.to_owned(), fault }
    }

    fn contents(&self, expected: impl Display, found: impl Display) -> Error {
        let (expected, found) = (expected.to_string(), found.to_string());
        self.fault(Fault::Contents { what: self.what, expected, found })
    }

    /// Goes into the section `name`, and is behind it afterwards.
    fn section<V>(
        &mut self,
        name: &[u8; 4],
        what: &'static str,
        read: impl FnOnce(&mut Self) -> Result<V, Error>,
    ) -> Result<V, Error> {
        self.what = what;
        let found = self.bytes::<4>()?;
        if found != *name {
            let [expected, found] = [name, &found].map(|name| name.escape_ascii().to_string());
            return Err(self.contents(format_args!("the section {expected}"), format_args!("the section {found}")));
        }
        let length = self.number()?;
        self.check_left(length, "bytes")?;
        let behind = self.left - length;
        self.left = length;
        let value = read(self)?;
        self.end()?;
        self.left = behind;
        Ok(value)
    }

    fn head<T: Element>(&mut self) -> Result<Head<T>, Error> {
        let (kind, text) = self.section(b"HEAD", "the head", |reader| {
            let kind = match reader.bytes::<1>()? {
                [1] => Kind::Session,
                [2] => Kind::Run,
                [other] => return Err(reader.contents("the kind 1 or 2", other)),
            };
            let element = reader.text()?;
            if element != T::NAME {
                return Err(reader.fault(Fault::NumberType { expected: T::NAME, found: element }));
            }
            // The version of the library, for whoever looks into the file.
            reader.text()?;
            Ok((kind, reader.text()?))
        })?;
        self.what = "the architecture";
        let architecture: Architecture =
            text.parse().map_err(|error| self.contents(error, format_args!("`{text}`")))?;
        architecture.check_element::<T>().map_err(|error| self.contents(error, format_args!("`{text}`")))?;
        let parameters = self.section(b"NETW", "the parameters", |reader| {
            let parameters = reader.numbers()?;
            if parameters.len() != architecture.params() {
                return Err(reader.contents(format_args!("{} of `{text}`", architecture.params()), parameters.len()));
            }
            Ok(parameters)
        })?;
        Ok(Head { kind, text, architecture, parameters })
    }

    fn rest_of_session<T: Element>(&mut self, head: Head<T>) -> Result<SessionState<T>, Error> {
        let optimizer = self.section(b"OPTI", "the optimiser's memory", |reader| {
            Ok(OptimizerState { name: reader.text()?, slots: reader.each(Self::numbers)?, scalars: reader.numbers()? })
        })?;
        self.section(b"SESS", "the session", |reader| {
            Ok(SessionState {
                architecture: head.text,
                parameters: head.parameters,
                optimizer,
                steps: reader.number()?,
                samples: reader.number()?,
                seed: reader.number()?,
                learning_rate: reader.optional()?,
                rate_factor: reader.float()?,
                dropped_steps: reader.number()?,
                plan: if reader.is_there()? {
                    Some(PlanState { engine: reader.text()?, set: reader.text()?, precision: reader.text()? })
                } else {
                    None
                },
            })
        })
    }

    fn position(&mut self) -> Result<Position, Error> {
        Ok(Position {
            epoch: self.count()?,
            step: self.number()?,
            dropped_steps: self.number()?,
            cost: self.float()?,
            cost_rounding: self.float()?,
            weight: self.float()?,
            weight_rounding: self.float()?,
            elapsed: self.time()?,
        })
    }

    fn epoch(&mut self) -> Result<Epoch, Error> {
        Ok(Epoch {
            number: self.count()?,
            cost: self.float()?,
            validation_cost: self.optional()?,
            accuracy: self.optional()?,
            samples_per_second: self.float()?,
            dropped_steps: self.number()?,
            duration: self.time()?,
        })
    }

    fn callback(&mut self) -> Result<CallbackState, Error> {
        Ok(CallbackState { name: self.text()?, numbers: self.numbers()?, lists: self.each(Self::numbers)? })
    }

    /// Bytes are left for what comes.
    fn check_left(&self, bytes: u64, what: &str) -> Result<(), Error> {
        if bytes <= self.left {
            return Ok(());
        }
        Err(self
            .contents(format_args!("at most {}, the bytes that are left", self.left), format_args!("{bytes} {what}")))
    }

    /// Fills `bytes`, for which enough are left.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), Error> {
        self.input.read_exact(bytes).map_err(|error| Error::io("read", self.place, &error))?;
        self.left -= bytes.len() as u64;
        Ok(())
    }

    fn bytes<const COUNT: usize>(&mut self) -> Result<[u8; COUNT], Error> {
        self.check_left(COUNT as u64, "bytes")?;
        let mut bytes = [0; COUNT];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn number(&mut self) -> Result<u64, Error> {
        self.bytes().map(u64::from_le_bytes)
    }

    fn float(&mut self) -> Result<f64, Error> {
        self.bytes().map(f64::from_le_bytes)
    }

    fn count(&mut self) -> Result<usize, Error> {
        let number = self.number()?;
        usize::try_from(number).map_err(|_| self.contents("a count that this machine can express", number))
    }

    fn is_there(&mut self) -> Result<bool, Error> {
        match self.bytes()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(self.contents("0 or 1, for whether there is one", other)),
        }
    }

    fn optional(&mut self) -> Result<Option<f64>, Error> {
        Ok(if self.is_there()? { Some(self.float()?) } else { None })
    }

    fn time(&mut self) -> Result<Duration, Error> {
        let (seconds, nanoseconds) = (self.number()?, u32::from_le_bytes(self.bytes()?));
        if nanoseconds >= 1_000_000_000 {
            return Err(self.contents("nanoseconds below 10⁹", nanoseconds));
        }
        Ok(Duration::new(seconds, nanoseconds))
    }

    fn text(&mut self) -> Result<String, Error> {
        let length = u32::from_le_bytes(self.bytes()?);
        let mut bytes = self.room::<u8>(u64::from(length))?;
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|error| self.contents("UTF-8", error))
    }

    fn numbers<T: Element>(&mut self) -> Result<Vec<T>, Error> {
        let count = self.number()?;
        let mut numbers = self.room::<T>(count)?;
        self.fill(bytemuck::cast_slice_mut(&mut numbers))?;
        if cfg!(target_endian = "big") {
            numbers.iter_mut().for_each(|number| bytemuck::bytes_of_mut(number).reverse());
        }
        Ok(numbers)
    }

    /// As many zeros, if the bytes for them are left.
    fn room<V: bytemuck::Pod>(&self, count: u64) -> Result<Vec<V>, Error> {
        let bytes = count.saturating_mul(size_of::<V>() as u64);
        self.check_left(bytes, "bytes")?;
        let mut room = Vec::new();
        // It fits into memory, as the file does.
        let count = count as usize;
        room.try_reserve_exact(count).map_err(|_| StepError::Memory { bytes: bytes as usize })?;
        room.resize(count, V::zeroed());
        Ok(room)
    }

    /// A count, and as many values, which are believed as they arrive.
    fn each<V>(&mut self, read: impl Fn(&mut Self) -> Result<V, Error>) -> Result<Vec<V>, Error> {
        let count = self.number()?;
        // Each is at least 8 bytes long.
        self.check_left(count.saturating_mul(8), "bytes")?;
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }
}
