//! A network's layers as an engine keeps them: what all engines ask of a layer, and where its parameters lie.

use super::batch::Mass;
use crate::buffer::check_size;
use crate::error::{check_decay, check_length, check_outputs, rows_of};
use crate::loss::Output;
use crate::slope::Slope;
use crate::{Activation, Architecture, Batch, Element, InstructionSet, Layer, LayerRange, StepError};

/// How an engine keeps a layer's matrix Θ_w.
pub trait Matrix {
    /// Where the weights of unit `output` begin in the matrix, and how many numbers they are apart.
    fn row(&self, output: usize) -> (usize, usize);
}

/// One layer as an engine keeps it.
#[derive(Debug, Clone)]
pub(crate) struct LayerPlan<M> {
    /// S_l.
    pub(crate) inputs: usize,
    /// S_{l+1}.
    pub(crate) outputs: usize,
    pub(crate) activation: Activation,
    /// The probability that a unit is dropped.
    pub(crate) dropout: f64,
    pub(crate) slope: Slope,
    /// Where matrix and bias lie among the engine's parameters.
    pub(crate) range: LayerRange,
    pub(crate) matrix: M,
}

impl<M> LayerPlan<M> {
    /// The layer's matrix among all parameters, or what is laid out as they are.
    pub(crate) fn weights<'a, T>(&self, theta: &'a [T]) -> &'a [T] {
        &theta[self.range.weights.clone()]
    }

    /// The layer's matrix and its bias among all of what is laid out as the parameters are, in `size` numbers for each.
    pub(crate) fn parts<'a, T>(&self, numbers: &'a mut [T], size: usize) -> (&'a mut [T], &'a mut [T]) {
        let LayerRange { weights, bias } = &self.range;
        let (before, behind) = numbers.split_at_mut(bias.start * size);
        (&mut before[weights.start * size..weights.end * size], &mut behind[..bias.len() * size])
    }

    /// The layer's bias among all parameters.
    pub(crate) fn bias<'a, T>(&self, theta: &'a [T]) -> &'a [T] {
        &theta[self.range.bias.clone()]
    }

    /// Whether a forward pass keeps g' in memory for the way back.
    pub(crate) fn stores_slope(&self) -> bool {
        self.slope == Slope::Stored
    }
}

/// All layers of a network as an engine keeps them.
#[derive(Debug, Clone)]
pub struct Layers<M> {
    pub(crate) architecture: Architecture,
    /// The instruction set of the engine's kernels.
    pub(crate) set: InstructionSet,
    pub(crate) plans: Vec<LayerPlan<M>>,
    pub(crate) ranges: Vec<LayerRange>,
    /// All weights, and behind them all biases: what a step does to each kind is done in one run.
    pub(crate) whole: LayerRange,
}

impl<M: Matrix> Layers<M> {
    /// The layers, each of them kept as `keep` says of its number and shape: its matrix, the numbers of that, and the numbers of
    /// its bias; or `None` where no address space has so many.
    ///
    /// # Errors
    /// [`StepError::Memory`] where there cannot be memory for the parameters.
    pub(crate) fn new<T>(
        architecture: &Architecture,
        set: InstructionSet,
        mut keep: impl FnMut(usize, &Layer) -> Option<(M, usize, usize)>,
    ) -> Result<Self, StepError> {
        check_size::<T>(architecture)?;
        let too_many = StepError::Memory { bytes: usize::MAX };
        let (mut weights_end, mut biases) = (0_usize, 0_usize);
        let plan = |(index, layer): (usize, &Layer)| {
            let (matrix, weights, bias) = keep(index, layer)?;
            let weights = weights_end..weights_end.checked_add(weights)?;
            let bias = biases..biases.checked_add(bias)?;
            (weights_end, biases) = (weights.end, bias.end);
            Some(LayerPlan {
                inputs: layer.inputs,
                outputs: layer.outputs,
                activation: layer.activation,
                dropout: layer.dropout,
                slope: Slope::of(layer.activation, layer.dropout),
                range: LayerRange { weights, bias },
                matrix,
            })
        };
        let plans = architecture.layers().iter().enumerate().map(plan).collect::<Option<Vec<_>>>();
        let Some(mut plans) = plans else { return Err(too_many) };
        let params = weights_end.checked_add(biases).ok_or(too_many)?;
        // Biases begin where all weights end.
        for LayerRange { bias, .. } in plans.iter_mut().map(|plan| &mut plan.range) {
            *bias = bias.start + weights_end..bias.end + weights_end;
        }
        let ranges = plans.iter().map(|plan| plan.range.clone()).collect();
        let whole = LayerRange { weights: 0..weights_end, bias: weights_end..params };
        Ok(Self { architecture: architecture.clone(), set, plans, ranges, whole })
    }

