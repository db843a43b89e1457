//! The samples of one step.

use crate::error::{StepError, rows_of};
use crate::{Architecture, Element};

/// The samples of one step, sample-major as the user holds them: m rows of S_1 inputs and S_L targets.
///
/// With an [order](Self::with_order) the step takes those samples in that order, so that a shuffled epoch copies
/// nothing but the rows that a shard is about to read.
///
/// ```
/// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, StepError};
///
/// let architecture = Architecture::new(vec![Layer::new(2, 1, Activation::Sigmoid)], Loss::CrossEntropy)?;
/// let xor = [0.0, 0.0, 0.0, 1.0, 1.0, 0.0, 1.0, 1.0];
/// let batch = Batch::new(&architecture, &xor, &[0.0, 1.0, 1.0, 0.0])?;
/// assert_eq!(batch.rows(), 4);
/// assert_eq!(batch.with_order(&[3, 0])?.rows(), 2);
///
/// let wrong = Batch::new(&architecture, &xor, &[0.0, 1.0]);
/// assert_eq!(wrong, Err(StepError::Rows { what: "targets", expected: 4, found: 2 }));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Batch<'a, T> {
    inputs: &'a [T],
    targets: &'a [T],
    order: Option<&'a [u32]>,
    input_width: usize,
    target_width: usize,
    rows: usize,
}

impl<'a, T: Element> Batch<'a, T> {
    /// All samples of `inputs` (m × S_1) with their `targets` (m × S_L), both sample-major.
    ///
    /// # Errors
    /// [`StepError::NoRows`], [`StepError::Ragged`] or [`StepError::Rows`].
    pub fn new(architecture: &Architecture, inputs: &'a [T], targets: &'a [T]) -> Result<Self, StepError> {
        let (input_width, target_width) = (architecture.inputs(), architecture.outputs());
        let rows = rows_of("inputs", inputs, input_width)?;
        let found = rows_of("targets", targets, target_width)?;
        if found != rows {
            return Err(StepError::Rows { what: "targets", expected: rows, found });
        }
        Ok(Self { inputs, targets, order: None, input_width, target_width, rows })
    }

    /// The samples that `order` names, in its order; a sample may appear more than once.
    ///
    /// # Errors
    /// [`StepError::NoRows`] when `order` is empty, [`StepError::Order`] when it points past the samples.
    pub fn with_order(self, order: &'a [u32]) -> Result<Self, StepError> {
        if order.is_empty() {
            return Err(StepError::NoRows { what: "order" });
        }
        let rows = self.inputs.len() / self.input_width;
        match order.iter().position(|&index| index as usize >= rows) {
            Some(position) => Err(StepError::Order { position, index: order[position], rows }),
            None => Ok(Self { order: Some(order), rows: order.len(), ..self }),
        }
    }

    /// m, the samples that a step on this batch takes.
    #[must_use]
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// The widths of inputs and targets are `architecture`'s.
    pub(crate) fn check(&self, architecture: &Architecture) -> Result<(), StepError> {
        let wrong = |what, expected, found| Err(StepError::Width { what, expected, found });
        if self.input_width != architecture.inputs() {
            return wrong("inputs", architecture.inputs(), self.input_width);
        }
        if self.target_width != architecture.outputs() {
            return wrong("targets", architecture.outputs(), self.target_width);
        }
        Ok(())
    }
}

impl<'a, T: Element> Batch<'a, T> {
    /// Whether rows are taken in an order of their own, and need to be gathered.
    pub(crate) const fn is_ordered(&self) -> bool {
        self.order.is_some()
    }

    /// The place of row `row` of the step among the samples.
    fn place(&self, row: usize) -> usize {
        self.order.map_or(row, |order| order[row] as usize)
    }

    /// The inputs of row `row` of the step.
    pub(crate) fn input(&self, row: usize) -> &'a [T] {
        &self.inputs[self.place(row) * self.input_width..][..self.input_width]
    }

    /// The targets of row `row` of the step.
    pub(crate) fn target(&self, row: usize) -> &'a [T] {
        &self.targets[self.place(row) * self.target_width..][..self.target_width]
    }

    /// Rows `first..first + count` of the step.
    pub(crate) const fn slice(self, first: usize, count: usize) -> Rows<'a, T> {
        Rows { batch: self, first, count }
    }
}

/// Consecutive rows of a batch, which one shard is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a, T> {
    batch: Batch<'a, T>,
    first: usize,
    count: usize,
}

impl<'a, T: Element> Rows<'a, T> {
    /// The rows' inputs and targets: the batch's own slices, or copied into the room given where the batch has an
    /// order. The room must then hold all rows.
    pub(crate) fn gather<'b>(&self, inputs: &'b mut [T], targets: &'b mut [T]) -> (&'b [T], &'b [T])
    where
        'a: 'b,
    {
        let Batch { input_width, target_width, .. } = self.batch;
        let rows = self.first..self.first + self.count;
        let Some(order) = self.batch.order else {
            return (
                &self.batch.inputs[rows.start * input_width..rows.end * input_width],
                &self.batch.targets[rows.start * target_width..rows.end * target_width],
            );
        };
        let inputs = &mut inputs[..self.count * input_width];
        let targets = &mut targets[..self.count * target_width];
        let places = inputs.chunks_exact_mut(input_width).zip(targets.chunks_exact_mut(target_width));
        for (&index, (input, target)) in order[rows].iter().zip(places) {
            let index = index as usize;
            input.copy_from_slice(&self.batch.inputs[index * input_width..][..input_width]);
            target.copy_from_slice(&self.batch.targets[index * target_width..][..target_width]);
        }
        (inputs, targets)
    }
}
