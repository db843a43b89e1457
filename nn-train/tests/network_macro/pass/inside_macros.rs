//! Calls that other macros write, with every kind of fragment.

use nn_train::{Declared, Loss, Network, network};

macro_rules! declare {
    ($(#[$attribute:meta])* $visibility:vis $name:ident, $input:literal => $hidden:path => $output:expr, $element:ty,
     $activation:ident, $dropout:literal, $seed:expr) => {
        network! {
            $(#[$attribute])*
            $visibility struct $name<$input => $hidden $activation dropout($dropout) => $output>: $element,
                loss = mse, seed = $seed;
        }
    };
}

macro_rules! value {
    ($($width:tt)=>+) => { network!($($width)=>+) };
}

const HIDDEN: usize = 7;
declare!(#[allow(dead_code)] pub(crate) First, 4 => HIDDEN => 2, f64, relu, 0.5, 9);
declare!(Second, 4 => self::HIDDEN => 2, f32, tanh, 0.25, 10);

fn main() {
    assert_eq!((First::PARAMS, First::SEED, First::ARCHITECTURE.loss()), (51, 9, Loss::Mse));
    assert_eq!((Second::PARAMS, Second::SEED), (51, 10));
    let output: [f64; 2] = First::new(1).predict(&[0.0; 4]);
    assert!(output[0] > 0.0);
    assert_eq!(value!(2 => 4 => 4 => 4).parameters().len(), 52);
}
