//! The line that declares an architecture: compiled it is that architecture, and read as text too.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_train::prelude::*;
use nn_train::{Element, declaration};
use proptest::prelude::*;

/// Declares networks, and keeps the text that did.
macro_rules! declared {
    ($($name:ident: { $($line:tt)* })*) => {
        $( network! { $($line)* } )*

        /// The text of each declaration, and what is printed of it.
        fn lines() -> Vec<(&'static str, String)> {
            vec![$((stringify!($($line)*), $name::zeros().declaration(stringify!($name)).unwrap())),*]
        }
    };
}

declared! {
    Digits: { pub struct Digits<64 => 32 relu dropout(0.2) => 10 softmax>; }
    Double: { pub struct Double<64 => 32 relu dropout(0.2) => 10 softmax>: f64; }
    Seed: { pub struct Seed<2 => 4 sigmoid => 4 sigmoid => 4 sigmoid>; }
    Line: { pub struct Line<1 => 1 linear>: f64, loss = mae; }
    Slopes: { pub struct Slopes<3 => 4 leaky_relu(-0.01) => 5 leaky_relu(1e-7) dropout(1e-9) => 1 linear>: f64, loss = huber(0.5); }
    Whole: { pub struct Whole<3 => 4 leaky_relu(2) => 1 leaky_relu(-0)>, loss = huber(1e16); }
    Others: { pub struct Others<3 => 4 tanh => 5 elu => 6 gelu => 7 silu => 8 softplus => 2 sigmoid>, loss = mse; }
}

/// What is printed is, token by token, what the compiler has read.
#[test]
fn the_printed_line_is_the_declaration() {
    let lines = lines();
    assert_eq!(lines.len(), 7);
    for (source, printed) in lines {
        let tokens = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
        assert_eq!(tokens(&printed), tokens(&format!("network! {{ {source} }}")));
    }
    assert_eq!(
        Slopes::zeros().declaration("Slopes").unwrap(),
        "network! { pub struct Slopes<3 => 4 leaky_relu(-0.01) => 5 leaky_relu(1e-7) dropout(1e-9) => 1 linear>: f64, \
         loss = huber(0.5); }"
    );
}

#[test]
fn a_name_that_no_struct_can_have_is_an_error() {
    for name in ["", "_", "1Digits", "Di gits", "Digits;", "struct", "Self", "Größe", "a-b"] {
        let error = Seed::zeros().declaration(name).unwrap_err();
        assert_eq!(error.to_string(), format!("name is {name:?}; expected a name for a struct, such as Digits"));
    }
    for name in ["_Digits", "digits2", "Union"] {
        assert!(Seed::zeros().declaration(name).is_ok());
    }
}

fn architecture() -> impl Strategy<Value = Architecture> {
    let number = prop_oneof![-10.0..10.0_f64, any::<f64>().prop_filter("finite", |x| x.is_finite())];
    let activation = prop_oneof![
        Just(Activation::Sigmoid),
        Just(Activation::Tanh),
        Just(Activation::Linear),
        Just(Activation::Gelu),
        number.clone().prop_map(Activation::LeakyRelu),
    ];
    let dropout = prop_oneof![Just(0.0), 0.0..1.0_f64, Just(1e-300)];
    let hidden = prop::collection::vec((1..2000_usize, activation.clone(), dropout), 0..5);
    let threshold = number.prop_filter_map("positive", |x| (x > 0.0).then_some(x));
    let loss = prop_oneof![Just(Loss::Mse), Just(Loss::Mae), threshold.prop_map(Loss::Huber)];
    (1..2000_usize, hidden, 1..100_usize, activation, loss).prop_map(
        |(mut inputs, hidden, outputs, activation, loss)| {
            let mut layers = Vec::new();
            for (outputs, activation, dropout) in hidden {
                layers.push(Layer::new(inputs, outputs, activation).with_dropout(dropout));
                inputs = outputs;
            }
            layers.push(Layer::new(inputs, outputs, activation));
            Architecture::new(layers, loss).unwrap()
        },
    )
}

fn read_back<T: Element>(architecture: &Architecture) {
    let line = declaration::<T>("Model", architecture).unwrap();
    let inside = line.strip_prefix("network! { pub struct Model<").unwrap().strip_suffix("; }").unwrap();
    let (shape, rest) = inside.split_at(inside.rfind('>').unwrap());
    let rest = rest.strip_prefix('>').unwrap();
    let rest = if T::NAME == "f32" { rest } else { rest.strip_prefix(": f64").unwrap() };
    let text = shape.to_owned() + &rest.replace("loss = ", "");
    assert_eq!(text.parse::<Architecture>().unwrap(), *architecture, "{line}");
}

proptest! {
    #[test]
    fn the_line_reads_back_as_the_architecture(architecture in architecture()) {
        read_back::<f32>(&architecture);
        read_back::<f64>(&architecture);
    }
}
