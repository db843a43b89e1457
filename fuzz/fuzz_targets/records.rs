//! Files of records. Wrong checksums would keep everything from the code behind them, so each input is also read under
//! checksums that are right.
#![no_main]

use std::fs;

use libfuzzer_sys::fuzz_target;
use nn_train::records::Records;
use nn_train::{Rows, Source};

fuzz_target!(|bytes: &[u8]| {
    read(bytes);
    if let Some(sealed) = sealed(bytes) {
        read(&sealed);
    }
});

/// The same under the signature, version and checksum of a header, and with the checksum of a single block at the end.
fn sealed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut file = bytes.to_vec();
    let end = file.len().checked_sub(4).filter(|&end| end >= 64)?;
    file[..12].copy_from_slice(b"\x89NNR\r\n\x1a\n\x01\x00\x00\x00");
    let header = crc32fast::hash(&file[..60]).to_le_bytes();
    file[60..64].copy_from_slice(&header);
    let block = crc32fast::hash(&file[64..end]).to_le_bytes();
    file[end..].copy_from_slice(&block);
    Some(file)
}

/// An error, or rows that are as wide as the file says.
fn read(bytes: &[u8]) {
    let path = std::env::temp_dir().join(format!("nn-train-fuzz-{}.nnr", std::process::id()));
    fs::write(&path, bytes).expect("the folder for temporary files can be written to");
    if let Ok(records) = Records::<f32>::open_within(&path, 1 << 24) {
        let mut rows = Rows::of(&records).expect("its widths are not 0");
        let last = records.len() - 1;
        if rows.fill(&records, &[last, 0]).is_ok() {
            assert_eq!(rows.inputs().len(), 2 * records.input_width());
        }
    }
    fs::remove_file(path).expect("it is there");
}
