//! NPY, NPZ and IDX: what is written is read, what NumPy writes too, and what is damaged is named. NumPy itself reads and
//! writes them in tests/numpy_agreement.py.
#![cfg(feature = "npz")]
#![allow(clippy::unwrap_used, missing_docs)]

mod scratch;

use std::fs;
use std::io::{Cursor, Write};
use std::sync::{Arc, Mutex};

use flate2::Compression;
use flate2::write::GzEncoder;
use nn_train::arrays::{Array, ArrayFault, Npz, NpzWriter};
use nn_train::prelude::*;
use proptest::prelude::*;
use scratch::Scratch;

/// An NPY file of version 1 with this dictionary.
fn npy(dictionary: &str, bytes: &[u8]) -> Vec<u8> {
    let mut file = b"\x93NUMPY\x01\x00".to_vec();
    file.extend((dictionary.len() as u16 + 1).to_le_bytes());
    file.extend(dictionary.as_bytes());
    file.push(b'\n');
    file.extend(bytes);
    file
}

fn described(descr: &str, fortran: &str, shape: &str, bytes: &[u8]) -> Vec<u8> {
    npy(&format!("{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}"), bytes)
}

fn idx(code: u8, sizes: &[u32], bytes: &[u8]) -> Vec<u8> {
    let mut file = vec![0, 0, code, sizes.len() as u8];
    sizes.iter().for_each(|size| file.extend(size.to_be_bytes()));
    file.extend(bytes);
    file
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// What is wrong with the bytes of an NPY file.
fn fault(bytes: &[u8]) -> String {
    message(Array::<f32>::from_npy_bytes(bytes).unwrap_err())
}

fn message(error: Error) -> String {
    assert!(matches!(error, Error::Array { .. }), "{error}");
    error.to_string()
}

#[test]
fn every_type_order_and_byte_order_is_read() {
    macro_rules! read {
        ($($name:literal $T:ty;)*) => { $(
            let numbers: [$T; 3] = [0 as $T, 1 as $T, 100 as $T];
            for (order, bytes) in [('<', numbers.map(<$T>::to_le_bytes)), ('>', numbers.map(<$T>::to_be_bytes))] {
                let file = described(&format!("{order}{}", $name), "False", "(3,)", bytes.as_flattened());
                let floats = Array::<f64>::from_npy_bytes(&file).unwrap();
                assert_eq!((floats.numbers(), floats.sizes()), (&[0.0, 1.0, 100.0][..], &[3][..]), "{order}{}", $name);
                assert_eq!(Array::<usize>::from_npy_bytes(&file).unwrap().numbers(), [0, 1, 100]);
                assert_eq!(Array::<u8>::from_npy_bytes(&file).unwrap().numbers(), [0, 1, 100]);
                assert_eq!(Array::<i64>::from_npy_bytes(&file).unwrap().numbers(), [0, 1, 100]);
            }
        )* };
    }
    read! { "i1" i8; "i2" i16; "i4" i32; "i8" i64; "u1" u8; "u2" u16; "u4" u32; "u8" u64; "f4" f32; "f8" f64; }
    let ends = [i64::MIN, -(1 << 53) - 1, i64::MAX];
    let bytes = ends.map(i64::to_le_bytes);
    let file = described("<i8", "False", "(3,)", bytes.as_flattened());
    assert_eq!(Array::<i64>::from_npy_bytes(&file).unwrap().numbers(), ends);
    let ends = [(1 << 53) + 1, usize::MAX];
    let bytes = ends.map(|end| (end as u64).to_le_bytes());
    let file = described("<u8", "False", "(2,)", bytes.as_flattened());
    assert_eq!(Array::<usize>::from_npy_bytes(&file).unwrap().numbers(), ends);
    // ½, -2, 65504, the smallest above 0, and infinity.
    let half = [0x3800_u16, 0xc000, 0x7bff, 0x0001, 0x7c00].map(u16::to_le_bytes);
    let half = Array::<f64>::from_npy_bytes(&described("<f2", "False", "(5,)", half.as_flattened())).unwrap();
    assert_eq!(half.numbers(), [0.5, -2.0, 65504.0, (-24_f64).exp2(), f64::INFINITY]);
    let truth = Array::<f32>::from_npy_bytes(&described("|b1", "False", "(2,)", &[0, 1])).unwrap();
    assert_eq!(truth.numbers(), [0.0, 1.0]);

    let order = |fortran: &str, shape: &str| {
        Array::<u8>::from_npy_bytes(&described("|u1", fortran, shape, &(0..24).collect::<Vec<_>>())).unwrap()
    };
    assert_eq!(order("False", "(4, 3, 2)").numbers(), (0..24).collect::<Vec<_>>());
    let fortran = order("True", "(4, 3, 2)");
    let expected: Vec<u8> = (0..24).map(|c| c / 6 + 4 * (c / 2 % 3) + 12 * (c % 2)).collect();
    assert_eq!((fortran.numbers(), fortran.sizes()), (&expected[..], &[4, 3, 2][..]));
    assert_eq!(order("True", "(24,)").numbers(), order("False", "(24,)").numbers());
    let single = Array::<u8>::from_npy_bytes(&described("|u1", "True", "()", &[7])).unwrap();
    assert_eq!((single.numbers(), single.sizes().len()), (&[7][..], 0));
    let none = Array::<u8>::from_npy_bytes(&described("<f8", "False", "(0, 18446744073709551615)", &[])).unwrap();
    assert!(none.numbers().is_empty());
    let shape = "(4294967296, 4294967296, 0)";
    let none = Array::<u8>::from_npy_bytes(&described("<f8", "True", shape, &[])).unwrap();
    assert_eq!((none.numbers(), none.sizes()), (&[][..], &[1 << 32, 1 << 32, 0][..]));
    assert_eq!(Array::<u8>::new(vec![], none.sizes()).unwrap(), none);
}

#[test]
fn headers_are_read_as_python_would() {
    let bytes = 1.5_f32.to_le_bytes();
    for dictionary in [
        "{'shape':(1,),'fortran_order':False,'descr':'<f4'}",
        "{\"descr\": \"<f4\", \"fortran_order\" : True, \"shape\": (1 , 1)}   ",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1L,), }",
        "{'descr': '=f4', 'fortran_order': False, 'shape': (), }",
    ] {
        assert_eq!(Array::<f32>::from_npy_bytes(&npy(dictionary, &bytes)).unwrap().numbers(), [1.5], "{dictionary}");
    }
    // Versions 2 and 3 have four bytes for the length.
    for version in [2, 3] {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n";
        let file =
            [&b"\x93NUMPY"[..], &[version, 0], &(text.len() as u32).to_le_bytes(), text.as_bytes(), &bytes].concat();
        assert_eq!(Array::<f32>::from_npy_bytes(&file).unwrap().numbers(), [1.5]);
    }
}

