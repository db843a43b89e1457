//! Options and element type between the angle brackets.

use nn_train::network;

network! { struct Digits<64 => 10: f64, loss = mse>; }
network! { struct Comma<64 => 10,>; }

fn main() {}
