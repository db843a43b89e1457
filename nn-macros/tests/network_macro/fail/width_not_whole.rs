//! Widths that are no whole numbers.

use nn_train::network;

network! { struct Digits<64.0 => 1e2 => 2.5 => 10>; }

fn main() {}
