//! An arrow with nothing behind it, in all forms.

use nn_train::network;

network! { struct Digits<64 => 48 =>>; }

fn main() {
    let _ = network!(64 => 48 =>);
    let _ = network!(<64 => 48 =>>, seed = 1);
}
