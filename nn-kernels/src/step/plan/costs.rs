//! What each kind of work costs: the only numbers of the plan that come from a measurement.
//!
//! `cargo bench -p nn-benches --bench calibrate` measures steps of some hundred shapes in every engine, says how far the
//! estimates are off and where the plan chose wrongly, fits these prices to what it measured, and prints them as they
//! stand here. Prices are in nanoseconds and at least 0.

use crate::InstructionSet;
use crate::isa::Vendor;

/// The kinds of work of the narrow engine.
pub(super) const NARROW: [&str; 7] =
    ["cycles of FMAs", "weights broadcast", "vectors of units", "exponentials", "vectors turned", "weights", "steps"];
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
    "cycles of FMAs",
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
/// The kinds of work of the blocked engine where products are in bfloat16: the same, and one more.
pub(super) const BLOCKED_BF16: [&str; BLOCKED.len() + 1] = {
    let mut kinds = ["numbers packed"; BLOCKED.len() + 1];
    let mut kind = 0;
    while kind < BLOCKED.len() {
        kinds[kind] = BLOCKED[kind];
        kind += 1;
    }
    kinds[0] = "cycles of pairs";
    kinds
};

/// What the kinds of work cost in one instruction set.
pub(super) struct Costs {
    pub(super) narrow: [f64; NARROW.len()],
    pub(super) tile: [f64; TILE.len()],
    pub(super) blocked: [f64; BLOCKED.len()],
    /// Where the CPU multiplies pairs.
    pub(super) blocked_bf16: Option<[f64; BLOCKED_BF16.len()]>,
}

impl Costs {
    /// The prices of a set on the CPU at hand, or on the CPU that is most like it of those that were measured.
    pub(super) fn of(set: InstructionSet) -> &'static Self {
        match (set.name(), Vendor::of_cpu()) {
            ("avx512", Vendor::Intel) => &XEON_AVX512,
            ("avx512", Vendor::Other) => &ZEN_AVX512,
            ("avx2", Vendor::Intel) => &XEON_AVX2,
            ("avx2", Vendor::Other) => &ZEN_AVX2,
            (_, Vendor::Intel) => &XEON_PORTABLE,
            (_, Vendor::Other) => &ZEN_PORTABLE,
        }
    }
}

// A Sapphire Rapids Xeon, 2 MiB of L2.

const XEON_AVX512: Costs = Costs {
    blocked: [0.306, 2.14, 0.0, 3.35, 4.77, 0.19, 0.346, 0.342, 103.0, 0.0],
    // Not measured: it begins one product of pairs a cycle, where it begins two FMAs.
    blocked_bf16: Some([0.612, 2.14, 0.0, 3.35, 4.77, 0.19, 0.346, 0.342, 103.0, 0.0, 0.05]),
    narrow: [0.308, 0.509, 1.74, 1.83, 1.47, 0.0325, 129.0],
    tile: [0.285, 0.0334, 18.2, 0.135, 1.21, 1.98, 2.76, 1.65, 0.0, 0.163, 0.0334, 0.131, 0.435, 1.86, 22.3, 106.0],
};

const XEON_AVX2: Costs = Costs {
    blocked: [0.264, 1.88, 0.215, 2.08, 2.31, 0.0476, 0.376, 0.224, 123.0, 0.0],
    blocked_bf16: None,
    // The first price is what the same code took before it kept to sixteen registers, by what that brought on the other core.
    narrow: [0.221, 0.183, 1.78, 1.18, 0.579, 0.531, 174.0],
    tile: [0.263, 0.0, 14.2, 0.0503, 0.622, 0.94, 1.44, 20.9, 0.0, 0.155, 0.0429, 0.121, 0.623, 3.45, 19.4, 159.0],
};

/// As compiled for plain x86-64, without FMA.
const XEON_PORTABLE: Costs = Costs {
    blocked: [0.874, 2.1, 0.0, 5.03, 3.02, 0.084, 0.382, 0.327, 102.0, 17.0],
    blocked_bf16: None,
    narrow: [0.964, 0.0893, 2.77, 3.56, 1.33, 0.593, 162.0],
    tile: [0.889, 0.0, 5.98, 0.0314, 0.49, 1.2, 3.65, 42.6, 0.0, 0.203, 0.35, 0.149, 1.0, 2.06, 10.5, 180.0],
};

// An EPYC of Zen 5, 1 MiB of L2.

const ZEN_AVX512: Costs = Costs {
    blocked: [0.25, 0.469, 0.0, 1.93, 3.83, 0.112, 0.0619, 0.0951, 153.0, 132.0],
    blocked_bf16: Some([0.275, 0.116, 0.0, 2.03, 3.04, 0.103, 0.0677, 0.0938, 164.0, 236.0, 0.0586]),
    narrow: [0.219, 0.225, 1.63, 1.19, 0.966, 0.0, 150.0],
    tile: [0.22, 0.0234, 12.3, 0.0428, 0.943, 1.18, 1.74, 1.52, 0.0, 0.0968, 0.0199, 0.0391, 0.0535, 2.04, 28.2, 111.0],
};

const ZEN_AVX2: Costs = Costs {
    blocked: [0.244, 0.75, 0.0, 1.37, 1.85, 0.0868, 0.102, 0.108, 157.0, 82.5],
    blocked_bf16: None,
    narrow: [0.206, 0.126, 1.47, 1.06, 0.415, 0.612, 187.0],
    tile: [0.225, 0.000418, 14.9, 0.0407, 0.117, 0.699, 1.18, 18.3, 0.0, 0.0698, 0.0, 0.015, 0.0395, 2.89, 19.1, 172.0],
};

/// As compiled for plain x86-64, without FMA.
const ZEN_PORTABLE: Costs = Costs {
    blocked: [0.713, 1.0, 0.0, 3.75, 1.64, 0.0467, 0.123, 0.172, 119.0, 337.0],
    blocked_bf16: None,
    narrow: [0.969, 0.0, 3.13, 3.0, 1.34, 0.308, 178.0],
    tile: [0.693, 0.0, 4.93, 0.0422, 0.404, 0.86, 3.23, 26.4, 0.0, 0.178, 0.14, 0.0, 0.027, 2.94, 17.1, 161.0],
};
