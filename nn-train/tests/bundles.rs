//! Bundles: what is saved predicts the same, what does not fit together or is damaged is refused.
#![cfg(feature = "bundle")]
#![allow(clippy::unwrap_used, missing_docs)]

mod scratch;
#[path = "support/sealed.rs"]
mod sealed;

use std::fs;

use nn_train::bundle::{AnyBundle, BundleFault, FileFault};
use nn_train::prelude::*;
use nn_train::table::TableFault;
use scratch::Scratch;
use sealed::sealed;

network! { struct Net<2 => 5 relu dropout(0.25) => 3 softmax>; }
network! { struct Wider<2 => 6 relu dropout(0.25) => 3 softmax>; }
network! { struct Line<1 => 1 linear>: f64; }

/// Numbers, text, missing values, quantiles: a preprocessing with something of everything.
const FLATS: &[u8] =
    b"area,rooms,town,state,price\n51,2,Ulm,good,200\n80,3,Aalen,fair,280\n66,,Ulm,new,250\n40,1,Aalen,good,150\n";

fn flats() -> Table {
    Csv::new().read_bytes(FLATS).unwrap()
}

fn preprocess() -> Preprocess {
    Preprocess::for_target("price")
        .ordinal("state", ["fair", "good", "new"])
        .scaling_of("area", Scaling::Quantile)
        .scaling_of("rooms", Scaling::RobustClipped)
        .missing(Missing::Median)
        .indicators()
        .unseen(Unseen::Missing)
        .fit(&flats())
        .unwrap()
}

fn towns() -> Preprocess {
    Preprocess::for_target("town").inputs(["area", "price"]).fit(&flats()).unwrap()
}

fn network<T: nn_train::Element>(architecture: &str) -> DynNetwork<T> {
    DynNetwork::new(architecture.parse().unwrap(), Init::default(), 7).unwrap()
}

/// A bundle of each kind, in `f64`.
fn bundles() -> Vec<Bundle<DynNetwork<f64>>> {
    let preprocess = preprocess();
    let table = DynNetwork::new(preprocess.architecture(&[3]).unwrap(), Init::default(), 1).unwrap();
    let classes = towns();
    let classifier = DynNetwork::new(classes.architecture(&[]).unwrap(), Init::default(), 1).unwrap();
    let standardizer =
        |width: usize| Standardizer::from_constants((0..width).map(|i| i as f64).collect(), vec![2.0; width]).unwrap();
    vec![
        Bundle::new(table, preprocess).unwrap(),
        Bundle::new(classifier, classes).unwrap(),
        Bundle::of_arrays(network("2 => 1 linear")).unwrap(),
        Bundle::of_arrays(network("2 => 2 tanh => 2 linear, huber(0.5)"))
            .unwrap()
            .with_standardizer(standardizer(2))
            .unwrap()
            .with_target_standardizer(standardizer(2))
            .unwrap(),
        Bundle::of_arrays(network("2 => 3 softmax")).unwrap().with_classes(["a", "ä", ""]).unwrap(),
    ]
}

