//! Numbers that are 0 or infinite in the element type.

use nn_train::network;

network! { struct A<2 => 4 leaky_relu(1e300) => 1>; }
network! { struct B<2 => 4 leaky_relu(-1e-300) => 1>: f32; }
network! { struct C<2 => 1 linear>, loss = huber(1e-60); }
network! { struct D<2 => 1 linear>, loss = huber(1e60); }
network! { struct E<2 => 1>, init = symmetric(1e300); }
network! { struct F<2 => 1>, init = symmetric(1e-60); }
network! { struct G<2 => 1>: f64, init = symmetric(1e400); }

fn main() {}
