//! Suffixes that a width does not have.

use nn_train::network;

network! { struct Digits<64u8 => 48i32 => 10px>; }

fn main() {}
