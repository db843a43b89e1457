//! NPZ archives: an error, or arrays that unpack to no more than is allowed.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::arrays::Npz;

const LIMIT: u64 = 1 << 20;

fuzz_target!(|bytes: &[u8]| {
    let Ok(archive) = Npz::from_bytes(bytes.to_vec()) else { return };
    let mut archive = archive.limit(LIMIT);
    for name in archive.names().to_vec() {
        if let Ok(array) = archive.array::<f32>(&name) {
            assert!(array.numbers().len() as u64 <= LIMIT);
        }
    }
});
