//! The expansion holds no `unsafe`: where that is forbidden, networks of every form compile.

#![forbid(unsafe_code)]

use nn_train::prelude::*;

const HIDDEN: usize = 5;

network! {
    pub struct Digits<64 => HIDDEN relu dropout(0.25) => { HIDDEN + 1 } => 10 softmax>: f64, init = he_uniform, seed = 3;
}

fn main() {
    network! { struct Local<2 => 1>; }
    let value = network!(2 => HIDDEN => 1);
    assert_eq!(Digits::default().clone().layer2().bias.len(), 6);
    assert_eq!(Local::new(1).parameters().len() + value.parameters().len(), 24);
}
