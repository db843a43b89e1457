//! Architectures: what is refused, what overflows nothing, and text that is read back as it was written.

use nn_kernels::{Activation, Architecture, ArchitectureError, Layer, Loss, ParseError};
use proptest::prelude::*;

fn one(layer: Layer) -> Result<Architecture, ArchitectureError> {
    Architecture::new(vec![layer], Loss::for_output(layer.activation))
}

#[test]
fn softmax_over_one_unit_is_refused() {
    let error = one(Layer::new(3, 1, Activation::Softmax)).expect_err("it is always 1");
    assert_eq!(error, ArchitectureError::SingleSoftmax);
    assert!(error.to_string().contains("use sigmoid"), "{error}");
    assert!(one(Layer::new(3, 2, Activation::Softmax)).is_ok());
    assert!(one(Layer::new(3, 1, Activation::Sigmoid)).is_ok());
}

#[test]
fn counts_saturate() {
    const MAX: usize = usize::MAX;
    for (inputs, outputs) in [(MAX, MAX), (MAX, 1), (MAX - 1, 2), (1 << 40, 1 << 40)] {
        let layer = Layer::new(inputs, outputs, Activation::Relu);
        assert_eq!(layer.params(), MAX, "{inputs} => {outputs}");
        assert!(matches!(one(layer), Err(ArchitectureError::TooLarge { layer: 1, .. })), "{inputs} => {outputs}");
    }
    assert_eq!(Layer::new(MAX, 0, Activation::Relu).params(), 0);
    assert_eq!(Layer::new(2, 3, Activation::Relu).params(), 9);
}

#[test]
#[should_panic(expected = "sigmoid is meant")]
fn a_constant_says_what_is_meant() {
    const LAYERS: &[Layer] = &[Layer::new(3, 1, Activation::Softmax)];
    let _ = Architecture::from_static(LAYERS, Loss::CrossEntropy);
}

#[test]
fn numbers_are_held_by_the_number_type() {
    let slope = |slope| one(Layer::new(2, 2, Activation::LeakyRelu(slope))).expect("valid");
    let huber = |threshold| {
        let layers = vec![Layer::new(2, 2, Activation::Linear)];
        Architecture::new(layers, Loss::Huber(threshold)).expect("valid")
    };
    for network in [slope(1e300), slope(-1e300), slope(1e-50), huber(1e300), huber(1e-50)] {
        let error = network.check_element::<f32>().expect_err("0 or infinite");
        assert!(matches!(error, ArchitectureError::Rounds { element: "f32", .. }), "{error}");
        assert_eq!(network.check_element::<f64>(), Ok(()));
    }
    for network in [slope(0.0), slope(-0.01), slope(1e-40), slope(3e38), huber(1e-3), huber(3e38)] {
        assert_eq!(network.check_element::<f32>(), Ok(()), "{network}");
    }
    let hidden = vec![Layer::new(2, 2, Activation::LeakyRelu(1e39)), Layer::new(2, 1, Activation::Sigmoid)];
    let network = Architecture::new(hidden, Loss::CrossEntropy).expect("valid");
    assert!(network.check_element::<f32>().is_err(), "a hidden layer");
}

#[test]
fn what_may_be_left_out() {
    let read = |text: &str| text.parse::<Architecture>().map(|network| network.to_string());
    assert_eq!(read("2 => 4 => 4 => 4").as_deref(), Ok("2 => 4 sigmoid => 4 sigmoid => 4 sigmoid, cross_entropy"));
    assert_eq!(read("2=>3 relu=>1 linear").as_deref(), Ok("2 => 3 relu => 1 linear, mse"));
    assert_eq!(
        read("  2  =>  3 dropout ( 5e-1 ) =>  2 softmax ").as_deref(),
        Ok("2 => 3 sigmoid dropout(0.5) => 2 softmax, cross_entropy")
    );
    // As in `network!`, in either order; and numbers without rows of zeros.
    assert_eq!(
        read("2 => 3 dropout(1e-9) leaky_relu(1e-7) => 2 linear, huber(2e300)").as_deref(),
        Ok("2 => 3 leaky_relu(1e-7) dropout(1e-9) => 2 linear, huber(2e300)")
    );
    assert_eq!(read("1 => 2 leaky_relu( -1E-2 ), huber( +.5 )").as_deref(), Ok("1 => 2 leaky_relu(-0.01), huber(0.5)"));
}