#[test]
fn what_is_written_is_read() {
    let scratch = Scratch::new("arrays-round-trip");
    let path = scratch.0.join("array.npy");
    for sizes in [vec![], vec![6], vec![0], vec![2, 3], vec![1, 2, 1, 3], vec![1; 30]] {
        let count = sizes.iter().product();
        let floats = Array::new((0..count).map(|i| i as f64 / 7.0).collect(), sizes.clone()).unwrap();
        floats.write_npy(&path).unwrap();
        assert_eq!(Array::<f64>::read_npy(&path).unwrap(), floats);
        let bytes = fs::read(&path).unwrap();
        assert_eq!((bytes.len() - 8 * count) % 64, 0, "numbers begin at a multiple of 64 bytes");
        let labels = Array::new((0..count).collect::<Vec<usize>>(), sizes.clone()).unwrap();
        labels.write_npy(&path).unwrap();
        assert_eq!(Array::<usize>::read_npy(&path).unwrap(), labels);
        let archive = scratch.0.join("arrays.npz");
        NpzWriter::new().array("floats", &floats).array("labels", &labels).write(&archive).unwrap();
        let mut archive = Npz::open(&archive).unwrap();
        assert_eq!(archive.names(), ["floats", "labels"]);
        assert_eq!(archive.array::<usize>("labels").unwrap(), labels);
        assert_eq!(archive.array::<f64>("floats").unwrap(), floats);
    }
    let error = Array::new(vec![1.0_f32; 6], [2, 4]).unwrap_err();
    assert_eq!(message(error), "the array: the sizes are 2 × 4, expected sizes of 6 numbers, as many as there are");
}

