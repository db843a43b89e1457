//! The messages for wrong calls: all of them, and no others. Their locations are tested in nn-train.

use super::tokens;
use crate::ast::Call;
use crate::names::{ACTIVATIONS, INITS, LOSSES, OPTIONS, names, nearest};
use crate::parse::parse;
use crate::report::Report;
use crate::{check, expand};

/// The messages about a call.
fn messages(call: &str) -> Vec<String> {
    let mut report = Report::default();
    match parse(tokens(call), &mut report) {
        Call::Item(item) => {
            check::check(&item.declaration, &mut report);
            check::attributes(item.attributes, &mut report);
        }
        Call::Expression(declaration) => drop(check::check(&declaration, &mut report)),
        Call::Unclear => {}
    }
    report.messages()
}

/// Asserts that each call has as many faults as there are beginnings of messages behind it, in this order.
fn assert_faults(cases: &[(&str, &[&str])]) {
    for (call, expected) in cases {
        let found = messages(call);
        let matches = found.len() == expected.len() && found.iter().zip(*expected).all(|(f, e)| f.starts_with(e));
        assert!(matches, "{call}\nexpected: {expected:#?}\nfound: {found:#?}");
    }
}

#[test]
fn right_calls_have_no_faults() {
    assert_faults(&[
        ("struct A<1 => 1>;", &[]),
        ("struct A<1 => 1>: f64;", &[]),
        ("struct A<1 => 1>,;", &[]),
        (
            "#[doc = \"x\"] #[derive(Mine)] pub(in a) struct A<a::B => C dropout(0) relu => 1_0 softmax>: f32, seed = 1,;",
            &[],
        ),
        ("1 => 1", &[]),
        ("<1 => 1>", &[]),
        ("A => ::b::C", &[]),
        ("<A as B>::C => <A as B>::D", &[]),
        ("<<A as B>::C => A::<1>::D>", &[]),
        ("1 => 0x10 leaky_relu(-0.5f32) => 1 linear: f64, loss = huber(3), init = symmetric(1e-3), seed = 0xff,", &[]),
        ("{ W + 1 } => { if W > 2 { 3 } else { 4 } } relu => { 2 }", &[]),
        ("<{ W + 1 } => { W }>: f64", &[]),
        ("1 => 8 leaky_relu(0) => 1", &[]),
        ("1 => 8 leaky_relu(1e300) => 1 linear: f64, loss = huber(1e-300), init = symmetric(1e300)", &[]),
        ("1 => 1, crate = \"a::b\"", &[]),
        ("1 => 1, crate = a, seed = 1", &[]),
        ("1 => 1, crate = crate::b", &[]),
        ("1 => 1, crate = ::b", &[]),
        // As many parameters as there may be.
        ("1 => 576460752303423487", &[]),
    ]);
}

#[test]
fn faults_of_the_shape() {
    assert_faults(&[
        ("64", &["a network needs an input and at least one layer, found a single width"]),
        ("<>", &["a network needs an input and at least one layer, found `>`"]),
        ("64 =>", &["expected a width after this `=>`"]),
        ("=> 64 => 10", &["the input's width is missing before this `=>`"]),
        ("64 => => 10", &["expected a width between two `=>`"]),
        ("64 -> 10", &["expected `=>` between two layers, found `->`"]),
        ("64, 10", &["expected `=>` between two layers, found `,`"]),
        ("<64 >= 10>", &["expected `=>` between two layers, found `>=`"]),
        ("64 10", &["expected `=>` before the next width, found `10`"]),
        ("0 => 0", &["the width is 0", "the width is 0"]),
        (
            "-64 => 1.5 => 10u8",
            &[
                "a width cannot be negative; write `64`",
                "expected a whole number as width",
                "expected a `usize` as width",
            ],
        ),
        ("64 => crate:: => 10", &["expected a width, found `crate`"]),
        ("64 => 1 + 1", &["expected a single width, found `+`; write a computed width in braces"]),
        ("64 => (1 + 1)", &["expected a single width, found `(…)`"]),
        ("64 => {}", &["expected a width, found `{}`"]),
        ("64 => { 1 + }", &["unexpected end of input"]),
        ("64 => { Self::W + 1 }", &["`Self` is not known here"]),
        ("64 => { W } { W }", &["expected a single width, found `{…}`"]),
        ("64 => relu 48", &["the width before `relu` is missing"]),
        ("64 => &10", &["expected a width, found `&`"]),
        ("1 => 576460752303423488", &["the network has more than 1152921504606846975 parameters up to layer 1"]),
        ("WIDE => 1152921504606846976", &["the network has more than 1152921504606846975 parameters up to layer 1"]),
        ("1 => 18446744073709551615 => 18446744073709551615", &["the network has more than"]),
        ("<64 => 10: f64, loss = mse>", &["the element type comes after", "options come after"]),
        ("struct A<64 => 10;", &["the `<` before the shape has no `>`"]),
    ]);
}

