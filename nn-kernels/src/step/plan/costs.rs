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
    layered: [0.136, 18.9, 0.177, 0.273, 0.248, 0.636, 65.0, 107.0],
    narrow: [0.0943, 0.294, 1.77, 1.77, 0.829, 0.49, 188.0],
    tile: [0.124, 0.134, 6.89, 0.0598, 0.614, 0.626, 2.5, 0.21, 2.32, 0.0689, 0.054, 0.0803, 0.0637, 8.8, 115.0],
};

const AVX2: Costs = Costs {
    layered: [0.132, 16.0, 0.29, 0.415, 0.351, 0.746, 91.3, 171.0],
    narrow: [0.192, 0.158, 1.44, 1.5, 0.298, 0.61, 208.0],
    tile: [0.423, 0.0226, 1.77, 0.0538, 0.62, 0.31, 1.76, 15.2, 1.58, 0.0821, 0.0552, 0.0764, 0.0516, 10.5, 127.0],
};

/// As compiled for plain x86-64, without FMA.
const PORTABLE: Costs = Costs {
    layered: [0.597, 17.2, 0.949, 0.801, 0.235, 0.968, 109.0, 148.0],
    narrow: [0.448, 0.000166, 3.53, 4.32, 1.05, 1.12, 217.0],
    tile: [0.977, 0.0271, 0.0, 0.0, 0.0, 0.988, 5.14, 17.2, 0.0, 0.17, 0.105, 0.0146, 0.0156, 4.1, 161.0],
};
