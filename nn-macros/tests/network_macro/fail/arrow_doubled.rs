//! Arrows with nothing between them; a leading one.

use nn_train::network;

network! { struct Digits<64 => => 48 => => => 10>; }
network! { struct Leading<=> 64 => 10>; }

fn main() {}
