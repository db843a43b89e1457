//! One lane of the layered engine: the scratch of a shard, and its way through the network and back.

use super::batch::Gathered;
use super::passes::{Activate, ActivateWithDerivative, BiasGradient, CostAndDelta, Hadamard, WeightedCostAndDelta};
use super::sharded::Pass;
use crate::buffer::Buffer;
use crate::gemm::{Gemm, MatMut, MatRef};
use crate::loss::Output;
use crate::{Architecture, Element, InstructionSet, StepError};

/// What all lanes of a step share.
pub(super) struct Network<'a, T> {
    pub(super) architecture: &'a Architecture,
    pub(super) set: InstructionSet,
    pub(super) gemm: &'a dyn Gemm<T>,
    pub(super) theta: &'a [T],
}

/// The scratch of one shard.
#[derive(Debug)]
pub struct Lane<T> {
    /// z^(l+2) of each layer; in a gradient's forward pass it becomes g'(z), in its backward pass δ.
    z: Vec<Buffer<T>>,
    /// A^(l+2) of each hidden layer, when z is needed for g'(z).
    a: Vec<Buffer<T>>,
    /// Rows of the widest layer: δ before ⊙ g', or the outputs' activations.
    spare: Buffer<T>,
    /// A row of the widest layer, for the bias's sums.
    sums: Buffer<T>,
    /// For the GEMM.
    workspace: Buffer<T>,
}

impl<T: Element> Lane<T> {
    pub(super) fn new(architecture: &Architecture) -> Self {
        let buffers = |count: usize| (0..count).map(|_| Buffer::empty()).collect();
        let layers = architecture.layers().len();
        Self {
            z: buffers(layers),
            a: buffers(layers - 1),
            spare: Buffer::empty(),
            sums: Buffer::empty(),
            workspace: Buffer::empty(),
        }
    }

    /// Room for a forward pass of `rows`.
    pub(super) fn grow_forward(
        &mut self,
        architecture: &Architecture,
        gemm: &dyn Gemm<T>,
        rows: usize,
    ) -> Result<(), StepError> {
        for (buffer, layer) in self.z.iter_mut().zip(architecture.layers()) {
            buffer.grow(rows.saturating_mul(layer.outputs))?;
        }
        let products = architecture.layers().iter().map(|layer| gemm.workspace(rows, layer.outputs, layer.inputs));
        self.workspace.grow(products.max().unwrap_or(0))?;
        self.spare.grow(rows.saturating_mul(architecture.outputs()))
    }

    /// Room for a gradient over shards of `rows`.
    pub(super) fn grow_backward(
        &mut self,
        architecture: &Architecture,
        gemm: &dyn Gemm<T>,
        rows: usize,
    ) -> Result<(), StepError> {
        self.grow_forward(architecture, gemm, rows)?;
        let layers = architecture.layers();
        for (buffer, layer) in self.a.iter_mut().zip(layers) {
            buffer.grow(rows.saturating_mul(layer.outputs))?;
        }
        let widest = layers.iter().map(|layer| layer.outputs).max().unwrap_or(0);
        self.spare.grow(rows.saturating_mul(widest))?;
        self.sums.grow(widest)?;
        let products = layers.iter().map(|layer| {
            gemm.workspace(layer.outputs, layer.inputs, rows).max(gemm.workspace(rows, layer.inputs, layer.outputs))
        });
        self.workspace.grow(products.max().unwrap_or(0))
    }

    pub(super) fn bytes(&self) -> usize {
        let single = [&self.spare, &self.sums, &self.workspace];
        self.z.iter().chain(&self.a).chain(single).map(Buffer::bytes).sum()
    }

    /// A^(L) of `inputs` to `outputs`.
    pub(super) fn predict(&mut self, network: &Network<'_, T>, inputs: &[T], outputs: &mut [T]) {
        self.forward(network, inputs, inputs.len() / network.architecture.inputs());
        self.outputs(network, outputs);
    }

    /// The rows' share of the cost; A^(L) to `outputs`, if it is wanted.
    pub(super) fn evaluate(
        &mut self,
        network: &Network<'_, T>,
        output: Output,
        samples: Gathered<'_, T>,
        outputs: Option<&mut [T]>,
    ) -> f64 {
        self.forward(network, samples.inputs, samples.inputs.len() / network.architecture.inputs());
        if let Some(outputs) = outputs {
            self.outputs(network, outputs);
        }
        self.output_delta(network, output, samples)
    }

    /// A^(L) from z^(L), which stays.
    fn outputs(&mut self, network: &Network<'_, T>, outputs: &mut [T]) {
        let last = network.architecture.layers().len() - 1;
        outputs.copy_from_slice(&self.z[last].as_slice()[..outputs.len()]);
        let (activation, width) = (network.architecture.output_activation(), network.architecture.outputs());
        T::dispatch(network.set, Activate { activation, width, row: width, z: outputs });
    }

    /// z^(L) of `rows` rows of `inputs`, the activations of hidden layers left in z.
    fn forward(&mut self, network: &Network<'_, T>, inputs: &[T], rows: usize) {
        let layers = network.architecture.layers();
        for (l, layer) in layers.iter().enumerate() {
            let (before, rest) = self.z.split_at_mut(l);
            let input = before.last().map_or(inputs, |a| &a.as_slice()[..rows * layer.inputs]);
            let z = &mut rest[0].as_mut_slice()[..rows * layer.outputs];
            network.pre_activation(l, input, z, self.workspace.as_mut_slice());
            if l + 1 < layers.len() {
                T::dispatch(
                    network.set,
                    Activate { activation: layer.activation, width: layer.outputs, row: layer.outputs, z },
                );
            }
        }
    }

