//! Other keywords, or none.

use nn_train::network;

network! { enum A<64 => 10>; }
network! { pub union B<64 => 10>; }
network! { type C<64 => 10>; }
network! { strcut D<64 => 10>; }
network! { pub E<64 => 10>; }
network! { F<64 => 10>; }

fn main() {
    let _ = network!(Digits<64 => 10>);
}
