//! Parameters, bounds and bodies of ordinary structs.

use nn_train::network;

network! { struct A<'a, const N: usize, 64 => 10>; }
network! { struct B<T, 64 => 10> where T: Copy; }
network! { struct C<64 => 10> { extra: f32 } }
network! { struct D<64 => 10>(f32); }

fn main() {}
