//! One training step: cost and gradient of a batch, the optimiser's update, and a check of the result. After an error
//! everything is as it was.

mod together;

use std::ops::Range;
use std::sync::Arc;

use nn_kernels::{
    Architecture, Batch, Buffer, Dropout, Element, Explanation, LayerRange, MAX_SLOTS, Plan, PlanOptions, Slot, Span,
    StepEngine, Stepped,
};

pub(super) use self::together::Taken;
use self::together::Together;
pub(crate) use self::together::fault_of_ranks;
use super::divergence::Divergence;
use super::schedule::Schedule;
use super::share::Share;
use super::smoothing::Smoothing;
use super::state::{OptimizerState, PlanState, SessionState, check_most};
use super::trainer::Trainer;
use crate::data::TargetRule;
use crate::error::{Error, Quantity, per_row};
use crate::network::compute::zeros;
use crate::optim::{
    Adjustment, Gradient, Outcome, Step, TypedOptimizer, Work, check_expressible, check_learning_rate, typed,
};

/// The state of a training: parameters, the optimiser's memory, the plan, and counters.
pub(super) struct Core<T: Element> {
    optimizer: Arc<dyn TypedOptimizer<T>>,
    schedule: Arc<dyn Schedule>,
    /// A rate in place of the schedule's.
    fixed_rate: Option<f64>,
    /// What the schedule's rate is multiplied by, for steps that were dropped, and how many those are.
    rate_factor: f64,
    dropped_steps: u64,
    pub(super) divergence: Divergence,
    /// The last rate that passed the check.
    checked_rate: f64,
    /// λ/B.
    decay: f64,
    /// What becomes of the gradient before the optimiser sees it.
    adjustment: Adjustment,
    smoothing: Option<Smoothing<T>>,
    seed: u64,
    /// What the trainer asks of a plan.
    options: PlanOptions,
    plan: Plan<T>,
    /// Whether a state has asked for that plan.
    replanned: bool,
    /// The parameters Θ, in the layout of the plan's engine, as are the gradient and the optimiser's memory.
    theta: Buffer<T>,
    /// The gradient Δ, which the update replaces by the new parameters.
    gradient: Buffer<T>,
    /// The optimiser's memory of each parameter: as it is, and room for the next step's.
    slots: Vec<[Buffer<T>; 2]>,
    /// Its memory of all parameters together, and the same before the step.
    scalars: Vec<f64>,
    scalars_before: Vec<f64>,
    /// Steps taken.
    steps: u64,
    /// Samples trained on.
    samples: u64,
    target_rule: TargetRule,
    /// Whether any layer drops units.
    dropout: bool,
    /// Whether the gradient's norm is measured, and the norm of the last step's.
    measures_norm: bool,
    norm: Option<f64>,
    /// Whether the network's copy of the parameters is out of date.
    ahead: bool,
    /// What no step will come after, and callbacks may still change.
    end: Option<End>,
    /// The processes that take steps together, where there are several.
    together: Option<Together<T>>,
}

/// The state at the end of a run.
#[derive(Clone, Copy)]
struct End {
    fixed_rate: Option<f64>,
    /// Whether Θ was replaced, and is where the gradient was.
    replaced: bool,
}

/// The most steps and samples that a state may have counted, far from where the counters end.
const MOST_COUNTED: u64 = 1 << 62;

/// Which step it is: what an error names.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// From 1, where there are epochs.
    pub(super) epoch: Option<usize>,
    /// From 1, within the epoch.
    pub(super) step: u64,
}

