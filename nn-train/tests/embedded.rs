//! Networks for small devices: what they predict beside the reference, and what cannot be exported.
#![cfg(feature = "embedded")]
#![allow(clippy::unwrap_used, missing_docs)]

use nn_kernels::math::{ExpConstants, LogConstants};
use nn_kernels::reference;
use nn_train::StepError;
use nn_train::embedded::{Export, ExportFault, MAX_SOURCE_PARAMETERS};
use nn_train::prelude::*;

#[path = "support/embedded.rs"]
mod support;
use support::{CASES, network, samples};

/// How far a prediction in `f32` may be from the reference, output by output: the rounding of each operation, carried
/// through the layers by their Lipschitz constants. (u = 2⁻²⁴; a sum of n products and a bias is off by at most n u Σ|terms| to first order.)
fn bounds(net: &DynNetwork<f32>, inputs: &[f64]) -> Vec<f64> {
    const U: f64 = 1.0 / 16_777_216.0;
    let theta: Vec<f64> = net.parameters().iter().map(|p| f64::from(*p)).collect();
    let forward = reference::forward(net.architecture(), &theta, inputs);
    let mut errors = vec![0.0; inputs.len()];
    for (l, (layer, range)) in net.architecture().layers().iter().zip(net.architecture().ranges()).enumerate() {
        let (weights, biases) = (&theta[range.weights], &theta[range.bias]);
        let before = forward.a[l].column(0);
        let of_z = |j: usize| {
            let row = &weights[j * layer.inputs..][..layer.inputs];
            let terms = row.iter().zip(&before).zip(&errors);
            let (size, carried) = terms.fold((biases[j].abs(), 0.0), |(size, carried), ((w, a), error)| {
                (size + (w * a).abs(), carried + w.abs() * error)
            });
            carried + (layer.inputs + 2) as f64 * U * size
        };
        let of_z: Vec<f64> = (0..layer.outputs).map(of_z).collect();
        // |g'| is nowhere more; of softmax, Σ_j |∂h_k/∂z_j| = 2 h (1 - h).
        let slope = match layer.activation {
            Activation::Sigmoid => 0.25,
            Activation::Gelu | Activation::Silu => 1.13,
            Activation::Softmax => 0.5,
            _ => 1.0,
        };
        let widest = of_z.iter().fold(0.0, |widest: f64, error| widest.max(*error));
        let a = forward.a[l + 1].column(0);
        errors = (0..layer.outputs)
            .map(|j| {
                let carried = if layer.activation == Activation::Softmax { widest } else { of_z[j] };
                // The function's own error, at most 4 units of the last place; softmax adds up n exponentials too.
                slope * carried + (8.0 + layer.outputs as f64) * U * a[j].abs().max(0.125)
            })
            .collect();
    }
    errors
}

#[test]
fn every_activation_and_loss_agrees_with_the_reference() {
    for (number, case) in CASES.into_iter().enumerate() {
        let net = network::<f32>(case, number as u64);
        let export = Export::new(&net).unwrap();
        let theta: Vec<f64> = net.parameters().iter().map(|p| f64::from(*p)).collect();
        let width = net.architecture().inputs();
        for sample in samples(width, 20).chunks_exact(width) {
            let exact: Vec<f64> = sample.iter().map(|x| f64::from(*x)).collect();
            let expected = reference::forward(net.architecture(), &theta, &exact).output().column(0);
            let found = export.predict(sample).unwrap();
            assert_eq!(found.len(), expected.len());
            for ((found, expected), bound) in found.iter().zip(expected).zip(bounds(&net, &exact)) {
                let error = (f64::from(*found) - expected).abs();
                assert!(error <= bound, "{case}: {found} instead of {expected}, beyond {bound:e}");
                assert!(bound < 2e-4, "{case}: a bound of {bound:e} says nothing");
            }
        }
    }
}

