//! An attribute that changes the layout where the macro cannot see it.

use nn_train::network;

network! {
    #[cfg_attr(all(), repr(align(64)))]
    struct Digits<64 => 10>;
}

fn main() {}
