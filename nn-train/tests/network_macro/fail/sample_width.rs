//! Samples and targets of a wrong width do not compile.

use nn_train::prelude::*;

network! { struct Net<2 => 4 => 3 softmax>; }

fn main() {
    let mut net = Net::new(1);
    let _ = net.predict(&[1.0, 2.0, 3.0]);
    let _: [f32; 2] = net.predict(&[1.0, 2.0]);
    let _ = net.predict_batch(&[[0.0; 2]], &mut [[0.0; 2]]);
    let _ = net.cost(&[[0.0; 3]], &[[0.0; 3]], 0.0);

    let trainer = Trainer::builder().build().unwrap();
    let inputs = Dataset::new(vec![[0.0_f32; 3]], vec![[0.0_f32, 1.0, 0.0]]).unwrap();
    let _ = trainer.fit(&mut net, &inputs, None);
    let targets = Dataset::new(vec![[0.0_f32; 2]], vec![[0.0_f32, 1.0]]).unwrap();
    let _ = metrics::accuracy(&net, &targets);
    let element = Dataset::new(vec![[0.0_f64; 2]], vec![[0.0_f64, 1.0, 0.0]]).unwrap();
    let _ = trainer.fit(&mut net, &element, None);
}
