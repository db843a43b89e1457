//! The trainer: settings that have been checked, and threads.

use std::sync::Arc;

use nn_kernels::{Architecture, Element, Explanation, Plan, PlanOptions};

use super::divergence::Divergence;
use super::schedule::Schedule;
use super::threads::{Ready, Workers};
use super::{History, Run, Session, TrainerBuilder};
use crate::collective::{Collective, Group};
use crate::data::TrainingData;
use crate::error::Error;
use crate::network::Network;
use crate::optim::AnyOptimizer;

/// Trains networks. It holds checked settings, which serve for any network and data, and the threads.
///
/// There are three ways to train, each thin over the next:
///
/// | | |
/// |---|---|
/// | [`fit`](Self::fit) | all epochs at once |
/// | [`run`](Self::run) | epoch by epoch, with callbacks, and to be resumed |
/// | [`session`](Self::session) | step by step, on batches that the caller makes |
///
/// Same machine, same seed, same instruction set: the same parameters, bit for bit, whatever the number of threads. A
/// clone shares the threads, which are started when they are first needed.
#[derive(Debug, Clone)]
pub struct Trainer {
    settings: Arc<Settings>,
    workers: Workers,
}

/// Which library processes must have to train together, and which of its ways to do so.
const PROTOCOL: &str = concat!("nn-train ", env!("CARGO_PKG_VERSION"), ", protocol 1");

/// What all ranks must have alike before anything else: the library, and what kind of network they train.
pub(crate) fn kind_of<N: Network>(network: &N) -> [(&'static str, String); 3] {
    [
        ("the library", PROTOCOL.to_owned()),
        ("the number type", N::Scalar::NAME.to_owned()),
        ("the architecture", network.architecture().to_string()),
    ]
}

/// How ranks compute must be the same, and they may have other CPUs or numbers of threads.
pub(crate) const ALIKE: &str =
    "how steps are computed (set `engine` and `instruction_set`, or `threads`, on all ranks)";

/// The settings that a trainer was built with.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) optimizer: Arc<dyn AnyOptimizer>,
    pub(super) schedule: Arc<dyn Schedule>,
    pub(super) l1: f64,
    pub(super) l2: f64,
    pub(super) clip_norm: Option<f64>,
    pub(super) clip_value: Option<f64>,
    pub(super) label_smoothing: f64,
    pub(super) divergence: Divergence,
    pub(super) batch_size: usize,
    pub(super) epochs: usize,
    pub(super) seed: u64,
    pub(super) shuffle: bool,
    pub(super) gradient_norm: bool,
    pub(super) collective: Option<Arc<dyn Collective>>,
    pub(super) verify_every: u64,
    pub(super) parts: Option<u64>,
    pub(super) plan: PlanOptions,
}

impl Trainer {
    pub(super) fn new(settings: Settings, workers: Workers) -> Self {
        Self { settings: Arc::new(settings), workers }
    }

    /// The same settings under exactly this schedule and for so many epochs, on the same threads: a step that diverges
    /// ends the run, and does not lower the rate.
    pub(crate) fn with(&self, schedule: impl Schedule + 'static, epochs: usize) -> Self {
        let (schedule, divergence) = (Arc::new(schedule), Divergence::Stop);
        let settings = Settings { schedule, epochs, divergence, ..(*self.settings).clone() };
        Self { settings: Arc::new(settings), workers: self.workers.clone() }
    }

    /// A builder with the default settings.
    pub fn builder() -> TrainerBuilder {
        TrainerBuilder::default()
    }

    /// Trains `network` for all epochs, and returns their costs.
    ///
    /// The data is a [`Dataset`](crate::Dataset) of the network's widths, or any [`Source`](crate::Source). The optimiser
    /// starts afresh, and so does the numbering of epochs: two fits of one epoch see the same order of samples twice.
    ///
    /// # Errors
    /// [`Error::Diverged`] when a cost, a gradient or an update is not finite: the parameters are then those before
    /// that step, bit for bit; [`on_divergence`](TrainerBuilder::on_divergence) may let it go on. [`Error::Width`] when
    /// data is not as wide as the network, [`Error::Target`] or [`Error::TargetSum`] when the network's loss does not
    /// take a target, [`Error::Setting`] when the number type of the network cannot express a setting or its loss knows
    /// none like it, [`Error::Threads`] when the threads could not be started, [`Error::Step`] when the CPU lacks the
    /// instruction set asked for, the engine does not suit the network, or there is no memory for the step; the network
    /// is then as it was.
    pub fn fit<N: Network, D: TrainingData<N> + ?Sized>(
        &self,
        network: &mut N,
        train: &D,
        validation: Option<&D>,
    ) -> Result<History, Error> {
        let mut run = self.run(network, train)?;
        if let Some(validation) = validation {
            run = run.validation(validation)?;
        }
        run.finish()
    }

