//! What a step does in each engine, counted from the shapes.
//!
//! An engine's work is a list of counts, one for each kind of work that [`costs`](super::costs) has a price for. To
//! change what is counted, change the list of kinds there and the counts here, and fit the prices anew.

use super::costs::{BLOCKED, BLOCKED_BF16, NARROW, TILE};
use crate::step::tile::FEW_ROWS;
use crate::{Activation, Layer};

/// A step whose work is counted.
#[derive(Debug, Clone, Copy)]
pub(super) struct Problem<'a> {
    pub(super) layers: &'a [Layer],
    /// m.
    pub(super) rows: usize,
    /// Rows of a shard, as the engine splits m.
    pub(super) shard_rows: usize,
    /// Elements in a vector.
    pub(super) lanes: usize,
    /// Bytes in an element.
    pub(super) size: usize,
    /// Bytes in L2.
    pub(super) l2: usize,
}

/// An exponential in f64: it takes a longer polynomial than one in f32.
const DOUBLE: f64 = 1.6;
/// What of L1 a matrix may take before reading its columns waits for L2.
const L1: f64 = (32 << 10) as f64;
/// Cycles from an FMA to the next one on the same sum.
const LATENCY: f64 = 4.0;
/// The heights of the tile engine's register blocks, for panels of one, two … vectors, where there are 32 registers.
const BLOCKS_OF_24: [[usize; 4]; 4] = [[16, 8, 2, 1], [12, 6, 2, 1], [8, 4, 2, 1], [6, 4, 2, 1]];
/// The same where there are 16; the portable set's vectors are priced as if they were of one register, as on AVX.
const BLOCKS_OF_12: [[usize; 4]; 2] = [[8, 4, 2, 1], [6, 4, 2, 1]];
/// The k of a block of the blocked engine.
const BLOCKED_DEPTH: f64 = 512.0;
/// The most vectors of the blocked engine's register blocks.
const BLOCKED_VECTORS: usize = 3;
/// Rows and columns of a part of one of its products.
const PART: f64 = 192.0;
/// Bytes of a row of the blocked engine's panels.
const PANEL: usize = 64;
/// Columns and rows of C for which the operands of products in bfloat16 are packed once.
const PACKED_COLUMNS: f64 = 768.0;
const PACKED_ROWS: f64 = 384.0;
/// Vectors of samples that the narrow engine takes at a time.
const NARROW_GROUPS: usize = 8;

/// One layer, in the numbers that the counts multiply.
struct Counts {
    inputs: f64,
    outputs: f64,
    /// S_l and S_{l+1} in vectors.
    input_vectors: usize,
    output_vectors: usize,
    first: bool,
    last: bool,
    /// What the tile engine takes for a thin layer, and a layer in front of one.
    thin: bool,
    before_thin: bool,
    /// The work of its activation, a sigmoid being 1.
    activation: f64,
    /// The work of its activation and, at the output, of the loss, a sigmoid being 1.
    exponentials: f64,
}

impl Counts {
    fn weights(&self) -> f64 {
        self.inputs * self.outputs
    }

    /// Products that read or make a matrix of the layer's size: no δ is made for the input.
    fn products(&self) -> f64 {
        if self.first { 2.0 } else { 3.0 }
    }
}

