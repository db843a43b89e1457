//! What a lane of the layered engine works in, and a shard's way through the network and back.

use crate::buffer::Buffer;
use crate::gemm::{Gemm, MatMut, MatRef};
use crate::loss::Output;
use crate::step::batch::Gathered;
use crate::step::layer::{Layers, RowMajor};
use crate::step::passes::{Activate, BiasGradient, CostAndDelta, Hadamard};
use crate::step::sharded::Pass;
use crate::{Element, StepError};

type Network<'a, T> = crate::step::layer::Network<'a, T, RowMajor>;

/// The scratch of one shard.
#[derive(Debug)]
pub struct Scratch<T> {
    /// A^(l+1) of each layer; z^(L) of the last, which becomes δ^(L).
    a: Vec<Buffer<T>>,
    /// g' of each hidden layer; in the backward pass it becomes δ.
    slopes: Vec<Buffer<T>>,
    /// Rows of the widest layer: δ before ⊙ g', or the outputs' activations.
    spare: Buffer<T>,
    /// A row of the widest layer, for the bias's sums.
    sums: Buffer<T>,
    /// For the GEMM.
    workspace: Buffer<T>,
}

impl<T: Element> Scratch<T> {
    pub(super) fn new(layers: usize) -> Self {
        let buffers = |count: usize| (0..count).map(|_| Buffer::empty()).collect();
        let [spare, sums, workspace] = [(); 3].map(|()| Buffer::empty());
        Self { a: buffers(layers), slopes: buffers(layers - 1), spare, sums, workspace }
    }

    /// Room for shards of `rows`, for gradients where `backward`.
    pub(super) fn grow(
        &mut self,
        layers: &Layers<RowMajor>,
        gemm: &dyn Gemm<T>,
        rows: usize,
        backward: bool,
    ) -> Result<(), StepError> {
        for (buffer, plan) in self.a.iter_mut().zip(&layers.plans) {
            buffer.grow(rows.saturating_mul(plan.outputs))?;
        }
        self.spare.grow(rows.saturating_mul(layers.outputs()))?;
        self.workspace.grow(layers.widest(|plan| gemm.workspace(rows, plan.outputs, plan.inputs)))?;
        if !backward {
            return Ok(());
        }
        for (buffer, plan) in self.slopes.iter_mut().zip(&layers.plans) {
            buffer.grow(rows.saturating_mul(plan.outputs))?;
        }
        let widest = layers.widest(|plan| plan.outputs);
        self.spare.grow(rows.saturating_mul(widest))?;
        self.sums.grow(widest)?;
        self.workspace.grow(layers.widest(|plan| {
            gemm.workspace(plan.outputs, plan.inputs, rows).max(gemm.workspace(rows, plan.inputs, plan.outputs))
        }))
    }

    pub(super) fn bytes(&self) -> usize {
        let single = [&self.spare, &self.sums, &self.workspace];
        self.a.iter().chain(&self.slopes).chain(single).map(Buffer::bytes).sum()
    }

    /// A^(L) from z^(L), which stays.
    pub(super) fn outputs(&mut self, network: Network<'_, T>, outputs: &mut [T]) {
        let last = network.layers.last();
        outputs.copy_from_slice(&self.a[self.a.len() - 1].as_slice()[..outputs.len()]);
        let (activation, width) = (last.activation, last.outputs);
        T::dispatch(network.layers.set, Activate { activation, width, row: width, a: outputs, slope: None });
    }

