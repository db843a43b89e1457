//! `Debug` prints the shape, whatever the size.

use nn_train::{Declared, Network, network};

network! { pub struct Big<784 => 512 relu dropout(0.2) => 10 softmax>; }

fn main() {
    let text = format!("{:?}", Big::new(1));
    assert!(text.contains("Big") && text.contains("784 => 512 relu dropout(0.2) => 10 softmax"), "{text}");
    assert!(text.len() < 200, "{text}");
    let text = format!("{:?}", network!(2 => 4 => 4 => 4));
    assert!(text.contains("network!(2 => 4 => 4 => 4)"), "{text}");
}
