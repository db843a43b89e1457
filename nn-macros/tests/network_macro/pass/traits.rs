//! What a declared type implements, and its use in generic code.

use std::fmt::Debug;

use nn_train::{Declared, Dense, HasLayer, Network, network};

network! { pub struct Digits<64 => 48 => 10>; }

fn all<T: Declared<Scalar = f32, Input = [f32; 64], Output = [f32; 10]> + Clone + Debug + Default + PartialEq + Send + Sync>() {}
fn layers<T: HasLayer<1, Layer = Dense<f32, 64, 48>> + HasLayer<2, Layer = Dense<f32, 48, 10>>>() {}

fn main() {
    all::<Digits>();
    layers::<Digits>();
    let mut digits = Digits::new(42);
    digits.layer2_mut().bias[9] = 5.0;
    assert_eq!(digits.parameters().last(), Some(&5.0));
    assert_eq!(HasLayer::<2>::layer(&digits).bias[9], 5.0);
    let Dense { weights, .. } = digits.layer1();
    assert_eq!((weights.len(), digits.layer2().weights.len()), (48, 10));
    assert_eq!(size_of::<Digits>(), 2 * size_of::<usize>());
    assert_eq!(Digits::default(), Digits::initialized());
}
