//! Calls that other macros write, with every kind of fragment.

use nn_train::{Activation, Declared, Init, Loss, Network, network};

macro_rules! declare {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $input:literal => $hidden:path => $output:expr, $element:ty,
     $activation:ident, $dropout:literal, $seed:expr) => {
        network! {
            $(#[$attribute])*
            $visibility struct $name<$input => $hidden $activation dropout($dropout) => $output>: $element,
                loss = mse, seed = $seed;
        }
    };
}

macro_rules! value {
    ($($width:tt)=>+) => { network!($($width)=>+) };
}

const HIDDEN: usize = 7;
declare!(#[allow(dead_code)] pub(crate) First, 4 => HIDDEN => 2, f64, relu, 0.5, 9);
declare!(Second, 4 => self::HIDDEN => 2, f32, tanh, 0.25, 10);
declare!(#[doc = "Third."] pub(in crate) Third, 4 => HIDDEN => HIDDEN + 1, f32, tanh, 0.25, 10);

/// A width of each kind of fragment that can be one.
macro_rules! width_of {
    (@ $width:expr) => { network!(1 => $width).architecture().outputs() };
    (literal: $width:literal) => { network!(1 => $width).architecture().outputs() };
    (ident: $width:ident) => { network!(1 => $width).architecture().outputs() };
    (path: $width:path) => { network!(1 => $width).architecture().outputs() };
    (tt: $width:tt) => { network!(1 => $width).architecture().outputs() };
    (block: $width:block) => { network!(1 => $width).architecture().outputs() };
    (ty: $width:ty) => { network!(1 => $width).architecture().outputs() };
    (pat: $width:pat) => { network!(1 => $width).architecture().outputs() };
    (expr: $width:expr) => { network!(1 => $width).architecture().outputs() };
    (twice: $width:expr) => { width_of!(@ $width * 2) };
}

/// A number of each kind of fragment.
macro_rules! slope_of {
    (literal: $slope:literal) => { network!(1 => 2 leaky_relu($slope) => 1).architecture().layers()[0].activation };
    (expr: $slope:expr) => { network!(1 => 2 leaky_relu($slope) => 1).architecture().layers()[0].activation };
    (tt: $($slope:tt)+) => { network!(1 => 2 leaky_relu($($slope)+) => 1).architecture().layers()[0].activation };
    (term: $activation:expr) => { network!(1 => 2 $activation => 1).architecture().layers()[0].activation };
}

macro_rules! options {
    ($loss:expr, $init:expr, $seed:literal, $krate:path) => {{
        network! { struct Options<1 => 2 linear>, loss = $loss, init = $init, seed = $seed, crate = $krate; }
        (Options::ARCHITECTURE.loss(), Options::INIT, Options::SEED)
    }};
}

macro_rules! whole {
    ($($call:tt)*) => { network! { $($call)* } };
}
whole! { #[allow(dead_code)] struct Whole<2 => HIDDEN relu => 1>, seed = 1; }

fn main() {
    assert_eq!((First::PARAMS, First::SEED, First::ARCHITECTURE.loss()), (51, 9, Loss::Mse));
    assert_eq!((Second::PARAMS, Second::SEED), (51, 10));
    assert_eq!(Third::PARAMS, 35 + 64);
    let output: [f64; 2] = First::new(1).predict(&[0.0; 4]);
    assert!(output[0] > 0.0);
    assert_eq!(value!(2 => 4 => 4 => 4).parameters().len(), 52);

    assert_eq!(width_of!(literal: 3), 3);
    assert_eq!(width_of!(ident: HIDDEN), 7);
    assert_eq!(width_of!(path: crate::HIDDEN), 7);
    assert_eq!(width_of!(tt: HIDDEN), 7);
    assert_eq!(width_of!(block: { HIDDEN + 2 }), 9);
    assert_eq!(width_of!(ty: crate::HIDDEN), 7);
    assert_eq!(width_of!(pat: HIDDEN), 7);
    assert_eq!(width_of!(expr: 3), 3);
    assert_eq!(width_of!(expr: crate::HIDDEN), 7);
    // Nothing of an expression is lost, nor is its precedence.
    assert_eq!(width_of!(expr: HIDDEN + 1), 8);
    assert_eq!(width_of!(expr: (HIDDEN + 1)), 8);
    assert_eq!(width_of!(twice: HIDDEN + 1), 16);
    assert_eq!(width_of!(expr: usize::pow(2, 3)), 8);
    assert_eq!(width_of!(expr: if HIDDEN > 3 { 2 } else { 3 }), 2);

    for slope in [
        slope_of!(literal: -0.01),
        slope_of!(expr: -0.01),
        slope_of!(tt: -0.01),
        slope_of!(term: leaky_relu(-0.01)),
    ] {
        assert_eq!(slope, Activation::LeakyRelu(-0.01));
    }
    assert_eq!(slope_of!(literal: 0.5), Activation::LeakyRelu(0.5));
    assert_eq!(slope_of!(term: tanh), Activation::Tanh);
    let found = options!(huber(0.5), symmetric(0.25), 4, ::nn_train);
    assert_eq!(found, (Loss::Huber(0.5), Init::Symmetric(0.25), 4));
}
