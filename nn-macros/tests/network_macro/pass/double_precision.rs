//! Networks of f64, and of f32 by name.

use nn_train::{Declared, Network, network};

network! { struct Double<2 => 3 => 1>: f64; }
network! { struct Single<2 => 3 => 1>: f32; }

fn main() {
    let output: [f64; 1] = Double::new(1).predict(&[0.5, 0.25]);
    let single: [f32; 1] = Single::new(1).predict(&[0.5, 0.25]);
    assert!((output[0] - f64::from(single[0])).abs() < 1e-5);
    assert_eq!((Double::PARAMS, Single::PARAMS), (13, 13));
    let weight: f64 = Double::new(1).layer1().weights[2][1];
    assert!(weight.is_finite());
}