fn fault<N: Network>(result: Result<Bundle<N>, Error>) -> BundleFault {
    match result.unwrap_err() {
        Error::Bundle { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

fn file_fault(bytes: &[u8]) -> FileFault {
    match fault(Bundle::<DynNetwork<f64>>::from_bytes(bytes)) {
        BundleFault::File(fault) => fault,
        other => panic!("{other}"),
    }
}

#[test]
fn bundles_come_back_whole() {
    let scratch = Scratch::new("bundles");
    let path = scratch.0.join("model.nn");
    for bundle in bundles() {
        assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).unwrap(), bundle);
        bundle.save(&path).unwrap();
        assert_eq!(Bundle::load(&path).unwrap(), bundle);
        assert_eq!(fs::read(&path).unwrap(), bundle.to_bytes());
        assert_eq!(AnyBundle::load(&path).unwrap(), AnyBundle::F64(bundle.clone()));
        let parts = bundle.clone().into_parts();
        assert_eq!(parts.preprocess.as_ref(), bundle.preprocess());
        assert_eq!(parts.network, *bundle.network());
    }
    assert_eq!(scratch.names(), ["model.nn"]);
}

#[test]
fn a_bundle_predicts_from_a_table_as_its_parts_do() {
    let preprocess = preprocess();
    let network = DynNetwork::<f32>::new(preprocess.architecture(&[8]).unwrap(), Init::default(), 3).unwrap();
    let new = Csv::new().read_bytes(b"town,state,area,rooms\nUlm,good,70,\nOslo,new,40,9\n").unwrap();
    let wanted = preprocess.predict(&network, &new).unwrap();
    let bundle = Bundle::new(network, preprocess).unwrap();
    assert_eq!(bundle.predict(&new).unwrap(), wanted);
    let read: Bundle = Bundle::from_bytes(&bundle.to_bytes()).unwrap();
    assert_eq!(read.predict(&new).unwrap(), wanted);
    assert_eq!(AnyBundle::from_bytes(&bundle.to_bytes()).unwrap().predict(&new).unwrap(), wanted);
    assert_eq!(bundle.classes(), None);

    let data = bundle.dataset(&flats()).unwrap();
    assert_eq!(data, bundle.preprocess().unwrap().dataset(&flats()).unwrap());
    // Read by the bundle a column of text is text, whatever it looks like.
    let towns = bundle.csv().unwrap().read_bytes(b"town\n1\n").unwrap();
    assert!(towns.numbers("town").is_err());
    let wrong = bundle.predict_rows(&[0.0; 8]).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the bundle: it predicts from a table; expected one that predicts from rows of numbers"
    );
    let wrong = bundle.labels(&[0.0]).unwrap_err();
    assert!(matches!(wrong, Error::Missing { .. }), "{wrong}");
}

#[test]
fn a_bundle_of_arrays_scales_predicts_and_scales_back() {
    let mut net = Line::zeros();
    net.parameters_mut().copy_from_slice(&[2.0, 1.0]);
    let standardizer = |mean, deviation| Standardizer::from_constants(vec![mean], vec![deviation]).unwrap();
    let bundle = Bundle::of_arrays(net).unwrap();
    assert_eq!(bundle.predict_rows(&[3.0, 4.0]).unwrap(), [7.0, 9.0]);
    let bundle = bundle.with_standardizer(standardizer(1.0, 2.0)).unwrap();
    // (3 - 1) / 2 = 1, and 2 · 1 + 1 = 3.
    assert_eq!(bundle.predict_rows(&[3.0, 5.0]).unwrap(), [3.0, 5.0]);
    let bundle = bundle.with_target_standardizer(standardizer(100.0, 10.0)).unwrap();
    assert_eq!(bundle.predict_rows(&[3.0, 5.0]).unwrap(), [130.0, 150.0]);
    assert_eq!(bundle.standardizer().unwrap().means(), [1.0]);
    assert_eq!(bundle.target_standardizer().unwrap().means(), [100.0]);
    assert_eq!(bundle.predict_rows(&[]).unwrap_err(), Error::Empty { what: "inputs" });
    let wrong = bundle.predict(&flats()).unwrap_err();
    assert_eq!(
        wrong.to_string(),
        "the bundle: it predicts from rows of numbers; expected one that predicts from a table"
    );
    assert!(matches!(bundle.dataset(&flats()), Err(Error::Bundle { fault: BundleFault::Inputs { .. }, .. })));
    assert!(matches!(bundle.csv(), Err(Error::Bundle { fault: BundleFault::Inputs { .. }, .. })));
    let read: Bundle<Line> = Bundle::from_bytes(&bundle.to_bytes()).unwrap();
    assert_eq!(read.predict_rows(&[3.0]).unwrap(), [130.0]);
    let parts = read.with_standardizer(None).unwrap().into_parts();
    assert_eq!((parts.standardizer, parts.classes), (None, None));
    assert!(parts.target_standardizer.is_some());
}

