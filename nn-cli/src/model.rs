//! Models in files: whatever holds a network, told by the first bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use clap::Args;
use nn_train::bundle::{AnyBundle, FileFault};
use nn_train::checkpoint::{CheckpointFault, load_network};
use nn_train::onnx::Import;
use nn_train::safetensors::{Reader, SafetensorsFault};
use nn_train::{Activation, Architecture, Bundle, DynNetwork, Element, Error, Network};
use serde_json::Value;

use crate::arguments::ActivationParser;
use crate::data::{is_empty, is_standard};
use crate::failure::Failure;

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bundle,
    Checkpoint,
    Safetensors,
    Onnx,
    Records,
    Embedded,
    Other,
}

/// The most bytes that a header of safetensors may have.
const HEADER: u64 = 1 << 20;

impl Kind {
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let is_pipe = path.metadata().is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir());
        if is_standard(path) || is_pipe {
            // Which is read once, by whoever takes data from it.
            return Ok(Self::Other);
        }
        let mut first = Vec::new();
        let read = File::open(path).and_then(|file| file.take(9).read_to_end(&mut first));
        read.map_err(|error| Failure::file("read", path, &error))?;
        let (signature, rest) = first.split_at(first.len().min(8));
        Ok(match signature {
            b"\x89NNB\r\n\x1a\n" => Self::Bundle,
            b"\x89NNT\r\n\x1a\n" => Self::Checkpoint,
            b"\x89NNR\r\n\x1a\n" => Self::Records,
            b"\x89NNE\r\n\x1a\n" => Self::Embedded,
            _ => {
                let length = signature.first_chunk().map_or(0, |&bytes| u64::from_le_bytes(bytes));
                let named = |name: &str| path.extension().is_some_and(|extension| extension == name);
                match rest {
                    // The format has no signature.
                    _ if named("onnx") => Self::Onnx,
                    _ if named("safetensors") => Self::Safetensors,
                    b"{" if length <= HEADER => Self::Safetensors,
                    _ => Self::Other,
                }
            }
        })
    }
}

/// What a file of bare parameters does not say.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Safetensors")]
pub(crate) struct Activations {
    /// The activation of the hidden layers of a file that another program wrote, or leaky_relu(0.01) and the like
    #[arg(long, value_name = "NAME", value_parser = ActivationParser::Hidden)]
    hidden: Option<Activation>,
    /// The activation of its output
    #[arg(long, value_name = "NAME", value_parser = ActivationParser::Output)]
    output: Option<Activation>,
}

impl Activations {
    fn reader(&self) -> Reader {
        let mut reader = Reader::new();
        if let Some(activation) = self.hidden {
            reader = reader.hidden(activation);
        }
        if let Some(activation) = self.output {
            reader = reader.output(activation);
        }
        reader
    }

    /// The network in a file of safetensors, in its own number type.
    fn safetensors(&self, path: &Path) -> Result<AnyBundle, Failure> {
        let read = if has_doubles(path)? {
            self.reader().load(path).map(AnyBundle::F64)
        } else {
            self.reader().load(path).map(AnyBundle::F32)
        };
        read.map_err(|error| match error {
            Error::Safetensors { place, fault: SafetensorsFault::NoActivations } => Failure::work(format!(
                "{place}: the file does not say what its activations are; --hidden and --output name them"
            )),
            error => error.into(),
        })
    }
}

/// Whether a file of safetensors has numbers of double precision. What is wrong with it otherwise, its reader says.
fn has_doubles(path: &Path) -> Result<bool, Failure> {
    let read = || {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let mut header = Vec::new();
        file.take(u64::from_le_bytes(length).min(HEADER)).read_to_end(&mut header)?;
        Ok::<_, std::io::Error>(header)
    };
    let header = match read() {
        Err(error) if error.kind() != std::io::ErrorKind::UnexpectedEof => {
            return Err(Failure::file("read", path, &error));
        }
        header => header.unwrap_or_default(),
    };
    let tensors = serde_json::from_slice::<serde_json::Map<String, Value>>(&header).unwrap_or_default();
    Ok(tensors.values().any(|tensor| tensor["dtype"] == "F64"))
}

