//! The gradient against central differences, through the public interface, for every activation and loss.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::GradientCheck;
use nn_train::prelude::*;

/// Targets within (0, 1) whose rows sum to 1, so that they suit every loss; inputs around 0.
fn samples<N: Declared<Scalar = f64>>(count: usize) -> (Vec<N::Input>, Vec<N::Output>) {
    use nn_train::Row;
    let number = |i: usize, k: usize| ((i * 37 + k * 11) as f64 * 0.7).sin();
    let inputs = (0..count).map(|i| {
        let mut row = N::Input::zeros();
        row.as_mut_slice().iter_mut().enumerate().for_each(|(k, x)| *x = number(i, k));
        row
    });
    let targets = (0..count).map(|i| {
        let mut row = N::Output::zeros();
        row.as_mut_slice().iter_mut().enumerate().for_each(|(k, y)| *y = 0.6 + 0.5 * number(i + 1, k));
        let sum = row.as_slice().iter().sum::<f64>() + 0.1;
        row.as_mut_slice().iter_mut().for_each(|y| *y /= sum);
        row
    });
    (inputs.collect(), targets.collect())
}

/// A network's gradient at λ = 0, 1 and 3.
fn check<N: Declared<Scalar = f64>>(tolerance: f64) {
    let mut net = N::new(11);
    // A bias of 0 behind silent units would put z exactly onto the kink of relu, where there is no derivative.
    for (index, theta) in net.parameters_mut().iter_mut().enumerate() {
        *theta += 0.2 * (index as f64 + 0.5).sin();
    }
    let (inputs, targets) = samples::<N>(5);
    for l2 in [0.0, 1.0, 3.0] {
        let check: GradientCheck = net.check_gradient(&inputs, &targets, l2).unwrap();
        assert!(check.relative_error <= tolerance, "{}, λ = {l2}: {check}", N::ARCHITECTURE);
        assert_eq!((check.compared, check.parameters), (N::PARAMS, N::PARAMS));
        assert_eq!(check.cost, net.cost(&inputs, &targets, l2).unwrap());
    }
}

/// A test for each pair of activations and loss, on the four shapes: hidden activation, output, loss.
macro_rules! checks {
    ($($name:ident: $hidden:ident $(($slope:literal))?, $output:ident $(($out:literal))?, $loss:ident $(($d:literal))?,
       $tolerance:literal;)*) => { $(
        #[test]
        fn $name() {
            network! { struct Seed<2 => 4 $hidden $(($slope))? => 4 $hidden $(($slope))? => 4 $output $(($out))?>: f64,
                loss = $loss $(($d))?; }
            network! { struct One<1 => 1 $hidden $(($slope))? => 2 $output $(($out))?>: f64, loss = $loss $(($d))?; }
            network! { struct Odd<3 => 17 $hidden $(($slope))? => 5 $output $(($out))?>: f64, loss = $loss $(($d))?; }
            network! { struct Wide<65 => 33 $hidden $(($slope))? => 2 $output $(($out))?>: f64,
                loss = $loss $(($d))?; }
            check::<Seed>($tolerance);
            check::<One>($tolerance);
            check::<Odd>($tolerance);
            check::<Wide>($tolerance);
        }
    )* };
}

