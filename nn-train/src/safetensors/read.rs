//! Reading linear layers.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use ::safetensors::Dtype;
use ::safetensors::tensor::{Metadata, TensorInfo};
use nn_kernels::{Activation, Architecture, Element, Layer, Loss};

use super::note::{KEY, Note};
use super::{MEMORY, SafetensorsFault as Fault, at};
use crate::bundle::Bundle;
use crate::error::Error;
use crate::half::from_half;
use crate::memory::reserve;
use crate::network::Network;

/// The longest header that is read.
const HEADER_LIMIT: u64 = 1 << 20;
/// The bytes in which its length stands.
const LENGTH: usize = 8;
const WEIGHT: &str = "weight";
const BIAS: &str = "bias";

/// Reads a network from the linear layers of a file: [`load`](super::load) with settings.
///
/// A file of PyTorch's says nothing of activations. Say what they are, in one of three ways:
///
/// ```
/// use nn_train::prelude::*;
/// use nn_train::safetensors::Reader;
///
/// network! { struct Digits<64 => 32 relu dropout(0.2) => 10 softmax>; }
/// # let bytes = nn_train::safetensors::Writer::new(&Digits::new(1)).to_bytes()?;
///
/// let read: Bundle = Reader::new().hidden(Activation::Relu).output(Activation::Softmax).from_bytes(&bytes)?;
/// assert_eq!(read.network().architecture().to_string(), "64 => 32 relu => 10 softmax, cross_entropy");
///
/// let read: Bundle = Reader::new().activations([Activation::Relu, Activation::Softmax]).from_bytes(&bytes)?;
/// # assert_eq!(read.network().parameters(), Digits::new(1).parameters());
///
/// // The architecture of a declared network, with dropout and loss; the widths in the file must be its.
/// let read: Bundle<Digits> = Reader::new().like(Digits::ARCHITECTURE).from_bytes(&bytes)?;
/// # assert_eq!(read.network(), &Digits::new(1));
/// # Ok::<(), Error>(())
/// ```
///
/// A file of [`Writer`](super::Writer)'s or of `tools/sklearn_to_nn.py` says what they are itself.
#[derive(Debug, Clone, PartialEq, Default)]
#[must_use]
pub struct Reader {
    prefix: Option<String>,
    layers: Option<Vec<String>>,
    activations: Activations,
    loss: Option<Loss>,
}

/// What the caller says about them.
#[derive(Debug, Clone, PartialEq, Default)]
enum Activations {
    /// Nothing: the file does.
    #[default]
    OfFile,
    /// Those of all hidden layers, and that of the output.
    Alike {
        hidden: Activation,
        output: Activation,
    },
    Each(Vec<Activation>),
    Like(Architecture),
}

impl Reader {
    /// The layers are all that is in the file, and their activations are what its header says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only tensors whose names begin so are read. By default all are, and each must be part of a linear layer.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// The names of the layers, without the prefix and `.weight`, from the first to the last. By default they are all that there
    /// are, in the order of the numbers in their names, and otherwise of the alphabet: `0`, `2`, `10`; `fc1`, `fc2`.
    pub fn layers<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.layers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The activation of all hidden layers. That of the output is `linear` unless you [set it](Self::output).
    pub fn hidden(mut self, activation: Activation) -> Self {
        let output = self.alike().map_or(Activation::Linear, |(_, output)| output);
        self.activations = Activations::Alike { hidden: activation, output };
        self
    }

    /// The activation of the output. That of hidden layers is `relu` unless you [set it](Self::hidden).
    pub fn output(mut self, activation: Activation) -> Self {
        let hidden = self.alike().map_or(Activation::Relu, |(hidden, _)| hidden);
        self.activations = Activations::Alike { hidden, output: activation };
        self
    }

    fn alike(&self) -> Option<(Activation, Activation)> {
        match self.activations {
            Activations::Alike { hidden, output } => Some((hidden, output)),
            _ => None,
        }
    }

    /// The activation of each layer.
    pub fn activations(mut self, activations: impl IntoIterator<Item = Activation>) -> Self {
        self.activations = Activations::Each(activations.into_iter().collect());
        self
    }

    /// Activations, dropout and loss of this architecture, whose widths the file must have: that of a declared network,
    /// `Digits::ARCHITECTURE`.
    pub fn like(mut self, architecture: &Architecture) -> Self {
        self.activations = Activations::Like(architecture.clone());
        self
    }

