//! Safetensors: what is written is read again, layers of others are read, and what is no plain network is refused by name.
//! `tests/torch_agreement.py` has PyTorch read and write them.
#![cfg(feature = "safetensors")]
#![allow(clippy::unwrap_used, missing_docs)]

mod scratch;

use std::fs;

use nn_train::prelude::*;
use nn_train::safetensors::{self, Reader, SafetensorsFault as Fault, Writer, sequential};
use scratch::Scratch;

network! { struct Net<2 => 5 relu dropout(0.25) => 3 softmax>; }
network! { struct Wider<2 => 6 relu dropout(0.25) => 3 softmax>; }

fn network<T: nn_train::Element>(architecture: &str) -> DynNetwork<T> {
    DynNetwork::new(architecture.parse().unwrap(), Init::default(), 7).unwrap()
}

/// A file with this header and these bytes behind it.
fn file(header: &str, data: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), data].concat()
}

/// A file of tensors of `f32`, which are 0, 1, 2 and so on.
fn tensors(tensors: &[(&str, &str, &[usize])]) -> Vec<u8> {
    let (mut header, mut data) = (Vec::new(), Vec::new());
    for (name, kind, shape) in tensors {
        let bytes = match *kind {
            "F64" | "I64" => 8,
            "F32" | "I32" => 4,
            _ => 2,
        };
        let (start, count) = (data.len(), shape.iter().product::<usize>());
        for index in 0..count {
            match *kind {
                "F32" => data.extend((index as f32).to_le_bytes()),
                "F64" => data.extend((index as f64).to_le_bytes()),
                _ => data.extend(vec![0; bytes]),
            }
        }
        header.push(format!(
            "{name:?}: {{\"dtype\": {kind:?}, \"shape\": {shape:?}, \"data_offsets\": [{start}, {}]}}",
            data.len()
        ));
    }
    file(&format!("{{{}}}", header.join(", ")), &data)
}

fn fault<N: Network>(result: Result<Bundle<N>, Error>) -> Fault {
    match result.unwrap_err() {
        Error::Safetensors { fault, .. } => fault,
        other => panic!("{other}"),
    }
}

/// Read as hidden `relu` layers and a linear output.
fn plain(bytes: &[u8]) -> Result<Bundle<DynNetwork<f64>>, Error> {
    Reader::new().hidden(Activation::Relu).from_bytes(bytes)
}

#[test]
fn what_is_written_is_read_again() {
    let scratch = Scratch::new("safetensors");
    let path = scratch.0.join("model.safetensors");
    let text = "3 => 4 tanh dropout(0.5) => 5 leaky_relu(-0.01) => 6 linear => 7 gelu => 2 linear, huber(0.5)";
    let network = network::<f64>(text);
    safetensors::save(&network, &path).unwrap();
    let read: Bundle<DynNetwork<f64>> = safetensors::load(&path).unwrap();
    assert_eq!(read, Bundle::of_arrays(network.clone()).unwrap());
    assert_eq!(fs::read(&path).unwrap(), Writer::new(&network).to_bytes().unwrap());
    assert_eq!(scratch.names(), ["model.safetensors"]);
    // In the other number type.
    let single: Bundle = safetensors::load(&path).unwrap();
    let wanted: Vec<f32> = network.parameters().iter().map(|number| *number as f32).collect();
    assert_eq!(single.network().parameters(), wanted);

    assert_eq!(
        Writer::new(&network).tensor_names().unwrap(),
        ["0.weight", "0.bias", "3.weight", "3.bias", "5.weight", "5.bias", "6.weight", "6.bias", "8.weight", "8.bias"]
    );
    assert_eq!(
        sequential(network.architecture()),
        "nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 5), nn.LeakyReLU(-0.01), \
         nn.Linear(5, 6), nn.Linear(6, 7), nn.GELU(approximate=\"tanh\"), nn.Linear(7, 2))"
    );
}

