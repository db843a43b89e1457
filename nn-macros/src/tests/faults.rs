//! What is said of each wrong call: all of it, and nothing else. Where it is said is tested in nn-train.

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
        // As many parameters as there may be.
        ("1 => 576460752303423487", &[]),
    ]);
}

#[test]
fn faults_of_the_shape() {
    assert_faults(&[
        ("64", &["a network needs an input and at least one layer, found a single width"]),
        ("<>", &["a network needs an input and at least one layer, found `>`"]),
        ("64 =>", &["no layer follows this `=>`"]),
        ("=> 64 => 10", &["the shape starts with `=>`"]),
        ("64 => => 10", &["no layer stands between"]),
        ("64 -> 10", &["expected `=>` between two layers, found `->`"]),
        ("64, 10", &["expected `=>` between two layers, found `,`"]),
        ("<64 >= 10>", &["expected `=>` between two layers, found `>=`"]),
        ("64 10", &["expected `=>` before the next width, found `10`"]),
        ("0 => 0", &["a layer of width 0", "a layer of width 0"]),
        (
            "-64 => 1.5 => 10u8",
            &["a width cannot be negative; write `64`", "a width is a whole number", "a width is a `usize`"],
        ),
        ("64 => crate:: => 10", &["expected a width, found `crate`"]),
        ("64 => 1 + 1", &["a width cannot be computed in place, found `+`"]),
        ("64 => relu 48", &["the width before `relu` is missing"]),
        ("64 => &10", &["expected a width, found `&`"]),
        ("1 => 576460752303423488", &["the parameters up to layer 1 are more than"]),
        ("WIDE => 1152921504606846976", &["the parameters up to layer 1 are more than"]),
        ("1 => 18446744073709551615 => 18446744073709551615", &["the parameters up to layer 1"]),
        ("<64 => 10: f64, loss = mse>", &["the element type stands behind", "options stand behind"]),
        ("struct A<64 => 10;", &["the `<` before the shape is never closed"]),
    ]);
}

#[test]
fn faults_of_layers_and_options() {
    assert_faults(&[
        ("64 relu => 10", &["the input layer is the sample itself"]),
        ("64 relo => 10", &["unknown activation `relo`; did you mean `relu`?"]),
        ("64 => 8 softmax => 10", &["softmax can only be the last"]),
        ("64 => 8 relu relu => 10", &["this layer has the activation `relu` already"]),
        ("64 => 10 dropout(2)", &["the probability of `dropout` is 2", "the output layer cannot drop"]),
        // A shape without a readable end has no output that could be wrong.
        ("64 => 8 dropout(0.1) =>", &["no layer follows"]),
        // What is wrong with the activation is said once, not of the loss too.
        ("64 => 10 relo, loss = cross_entropy", &["unknown activation"]),
        ("64 => 10 relu, loss = cross_entropy", &["the loss `cross_entropy` needs a sigmoid or softmax output"]),
        ("64 => 10 softmax, loss = mse", &["the loss `mse` does not fit a softmax output"]),
        ("64 => 10, loss = huber(0)", &["the threshold of `huber` is 0"]),
        ("64 => 10, init = he", &["`he` may be uniform or normal; write `he_uniform` or `he_normal`"]),
        ("64 => 10, seed = -1", &["the seed is an integer literal"]),
        ("64 => 10, seed = 1, seed = 1", &["the option `seed` is given twice"]),
        ("64 => 10, lr = 0.1", &["`lr` is a matter of training"]),
        ("64 => 10: f16, loss", &["unknown element type `f16`", "the option `loss` has no value"]),
        ("64 => 10 seed = 1", &["options are separated by commas"]),
    ]);
}

#[test]
fn faults_around_the_shape() {
    assert_faults(&[
        ("", &["there is no network here"]),
        ("struct", &["expected the network's name after `struct`, found the end"]),
        ("pub", &["expected the network's name after `struct`, found the end"]),
        ("struct A<64 => 48", &["the `<` before the shape is never closed"]),
        ("struct A", &["expected the shape after the name, found the end"]),
        ("struct A<1 => 1>", &["the declaration does not end"]),
        ("A<1 => 1>;", &["the keyword `struct` is missing"]),
        ("A<1 => 1>", &["a network as a value has no name"]),
        ("enum A<1 => 1>;", &["found `enum`; a network is a struct"]),
        ("struct A<1 => 1>; struct B<1 => 1>;", &["one call of `network!` declares one network"]),
        ("struct A(1 => 1);", &["the shape stands in angle brackets, found `(…)`"]),
        ("struct A<'a, 1 => 1>;", &["a network has no parameters of its own, found `'a`"]),
        ("1 => 1;", &["a network as a value takes no `;`"]),
        (
            "#[derive(Clone)] #[repr(C)] struct A<1 => 1>;",
            &["a network implements `Clone` already", "a network is always"],
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
