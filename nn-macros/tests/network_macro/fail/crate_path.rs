//! Paths of nn-train that are none.

use nn_train::network;

network! { struct A<2 => 1>, crate = 3; }
network! { struct B<2 => 1>, crate = "my nn"; }
network! { struct C<2 => 1>, crate; }
network! { struct D<2 => 1>, crate = "nn_train", crate = "nn_train"; }
network! { struct E<2 => 1>, crate = "elsewhere"; }

fn main() {}
