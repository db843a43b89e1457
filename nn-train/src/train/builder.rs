//! The settings of a training run, checked before anything starts.

use std::sync::Arc;

use nn_kernels::{EngineKind, InstructionSet, PlanOptions, Precision};

use super::divergence::Divergence;
use super::schedule::{Constant, Schedule};
use super::threads::{Threads, Workers};
use super::trainer::{Settings, Trainer};
use crate::collective::Collective;
use crate::error::{Error, check_not_negative};
use crate::optim::{Adam, AnyOptimizer, Optimizer, check_learning_rate, check_positive};

/// The settings of a [`Trainer`], each by its name; [`build`](Self::build) checks them.
#[derive(Debug, Clone)]
#[must_use = "nothing is trained before `build`"]
pub struct TrainerBuilder {
    optimizer: Arc<dyn AnyOptimizer>,
    rate: Rate,
    l1: f64,
    l2: f64,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
    label_smoothing: f64,
    divergence: Divergence,
    batch_size: usize,
    epochs: usize,
    seed: u64,
    threads: Threads,
    shuffle: bool,
    gradient_norm: bool,
    collective: Option<Arc<dyn Collective>>,
    verify_every: u64,
    parts: Option<u64>,
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
    /// [`Adam`] by the paper at its default rate, no λ, no clipping, no smoothing, batches of 32, 10 epochs, seed 0,
    /// shuffled, all threads.
    fn default() -> Self {
        Self {
            optimizer: Arc::new(Adam::default()),
            rate: Rate::Default,
            l1: 0.0,
            l2: 0.0,
            clip_norm: None,
            clip_value: None,
            label_smoothing: 0.0,
            divergence: Divergence::Stop,
            batch_size: 32,
            epochs: 10,
            seed: 0,
            threads: Threads::default(),
            shuffle: true,
            gradient_norm: false,
            collective: None,
            verify_every: 1000,
            parts: None,
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

    /// λ₁ of the cost's term λ₁/B Σ|Θ_w|; 0 unless set. Finite and not negative; B is [`l2`](Self::l2)'s, and biases
    /// are not regularised. The gradient has λ₁/B sgn(θ), and 0 where θ = 0. With `l2` it is the elastic net of Zou and
    /// Hastie, "Regularization and variable selection via the elastic net", JRSS B 67 (2005).
    ///
    /// Weights that the data does not need get near 0, and then swing around it by about α λ₁/B: as in Keras and
    /// PyTorch, few of them are 0 exactly.
    ///
    /// ```
    /// use nn_train::prelude::*;
    ///
    /// network! { struct Line<2 => 1 linear>; }
    /// // The first input tells the target, the second one nothing.
    /// let inputs: Vec<[f32; 2]> = (0..64).map(|i| [i as f32 / 64.0, (i as f32).sin()]).collect();
    /// let targets = inputs.iter().map(|x| [2.0 * x[0]]).collect();
    /// let data = Dataset::new(inputs, targets)?;
    /// let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(0.1).l1(0.5).batch_size(64);
    /// let mut net = Line::new(1);
    /// trainer.epochs(1000).build()?.fit(&mut net, &data, None)?;
    /// let [used, unused] = net.layer1().weights[0];
    /// assert!(used > 1.5 && unused.abs() < 0.01);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn l1(self, l1: f64) -> Self {
        Self { l1, ..self }
    }

    /// c, the largest Euclidean norm of a step's gradient: Δ ← Δ · c/‖Δ‖ where ‖Δ‖ > c, over all parameters of the
    /// network together, with the terms of λ. None unless set; finite and positive. Pascanu, Mikolov and Bengio, "On
    /// the difficulty of training recurrent neural networks", ICML 2013.
    ///
    /// It is Keras' `global_clipnorm` and PyTorch's `clip_grad_norm_`, which divides by ‖Δ‖ + 10⁻⁶ instead. With
    /// [`clip_value`](Self::clip_value) as well, the norm comes first. The decay of [`AdamW`](crate::AdamW) and
    /// [`Lion`](crate::Lion) is no part of the gradient.
    ///
    /// The whole gradient is computed before any parameter moves, which takes one more pass over memory; it measures
    /// [`gradient_norm`](Self::gradient_norm) on the way. A gradient that is not finite is not clipped, but an error as
    /// ever.
    ///
    /// ```
    /// use nn_train::prelude::*;
    ///
    /// network! { struct Line<1 => 1 linear>: f64; }
    /// // a = 0 at w = b = 0; for x = 3 and y = 1 the gradient is (-3, -1), whose norm is √10.
    /// let trainer = Trainer::builder().optimizer(Sgd::default()).learning_rate(1.0).batch_size(1).clip_norm(1.0);
    /// let (trainer, mut net) = (trainer.build()?, Line::zeros());
    /// let mut session = trainer.session(&mut net)?;
    /// session.step(&[[3.0]], &[[1.0]])?;
    /// assert_eq!(session.gradient_norm(), Some(10.0_f64.sqrt()));
    /// assert!((session.network().layer1().weights[0][0] - 3.0 / 10.0_f64.sqrt()).abs() < 1e-15);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn clip_norm(self, clip_norm: f64) -> Self {
        Self { clip_norm: Some(clip_norm), ..self }
    }

