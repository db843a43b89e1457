//! Samples and targets of a wrong width do not compile.

use nn_train::prelude::*;

network! { struct Net<2 => 4 => 3 softmax>; }

fn main() {
    let net = Net::new(1);
    let _ = net.predict(&[1.0, 2.0, 3.0]);
    let _: [f32; 2] = net.predict(&[1.0, 2.0]);
    let _ = net.predict_batch(&[[0.0; 2]], &mut [[0.0; 2]]);
    let _ = net.cost(&[[0.0; 3]], &[[0.0; 3]], 0.0);
    let _ = net.gradient(&[[0.0; 2]], &[[0.0; 4]], 0.0);
    let _ = net.predictor(1).unwrap().predict_batch(&[[0.0; 3]], &mut [[0.0; 3]]);
    let _ = net.theta::<3>();
}