#[test]
fn classes_are_named() {
    let bundle = Bundle::of_arrays(Net::zeros()).unwrap().with_classes(["a", "b", "c"]).unwrap();
    assert_eq!(bundle.labels(&[0.1, 0.7, 0.2, 0.5, 0.1, 0.4]).unwrap(), ["b", "a"]);
    assert_eq!(bundle.labels(&[0.1, f32::NAN, 0.2]).unwrap_err(), Error::NaNOutput { sample: 0, column: 1 });
    let error = bundle.labels(&[0.1, 0.7]).unwrap_err();
    assert_eq!(error, Error::Features { what: "the output", expected: 3, found: 2 });
    let one = Bundle::of_arrays(network::<f32>("2 => 1")).unwrap().with_classes(["no", "yes"]).unwrap();
    assert_eq!(one.labels(&[0.49, 0.5]).unwrap(), ["no", "yes"]);
}

#[test]
fn parts_that_do_not_fit_are_refused() {
    let arrays = |architecture| Bundle::of_arrays(network::<f64>(architecture)).unwrap();
    let two = || Standardizer::from_constants(vec![0.0; 2], vec![1.0; 2]).unwrap();
    let found = fault(Bundle::new(network::<f64>("2 => 1 linear"), preprocess()));
    assert!(
        matches!(&found, BundleFault::Preprocess(fault) if matches!(**fault, TableFault::Width { what: "inputs", .. }))
    );
    assert_eq!(
        found.to_string(),
        "the network has 2 inputs; expected 6: 1 from \"area\", 2 from \"rooms\", 2 from \"town\", 1 from \"state\""
    );
    let found = fault(Bundle::new(network::<f64>("2 => 2 softmax"), towns()));
    assert_eq!(found.to_string(), "the network has 2 outputs; expected 1: \"town\" has the classes \"Aalen\", \"Ulm\"");
    let found = fault(Bundle::new(network::<f64>("2 => 1 linear"), towns()));
    assert_eq!(
        found.to_string(),
        "the output is linear; expected sigmoid, whose outputs are the probabilities of classes"
    );
    let found = fault(arrays("3 => 1").with_standardizer(two()));
    assert_eq!(found, BundleFault::Standardizer { what: "inputs", expected: 3, found: 2 });
    let found = fault(arrays("3 => 1 linear").with_target_standardizer(two()));
    assert_eq!(found, BundleFault::Standardizer { what: "targets", expected: 1, found: 2 });
    let found = fault(arrays("3 => 2 softmax").with_classes(["a", "b", "c"]));
    assert_eq!(found, BundleFault::Classes { expected: 2, found: 3 });
    let found = fault(arrays("3 => 1").with_classes(["a"]));
    assert_eq!(found, BundleFault::Classes { expected: 2, found: 1 });
    let found = fault(arrays("3 => 2 softmax").with_classes(["a", "a"]));
    assert_eq!(found, BundleFault::ClassTwice { name: "a".to_owned() });
    let found = fault(arrays("3 => 2 linear").with_classes(["a", "b"]));
    assert!(matches!(found, BundleFault::Output { .. }), "{found}");
    let found = fault(arrays("3 => 2 softmax").with_target_standardizer(two()).unwrap().with_classes(["a", "b"]));
    assert_eq!(found, BundleFault::StandardizedClasses);
    let table = Bundle::new(network::<f64>("2 => 1"), towns()).unwrap();
    assert!(matches!(fault(table.clone().with_classes(["a", "b"])), BundleFault::Inputs { .. }));
    assert!(matches!(fault(table.with_standardizer(two())), BundleFault::Inputs { .. }));
    let mut net = Line::zeros();
    net.parameters_mut()[1] = f64::NEG_INFINITY;
    let error = Bundle::of_arrays(net).unwrap_err();
    assert_eq!(error.to_string(), "the bundle: bias 0 of Θ^(1) is -inf; expected a finite number");
}

