//! The samples of one step.

use crate::error::{Shown, StepError, rows_of};
use crate::{Architecture, Element};

/// The samples of one step, sample-major as the user holds them: m rows of S_1 inputs and S_L targets.
///
/// With an [order](Self::with_order) the step takes those samples in that order, so that a shuffled epoch copies
/// nothing but the rows that a shard is about to read. With [weights](Self::with_weights) some samples count more than
/// others. [Smoothed](Self::with_smoothing) targets are made of the batch's own in the step, and are not kept either.
///
/// A batch is checked when it is made, the order and the weights number by number. Make it once for all samples, and
/// from it one batch a step by [`with_order`](Self::with_order): that looks at no more than the step's own rows.
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
    order: Option<&'a [u64]>,
    /// One a sample.
    weights: Option<&'a [T]>,
    smoothing: Option<Smoothing<T>>,
    /// What the samples weigh that the mean is over, where this batch is a part of them.
    total: Option<f64>,
    input_width: usize,
    target_width: usize,
    rows: usize,
}

/// What a target becomes: y ← keep · y + share.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Smoothing<T> {
    keep: T,
    share: T,
}

impl<'a, T: Element> Batch<'a, T> {
    /// All samples of `inputs` (m × S_1) with their `targets` (m × S_L), both sample-major.
    ///
    /// # Errors
    /// [`StepError::NoRows`], [`StepError::Ragged`] or [`StepError::Rows`].
    #[inline]
    pub fn new(architecture: &Architecture, inputs: &'a [T], targets: &'a [T]) -> Result<Self, StepError> {
        let (input_width, target_width) = (architecture.inputs(), architecture.outputs());
        let rows = rows_of("inputs", inputs, input_width)?;
        let found = rows_of("targets", targets, target_width)?;
        if found != rows {
            return Err(StepError::Rows { what: "targets", expected: rows, found });
        }
        Ok(Self {
            inputs,
            targets,
            order: None,
            weights: None,
            smoothing: None,
            total: None,
            input_width,
            target_width,
            rows,
        })
    }

    /// The samples that `order` names, in its order; a sample may appear more than once.
    ///
    /// # Errors
    /// [`StepError::NoRows`] when `order` is empty, [`StepError::Order`] when it points past the samples.
    pub fn with_order(self, order: &'a [u64]) -> Result<Self, StepError> {
        if order.is_empty() {
            return Err(StepError::NoRows { what: "order" });
        }
        let rows = self.samples();
        match order.iter().position(|&index| index >= rows as u64) {
            Some(position) => Err(StepError::Order { position, index: order[position], rows }),
            None => Ok(Self { order: Some(order), rows: order.len(), ..self }),
        }
    }

    /// How much each sample counts: J = Σ sᵢ lossᵢ / Σ sᵢ over the rows of a step, and the λ term as without weights. There
    /// is one weight for each sample, not for each row of an order.
    ///
    /// Only their ratios matter. A sample of weight 2 counts as two of weight 1 do. One of weight 0 adds nothing to cost
    /// and gradient, whatever its target; its inputs still go through the network, and must be finite. Where all weights
    /// of a step are 0, the data's cost and gradient are 0.
    ///
    /// ```
    /// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, Narrow, StepEngine};
    ///
    /// // 1 => 1, a = x: samples off by 1 and by 3 cost ½ and 4½
    /// let architecture = Architecture::new(vec![Layer::new(1, 1, Activation::Linear)], Loss::Mse)?;
    /// let batch = Batch::new(&architecture, &[1.0, 1.0], &[0.0, 4.0])?;
    /// let mut engine = Narrow::new(&architecture)?;
    /// assert_eq!(engine.cost(&[1.0, 0.0], batch, 0.0)?, 2.5);
    /// assert_eq!(engine.cost(&[1.0, 0.0], batch.with_weights(&[3.0, 1.0])?, 0.0)?, 1.5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`StepError::Rows`] when there are not as many as samples, [`StepError::Weight`] when one is negative or not finite.
    pub fn with_weights(self, weights: &'a [T]) -> Result<Self, StepError> {
        let (expected, found) = (self.samples(), weights.len());
        if found != expected {
            return Err(StepError::Rows { what: "weights", expected, found });
        }
        match weights.iter().position(|weight| !(weight.is_finite() && *weight >= T::ZERO)) {
            Some(position) => Err(StepError::Weight { position, value: Shown(weights[position].to_f64()) }),
            None => Ok(Self { weights: Some(weights), ..self }),
        }
    }

