//! Softmax over one unit, which is 1 whatever the sample.

use nn_train::network;

const ONE: usize = 1;

network! { struct Literal<2 => 1 softmax>; }
network! { struct Constant<2 => ONE softmax>; }
network! { struct Computed<2 => { ONE * 1 } softmax>: f64; }

fn main() {
    let _ = network!(2 => 4 => 1 softmax);
}
