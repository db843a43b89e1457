//! The settings that both algorithms have.

use std::sync::Arc;

use nn_kernels::PlanOptions;

use crate::collective::{Collective, Group};
use crate::error::{Error, check_not_negative};
use crate::train::Threads;

/// When to stop, and how to compute.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) max_iterations: usize,
    pub(super) max_evaluations: usize,
    pub(super) gradient_tolerance: f64,
    pub(super) cost_tolerance: f64,
    pub(super) l2: f64,
    pub(super) threads: Threads,
    pub(super) collective: Option<Arc<dyn Collective>>,
    pub(super) plan: PlanOptions,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_iterations: 1000,
            max_evaluations: 15_000,
            gradient_tolerance: 1e-5,
            cost_tolerance: 2.2e-9,
            l2: 0.0,
            threads: Threads::default(),
            collective: None,
            plan: PlanOptions::default(),
        }
    }
}

impl Settings {
    /// The processes that compute together.
    pub(super) fn group(&self) -> Group<'_> {
        self.collective.as_deref().map_or(Group::alone(), Group::of)
    }

    /// Every setting is in its range.
    pub(super) fn validate(&self) -> Result<(), Error> {
        let counts = [("max_iterations", self.max_iterations), ("max_evaluations", self.max_evaluations)];
        if let Some((name, value)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return Err(Error::setting(name, value, "at least 1"));
        }
        let Self { gradient_tolerance, cost_tolerance, l2, .. } = *self;
        let numbers = [("gradient_tolerance", gradient_tolerance), ("cost_tolerance", cost_tolerance), ("l2", l2)];
        numbers.into_iter().try_for_each(|(name, value)| check_not_negative(name, value))
    }
}

/// The setters of an algorithm with a field `settings`, and its ways to minimise by what `$directions` makes of
/// it and an instruction set.
macro_rules! settings {
    ($Algorithm:ident, $directions:expr) => {
        impl $Algorithm {
            /// Iterations, at least 1; at most 1000 unless set. Each is a step along one direction.
            pub fn max_iterations(mut self, max_iterations: usize) -> Self {
                self.settings.max_iterations = max_iterations;
                self
            }

            /// Evaluations of the whole data set, cost and gradient at once, at least 1; at most 15 000 unless set. An
            /// iteration takes a little over 1 with L-BFGS, and a little over 2 with conjugate gradients. A line search
            /// under way ends with the best point that it has seen.
            pub fn max_evaluations(mut self, max_evaluations: usize) -> Self {
                self.settings.max_evaluations = max_evaluations;
                self
            }

            /// Stops where no entry of the gradient is larger, max |∂J/∂θ| ≤ `gradient_tolerance`; 10⁻⁵ unless set.
            /// Finite and not negative. SciPy's `gtol`.
            pub fn gradient_tolerance(mut self, gradient_tolerance: f64) -> Self {
                self.settings.gradient_tolerance = gradient_tolerance;
                self
            }

            /// Stops after 10 iterations in a row that together lowered the cost J by no more than `cost_tolerance` ·
            /// max(|J|, 1); 2.2 · 10⁻⁹ unless set. Finite and not negative; with 0 the cost stops nothing. SciPy's
            /// `ftol`, which looks at one iteration: in `f32` that is often no more than rounding.
            pub fn cost_tolerance(mut self, cost_tolerance: f64) -> Self {
                self.settings.cost_tolerance = cost_tolerance;
                self
            }

            /// λ of the cost's term λ/2m Σ‖Θ_w‖², m being all samples; 0 unless set. Finite and not negative. Biases
            /// are not regularised.
            pub fn l2(mut self, l2: f64) -> Self {
                self.settings.l2 = l2;
                self
            }

            /// Threads to work on: a number, of which 1 is the calling thread, or [`Threads::Current`]; as many as the
            /// machine offers unless set. They change no bit of the result.
            pub fn threads(mut self, threads: impl Into<Threads>) -> Self {
                self.settings.threads = threads.into();
                self
            }

            /// The processes that compute cost and gradient together, each for its share of the rows: see
            /// [`TrainerBuilder::collective`](crate::TrainerBuilder::collective). All have the same data, or a
            /// [`Shard`](crate::Shard) each.
            pub fn collective(mut self, collective: impl Collective + 'static) -> Self {
                self.settings.collective = Some(Arc::new(collective));
                self
            }

            /// The engine that computes cost and gradient; the one estimated to be the fastest unless set. One that
            /// does not suit the network is an error of [`minimize`](Self::minimize).
            pub fn engine(mut self, engine: EngineKind) -> Self {
                self.settings.plan = self.settings.plan.engine(engine);
                self
            }

            /// The instruction set; unless set, the one that the environment variable `NN_ISA` names, or else the
            /// widest.
            pub fn instruction_set(mut self, set: InstructionSet) -> Self {
                self.settings.plan = self.settings.plan.instruction_set(set);
                self
            }

            /// Moves the parameters of `network` from where they are to a minimum of the cost J of all of `data`, the
            /// same J as [`Network::cost_on`] gives, and says how that went. Samples count as they weigh.
            ///
            /// The network holds the point of the lowest cost that was found, up to the rounding of costs, whatever the
            /// reason to stop.
            ///
            /// # Errors
            /// [`Error::Setting`] for a setting out of its range, and for a network with dropout, whose training cost
            /// is another one each time. [`Error::Argument`] for a source that is not a data set in memory. [`Error::Width`] when data is not as wide as the network, [`Error::Target`] or
            /// [`Error::TargetSum`] when its loss does not take a target. [`Error::Diverged`] when the cost or the
            /// gradient is not finite at the parameters to start from; further on, a step that leads there is
            /// shortened. [`Error::Threads`] when the threads could not be started, [`Error::Step`] when the CPU lacks
            /// the instruction set asked for, the engine does not suit the network, or there is no memory.
            ///
            /// After any of these the network is as it was.
            pub fn minimize<N: Network, D: TrainingData<N> + ?Sized>(
                &self,
                network: &mut N,
                data: &D,
            ) -> Result<Solution, Error> {
                self.minimize_with(network, data, |_| Ok(Signal::Continue))
            }

            /// As [`minimize`](Self::minimize), and calls `callback` after each iteration, which may stop there.
            ///
            /// # Errors
            /// As [`minimize`](Self::minimize), and what the callback returns. After an error of the callback the
            /// network holds the point that the callback was told of: nothing that was reached is lost.
            pub fn minimize_with<N: Network, D: TrainingData<N> + ?Sized>(
                &self,
                network: &mut N,
                data: &D,
                mut callback: impl FnMut(&Iteration) -> Result<Signal, Error> + Send,
            ) -> Result<Solution, Error> {
                let directions = $directions;
                let algorithm = (self.described(), self.validate());
                descent::minimize(
                    &self.settings,
                    algorithm,
                    |set| directions(self, set),
                    network,
                    data.source(),
                    &mut callback,
                )
            }
        }
    };
}
pub(super) use settings;