impl Problem<'_> {
    fn counts(&self) -> impl Iterator<Item = Counts> + '_ {
        let exponential = if self.size == 8 { DOUBLE } else { 1.0 };
        let ends_thin = self
            .layers
            .last()
            .is_some_and(|layer| 2 * layer.outputs <= self.lanes && layer.activation != Activation::Softmax);
        self.layers.iter().enumerate().map(move |(index, layer)| {
            let last = index + 1 == self.layers.len();
            Counts {
                inputs: layer.inputs as f64,
                outputs: layer.outputs as f64,
                input_vectors: layer.inputs.div_ceil(self.lanes),
                output_vectors: layer.outputs.div_ceil(self.lanes),
                first: index == 0,
                last,
                thin: last && ends_thin,
                before_thin: index + 2 == self.layers.len() && ends_thin,
                activation: exponential * exponentials(layer.activation),
                exponentials: exponential * (exponentials(layer.activation) + if last { 2.0 } else { 0.0 }),
            }
        })
    }

    fn shards(&self) -> f64 {
        self.rows.div_ceil(self.shard_rows) as f64
    }

    /// Elements in units of four bytes, for what is bounded by bytes.
    fn words(&self) -> f64 {
        self.size as f64 / 4.0
    }

    /// Samples lie along the lanes: nothing is padded but the last vector of samples.
    pub(super) fn narrow(&self) -> [f64; NARROW.len()] {
        let vectors = self.rows.div_ceil(self.lanes) as f64;
        let shards = self.shards();
        let mut sums = [0.0; NARROW.len()];
        for layer in self.counts() {
            let ends = if layer.first { layer.inputs } else { 0.0 } + if layer.last { layer.outputs } else { 0.0 };
            let (inputs, outputs) = (layer.inputs as usize, layer.outputs as usize);
            let (mut cycles, mut tiles) = (0.0, 0.0);
            for (groups, count) in self.narrow_tiles() {
                // Weights along the rows, vectors of samples along the columns of a register block.
                let heights: &[usize] = if groups > 4 { &[2, 1] } else { &[4, 2, 1] };
                let product = |rows, depth| count * panel_cycles(heights, groups, rows) * depth;
                let back = if layer.first { 0.0 } else { product(inputs, layer.outputs) };
                // 16 sums, which grow over the vectors.
                let gradient = 0.5 * count * groups as f64 * layer.weights();
                cycles += product(outputs, layer.inputs) + back + gradient;
                tiles += count;
            }
            let counts = [
                cycles,
                layer.products() * layer.weights() * tiles,
                layer.outputs * vectors,
                layer.exponentials * layer.outputs * vectors,
                ends * vectors,
                shards * layer.weights(),
                0.0,
            ];
            add(&mut sums, counts);
        }
        sums[NARROW.len() - 1] = 1.0;
        sums
    }

    /// The narrow engine's tiles of a batch: vectors, and how many tiles have as many.
    fn narrow_tiles(&self) -> [(usize, f64); 4] {
        let whole = self.rows / self.lanes;
        let rest = usize::from(!self.rows.is_multiple_of(self.lanes));
        let (full, left) = (whole / NARROW_GROUPS, whole % NARROW_GROUPS);
        [(8, full), (4, left >> 2 & 1), (2, left >> 1 & 1), (1, (left & 1) + rest)]
            .map(|(groups, n)| (groups, n as f64))
    }

    /// The heights of register blocks, for panels of one, two … vectors.
    fn heights(&self) -> &'static [[usize; 4]] {
        match self.lanes * self.size {
            64.. => &BLOCKS_OF_24,
            _ => &BLOCKS_OF_12,
        }
    }

    /// Features lie along the lanes, and rows are padded to whole vectors.
    pub(super) fn tile(&self) -> [f64; TILE.len()] {
        let (rows, shards, words) = (self.rows as f64, self.shards(), self.words());
        let shard_rows = self.rows.div_ceil(self.rows.div_ceil(self.shard_rows));
        let heights = self.heights();
        let params: f64 = self.counts().map(|layer| layer.weights()).sum();
        // Three readers share a cache: Θ, its transpose, Δ.
        let spills = 3.0 * params * self.size as f64 > self.l2 as f64;
        let mut sums = [0.0; TILE.len()];
        for layer in self.counts() {
            let thin = layer.thin;
            let weights = words * layer.weights();
            let (mut cycles, mut loads, mut blocks, mut strides, mut dots) = (0.0, 0.0, 0.0, 0.0, 0.0);
            if thin {
                let fmas = rows * layer.outputs * layer.input_vectors as f64;
                (cycles, loads, blocks, dots) = (1.5 * fmas, 1.5 * fmas, shards * layer.outputs, rows * layer.outputs);
            } else {
                let (inputs, outputs) = (layer.inputs as usize, layer.outputs as usize);
                // Rows and columns of C, and the depth of the sum.
                let forward = Product::new(heights, shard_rows, layer.output_vectors, inputs);
                let gradient = Product::new(heights, inputs, layer.output_vectors, shard_rows);
                let back = Product::new(heights, shard_rows, layer.input_vectors, outputs);
                let numbers = shard_rows as f64 * layer.inputs;
                if numbers * self.size as f64 > L1 {
                    strides = shards * words * numbers * gradient.panels;
                }
                let by_rows = self.rows <= FEW_ROWS && !layer.first;
                if by_rows {
                    let fmas = rows * layer.inputs * layer.output_vectors as f64;
                    (cycles, loads, dots) = (fmas, 2.0 * fmas, rows * layer.inputs);
                }
                for product in
                    [Some(forward), Some(gradient), (!layer.first && !by_rows).then_some(back)].into_iter().flatten()
                {
                    cycles += shards * product.cycles;
                    loads += shards * product.loads;
                    blocks += shards * product.blocks;
                }
            }
            let vectors = rows * layer.output_vectors as f64;
            // The loss sees outputs without padding; an activation in front of a thin layer leaves the padding alone.
            let compact = rows * layer.outputs / self.lanes as f64;
            let part = layer.before_thin && layer.outputs % self.lanes as f64 != 0.0;
            let turned = !(layer.first || thin || self.rows <= FEW_ROWS);
            // What of a matrix alone falls out of the cache.
            let bytes = layer.weights() * self.size as f64;
            let beyond = weights * (1.0 - 0.75 * self.l2 as f64 / bytes).max(0.0);
            let counts = [
                cycles,
                loads,
                blocks,
                strides,
                vectors,
                if vectors / shards * (self.lanes * self.size) as f64 > L1 { vectors } else { 0.0 },
                layer.exponentials * if layer.last { compact } else { vectors },
                if part { layer.activation * rows } else { 0.0 },
                if layer.last && !thin { rows } else { 0.0 },
                weights,
                if turned { weights } else { 0.0 },
                if spills { shards * weights } else { 0.0 },
                // Its transpose is written and read as well.
                if turned { shards + 2.0 } else { shards } * beyond,
                dots,
                shards * layer.products(),
                0.0,
            ];
            add(&mut sums, counts);
        }
        sums[TILE.len() - 1] = 1.0;
        sums
    }

    /// Samples lie along the lanes forward and back, the next layer's units in the gradient; nothing is packed, and each
    /// block of k loads and stores all sums.
    pub(super) fn blocked(&self) -> [f64; BLOCKED.len()] {
        self.blocked_with(1)
    }

    /// The same where `terms` of each sum are added at a time.
    fn blocked_with(&self, terms: usize) -> [f64; BLOCKED.len()] {
        // Whole panels, in vectors.
        let width = PANEL / self.size;
        let whole = |count: usize| count.div_ceil(width) * (width / self.lanes);
        let heights = &self.heights()[..self.heights().len().min(BLOCKED_VECTORS)];
        let cycles = |rows: usize, vectors: usize, depth: usize| {
            Product::new(heights, rows, vectors, depth.div_ceil(terms)).cycles
        };
        let (sample_vectors, words) = (whole(self.rows), self.words());
        let samples = sample_vectors as f64;
        let blocks = |k: f64| (k / BLOCKED_DEPTH).ceil();
        let rows = self.rows as f64;
        let bytes = |numbers: f64| numbers * self.size as f64;
        let units: f64 = self.counts().map(|layer| layer.inputs + layer.outputs).sum();
        let far = |numbers: f64, spills: bool| if spills { words * numbers } else { 0.0 };
        let mut sums = [0.0; BLOCKED.len()];
        for layer in self.counts() {
            let (l_inputs, l_outputs) = (layer.inputs as usize, layer.outputs as usize);
            let output_vectors = whole(l_outputs);
            let all_cycles = cycles(l_outputs, sample_vectors, l_inputs)
                + cycles(l_inputs, output_vectors, self.rows)
                + if layer.first { 0.0 } else { cycles(l_inputs, sample_vectors, l_outputs) };
            // Parts of products read their operands each for itself.
            let parts = |count: f64| (count / PART).ceil();
            let back_reads = if layer.first { 0.0 } else { layer.outputs };
            let activations =
                rows * (2.0 * layer.inputs * parts(layer.outputs) + (layer.outputs + back_reads) * parts(layer.inputs));
            let gradient = layer.inputs * output_vectors as f64;
            let (forward, back) = (layer.outputs * samples, if layer.first { 0.0 } else { layer.inputs * samples });
            let counts = [
                all_cycles,
                forward * blocks(layer.inputs) + back * blocks(layer.outputs) + gradient * blocks(rows),
                layer.outputs * samples,
                layer.exponentials * layer.outputs * samples,
                (if layer.first { layer.inputs } else { 0.0 } + layer.outputs) * samples,
                words * layer.weights(),
                far(layer.weights(), 2.0 * bytes(layer.weights()) > self.l2 as f64),
                far(activations, bytes(rows * units) > self.l2 as f64),
                layer.products(),
                0.0,
            ];
            add(&mut sums, counts);
        }
        sums[BLOCKED.len() - 1] = 1.0;
        sums
    }

    /// The same in bfloat16: half the FMAs, and operands that are rounded and packed, L for every so many columns, R for every
    /// so many rows of C.
    pub(super) fn blocked_bf16(&self) -> [f64; BLOCKED_BF16.len()] {
        let mut sums = [0.0; BLOCKED_BF16.len()];
        sums[..BLOCKED.len()].copy_from_slice(&self.blocked_with(2));
        let samples = self.rows as f64;
        let packed = |rows: f64, depth: f64, columns: f64| {
            depth * (rows * (columns / PACKED_COLUMNS).ceil() + columns * (rows / PACKED_ROWS).ceil())
        };
        for layer in self.counts() {
            let (inputs, outputs) = (layer.inputs, layer.outputs);
            let back = if layer.first { 0.0 } else { packed(inputs, outputs, samples) };
            sums[BLOCKED.len()] += packed(outputs, inputs, samples) + packed(inputs, samples, outputs) + back;
        }
        sums
    }
}

