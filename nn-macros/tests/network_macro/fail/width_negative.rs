//! Negative widths.

use nn_train::network;

network! { struct Digits<-64 => 48 => -2.5>; }

fn main() {}
