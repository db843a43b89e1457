//! Bundles. A wrong checksum would keep everything from the code behind it, so each input is also read under a signature, version,
//! length and checksum that are right.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nn_train::bundle::AnyBundle;
use nn_train::prelude::*;
use nn_train::{Element, bundle::BundleFault};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if let Some(sealed) = sealed(bytes) {
        read(&sealed);
    }
});

/// The same contents in a file that is whole.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let contents = bytes.get(20..bytes.len().checked_sub(4)?)?;
    let mut file = b"\x89NNB\r\n\x1a\n\x01\x00\x00\x00".to_vec();
    file.extend((bytes.len() as u64).to_le_bytes());
    file.extend(contents);
    let checksum = crc32fast::hash(&file).to_le_bytes();
    file.extend(checksum);
    Some(file)
}

fn read(bytes: &[u8]) {
    match AnyBundle::from_bytes(bytes) {
        Ok(AnyBundle::F32(bundle)) => again(bundle),
        Ok(AnyBundle::F64(bundle)) => again(bundle),
        Ok(_) => unreachable!("there are two types of numbers"),
        Err(Error::Bundle { fault: BundleFault::Inputs { .. }, .. }) => unreachable!("nothing was to be predicted"),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// What is taken is written and read as the same bundle, and its preprocessing makes inputs of a table or says why not.
fn again<T: Element>(bundle: Bundle<DynNetwork<T>>) {
    let read = Bundle::<DynNetwork<T>>::from_bytes(&bundle.to_bytes()).expect("what was written is read");
    assert_eq!(read.to_bytes(), bundle.to_bytes());
    let Some(preprocess) = bundle.preprocess() else { return };
    assert!(!preprocess.to_string().is_empty());
    assert_eq!(preprocess.input_names().len(), bundle.network().architecture().inputs());
    let table = preprocess.csv().read_bytes(b"area,rooms,town,state,price\n51,2,Ulm,good,200\n80,,Aalen,,280\n");
    if let Ok(inputs) = table.and_then(|table| preprocess.inputs::<T>(&table)) {
        assert_eq!(inputs.len(), 2 * preprocess.input_width());
        assert!(inputs.iter().all(|input| input.is_finite()));
    }
}
