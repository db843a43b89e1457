//! Networks in files that serde reads.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::prelude::*;

network! { struct Net<2 => 3 relu dropout(0.5) => 2 softmax>; }

fuzz_target!(|bytes: &[u8]| {
    if let Ok(net) = postcard::from_bytes::<DynNetwork<f32>>(bytes) {
        let written = postcard::to_stdvec(&net).expect("it is written");
        let again: DynNetwork<f32> = postcard::from_bytes(&written).expect("what was written is read");
        assert_eq!(postcard::to_stdvec(&again).expect("it is written"), written);
    }
    if let Ok(net) = serde_json::from_slice::<DynNetwork<f64>>(bytes) {
        let written = serde_json::to_string(&net).expect("it is written");
        let again: DynNetwork<f64> = serde_json::from_str(&written).expect("what was written is read");
        assert_eq!(serde_json::to_string(&again).expect("it is written"), written);
    }
    let _ = serde_json::from_slice::<Net>(bytes);
    let _ = postcard::from_bytes::<Net>(bytes);
});
