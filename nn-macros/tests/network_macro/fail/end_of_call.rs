//! What stands behind a network.

use nn_train::network;

network! { struct A<64 => 10> }
network! { struct B<64 => 10>; struct C<64 => 10>; }
network! { struct D<64 => 10>; 42 }
network! { struct E<64 => 10> => 5; }

fn main() {
    let _ = network!(2 => 4;);
}
