//! After the faults of a declaration, its use raises no others. All but the last fault are the macro's.

use nn_train::{Declared, Network, network};

network! { pub struct Digits<64 => 48 relo => 10>, sed = 1; }
network! { struct Unfinished<64 => 48 =>>; }
network! { struct Zero<0 => 48 => 10>; }

struct Holder {
    digits: Digits,
    unfinished: Unfinished,
}

fn predict<N: Network>(network: &N, input: &N::Sample) -> N::Prediction {
    network.predict(input)
}

fn main() {
    let mut digits = Digits::new(1);
    digits.layer2_mut().bias[9] = 1.0;
    let output: [f32; 10] = predict(&digits, &[0.0; 64]);
    let copy = digits.clone();
    println!("{output:?} {:?} {}", copy == digits, Digits::PARAMS);

    // Here nobody knows the widths that are missing, so nothing is held against them.
    let unfinished = Unfinished::new(1);
    let output: [f32; 10] = unfinished.predict(&[0.0; 64]);
    println!("{output:?} {:?}", unfinished.theta::<2>());
    let zero = Zero::zeros();
    let output: [f32; 10] = zero.predict(&[1.0; 64]);
    println!("{output:?} {:?}", zero.layer1().weights[47]);
    let (cost, gradient) = unfinished.gradient(&[[0.0; 64]], &[[0.0; 10]], 0.0).unwrap();
    println!("{cost} {gradient:?}");

    let holder = Holder { digits, unfinished };
    println!("{:?} {:?}", holder.digits, holder.unfinished.architecture());

    // That the compiler does check this function is seen by the one fault that is its own.
    let _: u8 = holder.digits.layer1().bias;
}
