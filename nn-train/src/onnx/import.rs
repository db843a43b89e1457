//! A plain network from an ONNX file.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::Path;

use nn_kernels::{Activation, Architecture, Element, Layer, Loss};
use prost::bytes::Bytes;

use super::chain::{Chain, Draft};
use super::proto::{self, SizeValue, data_type};
use super::tensors::{Numbers, Tensors, decode};
use super::{ARCHITECTURE_KEY, MAX_BYTES, OnnxFault};
use crate::error::Error;
use crate::memory::reserve;
use crate::network::{DynNetwork, Network};

/// What messages call bytes that are from no file.
const INPUT: &str = "the input";
/// The most operators, and the most of other parts, that are looked at.
const MAX_PARTS: usize = 4096;
/// The first version of the operators whose products are as they are now.
const OLDEST: i64 = 7;

/// What an ONNX file of a plain network holds. See the [module](super) for which files are read.
///
/// ```no_run
/// use nn_train::onnx::Import;
/// use nn_train::prelude::*;
///
/// let import = Import::read("model.onnx")?;
/// println!("{} of {}", import.architecture(), import.element());
/// let net: DynNetwork<f32> = import.network()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Import {
    /// The path of the file.
    place: String,
    architecture: Architecture,
    parameters: Numbers,
    classes: Option<Vec<String>>,
    name: String,
    producer: String,
    opset: i64,
    metadata: Vec<(String, String)>,
}

