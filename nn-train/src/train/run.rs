//! A training run on slices: knows shapes from data only, so that any kind of network can be trained.

use std::time::Instant;

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Architecture, Batch, Dropout, Element, Explanation, LayerRange, Loss, Plan, StepEngine};
use rand::seq::SliceRandom;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::{Epoch, Trainer};
use crate::data::{Samples, class_of, highest};
use crate::error::{Error, Quantity};
use crate::network::compute::zeros;
use crate::optim::State;

/// The threads of a run, and the work that they do.
pub(super) struct Run<'a, T: Element> {
    pool: ThreadPool,
    work: Work<'a, T>,
}

struct Work<'a, T: Element> {
    trainer: Trainer,
    training: Batch<'a, T>,
    validation: Option<Validation<'a, T>>,
    plan: Plan<T>,
    /// Θ, in the layout of the plan's engine, as are Δ and what the optimiser remembers.
    theta: Vec<T>,
    /// Δ, and then what the optimiser makes of Θ.
    gradient: Vec<T>,
    state: State<T>,
    order: Vec<u32>,
    /// Whether any layer drops units.
    dropout: bool,
    /// Epochs begun.
    epoch: usize,
    /// Samples trained on.
    samples: u64,
}

struct Validation<'a, T> {
    samples: Samples<'a, T>,
    batch: Batch<'a, T>,
    /// Room for the predictions, where an accuracy is wanted.
    outputs: Option<Vec<T>>,
}

impl<'a, T: Element> Run<'a, T> {
    /// Plans a run. What is needed for it is allocated here, or in its first epoch.
    pub(super) fn new(
        trainer: &Trainer,
        architecture: &Architecture,
        training: Samples<'a, T>,
        validation: Option<Samples<'a, T>>,
    ) -> Result<Self, Error> {
        let threads = trainer.threads;
        let pool = ThreadPoolBuilder::new().num_threads(threads).thread_name(|index| format!("nn-train {index}"));
        let pool = pool.build().map_err(|error| Error::Threads { threads, reason: error.to_string() })?;
        let training = training.batch(architecture)?;
        let max = u32::MAX as usize;
        let count =
            u32::try_from(training.rows()).map_err(|_| Error::TooManySamples { found: training.rows(), max })?;
        let validation = match validation {
            Some(samples) => Some(Validation::new(architecture, samples)?),
            None => None,
        };
        let plan = trainer.plan_for(architecture, training.rows())?;
        let params = plan.engine().params();
        let work = Work {
            trainer: trainer.clone(),
            training,
            validation,
            plan,
            theta: zeros(params)?,
            gradient: zeros(params)?,
            state: trainer.optimizer.state(params),
            order: (0..count).collect(),
            dropout: architecture.layers().iter().any(|layer| layer.dropout > 0.0),
            epoch: 0,
            samples: 0,
        };
        Ok(Self { pool, work })
    }

    /// The next epoch, or `None` after the last.
    pub(super) fn epoch(&mut self, parameters: &mut [T]) -> Option<Result<Epoch, Error>> {
        let Self { pool, work } = self;
        if work.epoch == work.trainer.epochs {
            return None;
        }
        work.epoch += 1;
        let result = pool.install(|| {
            if work.epoch == 1 {
                work.plan.engine().import(parameters, &mut work.theta)?;
            }
            // After an error too: Θ is then what it was before the step that failed.
            let result = work.epoch();
            work.plan.engine().export(&work.theta, parameters)?;
            result
        });
        if result.is_err() {
            work.epoch = work.trainer.epochs;
        }
        Some(result)
    }

    /// How steps are computed.
    pub(super) fn explain(&self) -> &Explanation {
        self.work.plan.explain()
    }

    /// Epochs that are still to come.
    pub(super) fn remaining(&self) -> usize {
        self.work.trainer.epochs - self.work.epoch
    }
}

impl<'a, T: Element> Validation<'a, T> {
    fn new(architecture: &Architecture, samples: Samples<'a, T>) -> Result<Self, Error> {
        let batch = samples.batch(architecture)?;
        let mut targets = samples.targets.chunks_exact(architecture.outputs());
        let classes = architecture.loss() == Loss::CrossEntropy && targets.all(|target| class_of(target).is_some());
        Ok(Self { samples, batch, outputs: classes.then(|| vec![T::ZERO; samples.targets.len()]) })
    }

