//! The plan: which engine computes a network's steps, in which instructions, on how many threads.

mod cost;
mod costs;
mod engines;
mod explanation;
mod kind;
mod work;

pub use engines::Engines;
pub use explanation::{Candidate, Explanation, Share};
pub use kind::{EngineKind, UnknownEngine};

use self::cost::{candidate, cheapest};
use self::engines::{split, suits};
use super::update::CHUNK as UPDATED;
use super::{Precision, StepEngine};
use crate::buffer::check_size;
use crate::{Architecture, Element, InstructionSet, StepError};

/// What a plan leaves open, and what it does not: everything is open unless set.
///
/// ```
/// use nn_kernels::{EngineKind, PlanOptions};
///
/// let options = PlanOptions::default().engine(EngineKind::Tile);
/// assert_eq!(options.set, None);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct PlanOptions {
    /// The engine, or `None` for the one that is estimated to be the fastest.
    pub engine: Option<EngineKind>,
    /// The instruction set, or `None` for the one that the environment forces, or else the widest.
    pub set: Option<InstructionSet>,
    /// In what numbers products are computed. Only the blocked engine has others than the network's own. For
    /// [`Precision::Bf16`] it is taken where it is estimated to be faster than every engine in the network's own; to have it
    /// in any case, ask for that engine too.
    pub precision: Precision,
    /// Costs and predictions only: no room for gradients of portions of the batch, nor for δ and g' in the blocked engine. The
    /// engine is the same.
    pub forward_only: bool,
}

impl PlanOptions {
    /// Forces the engine.
    #[must_use]
    pub fn engine(self, engine: impl Into<Option<EngineKind>>) -> Self {
        Self { engine: engine.into(), ..self }
    }

    /// Forces the instruction set.
    #[must_use]
    pub fn instruction_set(self, set: impl Into<Option<InstructionSet>>) -> Self {
        Self { set: set.into(), ..self }
    }

    /// In what numbers products are computed.
    #[must_use]
    pub const fn precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// Plans for costs and predictions only.
    #[must_use]
    pub const fn forward_only(self) -> Self {
        Self { forward_only: true, ..self }
    }
}

/// An engine, chosen for a network, the batches it is to be trained on, and the threads there are.
///
/// What a step costs in each engine is estimated from the shapes (see [`Explanation`]); the cheapest that suits is
/// taken. The choice knows nothing of the threads that there are, so that a network's results are the same bits on any
/// number of them: it is made for one, but prefers an engine that divides the step into parts to one that does not, where
/// it costs one thread less than 15 %.
///
/// The engine may be used on batches of other sizes too. Up to `batch_rows` its steps allocate nothing.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, Plan, PlanOptions};
///
/// let layers = vec![Layer::new(2, 20, Activation::Tanh), Layer::new(20, 1, Activation::Sigmoid)];
/// let architecture = Architecture::new(layers, Loss::CrossEntropy)?;
/// let mut plan = Plan::<f32>::new(&architecture, 2, 1, &PlanOptions::default())?;
/// println!("{}", plan.explain());
///
/// let engine = plan.engine_mut();
/// let mut theta = vec![0.0; engine.params()];
/// engine.import(&vec![0.1; architecture.params()], &mut theta)?;
/// let batch = Batch::new(&architecture, &[0.0, 1.0, 1.0, 1.0], &[1.0, 0.0])?;
/// let mut gradient = vec![f32::NAN; engine.params()];
/// let cost = engine.gradient(&theta, batch, 0.0, None, &mut gradient)?;
/// # assert!(cost > 0.0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Plan<T: Element> {
    engine: Box<dyn StepEngine<T>>,
    explanation: Explanation,
    /// Steps on up to so many samples are undivided.
    undivided_rows: usize,
}

