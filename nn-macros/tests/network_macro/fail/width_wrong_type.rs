//! A constant of another type.

use nn_train::network;

const HIDDEN: u32 = 48;
network! { struct Digits<64 => HIDDEN => 10>; }

fn main() {}
