//! Writing a network's parameters under PyTorch's names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::path::Path;

use ::safetensors::{Dtype, View};
use nn_kernels::{Architecture, Element};

use super::note::{KEY, Note};
use super::{MEMORY, SafetensorsFault, at, modules};
use crate::bundle::Bundle;
use crate::disk;
use crate::error::Error;
use crate::network::Network;

/// Writes a network's parameters as PyTorch's `nn.Sequential` has them: [`save`](super::save) with settings.
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::safetensors::{Reader, Writer};
///
/// network! { struct Digits<64 => 32 relu dropout(0.2) => 10 softmax>; }
///
/// // nn.Linear, nn.ReLU, nn.Dropout, nn.Linear, nn.Softmax: the parameters are those of modules 0 and 3.
/// let network = Digits::new(1);
/// let writer = Writer::new(&network);
/// assert_eq!(writer.tensor_names()?, ["0.weight", "0.bias", "3.weight", "3.bias"]);
/// // Of a module whose fields they are:
/// let writer = writer.prefix("model.").layers(["hidden", "output"]);
/// assert_eq!(writer.tensor_names()?[0], "model.hidden.weight");
///
/// let read: Bundle = Reader::new().prefix("model.").from_bytes(&writer.to_bytes()?)?;
/// assert_eq!(read.network().parameters(), network.parameters());
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use]
pub struct Writer<'a, T> {
    architecture: &'a Architecture,
    parameters: &'a [T],
    note: Note,
    prefix: String,
    layers: Vec<String>,
}

impl<'a, T: Element> Writer<'a, T> {
    /// A network. Its architecture goes into the header, so that [`Reader`](super::Reader) knows the activations.
    pub fn new<N: Network<Scalar = T>>(network: &'a N) -> Self {
        let architecture = network.architecture();
        let note = Note { architecture: architecture.to_string(), ..Note::default() };
        let layers = modules::places(architecture);
        Self { architecture, parameters: network.parameters(), note, prefix: String::new(), layers }
    }

    /// The network of a bundle. Where it predicts from arrays, its standardizers and classes go into the header too. Of one
    /// that predicts from tables the preprocessing does not: the inputs of what is written are those that it makes.
    pub fn of_bundle<N: Network<Scalar = T>>(bundle: &'a Bundle<N>) -> Self {
        let mut writer = Self::new(bundle.network());
        if bundle.preprocess().is_none() {
            writer.note.standardizer = bundle.standardizer().cloned();
            writer.note.target_standardizer = bundle.target_standardizer().cloned();
            writer.note.classes = bundle.classes().unwrap_or_default().to_vec();
        }
        writer
    }

    /// What the names of all tensors begin with, `"model."` say. Nothing by default.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// The names of the layers in place of their numbers among the modules: `"fc1"` for `fc1.weight` and `fc1.bias`.
    pub fn layers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.layers = names.into_iter().map(Into::into).collect();
        self
    }

    /// The names of the tensors, weights and bias of each layer.
    ///
    /// # Errors
    /// [`SafetensorsFault::Names`] and [`SafetensorsFault::NameTwice`] in [`Error::Safetensors`] unless there is one name of its
    /// own for each layer.
    pub fn tensor_names(&self) -> Result<Vec<String>, Error> {
        let (expected, found) = (self.architecture.layers().len(), self.layers.len());
        if expected != found {
            return Err(at(MEMORY, SafetensorsFault::Names { expected, found }));
        }
        let mut seen = HashSet::new();
        if let Some(name) = self.layers.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(at(MEMORY, SafetensorsFault::NameTwice { name: name.clone() }));
        }
        let names = |layer: &String| ["weight", "bias"].map(|part| format!("{}{layer}.{part}", self.prefix));
        Ok(self.layers.iter().flat_map(names).collect())
    }

    /// The bytes of the file. The same network gives the same bytes.
    ///
    /// # Errors
    /// As [`tensor_names`](Self::tensor_names); [`SafetensorsFault::Parameter`] for a parameter that is not finite, and
    /// [`SafetensorsFault::Header`] for more layers and classes than [`Reader`](super::Reader) takes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        self.bytes_for(MEMORY)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes); [`Error::Io`] names the file and what could not be done with it.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        let path = path.as_ref();
        let bytes = self.bytes_for(&path.display().to_string())?;
        disk::write_file(path, |writer| Ok(writer.write_all(&bytes)?))
    }

    fn bytes_for(&self, place: &str) -> Result<Vec<u8>, Error> {
        let mut names = self.tensor_names()?.into_iter();
        let mut tensors = Vec::new();
        for (layer, range) in self.architecture.layers().iter().zip(self.architecture.ranges()) {
            let parts = [(vec![layer.outputs, layer.inputs], range.weights), (vec![layer.outputs], range.bias)];
            for ((shape, range), name) in parts.into_iter().zip(names.by_ref()) {
                let numbers = &self.parameters[range];
                if let Some(index) = numbers.iter().position(|number| !number.is_finite()) {
                    let (value, element) = (numbers[index].to_f64(), T::NAME);
                    return Err(at(place, SafetensorsFault::Parameter { tensor: name, index, value, element }));
                }
                tensors.push((name, Tensor { shape, numbers }));
            }
        }
        let format = |reason: String| at(place, SafetensorsFault::Format { reason });
        let note = serde_json::to_string(&self.note).map_err(|error| format(error.to_string()))?;
        // One entry, as the order of several would be another one each time.
        let entries = Some([(KEY.to_owned(), note)].into_iter().collect());
        let bytes = ::safetensors::serialize(tensors, entries).map_err(|error| format(error.to_string()))?;
        super::read::header(&bytes, bytes.len() as u64).map_err(|fault| at(place, fault))?;
        Ok(bytes)
    }
}

/// Numbers as a tensor.
struct Tensor<'a, T> {
    shape: Vec<usize>,
    numbers: &'a [T],
}

impl<T: Element> View for Tensor<'_, T> {
    fn dtype(&self) -> Dtype {
        if T::NAME == <f32 as Element>::NAME { Dtype::F32 } else { Dtype::F64 }
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let bytes: &[u8] = bytemuck::cast_slice(self.numbers);
        if cfg!(target_endian = "little") {
            return Cow::Borrowed(bytes);
        }
        bytes.chunks(size_of::<T>()).flat_map(|number| number.iter().rev().copied()).collect()
    }

    fn data_len(&self) -> usize {
        size_of_val(self.numbers)
    }
}
