//! What is no part of a layer.

use nn_train::network;

network! { struct Digits<64 => 48 @ relu => 10 nn::relu>; }

fn main() {}
