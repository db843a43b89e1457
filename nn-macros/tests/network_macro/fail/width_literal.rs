//! Literals that are no numbers.

use nn_train::network;

network! { struct Digits<"64" => 'a' => true => 10>; }

fn main() {}
