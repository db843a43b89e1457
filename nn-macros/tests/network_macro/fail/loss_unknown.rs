//! Losses that are not there.

use nn_train::network;

network! { struct A<64 => 10>, loss = crossentropy; }
network! { struct B<64 => 10>, loss = MeanSquaredError; }
network! { struct C<64 => 10>, loss = Loss::Mse; }
network! { struct D<64 => 10>, loss = hinge; }
network! { struct E<64 => 10>, loss = 3; }

fn main() {}
