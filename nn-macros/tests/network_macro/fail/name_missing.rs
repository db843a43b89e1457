//! No name, or none that can be one.

use nn_train::network;

network! { struct <64 => 10>; }
network! { struct match<64 => 10>; }
network! { pub struct 64 => 10; }
network! { struct _<64 => 10>; }
network! { struct }

fn main() {}