    /// A training run that you iterate over, epoch by epoch, with callbacks if you like. See [`Run`].
    ///
    /// # Errors
    /// As [`fit`](Self::fit), but for [`Error::Diverged`].
    pub fn run<'a, N: Network, D: TrainingData<N> + ?Sized>(
        &self,
        network: &'a mut N,
        train: &'a D,
    ) -> Result<Run<'a, N>, Error> {
        Run::new(self, network, train.source())
    }

    /// Training step by step: for samples that arrive one by one, or for your own training loop. See [`Session`].
    ///
    /// The number of epochs and shuffling mean nothing here. Steps are planned for the batch size; other sizes work too,
    /// larger ones with more memory.
    ///
    /// # Errors
    /// [`Error::Setting`] when the number type of the network cannot express a setting or its loss knows none like it,
    /// [`Error::Threads`] when the threads could not be started, [`Error::Step`] when the CPU lacks the instruction set
    /// asked for, the engine does not suit the network, or there is no memory for the step.
    pub fn session<'a, N: Network>(&self, network: &'a mut N) -> Result<Session<'a, N>, Error> {
        Session::new(self, network, u64::MAX)
    }

    /// How steps on full batches of `network` would be computed: which engine, in which instruction set, on how
    /// many threads, and why.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// network! { struct Digits<64 => 32 => 10>; }
    /// println!("{}", Trainer::builder().batch_size(128).build()?.explain(&Digits::new(1))?);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Step`] when the CPU lacks the instruction set asked for, the engine does not suit the network, or there is
    /// no memory.
    pub fn explain<N: Network>(&self, network: &N) -> Result<Explanation, Error> {
        let plan = self.plan::<N::Scalar>(network.architecture(), self.settings.batch_size)?;
        Ok(plan.explain().clone())
    }

    /// The processes that train together.
    pub(crate) fn group(&self) -> Group<'_> {
        self.settings.collective.as_deref().map_or(Group::alone(), Group::of)
    }

    /// Sees that all ranks are about to do the same: the first thing that they do together.
    pub(super) fn greet<N: Network>(&self, network: &N) -> Result<(), Error> {
        let group = self.group();
        if group.ranks().is_none() {
            return Ok(());
        }
        let Settings { optimizer, schedule, l1, l2, clip_norm, clip_value, label_smoothing, divergence, .. } =
            &*self.settings;
        let Settings { batch_size, epochs, seed, shuffle, gradient_norm, verify_every, parts, .. } = &*self.settings;
        let settings = [
            ("the optimiser", format!("{optimizer:?}")),
            ("the learning rate of the first step", format!("{:?}", schedule.rate(0))),
            (
                "l1, l2, clip_norm, clip_value, label_smoothing",
                format!("{l1:?}, {l2:?}, {clip_norm:?}, {clip_value:?}, {label_smoothing:?}"),
            ),
            ("on_divergence", format!("{divergence:?}")),
            ("batch_size, epochs, seed, shuffle", format!("{batch_size}, {epochs}, {seed}, {shuffle}")),
            ("gradient_norm, verify_every, parts", format!("{gradient_norm}, {verify_every}, {parts:?}")),
        ];
        group.same("the start of training", &[&kind_of(network)[..], &settings].concat())
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn optimizer(&self) -> &dyn AnyOptimizer {
        &*self.settings.optimizer
    }

    /// The trainer's threads, started.
    pub(super) fn threads(&self) -> Result<Ready, Error> {
        self.workers.ready()
    }

    /// The plan for batches of `rows` samples.
    pub(super) fn plan<T: Element>(&self, architecture: &Architecture, rows: usize) -> Result<Plan<T>, Error> {
        Ok(Plan::new(architecture, rows, self.workers.count(), &self.settings.plan)?)
    }
}