impl<T: Element> Core<T> {
    /// Steps on batches of the trainer's size, or of `rows` if that is less, from the parameters given.
    pub(super) fn new(
        trainer: &Trainer,
        architecture: &Architecture,
        parameters: &[T],
        rows: u64,
    ) -> Result<Self, Error> {
        let settings = trainer.settings();
        let optimizer = typed::<T>(&settings.optimizer);
        optimizer.validate()?;
        let batch_rows = settings.batch_size.min(usize::try_from(rows).unwrap_or(usize::MAX));
        let collective = settings.collective.as_ref().filter(|collective| collective.size() > 1);
        let ranks = collective.map_or(1, |collective| collective.size());
        let plan = trainer.plan(architecture, batch_rows.div_ceil(ranks))?;
        let params = plan.engine().params();
        let mut theta = Buffer::zeros(params)?;
        plan.engine().import(parameters, theta.as_mut_slice())?;
        if optimizer.slots() > MAX_SLOTS {
            return Err(Error::Slots { found: optimizer.slots(), expected: "MAX_SLOTS at the most" });
        }
        let slots = room(optimizer.slots(), params)?;
        let scalars = vec![0.0; optimizer.scalars()];
        let expected =
            "a number that, divided by the batch size, rounds neither to 0 nor to infinity in the network's type";
        let decay = per_row::<T>("l2", settings.l2, batch_rows, expected)?;
        let limit = |name, limit: Option<f64>| match limit {
            Some(limit) => check_expressible::<T>(name, limit).map(|()| limit),
            None => Ok(f64::INFINITY),
        };
        let adjustment = Adjustment {
            l1: per_row::<T>("l1", settings.l1, batch_rows, expected)?,
            clip_norm: limit("clip_norm", settings.clip_norm)?,
            clip_value: limit("clip_value", settings.clip_value)?,
        };
        let together = collective
            .map(|collective| Together::new(Arc::clone(collective), params, settings.verify_every))
            .transpose()?;
        let core = Self {
            optimizer,
            schedule: Arc::clone(&settings.schedule),
            fixed_rate: None,
            rate_factor: 1.0,
            dropped_steps: 0,
            divergence: settings.divergence,
            checked_rate: f64::NAN,
            decay,
            adjustment,
            smoothing: Smoothing::new(settings.label_smoothing, architecture)?,
            seed: settings.seed,
            options: settings.plan,
            plan,
            replanned: false,
            theta,
            gradient: Buffer::zeros(params)?,
            slots,
            scalars_before: scalars.clone(),
            scalars,
            steps: 0,
            samples: 0,
            target_rule: TargetRule::of(architecture),
            dropout: architecture.layers().iter().any(|layer| layer.dropout > 0.0),
            measures_norm: settings.gradient_norm,
            norm: None,
            ahead: false,
            end: None,
            together,
        };
        check_learning_rate::<T>(core.learning_rate())?;
        Ok(core)
    }

    /// Writes the parameters to the network if its copy is out of date.
    pub(super) fn write_back(&mut self, parameters: &mut [T]) {
        if std::mem::take(&mut self.ahead) {
            let written = self.plan.engine().export(self.theta.as_slice(), parameters);
            // A wrong length is all that could be in the way, and `import` has had the same ones.
            debug_assert_eq!(written, Ok(()));
        }
    }

    /// How steps are computed.
    pub(super) fn explain(&self) -> &Explanation {
        self.plan.explain()
    }

    /// Whether a step on `rows` samples has no part worth giving to another thread.
    pub(super) fn is_undivided(&self, rows: usize) -> bool {
        self.plan.is_undivided(rows)
    }

    /// The engine, and Θ in its layout.
    pub(super) fn engine(&mut self) -> (&mut dyn StepEngine<T>, &[T]) {
        (self.plan.engine_mut(), self.theta.as_slice())
    }

    /// The targets of a batch are what the loss takes.
    pub(super) fn check_targets(&self, targets: &[T]) -> Result<(), Error> {
        self.target_rule.check(self.plan.engine().set(), targets, self.architecture().outputs())
    }

    pub(super) fn architecture(&self) -> &Architecture {
        self.plan.engine().architecture()
    }

    pub(super) fn steps(&self) -> u64 {
        self.steps
    }

    /// The seed of orders and dropout masks.
    #[cfg(feature = "checkpoints")]
    pub(super) fn seed(&self) -> u64 {
        self.seed
    }

    /// The learning rate of the next step.
    pub(super) fn learning_rate(&self) -> f64 {
        self.fixed_rate.unwrap_or_else(|| self.schedule.rate(self.steps) * self.rate_factor)
    }

    /// Whether a step that has diverged is dropped; the rate of those to come is then lower.
    pub(super) fn drops_step(&mut self) -> bool {
        let Divergence::SkipAndShrink { factor, at_most } = self.divergence else { return false };
        if self.dropped_steps >= at_most {
            return false;
        }
        let (rate, rate_factor) = (self.learning_rate() * factor, self.rate_factor * factor);
        // A rate that has shrunk to nothing moves nothing.
        if rate == 0.0 || rate_factor == 0.0 || check_learning_rate::<T>(rate).is_err() {
            return false;
        }
        self.dropped_steps += 1;
        self.rate_factor = rate_factor;
        self.fixed_rate = self.fixed_rate.map(|rate| rate * factor);
        true
    }