/// As it would be written in a line or two, without the file.
#[test]
fn it_is_the_prediction_in_scalar_f32() {
    let net = network::<f32>("7 => 5 relu => 3 linear, mse", 1);
    let export = Export::new(&net).unwrap();
    for sample in samples(7, 20).chunks_exact(7) {
        let mut a = sample.to_vec();
        for range in net.architecture().ranges() {
            let (weights, biases) = (&net.parameters()[range.weights], &net.parameters()[range.bias]);
            let unit = |j: usize| {
                let mut sum = biases[j];
                for (i, x) in a.iter().enumerate() {
                    sum += weights[j * a.len() + i] * x;
                }
                if biases.len() == 5 { sum.max(0.0) } else { sum }
            };
            a = (0..biases.len()).map(unit).collect();
        }
        assert_eq!(export.predict(sample).unwrap(), a);
    }
}

#[test]
fn f64_is_rounded_and_dropout_is_not_there() {
    let double = network::<f64>("3 => 4 tanh dropout(0.5) => 2 softmax", 5);
    let mut single = network::<f32>("3 => 4 tanh => 2 softmax", 5);
    for (to, from) in single.parameters_mut().iter_mut().zip(double.parameters()) {
        *to = *from as f32;
    }
    assert_eq!(Export::new(&double).unwrap(), Export::new(&single).unwrap());
}

#[test]
fn raw_inputs_go_in_and_original_units_come_out() {
    let net = network::<f32>("2 => 5 tanh => 1 linear", 3);
    let inputs = Standardizer::from_constants(vec![100.0, -3.0], vec![20.0, 0.5]).unwrap();
    let targets = Standardizer::from_constants(vec![5000.0], vec![1000.0]).unwrap();
    let export = Export::scaled(&net, Some(&inputs), Some(&targets)).unwrap();
    let raw = [[110.0_f32, -3.5], [70.0, -2.0], [100.0, -3.0]];
    for sample in raw {
        let standardized: [f32; 2] = inputs.apply(&sample).unwrap();
        let [expected]: [f32; 1] =
            targets.invert(&[Export::new(&net).unwrap().predict(&standardized).unwrap()[0]]).unwrap();
        let found = export.predict(&sample).unwrap()[0];
        assert!((found - expected).abs() < 1e-2, "{found} instead of {expected}");
    }
    // In 8 bits: within a hundredth of what the outputs take up.
    let grid: Vec<f32> = (0..100).flat_map(|k| [60.0 + 8.0 * (k % 10) as f32, -4.0 + 0.2 * (k / 10) as f32]).collect();
    let small = export.quantized(&grid).unwrap();
    let outputs = |sample: &[f32]| (export.predict(sample).unwrap()[0], small.predict(sample).unwrap()[0]);
    let pairs: Vec<(f32, f32)> = grid.chunks_exact(2).map(outputs).collect();
    let (least, greatest) =
        pairs.iter().fold((f32::MAX, f32::MIN), |(l, g), (exact, _)| (l.min(*exact), g.max(*exact)));
    for (exact, rounded) in pairs {
        assert!((exact - rounded).abs() < 0.02 * (greatest - least), "{rounded} instead of {exact}");
    }
}

#[test]
fn sizes_are_those_of_the_buffers_and_numbers() {
    let net = network::<f32>("7 => 23 relu => 41 relu => 5 relu => 2 softmax", 1);
    let export = Export::new(&net).unwrap();
    let params = net.parameters().len();
    // Hidden layers of 23, 41 and 5 units; the third goes where the first was.
    let sizes = export.sizes();
    assert_eq!((sizes.numbers, sizes.file, sizes.scratch), (4 * params, 36 + 4 * 12 + 4 * params, 4 * (23 + 41)));
    assert_eq!(export.bytes().len(), sizes.file);
    // In 8 bits the inputs are quantised first: 7 and 41, 23 and 5.
    let small = export.quantized(&samples(7, 9)).unwrap();
    let (weights, units) = (params - 71, 71);
    assert_eq!((small.sizes().numbers, small.sizes().scratch), (weights + 8 * units, 41 + 23));
    assert_eq!(
        small.sizes().to_string(),
        format!(
            "{} bytes of numbers in flash beside the code, 64 bytes of activations on the stack",
            weights + 8 * units
        )
    );
    // One layer needs no buffer.
    assert_eq!(Export::new(&network::<f32>("3 => 2 sigmoid", 1)).unwrap().sizes().scratch, 0);
}

