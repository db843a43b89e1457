//! A fault in one part of a call hides none in the parts behind it.

use nn_train::network;

network! { struct Name Digits<64 => 48 relo => 10>, sed = 1; }
network! { enum Digits<64 -> 48 softmax => 0>: f16, loss = mze; }
network! { pub(crate) struct<64 => => 10 dropout(0.1)>, init = he; }

fn main() {
    let _ = network!(Digits<64 => 48 relo => 10>, seed = "1");
}
