//! Options of one name.

use nn_train::network;

network! { struct Digits<64 => 10>, seed = 1, loss = mse, seed = 2, loss = mse, loss = mae; }

fn main() {}