#[test]
fn classes_are_those_of_the_metrics() {
    let mut net = network::<f32>("1 => 2 softmax", 1);
    net.parameters_mut().copy_from_slice(&[1.0, -1.0, 0.0, 0.0]);
    let export = Export::new(&net).unwrap();
    let class = |x: f32| export.classify(&[x]).unwrap();
    assert_eq!([class(1.0), class(-1.0), class(0.0), class(f32::NAN)], [Some(0), Some(1), Some(0), None]);
    let mut net = network::<f32>("1 => 1 sigmoid", 1);
    net.parameters_mut().copy_from_slice(&[1.0, 0.0]);
    let export = Export::new(&net).unwrap();
    let class = |x: f32| export.classify(&[x]).unwrap();
    assert_eq!([class(1.0), class(-1.0), class(0.0), class(f32::NAN)], [Some(1), Some(0), Some(1), None]);
}

#[test]
fn what_cannot_be_exported_is_named() {
    fn message<T>(result: Result<T, Error>) -> String {
        result.err().unwrap().to_string()
    }
    let mut net = network::<f64>("2 => 3 tanh => 1 linear", 1);
    net.parameters_mut()[4] = 1e300;
    assert_eq!(message(Export::new(&net)), "weight 4 of Θ^(1) is 1e300; expected a finite number of f32");
    net.parameters_mut()[4] = 0.0;
    net.parameters_mut()[12] = f64::NAN;
    assert_eq!(message(Export::new(&net)), "bias 0 of Θ^(2) is NaN; expected a finite number of f32");
    net.parameters_mut()[12] = 0.0;

    let one = Standardizer::from_constants(vec![0.0], vec![1.0]).unwrap();
    assert_eq!(
        message(Export::scaled(&net, Some(&one), None)),
        "the network's input has 2 features; expected 1, as many as the standardizer has constants for"
    );
    let two = Standardizer::from_constants(vec![0.0; 2], vec![1.0; 2]).unwrap();
    assert!(matches!(Export::scaled(&net, None, Some(&two)), Err(Error::Features { expected: 2, found: 1, .. })));
    let tiny = Standardizer::from_constants(vec![0.0], vec![1e-300]).unwrap();
    assert_eq!(
        message(Export::scaled(&net, None, Some(&tiny))),
        "deviation 0 of the standardizer becomes 0 in f32; expected a finite number above 0"
    );
    let far = Standardizer::from_constants(vec![0.0, 1e300], vec![1.0; 2]).unwrap();
    assert_eq!(
        message(Export::scaled(&net, Some(&far), None)),
        "mean 1 of the standardizer becomes inf in f32; expected a finite number"
    );

    let export = Export::new(&net).unwrap();
    assert_eq!(export.predict(&[0.0]), Err(Error::Width { what: "inputs", expected: 2, found: 1 }));
    assert_eq!(export.quantized::<f32>(&[]).err(), Some(Error::Empty { what: "calibration samples" }));
    assert!(matches!(
        export.quantized(&[1.0_f32]),
        Err(Error::Step(StepError::Ragged { what: "calibration samples", len: 1, width: 2 }))
    ));
    assert!(matches!(
        export.quantized(&[0.0, 0.0, 0.0, f64::INFINITY]),
        Err(Error::NonFinite { row: 1, column: 1, .. })
    ));
    let mut linear = network::<f32>("1 => 1 linear => 1 linear", 1);
    linear.parameters_mut().copy_from_slice(&[1e30, 0.0, 1.0, 0.0]);
    assert_eq!(
        message(Export::new(&linear).unwrap().quantized(&[0.0_f32, 1e30])),
        "an input of Θ^(2) is inf for calibration sample 1; expected a finite number"
    );

    // Weights and inputs are of f32, but not the scale of both together, or what the zero of the inputs adds to the bias.
    let mut large = network::<f32>("2 => 1 linear", 1);
    large.parameters_mut().copy_from_slice(&[1e30, 0.0, 0.0]);
    assert_eq!(
        message(Export::new(&large).unwrap().quantized(&[0.0_f32, 1e30])),
        "8-bit scale 0 of Θ^(1) is 3.0878495318252276e55; expected a finite number of f32"
    );
    large.parameters_mut().copy_from_slice(&[1e20, 1e20, 0.0]);
    assert_eq!(
        message(Export::new(&large).unwrap().quantized(&[0.0_f32, 1e20])),
        "8-bit bias 0 of Θ^(1) is 1.0039216287161822e40; expected a finite number of f32"
    );

    let wide = Export::new(&network::<f32>("131073 => 1 linear", 1)).unwrap();
    assert_eq!(
        message(wide.quantized(&vec![0.0_f32; 131_073])),
        "a layer of 8-bit numbers has more inputs than its sums have room for: layer 1; expected at most 131072"
    );
    let large = Export::new(&network::<f32>("1000 => 1000 linear", 1)).unwrap();
    assert!(matches!(
        large.source(),
        Err(Error::Export(ExportFault::SourceTooLarge { parameters: 1_001_000, max: MAX_SOURCE_PARAMETERS }))
    ));
}