    /// The cost from z^(L), which becomes δ^(L).
    fn output_delta(&mut self, network: &Network<'_, T>, output: Output, samples: Gathered<'_, T>) -> f64 {
        let Gathered { targets, weights, .. } = samples;
        let last = network.architecture.layers().len() - 1;
        let z = &mut self.z[last].as_mut_slice()[..targets.len()];
        let spare = &mut self.spare.as_mut_slice()[..targets.len()];
        match weights {
            None => T::dispatch(network.set, CostAndDelta { output, z, targets, spare }),
            Some(weights) => T::dispatch(network.set, WeightedCostAndDelta { output, z, targets, weights, spare }),
        }
    }

    /// One shard forward and back: its share of the cost is returned, Σ δ aᵀ of its rows written to `gradient` or,
    /// with `add`, added to it.
    pub(super) fn gradient(
        &mut self,
        network: &Network<'_, T>,
        pass: Pass,
        samples: Gathered<'_, T>,
        add: bool,
        gradient: &mut [T],
    ) -> f64 {
        let x = samples.inputs;
        let rows = x.len() / network.architecture.inputs();
        self.forward_with_derivatives(network, pass, x, rows);
        let cost = self.output_delta(network, pass.output, samples);
        self.backward(network, x, rows, add, gradient);
        cost
    }

    /// A^(l) of hidden layers in a, g'(z^(l)) in z, both with dropout's factors; z^(L) in the last z.
    fn forward_with_derivatives(&mut self, network: &Network<'_, T>, pass: Pass, inputs: &[T], rows: usize) {
        for (l, layer) in network.architecture.layers().iter().enumerate() {
            let (before, rest) = self.a.split_at_mut(l);
            let input = before.last().map_or(inputs, |a| &a.as_slice()[..rows * layer.inputs]);
            let (activation, width) = (layer.activation, layer.outputs);
            let z = &mut self.z[l].as_mut_slice()[..rows * width];
            network.pre_activation(l, input, z, self.workspace.as_mut_slice());
            let Some(a) = rest.first_mut() else { break };
            let a = &mut a.as_mut_slice()[..rows * width];
            T::dispatch(network.set, ActivateWithDerivative { activation, width, row: width, z, a });
            if let (Some(dropout), true) = (pass.dropout, layer.dropout > 0.0) {
                dropout.apply(l, layer.dropout, (width, width), pass.first_row, a, z);
            }
        }
    }

    /// From δ^(L) in the last z: Δ^(l) of every layer, and δ^(l) of every layer but the input.
    fn backward(&mut self, network: &Network<'_, T>, inputs: &[T], rows: usize, add: bool, gradient: &mut [T]) {
        let beta = if add { T::ONE } else { T::ZERO };
        let layers = network.architecture.layers();
        let mut end = gradient.len();
        for (l, layer) in layers.iter().enumerate().rev() {
            let (before, rest) = self.z.split_at_mut(l);
            let delta = &rest[0].as_slice()[..rows * layer.outputs];
            let start = end - layer.params();
            let theta = &network.theta[start..end];
            let (weights, bias) = gradient[start..end].split_at_mut(layer.inputs * layer.outputs);
            end = start;

            // m Δ_w^(l) = δ^(l+1) (A^(l))ᵀ; samples are rows here, so it is δᵀ·A
            let a = if l == 0 { inputs } else { &self.a[l - 1].as_slice()[..rows * layer.inputs] };
            let workspace = self.workspace.as_mut_slice();
            network.gemm.gemm(
                T::ONE,
                view(delta, rows, layer.outputs).t(),
                view(a, rows, layer.inputs),
                beta,
                view_mut(weights, layer.outputs, layer.inputs),
                workspace,
            );
            // Column 0 of m Δ^(l): Σ δ^(l+1), since a_0 = 1
            let sums = &mut self.sums.as_mut_slice()[..layer.outputs];
            T::dispatch(network.set, BiasGradient { delta, add, sums, bias });

            // δ^(l) = (Θ_w^(l))ᵀ δ^(l+1) ⊙ g'(z^(l)); the input has none
            if let Some(derivative) = before.last_mut() {
                let values = &mut derivative.as_mut_slice()[..rows * layer.inputs];
                let factors = &mut self.spare.as_mut_slice()[..rows * layer.inputs];
                network.gemm.gemm(
                    T::ONE,
                    view(delta, rows, layer.outputs),
                    view(theta, layer.outputs, layer.inputs),
                    T::ZERO,
                    view_mut(factors, rows, layer.inputs),
                    workspace,
                );
                T::dispatch(network.set, Hadamard { values, factors });
            }
        }
    }
}

impl<T: Element> Network<'_, T> {
    /// z^(l+1) = Θ^(l) A^(l): samples are rows here, so Z = A·Θ_wᵀ + bias.
    fn pre_activation(&self, l: usize, input: &[T], z: &mut [T], workspace: &mut [T]) {
        let layer = &self.architecture.layers()[l];
        let Some(range) = self.architecture.ranges().nth(l) else { return };
        let bias = &self.theta[range.bias];
        for row in z.chunks_exact_mut(layer.outputs) {
            row.copy_from_slice(bias);
        }
        let rows = z.len() / layer.outputs;
        let weights = view(&self.theta[range.weights], layer.outputs, layer.inputs);
        let (a, c) = (view(input, rows, layer.inputs), view_mut(z, rows, layer.outputs));
        self.gemm.gemm(T::ONE, a, weights.t(), T::ONE, c, workspace);
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
