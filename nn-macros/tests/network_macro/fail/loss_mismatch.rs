//! Losses that do not fit the output.

use nn_train::network;

network! { struct A<64 => 10 relu>, loss = cross_entropy; }
network! { struct B<64 => 10 softmax>, loss = mse; }
network! { struct C<64 => 10 softmax>, loss = huber(1.0); }

fn main() {}
