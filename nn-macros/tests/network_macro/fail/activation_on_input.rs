//! The input layer has neither activation nor dropout.

use nn_train::network;

network! { struct Digits<64 relu dropout(0.2) => 48 => 10>; }

fn main() {}
