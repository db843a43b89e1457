//! Networks in files: `{ "architecture": "2 => 4 sigmoid => …", "layers": [{ "weights": [[…]], "bias": […] }] }`.
//!
//! What is read goes straight into a network on the heap, and every length is checked on the way.

use std::fmt;
use std::marker::PhantomData;

use nn_kernels::{Element, Layer};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Declared, Network};

/// The name of [`Element`]'s narrower type.
const SINGLE: &str = <f32 as Element>::NAME;

/// Writes a network.
pub(crate) fn serialize<N: Declared, S: Serializer>(network: &N, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Network", 2)?;
    fields.serialize_field("architecture", &N::ARCHITECTURE.to_string())?;
    fields.serialize_field("layers", &Layers(network))?;
    fields.end()
}

struct Layers<'a, N>(&'a N);

impl<N: Declared> Serialize for Layers<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (layers, ranges) = (N::ARCHITECTURE.layers(), N::ARCHITECTURE.ranges());
        let parameters = self.0.parameters();
        let mut sequence = serializer.serialize_seq(Some(layers.len()))?;
        for (layer, range) in layers.iter().zip(ranges) {
            let weights = Rows { numbers: &parameters[range.weights], width: layer.inputs };
            sequence.serialize_element(&LayerFields { weights, bias: Numbers(&parameters[range.bias]) })?;
        }
        sequence.end()
    }
}

#[derive(Serialize)]
#[serde(rename = "Layer", bound = "T: Element")]
struct LayerFields<'a, T> {
    weights: Rows<'a, T>,
    bias: Numbers<'a, T>,
}

struct Rows<'a, T> {
    numbers: &'a [T],
    width: usize,
}

impl<T: Element> Serialize for Rows<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.numbers.chunks_exact(self.width).map(Numbers))
    }
}

struct Numbers<'a, T>(&'a [T]);

impl<T: Element> Serialize for Numbers<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sequence = serializer.serialize_seq(Some(self.0.len()))?;
        for number in self.0 {
            if T::NAME == SINGLE {
                // Exact: the number has been an f32 all along.
                sequence.serialize_element(&(number.to_f64() as f32))?;
            } else {
                sequence.serialize_element(&number.to_f64())?;
            }
        }
        sequence.end()
    }
}

/// Reads a network.
pub(crate) fn deserialize<'de, N: Declared, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    deserializer.deserialize_struct("Network", &["architecture", "layers"], NetworkVisitor(PhantomData))
}

struct NetworkVisitor<N>(PhantomData<N>);

/// The architecture of a file is the network's own.
struct ArchitectureSeed<N>(PhantomData<N>);

impl<'de, N: Declared> DeserializeSeed<'de> for ArchitectureSeed<N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let (expected, found) = (N::ARCHITECTURE.to_string(), String::deserialize(deserializer)?);
        if found == expected {
            Ok(())
        } else {
            Err(D::Error::custom(format_args!("{}: the architecture is `{found}`; expected `{expected}`", N::NAME)))
        }
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum NetworkField {
    Architecture,
    Layers,
}

impl<'de, N: Declared> Visitor<'de> for NetworkVisitor<N> {
    type Value = N;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the network {}, {}", N::NAME, N::ARCHITECTURE)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<N, A::Error> {
        let mut network = N::zeros();
        let (mut architecture, mut layers) = (false, false);
        while let Some(field) = map.next_key()? {
            match field {
                NetworkField::Architecture if architecture => return Err(A::Error::duplicate_field("architecture")),
                NetworkField::Architecture => {
                    map.next_value_seed(ArchitectureSeed::<N>(PhantomData))?;
                    architecture = true;
                }
                NetworkField::Layers if layers => return Err(A::Error::duplicate_field("layers")),
                NetworkField::Layers => {
                    map.next_value_seed(LayersSeed(&mut network))?;
                    layers = true;
                }
            }
        }
        match (architecture, layers) {
            (true, true) => Ok(network),
            (false, _) => Err(A::Error::missing_field("architecture")),
            (true, false) => Err(A::Error::missing_field("layers")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<N, A::Error> {
        let mut network = N::zeros();
        let missing = A::Error::missing_field;
        fields.next_element_seed(ArchitectureSeed::<N>(PhantomData))?.ok_or_else(|| missing("architecture"))?;
        fields.next_element_seed(LayersSeed(&mut network))?.ok_or_else(|| missing("layers"))?;
        Ok(network)
    }
}

struct LayersSeed<'a, N>(&'a mut N);

impl<'de, N: Declared> DeserializeSeed<'de> for LayersSeed<'_, N> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, N: Declared> Visitor<'de> for LayersSeed<'_, N> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} layers of {}", N::ARCHITECTURE.layers().len(), N::NAME)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let layers = N::ARCHITECTURE.layers();
        let parameters = self.0.parameters_mut();
        for ((index, layer), range) in layers.iter().enumerate().zip(N::ARCHITECTURE.ranges()) {
            let (before, bias) = parameters[..range.bias.end].split_at_mut(range.bias.start);
            let seed = LayerSeed { number: index + 1, layer, weights: &mut before[range.weights], bias };
            if sequence.next_element_seed(seed)?.is_none() {
                return Err(wrong_count("the network", "layers", layers.len(), Some(index)));
            }
        }
        nothing_left(&mut sequence, "the network", "layers", layers.len())
    }
}

