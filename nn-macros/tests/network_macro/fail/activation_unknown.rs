//! Slips, other libraries' names, and something else entirely.

use nn_train::network;

network! { struct Digits<64 => 48 relo => 32 ReLU => 16 LeakyReLU(0.1) => 8 swish => 4 frobnicate(3) => 2 softmx>; }

fn main() {}
