//! What a step is estimated to take, from the shapes.
//!
//! The model counts what an engine does (vector FMAs with their padding, loads, register blocks, passes over elements,
//! products begun, parameters packed, transposed and reduced, parameters that no cache holds) and weighs each kind of
//! work by a constant. The constants were fitted, all being at least 0, to steps of 400 shapes in f32 on one core of a
//! Zen 5 at 4 GHz: widths 1 to 2,048, 1 to 8,192 rows, relu and sigmoid. Nine of ten estimates were within a quarter of
//! the time measured, and the engine with the lower estimate was within a tenth of the faster one for 99 in 100.
//!
//! No workload has an entry here, and what follows from the counts is continuous but for padding and the size of the
//! caches.

use super::{Candidate, EngineKind};
use crate::{Activation, Architecture, Element, InstructionSet, Layer};

/// A step to be estimated.
pub(super) struct Problem<'a> {
    architecture: &'a Architecture,
    set: InstructionSet,
    /// Elements in a vector.
    lanes: usize,
    /// Bytes in an element.
    size: usize,
    rows: usize,
}

/// Parameters that three readers (Θ, its transpose, Δ) share a cache of 1 MiB with; beyond, they come from further away.
const CACHED: f64 = (1 << 20) as f64 / 3.0;
/// A matrix that alone falls out of the cache.
const WIDE_LAYER: f64 = (3 << 19) as f64;

/// One layer, in the numbers that the model multiplies.
struct Counts {
    inputs: f64,
    outputs: f64,
    /// S_l and S_{l+1} in vectors.
    input_vectors: f64,
    output_vectors: f64,
    first: bool,
    last: bool,
    /// How many times the work of a sigmoid its activation is.
    activation: f64,
}

impl Counts {
    fn weights(&self) -> f64 {
        self.inputs * self.outputs
    }

    /// Products that read or make a matrix of the layer's size.
    fn products(&self) -> f64 {
        if self.first { 2.0 } else { 3.0 }
    }

    /// The work of activations and, at the output, of the loss.
    fn exponentials(&self) -> f64 {
        if self.last { 2.0 + self.activation } else { self.activation }
    }
}

impl<'a> Problem<'a> {
    pub(super) fn new<T: Element>(architecture: &'a Architecture, set: InstructionSet, rows: usize) -> Self {
        Self { architecture, set, lanes: T::lanes(set), size: size_of::<T>(), rows }
    }

    /// An engine with its estimate.
    pub(super) fn candidate<T: Element>(&self, engine: EngineKind) -> Candidate {
        let estimate = || {
            let split = T::rule(engine, self.architecture, self.set).split(self.rows);
            match engine {
                EngineKind::Narrow => self.narrow(),
                EngineKind::Tile => self.tile(split.rows),
                EngineKind::Layered => self.layered(split.rows),
            }
        };
        Candidate { engine, nanoseconds: T::suits(engine, self.architecture).map(|()| estimate()) }
    }

