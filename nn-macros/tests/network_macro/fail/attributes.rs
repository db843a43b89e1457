//! Attributes that contradict what the macro emits.

use nn_train::network;

network! { #[derive(Clone, Debug, Default, PartialEq)] struct A<64 => 10>; }
network! { #[derive(Copy)] #[derive(std::hash::Hash, Eq)] struct B<64 => 10>; }
network! { #[derive(serde::Serialize, serde::Deserialize)] struct C<64 => 10>; }
network! { #![allow(dead_code)] struct D<64 => 10>; }

macro_rules! forwarded {
    ($attribute:meta) => {
        network! { #[$attribute] struct E<64 => 10>; }
    };
}
forwarded!(derive(Clone));

fn main() {}