    /// Each target y of a step becomes `keep` · y + `share`, rounded after the product and after the sum: label smoothing.
    /// The loss must take what comes of that.
    ///
    /// ```
    /// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, Narrow, StepEngine};
    ///
    /// // 1 => 1, a = x: the targets 0 and 4 become 1 and 3
    /// let architecture = Architecture::new(vec![Layer::new(1, 1, Activation::Linear)], Loss::Mse)?;
    /// let batch = Batch::new(&architecture, &[1.0, 1.0], &[0.0, 4.0])?;
    /// let mut engine = Narrow::new(&architecture)?;
    /// assert_eq!(engine.cost(&[1.0, 0.0], batch.with_smoothing(0.5, 1.0), 0.0)?, 1.0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_smoothing(self, keep: T, share: T) -> Self {
        Self { smoothing: Some(Smoothing { keep, share }), ..self }
    }

    /// A part of a larger batch, whose samples weigh `total` together, or are so many where they have no weights: cost and
    /// gradient are this part's share of the mean over all of them, Σ sᵢ lossᵢ / `total`. Shares of all parts add up to the
    /// whole batch's; let one part alone have a `decay`.
    ///
    /// ```
    /// use nn_kernels::{Activation, Architecture, Batch, Layer, Loss, Narrow, StepEngine};
    ///
    /// // 1 => 1, a = x: samples off by 1 and by 3 cost ½ and 4½, their mean is 2½
    /// let architecture = Architecture::new(vec![Layer::new(1, 1, Activation::Linear)], Loss::Mse)?;
    /// let mut engine = Narrow::new(&architecture)?;
    /// let first = Batch::new(&architecture, &[1.0], &[0.0])?.with_total(2.0);
    /// let second = Batch::new(&architecture, &[1.0], &[4.0])?.with_total(2.0);
    /// assert_eq!(engine.cost(&[1.0, 0.0], first, 0.0)? + engine.cost(&[1.0, 0.0], second, 0.0)?, 2.5);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn with_total(self, total: f64) -> Self {
        Self { total: Some(total), ..self }
    }

    /// All samples, whether a step takes them or not.
    const fn samples(&self) -> usize {
        self.inputs.len() / self.input_width
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
    /// Whether samples have weights.
    pub(crate) const fn is_weighted(&self) -> bool {
        self.weights.is_some()
    }

    /// What the step's rows weigh together.
    #[inline]
    pub(crate) fn mass(&self) -> Mass {
        let own = match self.weights {
            None => Mass { factor: 1.0, total: self.rows as f64 },
            Some(weights) => Mass::of(weights, self.order, self.rows),
        };
        match self.total {
            // Beside a total that overflows here, the own weights round to nothing.
            Some(total) => Mass { total: total * own.factor, ..own },
            None => own,
        }
    }

    /// The weight of row `row` of the step, where samples have weights.
    pub(crate) fn weight(&self, row: usize, mass: Mass) -> Option<T> {
        self.weights.map(|weights| mass.weight(weights[self.place(row)]))
    }

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

    /// Whether a step's targets are other numbers than the batch's, and need room.
    pub(crate) const fn is_smoothed(&self) -> bool {
        self.smoothing.is_some()
    }

    /// Copies the targets of row `row` of the step to `room`.
    pub(crate) fn copy_target(&self, row: usize, room: &mut [T]) {
        room.copy_from_slice(&self.targets[self.place(row) * self.target_width..][..self.target_width]);
        self.smooth(room);
    }

    /// Makes a step's targets of copies of the batch's.
    fn smooth(&self, targets: &mut [T]) {
        if let Some(Smoothing { keep, share }) = self.smoothing {
            targets.iter_mut().for_each(|target| *target = keep * *target + share);
        }
    }

    /// Rows `first..first + count` of the step.
    pub(crate) const fn slice(&self, first: usize, count: usize, mass: Mass) -> Rows<'_, 'a, T> {
        Rows { batch: self, first, count, mass }
    }
}

/// What the rows of a step weigh together: as many as they are, or the sum of their weights.
///
/// Weights are brought to a mean between 1 and 4 by a power of two, which is exact: whatever their size, nothing overflows
/// that would not without them, and twice the weights give the same bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Mass {
    /// The power of two.
    factor: f64,
    /// The sum of the weights, multiplied by it.
    total: f64,
}

impl Mass {
    fn of<T: Element>(weights: &[T], order: Option<&[u64]>, rows: usize) -> Self {
        // A share of each weight is added, so that the sum cannot overflow.
        let count = rows.next_power_of_two() as f64;
        let share = 1.0 / count;
        let mut sums = [0.0; 8];
        match order {
            None => {
                let (eights, rest) = weights.as_chunks::<8>();
                for eight in eights {
                    sums.iter_mut().zip(eight).for_each(|(sum, weight)| *sum += weight.to_f64() * share);
                }
                sums.iter_mut().zip(rest).for_each(|(sum, weight)| *sum += weight.to_f64() * share);
            }
            Some(order) => {
                for eight in order.chunks(8) {
                    let weights = eight.iter().map(|&index| weights[index as usize].to_f64());
                    sums.iter_mut().zip(weights).for_each(|(sum, weight)| *sum += weight * share);
                }
            }
        }
        let mean: f64 = sums.iter().sum();
        // 2ⁿ ≤ mean < 2ⁿ⁺¹; a mean below the normal numbers is brought as near as there is a power for.
        let exponent = (mean.to_bits() >> 52) as i32 - 1023;
        let factor = f64::powi(2.0, -exponent.clamp(-1022, 1023));
        Self { factor, total: mean * factor * count }
    }