checks! {
    sigmoid_cross_entropy: sigmoid, sigmoid, cross_entropy, 1e-9;
    softmax_cross_entropy: sigmoid, softmax, cross_entropy, 1e-9;
    sigmoid_mse: sigmoid, sigmoid, mse, 1e-9;
    sigmoid_huber: sigmoid, sigmoid, huber(0.4), 1e-7;
    sigmoid_mae: sigmoid, sigmoid, mae, 1e-7;
    tanh_sigmoid: tanh, sigmoid, cross_entropy, 1e-9;
    tanh_linear_mse: tanh, linear, mse, 1e-9;
    tanh_tanh_mse: tanh, tanh, mse, 1e-9;
    tanh_linear_mae: tanh, linear, mae, 1e-7;
    tanh_linear_huber: tanh, linear, huber(0.3), 1e-7;
    relu_sigmoid: relu, sigmoid, cross_entropy, 1e-7;
    relu_softmax: relu, softmax, cross_entropy, 1e-7;
    relu_relu_mse: relu, relu, mse, 1e-7;
    leaky_relu_sigmoid: leaky_relu(0.1), sigmoid, cross_entropy, 1e-7;
    leaky_relu_leaky_relu: leaky_relu(0.1), leaky_relu(0.2), mse, 1e-7;
    elu_sigmoid: elu, sigmoid, cross_entropy, 1e-7;
    elu_elu_huber: elu, elu, huber(1.0), 1e-7;
    gelu_softmax: gelu, softmax, cross_entropy, 1e-9;
    gelu_gelu_mse: gelu, gelu, mse, 1e-9;
    silu_sigmoid: silu, sigmoid, cross_entropy, 1e-9;
    silu_silu_mae: silu, silu, mae, 1e-7;
    softplus_softmax: softplus, softmax, cross_entropy, 1e-9;
    softplus_softplus_mse: softplus, softplus, mse, 1e-9;
    linear_linear_mse: linear, linear, mse, 1e-9;
    linear_softmax: linear, softmax, cross_entropy, 1e-9;
}

network! { struct Seed<2 => 4 => 4 => 4>; }
network! { struct Large<50 => 100 => 3>; }

#[test]
fn a_network_of_f32_is_checked_in_f64() {
    let net = Seed::new(1);
    let check = net.check_gradient(&[[0.5, -1.0], [2.0, 0.3]], &[[1.0, 0.0, 0.0, 1.0], [0.2; 4]], 1.0).unwrap();
    assert!(check.relative_error <= 1e-9, "{check}");
    let text = check.to_string();
    assert!(text.contains("over 52 of 52 parameters; furthest apart: Θ^("), "{text}");
}

#[test]
fn a_large_network_is_sampled_evenly() {
    let check = Large::new(1).check_gradient(&[[0.1; 50]; 2], &[[1.0, 0.0, 0.5]; 2], 0.0).unwrap();
    assert_eq!((check.compared, check.parameters), (GradientCheck::MAX_COMPARED, Large::PARAMS));
    assert!(check.relative_error <= 1e-9, "{check}");
}

/// With λ the bias column of the gradient is the same as without, to the bit.
#[test]
fn the_bias_is_not_regularised() {
    let net = Seed::new(1);
    let (inputs, targets) = ([[0.5, -1.0], [2.0, 0.3]], [[1.0, 0.0, 0.0, 1.0], [0.2; 4]]);
    let (plain_cost, plain) = net.gradient(&inputs, &targets, 0.0).unwrap();
    let (cost, regularised) = net.gradient(&inputs, &targets, 3.0).unwrap();
    assert!(cost > plain_cost);
    assert_eq!(plain.layer1().bias, regularised.layer1().bias);
    assert_eq!(plain.layer2().bias, regularised.layer2().bias);
    assert_eq!(plain.layer3().bias, regularised.layer3().bias);
    let expected = plain.layer1().weights[0][0] + 3.0 / 2.0 * net.layer1().weights[0][0];
    assert!((regularised.layer1().weights[0][0] - expected).abs() < 1e-6);
}

#[test]
fn what_cannot_be_computed_is_named() {
    let net = Seed::new(1);
    let (x, y) = ([0.5_f32, -1.0], [1.0_f32, 0.0, 0.0, 1.0]);
    let empty = Error::Empty { what: "inputs" };
    assert_eq!(net.cost(&[], &[], 0.0).unwrap_err(), empty);
    assert_eq!(net.gradient(&[], &[], 0.0).unwrap_err(), empty);
    assert_eq!(net.check_gradient(&[], &[], 0.0).unwrap_err(), empty);
    assert_eq!(net.predict_batch(&[], &mut []).unwrap_err(), empty);

    let lengths = net.gradient(&[x, x], &[y], 0.0).unwrap_err();
    assert_eq!(lengths.to_string(), "targets holds 1 rows, expected 2, one for each of the inputs");
    assert!(matches!(net.predict_batch(&[x, x], &mut [y]), Err(Error::Length { what: "outputs", .. })));

    for l2 in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(matches!(net.cost(&[x], &[y], l2), Err(Error::Setting { name: "l2", .. })));
        assert!(matches!(net.gradient(&[x], &[y], l2), Err(Error::Setting { name: "l2", .. })));
        assert!(matches!(net.check_gradient(&[x], &[y], l2), Err(Error::Setting { name: "l2", .. })));
    }

    let nan = net.cost(&[x, [0.0, f32::NAN]], &[y, y], 0.0).unwrap_err();
    assert_eq!(nan.to_string(), "inputs, row 1, column 1 is NaN; expected a finite number");
    let infinite = net.gradient(&[x], &[[0.0, 0.0, f32::NEG_INFINITY, 0.0]], 0.0).unwrap_err();
    assert_eq!(infinite.to_string(), "targets, row 0, column 2 is -inf; expected a finite number");
}

