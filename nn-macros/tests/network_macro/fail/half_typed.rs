//! Calls as an editor sees them while they are typed.

use nn_train::network;

network! { pub }
network! { struct A }
network! { struct B< }
network! { struct C<64 }
network! { struct D<64 => }
network! { struct E<64 => 48 dropout }
network! { struct F<64 => 48 dropout() => 10>: }
network! { struct G<64 => 48>, lo }
network! { struct H<64 => crate:: => 10>; }
network! { #[doc] }

fn main() {
    let _ = network!(2 =>);
    let _ = network!(<2);
    let _ = network!(2 => 4 =);
    let _ = network!(=> 2);
}
