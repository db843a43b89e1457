//! ONNX files: an error, or a plain network that is written and read as the same one.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::onnx::{Export, Import, Summary};
use nn_train::{DynNetwork, Element, Network};

fuzz_target!(|bytes: &[u8]| {
    // An error, or a list.
    let _ = Summary::from_bytes(bytes);
    let Ok(import) = Import::from_bytes(bytes) else { return };
    // No layer takes its weights from where another has them, so a network has no more numbers than the file has bytes.
    assert!(import.architecture().params() <= bytes.len());
    match import.element() {
        "f32" => again::<f32>(&import),
        _ => again::<f64>(&import),
    }
});

fn again<T: Element>(import: &Import) {
    let Ok(network) = import.network::<T>() else { return };
    assert!(network.parameters().iter().all(|parameter| parameter.is_finite()));
    let export = Export::new(&network).to_bytes().expect("what has been read can be written");
    let again = Import::from_bytes(&export).expect("what has been written can be read");
    assert_eq!(again.architecture(), import.architecture());
    let again: DynNetwork<T> = again.network().expect("it is of the same numbers");
    assert_eq!(again, network);
}