/// The greatest sum there can be does not leave 32 bits.
#[test]
fn sums_of_the_widest_layer_are_exact() {
    let mut net = network::<f32>("131072 => 1 linear", 1);
    net.parameters_mut().fill(1.0);
    let inputs = vec![-1.0_f32; 131_072];
    let found = Export::new(&net).unwrap().quantized(&inputs).unwrap().predict(&inputs).unwrap()[0];
    assert!((found + 131_071.0).abs() < 600.0, "{found}");
}

/// A file of version 1 that stays as it is; a test of nn-embedded reads it.
#[test]
fn the_format_is_that_of_the_kept_file() {
    let mut net = DynNetwork::<f32>::zeros("2 => 2 tanh => 1 sigmoid".parse().unwrap()).unwrap();
    net.parameters_mut().copy_from_slice(&[10.0, 10.0, 10.0, 10.0, -5.0, -15.0, 5.0, -5.0, -5.0]);
    let export = Export::new(&net).unwrap();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../nn-embedded/tests/data/xor.nne");
    if std::env::var_os("NN_GOLDEN").is_some_and(|value| value == "overwrite") {
        std::fs::write(path, export.bytes()).unwrap();
    }
    assert_eq!(std::fs::read(path).unwrap(), export.bytes());
    let classes: Vec<_> =
        [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].iter().map(|x| export.classify(x).unwrap()).collect();
    assert_eq!(classes, [Some(0), Some(1), Some(1), Some(0)]);
}

/// The polynomials stand in both crates, as nn-embedded has no dependency.
#[test]
fn the_polynomials_are_those_of_the_kernels() {
    let text = nn_embedded::SOURCES[0];
    let list = |name: &str| -> Vec<f32> {
        let line = text.lines().find(|line| line.starts_with(&format!("const {name}:"))).unwrap();
        let numbers = line.split('=').nth(1).unwrap().trim_matches([' ', ';', '[', ']']);
        numbers.split(',').map(|number| number.trim().replace('_', "").parse().unwrap()).collect()
    };
    assert_eq!(list("EXP"), <f32 as ExpConstants>::Q);
    assert_eq!(list("LN2_HIGH"), [<f32 as ExpConstants>::LN2_HIGH]);
    assert_eq!(list("LN2_LOW"), [<f32 as ExpConstants>::LN2_LOW]);
    assert_eq!(list("ARTANH"), <f32 as LogConstants>::P);
}