impl<T: Element> Plan<T> {
    /// A plan for steps on `batch_rows` samples, on up to `threads` threads.
    ///
    /// # Errors
    /// [`StepError::Zero`] for no rows or no threads, [`StepError::Architecture`] when a number of the network is 0 or
    /// infinite in `T` only, [`StepError::Unsuited`] when the engine asked for does not suit
    /// the network or the precision, [`StepError::Precision`] when the CPU lacks it, [`StepError::Isa`] when the
    /// environment forces a set that the CPU lacks, [`StepError::Memory`] when there is too little for such a network or
    /// batch.
    pub fn new(
        architecture: &Architecture,
        batch_rows: usize,
        threads: usize,
        options: &PlanOptions,
    ) -> Result<Self, StepError> {
        for (what, value) in [("batch_rows", batch_rows), ("threads", threads)] {
            if value == 0 {
                return Err(StepError::Zero { what });
            }
        }
        architecture.check_element::<T>()?;
        check_size::<T>(architecture)?;
        let set = match options.set {
            Some(set) => set,
            None => InstructionSet::from_environment()?,
        };
        let wanted = options.precision;
        wanted.pairs::<T>(set)?;
        let estimate = |kind, precision| candidate::<T>(kind, precision, architecture, set, batch_rows);
        let mut candidates = EngineKind::ALL.map(|kind| estimate(kind, Precision::Full)).to_vec();
        if wanted == Precision::Bf16 {
            candidates.push(estimate(EngineKind::Blocked, wanted));
        }
        let (kind, precision) = match (options.engine, wanted) {
            (Some(engine), _) => (engine, wanted),
            (None, Precision::Full | Precision::Bf16) => cheapest(&candidates),
            (None, Precision::Bf16Emulated) => (EngineKind::Blocked, wanted),
        };
        if let Err(reason) = suits(kind, architecture, precision) {
            return Err(StepError::Unsuited { engine: kind, reason });
        }
        let mut engine = T::build(kind, architecture, set, precision)?;
        engine.reserve(batch_rows, !options.forward_only)?;
        let (shard_rows, parts) = split::<T>(kind, architecture, set, batch_rows);
        let explanation = Explanation {
            architecture: architecture.to_string(),
            element: T::NAME,
            batch_rows,
            engine: kind,
            engine_is_forced: options.engine.is_some(),
            set,
            precision,
            wanted,
            threads: threads.min(parts),
            threads_given: threads,
            shard_rows,
            parts,
            candidates,
            scratch_bytes: engine.scratch_bytes(),
        };
        let undivided = parts == 1 && engine.params() <= UPDATED;
        Ok(Self { engine, explanation, undivided_rows: if undivided { batch_rows } else { 0 } })
    }

    /// The engine.
    #[must_use]
    pub fn engine(&self) -> &dyn StepEngine<T> {
        &*self.engine
    }

    /// The engine, to take steps.
    #[must_use]
    pub fn engine_mut(&mut self) -> &mut dyn StepEngine<T> {
        &mut *self.engine
    }

    /// The engine by itself.
    #[must_use]
    pub fn into_engine(self) -> Box<dyn StepEngine<T>> {
        self.engine
    }

    /// Which engine it is.
    #[must_use]
    pub fn kind(&self) -> EngineKind {
        self.explanation.engine
    }

    /// The instruction set of its kernels.
    #[must_use]
    pub fn set(&self) -> InstructionSet {
        self.explanation.set
    }

    /// How many of the given threads a step on `batch_rows` samples uses: 1 where one core is done before another
    /// one has woken.
    #[must_use]
    pub fn threads(&self) -> usize {
        self.explanation.threads
    }

    /// Whether a step on `rows` samples has no part worth giving to another thread: no part of its products or of the batch, and no piece of the
    /// parameters when gradients are added up and parameters updated.
    #[must_use]
    pub fn is_undivided(&self, rows: usize) -> bool {
        rows <= self.undivided_rows
    }

    /// Memory that the engine holds for steps on up to `batch_rows` samples, in bytes.
    #[must_use]
    pub fn scratch_bytes(&self) -> usize {
        self.explanation.scratch_bytes
    }

    /// What was chosen, and why.
    #[must_use]
    pub fn explain(&self) -> &Explanation {
        &self.explanation
    }
}

impl<T: Element> std::fmt::Debug for Plan<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Plan").field("explanation", &self.explanation).finish_non_exhaustive()
    }
}
