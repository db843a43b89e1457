//! Files of safetensors, as they are and under a length of the header that is right: it ends with the last `}`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::Element;
use nn_train::prelude::*;
use nn_train::safetensors::{Reader, Writer};

fuzz_target!(|bytes: &[u8]| {
    read::<f32>(bytes);
    let end = bytes.iter().rposition(|byte| *byte == b'}').map_or(0, |at| at + 1);
    if let Some(header) = bytes.get(8..end) {
        let mut sealed = bytes.to_vec();
        sealed[..8].copy_from_slice(&(header.len() as u64).to_le_bytes());
        read::<f64>(&sealed);
    }
});

/// What is taken is written and read as the same network.
fn read<T: Element>(bytes: &[u8]) {
    for reader in [Reader::new(), Reader::new().hidden(Activation::Relu), Reader::new().prefix("0.").layers(["0", ""])] {
        match reader.from_bytes::<DynNetwork<T>>(bytes) {
            Ok(bundle) => {
                let written = Writer::of_bundle(&bundle).to_bytes().expect("what was read is written");
                assert_eq!(Reader::new().from_bytes::<DynNetwork<T>>(&written).expect("and read"), bundle);
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
