//! How much memory the files of models ask for, whatever they say. One test, so that no other allocates beside it.
#![cfg(all(feature = "bundle", feature = "safetensors"))]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/lengths.rs"]
mod lengths;
#[path = "support/sealed.rs"]
mod sealed;

use counting::most;
use lengths::any_lengths;
use nn_train::prelude::*;
use nn_train::safetensors::{Reader, Writer};
use sealed::sealed;

/// The most bytes in use while a file is read, for each of its own.
fn share<V>(file: &[u8], read: impl FnOnce(&[u8]) -> V) -> f64 {
    most(|| read(file)) as f64 / file.len() as f64
}

fn bundle(file: &[u8]) -> Result<Bundle<DynNetwork<f64>>, Error> {
    Bundle::from_bytes(file)
}

fn layers(file: &[u8]) -> Result<Bundle<DynNetwork<f64>>, Error> {
    Reader::new().hidden(Activation::Relu).from_bytes(file)
}

/// A bundle of numbers of `f64` whose contents behind the version of the library are these.
fn file(contents: &[u8]) -> Vec<u8> {
    sealed([&b"\x89NNB\r\n\x1a\n\x01\0\0\0"[..], &[0; 8], b"\x03f64\x05x.y.z", contents, &[0; 4]].concat())
}

fn tensors(header: &str, data: usize) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; data]].concat()
}

#[test]
fn a_model_asks_for_a_small_multiple_of_its_own_bytes() {
    let network: DynNetwork<f64> = DynNetwork::zeros("200 => 300 tanh => 1 linear".parse().unwrap()).unwrap();
    let usual = Bundle::of_arrays(network.clone()).unwrap().to_bytes();
    let usual = share(&usual, bundle);
    assert!(usual > 0.9 && usual < 1.2, "{usual}");
    let usual = Writer::new(&network).to_bytes().unwrap();
    let usual = share(&usual, layers);
    assert!(usual > 0.9 && usual < 1.2, "{usual}");
    // Numbers of 16 bits become four times as long.
    let header = "{\"weight\":{\"dtype\":\"F16\",\"shape\":[1000,100],\"data_offsets\":[0,200000]}}";
    let wider = share(&tensors(header, 200_000), layers);
    assert!(wider > 3.9 && wider < 4.2, "{wider}");

    // What is short in a file and long in memory: names, just too many for a vector that grows by doubling.
    for count in [100_u64, (1 << 16) + 1, (1 << 17) + 1] {
        let names = [&postcard::to_stdvec(&count).unwrap()[..], &vec![0; count as usize]].concat();
        let network = [&b"\x061 => 1\x10"[..], &[0; 16]].concat();
        // Classes of arrays; categories of the first of one column; columns.
        let classes = [&network[..], &[1, 0, 0], &names].concat();
        let categories = [&network[..], &[0, 1, 1, b'x', 2], &names, &[0, 0, 0, 0, 0, 0]].concat();
        let columns = [
            &network[..],
            &[0],
            &postcard::to_stdvec(&count).unwrap(),
            &[0, 0, 0, 0, 0, 0, 0, 0].repeat(count as usize),
        ]
        .concat();
        for (name, contents) in [("classes", classes), ("categories", categories), ("columns", columns)] {
            let file = file(&contents);
            let share = share(&file, bundle);
            assert!(share < 100.0, "{count} {name}: {share}");
            assert!(bundle(&file).is_err(), "{count} {name}");
        }
    }
    for (name, one) in [("sizes", "1,"), ("entries", "\"a\":\"\","), ("tensors", "\"\":[],"), ("nothing", "[],")] {
        for count in [100, 4097, 20_000, 65_537] {
            let many = one.repeat(count);
            let many = many.trim_end_matches(',');
            let header = match name {
                "sizes" => format!("{{\"weight\":{{\"dtype\":\"F32\",\"shape\":[{many}],\"data_offsets\":[0,4]}}}}"),
                "entries" => format!("{{\"__metadata__\":{{{many}}}}}"),
                "tensors" => format!("{{{many}}}"),
                _ => format!("{{\"a\":[{many}]}}"),
            };
            let file = tensors(&header, 4);
            let share = share(&file, layers);
            assert!(share < 100.0, "{count} {name}: {share}");
        }
    }

    // Any length in place of each byte.
    let table = Csv::new().read_bytes(b"x,town,y\n1,Ulm,2\n2,Aalen,3\n3,Ulm,5\n").unwrap();
    let preprocess = Preprocess::for_target("y").scaling(Scaling::Quantile).fit(&table).unwrap();
    let network = DynNetwork::<f64>::zeros(preprocess.architecture(&[]).unwrap()).unwrap();
    let bytes = Bundle::new(network, preprocess).unwrap().to_bytes();
    for (place, file) in any_lengths(&bytes) {
        let share = share(&file, bundle);
        assert!(share < 100.0, "{place:?}: {share}");
    }
}
