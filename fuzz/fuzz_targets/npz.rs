//! NPZ archives: an error, or arrays that unpack to no more than is allowed, by default and under a limit of its own.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::arrays::Npz;

/// That of the library, and a lower one. An input is far below the 12 MiB from which more would be allowed.
const LIMITS: [u64; 2] = [256 << 20, 1 << 20];

fuzz_target!(|bytes: &[u8]| {
    for limit in LIMITS {
        let Ok(archive) = Npz::from_bytes(bytes.to_vec()) else { return };
        let mut archive = if limit == LIMITS[0] { archive } else { archive.limit(limit) };
        for name in archive.names().to_vec() {
            if let Ok(array) = archive.array::<f32>(&name) {
                assert!(array.numbers().len() as u64 <= limit);
            }
        }
    }
});
