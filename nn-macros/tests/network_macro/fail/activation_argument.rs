//! Numbers where none belong, and none where one does.

use nn_train::network;

const SLOPE: f64 = 0.1;
network! {
    struct Digits<64 => 8 leaky_relu => 8 leaky_relu() => 8 leaky_relu(SLOPE) => 8 leaky_relu("0.1") => 8 relu(0.1)
        => 8 leaky_relu(0.1, 0.2) => 8 leaky_relu(1e999) => 8 leaky_relu(1u8) => 10 softmax()>;
}

fn main() {}
