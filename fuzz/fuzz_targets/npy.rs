//! NPY files: an error, or an array of as many numbers as its sizes say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::arrays::Array;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = Array::<f64>::from_npy_bytes(bytes) {
        // The sizes beside a 0 may be any.
        let sizes = array.sizes();
        let product = if sizes.contains(&0) { 0 } else { sizes.iter().product() };
        assert_eq!(array.numbers().len(), product);
    }
    let _ = Array::<usize>::from_npy_bytes(bytes);
});
