//! A single width is no network; nor are angle brackets with nothing in them.

use nn_train::network;

network! { struct Single<64>; }
network! { struct Nothing<>; }
network! { struct Nowhere; }

fn main() {
    let _ = network!(64);
    let _ = network!(<>);
}
