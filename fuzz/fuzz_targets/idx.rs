//! IDX files, plain and packed: an error, or an array of as many numbers as its sizes say.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::arrays::Array;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = Array::<f32>::from_idx_bytes(bytes) {
        assert_eq!(array.numbers().len(), array.sizes().iter().product::<usize>());
    }
    let _ = Array::<u8>::from_idx_bytes(bytes);
});
