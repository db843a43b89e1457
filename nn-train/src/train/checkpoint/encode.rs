//! A checkpoint as bytes. The format is described in the module above.

use std::io::{self, Write};
use std::time::Duration;

use crc32fast::Hasher;
use nn_kernels::Element;

use super::{BACK, FRONT, SIGNATURE, VERSION};
use crate::train::state::{CallbackState, OptimizerState, PlanState, Position, RunState, SessionState};
use crate::train::{Epoch, History};

/// What a checkpoint is made of.
pub(in crate::train) struct Contents<'a, T> {
    session: &'a SessionState<T>,
    run: Option<&'a RunState<T>>,
    best: Option<f64>,
}

impl<'a, T: Element> Contents<'a, T> {
    pub(super) fn session(session: &'a SessionState<T>) -> Self {
        Self { session, run: None, best: None }
    }

    /// A run's, with the number for which it is kept as the best, if it is.
    pub(in crate::train) fn run(run: &'a RunState<T>, best: Option<f64>) -> Self {
        Self { session: &run.session, run: Some(run), best }
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A vector takes everything.
        let written = self.write(&mut bytes);
        debug_assert!(written.is_ok(), "{written:?}");
        bytes
    }

    /// Writes the file from its first to its last byte.
    pub(super) fn write(&self, writer: &mut dyn Write) -> io::Result<()> {
        let mut length = Counter(0);
        self.sections(&mut length)?;
        let mut writer = Hashed { writer, hasher: Hasher::new() };
        writer.write_all(&SIGNATURE)?;
        writer.write_all(&VERSION.to_le_bytes())?;
        number(&mut writer, FRONT + length.0 + BACK)?;
        self.sections(&mut writer)?;
        let Hashed { writer, hasher } = writer;
        writer.write_all(&hasher.finalize().to_le_bytes())
    }

    fn sections(&self, writer: &mut dyn Write) -> io::Result<()> {
        // Nothing of a state is left out unseen: a field that it gains does not compile here.
        let SessionState {
            architecture,
            parameters,
            optimizer,
            steps,
            samples,
            seed,
            learning_rate,
            rate_factor,
            dropped_steps,
            plan,
        } = self.session;
        section(writer, b"HEAD", |w| {
            w.write_all(&[if self.run.is_some() { 2 } else { 1 }])?;
            text(w, T::NAME)?;
            text(w, env!("CARGO_PKG_VERSION"))?;
            text(w, architecture)
        })?;
        section(writer, b"NETW", |w| numbers(w, parameters))?;
        section(writer, b"OPTI", |w| {
            let OptimizerState { name, slots, scalars } = optimizer;
            text(w, name)?;
            each(w, slots, |w, slot| numbers(w, slot))?;
            numbers(w, scalars)
        })?;
        section(writer, b"SESS", |w| {
            [*steps, *samples, *seed].into_iter().try_for_each(|count| number(w, count))?;
            optional(w, *learning_rate)?;
            float(w, *rate_factor)?;
            number(w, *dropped_steps)?;
            w.write_all(&[u8::from(plan.is_some())])?;
            let Some(PlanState { engine, set, precision }) = plan else { return Ok(()) };
            [engine, set, precision].into_iter().try_for_each(|name| text(w, name))
        })?;
        let Some(RunState { session: _, position, history, callbacks }) = self.run else { return Ok(()) };
        section(writer, b"POSI", |w| {
            let Position { epoch, step, dropped_steps, cost, cost_rounding, weight, weight_rounding, elapsed } =
                *position;
            [epoch as u64, step, dropped_steps].into_iter().try_for_each(|count| number(w, count))?;
            [cost, cost_rounding, weight, weight_rounding].into_iter().try_for_each(|sum| float(w, sum))?;
            time(w, elapsed)
        })?;
        section(writer, b"HIST", |w| each(w, History::epochs(history), |w, epoch| self::epoch(w, epoch)))?;
        section(writer, b"CALL", |w| {
            each(w, callbacks, |w, CallbackState { name, numbers: single, lists }| {
                text(w, name)?;
                numbers(w, single)?;
                each(w, lists, |w, list| numbers(w, list))
            })
        })?;
        section(writer, b"BEST", |w| optional(w, self.best))
    }
}

fn epoch(writer: &mut dyn Write, epoch: &Epoch) -> io::Result<()> {
    let Epoch { number: which, cost, validation_cost, accuracy, samples_per_second, dropped_steps, duration } = *epoch;
    number(writer, which as u64)?;
    float(writer, cost)?;
    optional(writer, validation_cost)?;
    optional(writer, accuracy)?;
    float(writer, samples_per_second)?;
    number(writer, dropped_steps)?;
    time(writer, duration)
}

/// A name, the length of the contents, and these, which are written twice: once to be counted.
fn section(
    writer: &mut dyn Write,
    name: &[u8; 4],
    contents: impl Fn(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut length = Counter(0);
    contents(&mut length)?;
    writer.write_all(name)?;
    number(writer, length.0)?;
    contents(writer)
}

fn number(writer: &mut dyn Write, number: u64) -> io::Result<()> {
    writer.write_all(&number.to_le_bytes())
}

fn float(writer: &mut dyn Write, number: f64) -> io::Result<()> {
    writer.write_all(&number.to_le_bytes())
}

fn optional(writer: &mut dyn Write, number: Option<f64>) -> io::Result<()> {
    writer.write_all(&[u8::from(number.is_some())])?;
    number.map_or(Ok(()), |number| float(writer, number))
}

fn time(writer: &mut dyn Write, time: Duration) -> io::Result<()> {
    number(writer, time.as_secs())?;
    writer.write_all(&time.subsec_nanos().to_le_bytes())
}

fn text(writer: &mut dyn Write, text: &str) -> io::Result<()> {
    let length = u32::try_from(text.len()).map_err(|_| io::Error::other("a text is longer than 2³² - 1 bytes"))?;
    writer.write_all(&length.to_le_bytes())?;
    writer.write_all(text.as_bytes())
}

fn each<V>(
    writer: &mut dyn Write,
    values: &[V],
    write: impl Fn(&mut dyn Write, &V) -> io::Result<()>,
) -> io::Result<()> {
    number(writer, values.len() as u64)?;
    values.iter().try_for_each(|value| write(writer, value))
}

fn numbers<T: Element>(writer: &mut dyn Write, numbers: &[T]) -> io::Result<()> {
    number(writer, numbers.len() as u64)?;
    if cfg!(target_endian = "little") {
        return writer.write_all(bytemuck::cast_slice(numbers));
    }
    numbers.iter().try_for_each(|number| {
        let mut bytes = bytemuck::bytes_of(number).to_vec();
        bytes.reverse();
        writer.write_all(&bytes)
    })
}

/// How many bytes are written.
struct Counter(u64);

impl Write for Counter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Forms the checksum of what is written.
struct Hashed<'w> {
    writer: &'w mut dyn Write,
    hasher: Hasher,
}

impl Write for Hashed<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.writer.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}