    /// c, the largest magnitude of each number of a step's gradient, which is brought into [-c, c], the terms of λ
    /// included. None unless set; finite and positive. Keras' `clipvalue`, PyTorch's `clip_grad_value_`. It changes the
    /// gradient's direction, which [`clip_norm`](Self::clip_norm) does not.
    ///
    /// A number that is not finite is not clipped, but an error as ever.
    pub fn clip_value(self, clip_value: f64) -> Self {
        Self { clip_value: Some(clip_value), ..self }
    }

    /// ε in [0, 1), the share of each training target that is spread over the K classes: y ← (1 - ε) y + ε/K on a
    /// softmax, and (1 - ε) y + ε/2 on sigmoid outputs. 0 unless set. Szegedy et al., "Rethinking the Inception
    /// architecture for computer vision", CVPR 2016; numbers are those of PyTorch's
    /// `CrossEntropyLoss(label_smoothing=ε)` and Keras' `CategoricalCrossentropy` and `BinaryCrossentropy`.
    ///
    /// The costs of steps and epochs are those on smoothed targets. Validation costs, metrics, and
    /// [`Network::cost`](crate::Network::cost) are without smoothing; Keras' `val_loss` is with it.
    ///
    /// Smoothed targets are made in each step, and no copy of them is kept. A loss other than cross-entropy is an error
    /// when training starts.
    ///
    /// ```
    /// use nn_train::prelude::*;
    ///
    /// network! { struct Net<1 => 3 softmax>: f64; }
    /// // All outputs are 1/3: the cost is ln 3, whatever the targets. The targets are 0.9 + 0.1/3 and twice 0.1/3.
    /// let builder = Trainer::builder().optimizer(Sgd::default()).learning_rate(1.0).batch_size(1);
    /// let (trainer, mut net) = (builder.label_smoothing(0.1).build()?, Net::zeros());
    /// trainer.session(&mut net)?.step(&[[0.0]], &[[1.0, 0.0, 0.0]])?;
    /// assert!((net.layer1().bias[0] - (0.9 + 0.1 / 3.0 - 1.0 / 3.0)).abs() < 1e-15);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn label_smoothing(self, label_smoothing: f64) -> Self {
        Self { label_smoothing, ..self }
    }

    /// What [`fit`](Trainer::fit) and a [`Run`](crate::Run) do where a step diverges; they end with an error unless
    /// set. A [`Session`](crate::Session) returns the error whatever is set here, and leaves it to you how to go on.
    pub fn on_divergence(self, divergence: Divergence) -> Self {
        Self { divergence, ..self }
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
    /// shuffled, and what comes in [blocks](crate::Access::Blocks) is shuffled so.
    pub fn shuffle(self, shuffle: bool) -> Self {
        Self { shuffle, ..self }
    }

    /// Whether each step measures the Euclidean norm of its gradient, the λ terms included and before it is clipped;
    /// false unless set. See [`Session::gradient_norm`](crate::Session::gradient_norm). Then the whole gradient is
    /// computed before any parameter moves, which takes one more pass over memory; the parameters are the same, bit for
    /// bit. With [`clip_norm`](Self::clip_norm) it is measured anyway.
    pub fn gradient_norm(self, gradient_norm: bool) -> Self {
        Self { gradient_norm, ..self }
    }

    /// The processes that train together: with each step they sum their gradients, and all make the same update. Without, or
    /// with [`Single`](crate::collective::Single), this process trains alone.
    ///
    /// Every process runs the same program with the same settings, network and seed. All settings keep their meaning:
    /// [`batch_size`](Self::batch_size) is that of a step over all processes, each of which computes its share of the rows. So
    /// the steps are those of one process, to rounding, whatever the number of processes; and their parameters are the
    /// same, bit for bit. Where the processes do not have the same library version, architecture, settings or parameters,
    /// training does not begin: [`Error::Rank`] says which rank has what.
    ///
    /// Callbacks are called on every process. What they decide they decide together: one of them that stops stops all. An error of
    /// one ends all with [`Error::Rank`]; an error that all have is returned as it is. Those of the library that write or print
    /// do so on rank 0 only.
    ///
    /// See [`collective`](crate::collective) for how data is divided.
    pub fn collective(self, collective: impl Collective + 'static) -> Self {
        Self { collective: Some(Arc::new(collective)), ..self }
    }

    /// After how many steps the processes that [train together](Self::collective) compare their parameters and the
    /// optimiser's memory by a checksum, besides before the first step and at the end of a run; at least 1, 1000 unless set.
    /// Where they differ, as after a callback that changes the network of one rank only, training ends with [`Error::Rank`].
    pub fn verify_every(self, steps: u64) -> Self {
        Self { verify_every: steps, ..self }
    }

    /// Into how many parts the rows are cut, at least 1. Each process of several that train together gets some of them, which are
    /// neighbours, and reads nothing else; each step takes from every part in proportion to what is left of it. Unless set, a source
    /// of [blocks](crate::Access::Blocks) is cut into as many as there are processes, and all other data is not cut.
    ///
    /// The order of the rows depends on the parts and not on the processes: one process with 4 parts takes the steps of 4 with a
    /// part each. A run that may go on with fewer of them, or more, is best begun with a number that many divide, such as 24.
    pub fn parts(self, parts: u64) -> Self {
        Self { parts: Some(parts), ..self }
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
        let Self { optimizer, rate, l1, l2, clip_norm, clip_value, label_smoothing, divergence, .. } = self;
        let Self {
            batch_size,
            epochs,
            seed,
            threads,
            shuffle,
            gradient_norm,
            collective,
            verify_every,
            parts,
            plan,
            ..
        } = self;
        optimizer.validate()?;
        let schedule: Arc<dyn Schedule> = match rate {
            Rate::Schedule(schedule) => schedule,
            Rate::Constant(rate) => Arc::new(Constant::new(rate)),
            Rate::Default => Arc::new(Constant::new(optimizer.default_learning_rate())),
        };
        schedule.validate()?;
        check_learning_rate::<f64>(schedule.rate(0))?;
        check_not_negative("l1", l1)?;
        check_not_negative("l2", l2)?;
        for (name, limit) in [("clip_norm", clip_norm), ("clip_value", clip_value)] {
            limit.map_or(Ok(()), |limit| check_positive::<f64>(name, limit))?;
        }
        if !(0.0..1.0).contains(&label_smoothing) {
            return Err(Error::number("label_smoothing", label_smoothing, "a number in [0, 1)"));
        }
        divergence.validate()?;
        let counts = [("batch_size", batch_size as u64), ("epochs", epochs as u64), ("verify_every", verify_every)];
        if let Some((name, value)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return Err(Error::setting(name, value, "at least 1"));
        }
        let workers = Workers::new(threads)?;
        let settings = Settings {
            optimizer,
            schedule,
            l1,
            l2,
            clip_norm,
            clip_value,
            label_smoothing,
            divergence,
            batch_size,
            epochs,
            seed,
            shuffle,
            gradient_norm,
            collective,
            verify_every,
            parts,
            plan,
        };
        Ok(Trainer::new(settings, workers))
    }
}