#[test]
fn the_bytes_are_those_of_the_format() {
    let mut network = network::<f32>("2 => 1 linear");
    network.parameters_mut().copy_from_slice(&[1.0, -2.0, 0.5]);
    let bytes = Writer::new(&network).to_bytes().unwrap();
    let header = r#"{"__metadata__":{"nn-train":"{\"architecture\":\"2 => 1 linear, mse\"}"},"0.bias":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"0.weight":{"dtype":"F32","shape":[1,2],"data_offsets":[4,12]}}"#;
    let header = format!("{header:<width$}", width = header.len().next_multiple_of(8));
    let data: Vec<u8> = [0.5_f32, 1.0, -2.0].iter().flat_map(|number| number.to_le_bytes()).collect();
    assert_eq!(bytes, file(&header, &data));
}

#[test]
fn standardizers_and_classes_travel_in_the_header() {
    let standardizer = Standardizer::from_constants(vec![0.1, -2.0], vec![1e-3, 3.0]).unwrap();
    let bundle = Bundle::of_arrays(Net::new(1)).unwrap().with_standardizer(standardizer.clone()).unwrap();
    let bundle = bundle.with_classes(["a", "\"b\"", "ç"]).unwrap();
    let bytes = Writer::of_bundle(&bundle).to_bytes().unwrap();
    assert_eq!(Reader::new().from_bytes::<Net>(&bytes).unwrap(), bundle);
    let read: Bundle = Reader::new().from_bytes(&bytes).unwrap();
    assert_eq!(read.classes().unwrap(), ["a", "\"b\"", "ç"]);
    let targets =
        Bundle::of_arrays(network::<f64>("3 => 2 linear")).unwrap().with_target_standardizer(standardizer).unwrap();
    let bytes = Writer::of_bundle(&targets).to_bytes().unwrap();
    assert_eq!(Reader::new().from_bytes(&bytes).unwrap(), targets);

    // Of a table the network alone.
    let table = Csv::new().read_bytes(b"x,y\n1,2\n2,3\n3,5\n").unwrap();
    let preprocess = Preprocess::for_target("y").fit(&table).unwrap();
    let bundle = Bundle::new(network::<f64>("1 => 1 linear"), preprocess).unwrap();
    let read: Bundle<DynNetwork<f64>> =
        Reader::new().from_bytes(&Writer::of_bundle(&bundle).to_bytes().unwrap()).unwrap();
    assert_eq!(read.network(), bundle.network());
    assert_eq!((read.preprocess(), read.standardizer()), (None, None));
}

