//! What each kind of work costs: the only numbers of the plan that come from a measurement.
//!
//! `cargo bench -p nn-benches --bench calibrate` measures steps of some hundred shapes in every engine, says how far the
//! estimates are off and where the plan chose wrongly, fits these prices to what it measured, and prints them as they
//! stand here. Prices are in nanoseconds and at least 0.

use crate::InstructionSet;
use crate::isa::is_intel;

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
        match (set.name(), is_intel()) {
            ("avx512", true) => &XEON_AVX512,
            ("avx512", false) => &ZEN_AVX512,
            ("avx2", true) => &XEON_AVX2,
            ("avx2", false) => &ZEN_AVX2,
            (_, true) => &XEON_PORTABLE,
            (_, false) => &ZEN_PORTABLE,
        }
    }
}

// A Sapphire Rapids Xeon, 2 MiB of L2. Of these, prices of what has since been counted otherwise were not fitted again but
// brought to the same estimates.

const XEON_AVX512: Costs = Costs {
    blocked: [0.306, 2.14, 0.0, 3.35, 4.77, 0.19, 0.346, 0.114, 103.0, 0.0],
    // Not measured: it begins one product of pairs a cycle, where it begins two FMAs.
    blocked_bf16: Some([0.612, 2.14, 0.0, 3.35, 4.77, 0.19, 0.346, 0.114, 103.0, 0.0, 0.05]),
    narrow: [0.308, 0.509, 1.74, 1.83, 1.47, 0.0325, 129.0],
    tile: [0.285, 0.0334, 18.2, 0.135, 1.21, 1.98, 2.76, 1.65, 0.0, 0.163, 0.0334, 0.131, 0.27, 1.86, 22.3, 106.0],
};

const XEON_AVX2: Costs = Costs {
    blocked: [0.264, 1.88, 0.215, 2.08, 2.31, 0.0476, 0.376, 0.0747, 123.0, 0.0],
    blocked_bf16: None,
    // The first price is what the engine took before it kept to sixteen registers, by what that brought on the other core.
    narrow: [0.221, 0.183, 1.78, 1.18, 0.579, 0.531, 174.0],
    tile: [0.263, 0.0, 14.2, 0.0503, 0.622, 0.94, 1.44, 20.9, 0.0, 0.155, 0.0429, 0.121, 0.38, 3.45, 19.4, 159.0],
};

/// As compiled for plain x86-64, without FMA.
const XEON_PORTABLE: Costs = Costs {
    blocked: [0.874, 2.1, 0.0, 5.03, 3.02, 0.084, 0.382, 0.109, 102.0, 17.0],
    blocked_bf16: None,
    narrow: [0.964, 0.0893, 2.77, 3.56, 1.33, 0.593, 162.0],
    tile: [0.889, 0.0, 5.98, 0.0314, 0.49, 1.2, 3.65, 42.6, 0.0, 0.203, 0.35, 0.149, 0.61, 2.06, 10.5, 180.0],
};

// An EPYC of Zen 5, 1 MiB of L2.

const ZEN_AVX512: Costs = Costs {
    blocked: [0.242, 0.485, 0.0, 1.82, 3.57, 0.104, 0.0822, 0.0456, 138.0, 120.0],
    blocked_bf16: Some([0.258, 0.0, 0.0, 1.93, 2.31, 0.0886, 0.085, 0.0475, 159.0, 181.0, 0.0745]),
    narrow: [0.208, 0.221, 1.52, 1.16, 0.852, 0.0111, 143.0],
    tile: [0.216, 0.0156, 10.3, 0.04, 0.741, 1.19, 1.75, 0.465, 0.554, 0.0993, 0.0341, 0.0403, 0.15, 2.56, 26.8, 99.5],
};

const ZEN_AVX2: Costs = Costs {
    blocked: [0.242, 0.761, 0.0, 1.36, 1.72, 0.0753, 0.14, 0.09, 155.0, 104.0],
    blocked_bf16: None,
    narrow: [0.203, 0.122, 1.39, 1.02, 0.409, 0.605, 181.0],
    tile: [0.216, 0.00385, 15.0, 0.0425, 0.0, 0.702, 1.15, 17.8, 0.0, 0.0609, 0.0337, 0.0, 0.21, 3.08, 16.2, 165.0],
};

/// As compiled for plain x86-64, without FMA.
const ZEN_PORTABLE: Costs = Costs {
    blocked: [0.696, 0.921, 0.0, 3.77, 1.57, 0.0564, 0.18, 0.0944, 124.0, 274.0],
    blocked_bf16: None,
    narrow: [0.936, 0.0, 3.1, 2.82, 1.44, 0.272, 168.0],
    tile: [0.677, 0.0, 4.62, 0.0369, 0.33, 0.91, 3.19, 25.9, 0.0, 0.17, 0.181, 0.0, 0.2, 2.83, 18.3, 166.0],
};
