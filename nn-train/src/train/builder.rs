//! The settings of a training run, checked before anything starts.

use std::sync::Arc;

use nn_kernels::{EngineKind, InstructionSet, PlanOptions, Precision};

use super::schedule::{Constant, Schedule};
use super::threads::{Threads, Workers};
use super::trainer::{Settings, Trainer};
use crate::error::{Error, check_l2};
use crate::optim::{Adam, AnyOptimizer, Optimizer, check_learning_rate};

/// The settings of a [`Trainer`], each by its name; [`build`](Self::build) checks them.
#[derive(Debug, Clone)]
#[must_use = "nothing is trained before `build`"]
pub struct TrainerBuilder {
    optimizer: Arc<dyn AnyOptimizer>,
    rate: Rate,
    l2: f64,
    batch_size: usize,
    epochs: usize,
    seed: u64,
    threads: Threads,
    shuffle: bool,
    gradient_norm: bool,
    plan: PlanOptions,
}

#[derive(Debug, Clone)]
enum Rate {
    /// The optimiser's default.
    Default,
    Constant(f64),
    Schedule(Arc<dyn Schedule>),
}

impl Default for TrainerBuilder {
    /// [`Adam`] by the paper at its default rate, no λ, batches of 32, 10 epochs, seed 0, shuffled, all threads.
    fn default() -> Self {
        Self {
            optimizer: Arc::new(Adam::default()),
            rate: Rate::Default,
            l2: 0.0,
            batch_size: 32,
            epochs: 10,
            seed: 0,
            threads: Threads::default(),
            shuffle: true,
            gradient_norm: false,
            plan: PlanOptions::default(),
        }
    }
}

impl TrainerBuilder {
    /// The algorithm that moves the parameters; [`Adam`] unless set.
    pub fn optimizer(self, optimizer: impl Optimizer) -> Self {
        Self { optimizer: Arc::new(optimizer), ..self }
    }

    /// The learning rate α of every step, finite and positive; the optimiser's
    /// [default](Optimizer::default_learning_rate) unless set. It replaces a [`schedule`](Self::schedule).
    pub fn learning_rate(self, learning_rate: f64) -> Self {
        Self { rate: Rate::Constant(learning_rate), ..self }
    }

    /// The learning rate as a function of the step. It replaces a [`learning_rate`](Self::learning_rate).
    pub fn schedule(self, schedule: impl Schedule + 'static) -> Self {
        Self { rate: Rate::Schedule(Arc::new(schedule)), ..self }
    }

    /// λ of the cost's term λ/2B Σ‖Θ_w‖²; 0 unless set. Finite and not negative. B is the size of a full batch,
    /// [`batch_size`](Self::batch_size) or all of the data if that is less, in every step: an epoch's last batch may be small,
    /// and pulls the weights no harder than the others. Biases are not regularised.
    pub fn l2(self, l2: f64) -> Self {
        Self { l2, ..self }
    }

    /// Samples in a step, at least 1; 32 unless set. Where it does not divide the data, an epoch's last step takes
    /// what is left; where it is more than the data, a step takes all of it.
    pub fn batch_size(self, batch_size: usize) -> Self {
        Self { batch_size, ..self }
    }

    /// Passes over the data, at least 1; 10 unless set.
    pub fn epochs(self, epochs: usize) -> Self {
        Self { epochs, ..self }
    }

    /// The steps of a run over so many samples, which a [schedule](Schedule) may need to know:
    /// [`epochs`](Self::epochs) × ⌈samples / [`batch_size`](Self::batch_size)⌉.
    #[must_use]
    pub fn steps(&self, samples: usize) -> u64 {
        // `build` refuses a batch of 0.
        (self.epochs as u64).saturating_mul(samples.div_ceil(self.batch_size.max(1)) as u64)
    }

    /// The seed of the orders of samples and of the dropout masks; 0 unless set. The initial parameters have a seed of
    /// their own, the network's.
    pub fn seed(self, seed: u64) -> Self {
        Self { seed, ..self }
    }

    /// Threads to work on: a number, of which 1 is the calling thread, or [`Threads::Current`]; as many as the machine
    /// offers unless set. They change no bit of the result.
    pub fn threads(self, threads: impl Into<Threads>) -> Self {
        Self { threads: threads.into(), ..self }
    }

    /// Whether the data is shuffled anew for each epoch; true unless set. A [stream](crate::Access::Stream) is never
    /// shuffled.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Self { shuffle, ..self }
    }

    /// Whether each step measures the Euclidean norm of its gradient, the λ term included; false unless set. See
    /// [`Session::gradient_norm`](crate::Session::gradient_norm). Then the whole gradient is computed before any
    /// parameter moves, which takes one more pass over memory; the parameters are the same, bit for bit.
    pub fn gradient_norm(self, gradient_norm: bool) -> Self {
        Self { gradient_norm, ..self }
    }

    /// The engine that computes the steps; the one estimated to be the fastest unless set. One that does not suit the
    /// network is an error when training starts.
    pub fn engine(self, engine: EngineKind) -> Self {
        Self { plan: self.plan.engine(engine), ..self }
    }

    /// The instruction set of the steps; unless set, the one that the environment variable `NN_ISA` names, or else the
    /// widest.
    pub fn instruction_set(self, set: InstructionSet) -> Self {
        Self { plan: self.plan.instruction_set(set), ..self }
    }

    /// The number type of products; the network's own unless set. [`Precision::Bf16`] lets the plan round the factors to
    /// bfloat16, which is nearly twice as fast for wide layers on AMD's cores and takes a CPU with AVX512-BF16; parameters, activations,
    /// gradients and sums stay `f32`. Where it is not estimated to be faster, the plan keeps full precision, as
    /// [`explain`](crate::Trainer::explain) says; [`EngineKind::Blocked`] asked for as well forces it. On another CPU it is
    /// an error when training starts.
    pub fn precision(self, precision: Precision) -> Self {
        Self { plan: self.plan.precision(precision), ..self }
    }

    /// The trainer.
    ///
    /// # Errors
    /// [`Error::Setting`] names the first setting that is out of its range.
    pub fn build(self) -> Result<Trainer, Error> {
        let Self { optimizer, rate, l2, batch_size, epochs, seed, threads, shuffle, gradient_norm, plan } = self;
        optimizer.validate()?;
        let schedule: Arc<dyn Schedule> = match rate {
            Rate::Schedule(schedule) => schedule,
            Rate::Constant(rate) => Arc::new(Constant::new(rate)),
            Rate::Default => Arc::new(Constant::new(optimizer.default_learning_rate())),
        };
        schedule.validate()?;
        check_learning_rate::<f64>(schedule.rate(0))?;
        check_l2(l2)?;
        for (name, value) in [("batch_size", batch_size), ("epochs", epochs)] {
            if value == 0 {
                return Err(Error::setting(name, value, "at least 1"));
            }
        }
        let workers = Workers::new(threads)?;
        let settings = Settings { optimizer, schedule, l2, batch_size, epochs, seed, shuffle, gradient_norm, plan };
        Ok(Trainer::new(settings, workers))
    }
}