/// Names of every kind, in an order that is none of theirs.
#[test]
fn layers_are_ordered_by_the_numbers_in_their_names() {
    let ten = tensors(&[
        ("10.bias", "F32", &[1]),
        ("0.bias", "F32", &[4]),
        ("10.weight", "F32", &[1, 3]),
        ("2.weight", "F32", &[3, 4]),
        ("0.weight", "F32", &[4, 2]),
        ("2.bias", "F32", &[3]),
    ]);
    let bundle = plain(&ten).unwrap();
    assert_eq!(bundle.network().architecture().to_string(), "2 => 4 relu => 3 relu => 1 linear, mse");
    let parameters = bundle.network().parameters();
    let counted = |count: usize| (0..count).map(|index| index as f64);
    let wanted: Vec<f64> = [8, 4, 12, 3, 3, 1].into_iter().flat_map(counted).collect();
    assert_eq!(parameters, wanted);

    let named = tensors(&[
        ("model.out.weight", "F64", &[1, 3]),
        ("model.in.weight", "F64", &[3, 2]),
        ("model.in.bias", "F64", &[3]),
        ("model.norm.running_mean", "F32", &[3]),
        ("other", "I64", &[3]),
    ]);
    let read = |reader: Reader| reader.hidden(Activation::Tanh).from_bytes::<DynNetwork<f32>>(&named);
    let bundle = read(Reader::new().prefix("model.").layers(["in", "out"])).unwrap();
    assert_eq!(bundle.network().architecture().to_string(), "2 => 3 tanh => 1 linear, mse");
    // A layer without bias has one of zeros.
    assert_eq!(bundle.network().parameters()[9..], [0.0, 1.0, 2.0, 0.0]);
    assert!(matches!(fault(read(Reader::new())), Fault::Tensor { .. }));
    let found = fault(read(Reader::new().prefix("model.")));
    assert_eq!(found, Fault::Tensor { tensor: "model.norm.running_mean".to_owned() });
    let found = fault(read(Reader::new().prefix("model.").layers(["in", "middle", "out"])));
    assert_eq!(found, Fault::Missing { tensor: "model.middle.weight".to_owned() });
    let found = fault(read(Reader::new().prefix("encoder.").layers(Vec::<String>::new())));
    assert_eq!(found, Fault::NoLayer { prefix: "encoder.".to_owned() });
    let found = fault(read(Reader::new().prefix("encoder.")));
    assert_eq!(found.to_string(), "it has no tensor encoder.….weight; expected one for each layer");

    // Tensors are called as they are in the file, wherever the prefix ends.
    let spoilt = tensors(&[("fc1.weight", "F32", &[3]), ("fc1.bias", "F32", &[3])]);
    let lonely = tensors(&[("fc1.bias", "F32", &[3])]);
    let longer = tensors(&[("fc1.weight", "F32", &[3, 2]), ("fc1.bias", "F32", &[2])]);
    for prefix in ["", "fc1", "fc1."] {
        let read = |bytes: &[u8]| {
            fault(Reader::new().prefix(prefix).hidden(Activation::Tanh).from_bytes::<DynNetwork<f32>>(bytes))
        };
        assert!(matches!(read(&spoilt), Fault::Shape { tensor, .. } if tensor == "fc1.weight"), "{prefix:?}");
        assert!(matches!(read(&longer), Fault::Shape { tensor, .. } if tensor == "fc1.bias"), "{prefix:?}");
        assert_eq!(read(&lonely), Fault::Missing { tensor: "fc1.weight".to_owned() }, "{prefix:?}");
    }

    // An nn.Linear alone.
    let alone = tensors(&[("weight", "F32", &[2, 3]), ("bias", "F32", &[2])]);
    assert_eq!(plain(&alone).unwrap().network().architecture().to_string(), "3 => 2 linear, mse");
    let twice = tensors(&[("weight", "F32", &[2, 3]), (".weight", "F32", &[2, 3])]);
    assert_eq!(fault(plain(&twice)), Fault::Tensor { tensor: ".weight".to_owned() });
}

#[test]
fn activations_are_named_by_the_file_or_the_caller() {
    let bytes = tensors(&[("0.weight", "F32", &[4, 2]), ("1.weight", "F32", &[3, 4]), ("2.weight", "F32", &[2, 3])]);
    let text = |reader: Reader| {
        reader.from_bytes::<DynNetwork<f32>>(&bytes).map(|bundle| bundle.network().architecture().to_string())
    };
    let (relu, softmax) = (Activation::Relu, Activation::Softmax);
    assert_eq!(text(Reader::new().hidden(Activation::Silu)).unwrap(), "2 => 4 silu => 3 silu => 2 linear, mse");
    assert_eq!(text(Reader::new().output(softmax)).unwrap(), "2 => 4 relu => 3 relu => 2 softmax, cross_entropy");
    let both = "2 => 4 silu => 3 silu => 2 softmax, cross_entropy";
    assert_eq!(text(Reader::new().hidden(Activation::Silu).output(softmax)).unwrap(), both);
    assert_eq!(text(Reader::new().output(softmax).hidden(Activation::Silu)).unwrap(), both);
    let each = [Activation::Tanh, Activation::LeakyRelu(0.5), relu];
    assert_eq!(
        text(Reader::new().activations(each).loss(Loss::Mae)).unwrap(),
        "2 => 4 tanh => 3 leaky_relu(0.5) => 2 relu, mae"
    );
    let like = "2 => 4 gelu dropout(0.5) => 3 elu => 2 linear, huber(0.5)";
    assert_eq!(text(Reader::new().like(&like.parse().unwrap())).unwrap(), like);

    let read = |reader: Reader| fault(reader.from_bytes::<DynNetwork<f32>>(&bytes));
    assert_eq!(read(Reader::new()), Fault::NoActivations);
    assert_eq!(read(Reader::new().activations([relu])), Fault::Activations { expected: 3, found: 1 });
    assert!(matches!(read(Reader::new().hidden(softmax)), Fault::Architecture(_)));
    assert!(matches!(read(Reader::new().output(softmax).loss(Loss::Mse)), Fault::Architecture(_)));
    let steep = Activation::LeakyRelu(1e300);
    assert!(matches!(read(Reader::new().hidden(steep)), Fault::Architecture(_)));
    let found = read(Reader::new().like(&"2 => 4 => 2".parse().unwrap()));
    assert_eq!(found.to_string(), "its layers are 2 => 4 => 3 => 2; expected 2 => 4 => 2");

    let bytes = Writer::new(&Net::new(3)).to_bytes().unwrap();
    assert_eq!(Reader::new().from_bytes::<Net>(&bytes).unwrap().network(), &Net::new(3));
    // What the caller says goes before what the file says.
    let read: Bundle = Reader::new().hidden(Activation::Elu).from_bytes(&bytes).unwrap();
    assert_eq!(read.network().architecture().to_string(), "2 => 5 elu => 3 linear, mse");
    let error = Reader::new().from_bytes::<Wider>(&bytes).unwrap_err();
    assert!(matches!(error, Error::AnotherArchitecture { .. }), "{error}");
    let found = fault(Reader::new().like(Wider::ARCHITECTURE).from_bytes::<Wider>(&bytes));
    assert_eq!(found.to_string(), "its layers are 2 => 5 => 3; expected 2 => 6 => 3");
}

