//! From `f32` to whole numbers of 8 bits.

use nn_embedded::layer::Stored;
use nn_embedded::{Layer, Model, Quantization};

use super::ExportFault;
use super::write::{LayerParts, NONE, Parts, finite};
use crate::error::Error;

/// The least and the greatest number that a layer has been given; 0 is always among them, so that it stays exactly 0.
#[derive(Debug, Clone, Copy, Default)]
struct Range {
    least: f64,
    greatest: f64,
}

impl Range {
    fn see(&mut self, numbers: &[f32]) {
        for &number in numbers {
            self.least = self.least.min(f64::from(number));
            self.greatest = self.greatest.max(f64::from(number));
        }
    }

    /// The range on -128 to 127. Of one that is hardly more than 0, whose factor would overflow, whole numbers stand
    /// for themselves.
    fn quantization(self) -> Quantization {
        let factor = (255.0 / (self.greatest - self.least)) as f32;
        if factor > 1e30 {
            return Quantization { factor: 1.0, zero: 0.0 };
        }
        let zero = (-128.0 - self.least * f64::from(factor)).round_ties_even() as f32;
        Quantization { factor, zero }
    }
}

/// The same network with weights of 8 bits, and scales for its activations from what `samples`, m × S_1 finite numbers,
/// make of them.
pub(super) fn quantize(model: &Model<'_, f32>, samples: &[f32]) -> Result<Parts<i8>, Error> {
    let frame = model.frame();
    let mut ranges = vec![Range::default(); frame.layers];
    let (mut scratch, mut outputs) = (vec![0.0; model.scratch()], vec![0.0; frame.outputs]);
    for (sample, inputs) in samples.chunks_exact(frame.inputs).enumerate() {
        let (mut layer, mut wrong) = (0, None);
        let watch = |inputs: &[f32]| {
            ranges[layer].see(inputs);
            layer += 1;
            let overflow = inputs.iter().find(|input| !input.is_finite());
            if let (None, Some(&value)) = (&wrong, overflow) {
                wrong = Some(ExportFault::Calibration { sample, layer, value });
            }
        };
        model.predict(inputs, &mut scratch, &mut outputs, watch).map_err(ExportFault::from)?;
        if let Some(fault) = wrong {
            return Err(fault.into());
        }
    }
    let quantizations: Vec<Quantization> = ranges.into_iter().map(Range::quantization).collect();
    let behind = quantizations.iter().skip(1).copied().chain([NONE]);
    let layers = (1..).zip(model.layers()).zip(&quantizations).zip(behind);
    let layers = layers.map(|(((number, layer), &before), behind)| quantize_layer(number, &layer, before, behind));
    let layers = layers.collect::<Result<_, Error>>()?;
    let scales = |[first, second]: [&[[u8; 4]]; 2]| [numbers(first), numbers(second)];
    Ok(Parts {
        inputs: frame.inputs,
        outputs: frame.outputs,
        input_scales: scales(frame.input_scales),
        quantization: quantizations[0],
        layers,
        output_scales: scales(frame.output_scales),
    })
}

/// z_j = Σ_i w_ji x_i + b_j with w_ji = v_j q_ji and x_i = (p_i - zero) / factor, that is
/// z_j = (v_j / factor) Σ_i q_ji p_i + (b_j - (v_j / factor) zero Σ_i q_ji).
fn quantize_layer(
    number: usize,
    layer: &Layer<'_>,
    before: Quantization,
    behind: Quantization,
) -> Result<LayerParts<i8>, Error> {
    let all = numbers(layer.weights.as_chunks().0);
    let (mut biases, mut scales, mut weights) = (Vec::<f64>::new(), Vec::<f64>::new(), Vec::new());
    for (row, bias) in all.chunks_exact(layer.inputs).zip(layer.biases) {
        let greatest = row.iter().fold(0.0_f64, |greatest, weight| greatest.max(f64::from(weight.abs())));
        let unit = greatest / 127.0;
        let quantized = row.iter().map(|&weight| match f64::from(weight) / unit {
            // A row of zeros.
            steps if steps.is_nan() => 0,
            steps => steps.round_ties_even() as i8,
        });
        let first = weights.len();
        weights.extend(quantized);
        let sum: i64 = weights[first..].iter().map(|&weight| i64::from(weight)).sum();
        let scale = unit / f64::from(before.factor);
        scales.push(scale);
        // With the scale as the device has it.
        biases.push(f64::from(bias.get()) - f64::from(scale as f32) * f64::from(before.zero) * sum as f64);
    }
    let scales = finite(number, "8-bit scale", &scales)?;
    let biases = finite(number, "8-bit bias", &biases)?;
    Ok(LayerParts { activation: layer.activation, quantization: behind, biases, scales, weights })
}

fn numbers(words: &[[u8; 4]]) -> Vec<f32> {
    words.iter().map(|word| word.get()).collect()
}
