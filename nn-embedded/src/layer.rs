//! A layer in `f32`, and what stands before the first and behind the last.

/// A number as it is stored: as itself, or as bytes.
pub trait Stored<T>: Copy {
    /// The number.
    fn get(self) -> T;
}

impl Stored<f32> for f32 {
    fn get(self) -> f32 {
        self
    }
}

/// a_j = g(b_j + Σ_i w_ji x_i) of every row of weights, the terms added to b_j in the order of i and nothing fused.
pub fn dense<W: Stored<f32>, A>(
    rows: impl IntoIterator<Item = impl AsRef<[W]>>,
    biases: &[W],
    inputs: &[f32],
    outputs: &mut [A],
    g: impl Fn(f32) -> A,
) {
    for ((row, bias), output) in rows.into_iter().zip(biases).zip(outputs) {
        let terms = row.as_ref().iter().zip(inputs);
        *output = g(terms.fold(bias.get(), |sum, (weight, x)| sum + weight.get() * x));
    }
}

/// x, standardised.
pub fn standardize(x: f32, mean: f32, factor: f32) -> f32 {
    (x - mean) * factor
}

/// Outputs in the units that they had before they were standardised, in place.
pub fn restore<W: Stored<f32>>(outputs: &mut [f32], means: &[W], deviations: &[W]) {
    for ((output, mean), deviation) in outputs.iter_mut().zip(means).zip(deviations) {
        *output = *output * deviation.get() + mean.get();
    }
}

/// The class that outputs decide for: the highest of several, the first if there are more; of one output, whether it is
/// at least ½. None where one is NaN.
pub fn class(outputs: &[f32]) -> Option<usize> {
    if outputs.iter().any(|output| output.is_nan()) {
        return None;
    }
    if let [output] = outputs {
        return Some(usize::from(*output >= 0.5));
    }
    let (mut class, mut highest) = (0, f32::NEG_INFINITY);
    for (k, output) in outputs.iter().enumerate() {
        if *output > highest {
            (class, highest) = (k, *output);
        }
    }
    Some(class)
}
