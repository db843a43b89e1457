//! The quantiles of the normal distribution as operators.

use super::graph::{Graph, int};
use crate::preprocess::LEAST;

/// The numerator and the denominator of a rational function, the constants first.
type Rational = [[f64; 2]; 8];

/// For |p - ½| ≤ 0.425, in 0.425² - (p - ½)².
const CENTRAL: Rational = [
    [3.387_132_872_796_366_5, 1.0],
    [133.141_667_891_784_38, 42.313_330_701_600_91],
    [1_971.590_950_306_551_3, 687.187_007_492_057_9],
    [13_731.693_765_509_46, 5_394.196_021_424_751],
    [45_921.953_931_549_87, 21_213.794_301_586_597],
    [67_265.770_927_008_7, 39_307.895_800_092_71],
    [33_430.575_583_588_13, 28_729.085_735_721_943],
    [2_509.080_928_730_122_7, 5_226.495_278_852_854],
];

/// For the tails down to e⁻²⁵, in √(-ln p) - 1.6.
const TAIL: Rational = [
    [1.423_437_110_749_683_5, 1.0],
    [4.630_337_846_156_546, 2.053_191_626_637_759],
    [5.769_497_221_460_691, 1.676_384_830_183_803_8],
    [3.647_848_324_763_204_5, 0.689_767_334_985_1],
    [1.270_458_252_452_368_4, 0.148_103_976_427_480_08],
    [0.241_780_725_177_450_6, 0.015_198_666_563_616_457],
    [0.022_723_844_989_269_184, 5.475_938_084_995_345e-4],
    [7.745_450_142_783_414e-4, 1.050_750_071_644_416_9e-9],
];

/// The x below which a standard normal variable lies with the probability that `share` (`f64`, `[N, 1]`) says.
///
/// By Wichura, "Algorithm AS 241: The percentage points of the normal distribution", Applied Statistics 37 (1988), PPND16:
/// about 16 digits. The library computes it in another way, to as many (`preprocess/normal.rs`); that needs erfc, for which
/// there is no operator of `f64`.
pub(super) fn normal_scores(graph: &mut Graph, share: &str) -> String {
    let mut number = |value| graph.number::<f64>(value);
    let (half, one, least) = (number(0.5), number(1.0), number(LEAST));
    let (central, shift, square) = (number(0.425), number(1.6), number(0.180_625));
    let distance = graph.apply("Sub", &[share, &half]);
    let squared = graph.apply("Mul", &[&distance, &distance]);
    let r = graph.apply("Sub", &[&square, &squared]);
    let factor = rational(graph, &CENTRAL, &r);
    let middle = graph.apply("Mul", &[&distance, &factor]);

    let upper = graph.apply("Sub", &[&one, share]);
    let smaller = graph.apply("Min", &[share, &upper]);
    let smaller = graph.apply("Max", &[&smaller, &least]);
    let log = graph.apply("Log", &[&smaller]);
    let log = graph.apply("Neg", &[&log]);
    let root = graph.apply("Sqrt", &[&log]);
    let r = graph.apply("Sub", &[&root, &shift]);
    let magnitude = rational(graph, &TAIL, &r);
    let sign = graph.apply("Sign", &[&distance]);
    let tail = graph.apply("Mul", &[&magnitude, &sign]);

    let away = graph.apply("Abs", &[&distance]);
    let is_tail = graph.apply("Less", &[&central, &away]);
    graph.apply("Where", &[&is_tail, &tail, &middle])
}

/// A rational function of r, `[N, 1]`: the powers of r times both columns of coefficients, and the quotient of the two sums.
fn rational(graph: &mut Graph, coefficients: &Rational, r: &str) -> String {
    let exponents = graph.constant("exponents", &[1, 8], &[0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]);
    let coefficients = graph.constant("coefficients", &[8, 2], coefficients.as_flattened());
    let powers = graph.apply("Pow", &[r, &exponents]);
    let sums = graph.apply("MatMul", &[&powers, &coefficients]);
    let mut column = |column| {
        let column = graph.whole("column", &[1], &[column]);
        graph.node("Gather", &[&sums, &column], vec![int("axis", 1)])
    };
    let (numerator, denominator) = (column(0), column(1));
    graph.apply("Div", &[&numerator, &denominator])
}

#[cfg(test)]
mod tests {
    use super::{CENTRAL, Rational, TAIL};

    fn rational(coefficients: &Rational, r: f64) -> f64 {
        let sum = |column: usize| coefficients.iter().rev().fold(0.0, |sum, row| sum * r + row[column]);
        sum(0) / sum(1)
    }

    #[test]
    fn the_coefficients_are_those_of_the_quantiles() {
        // By scipy.stats.norm.ppf.
        for (p, x) in [(0.025, -1.959963984540054), (0.001, -3.0902323061678136), (1e-6, -4.753424308822899)] {
            let found = -rational(&TAIL, (-f64::ln(p)).sqrt() - 1.6);
            assert!((found - x).abs() < 4e-15, "{p}: {found}");
        }
        for (p, x) in [(0.25, -0.6744897501960817), (0.5, 0.0), (0.9, 1.2815515655446004)] {
            let q: f64 = p - 0.5;
            let found = q * rational(&CENTRAL, 0.180_625 - q * q);
            assert!((found - x).abs() < 4e-15, "{p}: {found}");
        }
    }
}
