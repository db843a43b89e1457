//! An activation in the place of a width.

use nn_train::network;

network! { struct Digits<64 => relu 48 => softmax>; }

fn main() {}
