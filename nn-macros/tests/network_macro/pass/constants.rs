//! Widths that are paths to constants, wherever those are.

use nn_train::{Declared, Network, network};

pub const INPUTS: usize = 6;
const HIDDEN: usize = INPUTS * 2;

mod shape {
    pub mod deep {
        pub const OUTPUTS: usize = 3;
    }
    pub struct Sizes;
    impl Sizes {
        pub const HIDDEN: usize = 5;
    }
    pub trait Widths {
        const WIDTH: usize;
    }
    impl Widths for Sizes {
        const WIDTH: usize = 4;
    }
    pub struct Sized<const N: usize>;
    impl<const N: usize> Sized<N> {
        pub const WIDTH: usize = N + 1;
    }

    nn_train::network! { pub struct Inner<super::INPUTS => self::deep::OUTPUTS relu => Sizes::HIDDEN>; }
}

use shape::{Sizes, Widths, deep::OUTPUTS};

network! {
    struct Outer<INPUTS => HIDDEN relu => crate::shape::Sizes::HIDDEN dropout(0.5) => <Sizes as Widths>::WIDTH
        => shape::Sized::<1>::WIDTH => u8::BITS_AS_WIDTH => OUTPUTS softmax>;
}

trait Bits {
    const BITS_AS_WIDTH: usize;
}
impl Bits for u8 {
    const BITS_AS_WIDTH: usize = u8::BITS as usize;
}

// One constant in every place; a constant with the name of a type; a type parameter's name.
const T: usize = 2;
#[allow(non_upper_case_globals)]
const Shape: usize = 2;
struct Named;
network! { struct Same<T => T => T => Shape>; }

fn main() {
    let widths: Vec<_> = Outer::ARCHITECTURE.layers().iter().map(|layer| layer.outputs).collect();
    assert_eq!(widths, [12, 5, 4, 2, 8, 3]);
    let output: [f32; OUTPUTS] = Outer::new(3).predict(&[0.0; INPUTS]);
    assert!((output.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    assert_eq!(shape::Inner::new(3).predict(&[0.0; 6]).len(), 5);
    assert_eq!(Same::PARAMS, 18);
    let _ = Named;

    // Also one that is declared where the network is made.
    const LOCAL: usize = 9;
    assert_eq!(network!(LOCAL => HIDDEN => 1).predict(&[1.0; 9]).len(), 1);
}
