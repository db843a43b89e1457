//! Nothing at all, as an item and as a value.

use nn_train::network;

network! {}

fn main() {
    let _nothing = network!();
}
