//! What a plan chose, and why.

use std::fmt;

use super::EngineKind;
use crate::InstructionSet;
use crate::step::Precision;

/// What a plan chose, and why: `Display` tells it in a few lines.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Explanation {
    /// The network.
    pub architecture: String,
    /// `"f32"` or `"f64"`.
    pub element: &'static str,
    /// The samples of a step.
    pub batch_rows: usize,
    /// The engine chosen.
    pub engine: EngineKind,
    /// Whether the caller left no choice.
    pub engine_is_forced: bool,
    /// The instruction set.
    pub set: InstructionSet,
    /// In what numbers products are computed.
    pub precision: Precision,
    /// In what numbers products might have been computed: a precision that is not faster is not taken.
    pub wanted: Precision,
    /// Threads that a step uses.
    pub threads: usize,
    /// Threads that it might have used.
    pub threads_given: usize,
    /// Rows that go through the network at a time.
    pub shard_rows: usize,
    /// Parts of a step that may be computed side by side: portions of the batch, each with a gradient of its own, or blocks
    /// of a product.
    pub parts: usize,
    /// All engines with what they are estimated to take.
    pub candidates: Vec<Candidate>,
    /// Memory held between steps, in bytes.
    pub scratch_bytes: usize,
}

/// An engine that might have been chosen.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Candidate {
    /// The engine.
    pub engine: EngineKind,
    /// In what numbers it would compute products.
    pub precision: Precision,
    /// The estimated time of a step on one thread, or why the engine is not considered. The estimate is for a core
    /// that was measured, of the CPU's maker where there is one; what it is for is to be compared with the others.
    pub nanoseconds: Result<f64, &'static str>,
    /// Parts of a step that the engine may compute side by side; 0 where it is not considered.
    pub parts: usize,
    /// What the estimate is made up of; nothing where the engine is not considered.
    pub shares: Vec<Share>,
}

/// One kind of work in an estimate.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Share {
    /// What is done: `"cycles of FMAs"`.
    pub work: &'static str,
    /// How often a step does it.
    pub count: f64,
    /// What once is estimated to take, in nanoseconds.
    pub each: f64,
}

impl Share {
    /// What the step is estimated to spend on this work.
    #[must_use]
    pub fn nanoseconds(&self) -> f64 {
        self.count * self.each
    }
}

impl fmt::Display for Candidate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.engine)?;
        if self.precision != Precision::Full {
            write!(f, " in {}", self.precision)?;
        }
        match self.nanoseconds {
            Ok(nanoseconds) if self.parts == 1 => write!(f, " {:.1} µs", nanoseconds / 1e3),
            Ok(nanoseconds) => write!(f, " {:.1} µs in {} parts", nanoseconds / 1e3, self.parts),
            Err(reason) => write!(f, " not, {reason}"),
        }
    }
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { engine, set, precision, element, threads, threads_given, batch_rows, .. } = self;
        writeln!(f, "{}, {element}, batches of {batch_rows}", self.architecture)?;
        let estimate = |candidate: &Candidate| candidate.nanoseconds.unwrap_or(f64::INFINITY);
        let lowest = self.candidates.iter().min_by(|a, b| estimate(a).total_cmp(&estimate(b)));
        let why = match lowest {
            _ if self.engine_is_forced => "as asked for",
            _ if *precision == Precision::Bf16Emulated => "the one for this precision",
            Some(lowest) if (lowest.engine, lowest.precision) != (*engine, *precision) => {
                "little above the lowest estimate, but for several threads"
            }
            _ => "the lowest estimate",
        };
        writeln!(f, "  engine    {engine}, {why}")?;
        write!(f, "  estimates ")?;
        for (index, candidate) in self.candidates.iter().enumerate() {
            write!(f, "{}{candidate}", if index == 0 { "" } else { "; " })?;
        }
        writeln!(f, " (a step on one thread)")?;
        writeln!(f, "  set       {set}")?;
        match (precision, self.wanted) {
            (Precision::Full, Precision::Full) => {}
            (Precision::Full, wanted) => {
                writeln!(f, "  products  {precision}: {wanted} is not estimated to be faster")?
            }
            _ => writeln!(f, "  products  {precision}")?,
        }
        let parts = if self.parts == 1 { "1 part" } else { &format!("{} parts", self.parts) };
        writeln!(f, "  threads   {threads} of {threads_given}: {parts}, {} rows at a time", self.shard_rows)?;
        write!(f, "  scratch   {} bytes", self.scratch_bytes)
    }
}