/// Reads one layer, Θ^(number), into its place.
struct LayerSeed<'a, T> {
    number: usize,
    layer: &'a Layer,
    weights: &'a mut [T],
    bias: &'a mut [T],
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum LayerField {
    Weights,
    Bias,
}

impl<'de, T: Element> DeserializeSeed<'de> for LayerSeed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_struct("Layer", &["weights", "bias"], self)
    }
}

impl<T> LayerSeed<'_, T> {
    fn rows(&mut self) -> RowsSeed<'_, T> {
        RowsSeed { number: self.number, width: self.layer.inputs, weights: self.weights }
    }

    fn numbers(&mut self) -> NumbersSeed<'_, T> {
        NumbersSeed { place: format!("Θ^({}), the bias", self.number), numbers: self.bias }
    }
}

impl<'de, T: Element> Visitor<'de> for LayerSeed<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layer { inputs, outputs, .. } = self.layer;
        write!(f, "Θ^({}) with {outputs} rows of {inputs} weights, and {outputs} bias numbers", self.number)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        let (mut weights, mut bias) = (false, false);
        while let Some(field) = map.next_key()? {
            match field {
                LayerField::Weights if weights => return Err(A::Error::duplicate_field("weights")),
                LayerField::Weights => {
                    map.next_value_seed(self.rows())?;
                    weights = true;
                }
                LayerField::Bias if bias => return Err(A::Error::duplicate_field("bias")),
                LayerField::Bias => {
                    map.next_value_seed(self.numbers())?;
                    bias = true;
                }
            }
        }
        match (weights, bias) {
            (true, true) => Ok(()),
            (false, _) => Err(A::Error::missing_field("weights")),
            (true, false) => Err(A::Error::missing_field("bias")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        fields.next_element_seed(self.rows())?.ok_or_else(|| A::Error::missing_field("weights"))?;
        fields.next_element_seed(self.numbers())?.ok_or_else(|| A::Error::missing_field("bias"))
    }
}

/// Reads Θ_w row by row.
struct RowsSeed<'a, T> {
    number: usize,
    width: usize,
    weights: &'a mut [T],
}

impl<'de, T: Element> DeserializeSeed<'de> for RowsSeed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Element> Visitor<'de> for RowsSeed<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Θ^({}), {} rows of weights", self.number, self.weights.len() / self.width)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let (layer, rows) = (format!("Θ^({})", self.number), self.weights.len() / self.width);
        for (row, numbers) in self.weights.chunks_exact_mut(self.width).enumerate() {
            let place = format!("{layer}, row {row} of the weights");
            if sequence.next_element_seed(NumbersSeed { place, numbers })?.is_none() {
                return Err(wrong_count(&layer, "rows of weights", rows, Some(row)));
            }
        }
        nothing_left(&mut sequence, &layer, "rows of weights", rows)
    }
}

/// Reads exactly as many numbers as there is room for.
struct NumbersSeed<'a, T> {
    place: String,
    numbers: &'a mut [T],
}

impl<'de, T: Element> DeserializeSeed<'de> for NumbersSeed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Element> Visitor<'de> for NumbersSeed<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} numbers", self.place, self.numbers.len())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { place, numbers } = self;
        let count = numbers.len();
        for (index, number) in numbers.iter_mut().enumerate() {
            let found = if T::NAME == SINGLE {
                sequence.next_element::<f32>()?.map(f64::from)
            } else {
                sequence.next_element::<f64>()?
            };
            match found {
                Some(found) if found.is_finite() => *number = T::from_f64(found),
                Some(found) => {
                    let message = format_args!("{place}, number {index} is {found}; expected a finite number");
                    return Err(A::Error::custom(message));
                }
                None => return Err(wrong_count(&place, "numbers", count, Some(index))),
            }
        }
        nothing_left(&mut sequence, &place, "numbers", count)
    }
}

/// The sequence ends here.
fn nothing_left<'de, A: SeqAccess<'de>>(
    sequence: &mut A,
    place: &str,
    what: &str,
    expected: usize,
) -> Result<(), A::Error> {
    // Formats that know their lengths end here by themselves; the others would hand out one element more.
    if sequence.size_hint() == Some(0) || sequence.next_element::<serde::de::IgnoredAny>()?.is_none() {
        return Ok(());
    }
    Err(wrong_count(place, what, expected, None))
}

/// Too few, or where `found` is `None` too many.
fn wrong_count<E: Error>(place: &str, what: &str, expected: usize, found: Option<usize>) -> E {
    match found {
        Some(found) => E::custom(format_args!("{place} has {found} {what}; expected {expected}")),
        None => E::custom(format_args!("{place} has more than {expected} {what}; expected {expected}")),
    }
}
