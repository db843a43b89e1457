//! `Self` and half a path.

use nn_train::network;

network! { struct Digits<64 => Self::HIDDEN => crate:: => 10>; }

fn main() {}
