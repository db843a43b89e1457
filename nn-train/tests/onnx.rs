//! ONNX files: what is written is read, and what is no file of a plain network is refused by name. That other programs take
//! the files as they are meant is held by tests/onnx_agreement.py.
#![cfg(feature = "onnx")]
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "support/protobuf.rs"]
mod protobuf;

use nn_train::Element;
use nn_train::onnx::{Export, Import, OnnxFault};
use nn_train::prelude::*;
use protobuf::{field, varint};

network! { struct Digits<4 => 3 relu dropout(0.5) => 2 softmax>; }

/// Of this shape, with biases that are not 0.
fn network<T: Element>(architecture: &str) -> DynNetwork<T> {
    let mut network = DynNetwork::new(architecture.parse().unwrap(), Init::default(), 7).unwrap();
    for (k, parameter) in network.parameters_mut().iter_mut().enumerate() {
        *parameter += T::from_f64(0.1 * (k as f64).sin());
    }
    network
}

fn fault(error: Error) -> OnnxFault {
    match error {
        Error::Onnx { fault, .. } => *fault,
        other => panic!("another error: {other}"),
    }
}

fn table(text: &str) -> Table {
    Csv::new().read_bytes(text.as_bytes()).unwrap()
}

// --- there and back ------------------------------------------------------------------------------------------------

fn comes_back<T: Element>(architecture: &str) {
    let network: DynNetwork<T> = network(architecture);
    let import = Import::from_bytes(&Export::new(&network).to_bytes().unwrap()).unwrap();
    assert_eq!(import.architecture().to_string(), architecture);
    assert_eq!(import.network::<T>().unwrap(), network);
    assert_eq!((import.element(), import.opset(), import.classes()), (T::NAME, 11, None));
}

#[test]
fn every_activation_and_loss_comes_back_to_the_bit() {
    let hidden = [
        "sigmoid",
        "tanh",
        "relu",
        "leaky_relu(0.01)",
        "leaky_relu(-0.3)",
        "leaky_relu(300)",
        "leaky_relu(0)",
        "leaky_relu(1)",
        "elu",
        "gelu",
        "silu",
        "softplus",
        "linear",
        "relu dropout(0.25)",
    ];
    let outputs = [
        "1 sigmoid, cross_entropy",
        "3 sigmoid, mse",
        "3 softmax, cross_entropy",
        "2 linear, mae",
        "2 linear, huber(0.125)",
        "2 gelu, mse",
    ];
    for (index, activation) in hidden.into_iter().enumerate() {
        let output = outputs[index % outputs.len()];
        comes_back::<f32>(&format!("3 => 4 {activation} => 2 {activation} => {output}"));
        comes_back::<f64>(&format!("3 => 4 {activation} => 2 {activation} => {output}"));
    }
    for output in outputs {
        comes_back::<f32>(&format!("1 => {output}"));
        comes_back::<f64>(&format!("5 => 1 tanh => {output}"));
    }
    // 0.01 is another number in f32, and stands there.
    comes_back::<f64>("2 => 1 leaky_relu(1e300) => 1 leaky_relu(1e-300), mse");
}

#[test]
fn a_declared_network_comes_back_as_one() {
    let net = Digits::new(3);
    let export =
        Export::new(&net).classes(["no", "yes"]).name("digits").description("of a test").metadata("author", "me");
    let import = Import::from_bytes(&export.to_bytes().unwrap()).unwrap();
    assert_eq!(import.network::<f32>().unwrap().to_declared::<Digits>().unwrap(), net);
    assert_eq!(import.name(), "digits");
    assert_eq!(import.producer(), concat!("nn-train ", env!("CARGO_PKG_VERSION")));
    assert_eq!(import.classes().unwrap(), ["no", "yes"]);
    let entries: Vec<(&str, &str)> =
        import.metadata().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let architecture = "4 => 3 relu dropout(0.5) => 2 softmax, cross_entropy";
    assert_eq!(
        entries,
        [("nn-train.architecture", architecture), ("nn-train.loss", "cross_entropy"), ("author", "me")]
    );
    // One output is two classes.
    let one = network::<f64>("2 => 1 sigmoid, mse");
    let import = Import::from_bytes(&Export::new(&one).classes(["a", "b"]).to_bytes().unwrap()).unwrap();
    assert_eq!(import.network::<f64>().unwrap(), one);
    assert_eq!(import.classes().unwrap(), ["a", "b"]);
}

