//! Attributes that contradict what the macro emits.

use nn_train::network;

network! { #[derive(Clone, Debug, PartialEq)] struct A<64 => 10>; }
network! { #[derive(Copy, Default)] #[derive(std::hash::Hash, Eq)] struct B<64 => 10>; }
network! { #[derive(serde::Serialize, serde::Deserialize)] struct C<64 => 10>; }
network! { #[repr(packed)] struct D<64 => 10>; }
network! { #![allow(dead_code)] struct E<64 => 10>; }

fn main() {}
