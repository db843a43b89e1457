//! Validation: cost and accuracy on data that is not trained on, after each epoch.

use std::ops::Range;

use nn_kernels::{Architecture, Element, Loss, StepEngine};

use super::core::Core;
use super::feed::{check_source, check_widths};
use super::parts::portion;
use crate::collective::Group;
use crate::data::{Access, Rows, Samples, Source, class_of, highest};
use crate::error::Error;
use crate::network::compute::zeros;

/// Rows that are read at a time, from a source that is not in memory.
const ROWS: u64 = 4096;

/// Data to validate on.
pub(super) struct Validation<'a, T: Element> {
    source: &'a dyn Source<Scalar = T>,
    /// Whether rows are taken from memory, if they are there.
    resident: bool,
    /// Room for rows, where they are read.
    rows: Rows<T>,
    indices: Vec<u64>,
    outputs: Vec<T>,
    /// Whether targets may be classes.
    classes: bool,
}

/// Sums over the data.
#[derive(Clone, Copy, Default)]
struct Sums {
    cost: f64,
    right: f64,
    weight: f64,
}

impl<'a, T: Element> Validation<'a, T> {
    pub(super) fn new(
        source: &'a dyn Source<Scalar = T>,
        architecture: &Architecture,
        group: Group<'_>,
    ) -> Result<Self, Error> {
        if source.access() == Access::Stream && group.size() > 1 && !source.is_shard() {
            return Err(Error::Division {
                found: "a stream of rows to validate on".to_owned(),
                pieces: format!("among {} ranks", group.size()),
                expected: "a `Shard` on each rank, whose stream is of rows of its own, or a source that is no stream",
            });
        }
        // Of a file in blocks a rank reads its own ones only.
        let resident = group.ranks().is_none() || !matches!(source.access(), Access::Blocks { .. });
        if resident {
            check_source(source, architecture)?;
        } else {
            check_widths(source, architecture)?;
        }
        let rows = Rows::of(source)?.checked_for(architecture);
        let classes = architecture.loss() == Loss::CrossEntropy;
        Ok(Self { source, resident, rows, indices: Vec::new(), outputs: Vec::new(), classes })
    }

    /// The mean loss without the λ term, and the share classified right where all targets are classes: one forward pass.
    /// Of several ranks each evaluates its share of the rows.
    pub(super) fn evaluate(&mut self, core: &mut Core<T>) -> Result<(f64, Option<f64>), Error> {
        let own = self.evaluate_share(core);
        let group = core.group();
        let sums = match group.ranks() {
            None => own?,
            Some(_) => {
                let Sums { cost, right, weight } = *own.as_ref().unwrap_or(&Sums::default());
                let not_classes = f64::from(!self.classes);
                let numbers = [cost, right, weight, not_classes, f64::from(own.is_err())];
                let [cost, right, weight, not_classes, fails] = group.sum("validation", numbers)?;
                if fails != 0.0 {
                    return Err(group.failure(own.err())?);
                }
                self.classes &= not_classes == 0.0;
                Sums { cost, right, weight }
            }
        };
        let classes = self.classes;
        let mean = |sum: f64| if sums.weight == 0.0 { 0.0 } else { sum / sums.weight };
        // An output that is no number is no class, and no accuracy is better than a wrong one.
        let accuracy = (classes && sums.cost.is_finite()).then(|| mean(sums.right));
        Ok((mean(sums.cost), accuracy))
    }

    /// The sums over this rank's rows.
    fn evaluate_share(&mut self, core: &mut Core<T>) -> Result<Sums, Error> {
        let Self { source, resident, rows, indices, outputs, classes } = self;
        let share = if source.is_shard() { 0..source.len() } else { share_of(core.group(), source.len()) };
        let (engine, theta) = core.engine();
        let mut sums = Sums::default();
        if share.is_empty() {
            return Ok(sums);
        }
        if let Some(data) = source.resident().filter(|_| *resident) {
            let samples = data.samples().slice(share.start as usize..share.end as usize);
            *classes = sums.add(engine, theta, samples, outputs, *classes)?;
            return Ok(sums);
        }
        for first in share.clone().step_by(ROWS as usize) {
            indices.clear();
            indices.extend(first..(first + ROWS).min(share.end));
            rows.fill(*source, indices)?;
            *classes = sums.add(engine, theta, rows.samples(), outputs, *classes)?;
        }
        Ok(sums)
    }
}

/// A rank's share of rows that all ranks have.
pub(crate) fn share_of(group: Group<'_>, rows: u64) -> Range<u64> {
    let (rank, size) = (group.rank() as u64, group.size() as u64);
    portion(rank, rows, size)..portion(rank + 1, rows, size)
}

impl Sums {
    /// Adds samples; whether their targets are still classes.
    fn add<T: Element>(
        &mut self,
        engine: &mut dyn StepEngine<T>,
        theta: &[T],
        samples: Samples<'_, T>,
        outputs: &mut Vec<T>,
        classes: bool,
    ) -> Result<bool, Error> {
        let batch = samples.batch(engine.architecture())?;
        let weight = samples.weights.map(|weights| weights.iter().map(|weight| weight.to_f64()).sum::<f64>());
        let weight = weight.unwrap_or(batch.rows() as f64);
        self.weight += weight;
        let width = samples.target_width;
        let classes = classes && samples.targets.chunks_exact(width).all(|target| class_of(target).is_some());
        if !classes {
            self.cost += weight * engine.cost(theta, batch, 0.0)?;
            return Ok(false);
        }
        if outputs.len() < samples.targets.len() {
            *outputs = zeros(samples.targets.len())?;
        }
        let outputs = &mut outputs[..samples.targets.len()];
        self.cost += weight * engine.evaluate(theta, batch, 0.0, outputs)?;
        for (sample, (output, target)) in
            outputs.chunks_exact(width).zip(samples.targets.chunks_exact(width)).enumerate()
        {
            if highest(output) == class_of(target) {
                self.right += samples.weight(sample);
            }
        }
        Ok(true)
    }
}