#[test]
fn arrays_become_data_sets() {
    let images = Array::new((0..24).map(|i| i as f32).collect(), [4, 3, 2]).unwrap();
    let data = images.clone().with_targets(Array::new(vec![0.5; 4], [4]).unwrap()).unwrap();
    assert_eq!((data.len(), data.input_width(), data.target_width()), (4, 6, 1));
    assert_eq!(data.inputs()[6..12], [6.0, 7.0, 8.0, 9.0, 10.0, 11.0]);
    let labels = Array::new(vec![2, 0, 1, 2], [4, 1]).unwrap();
    assert_eq!(images.clone().with_labels(&labels, 3).unwrap().labels().unwrap(), [2, 0, 1, 2]);

    let refused = |labels: Array<usize>, width| images.clone().with_labels(&labels, width).unwrap_err().to_string();
    let wide = Array::new(vec![0; 8], [4, 2]).unwrap();
    assert_eq!(refused(wide, 3), "labels: the sizes are 4 × 2, expected one dimension, that of the samples");
    assert_eq!(refused(labels, 2), "the label of sample 0 is 2; expected one of the 2 classes 0..=1");
    let few = Array::new(vec![0; 3], [3]).unwrap();
    assert_eq!(refused(few, 3), "labels holds 3 rows, expected 4, one for each of the inputs");
    let scalar = Array::new(vec![0.0; 1], []).unwrap();
    let error = message(scalar.with_targets(images).unwrap_err());
    assert_eq!(error, "inputs: the sizes are 1, expected at least one, that of the samples");
    let none = Array::<f32>::new(vec![], [0, 1 << 40, 1 << 40]).unwrap();
    let error = message(none.clone().with_targets(none).unwrap_err());
    let sizes = "0 × 1099511627776 × 1099511627776";
    assert_eq!(error, format!("inputs: the sizes are {sizes}, expected rows of no more numbers than memory can hold"));
    let halves = Array::<usize>::from_npy_bytes(&described("<f4", "False", "(2,)", &[0, 0, 128, 63, 0, 0, 0, 63]));
    assert_eq!(
        message(halves.unwrap_err()),
        "the array: number 1 is 0.5, expected a whole number that is not negative"
    );
    let negative = Array::<usize>::from_npy_bytes(&described("|i1", "False", "(1,)", &[255])).unwrap_err();
    assert_eq!(message(negative), "the array: number 0 is -1, expected a whole number that is not negative");
    for bits in [f64::NAN, f64::INFINITY, 1e300, 18_446_744_073_709_551_616.0] {
        assert!(Array::<usize>::from_npy_bytes(&described("<f8", "False", "(1,)", &bits.to_le_bytes())).is_err());
    }
    let wide = Array::<u8>::from_npy_bytes(&described("<u2", "False", "(1,)", &[0, 1])).unwrap_err();
    assert_eq!(message(wide), "the array: number 0 is 256, expected a whole number from 0 to 255");
}

/// Each reader tells how far it is once a mebibyte, and at the end.
#[test]
fn progress_is_told() {
    let scratch = Scratch::new("arrays-progress");
    let path = |name: &str| scratch.0.join(name);
    let array = Array::new((0..300_000).map(|number| f64::from(number).sqrt()).collect(), [300, 1000]).unwrap();
    let all = 8 * 300_000;
    let expected = [(1 << 20, all), (2 << 20, all), (all, all)];

    array.write_npy(path("x.npy")).unwrap();
    let mut seen = Vec::new();
    let read = Array::read_npy_reporting(path("x.npy"), |done, all| seen.push((done, all)));
    assert_eq!((read.unwrap(), &seen[..]), (array.clone(), &expected[..]));

    let bytes: Vec<u8> = array.numbers().iter().flat_map(|number| number.to_be_bytes()).collect();
    let file = idx(0x0e, &[300, 1000], &bytes);
    for (name, file) in [("packed", gzip(&file)), ("plain", file)] {
        fs::write(path(name), file).unwrap();
        let mut seen = Vec::new();
        let read = Array::read_idx_reporting(path(name), |done, all| seen.push((done, all)));
        assert_eq!((read.unwrap(), &seen[..]), (array.clone(), &expected[..]), "{name}");
    }

    let few = Array::new(vec![1.5, 2.5], [2]).unwrap();
    NpzWriter::new().array("many", &array).array("few", &few).write(path("x.npz")).unwrap();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&seen);
    let mut archive =
        Npz::open(path("x.npz")).unwrap().on_progress(move |done, all| report.lock().unwrap().push((done, all)));
    assert_eq!(archive.array::<f64>("many").unwrap(), array);
    assert_eq!(archive.array::<f64>("few").unwrap(), few);
    assert_eq!(*seen.lock().unwrap(), [&expected[..], &[(16, 16)]].concat());
}

