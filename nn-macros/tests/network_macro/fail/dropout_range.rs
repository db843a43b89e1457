//! Probabilities outside of [0, 1), or none.

use nn_train::network;

network! { struct Digits<64 => 8 dropout(1.0) => 8 dropout(-0.1) => 8 dropout(50) => 8 dropout => 8 dropout(P) => 10>; }

fn main() {}