#[test]
fn numbers_widen_and_do_not_narrow() {
    let single: DynNetwork<f32> = network("2 => 3 tanh => 1 linear, mse");
    let import = Import::from_bytes(&Export::new(&single).to_bytes().unwrap()).unwrap();
    let wide = import.network::<f64>().unwrap();
    assert!(wide.parameters().iter().zip(single.parameters()).all(|(&wide, &single)| wide == f64::from(single)));
    let double: DynNetwork<f64> = network("2 => 1 linear, mse");
    let import = Import::from_bytes(&Export::new(&double).to_bytes().unwrap()).unwrap();
    let error = import.network::<f32>().unwrap_err();
    assert_eq!(error.to_string(), "the input: its weights are f64; expected f32");
    assert_eq!(fault(error), OnnxFault::Element { found: "f64", expected: "f32" });
}

#[test]
fn files_are_written_and_named_in_errors() {
    let folder = std::env::temp_dir().join(format!("nn-train-onnx-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (path, net) = (folder.join("net.onnx"), network::<f32>("2 => 1 linear, mse"));
    Export::new(&net).write(&path).unwrap();
    assert_eq!(Import::read(&path).unwrap().network::<f32>().unwrap(), net);
    std::fs::write(&path, b"PK").unwrap();
    let message = Import::read(&path).unwrap_err().to_string();
    assert!(message.starts_with(&format!("{}: this is no ONNX file", path.display())), "{message}");
    assert!(matches!(Import::read(folder.join("none.onnx")).unwrap_err(), Error::Io { operation: "read", .. }));
    assert!(matches!(Export::new(&net).write(folder.join("none/net.onnx")).unwrap_err(), Error::Io { .. }));
    std::fs::remove_dir_all(&folder).unwrap();
}

// --- what is not written -------------------------------------------------------------------------------------------

#[test]
fn what_cannot_be_written_is_named() {
    let mut net: DynNetwork<f32> = network("2 => 3 relu => 1 linear, mse");
    let scales = Standardizer::from_constants(vec![0.0; 3], vec![1.0; 3]).unwrap();
    let rows = table("area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n");
    let prices = Preprocess::for_target("price").fit(&rows).unwrap();
    let says = |error: Error, expected: &str| assert_eq!(error.to_string(), expected);

    says(
        Export::new(&net).preprocess(&prices).to_bytes().unwrap_err(),
        "the ONNX model: the network has 2 inputs; expected 3, as the preprocessing has",
    );
    says(
        Export::new(&net).classes(["a"]).to_bytes().unwrap_err(),
        "the ONNX model: there are 1 names of classes; expected 2 for a network of as many outputs as this one",
    );
    says(
        Export::new(&net).standardized_inputs(&scales).to_bytes().unwrap_err(),
        "the network's input has 2 features; expected 3, as many as the standardizer has constants for",
    );
    says(
        Export::new(&net).metadata("a", "1").metadata("a", "2").to_bytes().unwrap_err(),
        "the ONNX model: the key \"a\" of the metadata stands there twice; expected each once (the library writes \
         nn-train.architecture and nn-train.loss itself)",
    );
    let error = Export::new(&net).metadata("nn-train.loss", "mse").to_bytes().unwrap_err();
    assert_eq!(fault(error), OnnxFault::Key { key: "nn-train.loss".to_owned() });
    says(
        Export::new(&net).classes(["a", "b"]).to_bytes().unwrap_err(),
        "the ONNX model: the output is linear; expected sigmoid, whose outputs are the probabilities of classes",
    );
    let (relu, softmax) = (network::<f32>("2 => 3 relu, mse"), network::<f32>("2 => 3 softmax, cross_entropy"));
    says(
        Export::new(&relu).classes(["a", "b", "c"]).to_bytes().unwrap_err(),
        "the ONNX model: the output is relu; expected softmax or sigmoid, whose outputs are the probabilities of classes",
    );
    says(
        Export::new(&softmax).classes(["b", "c", "b"]).to_bytes().unwrap_err(),
        "the ONNX model: two classes are called \"b\"; expected a name of its own for each",
    );
    let towns = Preprocess::for_target("town").fit(&rows).unwrap();
    let error = Export::new(&net).preprocess(&towns).to_bytes().unwrap_err();
    assert_eq!(fault(error), OnnxFault::Output { found: Activation::Linear, expected: "sigmoid" });
    let three: DynNetwork<f32> = network("3 => 1 linear, mse");
    let error = Export::new(&three).preprocess(&prices).standardized_inputs(&scales).to_bytes().unwrap_err();
    assert!(matches!(fault(error), OnnxFault::Settings { .. }));
    let one = Standardizer::from_constants(vec![0.0], vec![1.0]).unwrap();
    let error = Export::new(&three).classes(["a", "b"]).standardized_targets(&one).to_bytes().unwrap_err();
    assert!(matches!(fault(error), OnnxFault::Settings { .. }));

    net.parameters_mut()[10] = f32::NAN;
    says(
        Export::new(&net).to_bytes().unwrap_err(),
        "the ONNX model: weight 1 of Θ^(2) is NaN; expected a finite number",
    );
    net.parameters_mut()[8] = f32::NEG_INFINITY;
    says(
        Export::new(&net).to_bytes().unwrap_err(),
        "the ONNX model: bias 2 of Θ^(1) is -inf; expected a finite number",
    );
}

#[test]
fn columns_that_a_graph_cannot_have_are_named() {
    let net: DynNetwork<f32> = network("2 => 1 linear, mse");
    let empty = Column::text(["", "b", "b"]);
    let rows = Table::new([("town", empty), ("price", Column::from(vec![1.0, 2.0, 3.0]))]).unwrap();
    let preprocess = Preprocess::for_target("price").fit(&rows).unwrap();
    let error = Export::new(&net).preprocess(&preprocess).to_bytes().unwrap_err();
    let expected =
        "the ONNX model: column \"town\" has the empty text as a category, which in a graph stands for a missing value";
    assert_eq!(error.to_string(), expected);
}

/// What no fit makes, but a file may say.
#[test]
#[cfg(feature = "serde")]
fn columns_of_a_file_that_a_graph_cannot_have_are_named() {
    let rows = table("area,month,town,price\n51,1,Ulm,200\n80,2,Aalen,280\n66,2,Ulm,250\n");
    let preprocess =
        Preprocess::for_target("price").one_hot("month").ordinal("town", ["Ulm", "Aalen"]).fit(&rows).unwrap();
    let text = serde_json::to_string(&preprocess).unwrap();
    let net: DynNetwork<f32> = network("4 => 1 linear, mse");
    for (from, to, expected) in [
        ("\"month\"", "\"area\"", "column \"area\" is there twice"),
        ("\"area\"", "\"\"", "column \"\" has no name"),
        ("[\"1\",\"2\"]", "[\"1\",\"x\"]", "column \"month\" has a category that is no number"),
        ("[\"1\",\"2\"]", "[\"1\",\"NaN\"]", "column \"month\" has a category that is no number"),
        ("[\"Ulm\",", "[\"\",", "column \"town\" has the empty text as a category"),
    ] {
        assert!(text.contains(from), "{text}");
        let spoilt: Preprocess = serde_json::from_str(&text.replacen(from, to, 1)).unwrap();
        let message = Export::new(&net).preprocess(&spoilt).to_bytes().unwrap_err().to_string();
        assert!(message.starts_with(&format!("the ONNX model: {expected}")), "{message}");
    }
}

#[test]
#[cfg(feature = "bundle")]
fn a_bundle_is_written_as_its_parts_are() {
    let rows = table("area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n");
    let preprocess = Preprocess::for_target("price").fit(&rows).unwrap();
    let net: DynNetwork<f32> = network("3 => 1 linear, mse");
    let bundle = Bundle::new(net.clone(), preprocess.clone()).unwrap();
    let expected = Export::new(&net).preprocess(&preprocess).to_bytes().unwrap();
    assert_eq!(Export::bundle(&bundle).to_bytes().unwrap(), expected);

    let classifier: DynNetwork<f32> = network("3 => 1 sigmoid, mse");
    let scales = Standardizer::from_constants(vec![1.0; 3], vec![2.0; 3]).unwrap();
    let bundle = Bundle::of_arrays(classifier.clone()).unwrap().with_standardizer(scales.clone()).unwrap();
    let bundle = bundle.with_classes(["no", "yes"]).unwrap();
    let expected = Export::new(&classifier).standardized_inputs(&scales).classes(["no", "yes"]).to_bytes().unwrap();
    assert_eq!(Export::bundle(&bundle).to_bytes().unwrap(), expected);
}

#[test]
fn a_file_with_preprocessing_is_none_of_a_plain_network() {
    let rows = table("area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n");
    let preprocess = Preprocess::for_target("price").fit(&rows).unwrap();
    let net: DynNetwork<f32> = network("3 => 1 linear, mse");
    let error = Import::from_bytes(&Export::new(&net).preprocess(&preprocess).to_bytes().unwrap()).unwrap_err();
    assert_eq!(error.to_string(), "the input: it has 2 inputs (\"area\", \"town\"); expected 1");
    let scales = Standardizer::from_constants(vec![0.0; 3], vec![1.0; 3]).unwrap();
    let error = Import::from_bytes(&Export::new(&net).standardized_inputs(&scales).to_bytes().unwrap()).unwrap_err();
    assert!(error.to_string().contains("is the operator Sub"), "{error}");
}

// --- what is not read ----------------------------------------------------------------------------------------------

fn number(number: u64, value: i64) -> Vec<u8> {
    [varint(number << 3), varint(value as u64)].concat()
}

/// A tensor of `f32` with these sizes and so many numbers.
fn tensor(name: &str, sizes: &[i64], numbers: usize) -> Vec<u8> {
    let sizes: Vec<u8> = sizes.iter().flat_map(|&size| number(1, size)).collect();
    let raw: Vec<u8> = (0..numbers).flat_map(|k| (k as f32 * 0.5).to_le_bytes()).collect();
    field(5, &[sizes, number(2, 1), field(8, name.as_bytes()), field(9, &raw)].concat())
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    field(1, &[inputs, field(2, output.as_bytes()), field(4, operator.as_bytes())].concat())
}

/// An input or output of `f32`, of any sizes.
fn value(tag: u64, name: &str) -> Vec<u8> {
    field(tag, &[field(1, name.as_bytes()), field(2, &field(1, &number(1, 1)))].concat())
}

/// A model with this graph besides its input `x` and its output `y`.
fn model(parts: &[Vec<u8>]) -> Vec<u8> {
    let graph = [parts.concat(), value(11, "x"), value(12, "y")].concat();
    [number(1, 8), field(7, &graph), field(8, &number(2, 17))].concat()
}

fn refused(parts: &[Vec<u8>]) -> String {
    Import::from_bytes(&model(parts)).unwrap_err().to_string()
}

#[test]
fn graphs_of_others_are_read() {
    // x · W with W as [in, out], the bias from the left, and relu.
    let bias = [tensor("w", &[2, 3], 6), tensor("b", &[1, 3], 3), node("MatMul", &["x", "w"], "m")].concat();
    let import = Import::from_bytes(&model(&[bias, node("Add", &["b", "m"], "z"), node("Relu", &["z"], "y")])).unwrap();
    assert_eq!(import.architecture().to_string(), "2 => 3 relu, mse");
    let net = import.network::<f32>().unwrap();
    assert_eq!(net.parameters(), [0.0, 1.5, 0.5, 2.0, 1.0, 2.5, 0.0, 0.5, 1.0]);
    // No bias at all, and the nodes of another output, which are not looked at.
    let other = node("Conv", &["x", "w"], "nothing");
    let import = Import::from_bytes(&model(&[tensor("w", &[2, 3], 6), other, node("Gemm", &["x", "w"], "y")])).unwrap();
    assert_eq!(import.network::<f32>().unwrap().parameters()[6..], [0.0; 3]);
}

/// An operator with one attribute that is a whole number.
fn node_with(operator: &str, inputs: &[&str], output: &str, attribute: (&str, i64)) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input.as_bytes())).collect();
    let attribute = [field(1, attribute.0.as_bytes()), number(3, attribute.1), number(20, 2)].concat();
    field(1, &[inputs, field(2, output.as_bytes()), field(4, operator.as_bytes()), field(5, &attribute)].concat())
}

