//! The wrong brackets, and ones that are missing.

use nn_train::network;

network! { struct A(64 => 10); }
network! { struct B { 64 => 10 } }
network! { struct C[64 => 10], seed = 1; }
network! { struct D 64 => 10; }
network! { struct E<64 => 10; }
network! { struct F::<64 => 10>; }
network! { struct G<64 => 10>> ; }

fn main() {
    let _ = network!((2 => 4));
    let _ = network!([2 => 4], seed = 1);
}