#[test]
fn damaged_npy_is_named() {
    let sound = described("<f4", "False", "(2, 3)", &[0; 24]);
    assert!(Array::<f32>::from_npy_bytes(&sound).is_ok());
    assert_eq!(fault(&[]), "the array: begins with nothing, expected 93 4e 55 4d 50 59 (NPY)");
    assert_eq!(fault(b"PK\x03\x04abcd"), "the array: begins with 50 4b 03 04 61 62, expected 93 4e 55 4d 50 59 (NPY)");
    for end in 1..sound.len() {
        let fault = fault(&sound[..end]);
        let expected = if end < sound.len() - 24 {
            "of its header, expected"
        } else {
            "bytes, expected 2 × 3 × 4 as its sizes say"
        };
        assert!(fault.starts_with("the array: ends after ") && fault.contains(expected), "{end}: {fault}");
    }
    let longer = [&sound[..], &[0]].concat();
    assert_eq!(fault(&longer), "the array: goes on after 2 × 3 × 4 bytes, expected to end there as its sizes say");
    let mut version = sound.clone();
    version[6] = 9;
    assert_eq!(fault(&version), "the array: the version in its header: 9.0; expected 1.0, 2.0 or 3.0");
    for descr in ["<c8", "<f16", "|O", "<U5", "|S3", "<M8[s]", "f4", "", "é4", "|f4"] {
        let fault = fault(&described(descr, "False", "(1,)", &[0; 8]));
        assert!(fault.starts_with(&format!("the array: the type in its header: {descr}; expected a bool")), "{fault}");
    }
    let record = npy("{'descr': [('a', '<f4'), ('b', '<i8')], 'fortran_order': False, 'shape': (1,), }", &[0; 12]);
    assert!(fault(&record).starts_with("the array: the type in its header: [('a', '<f4')"), "{}", fault(&record));
    for dictionary in [
        "",
        "{",
        "{}",
        "[]",
        "{'descr': '<f4'}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1.5,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (,1)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999999,)}",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'more': 1}",
        "{'descr': '<f4' 'fortran_order': False, 'shape': (1,)}",
    ] {
        let fault = fault(&npy(dictionary, &[0; 4]));
        assert!(fault.starts_with("the array: the dictionary in its header: "), "{dictionary}: {fault}");
    }
    let deep = npy(&"(".repeat(8000), &[]);
    assert!(fault(&deep).starts_with("the array: the dictionary in its header: ((("));
    assert!(
        fault(&npy(&" ".repeat(9000), &[])).starts_with("the array: its length in its header: 9001; expected at most")
    );
    // What is said to be large takes no memory before it is there.
    let huge = described("<f4", "False", "(4294967296, 4294967296)", &[0; 8]);
    assert_eq!(
        fault(&huge),
        "the array: is 4294967296 × 4294967296 × 4 by its sizes, expected no more than memory can hold"
    );
    let lie = described("<f4", "False", "(1099511627776,)", &[0; 8]);
    assert_eq!(fault(&lie), "the array: ends after 8 bytes, expected 1099511627776 × 4 as its sizes say");
    let error = Array::<f32>::read_npy(std::env::temp_dir().join("nn-train-no-such-file.npy")).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "open", .. }));
}

