//! Validation: cost and accuracy on data that is not trained on, after each epoch.

use nn_kernels::{Architecture, Element, Loss, StepEngine};

use super::feed::check_source;
use crate::data::{Rows, Samples, Source, class_of, highest};
use crate::error::Error;
use crate::network::compute::zeros;

/// Rows that are read at a time, from a source that is not in memory.
const ROWS: u64 = 4096;

/// Data to validate on.
pub(super) struct Validation<'a, T: Element> {
    source: &'a dyn Source<Scalar = T>,
    /// Room for rows, where they are read.
    rows: Rows<T>,
    indices: Vec<u64>,
    outputs: Vec<T>,
    /// Whether targets may be classes.
    classes: bool,
}

/// Sums over the data.
#[derive(Default)]
struct Sums {
    cost: f64,
    right: f64,
    weight: f64,
}

impl<'a, T: Element> Validation<'a, T> {
    pub(super) fn new(source: &'a dyn Source<Scalar = T>, architecture: &Architecture) -> Result<Self, Error> {
        check_source(source, architecture)?;
        let rows = Rows::of(source)?.checked_for(architecture);
        let classes = architecture.loss() == Loss::CrossEntropy;
        Ok(Self { source, rows, indices: Vec::new(), outputs: Vec::new(), classes })
    }

    /// The mean loss without the λ term, and the share classified right where all targets are classes: one forward pass.
    pub(super) fn evaluate(
        &mut self,
        engine: &mut dyn StepEngine<T>,
        theta: &[T],
    ) -> Result<(f64, Option<f64>), Error> {
        let Self { source, rows, indices, outputs, classes } = self;
        let mut sums = Sums::default();
        if let Some(data) = source.resident() {
            *classes = sums.add(engine, theta, data.samples(), outputs, *classes)?;
        } else {
            for first in (0..source.len()).step_by(ROWS as usize) {
                indices.clear();
                indices.extend(first..(first + ROWS).min(source.len()));
                rows.fill(*source, indices)?;
                *classes = sums.add(engine, theta, rows.samples(), outputs, *classes)?;
            }
        }
        let mean = |sum: f64| if sums.weight == 0.0 { 0.0 } else { sum / sums.weight };
        // An output that is no number is no class, and no accuracy is better than a wrong one.
        let accuracy = (*classes && sums.cost.is_finite()).then(|| mean(sums.right));
        Ok((mean(sums.cost), accuracy))
    }
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