    fn layers(&self) -> impl Iterator<Item = Counts> + '_ {
        let count = self.architecture.layers().len();
        self.architecture.layers().iter().enumerate().map(move |(index, layer)| {
            let Layer { inputs, outputs, activation, .. } = *layer;
            Counts {
                inputs: inputs as f64,
                outputs: outputs as f64,
                input_vectors: inputs.div_ceil(self.lanes) as f64,
                output_vectors: outputs.div_ceil(self.lanes) as f64,
                first: index == 0,
                last: index + 1 == count,
                activation: weight(activation),
            }
        })
    }

    /// Whether the set has 32 registers of 64 bytes.
    fn is_wide(&self) -> bool {
        self.lanes * self.size == 64
    }

    /// Samples lie along the lanes: nothing is padded but the last vector of samples, and every product reads its
    /// operands from L1.
    fn narrow(&self) -> f64 {
        let vectors = self.rows.div_ceil(self.lanes) as f64;
        let layer = |layer: Counts| {
            let products = 0.21 * layer.products() * layer.weights() * vectors;
            let elements = (1.0 + 5.0 * layer.exponentials()) * layer.outputs * vectors;
            products + elements + layer.weights()
        };
        60.0 + self.layers().map(layer).sum::<f64>()
    }

    /// Features lie along the lanes, and rows are padded to whole vectors.
    fn tile(&self, shard_rows: usize) -> f64 {
        let (rows, shards) = (self.rows as f64, self.rows.div_ceil(shard_rows) as f64);
        // 16 registers hold too few sums to hide the FMAs' latency, but need no time for loads besides.
        let (fma, load, block, element) = if self.is_wide() { (0.13, 0.03, 10.7, 1.5) } else { (0.226, 0.0, 5.7, 0.8) };
        let params: f64 = self.layers().map(|layer| layer.weights()).sum();
        let words = self.size as f64 / 4.0;
        let spills = params * self.size as f64 > CACHED;
        let layer = |layer: Counts| {
            // C = A · B: rows of C, vectors of its columns, and the depth of the sum.
            let product = |c_rows: f64, vectors: f64, depth: f64, times: f64| {
                let (row_blocks, column_blocks) = ((c_rows / 6.0).ceil(), (vectors / 4.0).ceil());
                let loads = depth * (row_blocks * vectors + c_rows * column_blocks);
                times * (fma * c_rows * vectors * depth + load * loads + block * row_blocks * column_blocks)
            };
            let shard_rows = rows / shards;
            let is_thin = layer.last && !layer.first && 2.0 * layer.outputs <= self.lanes as f64;
            let products = if is_thin {
                (3.0 * fma + 1.5 * load) * rows * layer.outputs * layer.input_vectors
            } else {
                let forward = product(shard_rows, layer.output_vectors, layer.inputs, shards);
                let gradient = product(layer.inputs, layer.output_vectors, shard_rows, shards);
                let back = product(shard_rows, layer.input_vectors, layer.outputs, shards);
                forward + gradient + if layer.first { 0.0 } else { back }
            };
            let elements = rows * layer.output_vectors * (element + 0.6 * layer.exponentials());
            let transposed = if layer.first || is_thin { 0.0 } else { 0.17 * words * layer.weights() };
            let mut memory = 0.034 * words * layer.weights() + transposed;
            if spills {
                memory += 0.066 * words * shards * layer.weights();
            }
            if layer.weights() * self.size as f64 >= WIDE_LAYER {
                memory += 0.17 * words * shards * layer.weights();
            }
            products + elements + memory + 8.0 * shards * layer.products()
        };
        133.0 + self.layers().map(layer).sum::<f64>()
    }

    /// Every product packs Θ anew for each shard, and passes over all activations go between the products.
    fn layered(&self, shard_rows: usize) -> f64 {
        let (rows, shards) = (self.rows as f64, self.rows.div_ceil(shard_rows) as f64);
        let words = self.size as f64 / 4.0;
        let layer = |layer: Counts| {
            let back = if layer.first { 0.0 } else { layer.outputs * layer.input_vectors };
            let products = 0.16 * rows * (2.0 * layer.inputs * layer.output_vectors + back);
            let elements = rows * (15.0 + layer.outputs * (1.7 + 0.1 * layer.exponentials()));
            let packing = 1.1 * words * shards * layer.weights();
            products + elements + packing + 100.0 * shards * layer.products()
        };
        65.0 + self.layers().map(layer).sum::<f64>()
    }
}

/// An activation's work on a vector, a sigmoid being 1.
fn weight(activation: Activation) -> f64 {
    match activation {
        Activation::Linear | Activation::Relu | Activation::LeakyRelu(_) => 0.0,
        Activation::Sigmoid | Activation::Tanh | Activation::Elu | Activation::Softmax => 1.0,
        Activation::Silu => 1.3,
        Activation::Gelu => 1.7,
        Activation::Softplus => 2.0,
    }
}
