//! Files of embedded networks: what is wrong with one is named, and nothing that is read can be beyond its end.
#![allow(clippy::unwrap_used, missing_docs)]

use nn_embedded::{Activation, Fault, Model, Predictor, Weight, include_model};

/// 2 => 2 tanh => 1 sigmoid in `f32`, written by nn-train.
const XOR: &[u8] = include_bytes!("data/xor.nne");
static PREDICTOR: Predictor<f32, 2, 1, 2> = include_model!("data/xor.nne");

/// 2 => 1 linear in 8 bits with both kinds of scales, by hand: h = ((3 p - 5 q) / 8 + ¼) · 10 + 7 with
/// p = round((x₀ + 1) / 2 · 4) and q = round(x₁ · 4).
fn int8() -> Vec<u8> {
    let mut bytes = b"\x89NNE\r\n\x1a\n".to_vec();
    let mut words = |words: &[u32]| bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    words(&[1, 1, 3, 2, 1, 1, 100]);
    // Means, factors, quantisation.
    words(&[-1.0_f32, 0.0, 0.5, 1.0, 4.0, 0.0].map(f32::to_bits));
    // One output, linear; no quantisation behind it; bias, scale.
    words(&[1, 0, 0, 0, 0]);
    words(&[0.25_f32, 0.125].map(f32::to_bits));
    words(&[u32::from_le_bytes([3, 251, 0, 0])]);
    // The target's mean and deviation.
    words(&[7.0_f32, 10.0].map(f32::to_bits));
    bytes
}

fn predict<W: Weight>(model: &Model<'_, W>, inputs: &[f32]) -> Vec<f32> {
    let mut outputs = vec![f32::NAN; model.frame().outputs];
    model.predict(inputs, &mut vec![W::ZERO; model.scratch()], &mut outputs, |_| {}).unwrap();
    outputs
}

/// The fault of a file after `change`.
fn fault<W: Weight>(bytes: &[u8], change: impl FnOnce(&mut Vec<u8>)) -> Fault {
    let mut bytes = bytes.to_vec();
    change(&mut bytes);
    Model::<W>::read(&bytes).map(drop).unwrap_err()
}

fn set(place: usize, word: u32) -> impl FnOnce(&mut Vec<u8>) {
    move |bytes| bytes[place..place + 4].copy_from_slice(&word.to_le_bytes())
}

#[test]
fn a_file_predicts() {
    let model = Model::<f32>::read(XOR).unwrap();
    let classes = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].map(|inputs| {
        let mut outputs = [f32::NAN];
        PREDICTOR.predict(&inputs, &mut outputs);
        assert_eq!(predict(&model, &inputs), outputs);
        PREDICTOR.classify(&inputs)
    });
    assert_eq!(classes, [Some(0), Some(1), Some(1), Some(0)]);
    assert_eq!(PREDICTOR.classify(&[f32::NAN, 0.0]), None);
    let layers: Vec<_> = model.layers().map(|l| (l.inputs, l.outputs, l.activation, l.weights.len())).collect();
    assert_eq!(layers, [(2, 2, Activation::Tanh, 16), (2, 1, Activation::Sigmoid, 8)]);
}

#[test]
fn eight_bits_are_rounded_half_to_even_and_saturate() {
    let bytes = int8();
    let model = Model::<i8>::read(&bytes).unwrap();
    // (x₀ + 1) / 2 · 4 and 4 x₁ as whole numbers p and q: (3 p - 5 q) / 8 + ¼, times 10, and 7.
    let value = |p: i32, q: i32| ((3 * p - 5 * q) as f32 * 0.125 + 0.25) * 10.0 + 7.0;
    for (inputs, p, q) in [
        ([0.0, 0.0], 2, 0),
        // 2.5 and 3.5; -0.5 and -1.5
        ([0.25, -0.125], 2, 0),
        ([0.75, -0.375], 4, -2),
        ([1e9, -1e9], 127, -128),
        ([f32::NEG_INFINITY, f32::INFINITY], -128, 127),
        ([f32::NAN, 0.25], 0, 1),
    ] {
        assert_eq!(predict(&model, &inputs), [value(p, q)], "{inputs:?}");
    }
}

