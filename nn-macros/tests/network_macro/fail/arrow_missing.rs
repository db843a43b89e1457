//! Widths side by side.

use nn_train::network;

const HIDDEN: usize = 48;
network! { struct Digits<64 48 HIDDEN 10>; }

fn main() {}
