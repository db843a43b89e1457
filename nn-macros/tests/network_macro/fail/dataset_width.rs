//! Data sets of a wrong width, or of another element type, do not compile.

use nn_train::prelude::*;

network! { struct Net<2 => 4 => 3 softmax>; }

fn main() {
    let mut net = Net::new(1);
    let trainer = Trainer::builder().build().unwrap();
    let inputs = Dataset::new(vec![[0.0_f32; 3]], vec![[0.0_f32, 1.0, 0.0]]).unwrap();
    let _ = trainer.fit(&mut net, &inputs, None);
    let targets = Dataset::new(vec![[0.0_f32; 2]], vec![[0.0_f32, 1.0]]).unwrap();
    let _ = metrics::accuracy(&net, &targets);
    let element = Dataset::new(vec![[0.0_f64; 2]], vec![[0.0_f64, 1.0, 0.0]]).unwrap();
    let _ = trainer.fit(&mut net, &element, None);
}