    /// 1/m or 1/Σs; 0 where nothing weighs anything.
    pub(crate) fn scale(self) -> f64 {
        if self.total == 0.0 { 0.0 } else { 1.0 / self.total }
    }

    fn weight<T: Element>(self, weight: T) -> T {
        T::from_f64(weight.to_f64() * self.factor)
    }
}

/// The samples of a shard: rows × S_1, rows × S_L, and a weight a row where there are weights.
#[derive(Debug, Clone, Copy)]
pub struct Gathered<'a, T> {
    pub(crate) rows: usize,
    pub(crate) inputs: &'a [T],
    pub(crate) targets: &'a [T],
    pub(crate) weights: Option<&'a [T]>,
}

/// Consecutive rows of a batch, which one shard is made of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'r, 'a, T> {
    batch: &'r Batch<'a, T>,
    first: usize,
    count: usize,
    mass: Mass,
}

impl<'a, T: Element> Rows<'_, 'a, T> {
    /// The rows' inputs and targets: the batch's own slices, or copied into the room given where the batch has an
    /// order, as are targets that are smoothed. The room must then hold all rows. Weights are always copied.
    pub(crate) fn gather<'b>(&self, inputs: &'b mut [T], targets: &'b mut [T], weights: &'b mut [T]) -> Gathered<'b, T>
    where
        'a: 'b,
    {
        let (inputs, targets) = self.samples(inputs, targets);
        if !self.batch.is_weighted() {
            return Gathered { rows: self.count, inputs, targets, weights: None };
        }
        let weights = &mut weights[..self.count];
        for (row, room) in (self.first..).zip(&mut *weights) {
            *room = self.batch.weight(row, self.mass).unwrap_or(T::ONE);
        }
        Gathered { rows: self.count, inputs, targets, weights: Some(weights) }
    }

    fn samples<'b>(&self, inputs: &'b mut [T], targets: &'b mut [T]) -> (&'b [T], &'b [T])
    where
        'a: 'b,
    {
        let Batch { input_width, target_width, .. } = *self.batch;
        let rows = self.first..self.first + self.count;
        let batch = self.batch;
        let Some(order) = batch.order else {
            let own = &batch.targets[rows.start * target_width..rows.end * target_width];
            let inputs = &batch.inputs[rows.start * input_width..rows.end * input_width];
            if !batch.is_smoothed() {
                return (inputs, own);
            }
            let targets = &mut targets[..own.len()];
            targets.copy_from_slice(own);
            batch.smooth(targets);
            return (inputs, targets);
        };
        let inputs = &mut inputs[..self.count * input_width];
        let targets = &mut targets[..self.count * target_width];
        let places = inputs.chunks_exact_mut(input_width).zip(targets.chunks_exact_mut(target_width));
        for (&index, (input, target)) in order[rows].iter().zip(places) {
            let index = index as usize;
            input.copy_from_slice(&batch.inputs[index * input_width..][..input_width]);
            target.copy_from_slice(&batch.targets[index * target_width..][..target_width]);
        }
        batch.smooth(targets);
        (inputs, targets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weights_have_a_mean_between_1_and_4_whatever_their_size() {
        for size in [1.0, 3.0, 1e-300, 1e300, f64::MAX] {
            for rows in [1, 2, 3, 7, 8, 9, 100] {
                let weights: Vec<f64> = (0..rows).map(|i| size / f64::from(i + 1)).collect();
                let mass = Mass::of(&weights, None, weights.len());
                let scaled: Vec<f64> = weights.iter().map(|&weight| mass.weight(weight)).collect();
                let (sum, mean) = (scaled.iter().sum::<f64>(), mass.total / f64::from(rows));
                assert!((1.0..4.0).contains(&mean), "{rows} of {size:e}: {mean}");
                assert!((sum - mass.total).abs() <= 1e-15 * sum, "{sum} {mass:?}");
                let backwards: Vec<u64> = (0..rows as u64).rev().collect();
                let ordered = Mass::of(&weights, Some(&backwards), weights.len());
                assert!((ordered.total - mass.total).abs() <= 1e-15 * sum && ordered.factor == mass.factor);
            }
        }
        let nothing = Mass::of(&[0.0_f32; 3], None, 3);
        assert_eq!((nothing.scale(), nothing.weight(0.0_f32)), (0.0, 0.0));
    }
}
