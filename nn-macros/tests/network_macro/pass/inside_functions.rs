//! Items and expressions inside of functions, closures, blocks, constants and generic code.

use nn_train::{Declared, Network, network};

fn build<T: Default>() -> (usize, T) {
    network! { struct Inner<2 => 3 => 1>; }
    (Inner::new(1).parameters().len(), T::default())
}

fn returned() -> impl Declared<Scalar = f32, Input = [f32; 2], Output = [f32; 4]> {
    network!(2 => 4)
}

const PARAMS: usize = {
    network! { struct Constant<2 => 3 => 1>; }
    <Constant as Declared>::PARAMS
};

struct Holder;
impl Holder {
    fn network(&self) -> impl Network {
        network!(5 => 2)
    }
}

fn main() {
    assert_eq!(build::<u8>().0, 13);
    assert_eq!(PARAMS, 13);
    assert_eq!(returned().predict(&[0.0; 2]).len(), 4);
    assert_eq!(Holder.network().parameters().len(), 12);

    let closure = || network!(2 => 4 => 4 => 4).predict(&[1.0, 2.0]);
    assert_eq!(closure(), closure());

    // Two of one name in blocks side by side; two values in one expression; one in a loop.
    {
        network! { struct Twin<1 => 1>; }
        assert_eq!(Twin::PARAMS, 2);
    }
    {
        network! { struct Twin<1 => 2>; }
        assert_eq!(Twin::PARAMS, 4);
    }
    assert!(network!(1 => 1).parameters().len() < network!(1 => 2).parameters().len());
    for _ in 0..2 {
        let mut network = network!(1 => 1);
        network.layer1_mut().bias[0] = 1.0;
        assert_eq!(network.parameters()[1], 1.0);
    }
    match network!(1 => 1) {
        network if network.parameters().is_empty() => unreachable!(),
        _ => {}
    }
}