#[test]
fn numbers_of_every_width_are_read() {
    let number = |kind: &str, bytes: &[u8]| {
        let header = format!(
            "{{\"weight\": {{\"dtype\": {kind:?}, \"shape\": [1, 1], \"data_offsets\": [0, {}]}}}}",
            bytes.len()
        );
        plain(&file(&header, bytes)).map(|bundle| bundle.network().parameters()[0])
    };
    assert_eq!(number("F32", &0.1_f32.to_le_bytes()).unwrap(), f64::from(0.1_f32));
    assert_eq!(number("F64", &0.1_f64.to_le_bytes()).unwrap(), 0.1);
    // 1.5 in both; the least above 0; the largest.
    assert_eq!(number("F16", &0x3e00_u16.to_le_bytes()).unwrap(), 1.5);
    assert_eq!(number("F16", &0x0001_u16.to_le_bytes()).unwrap(), f64::exp2(-24.0));
    assert_eq!(number("F16", &0xfbff_u16.to_le_bytes()).unwrap(), -65504.0);
    assert_eq!(number("BF16", &0x3fc0_u16.to_le_bytes()).unwrap(), 1.5);
    assert_eq!(number("BF16", &0xc000_u16.to_le_bytes()).unwrap(), -2.0);
    for (kind, bytes) in [("F16", 0x7c00_u16), ("F16", 0x7e00), ("BF16", 0x7f80), ("BF16", 0xffc0)] {
        let error = number(kind, &bytes.to_le_bytes()).unwrap_err();
        assert!(matches!(error, Error::Safetensors { fault: Fault::Parameter { index: 0, .. }, .. }), "{error}");
    }
    let header = r#"{"a.weight": {"dtype": "F64", "shape": [1, 1], "data_offsets": [0, 8]}}"#;
    let large = file(header, &1e300_f64.to_le_bytes());
    assert!(plain(&large).is_ok());
    let error = Reader::new().hidden(Activation::Relu).from_bytes::<DynNetwork<f32>>(&large).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the safetensors: number 0 of the tensor \"a.weight\" is 1e300; expected one that is finite in f32"
    );
}