fn add<const N: usize>(sums: &mut [f64; N], counts: [f64; N]) {
    for (sum, count) in sums.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// Halves of the FMAs for one k of a panel of `vectors` that is walked down in blocks of such heights.
fn panel_cycles(heights: &[usize], vectors: usize, rows: usize) -> f64 {
    let (mut cycles, mut left) = (0.0, rows);
    for height in heights {
        cycles += (left / height) as f64 * (0.5 * (height * vectors) as f64).max(LATENCY);
        left %= height;
    }
    cycles
}

/// What a product with `rows` × `vectors` sums that are `depth` deep takes.
///
/// Panels are as wide as there are `heights`, and the last one what is left; a panel is walked down in blocks, as tall as
/// there are registers for, and at its end in ever smaller ones.
struct Product {
    /// Halves of the FMAs, for there are two pipes; a step in k takes no less than one FMA's latency.
    cycles: f64,
    /// Vectors loaded and elements broadcast.
    loads: f64,
    blocks: f64,
    panels: f64,
}

impl Product {
    fn new(heights: &[[usize; 4]], rows: usize, vectors: usize, depth: usize) -> Self {
        let mut product = Self { cycles: 0.0, loads: 0.0, blocks: 0.0, panels: 0.0 };
        let widest = heights.len();
        // All panels but the last are alike.
        for (width, panels) in [(widest, vectors / widest), (vectors % widest, 1)] {
            if width == 0 {
                continue;
            }
            let panels = panels as f64;
            let mut left = rows;
            product.cycles += panels * panel_cycles(&heights[width - 1], width, rows);
            for height in heights[width - 1] {
                let blocks = panels * (left / height) as f64;
                left %= height;
                product.loads += blocks * (height + width) as f64;
                product.blocks += blocks;
            }
            product.panels += panels;
        }
        product.cycles *= depth as f64;
        product.loads *= depth as f64;
        product
    }
}

/// An activation's work on a vector, a sigmoid being 1.
fn exponentials(activation: Activation) -> f64 {
    match activation {
        Activation::Linear | Activation::Relu | Activation::LeakyRelu(_) => 0.0,
        Activation::Sigmoid | Activation::Tanh | Activation::Elu | Activation::Softmax => 1.0,
        Activation::Silu => 1.3,
        Activation::Gelu => 1.7,
        Activation::Softplus => 2.0,
    }
}
