//! Texts that stand for something: architectures and their parts.
#![no_main]

use std::fmt::{Debug, Display};
use std::str::FromStr;

use libfuzzer_sys::fuzz_target;
use nn_train::{Activation, Architecture, Init, Loss};

fuzz_target!(|text: &str| {
    read::<Architecture>(text);
    read::<Activation>(text);
    read::<Loss>(text);
    read::<Init>(text);
});

/// What is taken is displayed and read as the same value.
fn read<V: FromStr<Err: Debug> + Display + PartialEq + Debug>(text: &str) {
    if let Ok(value) = text.parse::<V>() {
        let displayed = value.to_string();
        let again: V = displayed.parse().expect("what is displayed is read");
        // A NaN is not itself.
        assert_eq!(again.to_string(), displayed);
    }
}
