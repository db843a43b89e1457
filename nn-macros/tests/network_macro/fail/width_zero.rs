//! A literal width of 0, at every place; both are reported.

use nn_train::network;

network! { struct Digits<0 => 48 => 0>; }

fn main() {}
