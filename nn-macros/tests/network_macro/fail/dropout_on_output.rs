//! The output layer drops nothing.

use nn_train::network;

network! { struct Digits<64 => 48 dropout(0.5) => 10 dropout(0.5)>; }

fn main() {}