    /// Steps that have been dropped.
    pub(super) fn dropped_steps(&self) -> u64 {
        self.dropped_steps
    }

    /// Sets the rate of the steps to come.
    pub(super) fn set_learning_rate(&mut self, rate: f64) -> Result<(), Error> {
        check_learning_rate::<T>(rate)?;
        self.fixed_rate = Some(rate);
        Ok(())
    }

    /// Leaves the rate to the schedule again.
    pub(super) fn follow_schedule(&mut self) {
        self.fixed_rate = None;
    }

    pub(super) fn gradient_norm(&self) -> Option<f64> {
        self.norm
    }

    /// No step will be taken any more. The state stays as it is, whatever is set from now on.
    pub(super) fn end(&mut self) {
        self.end = Some(End { fixed_rate: self.fixed_rate, replaced: false });
    }

    /// Whether [`end`](Self::end) was called.
    pub(super) fn has_ended(&self) -> bool {
        self.end.is_some()
    }

    /// Goes on from other parameters; the optimiser's memory stays.
    pub(super) fn set_parameters(&mut self, parameters: &[T]) -> Result<(), Error> {
        match &mut self.end {
            Some(end) if !end.replaced => {
                self.plan.engine().import(parameters, self.gradient.as_mut_slice())?;
                std::mem::swap(&mut self.theta, &mut self.gradient);
                end.replaced = true;
            }
            _ => self.plan.engine().import(parameters, self.theta.as_mut_slice())?,
        }
        self.ahead = true;
        Ok(())
    }

    /// The cost of `batch` before the step, and the parameters moved, or an error and everything as it was.
    pub(super) fn step(&mut self, batch: &Batch<'_, T>, place: Place) -> Result<f64, Error> {
        self.check_next_rate()?;
        let learning_rate = self.learning_rate();
        let dropout = self.dropout.then_some(Dropout { seed: self.seed, first_sample: self.samples });
        let batch = &self.smoothing.map_or(*batch, |smoothing| smoothing.of(batch));
        if !self.scalars.is_empty() {
            self.scalars_before.copy_from_slice(&self.scalars);
        }
        let number = self.steps + 1;
        let gradient = Gradient::Of { batch, decay: self.decay, dropout };
        let (optimizer, scalars, work, span) = self.work_on(gradient);
        let outcome = optimizer.step(Step { number, learning_rate, scalars }, work, span);
        match outcome {
            Ok(outcome) if outcome.is_taken() => {
                self.take(outcome, batch.rows() as u64);
                Ok(outcome.stepped.cost)
            }
            other => {
                self.scalars.copy_from_slice(&self.scalars_before);
                Err(self.fault(batch, dropout, other?.stepped, place)?)
            }
        }
    }

    /// The rate of the next step is one.
    fn check_next_rate(&mut self) -> Result<(), Error> {
        let learning_rate = self.learning_rate();
        if learning_rate != self.checked_rate {
            check_learning_rate::<T>(learning_rate)?;
            self.checked_rate = learning_rate;
        }
        Ok(())
    }