/// A tensor of `f32` that is a single number.
fn scalar(name: &str, value: f32) -> Vec<u8> {
    field(5, &[number(2, 1), field(8, name.as_bytes()), field(9, &value.to_le_bytes())].concat())
}

#[test]
fn casts_of_constants_change_them() {
    let cast = |from: &str, to: &str, kind: i64| node_with("Cast", &[from], to, ("to", kind));
    let layer =
        || [tensor("w", &[2, 2], 4), node("Gemm", &["x", "w"], "z"), scalar("a", 0.7), scalar("big", 3e9)].concat();
    let read = |nodes: &[Vec<u8>]| Import::from_bytes(&model(&[layer(), nodes.concat()]));
    let (float, whole, truth, half) = (1, 7, 9, 10);
    for (nodes, expected) in [
        (vec![node("PRelu", &["z", "a"], "y")], "leaky_relu(0.7)"),
        (vec![cast("a", "b", float), node("PRelu", &["z", "b"], "y")], "leaky_relu(0.7)"),
        (vec![cast("a", "b", 11), cast("b", "c", float), node("PRelu", &["z", "c"], "y")], "leaky_relu(0.7)"),
        // 0 as a whole number, and 1 as a truth value.
        (vec![cast("a", "b", whole), cast("b", "c", float), node("PRelu", &["z", "c"], "y")], "relu"),
        (vec![cast("a", "b", 6), cast("b", "c", float), node("PRelu", &["z", "c"], "y")], "relu"),
        (vec![cast("a", "b", truth), cast("b", "c", float), node("PRelu", &["z", "c"], "y")], "linear"),
        (vec![node("CastLike", &["a", "z"], "b"), node("PRelu", &["z", "b"], "y")], "leaky_relu(0.7)"),
    ] {
        assert_eq!(read(&nodes).unwrap().architecture().to_string(), format!("2 => 2 {expected}, mse"));
    }
    for (nodes, expected) in [
        (vec![cast("a", "b", half), node("PRelu", &["z", "b"], "y")], "to is FLOAT16; expected FLOAT, DOUBLE, INT32"),
        (vec![cast("big", "b", 6), node("PRelu", &["z", "b"], "y")], "to is INT32; expected"),
        (
            vec![cast("w", "v", whole), node("Gemm", &["z", "v"], "y")],
            "to is INT64; expected the type that the numbers have",
        ),
        (vec![cast("z", "y", whole)], "to is INT64; expected FLOAT or DOUBLE"),
    ] {
        let message = read(&nodes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} has no {expected:?}");
    }
}

