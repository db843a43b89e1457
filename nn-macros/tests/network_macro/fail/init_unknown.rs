//! Initialisations that are not there, or only in two forms.

use nn_train::network;

network! { struct A<64 => 10>, init = xavier; }
network! { struct B<64 => 10>, init = kaiming; }
network! { struct C<64 => 10>, init = lecun; }
network! { struct D<64 => 10>, init = glorot_uniform; }
network! { struct E<64 => 10>, init = HeNorml; }
network! { struct F<64 => 10>, init = zeros; }

fn main() {}
