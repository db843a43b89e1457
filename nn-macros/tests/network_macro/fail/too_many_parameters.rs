//! More parameters than memory holds: in one layer, in all together, and in a constant.

use nn_train::network;

network! { struct OneLayer<4294967296 => 4294967296>; }
network! { struct Together<1000000000 => 600000000 => 1000000000 => 1>; }

fn main() {}