    /// The mean loss, and the share classified right.
    fn evaluate(&mut self, engine: &mut dyn StepEngine<T>, theta: &[T]) -> Result<(f64, Option<f64>), Error> {
        let cost = engine.cost(theta, self.batch, 0.0)?;
        let Some(outputs) = &mut self.outputs else { return Ok((cost, None)) };
        engine.predict(theta, self.samples.inputs, outputs)?;
        let width = engine.architecture().outputs();
        let pairs = outputs.chunks_exact(width).zip(self.samples.targets.chunks_exact(width));
        let right = pairs.filter(|(output, target)| Some(highest(output)) == class_of(target)).count();
        Ok((cost, Some(right as f64 / self.batch.rows() as f64)))
    }
}

impl<T: Element> Work<'_, T> {
    /// One pass over the data, in steps, and the validation after it.
    fn epoch(&mut self) -> Result<Epoch, Error> {
        let start = Instant::now();
        if self.trainer.shuffle {
            // From the same order each time, so that an epoch's order depends on its number alone.
            for (index, sample) in (0..).zip(&mut self.order) {
                *sample = index;
            }
            let index = (self.epoch - 1) as u32;
            self.order.shuffle(&mut random::stream(self.trainer.seed, Purpose::Shuffle, index));
        }
        let count = self.training.rows();
        let batch_size = self.trainer.batch_size.min(count);
        let mut sum = 0.0;
        for step in 0..count.div_ceil(batch_size) {
            let rows = step * batch_size..((step + 1) * batch_size).min(count);
            let rows_in_batch = rows.len();
            sum += self.step(step + 1, rows)? * rows_in_batch as f64;
        }
        let duration = start.elapsed();
        let (validation_cost, accuracy) = match &mut self.validation {
            Some(validation) => {
                let (cost, accuracy) = validation.evaluate(self.plan.engine_mut(), &self.theta)?;
                (Some(cost), accuracy)
            }
            None => (None, None),
        };
        Ok(Epoch {
            number: self.epoch,
            cost: sum / count as f64,
            validation_cost,
            accuracy,
            samples_per_second: count as f64 / duration.as_secs_f64().max(f64::MIN_POSITIVE),
            duration,
        })
    }

    /// One step on the samples at `rows` of the order: J, Δ, and then Θ, or an error and Θ as it was.
    fn step(&mut self, step: usize, rows: std::ops::Range<usize>) -> Result<f64, Error> {
        let batch = self.training.with_order(&self.order[rows])?;
        let dropout = self.dropout.then_some(Dropout { seed: self.trainer.seed, first_sample: self.samples });
        let Self { plan, theta, gradient, state, trainer, epoch, .. } = self;
        let engine = plan.engine_mut();
        let diverged = |quantity, layer| Err(Error::Diverged { epoch: *epoch, step, layer, quantity });
        let cost = engine.gradient(theta, batch, trainer.l2, dropout, gradient)?;
        if !cost.is_finite() {
            return match last_faulty(engine.ranges(), gradient) {
                Some(layer) => diverged(Quantity::Gradient, layer),
                None => diverged(Quantity::Cost, engine.ranges().len()),
            };
        }
        if !trainer.optimizer.propose(state, engine.set(), engine.ranges(), theta, gradient) {
            let faulty = |range: &LayerRange| {
                is_faulty(gradient, range) || state.slots.iter().any(|slot| is_faulty(slot, range))
            };
            let update = engine.ranges().iter().position(faulty).unwrap_or(0);
            // The optimiser has overwritten Δ; the same step once more tells whether Δ was at fault.
            engine.gradient(theta, batch, trainer.l2, dropout, gradient)?;
            return match last_faulty(engine.ranges(), gradient) {
                Some(layer) => diverged(Quantity::Gradient, layer),
                None => diverged(Quantity::Update, update + 1),
            };
        }
        std::mem::swap(theta, gradient);
        self.samples += batch.rows() as u64;
        Ok(cost)
    }
}

/// The last layer, from 1, whose gradient is not finite. Back-propagation goes from the last to the first, so the
/// fault came from there or from the forward pass.
fn last_faulty<T: Element>(ranges: &[LayerRange], gradient: &[T]) -> Option<usize> {
    let layers = (1..).zip(ranges);
    layers.filter(|(_, range)| is_faulty(gradient, range)).last().map(|(layer, _)| layer)
}

/// Whether a layer's share of `numbers` holds one that is not finite; a slot without numbers does not.
fn is_faulty<T: Element>(numbers: &[T], range: &LayerRange) -> bool {
    let share = numbers.get(range.weights.start..range.bias.end).unwrap_or(&[]);
    share.iter().any(|number| !number.is_finite())
}