impl Import {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`], and [`OnnxFault`] in [`Error::Onnx`] for what is no ONNX file or none of a plain network: the operator
    /// by its name and its node's. [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let failed = |error: &std::io::Error| Error::io("read", &place, error);
        let file = File::open(path).map_err(|error| failed(&error))?;
        let length = file.metadata().map_err(|error| failed(&error))?.len();
        let too_large = |found| Error::onnx(&place, OnnxFault::TooLarge { found, limit: MAX_BYTES });
        if length > MAX_BYTES {
            return Err(too_large(length));
        }
        let mut bytes = Vec::new();
        reserve(&mut bytes, length)?;
        // A file may grow meanwhile.
        file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(|error| failed(&error))?;
        if bytes.len() as u64 > MAX_BYTES {
            return Err(too_large(bytes.len() as u64));
        }
        Self::of(bytes.into(), place)
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read), but for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        if bytes.len() as u64 > MAX_BYTES {
            let fault = OnnxFault::TooLarge { found: bytes.len() as u64, limit: MAX_BYTES };
            return Err(Error::onnx(INPUT, fault));
        }
        let mut copy = Vec::new();
        reserve(&mut copy, bytes.len())?;
        copy.extend_from_slice(bytes);
        Self::of(copy.into(), INPUT.to_owned())
    }

    fn of(bytes: Bytes, place: String) -> Result<Self, Error> {
        let at = |fault| Error::onnx(&place, fault);
        let model: proto::Model = decode(bytes).map_err(at)?;
        let mut metadata = Vec::new();
        check_count("entries of metadata", model.metadata.len()).map_err(at)?;
        for entry in model.metadata {
            let proto::Entry { key, value } = decode(entry).map_err(at)?;
            metadata.push((key, value));
        }
        let opset = version(model.operator_sets).map_err(at)?;
        if !model.functions.is_empty() {
            return Err(at(OnnxFault::Unreadable { what: "functions of its own" }));
        }
        let graph = model.graph.ok_or_else(|| at(OnnxFault::NoGraph))?;
        let name = graph.name.clone();
        let Layers { drafts, double, classes } = Layers::of(graph, opset).map_err(at)?;
        let architecture = architecture(&drafts, &metadata)?;
        let mut parameters = Numbers::with_room(double, architecture.params())?;
        for draft in drafts {
            draft.weights.append(&mut parameters, draft.turned).map_err(at)?;
            match draft.bias {
                Some(bias) => bias.append(&mut parameters, false).map_err(at)?,
                None => parameters.append_zeros(draft.outputs),
            }
        }
        let producer = format!("{} {}", model.producer_name, model.producer_version).trim().to_owned();
        Ok(Self { place, architecture, parameters, classes, name, producer, opset, metadata })
    }

    /// Widths, activations and loss. The loss is that of a file from here, otherwise the one that goes with the output; and
    /// so is dropout, of which other files say nothing.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        &self.architecture
    }

    /// The type of the file's numbers, `"f32"` or `"f64"`.
    #[must_use]
    pub fn element(&self) -> &'static str {
        match self.parameters {
            Numbers::F32(_) => f32::NAME,
            Numbers::F64(_) => f64::NAME,
        }
    }

    /// The network. Numbers of `f32` may become those of `f64`, which changes none of them.
    ///
    /// # Errors
    /// [`OnnxFault::Element`] in [`Error::Onnx`] where numbers of `f64` would have to become those of `f32`; otherwise as
    /// [`DynNetwork::zeros`].
    pub fn network<T: Element>(&self) -> Result<DynNetwork<T>, Error> {
        let mut network = DynNetwork::zeros(self.architecture.clone())?;
        let parameters: &mut [T] = network.parameters_mut();
        match &self.parameters {
            Numbers::F64(_) if T::NAME == f32::NAME => {
                return Err(Error::onnx(&self.place, OnnxFault::Element { found: f64::NAME, expected: f32::NAME }));
            }
            Numbers::F64(numbers) => {
                parameters.iter_mut().zip(numbers).for_each(|(parameter, &number)| *parameter = T::from_f64(number));
            }
            Numbers::F32(numbers) => {
                parameters
                    .iter_mut()
                    .zip(numbers)
                    .for_each(|(parameter, &number)| *parameter = T::from_f64(number.into()));
            }
        }
        Ok(network)
    }

    /// The names of the classes in the order of the outputs, where the file has them as a constant `classes`: files from here,
    /// and those of scikit-learn's classifiers whose classes are text.
    #[must_use]
    pub fn classes(&self) -> Option<&[String]> {
        self.classes.as_deref()
    }

    /// What the graph is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program that wrote the file, and its version.
    #[must_use]
    pub fn producer(&self) -> &str {
        &self.producer
    }

    /// The version of the operators.
    #[must_use]
    pub fn opset(&self) -> i64 {
        self.opset
    }

    /// The entries of the metadata, keys and values.
    #[must_use]
    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }
}

/// The version of ONNX' own operators.
fn version(sets: Vec<Bytes>) -> Result<i64, OnnxFault> {
    check_count("sets of operators", sets.len())?;
    let mut found = None;
    for set in sets {
        let proto::OperatorSet { domain, version } = decode(set)?;
        if ["", "ai.onnx"].contains(&domain.as_str()) {
            found = Some(version);
        }
    }
    match found {
        None => Err(OnnxFault::Damaged { reason: "it names no version of the operators".to_owned() }),
        Some(found) if found < OLDEST => Err(OnnxFault::Version { found }),
        Some(found) => Ok(found),
    }
}

fn check_count(what: &'static str, found: usize) -> Result<(), OnnxFault> {
    if found <= MAX_PARTS { Ok(()) } else { Err(OnnxFault::Many { what, found, limit: MAX_PARTS }) }
}

/// What is read of a graph.
struct Layers {
    drafts: Vec<Draft>,
    double: bool,
    classes: Option<Vec<String>>,
}

impl Layers {
    fn of(graph: proto::Graph, version: i64) -> Result<Self, OnnxFault> {
        for (what, found) in [
            ("operators", graph.nodes.len()),
            ("initialisers", graph.initializers.len()),
            ("inputs", graph.inputs.len()),
            ("outputs", graph.outputs.len()),
        ] {
            check_count(what, found)?;
        }
        if !graph.sparse_initializers.is_empty() {
            return Err(OnnxFault::Unreadable { what: "sparse tensors" });
        }
        let tensors = Tensors::of(graph.initializers)?;
        let input = input(graph.inputs, &tensors)?;
        let output = output(graph.outputs)?;
        let nodes = graph.nodes.into_iter().map(decode).collect::<Result<Vec<proto::Node>, _>>()?;
        let needed = needed(&nodes, &output);
        let Some(&last) = needed.iter().max() else {
            return Err(OnnxFault::Outputs { names: vec![output] });
        };
        let (rank, width) = shape(&input);
        let mut chain = Chain::new(tensors, version, &input.name, rank, width);
        for (index, node) in nodes.iter().enumerate() {
            if needed.contains(&index) {
                chain.take(node)?;
            }
        }
        let (drafts, double) = chain.finish(&output, &nodes[last])?;
        let outputs = drafts.last().map_or(0, |draft| draft.outputs);
        let classes = classes(&chain.tensors, outputs.max(2));
        Ok(Self { drafts, double, classes })
    }
}

/// The names of so many classes, without the empty one that stands for none.
fn classes(tensors: &Tensors, count: usize) -> Option<Vec<String>> {
    // Names of their own take more memory than the file's: they are made where they may be wanted.
    let tensor = tensors.get("classes").ok()??;
    let mut names = if tensor.len() <= count + 1 { tensor.texts()? } else { return None };
    if names.last().is_some_and(String::is_empty) {
        names.pop();
    }
    (names.len() == count).then_some(names)
}

/// The one input that is no initialiser. (In old files initialisers are among the inputs.)
fn input(inputs: Vec<Bytes>, tensors: &Tensors) -> Result<proto::ValueInfo, OnnxFault> {
    let mut found = Vec::new();
    for input in inputs {
        let input: proto::ValueInfo = decode(input)?;
        if !tensors.contains(&input.name) {
            found.push(input);
        }
    }
    match <[_; 1]>::try_from(found) {
        Ok([input]) => Ok(input),
        Err(found) => Err(OnnxFault::Inputs { names: found.into_iter().map(|input| input.name).collect() }),
    }
}

/// How many sizes the input has, and the second of two, as far as they are known.
fn shape(input: &proto::ValueInfo) -> (Option<usize>, Option<usize>) {
    let shape = input.kind.as_ref().and_then(|kind| kind.tensor.as_ref()).and_then(|tensor| tensor.shape.as_ref());
    let Some(proto::Shape { sizes }) = shape else { return (None, None) };
    let width = match &sizes[..] {
        [_, proto::Size { value: Some(SizeValue::Known(width)) }] => {
            usize::try_from(*width).ok().filter(|&width| width > 0)
        }
        _ => None,
    };
    (Some(sizes.len()), width)
}

/// The output: of several the one of numbers.
fn output(outputs: Vec<Bytes>) -> Result<String, OnnxFault> {
    let outputs = outputs.into_iter().map(decode).collect::<Result<Vec<proto::ValueInfo>, _>>()?;
    let element = |output: &proto::ValueInfo| {
        output.kind.as_ref().and_then(|kind| kind.tensor.as_ref()).map(|tensor| tensor.element)
    };
    let numbers = |output: &&proto::ValueInfo| {
        outputs.len() == 1 || matches!(element(output), Some(data_type::FLOAT | data_type::DOUBLE))
    };
    let names: Vec<String> = outputs.iter().filter(numbers).map(|output| output.name.clone()).collect();
    match <[_; 1]>::try_from(names) {
        Ok([name]) => Ok(name),
        // What no tensor is: scikit-learn's list of dictionaries. It is refused by its operator's name.
        Err(names) if names.is_empty() => match outputs.iter().find(|output| element(output).is_none()) {
            Some(output) => Ok(output.name.clone()),
            None => Err(OnnxFault::Outputs { names: outputs.into_iter().map(|output| output.name).collect() }),
        },
        Err(names) => Err(OnnxFault::Outputs { names }),
    }
}

/// The nodes that a tensor depends on.
fn needed(nodes: &[proto::Node], output: &str) -> HashSet<usize> {
    let mut producers: HashMap<&str, usize> = HashMap::new();
    for (index, node) in nodes.iter().enumerate() {
        for name in &node.outputs {
            producers.insert(name, index);
        }
    }
    let mut needed = HashSet::new();
    let mut open = vec![output];
    while let Some(name) = open.pop() {
        if let Some(&index) = producers.get(name).filter(|&&index| needed.insert(index)) {
            open.extend(nodes[index].inputs.iter().map(String::as_str));
        }
    }
    needed
}

/// The layers with the loss of the metadata, if they are of the same network.
fn architecture(drafts: &[Draft], metadata: &[(String, String)]) -> Result<Architecture, Error> {
    let layers: Vec<Layer> =
        drafts.iter().map(|draft| Layer::new(draft.inputs, draft.outputs, draft.activation)).collect();
    let output = layers.last().map_or(Activation::Linear, |layer| layer.activation);
    let found = Architecture::new(layers, Loss::for_output(output))?;
    let written = metadata.iter().find(|(key, _)| key == ARCHITECTURE_KEY).and_then(|(_, text)| text.parse().ok());
    Ok(written.filter(|written: &Architecture| alike(written, &found)).unwrap_or(found))
}

/// Whether two networks have the same widths and activations, slopes up to the rounding of `f32`.
fn alike(written: &Architecture, found: &Architecture) -> bool {
    // A slope of 0 is relu, and one of 1 nothing.
    let slope = |activation| match activation {
        Activation::LeakyRelu(slope) => Some(slope),
        Activation::Relu => Some(0.0),
        Activation::Linear => Some(1.0),
        _ => None,
    };
    let same = |(a, b): (&Layer, &Layer)| {
        let activations = match (slope(a.activation), slope(b.activation)) {
            (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * f64::max(a.abs(), b.abs()),
            _ => a.activation == b.activation,
        };
        a.inputs == b.inputs && a.outputs == b.outputs && activations
    };
    written.layers().len() == found.layers().len() && written.layers().iter().zip(found.layers()).all(same)
}
