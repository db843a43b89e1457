//! Networks in memory: their flat view, their copies, and that none of it touches the stack.
#![allow(clippy::unwrap_used)]

use nn_train::{Activation, Architecture, Dense, HasLayer, Init, Layer, Loss, Network};

#[repr(C)]
struct Hand {
    layer1: Dense<f64, 2, 3>,
    layer2: Dense<f64, 3, 1>,
}

// SAFETY: `repr(C)`, the two layers of the architecture in order, all of them f64.
unsafe impl Network for Hand {
    type Scalar = f64;
    type Input = [f64; 2];
    type Output = [f64; 1];
    const NAME: &'static str = "Hand";
    const ARCHITECTURE: &'static Architecture = &Architecture::from_static(
        &[Layer::new(2, 3, Activation::Sigmoid), Layer::new(3, 1, Activation::Sigmoid)],
        Loss::CrossEntropy,
    );
    const INIT: Option<Init> = None;
    const SEED: u64 = 0;
}

impl HasLayer<1> for Hand {
    type Layer = Dense<f64, 2, 3>;
    fn layer(&self) -> &Self::Layer {
        &self.layer1
    }
}

impl HasLayer<2> for Hand {
    type Layer = Dense<f64, 3, 1>;
    fn layer(&self) -> &Self::Layer {
        &self.layer2
    }
}

#[test]
fn theta_has_the_bias_as_column_0() {
    let mut net = Hand::zeros();
    for (number, parameter) in (1..).zip(net.parameters_mut()) {
        *parameter = f64::from(number);
    }
    assert_eq!(Hand::PARAMS, 13);
    assert_eq!(net.layer1.weights, [[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]);
    assert_eq!(net.layer1.bias, [7.0, 8.0, 9.0]);
    let theta = net.theta::<1>();
    assert_eq!((theta.rows(), theta.cols()), (3, 3));
    assert_eq!(theta.to_vec(), [7.0, 1.0, 2.0, 8.0, 3.0, 4.0, 9.0, 5.0, 6.0]);
    assert_eq!(theta[(2, 0)], 9.0);
    assert_eq!(theta[(1, 2)], 4.0);
    assert_eq!(theta.get(1, 3), None);
    assert_eq!(theta.get(3, 1), None);
    assert_eq!(format!("{theta:.1}"), "[ 7.0 1.0 2.0 ]\n[ 8.0 3.0 4.0 ]\n[ 9.0 5.0 6.0 ]");
    assert_eq!(net.theta::<2>().to_vec(), [13.0, 10.0, 11.0, 12.0]);
}

#[test]
fn the_bias_starts_at_zero_and_weights_within_their_bound() {
    let net = Hand::new(3);
    assert_eq!(net.layer1.bias, [0.0; 3]);
    let bound = (6.0_f64 / 5.0).sqrt();
    assert!(net.layer1.weights.as_flattened().iter().all(|w| w.abs() <= bound && *w != 0.0));
    assert_eq!(net.parameters(), Hand::new(3).parameters());
    assert_ne!(net.parameters(), Hand::new(4).parameters());
}
