//! One of each in one call: all are reported, in one pass.

use nn_train::network;

network! {
    #[derive(Clone)]
    #[repr(C)]
    pub struct Digits<64 relu -> 0 => 48 relo dropout(1.5) => 32 softmax leaky_relu => 10 tanh dropout(0.5)>: f46,
        loss = cross_entropy, los = mse, seed = -1, seed = 2, init = xavier,
}

fn main() {}
