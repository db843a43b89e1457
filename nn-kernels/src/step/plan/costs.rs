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
pub(super) const TILE: [&str; 15] = [
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
    "products",
    "steps",
];
/// The kinds of work of the blocked engine.
pub(super) const BLOCKED: [&str; 8] = [
    "vector FMAs",
    "sums loaded and stored",
    "vectors of units",
    "exponentials",
    "vectors turned",
    "words of weights",
    "products",
    "steps",
];
/// The kinds of work of the layered engine.
pub(super) const LAYERED: [&str; 8] = [
    "vector FMAs",
    "rows",
    "units",
    "exponentials",
    "words of activations packed",
    "words of weights packed",
    "products",
    "steps",
];

/// What the kinds of work cost in one instruction set.
pub(super) struct Costs {
    pub(super) narrow: [f64; NARROW.len()],
    pub(super) tile: [f64; TILE.len()],
    pub(super) blocked: [f64; BLOCKED.len()],
    pub(super) layered: [f64; LAYERED.len()],
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

const AVX512: Costs = Costs {
    blocked: [0.284, 0.101, 4.43, 3.65, 4.92, 0.109, 86.0, 252.0],
    layered: [0.292, 9.68, 0.303, 0.0965, 0.0, 0.115, 96.4, 0.0],
    narrow: [0.249, 0.317, 3.12, 2.13, 1.22, 0.461, 194.0],
    tile: [0.528, 0.0, 9.83, 0.0683, 0.98, 1.56, 3.13, 1.21, 2.3, 0.146, 0.0906, 0.0877, 0.0291, 9.77, 116.0],
};

const AVX2: Costs = Costs {
    blocked: [0.213, 1.32, 1.12, 3.28, 2.6, 0.0915, 82.3, 297.0],
    layered: [0.147, 9.5, 0.489, 0.185, 0.000967, 0.205, 100.0, 27.1],
    narrow: [0.261, 0.315, 1.78, 1.4, 0.299, 0.612, 245.0],
    tile: [0.248, 0.0, 4.83, 0.0882, 1.24, 0.12, 1.61, 25.3, 3.53, 0.185, 0.035, 0.0774, 0.127, 13.4, 154.0],
};

/// As compiled for plain x86-64, without FMA.
const PORTABLE: Costs = Costs {
    blocked: [0.57, 1.02, 2.65, 5.58, 3.42, 0.0, 73.1, 328.0],
    layered: [0.546, 8.87, 0.919, 0.832, 0.0183, 0.309, 134.0, 0.0],
    narrow: [0.605, 0.185, 4.28, 4.16, 1.53, 0.957, 232.0],
    tile: [0.604, 0.217, 1.11, 0.147, 1.48, 0.934, 4.41, 30.9, 1.99, 0.263, 0.0941, 0.0393, 0.0896, 6.8, 187.0],
};