#[test]
fn what_is_no_plain_network_is_refused_by_the_name_of_the_tensor() {
    let refused = |list: &[(&str, &str, &[usize])], message: &str| {
        assert_eq!(fault(plain(&tensors(list))).to_string(), message);
    };
    let weight = ("0.weight", "F32", &[3, 2][..]);
    refused(
        &[weight, ("0.bias", "F32", &[3]), ("1.num_batches_tracked", "I64", &[])],
        "the tensor \"1.num_batches_tracked\" is no part of a linear layer; expected names that end in .weight and .bias",
    );
    refused(
        &[weight, ("1.weight", "F32", &[3])],
        "the tensor \"1.weight\" has the shape [3]; expected [outputs, inputs], the weights of a linear layer",
    );
    refused(
        &[("conv.weight", "F32", &[8, 3, 3, 3])],
        "the tensor \"conv.weight\" has the shape [8, 3, 3, 3]; expected [outputs, inputs], the weights of a linear layer",
    );
    refused(
        &[weight, ("1.weight", "F32", &[1, 4])],
        "the tensor \"1.weight\" has the shape [1, 4]; expected [1, 3], as \"0.weight\" has so many outputs",
    );
    refused(
        &[weight, ("0.bias", "F32", &[2])],
        "the tensor \"0.bias\" has the shape [2]; expected [3], as \"0.weight\" has so many outputs",
    );
    refused(
        &[weight, ("1.bias", "F32", &[2])],
        "there is no tensor \"1.weight\"; expected the weights of a linear layer",
    );
    refused(
        &[("0.weight", "F32", &[0, 2])],
        "the tensor \"0.weight\" has the shape [0, 2]; expected at least one output and one input",
    );
    for kind in ["I64", "I32", "U16"] {
        let message = format!("the tensor \"0.weight\" is of {kind}; expected F32, F64, F16 or BF16");
        refused(&[("0.weight", kind, &[1, 2])], &message);
    }
    refused(&[], "it has no tensor ….weight; expected one for each layer");
}

#[test]
fn malformed_files_are_refused() {
    let bytes = Writer::new(&Net::new(1)).to_bytes().unwrap();
    let read = |bytes: &[u8]| fault(Reader::new().from_bytes::<Net>(bytes));
    for length in 0..bytes.len() {
        let found = read(&bytes[..length]);
        let right = match length {
            0..9 => found == Fault::NotSafetensors,
            _ => matches!(found, Fault::Length { found, .. } if found == length as u64),
        };
        assert!(right, "{length}: {found}");
    }
    let expected = bytes.len() as u64;
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(read(&longer), Fault::Length { expected, found: expected + 1 });
    assert_eq!(read(b"PK\x03\x04, a zip archive of PyTorch's"), Fault::NotSafetensors);
    let mut huge = bytes.clone();
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    assert_eq!(read(&huge), Fault::Header { found: u64::MAX, limit: 1 << 20 });

    let header = |text: &str| read(&file(text, &[0; 8]));
    let tensor = |name: &str, kind: &str, shape: &str, places: &str| {
        format!("{name:?}: {{\"dtype\": {kind:?}, \"shape\": {shape}, \"data_offsets\": {places}}}")
    };
    let format = [
        "{".to_owned(),
        "{\"a\": 1}".to_owned(),
        format!("{{{}}}", tensor("0.weight", "F32", "[1, 2]", "[0, 7]")),
        format!("{{{}}}", tensor("0.weight", "F32", "[1, 2]", "[8, 0]")),
        format!("{{{}}}", tensor("0.weight", "F32", "[1, -2]", "[0, 8]")),
        format!("{{{}}}", tensor("0.weight", "F31", "[1, 2]", "[0, 8]")),
        format!("{{{}}}", tensor("0.weight", "F32", "[9223372036854775807, 9223372036854775807]", "[0, 8]")),
        // One behind the other, without gap and overlap.
        format!("{{{}, {}}}", tensor("0.weight", "F32", "[1, 1]", "[0, 4]"), tensor("0.bias", "F32", "[1]", "[0, 4]")),
        format!("{{{}, {}}}", tensor("0.weight", "F32", "[1, 1]", "[0, 4]"), tensor("0.bias", "F32", "[0]", "[8, 8]")),
        format!("{{\"__metadata__\": {{\"a\": 1}}, {}}}", tensor("0.weight", "F32", "[1, 2]", "[0, 8]")),
        "{\"\u{fffd}\": ".to_owned() + &"[".repeat(1000),
    ];
    for text in format {
        let found = header(&text);
        assert!(matches!(found, Fault::Format { .. }), "{text}: {found}");
    }
    let mut not_utf8 = file("{\"a\": 1}", &[]);
    not_utf8[10] = 0xff;
    assert!(matches!(read(&not_utf8), Fault::Format { .. }));
    // Sizes that no file has, and that overflow where they are added up.
    let eighth = 1_u64 << 61;
    let huge: Vec<String> = (0..8)
        .map(|index| {
            let last = u64::from(index == 7);
            let (from, to) = (index * eighth, (index + 1).wrapping_mul(eighth).wrapping_sub(last));
            tensor(&format!("{index}.weight"), "U8", &format!("[1, {}]", eighth - last), &format!("[{from}, {to}]"))
        })
        .collect();
    let found = header(&format!("{{{}}}", huge.join(", ")));
    assert!(matches!(found, Fault::Length { .. } | Fault::Format { .. }), "{found}");

    let noted = |note: &str| {
        let tensor = tensor("0.weight", "F32", "[1, 2]", "[0, 8]");
        let text = format!("{{\"__metadata__\": {{\"nn-train\": {note:?}}}, {tensor}}}");
        fault(Reader::new().from_bytes::<DynNetwork<f32>>(&file(&text, &[0; 8])))
    };
    for note in [
        "",
        "{}",
        "{\"architecture\": 1}",
        "{\"architecture\": \"2 =>\"}",
        "{\"architecture\": \"2 => 1\", \"standardizer\": 1}",
    ] {
        let found = noted(note);
        assert!(matches!(found, Fault::Note { .. }), "{note}: {found}");
    }
    assert_eq!(
        noted("{\"architecture\": \"2 => 2\"}").to_string(),
        "the entry \"nn-train\" of its header: the architecture `2 => 2 sigmoid, cross_entropy`, while the tensors are \
         2 => 1; expected that of the tensors"
    );
    assert_eq!(
        noted("{\"architecture\": \"2 => 1\", \"classes\": [\"a\"]}").to_string(),
        "the entry \"nn-train\" of its header: there are names of 1 classes; expected 2, as the network has outputs for"
    );
}