    /// Numbers in the engine's layout.
    pub(crate) fn params(&self) -> usize {
        self.whole.bias.end
    }

    /// S_1.
    pub(crate) fn inputs(&self) -> usize {
        self.architecture.inputs()
    }

    /// S_L.
    pub(crate) fn outputs(&self) -> usize {
        self.architecture.outputs()
    }

    /// The output layer.
    pub(crate) fn last(&self) -> &LayerPlan<M> {
        &self.plans[self.plans.len() - 1]
    }

    /// The most that `units` counts for a layer.
    pub(crate) fn widest(&self, units: impl Fn(&LayerPlan<M>) -> usize) -> usize {
        self.plans.iter().map(units).max().unwrap_or(0)
    }

    /// The loss at the output for a batch.
    pub(crate) fn output(&self, mass: Mass) -> Output {
        let (loss, activation) = (self.architecture.loss(), self.architecture.output_activation());
        Output { loss, activation, width: self.outputs(), scale: mass.scale() }
    }

    /// Copies a network's flat slice into the engine's layout; what pads that is not touched.
    pub(crate) fn import<T: Element>(&self, theta: &[T], own: &mut [T]) -> Result<(), StepError> {
        self.check_layouts(theta, own)?;
        for (plan, flat) in self.plans.iter().zip(self.architecture.ranges()) {
            let matrix = &mut own[plan.range.weights.clone()];
            for (output, row) in theta[flat.weights].chunks_exact(plan.inputs).enumerate() {
                let (first, step) = plan.matrix.row(output);
                match step {
                    1 => matrix[first..first + row.len()].copy_from_slice(row),
                    _ => matrix[first..].iter_mut().step_by(step).zip(row).for_each(|(own, theta)| *own = *theta),
                }
            }
            own[plan.range.bias.start..][..plan.outputs].copy_from_slice(&theta[flat.bias]);
        }
        Ok(())
    }

    /// Copies numbers laid out as the engine's parameters into a network's flat slice.
    pub(crate) fn export<T: Element>(&self, own: &[T], theta: &mut [T]) -> Result<(), StepError> {
        self.check_layouts(theta, own)?;
        for (plan, flat) in self.plans.iter().zip(self.architecture.ranges()) {
            let matrix = plan.weights(own);
            for (output, row) in theta[flat.weights].chunks_exact_mut(plan.inputs).enumerate() {
                let (first, step) = plan.matrix.row(output);
                match step {
                    1 => row.copy_from_slice(&matrix[first..first + plan.inputs]),
                    _ => {
                        row.iter_mut().zip(matrix[first..].iter().step_by(step)).for_each(|(theta, own)| *theta = *own)
                    }
                }
            }
            theta[flat.bias].copy_from_slice(&plan.bias(own)[..plan.outputs]);
        }
        Ok(())
    }

    fn check_layouts<T>(&self, theta: &[T], own: &[T]) -> Result<(), StepError> {
        check_length("theta", theta, self.architecture.params())?;
        check_length("the engine's parameters", own, self.params())
    }

    /// What every pass over a batch asks for.
    pub(crate) fn check<T: Element>(&self, theta: &[T], batch: Batch<'_, T>, decay: f64) -> Result<(), StepError> {
        check_length("theta", theta, self.params())?;
        check_decay(decay)?;
        batch.check(&self.architecture)
    }

    /// There is room for A^(L) of so many samples.
    pub(crate) fn check_outputs<T>(&self, outputs: &[T], rows: usize) -> Result<(), StepError> {
        check_outputs(outputs, self.outputs(), rows)
    }

    /// What a prediction asks for; how many samples there are.
    pub(crate) fn check_prediction<T>(&self, theta: &[T], inputs: &[T], outputs: &[T]) -> Result<usize, StepError> {
        check_length("theta", theta, self.params())?;
        let rows = rows_of("inputs", inputs, self.inputs())?;
        self.check_outputs(outputs, rows)?;
        Ok(rows)
    }
}

/// A network at work: its layers and their parameters.
#[derive(Debug)]
pub struct Network<'a, T, M> {
    pub(crate) layers: &'a Layers<M>,
    pub(crate) theta: &'a [T],
}

impl<T, M> Clone for Network<'_, T, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T, M> Copy for Network<'_, T, M> {}
