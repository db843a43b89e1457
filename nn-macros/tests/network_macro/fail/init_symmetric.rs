//! Symmetric's epsilon.

use nn_train::network;

network! { struct A<64 => 10>, init = symmetric; }
network! { struct B<64 => 10>, init = symmetric(0.0); }
network! { struct C<64 => 10>, init = symmetric(1e999); }
network! { struct D<64 => 10>, init = symmetric(epsilon); }
network! { struct E<64 => 10>, init = he_normal(0.1); }

fn main() {}
