//! A literal beyond any usize.

use nn_train::network;

network! { struct Digits<64 => 99999999999999999999999 => 10>; }

fn main() {}
