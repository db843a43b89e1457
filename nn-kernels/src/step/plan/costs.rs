//! What each kind of work costs: the only numbers of the plan that come from a measurement.
//!
//! `cargo bench -p nn-benches --bench calibrate` measures steps of some hundred shapes in every engine, says how far the
//! estimates are off and where the plan chose wrongly, fits these prices to what it measured, and prints them as they
//! stand here. Prices are in nanoseconds and at least 0.

use crate::InstructionSet;

/// The kinds of work of the narrow engine.
pub(super) const NARROW: [&str; 7] =
    ["vector FMAs", "weights broadcast", "vectors of units", "exponentials", "vectors turned", "weights", "steps"];
/// The kinds of work of the tile engine.
pub(super) const TILE: [&str; 16] = [
    "cycles of FMAs",
    "loads",
    "register blocks",
    "words read by columns",
    "vectors of units",
    "vectors of units in L2",
    "exponentials",
    "exponentials of part vectors",
    "rows of wide outputs",
    "words of weights",
    "words transposed",
    "words from L3",
    "words of wide layers",
    "sums along lanes",
    "products",
    "steps",
];
/// The kinds of work of the blocked engine.
pub(super) const BLOCKED: [&str; 10] = [
    "vector FMAs",
    "sums loaded and stored",
    "vectors of units",
    "exponentials",
    "vectors turned",
    "words of weights",
    "words of weights from L3",
    "words of activations from L3",
    "products",
    "steps",
];
/// What the kinds of work cost in one instruction set.
pub(super) struct Costs {
    pub(super) narrow: [f64; NARROW.len()],
    pub(super) tile: [f64; TILE.len()],
    pub(super) blocked: [f64; BLOCKED.len()],
}

impl Costs {
    /// The prices of a set.
    pub(super) fn of(set: InstructionSet) -> &'static Self {
        match set.name() {
            "avx512" => &AVX512,
            "avx2" => &AVX2,
            _ => &PORTABLE,
        }
    }
}

/// Measured on a Sapphire Rapids Xeon, as are all of these.
const AVX512: Costs = Costs {
    blocked: [0.153, 2.14, 0.0, 3.35, 4.77, 0.19, 0.346, 0.342, 103.0, 0.0],
    narrow: [0.154, 0.509, 1.74, 1.83, 1.47, 0.0325, 129.0],
    tile: [0.285, 0.0334, 18.2, 0.135, 1.21, 1.98, 2.76, 1.65, 0.0, 0.163, 0.0334, 0.131, 0.435, 1.86, 22.3, 106.0],
};

const AVX2: Costs = Costs {
    blocked: [0.132, 1.88, 0.215, 2.08, 2.31, 0.0476, 0.376, 0.224, 123.0, 0.0],
    narrow: [0.262, 0.366, 1.78, 1.18, 0.579, 0.531, 174.0],
    tile: [0.263, 0.0, 14.2, 0.0503, 0.622, 0.94, 1.44, 20.9, 0.0, 0.155, 0.0429, 0.121, 0.623, 3.45, 19.4, 159.0],
};

/// As compiled for plain x86-64, without FMA.
const PORTABLE: Costs = Costs {
    blocked: [0.437, 2.1, 0.0, 5.03, 3.02, 0.084, 0.382, 0.327, 102.0, 17.0],
    narrow: [0.482, 0.357, 2.77, 3.56, 1.33, 0.593, 162.0],
    tile: [0.889, 0.0, 5.98, 0.0314, 0.49, 1.2, 3.65, 42.6, 0.0, 0.203, 0.35, 0.149, 1.0, 2.06, 10.5, 180.0],
};
