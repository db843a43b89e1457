//! The comparators that the other tests trust.

mod support;

use nn_kernels::{Activation, Architecture, Layer, Loss};
use support::compare::{assert_within, layer_error, max_error, max_norm_error, norm_error};

type Comparator = fn(&[f64], &[f64]) -> f64;

const COMPARATORS: [Comparator; 3] = [|a, b| max_error(a, b, 1.0), norm_error, max_norm_error];

/// Whether `error` would pass a test with a generous bound.
fn passes(error: f64) -> bool {
    std::panic::catch_unwind(|| assert_within(error, 1e-3, "")).is_ok()
}

#[test]
fn nan_fails_wherever_it_stands() {
    for compare in COMPARATORS {
        for place in 0..3 {
            let mut broken = [1.0, 2.0, 3.0];
            broken[place] = f64::NAN;
            assert!(!passes(compare(&broken, &[1.0, 2.0, 3.0])), "found, {place}");
            assert!(!passes(compare(&[1.0, 2.0, 3.0], &broken)), "expected, {place}");
            assert!(!passes(compare(&broken, &broken)), "both, {place}");
        }
    }
}

#[test]
fn infinities_fail() {
    for compare in COMPARATORS {
        assert!(!passes(compare(&[1.0, f64::INFINITY], &[1.0, 2.0])));
        assert!(!passes(compare(&[1.0, 2.0], &[1.0, f64::INFINITY])));
        assert!(!passes(compare(&[f64::INFINITY], &[f64::INFINITY])));
    }
}

#[test]
fn a_zero_reference_does_not_excuse_an_error() {
    for compare in COMPARATORS {
        assert!(!passes(compare(&[0.1, 0.0], &[0.0, 0.0])));
        assert!(passes(compare(&[0.0, 0.0], &[0.0, -0.0])));
    }
}

#[test]
fn lengths_count() {
    for compare in COMPARATORS {
        assert!(!passes(compare(&[1.0, 2.0], &[1.0, 2.0, 3.0])));
        assert!(!passes(compare(&[], &[])), "nothing compared is nothing shown");
    }
}

#[test]
fn an_off_by_one_fails_and_rounding_passes() {
    let expected: Vec<f64> = (1..100).map(f64::from).collect();
    let shifted: Vec<f64> = (2..101).map(f64::from).collect();
    let rounded: Vec<f64> = expected.iter().map(|x| x * (1.0 + 1e-6)).collect();
    for compare in COMPARATORS {
        assert!(!passes(compare(&shifted, &expected)));
        assert!(passes(compare(&rounded, &expected)));
    }
}

#[test]
fn a_single_wrong_element_among_many_fails() {
    let expected = vec![1.0; 10_000];
    let mut found = expected.clone();
    found[5_000] = 1.5;
    assert!(!passes(max_error(&found, &expected, 1.0)));
    assert!(!passes(max_norm_error(&found, &expected)));
    assert!(!passes(norm_error(&found, &expected)));
}

/// Gradients shrink from layer to layer on the way back: what is 1 % wrong in the first of six is far below the scale of
/// the whole.
#[test]
fn a_first_layer_that_is_one_per_cent_off_fails() {
    let layers = vec![Layer::new(3, 3, Activation::Sigmoid); 6];
    let architecture = Architecture::new(layers, Loss::CrossEntropy).expect("valid");
    let mut expected = Vec::new();
    for (l, range) in architecture.ranges().enumerate() {
        let scale = 0.1_f64.powi(5 - l as i32);
        expected.extend((range.weights.start..range.bias.end).map(|i| scale * (1.0 + i as f64).sin()));
    }
    let layer = 0..architecture.layers()[0].params();
    for error in [norm_error, max_norm_error] {
        let mut wrong = expected.clone();
        wrong[layer.clone()].iter_mut().for_each(|x| *x *= 1.01);
        assert!(passes(error(&wrong, &expected)), "by the scale of the whole it passes");
        assert!(!passes(layer_error(&architecture, &wrong, &expected, error)));
        let mut rounded = expected.clone();
        rounded[layer.clone()].iter_mut().for_each(|x| *x *= 1.0 + 1e-6);
        assert!(passes(layer_error(&architecture, &rounded, &expected, error)));
        // NaN in any layer, and a gradient of another length.
        wrong[layer.end] = f64::NAN;
        assert!(!passes(layer_error(&architecture, &wrong, &expected, error)));
        assert!(!passes(layer_error(&architecture, &expected[1..], &expected[1..], error)));
    }
}