#[test]
fn what_is_cut_off_far_away_is_no_activation() {
    let layer = || [tensor("w", &[2, 2], 4), node("Gemm", &["x", "w"], "z"), node("Relu", &["z"], "r")].concat();
    for (bound, read) in [(65504.0, false), (1e30, false), (f32::MAX, true)] {
        let import = Import::from_bytes(&model(&[layer(), scalar("a", bound), node("Min", &["r", "a"], "y")]));
        match import {
            Ok(import) if read => assert_eq!(import.architecture().to_string(), "2 => 2 relu, mse"),
            Err(error) if !read => assert!(error.to_string().contains("the operator Min: what it makes of"), "{error}"),
            other => panic!("{bound}: {other:?}"),
        }
    }
}

/// Files of PyTorch's two exporters, by tracing and by torch.export, without their remarks on lines of source. The outputs are
/// PyTorch's.
#[test]
fn files_of_pytorch_are_read() {
    fn predicts<T: Element>(file: &[u8], architecture: &str, input: &[f64], expected: [f64; 3], tolerance: f64) {
        let import = Import::from_bytes(file).unwrap();
        assert_eq!(import.architecture().to_string(), architecture);
        let input: Vec<T> = input.iter().map(|&number| T::from_f64(number)).collect();
        let found = import.network::<T>().unwrap().predict(&input).unwrap();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found.to_f64() - expected).abs() <= tolerance, "{architecture}: {found} and {expected}");
        }
    }
    let input = [
        -1.1258398294448853,
        -1.152360200881958,
        -0.2505785822868347,
        -0.4338788092136383,
        0.8487103581428528,
        0.6920091509819031,
    ];
    predicts::<f32>(
        include_bytes!("fixtures/onnx-pytorch-2.15-gelu.onnx"),
        "6 => 5 gelu => 4 gelu => 3 softmax, cross_entropy",
        &input,
        [0.3391644060611725, 0.42113161087036133, 0.239703968167305],
        2e-7,
    );
    predicts::<f64>(
        include_bytes!("fixtures/onnx-pytorch-2.15-softplus.onnx"),
        "6 => 5 softplus => 4 softplus => 3 softmax, cross_entropy",
        &input,
        [0.1837117561550802, 0.410603530017147, 0.40568471382777294],
        1e-15,
    );
    predicts::<f32>(
        include_bytes!("fixtures/onnx-pytorch-1.13-silu.onnx"),
        "6 => 5 silu => 4 silu => 3 softmax, cross_entropy",
        &[1.0, -1.0, 0.5, -0.5, 2.0, 0.0],
        [0.44315848, 0.27242258, 0.28441894],
        2e-7,
    );
}