#[test]
fn errors_name_what_is_wrong() {
    let cases = [
        ("", "found \"\", expected a width, a whole number"),
        ("2", "a network has no layer; it needs at least an input and an output width"),
        ("2 =>", "found \"\", expected a width, a whole number"),
        ("two => 3", "found \"two\", expected a width, a whole number"),
        ("2 => -3 relu", "found \"-3\", expected a width, a whole number"),
        ("2 => 3 relo", "unknown activation \"relo\"; expected one of sigmoid, tanh, relu, "),
        ("2 => 3 relu(1)", "found \"relu(1)\", expected a name without a number"),
        ("2 => 3 leaky_relu", "found \"leaky_relu\", expected leaky_relu(slope) with a finite slope"),
        ("2 => 3 leaky_relu(inf)", "found \"leaky_relu(inf)\", expected leaky_relu(slope) with a finite slope"),
        ("2 => 3 leaky_relu(0.1", "found \"leaky_relu(0.1\", expected an activation or dropout(p)"),
        ("2 => 3 relu tanh", "found \"tanh\", expected `=>`, a comma, or the end"),
        ("2 => 3 dropout(.1) relu tanh => 1", "found \"tanh\", expected `=>`, a comma, or the end"),
        ("2 => 3 dropout(a) => 1", "found \"dropout(a)\", expected dropout(p) with a probability"),
        ("2 => 3 dropout(2) => 1", "layer 1 has dropout(2); expected a probability in [0, 1)"),
        ("2 => 3, mean", "unknown loss \"mean\"; expected one of cross_entropy, mse, mae, huber"),
        ("2 => 3, mse(1)", "found \"mse(1)\", expected a name without a number"),
        ("2 => 3, mse, mae", "unknown loss \"mse, mae\"; expected one of "),
        ("2 => 3, huber", "found \"huber\", expected huber(threshold) with a finite threshold"),
        ("2 => 3 softmax, mse", "the loss mse does not fit a softmax output; "),
        ("2 => 1 softmax", "the output is a softmax over 1 unit, which is always 1; "),
        ("99999999999999999999 => 1", "found \"99999999999999999999\", expected a width, a whole number"),
    ];
    for (text, expected) in cases {
        let error = text.parse::<Architecture>().expect_err(text).to_string();
        assert!(error.starts_with(expected), "{text:?}: {error}");
    }
    assert_eq!("gelo".parse::<Activation>(), Err(ParseError::UnknownActivation { token: "gelo".to_owned() }));
    assert_eq!("hinge".parse::<Loss>(), Err(ParseError::UnknownLoss { token: "hinge".to_owned() }));
}

fn finite() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>().prop_filter("finite", |x| x.is_finite()), -2.0..2.0_f64, Just(-0.01), Just(5e-324)]
}

fn activation() -> impl Strategy<Value = Activation> {
    prop_oneof![
        proptest::sample::select(Activation::NAMES.to_vec()).prop_filter_map("a name alone", |name| name.parse().ok()),
        finite().prop_map(Activation::LeakyRelu),
    ]
}

fn loss() -> impl Strategy<Value = Loss> {
    prop_oneof![
        proptest::sample::select(Loss::NAMES.to_vec()).prop_filter_map("a name alone", |name| name.parse().ok()),
        finite().prop_map(Loss::Huber),
    ]
}

prop_compose! {
    fn layers()(
        inputs in 1..3000_usize,
        rest in proptest::collection::vec((1..3000_usize, activation(), prop_oneof![Just(0.0), 0.0..1.0, Just(1e-300)]), 1..6),
    ) -> Vec<Layer> {
        let (mut inputs, count) = (inputs, rest.len());
        let layer = |(index, (outputs, activation, dropout))| {
            let layer = Layer::new(inputs, outputs, activation);
            inputs = outputs;
            if index + 1 == count { layer } else { layer.with_dropout(dropout) }
        };
        rest.into_iter().enumerate().map(layer).collect()
    }
}

proptest! {
    #[test]
    fn activations_are_read_as_they_are_written(activation in activation()) {
        prop_assert_eq!(activation.to_string().parse(), Ok(activation));
    }

    #[test]
    fn losses_are_read_as_they_are_written(loss in loss()) {
        prop_assert_eq!(loss.to_string().parse(), Ok(loss));
    }

    #[test]
    fn architectures_are_read_as_they_are_written(layers in layers(), loss in loss()) {
        let output = layers[layers.len() - 1].activation;
        // Softmax in front is not, nor are losses and outputs that do not fit; what is refused is not written.
        let network = Architecture::new(layers.clone(), loss)
            .or_else(|_| Architecture::new(layers, Loss::for_output(output)));
        prop_assume!(network.is_ok());
        let network = network.expect("valid");
        prop_assert_eq!(network.to_string().parse(), Ok(network));
    }

    /// Whatever the text, there is no panic.
    #[test]
    fn any_text_is_read_or_refused(text in "[ =>,().0-9a-z_λ-]{0,40}") {
        if let Ok(network) = text.parse::<Architecture>() {
            prop_assert_eq!(network.to_string().parse(), Ok(network));
        }
        let _ = (text.parse::<Activation>(), text.parse::<Loss>());
    }
}
