//! What each kind of work costs: the only numbers of the plan that come from a measurement.
//!
//! `cargo bench -p nn-benches --bench calibrate` measures steps of some hundred shapes in every engine, says how far the
//! estimates are off and where the plan chose wrongly, fits these prices to what it measured, and prints them as they
//! stand here. Prices are in nanoseconds and at least 0.

use crate::InstructionSet;

/// The kinds of work of the narrow engine.
pub(super) const NARROW: [&str; 8] = [
    "vector FMAs",
    "vector FMAs from L2",
    "weights broadcast",
    "vectors of units",
    "exponentials",
    "vectors turned",
    "weights",
    "steps",
];
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
    layered: [0.14, 19.0, 0.16, 0.251, 0.241, 0.616, 74.7, 103.0],
    narrow: [0.0934, 0.05, 0.307, 2.14, 1.64, 8.1, 0.748, 144.0],
    tile: [0.123, 0.133, 6.96, 0.066, 0.711, 0.911, 2.18, 0.00874, 2.29, 0.0744, 0.0606, 0.081, 0.0733, 9.76, 115.0],
};

const AVX2: Costs = Costs {
    layered: [0.146, 17.5, 0.308, 0.465, 0.361, 0.775, 144.0, 173.0],
    narrow: [0.21, 0.0, 0.208, 1.6, 1.98, 3.35, 0.539, 205.0],
    tile: [0.377, 0.0306, 1.48, 0.0978, 0.56, 0.258, 2.49, 17.5, 1.7, 0.114, 0.0571, 0.0772, 0.0394, 11.0, 151.0],
};

/// As compiled for plain x86-64, without FMA.
const PORTABLE: Costs = Costs {
    layered: [0.651, 17.4, 1.06, 0.905, 0.253, 1.04, 100.0, 177.0],
    narrow: [0.496, 0.0, 0.0, 3.44, 5.24, 3.1, 1.6, 176.0],
    tile: [1.06, 0.0173, 0.0, 0.00955, 0.0, 1.01, 5.8, 12.2, 0.0, 0.248, 0.0885, 0.0136, 0.0178, 0.0, 168.0],
};
