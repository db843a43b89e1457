//! Widths that are constant expressions in braces.

use nn_train::prelude::*;

const WIDTH: usize = 3;

const fn twice(width: usize) -> usize {
    2 * width
}

struct Sizes;
impl Sizes {
    const HIDDEN: usize = 5;
}

network! {
    pub struct Computed<
        { WIDTH + 1 } => { twice(WIDTH) } relu dropout(0.5) => { if WIDTH > 2 { Sizes::HIDDEN * 2 } else { 1 } } tanh
        => { const TWO: usize = 2; TWO } softmax
    >: f64;
}

fn main() {
    let widths: Vec<_> = Computed::ARCHITECTURE.layers().iter().map(|layer| (layer.inputs, layer.outputs)).collect();
    assert_eq!(widths, [(4, 6), (6, 10), (10, 2)]);
    let output: [f64; 2] = Computed::new(1).predict(&[0.0; WIDTH + 1]);
    assert!((output[0] + output[1] - 1.0).abs() < 1e-12);
    assert_eq!(network!({ WIDTH } => { WIDTH * WIDTH }).predict(&[0.0; 3]).len(), 9);
    assert_eq!(network!(<{ WIDTH } => 2>).layer1().weights, network!(3 => 2).layer1().weights);
}
