//! Options that are not there, with what was probably meant.

use nn_train::network;

network! {
    struct Digits<64 => 10>, los = mse, sed = 1, initialization = he_normal, activation = relu, dropout = 0.2, dtype = f64,
        learning_rate = 0.1, frobnicate = 3;
}

fn main() {}
