//! What an ONNX file of any graph says about itself.

use std::fmt;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::proto::{self, SizeValue, data_type};
use super::tensors::decode;
use super::{MAX_BYTES, OnnxFault};
use crate::error::Error;

/// The most inputs, outputs, operator sets or entries of metadata that are listed.
const MAX_PARTS: usize = 65_536;

/// What stands in an ONNX file, whatever its graph computes: [`Import`](super::Import) reads plain networks alone.
///
/// ```
/// use nn_train::onnx::{Export, Summary};
/// use nn_train::prelude::*;
///
/// # let file = std::env::temp_dir().join(format!("nn-train-doc-summary-{}.onnx", std::process::id()));
/// let net = DynNetwork::<f32>::new("3 => 4 tanh => 1 linear".parse().map_err(Error::source)?, Init::default(), 1)?;
/// Export::new(&net).write(&file)?;
/// let summary = Summary::read(&file)?;
/// # std::fs::remove_file(&file).map_err(Error::source)?;
/// assert_eq!(summary.inputs[0].to_string(), "input: FLOAT [N, 3]");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The name of the graph.
    pub name: String,
    /// The program that wrote it, with its version.
    pub producer: String,
    /// What it takes.
    pub inputs: Vec<Port>,
    /// What it gives.
    pub outputs: Vec<Port>,
    /// How many operators it is made of.
    pub nodes: usize,
    /// The domains of the operators with the versions, ONNX' own under `ai.onnx`.
    pub operators: Vec<(String, i64)>,
    /// Keys and values.
    pub metadata: Vec<(String, String)>,
}

/// An input or an output of a graph.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The type of its elements as ONNX calls it, `DOUBLE` for one; none where it is no tensor.
    pub element: Option<String>,
    /// Its sizes: numbers, or names of those that are known later.
    pub sizes: Vec<String>,
}

impl fmt::Display for Port {
    /// `area: DOUBLE [N, 1]`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.element {
            Some(element) => write!(f, "{}: {element} [{}]", self.name, self.sizes.join(", ")),
            None => write!(f, "{}: no tensor", self.name),
        }
    }
}

impl Summary {
    /// Reads a file.
    ///
    /// # Errors
    /// [`Error::Io`], and [`OnnxFault`] in [`Error::Onnx`] for what is no ONNX file, or has no graph.
    pub fn read(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let mut bytes = Vec::new();
        let read = File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes));
        read.map_err(|error| Error::io("read", &place, &error))?;
        Self::of(bytes).map_err(|fault| Error::onnx(&place, fault))
    }

    /// The same from bytes.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::of(bytes.to_vec()).map_err(|fault| Error::onnx("the input", fault))
    }

    fn of(bytes: Vec<u8>) -> Result<Self, OnnxFault> {
        if bytes.len() as u64 > MAX_BYTES {
            return Err(OnnxFault::TooLarge { found: bytes.len() as u64, limit: MAX_BYTES });
        }
        let model: proto::Model = decode(bytes.into())?;
        let graph = model.graph.ok_or(OnnxFault::NoGraph)?;
        let counts = [
            ("inputs", graph.inputs.len()),
            ("outputs", graph.outputs.len()),
            ("sets of operators", model.operator_sets.len()),
            ("entries of metadata", model.metadata.len()),
        ];
        if let Some((what, found)) = counts.into_iter().find(|&(_, count)| count > MAX_PARTS) {
            return Err(OnnxFault::Many { what, found, limit: MAX_PARTS });
        }
        let operator_set = |bytes| {
            let proto::OperatorSet { domain, version } = decode(bytes)?;
            Ok((if domain.is_empty() { "ai.onnx".to_owned() } else { domain }, version))
        };
        let entry = |bytes| decode(bytes).map(|proto::Entry { key, value }| (key, value));
        Ok(Self {
            name: graph.name,
            producer: format!("{} {}", model.producer_name, model.producer_version).trim().to_owned(),
            inputs: graph.inputs.into_iter().map(|bytes| decode(bytes).map(port)).collect::<Result<_, _>>()?,
            outputs: graph.outputs.into_iter().map(|bytes| decode(bytes).map(port)).collect::<Result<_, _>>()?,
            nodes: graph.nodes.len(),
            operators: model.operator_sets.into_iter().map(operator_set).collect::<Result<_, OnnxFault>>()?,
            metadata: model.metadata.into_iter().map(entry).collect::<Result<_, _>>()?,
        })
    }
}

fn port(value: proto::ValueInfo) -> Port {
    let tensor = value.kind.and_then(|kind| kind.tensor);
    let element = tensor.as_ref().map(|tensor| data_type::name(tensor.element));
    let sizes = tensor.and_then(|tensor| tensor.shape).unwrap_or_default().sizes;
    let size = |size: proto::Size| match size.value {
        Some(SizeValue::Known(size)) => size.to_string(),
        Some(SizeValue::Named(name)) => name,
        None => "?".to_owned(),
    };
    Port { name: value.name, element, sizes: sizes.into_iter().map(size).collect() }
}
