//! A training run on slices: knows shapes from data only, so that any kind of network can be trained.

use std::time::Instant;

use nn_kernels::random::{self, Purpose};
use nn_kernels::{Architecture, Batch, Element, Explanation, Loss, StepEngine};
use rand::seq::SliceRandom;
use rayon::ThreadPool;

use super::steps::{Place, Steps};
use super::{Epoch, Trainer};
use crate::data::{Samples, class_of, highest};
use crate::error::Error;

/// The threads of a run, and the work that they do.
pub(super) struct Run<'a, T: Element> {
    pool: ThreadPool,
    work: Work<'a, T>,
}

struct Work<'a, T: Element> {
    trainer: Trainer,
    training: Batch<'a, T>,
    validation: Option<Validation<'a, T>>,
    steps: Steps<T>,
    order: Vec<u32>,
    /// Epochs begun.
    epoch: usize,
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
        let pool = trainer.pool()?;
        let training = training.batch(architecture)?;
        let max = u32::MAX as usize;
        let count =
            u32::try_from(training.rows()).map_err(|_| Error::TooManySamples { found: training.rows(), max })?;
        let validation = match validation {
            Some(samples) => Some(Validation::new(architecture, samples)?),
            None => None,
        };
        let work = Work {
            trainer: trainer.clone(),
            training,
            validation,
            steps: Steps::new(trainer, architecture, training.rows())?,
            order: (0..count).collect(),
            epoch: 0,
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
                work.steps.import(parameters)?;
            }
            // After an error too: Θ is then what it was before the step that failed.
            let result = work.epoch();
            work.steps.export(parameters)?;
            result
        });
        if result.is_err() {
            work.epoch = work.trainer.epochs;
        }
        Some(result)
    }

    /// How steps are computed.
    pub(super) fn explain(&self) -> &Explanation {
        self.work.steps.explain()
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
        let right = pairs.filter(|(output, target)| highest(output) == class_of(target)).count();
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
            let batch = self.training.with_order(&self.order[rows])?;
            let place = Place { epoch: Some(self.epoch), step: step + 1 };
            sum += self.steps.step(batch, place)? * batch.rows() as f64;
        }
        let duration = start.elapsed();
        let (validation_cost, accuracy) = match &mut self.validation {
            Some(validation) => {
                let (engine, theta) = self.steps.engine();
                let (cost, accuracy) = validation.evaluate(engine, theta)?;
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
}
