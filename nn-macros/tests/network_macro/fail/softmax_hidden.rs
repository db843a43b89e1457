//! Softmax before the end, twice.

use nn_train::network;

network! { struct Digits<64 => 48 softmax => 32 softmax dropout(0.1) => 10 softmax>; }

fn main() {}
