//! Seeds that are no u64 literal.

use nn_train::network;

const SEED: u64 = 1;
network! { struct A<64 => 10>, seed = -1; }
network! { struct B<64 => 10>, seed = 1.5; }
network! { struct C<64 => 10>, seed = 18446744073709551616; }
network! { struct D<64 => 10>, seed = SEED; }
network! { struct E<64 => 10>, seed = 1u32; }
network! { struct F<64 => 10>, seed = crate::SEED + 1; }

fn main() {}