#[test]
fn graphs_of_other_networks_are_refused_by_name() {
    let w = || tensor("w", &[2, 2], 4);
    let gemm = || node("Gemm", &["x", "w"], "z");
    for (parts, expected) in [
        (
            vec![w(), node("Conv", &["x", "w"], "y")],
            "node \"y\" is the operator Conv; expected an operator of a plain network",
        ),
        (vec![w(), gemm(), node("Add", &["z", "x"], "y")], "node \"y\" is the operator Add; expected a chain"),
        (
            vec![w(), gemm(), node("Sqrt", &["z"], "y")],
            "node \"y\", the operator Sqrt: what it makes of layer 1 is no activation",
        ),
        (vec![w(), gemm(), node("Relu", &["other"], "y")], "takes the tensor \"other\", which is not there"),
        (vec![w(), gemm(), node("Gemm", &["z", "w"], "y")], "tensor \"w\": it is the weights of two layers"),
        (vec![w(), node("Relu", &["x"], "y")], "node \"y\" is the operator Relu; expected activations behind a layer"),
        (vec![w(), node("Identity", &["x"], "y")], "expected a layer: a product with weights"),
        (vec![w(), node("Identity", &["w"], "y")], "expected an output that depends on the input"),
        (vec![w(), w(), node("Gemm", &["x", "w"], "y")], "tensor \"w\": the name is that of two initialisers"),
        (vec![w(), gemm(), node("Tanh", &["z"], "z")], "it has 1 outputs of numbers (\"y\"); expected 1"),
        (
            vec![tensor("w", &[2, 2], 3), node("Gemm", &["x", "w"], "y")],
            "tensor \"w\": it has 12 bytes; expected 16, as its sizes say",
        ),
        (
            vec![tensor("w", &[4], 4), node("Gemm", &["x", "w"], "y")],
            "its matrix of weights is a tensor of 1 sizes; expected a matrix",
        ),
        (vec![tensor("w", &[0, 4], 0), node("Gemm", &["x", "w"], "y")], "widths must be at least 1"),
        (vec![tensor("w", &[-1, 4], 4), node("Gemm", &["x", "w"], "y")], "tensor \"w\": its sizes are -1 × 4"),
        (
            vec![tensor("w", &[i64::MAX, i64::MAX], 4), node("Gemm", &["x", "w"], "y")],
            "expected sizes that memory can hold",
        ),
        (vec![tensor("w", &[1 << 30, 1 << 30], 4), node("Gemm", &["x", "w"], "y")], "tensor \"w\": it has 16 bytes"),
        (
            vec![w(), tensor("v", &[3, 2], 6), gemm(), node("Gemm", &["z", "v"], "y")],
            "its matrix of weights is for 3 inputs; expected for 2",
        ),
        // A column beside rows is no bias.
        (
            vec![w(), tensor("b", &[1, 2], 2), gemm(), node("Transpose", &["b"], "t"), node("Add", &["z", "t"], "y")],
            "node \"y\" is the operator Add; expected constants of one number, or weights and biases at their places",
        ),
        (
            vec![w(), tensor("b", &[1, 2], 2), node("Transpose", &["b"], "t"), node("Gemm", &["x", "w", "t"], "y")],
            "node \"y\" is the operator Gemm; expected one whose third input is a bias",
        ),
        (vec![node("Constant", &[], "y")], "the count of its attributes is 0; expected 1"),
        (vec![w(), gemm(), node("Add", &["z"], "y")], "the count of its inputs is 1; expected more"),
        (vec![w(), gemm(), value(11, "v"), node("Relu", &["z"], "y")], "it has 2 inputs (\"v\", \"x\"); expected 1"),
        (
            vec![w(), gemm(), value(12, "z"), node("Relu", &["z"], "y")],
            "it has 2 outputs of numbers (\"z\", \"y\"); expected 1",
        ),
        (vec![field(15, b"")], "it holds sparse tensors"),
    ] {
        let message = refused(&parts);
        assert!(message.starts_with("the input: ") || message.contains("widths"), "{message}");
        assert!(message.contains(expected), "{message:?} has no {expected:?}");
    }
    let parts: Vec<Vec<u8>> = (0..5000).map(|_| node("Relu", &["x"], "y")).collect();
    assert!(refused(&parts).ends_with("it has 5000 operators; expected at most 4096, more than a plain network needs"));
}

