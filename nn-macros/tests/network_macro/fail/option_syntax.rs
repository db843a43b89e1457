//! Options that lack something, or have too much.

use nn_train::network;

network! { struct NoValue<64 => 10>, loss =, seed, init = ; }
network! { struct NoEquals<64 => 10>, seed: 1, loss => mse, init(he_normal); }
network! { struct NoComma<64 => 10> seed = 1 loss = mse; }
network! { struct Commas<64 => 10>,, seed = 1,,; }
network! { struct Number<64 => 10>, 42, = 3; }
network! { struct Quoted<64 => 10>, loss = "MSE", init = "he-normal"; }

fn main() {}
