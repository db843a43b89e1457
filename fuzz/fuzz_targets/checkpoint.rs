//! Checkpoints. A wrong checksum would keep everything from the code behind it, so each input is also read under a
//! signature, version, length and checksum that are right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::{Element, RunState, SessionState};

fuzz_target!(|bytes: &[u8]| {
    read::<f32>(bytes);
    read::<f64>(bytes);
    if let Some(sealed) = sealed(bytes) {
        read::<f32>(&sealed);
        read::<f64>(&sealed);
    }
});

/// The same contents in a file that is whole.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let contents = bytes.get(20..bytes.len().checked_sub(4)?)?;
    let mut file = b"\x89NNT\r\n\x1a\n\x01\x00\x00\x00".to_vec();
    file.extend((bytes.len() as u64).to_le_bytes());
    file.extend(contents);
    let checksum = crc32fast::hash(&file).to_le_bytes();
    file.extend(checksum);
    Some(file)
}

/// What is taken is written and read as the same state.
fn read<T: Element>(bytes: &[u8]) {
    if let Ok(state) = RunState::<T>::from_bytes(bytes) {
        let written = state.to_bytes();
        let again = RunState::<T>::from_bytes(&written).expect("what was written is read");
        assert_eq!(again.to_bytes(), written);
    }
    if let Ok(state) = SessionState::<T>::from_bytes(bytes) {
        let written = state.to_bytes();
        let again = SessionState::<T>::from_bytes(&written).expect("what was written is read");
        assert_eq!(again.to_bytes(), written);
    }
}
