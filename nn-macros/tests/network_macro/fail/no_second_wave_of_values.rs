//! After the faults of an expression, its use raises no others. All but the last fault are the macro's.

use nn_train::{Network, network};

fn train(network: &mut impl Network) {
    network.parameters_mut().fill(Default::default());
}

fn main() {
    let mut network = network!(2 => 4 relo => => 1, sed = 2);
    train(&mut network);
    let output: [f32; 1] = network.predict(&[0.0, 1.0]);
    println!("{output:?} {:?}", network.layer1().weights[0]);
    for one in [network!(2 => ), network!(2 => 4 softmx)] {
        println!("{:?}", one.parameters());
    }
    let Some(_) = Some(network!(64)) else { return };

    // That the compiler does check this function is seen by the one fault that is its own.
    let _: u8 = "";
}