    /// The loss, which matters to whoever goes on with training. By default that of the file's header or of
    /// [`like`](Self::like), and otherwise [the one](Loss::for_output) that goes with the output.
    pub fn loss(mut self, loss: Loss) -> Self {
        self.loss = Some(loss);
        self
    }

    /// Reads a file. Where its header has standardizers or names of classes they are in the bundle; a file of PyTorch's has none.
    ///
    /// # Errors
    /// [`SafetensorsFault`](super::SafetensorsFault) in [`Error::Safetensors`], which names the tensor, for a file that is none of
    /// safetensors, a tensor that is no part of a linear layer, layers that do not take what those before them give, numbers that
    /// are not finite in the network's type, and activations that are not known; [`Error::AnotherArchitecture`], which shows
    /// both, when a declared network has another; [`Error::Io`] when the file cannot be read, and [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`]
    /// when there is no memory.
    pub fn load<N: Network>(&self, path: impl AsRef<Path>) -> Result<Bundle<N>, Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let failed = |operation| move |error: io::Error| Error::io(operation, path.display(), &error);
        let mut file = File::open(path).map_err(failed("open"))?;
        let length = file.metadata().map_err(failed("read"))?.len();
        // A large file of something else is not read to its end.
        let mut bytes = Vec::new();
        file.by_ref().take(LENGTH as u64 + 1).read_to_end(&mut bytes).map_err(failed("read"))?;
        header(&bytes, length).map_err(|fault| at(&place, fault))?;
        reserve(&mut bytes, length)?;
        file.read_to_end(&mut bytes).map_err(failed("read"))?;
        self.read(&bytes, &place)
    }

    /// Reads the bytes of a file.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for [`Error::Io`].
    pub fn from_bytes<N: Network>(&self, bytes: &[u8]) -> Result<Bundle<N>, Error> {
        self.read(bytes, MEMORY)
    }

    fn read<N: Network>(&self, bytes: &[u8], place: &str) -> Result<Bundle<N>, Error> {
        let fault = |fault: Fault| at(place, fault);
        let (metadata, data) = parse(bytes).map_err(fault)?;
        let layers = self.layers_of(&metadata).map_err(fault)?;
        let note = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY));
        let note = note.map(|text| Note::read(text)).transpose().map_err(fault)?;
        let architecture = self.architecture(&layers, note.as_ref().map(|(_, said)| said)).map_err(fault)?;
        architecture.check_element::<N::Scalar>().map_err(|error| fault(error.into()))?;
        let mut parameters = Vec::new();
        reserve(&mut parameters, architecture.params())?;
        for layer in &layers {
            numbers(&layer.weight, layer.weights, data, &mut parameters).map_err(fault)?;
            match &layer.biases {
                Some((bias, biases)) => numbers(bias, biases, data, &mut parameters).map_err(fault)?,
                None => parameters.resize(parameters.len() + layer.outputs, N::Scalar::ZERO),
            }
        }
        let bundle = Bundle::of_arrays(N::of_parts(architecture, parameters)?)?;
        let Some((Note { standardizer, target_standardizer, classes, .. }, _)) = note else { return Ok(bundle) };
        let bundle =
            bundle.with_standardizer(standardizer).and_then(|b| b.with_target_standardizer(target_standardizer));
        bundle.and_then(|bundle| bundle.with_classes(classes)).map_err(|error| match error {
            Error::Bundle { fault: wrong, .. } => fault(Fault::Bundle(Box::new(wrong))),
            other => other,
        })
    }

    /// The linear layers, from the first to the last.
    fn layers_of<'m>(&self, metadata: &'m Metadata) -> Result<Vec<Linear<'m>>, Fault> {
        let prefix = self.prefix.as_deref().unwrap_or_default();
        let mut found: BTreeMap<Natural<'_>, [Option<Named<'_, 'm>>; 2]> = BTreeMap::new();
        let names = metadata.offset_keys();
        for name in &names {
            let Some(rest) = name.strip_prefix(prefix) else { continue };
            let refused = || Fault::Tensor { tensor: name.clone() };
            let (layer, index) = match rest.rsplit_once('.').unwrap_or(("", rest)) {
                (layer, WEIGHT) => (layer, 0),
                (layer, BIAS) => (layer, 1),
                // Where the layers are named, the rest of the file is another's.
                _ if self.layers.is_some() => continue,
                _ => return Err(refused()),
            };
            // `weight` and `.weight` are one.
            let tensor = metadata.info(name).map(|info| (name.as_str(), info));
            if std::mem::replace(&mut found.entry(Natural(layer)).or_default()[index], tensor).is_some() {
                return Err(refused());
            }
        }
        let mut layers = Vec::new();
        let given: Vec<Natural<'_>> = match &self.layers {
            Some(names) => names.iter().map(|name| Natural(name)).collect(),
            None => found.keys().copied().collect(),
        };
        for name in given {
            let [weights, biases] = found.get(&name).copied().unwrap_or_default();
            let Some(weights) = weights else {
                // It is called as its bias is, where there is one.
                let tensor = match (biases.and_then(|(bias, _)| bias.strip_suffix(BIAS)), name.0) {
                    (Some(layer), _) => format!("{layer}{WEIGHT}"),
                    (None, "") => format!("{prefix}{WEIGHT}"),
                    (None, name) => format!("{prefix}{name}.{WEIGHT}"),
                };
                return Err(Fault::Missing { tensor });
            };
            layers.push(Linear::new(weights, biases, layers.last())?);
        }
        if layers.is_empty() {
            return Err(Fault::NoLayer { prefix: prefix.to_owned() });
        }
        Ok(layers)
    }

    /// Widths from the tensors, and the rest from the caller or from what the file says.
    fn architecture(&self, layers: &[Linear<'_>], said: Option<&Architecture>) -> Result<Architecture, Fault> {
        let found = widths(layers.iter().map(|layer| (layer.inputs, layer.outputs)));
        let widths_of = |whole: &Architecture| widths(whole.layers().iter().map(|l| (l.inputs, l.outputs)));
        let activations = match &self.activations {
            Activations::OfFile => {
                let said = said.ok_or(Fault::NoActivations)?;
                if widths_of(said) != found {
                    let found = format!("the architecture `{said}`, while the tensors are {found}");
                    return Err(Fault::Note { found, expected: "that of the tensors" });
                }
                return self.made(said.layers().to_vec(), said.loss());
            }
            Activations::Like(whole) => {
                let expected = widths_of(whole);
                if expected != found {
                    return Err(Fault::Widths { expected, found });
                }
                return self.made(whole.layers().to_vec(), whole.loss());
            }
            Activations::Alike { hidden, output } => {
                let mut activations = vec![*hidden; layers.len() - 1];
                activations.push(*output);
                activations
            }
            Activations::Each(each) => each.clone(),
        };
        let (expected, found) = (layers.len(), activations.len());
        if expected != found {
            return Err(Fault::Activations { expected, found });
        }
        let made: Vec<Layer> =
            layers.iter().zip(&activations).map(|(layer, g)| Layer::new(layer.inputs, layer.outputs, *g)).collect();
        self.made(made, Loss::for_output(activations[expected - 1]))
    }

    /// An architecture with this loss, unless the caller has named another.
    fn made(&self, layers: Vec<Layer>, loss: Loss) -> Result<Architecture, Fault> {
        Ok(Architecture::new(layers, self.loss.unwrap_or(loss))?)
    }
}

