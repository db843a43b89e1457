//! The settings of a training run, checked before anything moves.

use std::num::NonZero;
use std::thread;

use nn_kernels::{EngineKind, GemmKind, InstructionSet, PlanOptions, Precision};

use super::Trainer;
use crate::error::{Error, check_l2};
use crate::optim::Optimizer;

/// The settings of a [`Trainer`], each by its name; [`build`](Self::build) checks them.
#[derive(Debug, Clone, PartialEq)]
#[must_use = "nothing is trained before `build`"]
pub struct TrainerBuilder {
    optimizer: Optimizer,
    l2: f64,
    batch_size: usize,
    epochs: usize,
    seed: u64,
    threads: Option<usize>,
    shuffle: bool,
    plan: PlanOptions,
}

impl Default for TrainerBuilder {
    /// [`Adam`](crate::Adam) by the paper, no λ, batches of 32, 10 epochs, seed 0, shuffled, all threads.
    fn default() -> Self {
        Self {
            optimizer: Optimizer::default(),
            l2: 0.0,
            batch_size: 32,
            epochs: 10,
            seed: 0,
            threads: None,
            shuffle: true,
            plan: PlanOptions::default(),
        }
    }
}

impl TrainerBuilder {
    /// How Δ moves Θ; Adam unless set.
    pub fn optimizer(self, optimizer: impl Into<Optimizer>) -> Self {
        Self { optimizer: optimizer.into(), ..self }
    }

    /// λ of J's term λ/2m Σ‖Θ_w‖², with m the samples of a batch; 0 unless set. Finite and not negative.
    pub fn l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }

    /// Samples in a step, at least 1; 32 unless set. Where it does not divide the data, an epoch's last step takes
    /// what is left; where it is more than the data, a step takes all of it.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// How often the data is gone through, at least once; 10 unless set.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// What the orders of samples and the dropout masks are drawn under; 0 unless set. The initial parameters are
    /// the network's own affair.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Threads to work on, at least 1; as many as the machine offers unless set. They change no bit of the result.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads: Some(threads), ..self }
    }

    /// Whether each epoch goes through the data in an order of its own; true unless set.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Self { shuffle, ..self }
    }

    /// The engine that computes the steps; the one estimated to be the fastest unless set. Whether it suits a network
    /// is known when there is one.
    pub fn engine(self, engine: EngineKind) -> Self {
        Self { plan: self.plan.engine(engine), ..self }
    }

    /// What the layered engine multiplies matrices with; own kernels unless set. The other engines have products of their
    /// own, so that this forces the layered one; together with another [`engine`](Self::engine) it is an error when there
    /// is a network.
    pub fn gemm(self, gemm: GemmKind) -> Self {
        Self { plan: self.plan.gemm(gemm), ..self }
    }

    /// The instruction set of the steps; unless set, the one that the environment variable `NN_ISA` names, or else the
    /// widest.
    pub fn instruction_set(self, set: InstructionSet) -> Self {
        Self { plan: self.plan.instruction_set(set), ..self }
    }

    /// In what numbers products are computed; the network's own unless set. [`Precision::Bf16`] rounds what is multiplied to
    /// bfloat16, which is nearly twice as fast for wide layers and takes a CPU with AVX512-BF16; parameters, activations,
    /// gradients and sums stay `f32`. Whether it can be had is known when there is a network.
    pub fn precision(self, precision: Precision) -> Self {
        Self { plan: self.plan.precision(precision), ..self }
    }

    /// The trainer.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first setting that is out of its range.
    pub fn build(self) -> Result<Trainer, Error> {
        let Self { optimizer, l2, batch_size, epochs, seed, threads, shuffle, plan } = self;
        optimizer.validate()?;
        check_l2(l2)?;
        let threads = threads.unwrap_or_else(|| thread::available_parallelism().map_or(1, NonZero::get));
        for (name, value) in [("batch_size", batch_size), ("epochs", epochs), ("threads", threads)] {
            if value == 0 {
                return Err(Error::setting(name, value, "at least 1"));
            }
        }
        Ok(Trainer { optimizer, l2, batch_size, epochs, seed, threads, shuffle, plan })
    }
}
