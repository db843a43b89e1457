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
    blocked: [0.136, 0.5, 0.6, 2.0, 2.0, 0.3, 500.0, 2000.0],
    layered: [0.136, 19.1, 0.21, 0.272, 0.239, 0.636, 69.8, 108.0],
    narrow: [0.0941, 0.302, 1.67, 1.76, 0.828, 0.54, 189.0],
    tile: [0.223, 0.0184, 10.2, 0.0346, 0.665, 0.855, 2.58, 0.304, 2.12, 0.0775, 0.0451, 0.0738, 0.052, 11.9, 117.0],
};

const AVX2: Costs = Costs {
    blocked: [0.137, 0.5, 0.6, 2.0, 2.0, 0.3, 500.0, 2000.0],
    layered: [0.137, 17.1, 0.336, 0.422, 0.348, 0.839, 88.0, 177.0],
    narrow: [0.199, 0.172, 1.47, 1.54, 0.317, 0.601, 210.0],
    tile: [0.151, 0.0553, 4.22, 0.0355, 0.84, 0.0, 1.93, 18.4, 1.96, 0.118, 0.00617, 0.0807, 0.142, 14.4, 154.0],
};

/// As compiled for plain x86-64, without FMA.
const PORTABLE: Costs = Costs {
    blocked: [0.449, 0.5, 0.6, 4.0, 2.0, 0.3, 500.0, 2000.0],
    layered: [0.627, 17.8, 1.05, 0.834, 0.24, 0.992, 145.0, 81.0],
    narrow: [0.471, 0.0, 3.89, 4.5, 1.05, 1.2, 233.0],
    tile: [0.449, 0.281, 0.0, 0.0652, 0.839, 0.446, 4.56, 26.7, 0.131, 0.193, 0.0, 0.0, 0.0571, 9.65, 206.0],
};