#[test]
fn damaged_archives_are_named() {
    let scratch = Scratch::new("arrays-archives");
    let path = scratch.0.join("arrays.npz");
    let zeros = Array::new(vec![0.0_f64; 10_000], [10_000]).unwrap();
    NpzWriter::new().array("zeros", &zeros).write(&path).unwrap();
    let sound = fs::read(&path).unwrap();
    assert!(sound.len() < 2000, "a bomb of {} bytes", sound.len());
    let read = |bytes: &[u8]| Npz::from_bytes(bytes.to_vec()).and_then(|mut archive| archive.array::<f64>("zeros"));
    assert_eq!(read(&sound).unwrap(), zeros);
    let error = message(Npz::open(&path).unwrap().limit(79_999).array::<f64>("zeros").unwrap_err());
    let packed = " unpacked, expected no more than 79999, as it is ";
    assert!(error.contains("arrays.npz, array zeros: is 10000 × 8") && error.contains(packed), "{error}");
    assert!(Npz::open(&path).unwrap().limit(80_000).array::<f64>("zeros").is_ok());
    let error = message(Npz::open(&path).unwrap().array::<f64>("ones").unwrap_err());
    assert!(error.ends_with("there is no array \"ones\"; expected one of zeros"), "{error}");
    let error = message(Npz::from_bytes(NOTHING.to_vec()).unwrap().array::<f64>("x").unwrap_err());
    assert_eq!(error, "the archive: there is no array \"x\"; expected one, but the archive has none");

    for end in 0..sound.len() {
        let error = message(read(&sound[..end]).unwrap_err());
        assert!(error.starts_with("the archive: damaged zip: "), "{end}: {error}");
    }
    for place in 0..sound.len() {
        let mut damaged = sound.clone();
        damaged[place] ^= 4;
        // Some bytes mean nothing here, such as the time.
        if let Ok(read) = read(&damaged) {
            assert_eq!(read, zeros, "byte {place}");
        }
    }
    // The limit goes by the bytes that there are, whatever is said of them.
    let lie = described("|u1", "False", "(536870912,)", &[0; 8]);
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let stored = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    archive.start_file("zeros.npy", stored).unwrap();
    archive.write_all(&lie).unwrap();
    let mut lying = archive.finish().unwrap().into_inner();
    let refused = |bytes: &[u8]| {
        let error = message(read(bytes).unwrap_err());
        // 100 times its bytes and 1 MiB.
        let limit = " unpacked, expected no more than 10";
        assert!(error.contains("is 536870912") && error.contains(limit) && error.contains(", as it is "), "{error}");
    };
    refused(&lying);
    for (signature, size) in [(b"PK\x03\x04", 18), (b"PK\x01\x02", 20)] {
        let header = lying.windows(4).position(|found| found == signature).unwrap();
        lying[header + size..][..4].copy_from_slice(&0x7fff_ffff_u32.to_le_bytes());
    }
    refused(&lying);
    let duplicate = NpzWriter::new().array("x", &zeros).array("x", &zeros).write(&path).unwrap_err();
    assert!(matches!(duplicate, Error::Io { operation: "write", .. }), "{duplicate}");
    assert_eq!(fs::read(&path).unwrap(), sound);
    assert_eq!(scratch.names(), ["arrays.npz"]);
}

/// An archive of no files.
const NOTHING: &[u8; 22] = b"PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";

#[test]
fn idx_files_are_read_plain_and_packed() {
    let bytes: Vec<u8> = (0..24).collect();
    let file = idx(8, &[2, 3, 4], &bytes);
    let expected = Array::new(bytes, [2, 3, 4]).unwrap();
    assert_eq!(Array::<u8>::from_idx_bytes(&file).unwrap(), expected);
    assert_eq!(Array::<u8>::from_idx_bytes(&gzip(&file)).unwrap(), expected);
    let members = [gzip(&file[..9]), gzip(&file[9..])].concat();
    assert_eq!(Array::<u8>::from_idx_bytes(&members).unwrap(), expected, "a gzip file may have several members");
    assert_eq!(Array::<f32>::from_idx_bytes(&file).unwrap().sizes(), [2, 3, 4]);
    assert!(Array::<u8>::from_idx_bytes(&idx(8, &[0], &[])).unwrap().numbers().is_empty());
    for (code, bytes) in [
        (0x09, &(-3_i8).to_be_bytes()[..]),
        (0x0b, &(-3_i16).to_be_bytes()),
        (0x0c, &(-3_i32).to_be_bytes()),
        (0x0d, &(-3_f32).to_be_bytes()),
        (0x0e, &(-3_f64).to_be_bytes()),
    ] {
        assert_eq!(Array::<i64>::from_idx_bytes(&idx(code, &[1], bytes)).unwrap().numbers(), [-3]);
    }
}