    /// A^(l) of hidden layers, z^(L) of the last; for a way back, with dropout's factors and g' beside.
    pub(super) fn forward(
        &mut self,
        network: Network<'_, T>,
        gemm: &dyn Gemm<T>,
        inputs: &[T],
        training: Option<Pass>,
    ) {
        let rows = inputs.len() / network.layers.inputs();
        for (l, plan) in network.layers.plans.iter().enumerate() {
            let (before, rest) = self.a.split_at_mut(l);
            let input = before.last().map_or(inputs, |a| &a.as_slice()[..rows * plan.inputs]);
            let width = plan.outputs;
            let a = &mut rest[0].as_mut_slice()[..rows * width];
            // z^(l+1) = Θ^(l) A^(l): samples are rows here, so Z = A·Θ_wᵀ + bias.
            a.chunks_exact_mut(width).for_each(|row| row.copy_from_slice(plan.bias(network.theta)));
            let weights = view(plan.weights(network.theta), width, plan.inputs);
            let workspace = self.workspace.as_mut_slice();
            gemm.gemm(T::ONE, view(input, rows, plan.inputs), weights.t(), T::ONE, view_mut(a, rows, width), workspace);
            if l + 1 == network.layers.plans.len() {
                break;
            }
            let mut slope = training.map(|_| &mut self.slopes[l].as_mut_slice()[..rows * width]);
            let (activation, slope_too) = (plan.activation, slope.as_deref_mut());
            T::dispatch(network.layers.set, Activate { activation, width, row: width, a: &mut *a, slope: slope_too });
            if let (Some(pass), Some(slope)) = (training, slope) {
                pass.drop_units(l, plan, rows, (width, 1), a, slope);
            }
        }
    }

    /// The cost from z^(L), which becomes δ^(L).
    pub(super) fn output_delta(&mut self, network: Network<'_, T>, output: Output, samples: Gathered<'_, T>) -> f64 {
        let Gathered { targets, weights, .. } = samples;
        let last = self.a.len() - 1;
        let z = &mut self.a[last].as_mut_slice()[..targets.len()];
        let spare = &mut self.spare.as_mut_slice()[..targets.len()];
        T::dispatch(network.layers.set, CostAndDelta { output, z, targets, weights, spare })
    }

    /// From δ^(L) in the last a: Δ^(l) of every layer, and δ^(l) of every layer but the input.
    pub(super) fn backward(
        &mut self,
        network: Network<'_, T>,
        gemm: &dyn Gemm<T>,
        inputs: &[T],
        add: bool,
        gradient: &mut [T],
    ) {
        let set = network.layers.set;
        let rows = inputs.len() / network.layers.inputs();
        let beta = if add { T::ONE } else { T::ZERO };
        for (l, plan) in network.layers.plans.iter().enumerate().rev() {
            let (inner, outer) = self.slopes.split_at_mut(l);
            let delta = outer.first().unwrap_or(&self.a[l]);
            let delta = &delta.as_slice()[..rows * plan.outputs];
            let (weights, bias) =
                gradient[plan.range.weights.start..plan.range.bias.end].split_at_mut(plan.range.weights.len());

            // m Δ_w^(l) = δ^(l+1) (A^(l))ᵀ; samples are rows here, so it is δᵀ·A
            let a = if l == 0 { inputs } else { &self.a[l - 1].as_slice()[..rows * plan.inputs] };
            let workspace = self.workspace.as_mut_slice();
            gemm.gemm(
                T::ONE,
                view(delta, rows, plan.outputs).t(),
                view(a, rows, plan.inputs),
                beta,
                view_mut(weights, plan.outputs, plan.inputs),
                workspace,
            );
            // Column 0 of m Δ^(l): Σ δ^(l+1), since a_0 = 1
            let sums = &mut self.sums.as_mut_slice()[..plan.outputs];
            T::dispatch(set, BiasGradient { delta, add, sums, bias });

            // δ^(l) = (Θ_w^(l))ᵀ δ^(l+1) ⊙ g'(z^(l)); the input has none
            if let Some(slope) = inner.last_mut() {
                let values = &mut slope.as_mut_slice()[..rows * plan.inputs];
                let factors = &mut self.spare.as_mut_slice()[..rows * plan.inputs];
                gemm.gemm(
                    T::ONE,
                    view(delta, rows, plan.outputs),
                    view(plan.weights(network.theta), plan.outputs, plan.inputs),
                    T::ZERO,
                    view_mut(factors, rows, plan.inputs),
                    workspace,
                );
                T::dispatch(set, Hadamard { values, factors });
            }
        }
    }
}

/// A slice that is known to hold `rows` × `cols`.
fn view<T>(data: &[T], rows: usize, cols: usize) -> MatRef<'_, T> {
    MatRef::row_major(data, rows, cols).expect("the engine's slices have the network's shapes")
}

/// A slice that is known to hold `rows` × `cols`.
fn view_mut<T>(data: &mut [T], rows: usize, cols: usize) -> MatMut<'_, T> {
    MatMut::row_major(data, rows, cols).expect("the engine's slices have the network's shapes")
}