/// `64 => 32 => 10`, of inputs and outputs of each layer.
fn widths(layers: impl Iterator<Item = (usize, usize)>) -> String {
    let add = |text: String, (inputs, outputs)| match text.as_str() {
        "" => format!("{inputs} => {outputs}"),
        _ => format!("{text} => {outputs}"),
    };
    layers.fold(String::new(), add)
}

/// A tensor with its name in the file.
type Named<'n, 'm> = (&'n str, &'m TensorInfo);

/// A linear layer and its tensors.
struct Linear<'m> {
    inputs: usize,
    outputs: usize,
    weight: String,
    weights: &'m TensorInfo,
    /// PyTorch's `bias=False` has none.
    biases: Option<(String, &'m TensorInfo)>,
}

impl<'m> Linear<'m> {
    fn new(
        (weight, weights): Named<'_, 'm>,
        biases: Option<Named<'_, 'm>>,
        before: Option<&Linear<'_>>,
    ) -> Result<Self, Fault> {
        let shape = |tensor: &str, info: &TensorInfo, expected: String| Fault::Shape {
            tensor: tensor.to_owned(),
            found: info.shape.clone(),
            expected,
        };
        let &[outputs, inputs] = weights.shape.as_slice() else {
            return Err(shape(weight, weights, "[outputs, inputs], the weights of a linear layer".to_owned()));
        };
        if outputs == 0 || inputs == 0 {
            return Err(shape(weight, weights, "at least one output and one input".to_owned()));
        }
        if let Some(before) = before
            && before.outputs != inputs
        {
            let expected = format!("[{outputs}, {}], as {:?} has so many outputs", before.outputs, before.weight);
            return Err(shape(weight, weights, expected));
        }
        if let Some((bias, biases)) = biases
            && biases.shape != [outputs]
        {
            return Err(shape(bias, biases, format!("[{outputs}], as {weight:?} has so many outputs")));
        }
        let biases = biases.map(|(bias, biases)| (bias.to_owned(), biases));
        Ok(Self { inputs, outputs, weight: weight.to_owned(), weights, biases })
    }
}

