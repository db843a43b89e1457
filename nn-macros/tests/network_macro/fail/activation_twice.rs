//! Two activations behind one width.

use nn_train::network;

network! { struct Digits<64 => 48 relu tanh => 10 softmax dropout(0.5) sigmoid>; }

fn main() {}
