//! Huber's threshold.

use nn_train::network;

network! { struct A<64 => 10>, loss = huber; }
network! { struct B<64 => 10>, loss = huber(0); }
network! { struct C<64 => 10>, loss = huber(-1.5); }
network! { struct D<64 => 10>, loss = huber(D); }
network! { struct E<64 => 10>, loss = mse(1.0); }

fn main() {}
