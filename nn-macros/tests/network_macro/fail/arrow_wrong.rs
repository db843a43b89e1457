//! What people write instead of `=>`; each is taken for one.

use nn_train::network;

network! { struct Digits<64 -> 32 = 16 >= 8 <= 6 == 5 = > 4 --> 3 <- 2>; }

fn main() {
    let _ = network!(2 -> 4, 4, 4);
    let _ = network!(<2, 4>);
}
