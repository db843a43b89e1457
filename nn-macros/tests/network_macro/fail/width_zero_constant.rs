//! Constants of 0: the compiler finds them, at the width, each once.

use nn_train::network;

const INPUTS: usize = 0;
mod sizes {
    pub const HIDDEN: usize = 0;
}
network! { struct Digits<INPUTS => 5 => sizes::HIDDEN => 10>; }

fn main() {
    let _ = network!(2 => INPUTS => 1);
}