#[test]
fn every_fault_is_named() {
    let int8 = int8();
    assert_eq!(fault::<f32>(&[], |_| {}), Fault::Magic);
    assert_eq!(fault::<f32>(XOR, |bytes| bytes[0] = b'\\'), Fault::Magic);
    assert_eq!(fault::<f32>(XOR, |bytes| bytes.truncate(35)), Fault::Short { layer: 0 });
    assert_eq!(fault::<f32>(XOR, set(8, 2)), Fault::Version { found: 2 });
    assert_eq!(fault::<i8>(XOR, |_| {}), Fault::Kind { expected: 1, found: 0 });
    assert_eq!(fault::<f32>(&int8, |_| {}), Fault::Kind { expected: 0, found: 1 });
    assert_eq!(fault::<f32>(XOR, set(16, 4)), Fault::Flags { found: 4 });
    assert_eq!(fault::<f32>(XOR, set(20, 0)), Fault::Width { layer: 0 });
    assert_eq!(fault::<f32>(XOR, set(36, 0)), Fault::Width { layer: 1 });
    assert_eq!(fault::<f32>(XOR, set(20, u32::MAX)), Fault::Short { layer: 1 });
    assert_eq!(fault::<f32>(XOR, set(36, u32::MAX)), Fault::Short { layer: 1 });
    assert_eq!(fault::<f32>(XOR, set(40, 10)), Fault::Activation { layer: 1, code: 10 });
    assert_eq!(fault::<f32>(XOR, set(40, 9)), Fault::Activation { layer: 1, code: 9 });
    // A slope where there is none.
    assert_eq!(fault::<f32>(XOR, set(44, 1)), Fault::Activation { layer: 1, code: 5 });
    assert_eq!(fault::<i8>(&int8, |bytes| bytes[90] = 1), Fault::Padding { layer: 1 });
    assert_eq!(fault::<i8>(&int8, set(20, 131_073)), Fault::Short { layer: 0 });
    let wide = |bytes: &mut Vec<u8>| {
        set(16, 0)(bytes);
        set(20, 131_073)(bytes);
        bytes.drain(36..52);
        set(32, 84)(bytes);
    };
    assert_eq!(fault::<i8>(&int8, wide), Fault::TooWide { layer: 1 });

    let size = |fault, expected, found| match fault {
        Fault::Size { what, expected: e, found: f } => {
            assert_eq!((e, f), (expected, found), "{what}");
            what
        }
        other => panic!("{other}"),
    };
    let length = "the file of the embedded network has another length than it says";
    assert_eq!(size(fault::<f32>(XOR, |bytes| bytes.push(0)), 96, 97), length);
    assert_eq!(size(fault::<f32>(XOR, |bytes| bytes.truncate(95)), 96, 95), length);
    assert_eq!(size(fault::<f32>(XOR, set(28, 0)), 1, 0), "the file of the embedded network has no layer");
    assert_eq!(size(fault::<f32>(XOR, set(24, 2)), 2, 1), "the last layer has another width than the file's outputs");
    let behind = |bytes: &mut Vec<u8>| {
        bytes.extend([0; 4]);
        set(32, 100)(bytes);
    };
    assert_eq!(size(fault::<f32>(XOR, behind), 0, 4), "the file of the embedded network goes on behind its end");
    assert_eq!(
        Fault::Version { found: 2 }.to_string(),
        format!("{}: it is 2; expected 1", Fault::Version { found: 2 }.message())
    );
}

/// Whatever byte of a file is changed and wherever it is cut, there is a fault or a network that predicts something.
#[test]
fn no_change_of_a_file_does_harm() {
    fn try_all<W: Weight>(bytes: &[u8]) -> usize {
        let mut read = 0;
        for place in 0..bytes.len() {
            assert!(Model::<W>::read(&bytes[..place]).is_err());
            for value in [0, 1, 2, 127, 128, 255] {
                let mut changed = bytes.to_vec();
                changed[place] = value;
                if let Ok(model) = Model::<W>::read(&changed) {
                    predict(&model, &vec![0.5; model.frame().inputs]);
                    read += 1;
                }
            }
        }
        read
    }
    // Every byte of a parameter may be anything.
    assert!(try_all::<f32>(XOR) >= 6 * 36);
    assert!(try_all::<i8>(&int8()) >= 6 * 30);
}

#[test]
fn wrong_lengths_are_refused() {
    let model = Model::<f32>::read(XOR).unwrap();
    let mut outputs = [0.0; 2];
    let mut predict = |inputs: &[f32], scratch: usize, outputs_len: usize| {
        model.predict(inputs, &mut vec![0.0; scratch], &mut outputs[..outputs_len], |_| {})
    };
    assert_eq!(predict(&[0.0; 2], 2, 1), Ok(()));
    assert_eq!(predict(&[0.0; 3], 2, 1), Err(Fault::Size { what: "the inputs", expected: 2, found: 3 }));
    assert_eq!(predict(&[0.0; 2], 1, 1), Err(Fault::Size { what: "the scratch", expected: 2, found: 1 }));
    assert_eq!(predict(&[0.0; 2], 2, 2), Err(Fault::Size { what: "the outputs", expected: 1, found: 2 }));
    assert!(matches!(Predictor::<f32, 3, 1, 2>::read(XOR), Err(Fault::Size { expected: 3, found: 2, .. })));
    assert!(matches!(Predictor::<f32, 2, 2, 2>::read(XOR), Err(Fault::Size { expected: 2, found: 1, .. })));
    assert!(matches!(Predictor::<f32, 2, 1, 3>::read(XOR), Err(Fault::Size { expected: 3, found: 2, .. })));
}

#[test]
fn what_does_not_compile_says_why() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("tests/fail/*.rs");
}