#[test]
fn every_bit_that_is_flipped_is_found() {
    for bundle in bundles() {
        let mut bytes = bundle.to_bytes();
        assert!(bytes.len() < 1000, "{}", bytes.len());
        for index in 0..bytes.len() {
            for bit in 0..8 {
                bytes[index] ^= 1 << bit;
                let found = file_fault(&bytes);
                let right = match index {
                    0..8 => matches!(found, FileFault::Signature { expected: "a bundle", .. }),
                    12..20 => matches!(found, FileFault::Truncated { .. } | FileFault::TooLong { .. }),
                    _ => matches!(found, FileFault::Checksum { .. }),
                };
                assert!(right, "byte {index}, bit {bit}: {found}");
                bytes[index] ^= 1 << bit;
            }
        }
        assert!(Bundle::<DynNetwork<f64>>::from_bytes(&bytes).is_ok(), "and back again");
    }
}

#[test]
fn a_file_that_is_cut_or_goes_on_is_found() {
    for bundle in bundles() {
        let bytes = bundle.to_bytes();
        for length in 0..bytes.len() {
            let expected = if length < 24 { 24 } else { bytes.len() as u64 };
            assert_eq!(file_fault(&bytes[..length]), FileFault::Truncated { expected, found: length as u64 });
            assert!(length < 24 || Bundle::<DynNetwork<f64>>::from_bytes(&sealed(bytes[..length].to_vec())).is_err());
        }
        let expected = bytes.len() as u64;
        let longer = [bytes.as_slice(), &[0]].concat();
        assert_eq!(file_fault(&longer), FileFault::TooLong { expected, found: expected + 1 });
        let mut longer = bytes;
        longer.insert(longer.len() - 4, 0);
        assert_eq!(file_fault(&sealed(longer)).to_string(), "the end in it: 1 bytes; expected nothing behind it");
    }
}

/// A file may be damaged before its checksum is formed, or written by somebody else: also then there is no panic.
#[test]
fn what_the_checksum_does_not_find_is_an_error_or_a_bundle_that_is_written_and_read_again() {
    let (mut refused, mut taken) = (0, 0);
    for bundle in bundles() {
        let bytes = bundle.to_bytes();
        for index in 20..bytes.len() - 4 {
            for value in [bytes[index] ^ 1, bytes[index] ^ 128, 0, 127, 255] {
                let mut spoilt = bytes.clone();
                spoilt[index] = value;
                match Bundle::<DynNetwork<f64>>::from_bytes(&sealed(spoilt)) {
                    Ok(bundle) => {
                        assert_eq!(Bundle::from_bytes(&bundle.to_bytes()).unwrap(), bundle);
                        // Whatever it says, predicting is an error or an answer.
                        let _ = bundle.predict(&flats());
                        let _ = bundle.predict_rows(&[1.0; 2]);
                        taken += 1;
                    }
                    Err(Error::Bundle { fault, .. }) => {
                        assert!(!fault.to_string().is_empty());
                        refused += 1;
                    }
                    Err(other) => panic!("byte {index} is {value}: {other}"),
                }
            }
        }
    }
    assert!(refused > 200 && taken > 500, "{refused}, {taken}");
}