#[test]
fn a_batch_is_predicted_like_its_samples() {
    let net = Seed::new(1);
    let inputs: Vec<[f32; 2]> = (0..100).map(|i| [(i as f32).sin(), (i as f32).cos()]).collect();
    let mut outputs = vec![[f32::NAN; 4]; 100];
    net.predict_batch(&inputs, &mut outputs).unwrap();
    for (input, output) in inputs.iter().zip(&outputs) {
        for (one, many) in net.predict(input).iter().zip(output) {
            assert!((one - many).abs() <= 1e-6);
        }
    }
}

network! { struct Weighed<3 => 5 tanh => 2 softmax>: f64; }

/// A weight of 3 is three samples, in the cost and in the gradient, and differences of that cost agree.
#[test]
fn weights_of_a_data_set_enter_cost_and_gradient() {
    let net = Weighed::new(3);
    let (inputs, targets) = samples::<Weighed>(4);
    let targets: Vec<_> = targets.iter().map(|&[y, _]| [y, 1.0 - y]).collect();
    let data = Dataset::new(inputs.clone(), targets.clone()).unwrap();
    assert_eq!(net.cost_on(&data, 1.0).unwrap(), net.cost(&inputs, &targets, 1.0).unwrap());
    assert_eq!(net.gradient_on(&data, 1.0).unwrap(), net.gradient(&inputs, &targets, 1.0).unwrap());

    let weighted = data.with_weights(vec![3.0, 1.0, 0.0, 2.0]).unwrap();
    let repeated = weighted.subset(&[0, 0, 0, 1, 3, 3]).unwrap();
    let repeated = Dataset::new(repeated.inputs().to_vec(), repeated.targets().to_vec()).unwrap();
    // The λ term is divided by the rows, which are 4 and 6.
    let (cost, gradient) = net.gradient_on(&weighted, 2.0).unwrap();
    let (expected_cost, expected) = net.gradient_on(&repeated, 3.0).unwrap();
    assert!((cost - expected_cost).abs() < 1e-14, "{cost} {expected_cost}");
    for (found, expected) in gradient.parameters().iter().zip(expected.parameters()) {
        assert!((found - expected).abs() < 1e-14, "{found} {expected}");
    }
    assert_eq!(net.cost_on(&weighted, 2.0).unwrap(), cost);
    assert_eq!(net.predictor(4).unwrap().cost_on(&weighted, 2.0).unwrap(), cost);
    let check = net.check_gradient_on(&weighted, 2.0).unwrap();
    assert!(check.relative_error < 1e-9 && check.cost == cost, "{check}");

    // A runtime network has the same methods.
    let dynamic = net.to_dynamic();
    let flat: DynDataset<f64> = weighted.into();
    assert_eq!(dynamic.cost_on(&flat, 2.0).unwrap(), cost);
    assert_eq!(dynamic.gradient_on(&flat, 2.0).unwrap().1.parameters(), gradient.parameters());
    let narrow = DynDataset::new(vec![0.0; 2], 2, vec![1.0, 0.0], 2).unwrap();
    let error = dynamic.cost_on(&narrow, 0.0).unwrap_err();
    assert_eq!(error, Error::Width { what: "inputs", expected: 3, found: 2 });
}
