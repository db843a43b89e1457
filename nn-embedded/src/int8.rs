//! A layer of whole numbers: weights and activations of 8 bits, sums of 32.

use crate::layer::Stored;
use crate::math::round;

impl Stored<i32> for i8 {
    fn get(self) -> i32 {
        i32::from(self)
    }
}

/// The whole number nearest to x · factor + zero, half to even, at least -128 and at most 127. NaN becomes 0.
pub fn quantize(x: f32, factor: f32, zero: f32) -> i8 {
    round((x * factor + zero).clamp(-128.0, 127.0)) as i8
}

/// a_j = g(s_j Σ_i w_ji x_i + b_j) of every row of weights. The sum is exact: it does not leave 32 bits with up to 2¹⁷
/// inputs.
pub fn dense_int8<W: Stored<i32>, N: Stored<f32>, A>(
    rows: impl IntoIterator<Item = impl AsRef<[W]>>,
    scales: &[N],
    biases: &[N],
    inputs: &[i8],
    outputs: &mut [A],
    g: impl Fn(f32) -> A,
) {
    let units = rows.into_iter().zip(scales).zip(biases);
    for (((row, scale), bias), output) in units.zip(outputs) {
        let product = |(weight, x): (&W, &i8)| weight.get().wrapping_mul(i32::from(*x));
        let terms = row.as_ref().iter().zip(inputs).map(product);
        let sum = terms.fold(0, i32::wrapping_add);
        *output = g(sum as f32 * scale.get() + bias.get());
    }
}