/// A network in a file, with or without what goes with it.
pub(crate) enum Model {
    Bundle(Box<AnyBundle>),
    F32(DynNetwork<f32>),
    F64(DynNetwork<f64>),
}

impl Model {
    /// The model in a file of any kind that holds one.
    pub(crate) fn load(path: &Path, activations: &Activations) -> Result<Self, Failure> {
        match Kind::of(path)? {
            Kind::Bundle => Ok(Self::Bundle(Box::new(AnyBundle::load(path)?))),
            Kind::Safetensors => Ok(Self::Bundle(Box::new(activations.safetensors(path)?))),
            Kind::Onnx => Ok(Self::Bundle(Box::new(onnx(path)?))),
            Kind::Checkpoint => match load_network(path) {
                Err(Error::Checkpoint { fault: CheckpointFault::File(FileFault::NumberType { .. }), .. }) => {
                    Ok(Self::F64(load_network(path)?))
                }
                network => Ok(Self::F32(network?)),
            },
            _ => Err(no_model(path)),
        }
    }

    /// `"f32"` or `"f64"`.
    pub(crate) fn number_type(&self) -> &'static str {
        match self {
            Self::Bundle(bundle) => bundle.number_type(),
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }

    pub(crate) fn architecture(&self) -> &Architecture {
        match self {
            Self::Bundle(bundle) => bundle.architecture(),
            Self::F32(network) => network.architecture(),
            Self::F64(network) => network.architecture(),
        }
    }

    /// As a bundle; a network alone becomes one that takes rows of numbers.
    pub(crate) fn into_bundle(self) -> Result<AnyBundle, Failure> {
        Ok(match self {
            Self::Bundle(bundle) => *bundle,
            Self::F32(network) => AnyBundle::F32(Bundle::of_arrays(network)?),
            Self::F64(network) => AnyBundle::F64(Bundle::of_arrays(network)?),
        })
    }
}

/// The network in an ONNX file, in its own number type, with the names of its classes.
fn onnx(path: &Path) -> Result<AnyBundle, Failure> {
    fn bundle<T: Element>(import: &Import) -> Result<Bundle<DynNetwork<T>>, Error> {
        let bundle = Bundle::of_arrays(import.network()?)?;
        match import.classes() {
            Some(classes) => bundle.with_classes(classes),
            None => Ok(bundle),
        }
    }
    let import = Import::read(path)?;
    Ok(match import.element() {
        "f64" => AnyBundle::F64(bundle(&import)?),
        _ => AnyBundle::F32(bundle(&import)?),
    })
}

/// What is said of a number type that a later version of the library may have.
pub(crate) fn unknown_numbers() -> Failure {
    Failure::work("the model is of a number type that this program does not know")
}

/// What is said of a file that is something else.
fn no_model(path: &Path) -> Failure {
    if is_standard(path) {
        return Failure::usage("a model is read from a file, not the standard input; expected its name");
    }
    let what = if is_empty(path) { "the file is empty" } else { "this is no model" };
    Failure::work(format!(
        "{}: {what}; expected a file that `nn-train train` wrote, .safetensors or .onnx",
        path.display()
    ))
}

/// A model that predicts.
pub(crate) fn bundle(path: &Path) -> Result<AnyBundle, Failure> {
    match Kind::of(path)? {
        Kind::Checkpoint => Err(Failure::work(format!(
            "{}: a checkpoint has the network of a run, and not what makes its inputs of a table; expected the model that \
             `nn-train train` wrote at the end of the run",
            path.display()
        ))),
        _ => Model::load(path, &Activations::default())?.into_bundle(),
    }
}
