//! Element types that are not there.

use nn_train::network;

network! { struct Double<64 => 10>: double; }
network! { struct Half<64 => 10>: f16; }
network! { struct Integer<64 => 10>: i32; }
network! { struct Path<64 => 10>: std::primitive::f32; }
network! { struct Missing<64 => 10>: ; }
network! { struct Twice<64 => 10>: f32: f64; }

fn main() {}
