//! Which networks and batches the suite is run over.
//!
//! All combinations would take hours. The design is a set of Latin squares instead: for every batch, the inputs, the
//! first hidden layer and the outputs of the cases each go through all widths, every time in another order.
//! Therefore, with two layers or more, every case being run by every engine, set and element type,
//!
//! - every width meets every batch as inputs, as hidden layer and as outputs;
//! - every width of the hidden layer, and every batch, meets every activation;
//! - every width of the outputs meets softmax, but for a single unit, σ with cross-entropy, and linear outputs.
//!
//! Depth, the further hidden layers, the other outputs and losses, λ, dropout, and whether the samples are taken in
//! an order, vary along. Networks of one layer follow, each width twice on either side. `tests/engines` checks that
//! the design keeps these promises.
//!
//! `NN_SUITE=quick` in the environment thins the design for emulators and sanitisers: every width is the inputs once,
//! and the greatest batch is two tiles and a sample.

use nn_kernels::{Activation, Architecture, Layer, Loss};

use super::{HIDDEN, outputs};

/// All small widths, and those around the multiples of vectors and tiles.
pub fn widths() -> Vec<usize> {
    (1..=40).chain([63, 64, 65, 95, 96, 97, 100, 127, 128, 129, 300]).collect()
}

pub const BATCHES: [usize; 9] = [1, 2, 15, 16, 17, 95, 96, 97, 1000];

/// What every width of the outputs meets.
pub const COMMON_OUTPUTS: [(Activation, Loss); 3] = [
    (Activation::Softmax, Loss::CrossEntropy),
    (Activation::Sigmoid, Loss::CrossEntropy),
    (Activation::Linear, Loss::Mse),
];

/// A network, a batch, and how a step is taken on it.
#[derive(Debug, Clone)]
pub struct Case {
    pub architecture: Architecture,
    pub rows: usize,
    pub lambda: f64,
    pub ordered: bool,
}

/// Whether the design is to be thinned.
pub fn quick() -> bool {
    std::env::var_os("NN_SUITE").is_some_and(|suite| suite == "quick")
}

/// There is no softmax over one unit.
fn output_for(width: usize, output: Activation) -> Activation {
    if width == 1 && output == Activation::Softmax { Activation::Sigmoid } else { output }
}

/// The design, or the thinned one.
pub fn cases(quick: bool) -> Vec<Case> {
    let (widths, all_outputs) = (widths(), outputs());
    let count = widths.len();
    let mut cases = Vec::new();
    for (j, rows) in BATCHES.into_iter().enumerate() {
        let rows = if quick { rows.min(193) } else { rows };
        for i in (0..count).filter(|i| !quick || i % BATCHES.len() == j) {
            let hidden = (i + 17 + 5 * j) % count;
            let output = (i + 34 + 11 * j) % count;
            let further = (i + 2 * j) % 4;
            let mut sizes = vec![widths[i]];
            sizes.extend((0..=further).map(|t| widths[(hidden + 13 * t) % count]));
            sizes.push(widths[output]);
            let (last, loss) = match (output + j) % 9 {
                6.. => all_outputs[(9 * output + j) % all_outputs.len()],
                common => COMMON_OUTPUTS[common % 3],
            };
            let last = output_for(widths[output], last);
            let activation = HIDDEN[(hidden + j) % 9];
            let dropout = if (hidden + 2 * j) % 4 == 0 { 0.25 } else { 0.0 };
            let layers = sizes.windows(2).enumerate().map(|(l, sizes)| {
                if l <= further {
                    Layer::new(sizes[0], sizes[1], activation).with_dropout(dropout)
                } else {
                    Layer::new(sizes[0], sizes[1], last)
                }
            });
            let architecture = Architecture::new(layers.collect(), loss).expect("a valid network");
            let lambda = [0.0, 1.0, 3.0][(i + j) % 3];
            cases.push(Case { architecture, rows, lambda, ordered: (output + j) % 2 == 0 });
        }
    }
    for i in (0..count).filter(|i| !quick || i % 3 == 0) {
        for (step, j) in [(20, i % 9), (31, (i + 4) % 9)] {
            let (output, loss) = COMMON_OUTPUTS[(i + step) % 3];
            let output = output_for(widths[(i + step) % count], output);
            let layers = vec![Layer::new(widths[i], widths[(i + step) % count], output)];
            let architecture = Architecture::new(layers, loss).expect("a valid network");
            let rows = if quick { BATCHES[j].min(193) } else { BATCHES[j] };
            cases.push(Case { architecture, rows, lambda: 1.0, ordered: i % 2 == 0 });
        }
    }
    cases
}