    /// All that a step needs, once it is known where its gradient comes from.
    fn work_on<'s>(
        &'s mut self,
        gradient: Gradient<'s, T>,
    ) -> (&'s dyn TypedOptimizer<T>, &'s mut [f64], Work<'s, T>, Span<'s, T>) {
        let Self { optimizer, plan, theta, gradient: room, slots, scalars, .. } = self;
        let work = Work {
            engine: plan.engine_mut(),
            gradient,
            slots: slots.len(),
            measures_norm: self.measures_norm,
            adjustment: self.adjustment,
        };
        let mut span = Span::new(theta.as_slice(), room.as_mut_slice());
        for (slot, [old, new]) in span.slots.iter_mut().zip(slots) {
            *slot = Slot { old: old.as_slice(), new: new.as_mut_slice() };
        }
        (&**optimizer, scalars, work, span)
    }

    /// Goes on from what a step has computed.
    fn take(&mut self, outcome: Outcome, rows: u64) {
        std::mem::swap(&mut self.theta, &mut self.gradient);
        self.slots.iter_mut().for_each(|[old, new]| std::mem::swap(old, new));
        self.norm = outcome.norm;
        self.steps += 1;
        self.samples += rows;
        self.ahead = true;
    }

    /// The cost of `batch` as the parameters are now, and its gradient in the network's layout: those of a step but for
    /// dropout, and before clipping. Nothing that a step depends on changes; but once the run has [ended](Self::end), the
    /// room that this takes may hold the last step's parameters.
    pub(super) fn gradient(&mut self, own: &Share<'_, T>, gradient: &mut [T]) -> Result<f64, Error> {
        let batch = match own.batch {
            Some(batch) if self.is_alone() => batch,
            _ => return self.gradient_together(own, gradient),
        };
        let Self { plan, theta, gradient: room, decay, adjustment, smoothing, .. } = self;
        let engine = plan.engine_mut();
        let batch = smoothing.map_or(batch, |smoothing| smoothing.of(&batch));
        // Between steps that is free.
        let cost = engine.gradient(theta.as_slice(), batch, *decay, None, room.as_mut_slice())?;
        adjustment.add_l1(engine, theta.as_slice(), room.as_mut_slice());
        engine.export(room.as_slice(), gradient)?;
        Ok(cost + adjustment.penalty(engine, theta.as_slice()))
    }

    /// The error of a step that failed.
    #[cold]
    fn fault(
        &mut self,
        batch: &Batch<'_, T>,
        dropout: Option<Dropout>,
        stepped: Stepped,
        place: Place,
    ) -> Result<Error, Error> {
        let learning_rate = Some(self.learning_rate());
        let update = self.faulty_update();
        let Self { plan, theta, gradient, decay, .. } = self;
        let engine = plan.engine_mut();
        let Place { epoch, step } = place;
        let diverged = |quantity, layer| Error::Diverged { epoch, step, layer, quantity, learning_rate, rank: None };
        // Δ may have been replaced by parameters; the same step once more tells whether it was at fault.
        engine.gradient(theta.as_slice(), *batch, *decay, dropout, gradient.as_mut_slice())?;
        let fault = match last_faulty(engine.ranges(), gradient.as_slice()) {
            Some(layer) => diverged(Quantity::Gradient, layer),
            None if !stepped.cost.is_finite() => diverged(Quantity::Cost, engine.ranges().len()),
            None => diverged(Quantity::Update, update),
        };
        Ok(fault)
    }

    /// The first layer of which an update has made a number that is not finite, from 1.
    fn faulty_update(&self) -> usize {
        let (gradient, slots) = (self.gradient.as_slice(), &self.slots);
        let faulty = |range: &LayerRange| {
            is_faulty(gradient, range) || slots.iter().any(|[_, new]| is_faulty(new.as_slice(), range))
        };
        self.plan.engine().ranges().iter().position(faulty).unwrap_or(0) + 1
    }

    /// The whole state as a value, in the network's layout.
    pub(super) fn export(&self) -> Result<SessionState<T>, Error> {
        let params = self.architecture().params();
        let (theta, learning_rate) = match self.end {
            Some(End { fixed_rate, replaced }) => (if replaced { &self.gradient } else { &self.theta }, fixed_rate),
            None => (&self.theta, self.fixed_rate),
        };
        let flat = |own: &Buffer<T>| {
            let mut numbers = zeros(params)?;
            self.plan.engine().export(own.as_slice(), &mut numbers)?;
            Ok::<_, Error>(numbers)
        };
        Ok(SessionState {
            architecture: self.architecture().to_string(),
            parameters: flat(theta)?,
            optimizer: OptimizerState {
                name: self.optimizer.name().to_owned(),
                slots: self.slots.iter().map(|[old, _]| flat(old)).collect::<Result<_, _>>()?,
                scalars: self.scalars.clone(),
            },
            steps: self.steps,
            samples: self.samples,
            seed: self.seed,
            learning_rate,
            rate_factor: self.rate_factor,
            dropped_steps: self.dropped_steps,
            plan: Some(PlanState::of(self.explain())),
        })
    }

    /// Plans steps as a state says that they were computed, or, where it says nothing, as the trainer does. Where that is
    /// another way than the present one, parameters and the optimiser's memory are zeros afterwards; after an error
    /// everything is as it was.
    fn replan(&mut self, state: Option<&PlanState>) -> Result<(), Error> {
        let now = self.explain();
        let options = match state {
            Some(state) if PlanState::of(now) == *state => return Ok(()),
            Some(state) => state.options(self.options)?,
            None if !self.replanned => return Ok(()),
            None => self.options,
        };
        let plan = Plan::new(self.architecture(), now.batch_rows, now.threads_given, &options)?;
        let params = plan.engine().params();
        let (theta, gradient, slots) =
            (Buffer::zeros(params)?, Buffer::zeros(params)?, room(self.slots.len(), params)?);
        if let Some(together) = &mut self.together {
            together.replan(params)?;
        }
        (self.plan, self.theta, self.gradient, self.slots) = (plan, theta, gradient, slots);
        self.replanned = state.is_some();
        Ok(())
    }

    /// A state is of this architecture.
    pub(super) fn check_architecture(&self, found: &str) -> Result<(), Error> {
        let expected = self.architecture().to_string();
        if expected == found { Ok(()) } else { Err(Error::AnotherArchitecture { expected, found: found.to_owned() }) }
    }

    /// Takes a state in place of its own, or an error and everything as it was.
    pub(super) fn import(&mut self, state: &SessionState<T>) -> Result<(), Error> {
        let expected = |what, expected: &str, found: &str| {
            if expected == found {
                return Ok(());
            }
            Err(Error::State { what, expected: expected.to_owned(), found: found.to_owned() })
        };
        let SessionState { architecture, parameters, optimizer, steps, samples, seed, .. } = state;
        let SessionState { learning_rate, rate_factor, dropped_steps, plan, .. } = state;
        self.check_architecture(architecture)?;
        expected("the optimiser", self.optimizer.name(), &optimizer.name)?;
        let counts = [
            ("the number of parameters", self.architecture().params(), parameters.len()),
            ("the optimiser's numbers for each parameter", self.slots.len(), optimizer.slots.len()),
            ("the optimiser's numbers for all parameters", self.scalars.len(), optimizer.scalars.len()),
        ];
        let lengths = optimizer
            .slots
            .iter()
            .map(|slot| ("the length of the optimiser's memory", self.architecture().params(), slot.len()));
        for (what, right, found) in counts.into_iter().chain(lengths) {
            expected(what, &right.to_string(), &found.to_string())?;
        }
        let numbers = [("parameters", parameters)].into_iter();
        let numbers = numbers.chain(optimizer.slots.iter().map(|slot| ("the optimiser's memory", slot)));
        for (what, numbers) in numbers {
            if let Some(number) = numbers.iter().find(|number| !number.is_finite()) {
                let expected = "finite numbers".to_owned();
                return Err(Error::State { what, expected, found: number.to_string() });
            }
        }
        check_most("the steps taken", MOST_COUNTED, *steps)?;
        check_most("the samples trained on", MOST_COUNTED, *samples)?;
        check_most("the steps dropped", MOST_COUNTED, *dropped_steps)?;
        if let Some(rate) = *learning_rate {
            check_learning_rate::<T>(rate)?;
        }
        if !(*rate_factor > 0.0 && *rate_factor <= 1.0) {
            let (expected, found) = ("a number in (0, 1]".to_owned(), rate_factor.to_string());
            return Err(Error::State { what: "the factor of the rate", expected, found });
        }
        self.replan(plan.as_ref())?;
        let engine = self.plan.engine();
        engine.import(parameters, self.theta.as_mut_slice())?;
        for (numbers, [own, _]) in optimizer.slots.iter().zip(&mut self.slots) {
            engine.import(numbers, own.as_mut_slice())?;
        }
        self.scalars.copy_from_slice(&optimizer.scalars);
        (self.steps, self.samples, self.seed, self.fixed_rate) = (*steps, *samples, *seed, *learning_rate);
        (self.rate_factor, self.dropped_steps) = (*rate_factor, *dropped_steps);
        self.norm = None;
        self.ahead = true;
        Ok(())
    }
}

/// An optimiser's memory: as it is, and room for the next step's.
fn room<T: Element>(slots: usize, params: usize) -> Result<Vec<[Buffer<T>; 2]>, Error> {
    (0..slots).map(|_| Ok([Buffer::zeros(params)?, Buffer::zeros(params)?])).collect()
}

/// The last layer, from 1, whose gradient is not finite. Back-propagation goes from the last to the first, so the
/// fault came from there or from the forward pass.
pub(crate) fn last_faulty<T: Element>(ranges: &[LayerRange], gradient: &[T]) -> Option<usize> {
    let layers = (1..).zip(ranges);
    layers.filter(|(_, range)| is_faulty(gradient, range)).last().map(|(layer, _)| layer)
}

/// Whether a layer's share of `numbers` holds one that is not finite.
fn is_faulty<T: Element>(numbers: &[T], range: &LayerRange) -> bool {
    let faulty = |part: &Range<usize>| numbers[part.clone()].iter().any(|number| !number.is_finite());
    faulty(&range.weights) || faulty(&range.bias)
}