#[test]
fn files_of_others_are_refused_by_name() {
    let scratch = Scratch::new("others");
    let path = scratch.0.join("model.nn");
    let bytes = bundles()[2].to_bytes();
    let found = file_fault(b"{ \"architecture\": \"1 => 1\" }");
    assert_eq!(found, FileFault::Signature { expected: "a bundle", found: None });
    assert_eq!(found.to_string(), "this is not a bundle; expected the signature of one in the first 8 bytes");
    let mut newer = bytes.clone();
    newer[8] = 2;
    assert_eq!(file_fault(&sealed(newer)), FileFault::Version { found: 2, newest: 1 });

    fs::write(&path, &bytes).unwrap();
    let error = Bundle::<DynNetwork<f32>>::load(&path).unwrap_err();
    assert_eq!(error.to_string(), format!("{}: its numbers are f64; expected f32", path.display()));
    let at = bytes.windows(4).position(|window| window == b"\x03f64").unwrap() + 1;
    let mut half = bytes.clone();
    half[at..at + 3].copy_from_slice(b"f16");
    let error = AnyBundle::from_bytes(&sealed(half)).unwrap_err();
    assert_eq!(error.to_string(), "the bundle: the number type in it: f16; expected f32 or f64");

    let error = Bundle::<DynNetwork<f32>>::load(scratch.0.join("none.nn")).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "open", .. }), "{error}");
    assert!(matches!(bundles()[2].save(scratch.0.join("none/model.nn")), Err(Error::Io { .. })));
}

#[test]
fn a_file_of_another_architecture_shows_both() {
    let bytes = Bundle::of_arrays(Net::new(1)).unwrap().to_bytes();
    assert_eq!(Bundle::<Net>::from_bytes(&bytes).unwrap().network(), &Net::new(1));
    let error = Bundle::<Wider>::from_bytes(&bytes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the architecture is `2 => 5 relu dropout(0.25) => 3 softmax, cross_entropy`; expected \
         `2 => 6 relu dropout(0.25) => 3 softmax, cross_entropy`: layer 1 is 5 wide, expected 6"
    );
}

/// Contents that no bundle has, under a checksum that is right.
#[test]
fn contents_that_are_none_are_refused() {
    let bytes = bundles()[2].to_bytes();
    let text = b"2 => 1 linear, mse";
    let at = bytes.windows(text.len()).position(|window| window == text).unwrap() + text.len();
    assert_eq!(bytes[at], 24, "three parameters of 8 bytes");
    for length in [1_u64 << 60, u64::MAX, 1 << 40, 1 << 20, 25, 23] {
        let spoilt = [&bytes[..at], &postcard::to_stdvec(&length).unwrap(), &bytes[at + 1..]].concat();
        let found = file_fault(&sealed(spoilt));
        assert!(
            matches!(
                found,
                FileFault::Contents { what: "the network" | "what goes with the network" | "the parameters", .. }
            ),
            "{length}: {found}"
        );
    }
    let other = |new: &[u8]| {
        let start = at - text.len() - 1;
        sealed([&bytes[..start], &[new.len() as u8], new, &bytes[at..]].concat())
    };
    let found = file_fault(&other(b"1000000 => 1000000 linear, mse"));
    assert!(matches!(&found, FileFault::Contents { what: "the parameters", found, .. } if found == "3"), "{found}");
    assert!(matches!(file_fault(&other(b"2 => nothing")), FileFault::Contents { what: "the architecture", .. }));
    // As many parameters, and another width than the preprocessing makes.
    let mut infinite = bytes.clone();
    infinite[at + 1..at + 9].copy_from_slice(&f64::INFINITY.to_le_bytes());
    let found = fault(Bundle::<DynNetwork<f64>>::from_bytes(&sealed(infinite)));
    assert!(matches!(found, BundleFault::Parameter { layer: 1, what: "weight", index: 0, .. }), "{found}");
    let one = Bundle::new(network::<f64>("2 => 1"), towns()).unwrap().to_bytes();
    let text = b"2 => 1 sigmoid, cross_entropy";
    let at = one.windows(text.len()).position(|window| window == text).unwrap();
    let mut linear = one.clone();
    linear.splice(at - 1..at + text.len(), *b"\x122 => 1 linear, mse");
    assert!(matches!(fault(Bundle::<DynNetwork<f64>>::from_bytes(&sealed(linear))), BundleFault::Output { .. }));
    let mut wide = one;
    wide.splice(at - 1..at + text.len(), *b"\x1d1 => 1 sigmoid, cross_entropy");
    let at = at + text.len();
    assert_eq!(wide[at], 24);
    wide.splice(at..at + 9, [16]);
    let found = fault(Bundle::<DynNetwork<f64>>::from_bytes(&sealed(wide)));
    assert!(matches!(found, BundleFault::Preprocess(_)), "{found}");
}

