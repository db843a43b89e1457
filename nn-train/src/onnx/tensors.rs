//! Constants of a graph that is read.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use prost::Message;
use prost::bytes::Bytes;

use super::OnnxFault;
use super::proto::{self, data_type};
use crate::error::Error;
use crate::memory::reserve;

/// The initialisers of a graph by name, each decoded when it is first looked at, and only then: decoded it may be many times as
/// long, and as many operators may name it as there are.
pub(super) struct Tensors {
    initializers: HashMap<String, Bytes>,
    decoded: RefCell<HashMap<String, Rc<Tensor>>>,
    /// Those that are the weights of a layer.
    weights: HashSet<String>,
}

/// The name of a tensor alone.
#[derive(Clone, PartialEq, Message)]
struct Named {
    #[prost(string, tag = "8")]
    name: String,
}

/// The parameters of a layer in the type of the file.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Numbers {
    F32(Vec<f32>),
    F64(Vec<f64>),
}

impl Tensors {
    pub(super) fn of(initializers: Vec<Bytes>) -> Result<Self, OnnxFault> {
        let mut known = HashMap::with_capacity(initializers.len());
        for bytes in initializers {
            let Named { name } = decode(bytes.clone())?;
            if known.insert(name.clone(), bytes).is_some() {
                return Err(fault(&name, "the name is that of", "two initialisers".to_owned(), "names of their own"));
            }
        }
        Ok(Self { initializers: known, decoded: RefCell::default(), weights: HashSet::new() })
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.initializers.contains_key(name)
    }

    /// The tensor of this name, if there is one.
    pub(super) fn get(&self, name: &str) -> Result<Option<Rc<Tensor>>, OnnxFault> {
        let Some(bytes) = self.initializers.get(name) else { return Ok(None) };
        let mut decoded = self.decoded.borrow_mut();
        if let Some(tensor) = decoded.get(name) {
            return Ok(Some(tensor.clone()));
        }
        let tensor = Rc::new(Tensor::of(name, decode(bytes.clone())?)?);
        decoded.insert(name.to_owned(), tensor.clone());
        Ok(Some(tensor))
    }
}

/// A tensor whose sizes are those of its numbers.
#[derive(Debug, Clone)]
pub(super) struct Tensor {
    name: String,
    pub(super) sizes: Vec<usize>,
    proto: proto::Tensor,
}

impl Tensor {
    /// Checks that there are as many numbers as the sizes say.
    pub(super) fn of(name: &str, proto: proto::Tensor) -> Result<Self, OnnxFault> {
        if proto.location != 0 || !proto.external.is_empty() {
            let entries = proto.external.iter().filter_map(|bytes| decode::<proto::Entry>(bytes.clone()).ok());
            let place = entries.filter(|entry| entry.key == "location").map(|entry| entry.value).next();
            let found = place.map_or_else(|| "another file".to_owned(), |place| format!("the file {place:?}"));
            let expected = "numbers in the file itself, as PyTorch writes them with external_data=False";
            return Err(fault(name, "its numbers are in", found, expected));
        }
        let sizes = proto.sizes.iter().map(|&size| usize::try_from(size).ok()).collect::<Option<Vec<usize>>>();
        let count =
            sizes.as_ref().and_then(|sizes| sizes.iter().try_fold(1_usize, |product, &size| product.checked_mul(size)));
        let (Some(sizes), Some(count)) = (sizes, count) else {
            let found = proto.sizes.iter().map(i64::to_string).collect::<Vec<_>>().join(" × ");
            return Err(fault(name, "its sizes are", found, "sizes that memory can hold"));
        };
        let (width, plain) = match proto.kind {
            data_type::FLOAT => (4, proto.floats.len()),
            data_type::DOUBLE => (8, proto.doubles.len()),
            data_type::INT64 => (8, proto.ints.len()),
            data_type::STRING => (1, proto.strings.len()),
            other => {
                let expected = "FLOAT, DOUBLE or INT64";
                return Err(fault(name, "its type is", data_type::name(other), expected));
            }
        };
        let raw = proto.kind != data_type::STRING && !proto.raw.is_empty();
        let found = if raw { proto.raw.len() } else { plain };
        let expected = if raw { count.checked_mul(width) } else { Some(count) };
        if Some(found) != expected || (raw && plain > 0) {
            let unit = if raw { "bytes" } else { "numbers" };
            let expected =
                expected.map_or_else(|| "no more than memory can hold".to_owned(), |count| count.to_string());
            return Err(fault(name, "it has", format!("{found} {unit}"), &format!("{expected}, as its sizes say")));
        }
        Ok(Self { name: name.to_owned(), sizes, proto })
    }

    /// It becomes a layer's weights; it may not be another's too, so that a network is never larger than its file.
    pub(super) fn claim(&self, tensors: &mut Tensors) -> Result<(), OnnxFault> {
        if tensors.weights.insert(self.name.clone()) {
            return Ok(());
        }
        Err(fault(&self.name, "it is the weights of", "two layers".to_owned(), "those of one"))
    }

