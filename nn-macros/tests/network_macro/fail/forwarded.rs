//! Fragments that another macro forwards and that cannot stand where they do.

use nn_train::network;

const W: usize = 2;

macro_rules! width {
    ($width:expr) => {
        network!(1 => $width)
    };
    ($width:expr, tanh) => {
        network!(1 => 2 $width => 1)
    };
}
macro_rules! seed {
    ($seed:expr) => {
        network!(1 => 2, seed = $seed)
    };
}
macro_rules! slope {
    ($slope:expr) => {
        network!(1 => 2 leaky_relu($slope) => 1)
    };
}
macro_rules! element {
    ($element:ty) => {
        network!(1 => 2: $element)
    };
}

fn main() {
    let _ = width!(-1);
    let _ = width!(0);
    let _ = width!(1.5);
    let _ = width!(W - 2);
    let _ = width!(W + 1, tanh);
    let _ = width!(W as u8);
    let _ = seed!(1 + 1);
    let _ = slope!(2.0 * 0.5);
    let _ = element!(Vec<f32>);
}