/// What is checked of a preprocessing in JSON is checked here, and said in words.
#[test]
fn a_preprocessing_that_cannot_be_computed_with_is_refused() {
    let bytes = bundles()[0].to_bytes();
    // The knots of the quantiles: 40, 51, 66, 80.
    let at = bytes.windows(8).position(|window| window == 51.0_f64.to_le_bytes()).unwrap();
    let mut falling = bytes;
    falling[at..at + 8].copy_from_slice(&39.0_f64.to_le_bytes());
    assert_eq!(
        file_fault(&sealed(falling)).to_string(),
        "the preprocessing in it: column \"area\" has quantiles that are none, fall or are not finite; expected what a \
         preprocessing learns"
    );
}

/// The bundles that the files of version 1 were written from.
fn golden() -> [(&'static str, Bundle<DynNetwork<f64>>); 2] {
    let preprocess = preprocess();
    let architecture = preprocess.architecture(&[2]).unwrap();
    let mut table = DynNetwork::zeros(architecture).unwrap();
    let mut arrays =
        DynNetwork::zeros("2 => 2 leaky_relu(0.125) dropout(0.5) => 1 linear, huber(0.5)".parse().unwrap()).unwrap();
    for network in [&mut table, &mut arrays] {
        network.parameters_mut().iter_mut().enumerate().for_each(|(i, number)| *number = i as f64 / 8.0 - 1.0);
    }
    let standardizer = Standardizer::from_constants(vec![1.0, -2.5], vec![0.5, 4.0]).unwrap();
    let arrays = Bundle::of_arrays(arrays).unwrap().with_standardizer(standardizer).unwrap();
    let arrays = arrays.with_target_standardizer(Standardizer::from_constants(vec![3.0], vec![2.0]).unwrap()).unwrap();
    [("bundle-1-table.nn", Bundle::new(table, preprocess).unwrap()), ("bundle-1-arrays.nn", arrays)]
}

/// Files of version 1 are read for ever. `NN_GOLDEN=overwrite` writes them anew, which nobody should need.
#[test]
fn the_files_of_version_1_are_read() {
    for (name, bundle) in golden() {
        let path = format!("{}/tests/fixtures/{name}", env!("CARGO_MANIFEST_DIR"));
        if std::env::var("NN_GOLDEN").is_ok_and(|value| value == "overwrite") {
            bundle.save(&path).unwrap();
        }
        assert_eq!(Bundle::load(&path).unwrap(), bundle);
        // As long as the version is 1, its bytes are what is written too, but for the version of the library.
        let (file, written) = (fs::read(&path).unwrap(), bundle.to_bytes());
        let behind_the_version = |bytes: &[u8]| {
            assert_eq!(bytes[20..24], *b"\x03f64");
            bytes[25 + usize::from(bytes[24])..bytes.len() - 4].to_vec()
        };
        assert_eq!(behind_the_version(&file), behind_the_version(&written));
    }
    let arrays = &golden()[1].1;
    // By hand: ((1.5 - 1) / 0.5, (-2.5 + 2.5) / 4) = (1, 0); z = (-1, -0.75) + (-0.5, -0.375) = (-1.5, -1.125);
    // a = z / 8; -0.25 · -0.1875 + -0.125 · -0.140625 + 0 = 0.064453125; · 2 + 3.
    assert_eq!(arrays.predict_rows(&[1.5, -2.5]).unwrap(), [3.12890625]);
}