#[test]
fn faults_of_layers_and_options() {
    assert_faults(&[
        ("64 relu => 10", &["the input layer has no activation"]),
        ("64 relo => 10", &["unknown activation `relo`; did you mean `relu`?"]),
        ("64 => 8 softmax => 10", &["only the last layer can have `softmax`"]),
        ("64 => 8 relu relu => 10", &["this layer has the activation `relu` already"]),
        ("64 => 10 dropout(2)", &["the probability of `dropout` is 2", "the output layer cannot drop"]),
        // A shape without a readable end has no output that could be wrong.
        ("64 => 8 dropout(0.1) =>", &["expected a width after this"]),
        // A fault of the activation is reported once, not for the loss too.
        ("64 => 10 relo, loss = cross_entropy", &["unknown activation"]),
        ("64 => 10 relu, loss = cross_entropy", &["the loss `cross_entropy` needs a sigmoid or softmax output"]),
        ("64 => 10 softmax, loss = mse", &["the loss `mse` does not fit a softmax output"]),
        ("64 => 10, loss = huber(0)", &["the threshold of `huber` is 0"]),
        ("64 => 10, init = he", &["`he` is a family of two; write `he_uniform` or `he_normal`"]),
        ("64 => 10, seed = -1", &["expected an integer from 0 to 2^64 - 1 as seed"]),
        ("64 => 10, seed = 1, seed = 1", &["the option `seed` is given twice"]),
        ("64 => 10, lr = 0.1", &["`lr` is a setting of training"]),
        ("64 => 10: f16, loss", &["unknown element type `f16`", "the option `loss` has no value"]),
        ("64 => 1 softmax", &["softmax over one unit is 1 whatever the sample; write `sigmoid`"]),
        ("64 => 1 softmax, loss = mse", &["softmax over one unit"]),
        ("64 => 8 leaky_relu(1e300) => 1", &["the slope of `leaky_relu` is 1e300, which is infinite as an `f32`"]),
        ("64 => 8 leaky_relu(-1e-300) => 1", &["the slope of `leaky_relu` is -1e-300, which is 0 as an `f32`"]),
        ("64 => 10, init = symmetric(1e300)", &["the epsilon of `symmetric` is 1e300, which is infinite as an `f32`"]),
        ("64 => 10, init = symmetric(0)", &["the epsilon of `symmetric` is 0; it must be a finite number above 0"]),
        ("64 => 10 linear, loss = huber(1e-60)", &["the threshold of `huber` is 1e-60, which is 0 as an `f32`"]),
        ("64 => 10, crate = 3", &["expected the path of nn-train, found `3`"]),
        ("64 => 10, crate = \"a b\"", &["expected the path of nn-train, found `\"a b\"`"]),
        ("64 => 10, crate", &["the option `crate` has no value"]),
        ("64 => 10 seed = 1", &["expected `,` before this option"]),
    ]);
}

#[test]
fn faults_around_the_shape() {
    assert_faults(&[
        ("", &["there is no network here"]),
        ("struct", &["expected the network's name after `struct`, found the end"]),
        ("pub", &["expected the network's name after `struct`, found the end"]),
        ("struct A<64 => 48", &["the `<` before the shape has no `>`"]),
        ("struct A", &["expected the shape after the name, found the end"]),
        ("struct A<1 => 1>", &["expected `;` at the end of the declaration"]),
        ("A<1 => 1>;", &["the keyword `struct` is missing"]),
        ("A<1 => 1>", &["a network as a value has no name"]),
        ("enum A<1 => 1>;", &["found `enum`; a network is a struct"]),
        ("struct A<1 => 1>; struct B<1 => 1>;", &["one call of `network!` declares one network"]),
        ("struct A(1 => 1);", &["expected angle brackets around the shape, found `(…)`"]),
        ("struct A<'a, 1 => 1>;", &["a network has no generic parameters, found `'a`"]),
        ("1 => 1;", &["a network as a value ends without `;`"]),
        (
            "#[derive(Clone, Copy, Default)] struct A<1 => 1>;",
            &[
                "a network implements `Clone` already",
                "a network owns memory",
                "a network implements `Default` already",
            ],
        ),
    ]);
}

#[test]
fn the_nearest_name_is_near() {
    let activations = names(&ACTIVATIONS);
    for (found, expected) in [
        ("rleu", Some("relu")),
        ("Tanh", Some("tanh")),
        ("sigmiod", Some("sigmoid")),
        ("leakyrelu", Some("leaky_relu")),
        ("swish", Some("silu")),
        ("SoftMax", Some("softmax")),
        ("x", None),
        ("gaussian", None),
    ] {
        assert_eq!(nearest(found, &activations), expected, "{found}");
    }
    assert_eq!(nearest("crossentropy", &names(&LOSSES)), Some("cross_entropy"));
    assert_eq!(nearest("kaiming_normal", &names(&INITS)), Some("he_normal"));
    assert_eq!(nearest("initialiser", &OPTIONS), Some("init"));
    assert_eq!(nearest("", &OPTIONS), None);
}

#[test]
fn a_faulty_item_is_still_declared() {
    for (call, declared) in [
        ("pub struct A<64 => 48 relo => 10>;", "pub struct A { parameters : :: nn_train :: Parameters"),
        ("struct A<64 => =>>", "const __unknown_width_of_A : :: core :: primitive :: usize ="),
        ("struct A", "struct A { parameters :"),
    ] {
        let expansion = expand::expand(tokens(call)).to_string();
        assert!(expansion.contains("compile_error"), "{call}");
        let squeezed = |text: &str| text.replace(' ', "");
        assert!(squeezed(&expansion).contains(&squeezed(declared)), "{call}:\n{expansion}");
    }
}