#[test]
fn files_that_are_none_are_refused() {
    for (bytes, expected) in [
        (b"".to_vec(), "this is no ONNX file, or it is damaged: it names no version of the operators"),
        (b"PK\x03\x04".to_vec(), "this is no ONNX file, or it is damaged"),
        (b"area,price\n1,2\n".to_vec(), "this is no ONNX file, or it is damaged"),
        (field(8, &number(2, 6)), "its operators are those of version 6"),
        (field(8, &number(2, 13)), "it holds no graph"),
        ([field(8, &number(2, 13)), field(7, b""), field(25, b"")].concat(), "it holds functions of its own"),
        ([field(8, &number(2, 13)), field(7, b"")].concat(), "it has 0 inputs; expected 1"),
        // A length of 2⁶³ - 1.
        ([vec![7 << 3 | 2], varint(i64::MAX as u64)].concat(), "this is no ONNX file, or it is damaged"),
    ] {
        let message = Import::from_bytes(&bytes).unwrap_err().to_string();
        assert!(message.contains(expected), "{message:?} has no {expected:?}");
    }
}

/// The encoding has no checksum, so not every damage can be seen; but whatever is read is a network of finite numbers.
#[test]
fn cut_and_spoilt_files_are_errors_or_networks() {
    let net: DynNetwork<f32> = network("3 => 4 gelu => 2 softmax, cross_entropy");
    let bytes = Export::new(&net).classes(["a", "b"]).to_bytes().unwrap();
    let mut read = 0;
    let mut check = |bytes: &[u8]| {
        if let Ok(import) = Import::from_bytes(bytes) {
            read += 1;
            assert!(import.network::<f32>().unwrap().parameters().iter().all(|parameter| parameter.is_finite()));
        }
    };
    for length in 0..bytes.len() {
        check(&bytes[..length]);
    }
    for place in 0..bytes.len() {
        let mut spoilt = bytes.clone();
        spoilt[place] ^= 1 << (place % 8);
        check(&spoilt);
    }
    // Most of the file is weights and names, and any of them might be right.
    assert!(read > 20);
    // Without what stands behind the graph it is no file; with the versions of the operators alone it is one.
    assert!(Import::from_bytes(&bytes[..bytes.len() / 2]).is_err());
}
