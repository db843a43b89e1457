//! The item form, from the shortest to the longest.

use nn_train::{Activation, Declared, Dense, HasLayer, Init, Loss, Network, network};

network! { struct Shortest<2 => 1>; }

network! {
    /// With a documentation of its own.
    #[must_use]
    #[allow(dead_code)]
    pub(crate) struct Longest<3_0 => 0x10 relu dropout(0.5) => 8usize dropout(0) tanh => 2 softmax>: f64,
        loss = cross_entropy,
        seed = 0xff_u64,
        init = symmetric(0.12),
    ;
}

fn main() {
    let shortest: Shortest = Shortest::new(1);
    let layer: &Dense<f32, 2, 1> = shortest.layer1();
    assert_eq!(layer.weights[0].len(), 2);
    assert_eq!(Shortest::PARAMS, 3);
    assert_eq!(Shortest::NAME, "Shortest");
    assert_eq!(Shortest::SEED, 0);
    assert_eq!(Shortest::INIT, Init::XavierUniform);
    assert_eq!(Shortest::ARCHITECTURE.loss(), Loss::CrossEntropy);
    let output: [f32; 1] = shortest.predict(&[0.0, 1.0]);
    assert!(output[0] > 0.0 && output[0] < 1.0);

    let longest = Longest::initialized();
    let third: &Dense<f64, 8, 2> = HasLayer::<3>::layer(&longest);
    assert_eq!(third.bias.len(), 2);
    assert_eq!(Longest::SEED, 255);
    assert_eq!(Longest::INIT, Init::Symmetric(0.12));
    let layers = Longest::ARCHITECTURE.layers();
    assert_eq!((layers[0].inputs, layers[0].outputs, layers[0].activation), (30, 16, Activation::Relu));
    assert_eq!((layers[0].dropout, layers[1].dropout), (0.5, 0.0));
    assert_eq!((layers[1].activation, layers[2].activation), (Activation::Tanh, Activation::Softmax));
    assert_eq!(longest.parameters(), Longest::new(255).parameters());
    assert!(longest.parameters().iter().all(|parameter| parameter.abs() <= 0.12));
}