/// Appends a tensor's numbers.
fn numbers<T: Element>(tensor: &str, info: &TensorInfo, data: &[u8], numbers: &mut Vec<T>) -> Result<(), Fault> {
    // The header has been held against the file.
    let bytes = data.get(info.data_offsets.0..info.data_offsets.1).unwrap_or_default();
    match info.dtype {
        Dtype::F32 => each(tensor, bytes, numbers, |bytes| f64::from(f32::from_le_bytes(bytes))),
        Dtype::F64 => each(tensor, bytes, numbers, f64::from_le_bytes),
        Dtype::F16 => each(tensor, bytes, numbers, |bytes| from_half(u16::from_le_bytes(bytes))),
        Dtype::BF16 => each(tensor, bytes, numbers, |[low, high]| f64::from(f32::from_le_bytes([0, 0, low, high]))),
        other => Err(Fault::NumberType { tensor: tensor.to_owned(), found: other.to_string() }),
    }
}

fn each<T: Element, const BYTES: usize>(
    tensor: &str,
    bytes: &[u8],
    numbers: &mut Vec<T>,
    number: impl Fn([u8; BYTES]) -> f64,
) -> Result<(), Fault> {
    for (index, &bytes) in bytes.as_chunks().0.iter().enumerate() {
        let value = number(bytes);
        let parameter = T::from_f64(value);
        if !parameter.is_finite() {
            return Err(Fault::Parameter { tensor: tensor.to_owned(), index, value, element: T::NAME });
        }
        numbers.push(parameter);
    }
    Ok(())
}

/// The length of the header in a file of `length` bytes, of which `bytes` are the first.
pub(super) fn header(bytes: &[u8], length: u64) -> Result<usize, Fault> {
    let Some((front, rest)) = bytes.split_first_chunk::<LENGTH>() else { return Err(Fault::NotSafetensors) };
    let found = u64::from_le_bytes(*front);
    if rest.first() != Some(&b'{') {
        return Err(Fault::NotSafetensors);
    }
    if found > HEADER_LIMIT {
        return Err(Fault::Header { found, limit: HEADER_LIMIT });
    }
    let expected = found + LENGTH as u64;
    if expected > length {
        return Err(Fault::Length { expected, found: length });
    }
    Ok(found as usize)
}

/// The header of a file, whose tensors fill the rest of it.
fn parse(bytes: &[u8]) -> Result<(Metadata, &[u8]), Fault> {
    let length = header(bytes, bytes.len() as u64)?;
    let (text, data) = bytes[LENGTH..].split_at(length);
    // Not `SafeTensors::deserialize`, which adds lengths up without looking whether they overflow.
    let metadata: Metadata =
        serde_json::from_slice(text).map_err(|error| Fault::Format { reason: error.to_string() })?;
    if metadata.data_len() != data.len() {
        let expected = (LENGTH as u64 + length as u64).saturating_add(metadata.data_len() as u64);
        return Err(Fault::Length { expected, found: bytes.len() as u64 });
    }
    Ok((metadata, data))
}

/// A name that is ordered as people would: numbers in it by their size, the rest by the alphabet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Natural<'a>(&'a str);

impl Natural<'_> {
    /// Digits or others, as far as they go.
    fn runs(&self) -> impl Iterator<Item = &[u8]> {
        self.0.as_bytes().chunk_by(|a, b| a.is_ascii_digit() == b.is_ascii_digit())
    }
}

impl Ord for Natural<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        let size = |run: &[u8]| {
            let zeros = run.iter().take_while(|digit| **digit == b'0').count();
            (run.len() - zeros, run[zeros..].to_vec())
        };
        let by_run = self.runs().zip(other.runs()).map(|(here, there)| {
            let digits = |run: &[u8]| run.first().is_some_and(u8::is_ascii_digit);
            if digits(here) && digits(there) { size(here).cmp(&size(there)) } else { here.cmp(there) }
        });
        let first = by_run.into_iter().find(|order| order.is_ne()).unwrap_or(Ordering::Equal);
        // `1` before `1.a`; and `01` is not `1`.
        first.then_with(|| self.runs().count().cmp(&other.runs().count())).then_with(|| self.0.cmp(other.0))
    }
}

impl PartialOrd for Natural<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
