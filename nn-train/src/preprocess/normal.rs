//! The quantiles of the normal distribution.

use std::f64::consts::{FRAC_1_SQRT_2, SQRT_2};

/// Below this probability, and above 1 less it, a quantile is that of it: 0 and 1 have none. As in scikit-learn.
pub(crate) const LEAST: f64 = 1e-7 - f64::EPSILON;

/// The x for which a standard normal variable is at most x with `probability`, within ±5.2.
///
/// A rational approximation within 4.5 · 10⁻⁴ (Abramowitz and Stegun, "Handbook of Mathematical Functions", 26.2.23) is
/// brought to the last digits by two steps of Halley's method, which triples the correct ones each time.
pub(super) fn quantile(probability: f64) -> f64 {
    if probability > 0.5 {
        // Exact, and the small tail has all the digits.
        return -quantile(1.0 - probability);
    }
    let probability = probability.max(LEAST);
    let t = (-2.0 * probability.ln()).sqrt();
    let numerator = 2.515517 + t * (0.802853 + t * 0.010328);
    let denominator = 1.0 + t * (1.432788 + t * (0.189269 + t * 0.001308));
    let mut x = numerator / denominator - t;
    for _ in 0..2 {
        let excess = 0.5 * libm::erfc(-x * FRAC_1_SQRT_2) - probability;
        // The excess over the density.
        let step = excess * SQRT_2 * std::f64::consts::PI.sqrt() * (0.5 * x * x).exp();
        x -= step / (1.0 + 0.5 * x * step);
    }
    x
}

#[cfg(test)]
mod tests {
    use super::quantile;

    #[test]
    fn quantiles_are_those_of_tables() {
        // By scipy.stats.norm.ppf.
        let expected = [
            (1e-6, -4.753424308822899),
            (0.001, -3.0902323061678136),
            (0.025, -1.959963984540054),
            (0.25, -0.6744897501960817),
            (0.5, 0.0),
            (0.75, 0.6744897501960817),
            (0.975, 1.959963984540054),
        ];
        for (probability, x) in expected {
            assert!((quantile(probability) - x).abs() < 4e-15, "{probability}: {}", quantile(probability));
        }
        assert!((quantile(0.0) + 5.199337582605575).abs() < 1e-12 && quantile(1.0) == -quantile(0.0));
    }
}