    /// How many numbers or texts there are.
    pub(super) fn len(&self) -> usize {
        self.sizes.iter().product()
    }

    /// One of [`data_type`].
    pub(super) fn kind(&self) -> i32 {
        self.proto.kind
    }

    /// The type of the numbers, if networks are made of it.
    pub(super) fn is_double(&self) -> Result<bool, OnnxFault> {
        match self.proto.kind {
            data_type::FLOAT => Ok(false),
            data_type::DOUBLE => Ok(true),
            other => Err(fault(&self.name, "its type is", data_type::name(other), "FLOAT or DOUBLE")),
        }
    }

    /// The number, where there is a single one.
    pub(super) fn single(&self) -> Option<f64> {
        if self.len() == 1 { self.few().and_then(|numbers| numbers.first().copied()) } else { None }
    }

    /// The numbers, where there are no more than four.
    pub(super) fn few(&self) -> Option<Vec<f64>> {
        if self.len() > 4 {
            return None;
        }
        match self.proto.kind {
            data_type::FLOAT => Some(self.floats().into_iter().map(shortest).collect()),
            data_type::DOUBLE => Some(self.doubles()),
            data_type::INT64 if self.proto.raw.is_empty() => {
                Some(self.proto.ints.iter().map(|&int| int as f64).collect())
            }
            data_type::INT64 => {
                let (chunks, _) = self.proto.raw.as_chunks();
                Some(chunks.iter().map(|&bytes| i64::from_le_bytes(bytes) as f64).collect())
            }
            _ => None,
        }
    }

    /// The texts, where it holds such.
    pub(super) fn texts(&self) -> Option<Vec<String>> {
        let text = |bytes: &Bytes| String::from_utf8(bytes.to_vec()).ok();
        if self.proto.kind == data_type::STRING { self.proto.strings.iter().map(text).collect() } else { None }
    }

    fn floats(&self) -> Vec<f32> {
        if self.proto.raw.is_empty() {
            return self.proto.floats.clone();
        }
        let (chunks, _) = self.proto.raw.as_chunks();
        chunks.iter().map(|&bytes| f32::from_le_bytes(bytes)).collect()
    }

    fn doubles(&self) -> Vec<f64> {
        if self.proto.raw.is_empty() {
            return self.proto.doubles.clone();
        }
        let (chunks, _) = self.proto.raw.as_chunks();
        chunks.iter().map(|&bytes| f64::from_le_bytes(bytes)).collect()
    }

    /// Adds the numbers behind `parameters`, row by row, or column by column where it is `turned`. It is of their type.
    pub(super) fn append(&self, parameters: &mut Numbers, turned: bool) -> Result<(), OnnxFault> {
        match parameters {
            Numbers::F32(parameters) => {
                append(parameters, self.floats(), &self.sizes, turned, |number| number.is_finite())
            }
            Numbers::F64(parameters) => {
                append(parameters, self.doubles(), &self.sizes, turned, |number| number.is_finite())
            }
        }
        .map_err(|index| fault(&self.name, "it is not finite at", format!("number {index}"), "finite numbers"))
    }
}

/// Adds numbers, or says which of them is not finite.
fn append<T: Copy>(
    parameters: &mut Vec<T>,
    numbers: Vec<T>,
    sizes: &[usize],
    turned: bool,
    is_finite: impl Fn(T) -> bool,
) -> Result<(), usize> {
    if let Some(index) = numbers.iter().position(|&number| !is_finite(number)) {
        return Err(index);
    }
    match sizes {
        &[_, columns] if turned && columns > 0 => {
            for column in 0..columns {
                parameters.extend(numbers[column..].iter().step_by(columns));
            }
        }
        _ => parameters.extend(numbers),
    }
    Ok(())
}

impl Numbers {
    /// Room for so many numbers.
    pub(super) fn with_room(double: bool, count: usize) -> Result<Self, Error> {
        let (mut singles, mut doubles) = (Vec::new(), Vec::new());
        if double {
            reserve(&mut doubles, count)?;
            return Ok(Self::F64(doubles));
        }
        reserve(&mut singles, count)?;
        Ok(Self::F32(singles))
    }

    /// Adds zeros.
    pub(super) fn append_zeros(&mut self, count: usize) {
        match self {
            Self::F32(parameters) => parameters.resize(parameters.len() + count, 0.0),
            Self::F64(parameters) => parameters.resize(parameters.len() + count, 0.0),
        }
    }
}

/// The `f64` that is written as a number of `f32` is: 0.01, where the next number of `f64` would be 0.009999999776482582.
pub(super) fn shortest(number: f32) -> f64 {
    number.to_string().parse().unwrap_or_else(|_| f64::from(number))
}

pub(super) fn decode<M: Message + Default>(bytes: Bytes) -> Result<M, OnnxFault> {
    M::decode(bytes).map_err(|error| OnnxFault::Damaged { reason: error.to_string() })
}

pub(super) fn fault(name: &str, what: &'static str, found: String, expected: &str) -> OnnxFault {
    OnnxFault::Tensor { name: name.to_owned(), what, found, expected: expected.to_owned() }
}