#[test]
fn damaged_idx_is_named() {
    let fault = |bytes: &[u8]| message(Array::<u8>::from_idx_bytes(bytes).unwrap_err());
    let file = idx(8, &[2, 3], &[7; 6]);
    let magic = "expected 00 00, a type from 08 to 0e and the number of dimensions (IDX)";
    assert_eq!(fault(b"GIF89a"), format!("the array: begins with 47 49 46 38, {magic}"));
    assert_eq!(fault(&[]), format!("the array: begins with nothing, {magic}"));
    for wrong in [idx(8, &[], &[]), idx(10, &[1], &[0; 4]), vec![0, 0, 8]] {
        assert!(fault(&wrong).starts_with("the array: begins with 00 00"), "{}", fault(&wrong));
    }
    for damaged in [file.clone(), gzip(&file)] {
        assert!(Array::<u8>::from_idx_bytes(&damaged).is_ok());
        for end in 0..damaged.len() {
            assert!(Array::<u8>::from_idx_bytes(&damaged[..end]).is_err(), "cut after {end} bytes");
        }
    }
    assert_eq!(fault(&file[..9]), "the array: ends after 9 bytes of its header, expected 12");
    assert_eq!(fault(&file[..15]), "the array: ends after 3 bytes, expected 2 × 3 as its sizes say");
    let longer = [&file[..], &[0]].concat();
    for damaged in [longer.clone(), gzip(&longer)] {
        assert_eq!(fault(&damaged), "the array: goes on after 2 × 3 bytes, expected to end there as its sizes say");
    }
    assert!(fault(&idx(8, &[u32::MAX; 3], &[1, 2])).contains("by its sizes, expected no more than memory can hold"));
    // What is said to be large takes no memory before it is there, packed or not.
    let lie = idx(8, &[u32::MAX, 1 << 10], &[1, 2]);
    assert_eq!(fault(&lie), "the array: ends after 2 bytes, expected 4294967295 × 1024 as its sizes say");
    let packed = gzip(&lie);
    let limit = 100 * packed.len() + (1 << 20);
    let expected = format!("the array: is 4294967295 × 1024 unpacked, expected no more than {limit}, as it is ");
    assert!(fault(&packed).starts_with(&expected));
    let within = idx(8, &[1 << 20], &[1, 2]);
    assert_eq!(fault(&gzip(&within)), "the array: ends after 2 bytes, expected 1048576 as its sizes say");
    let scratch = Scratch::new("arrays-idx");
    let path = scratch.0.join("digits.gz");
    fs::write(&path, gzip(&file)).unwrap();
    assert_eq!(Array::<u8>::read_idx_within(&path, 6).unwrap().numbers(), [7; 6]);
    let error = message(Array::<u8>::read_idx_within(&path, 5).unwrap_err());
    assert!(error.contains("digits.gz: is 2 × 3 unpacked, expected no more than 5, as it is "), "{error}");
    let sound = gzip(&idx(8, &[9, 9], &[3; 81]));
    let mut flipped = sound.clone();
    let checksum = flipped.len() - 8;
    flipped[checksum] ^= 1;
    for damaged in [&sound[..sound.len() - 9], &flipped, &[&sound[..], b"more"].concat(), &[0x1f, 0x8b]] {
        assert!(fault(damaged).starts_with("the array: damaged gzip: "), "{}", fault(damaged));
    }
    assert!(matches!(Array::<u8>::read_idx(std::env::temp_dir()), Err(Error::Io { .. })));
    let missing = ArrayFault::Missing { name: "a".to_owned(), names: vec!["b".to_owned(), "c".to_owned()] };
    assert_eq!(missing.to_string(), "there is no array \"a\"; expected one of b, c");
}

/// How many numbers these sizes are; beside a 0 they may be any.
fn product(sizes: &[usize]) -> usize {
    if sizes.contains(&0) { 0 } else { sizes.iter().product() }
}

proptest! {
    #[test]
    fn garbage_is_an_error_and_no_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), shape in "[0-9(), ]{0,30}") {
        let starts: [&[u8]; 6] =
            [b"", b"\x93NUMPY\x01\x00\x10\x00", b"PK\x03\x04", &[0, 0, 8, 3], &[0, 0, 13, 1], &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]];
        for start in starts {
            let file = [start, &bytes].concat();
            let _ = Array::<f32>::from_npy_bytes(&file);
            if let Ok(array) = Array::<f64>::from_idx_bytes(&file) {
                prop_assert_eq!(array.numbers().len(), product(array.sizes()));
            }
            let _ = Npz::from_bytes(file);
        }
        if let Ok(array) = Array::<u8>::from_npy_bytes(&described("|u1", "True", &shape, &bytes)) {
            prop_assert_eq!(array.numbers().len(), product(array.sizes()));
        }
    }
}