#[test]
fn files_are_named_in_errors() {
    let scratch = Scratch::new("safetensors-errors");
    let path = scratch.0.join("model.safetensors");
    let error = safetensors::load::<Net>(&path).unwrap_err();
    assert!(matches!(error, Error::Io { operation: "open", .. }), "{error}");
    fs::write(&path, "no tensors").unwrap();
    let error = safetensors::load::<Net>(&path).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{}: this is no file of safetensors; expected the length of a header in its first 8 bytes, and {{ behind it",
            path.display()
        )
    );
    fs::write(&path, file("{", &[])).unwrap();
    assert!(matches!(safetensors::load::<Net>(&path), Err(Error::Safetensors { fault: Fault::Format { .. }, .. })));
    let error = safetensors::save(&Net::new(1), scratch.0.join("none/model.safetensors")).unwrap_err();
    assert!(matches!(error, Error::Io { .. }), "{error}");
}

#[test]
fn what_cannot_be_written_is_refused() {
    let net = Net::new(1);
    let refused = |writer: Writer<'_, f32>| match writer.to_bytes().unwrap_err() {
        Error::Safetensors { fault, .. } => fault,
        other => panic!("{other}"),
    };
    assert_eq!(refused(Writer::new(&net).layers(["a"])), Fault::Names { expected: 2, found: 1 });
    assert_eq!(refused(Writer::new(&net).layers(["a", "a"])), Fault::NameTwice { name: "a".to_owned() });
    assert!(matches!(refused(Writer::new(&net).prefix("x".repeat(1 << 20))), Fault::Header { .. }));
    let mut broken = net.clone();
    broken.parameters_mut()[11] = f32::NAN;
    let found = refused(Writer::new(&broken).prefix("net."));
    assert_eq!(found.to_string(), "number 1 of the tensor \"net.0.bias\" is NaN; expected one that is finite in f32");
}
