//! What a declared type implements, and its use in generic code.

use std::fmt::Debug;

use nn_train::{Dense, HasLayer, Network, network};

network! { pub struct Digits<64 => 48 => 10>; }

fn all<T: Network<Scalar = f32, Input = [f32; 64], Output = [f32; 10]> + Clone + Debug + PartialEq + Send + Sync>() {}
fn layers<T: HasLayer<1, Layer = Dense<f32, 64, 48>> + HasLayer<2, Layer = Dense<f32, 48, 10>>>() {}

fn main() {
    all::<Digits>();
    layers::<Digits>();
    let mut digits = Digits::new(42);
    digits.layer2.bias[9] = 5.0;
    assert_eq!(digits.parameters().last(), Some(&5.0));
    assert_eq!(HasLayer::<2>::layer(&*digits).bias[9], 5.0);
    let Digits { layer1: Dense { weights, .. }, layer2 } = *digits;
    assert_eq!((weights.len(), layer2.weights.len()), (48, 10));
}
