//! The memory that reading an ONNX file takes is bounded by its size, whatever it holds. One test, so that no other allocates
//! beside it.
#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/counting.rs"]
mod counting;
#[path = "support/protobuf.rs"]
mod protobuf;

use counting::most;
use nn_train::onnx::{Export, Import};
use nn_train::prelude::*;
use protobuf::{field, varint};

/// The most bytes in use while a file is read.
fn taken(bytes: &[u8]) -> usize {
    most(|| Import::from_bytes(bytes))
}

#[test]
fn memory_is_bounded_by_the_file() {
    let version = field(8, &[2 << 3, 17]);
    let value = |tag, name: &[u8]| field(tag, &[field(1, name), field(2, &field(1, &[1 << 3, 1]))].concat());
    let model = |graph: &[u8]| {
        let graph = [graph, &value(11, b"x"), &value(12, b"y")].concat();
        [version.clone(), field(7, &graph)].concat()
    };
    // A few more parts of 2 bytes than a power of 2, so that a vector has grown a moment ago.
    let size = 262_200;
    let many = |part: &[u8], bytes: usize| part.repeat(bytes / part.len());
    let node = |parts: &[u8]| field(1, &[parts, &field(2, b"y"), &field(4, b"Relu")].concat());
    for (name, bytes) in [
        ("empty nodes", model(&many(&field(1, b""), size))),
        ("empty initialisers", model(&many(&field(5, b""), size))),
        ("empty inputs", model(&many(&field(11, b""), size))),
        ("empty sparse tensors", model(&many(&field(15, b""), size))),
        ("empty operator sets", many(&field(8, b""), size)),
        ("empty functions", many(&field(25, b""), size)),
        ("empty entries of metadata", many(&field(14, b""), size)),
        ("a node's inputs", model(&node(&many(&field(1, b""), size)))),
        ("a node's outputs", model(&node(&many(&field(2, b""), size)))),
        ("a node's attributes", model(&node(&many(&field(5, b""), size)))),
        ("an attribute's numbers", model(&node(&field(5, &many(&[8 << 3, 1], size))))),
        ("an attribute's packed numbers", model(&node(&field(5, &field(8, &many(&[1], size)))))),
        ("an attribute's texts", model(&node(&field(5, &many(&field(9, b""), size))))),
        ("a tensor's sizes", model(&field(5, &many(&[1 << 3, 1], size)))),
        ("a tensor's packed whole numbers", model(&field(5, &field(7, &many(&[1], size))))),
        ("a tensor's texts", model(&field(5, &[field(8, b"classes"), many(&field(6, b""), size)].concat()))),
        ("a shape's sizes", model(&field(11, &field(2, &field(1, &field(2, &many(&field(1, b""), size))))))),
        ("a shape's names", model(&field(11, &field(2, &field(1, &field(2, &many(&field(1, &field(2, b"")), size))))))),
    ] {
        let taken = taken(&bytes);
        let bound = 50 * bytes.len() + (8 << 20);
        assert!(taken <= bound, "{name}: {taken} bytes for {}", bytes.len());
    }
    // A chain of as many operators as are read.
    let relu = |index: usize| {
        let [from, to] = [index, index + 1].map(|index| if index == 0 { "x".to_owned() } else { format!("t{index}") });
        let to = if index == 4094 { "y".to_owned() } else { to };
        field(1, &[field(1, from.as_bytes()), field(2, to.as_bytes()), field(4, b"Identity")].concat())
    };
    let bytes = model(&(0..4095).flat_map(relu).collect::<Vec<u8>>());
    let held = taken(&bytes);
    assert!(held <= 50 * bytes.len() + (8 << 20), "a long chain: {held} bytes for {}", bytes.len());
    // One constant of many numbers under many names: it is kept once.
    let numbers = vec![1; 131_100];
    let sizes = [vec![1 << 3], varint(numbers.len() as u64)].concat();
    let constant = field(5, &[sizes, vec![2 << 3, 7], field(7, &numbers), field(8, b"w")].concat());
    let name = |index: usize| if index == 0 { "x".to_owned() } else { format!("t{index}") };
    let pair = |index: usize| {
        let same = format!("c{index}");
        let of = |operator: &[u8], inputs: &[&str], output: &str| {
            let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
            field(1, &[inputs, field(2, output.as_bytes()), field(4, operator)].concat())
        };
        let to = if index == 199 { "y".to_owned() } else { name(index + 1) };
        [of(b"Identity", &["w"], &same), of(b"Dropout", &[&name(index), &same], &to)].concat()
    };
    let bytes = model(&[constant, (0..200).flat_map(pair).collect()].concat());
    let held = taken(&bytes);
    // All has been looked at: only then is it missed that there is no layer.
    let message = Import::from_bytes(&bytes).unwrap_err().to_string();
    assert!(message.ends_with("expected a layer: a product with weights"), "{message}");
    assert!(held <= 50 * bytes.len() + (8 << 20), "a constant of many names: {held} bytes for {}", bytes.len());
    // Names of classes that no output is for, of which there are as many as the sizes say.
    let count = 1_048_600;
    let sizes = [vec![1 << 3], varint(count)].concat();
    let names = field(6, b"").repeat(count as usize);
    let classes = field(5, &[sizes, vec![2 << 3, 8], field(8, b"classes"), names].concat());
    let weights = field(5, &[vec![1 << 3, 1, 1 << 3, 1, 2 << 3, 1], field(8, b"w"), field(9, &[0; 4])].concat());
    let product = field(1, &[field(1, b"x"), field(1, b"w"), field(2, b"y"), field(4, b"Gemm")].concat());
    let bytes = model(&[classes, weights, product].concat());
    let held = taken(&bytes);
    assert_eq!(Import::from_bytes(&bytes).unwrap().classes(), None);
    assert!(held <= 50 * bytes.len() + (8 << 20), "names of classes: {held} bytes for {}", bytes.len());
    // Of a network the file's bytes, the parameters, and those of one layer.
    let net =
        DynNetwork::<f32>::new("300 => 300 relu => 300 relu => 1 linear, mse".parse().unwrap(), Init::default(), 1)
            .unwrap();
    let bytes = Export::new(&net).to_bytes().unwrap();
    let held = taken(&bytes);
    assert!(Import::from_bytes(&bytes).is_ok());
    assert!(held <= 3 * bytes.len(), "a network: {held} bytes for {}", bytes.len());
}
