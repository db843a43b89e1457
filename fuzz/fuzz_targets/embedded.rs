//! Files of embedded networks. A wrong length would keep everything from the code behind it, so each input is also read under a
//! length that is right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_embedded::{Model, Weight};

fuzz_target!(|bytes: &[u8]| {
    read::<f32>(bytes);
    read::<i8>(bytes);
    let mut sealed = bytes.to_vec();
    if let Some(length) = sealed.get_mut(32..36) {
        length.copy_from_slice(&(bytes.len() as u32).to_le_bytes());
        read::<f32>(&sealed);
        read::<i8>(&sealed);
    }
});

/// What is taken predicts, in no more memory than the file is long.
fn read<W: Weight>(bytes: &[u8]) {
    let Ok(model) = Model::<W>::read(bytes) else { return };
    let frame = model.frame();
    assert!(frame.inputs <= bytes.len() && frame.outputs <= bytes.len() && model.scratch() <= 2 * bytes.len());
    assert_eq!(model.layers().count(), frame.layers);
    let mut outputs = vec![0.0; frame.outputs];
    let done = model.predict(&vec![0.5; frame.inputs], &mut vec![W::ZERO; model.scratch()], &mut outputs, |_| {});
    assert_eq!(done, Ok(()));
}
