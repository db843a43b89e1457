//! Samples as flat slices: what all data comes to before a step.

use std::ops::Range;

use nn_kernels::{Architecture, Batch, Element, InstructionSet, StepError};

use super::labels::{class_of, classes};
use super::targets::TargetRule;
use crate::error::Error;

/// m samples with their targets, one behind the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Samples<'a, T> {
    /// m × S_1.
    pub(crate) inputs: &'a [T],
    /// m × S_L.
    pub(crate) targets: &'a [T],
    /// m numbers, where samples do not all count the same.
    pub(crate) weights: Option<&'a [T]>,
    /// S_1, at least 1.
    pub(crate) input_width: usize,
    /// S_L, at least 1.
    pub(crate) target_width: usize,
}

/// No number in rows of `width` is infinite or NaN.
pub(crate) fn check_finite<T: Element>(what: &'static str, numbers: &[T], width: usize) -> Result<(), Error> {
    // Without an early end this becomes vector instructions; where the fault is matters once there is one.
    if numbers.iter().fold(true, |finite, number| finite & number.is_finite()) {
        return Ok(());
    }
    let place = numbers.iter().position(|number| !number.is_finite()).unwrap_or(0);
    Err(Error::NonFinite { what, row: place / width, column: place % width, value: numbers[place].to_f64() })
}

/// `numbers` is rows of `width`.
pub(super) fn check_width<T>(what: &'static str, numbers: &[T], name: &'static str, width: usize) -> Result<(), Error> {
    if width == 0 {
        return Err(Error::argument(name, width, "at least 1"));
    }
    if !numbers.len().is_multiple_of(width) {
        return Err(StepError::Ragged { what, len: numbers.len(), width }.into());
    }
    Ok(())
}

impl<'a, T: Element> Samples<'a, T> {
    /// m.
    pub(crate) fn rows(&self) -> usize {
        self.inputs.len() / self.input_width
    }

    /// What sample number `sample` counts.
    pub(crate) fn weight(&self, sample: usize) -> f64 {
        self.weights.map_or(1.0, |weights| weights[sample].to_f64())
    }

    /// There is a sample, and there is a target for each.
    pub(crate) fn check_rows(&self) -> Result<(), Error> {
        let (expected, found) = (self.rows(), self.targets.len() / self.target_width);
        if expected == 0 {
            return Err(Error::Empty { what: "inputs" });
        }
        if expected != found {
            return Err(Error::Length { what: "targets", expected, found });
        }
        Ok(())
    }

    /// As [`check_rows`](Self::check_rows), and all numbers are finite.
    pub(crate) fn check(&self) -> Result<(), Error> {
        self.check_rows()?;
        check_finite("inputs", self.inputs, self.input_width)?;
        check_finite("targets", self.targets, self.target_width)
    }

    /// The targets are what the network's loss takes: see [`TargetRule`].
    pub(crate) fn check_targets(&self, architecture: &Architecture) -> Result<(), Error> {
        TargetRule::of(architecture).check(InstructionSet::best(), self.targets, self.target_width)
    }

    /// The samples as wide as a network takes them.
    pub(crate) fn batch(&self, architecture: &Architecture) -> Result<Batch<'a, T>, Error> {
        let widths = [
            ("inputs", architecture.inputs(), self.input_width),
            ("targets", architecture.outputs(), self.target_width),
        ];
        for (what, expected, found) in widths {
            if expected != found {
                return Err(Error::Width { what, expected, found });
            }
        }
        let batch = Batch::new(architecture, self.inputs, self.targets)?;
        Ok(match self.weights {
            Some(weights) => batch.with_weights(weights)?,
            None => batch,
        })
    }

    /// Some of the rows.
    pub(crate) fn slice(&self, rows: Range<usize>) -> Self {
        let Self { inputs, targets, weights, input_width, target_width } = *self;
        Self {
            inputs: &inputs[rows.start * input_width..rows.end * input_width],
            targets: &targets[rows.start * target_width..rows.end * target_width],
            weights: weights.map(|weights| &weights[rows]),
            input_width,
            target_width,
        }
    }

    /// The classes that the targets tell apart.
    pub(crate) fn classes(&self) -> usize {
        classes(self.target_width)
    }

    /// The class of every sample.
    pub(crate) fn labels(&self) -> Result<Vec<usize>, Error> {
        let expected = if self.target_width == 1 { "0 or 1" } else { "a single 1 among zeros" };
        let label = |(sample, target)| class_of(target).ok_or(Error::NotAClass { sample, expected });
        self.targets.chunks_exact(self.target_width).enumerate().map(label).collect()
    }
}
