//! Networks in files, declared ones and [`DynNetwork`] alike:
//!
//! ```text
//! { "architecture": "2 => 4 sigmoid => …", "layers": [{ "weights": [[…], …], "bias": […] }, …] }
//! ```
//!
//! What is read goes straight into the memory of the new network, which grows as far as the file has numbers; every
//! length is checked on the way.

use std::fmt;
use std::marker::PhantomData;

use nn_kernels::{Architecture, Element, Layer};
use serde::de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor};
use serde::ser::{SerializeSeq, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Declared, DynNetwork, Network};
use crate::number::{NumberSeed, Numbers};

/// Writes a network.
pub(crate) fn serialize<N: Network, S: Serializer>(network: &N, serializer: S) -> Result<S::Ok, S::Error> {
    let mut fields = serializer.serialize_struct("Network", 2)?;
    fields.serialize_field("architecture", &network.architecture().to_string())?;
    fields.serialize_field("layers", &Layers(network))?;
    fields.end()
}

impl<T: Element> Serialize for DynNetwork<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serialize(self, serializer)
    }
}

struct Layers<'a, N>(&'a N);

impl<N: Network> Serialize for Layers<'_, N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (layers, ranges) = (self.0.architecture().layers(), self.0.architecture().ranges());
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

/// Reads a declared network.
pub(crate) fn deserialize<'de, N: Declared, D: Deserializer<'de>>(deserializer: D) -> Result<N, D::Error> {
    let expected = Some((N::NAME, N::ARCHITECTURE));
    let visitor = NetworkVisitor::<N::Scalar> { expected, element: PhantomData };
    let (_, parameters) = deserializer.deserialize_struct("Network", &["architecture", "layers"], visitor)?;
    Ok(N::from_parameters(parameters.into()))
}

impl<'de, T: Element> Deserialize<'de> for DynNetwork<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let visitor = NetworkVisitor::<T> { expected: None, element: PhantomData };
        let (architecture, parameters) =
            deserializer.deserialize_struct("Network", &["architecture", "layers"], visitor)?;
        Ok(Self::of(architecture, parameters))
    }
}

/// Reads a network: the architecture and as many numbers as it has.
struct NetworkVisitor<T> {
    /// The name and the architecture of a declared network.
    expected: Option<(&'static str, &'static Architecture)>,
    element: PhantomData<T>,
}

impl<T: Element> NetworkVisitor<T> {
    /// The architecture that a file names.
    fn architecture<E: Error>(&self, found: &str) -> Result<Architecture, E> {
        let Some((name, expected)) = self.expected else {
            let wrong = |error: &dyn fmt::Display| E::custom(format_args!("the architecture `{found}`: {error}"));
            let architecture: Architecture = found.parse().map_err(|error| wrong(&error))?;
            architecture.check_element::<T>().map_err(|error| wrong(&error))?;
            return Ok(architecture);
        };
        let written = expected.to_string();
        if found == written {
            Ok(expected.clone())
        } else {
            Err(E::custom(format_args!("{name}: the architecture is `{found}`; expected `{written}`")))
        }
    }

    /// Room for all parameters of a network whose size is known. What a file says about the size of one that comes from
    /// there alone is believed as its numbers arrive.
    fn room(&self, architecture: &Architecture) -> Vec<T> {
        Vec::with_capacity(if self.expected.is_some() { architecture.params() } else { 0 })
    }
}

#[derive(Deserialize)]
#[serde(field_identifier, rename_all = "lowercase")]
enum NetworkField {
    Architecture,
    Layers,
}

impl<'de, T: Element> Visitor<'de> for NetworkVisitor<T> {
    type Value = (Architecture, Vec<T>);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.expected {
            Some((name, architecture)) => write!(f, "the network {name}, {architecture}"),
            None => write!(f, "a network"),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut architecture = None;
        let mut parameters = None;
        while let Some(field) = map.next_key()? {
            match field {
                NetworkField::Architecture if architecture.is_some() => {
                    return Err(A::Error::duplicate_field("architecture"));
                }
                NetworkField::Architecture => {
                    architecture = Some(self.architecture(&map.next_value::<String>()?)?);
                }
                NetworkField::Layers if parameters.is_some() => return Err(A::Error::duplicate_field("layers")),
                NetworkField::Layers => {
                    // Of a declared network it is known before the file names it.
                    let known = architecture.as_ref().or(self.expected.map(|(_, architecture)| architecture));
                    let Some(known) = known else {
                        return Err(A::Error::custom(
                            "the layers come before the architecture; expected them after it",
                        ));
                    };
                    let mut numbers = self.room(known);
                    map.next_value_seed(LayersSeed { architecture: known, numbers: &mut numbers })?;
                    parameters = Some(numbers);
                }
            }
        }
        match (architecture, parameters) {
            (Some(architecture), Some(parameters)) => Ok((architecture, parameters)),
            (None, _) => Err(A::Error::missing_field("architecture")),
            (Some(_), None) => Err(A::Error::missing_field("layers")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut fields: A) -> Result<Self::Value, A::Error> {
        let missing = A::Error::missing_field;
        let name: String = fields.next_element()?.ok_or_else(|| missing("architecture"))?;
        let architecture = self.architecture(&name)?;
        let mut numbers = self.room(&architecture);
        let seed = LayersSeed { architecture: &architecture, numbers: &mut numbers };
        fields.next_element_seed(seed)?.ok_or_else(|| missing("layers"))?;
        Ok((architecture, numbers))
    }
}

/// Reads all layers, one behind the other.
struct LayersSeed<'a, T> {
    architecture: &'a Architecture,
    numbers: &'a mut Vec<T>,
}

impl<'de, T: Element> DeserializeSeed<'de> for LayersSeed<'_, T> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, T: Element> Visitor<'de> for LayersSeed<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} layers of {}", self.architecture.layers().len(), self.architecture)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { architecture, numbers } = self;
        let layers = architecture.layers();
        for (index, layer) in layers.iter().enumerate() {
            let seed = LayerSeed { number: index + 1, layer, numbers: &mut *numbers };
            if sequence.next_element_seed(seed)?.is_none() {
                return Err(wrong_count("the network", "layers", layers.len(), Some(index)));
            }
        }
        nothing_left(&mut sequence, "the network", "layers", layers.len())
    }
}

/// Reads one layer, Θ^(number), behind the numbers there are.
struct LayerSeed<'a, T> {
    number: usize,
    layer: &'a Layer,
    numbers: &'a mut Vec<T>,
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
        RowsSeed { number: self.number, layer: self.layer, numbers: self.numbers }
    }
}

impl<T: Element> LayerSeed<'_, T> {
    /// Reads the bias into `numbers`.
    fn bias<'a>(&self, numbers: &'a mut Vec<T>) -> NumbersSeed<'a, T> {
        NumbersSeed { place: format!("Θ^({}), the bias", self.number), count: self.layer.outputs, numbers }
    }
}

impl<'de, T: Element> Visitor<'de> for LayerSeed<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Layer { inputs, outputs, .. } = self.layer;
        write!(f, "Θ^({}) with {outputs} rows of {inputs} weights, and {outputs} bias numbers", self.number)
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        // The bias may come first, but lies behind the weights.
        let (mut weights, mut bias) = (false, None);
        while let Some(field) = map.next_key()? {
            match field {
                LayerField::Weights if weights => return Err(A::Error::duplicate_field("weights")),
                LayerField::Weights => {
                    map.next_value_seed(self.rows())?;
                    weights = true;
                }
                LayerField::Bias if bias.is_some() => return Err(A::Error::duplicate_field("bias")),
                LayerField::Bias => {
                    let mut numbers = Vec::new();
                    map.next_value_seed(self.bias(&mut numbers))?;
                    bias = Some(numbers);
                }
            }
        }
        match (weights, bias) {
            (true, Some(bias)) => {
                self.numbers.extend(bias);
                Ok(())
            }
            (false, _) => Err(A::Error::missing_field("weights")),
            (true, None) => Err(A::Error::missing_field("bias")),
        }
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut fields: A) -> Result<(), A::Error> {
        fields.next_element_seed(self.rows())?.ok_or_else(|| A::Error::missing_field("weights"))?;
        let mut bias = Vec::new();
        fields.next_element_seed(self.bias(&mut bias))?.ok_or_else(|| A::Error::missing_field("bias"))?;
        self.numbers.extend(bias);
        Ok(())
    }
}

/// Reads Θ_w row by row.
struct RowsSeed<'a, T> {
    number: usize,
    layer: &'a Layer,
    numbers: &'a mut Vec<T>,
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
        write!(f, "Θ^({}), {} rows of weights", self.number, self.layer.outputs)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { number, layer, numbers } = self;
        let name = format!("Θ^({number})");
        for row in 0..layer.outputs {
            let place = format!("{name}, row {row} of the weights");
            let seed = NumbersSeed { place, count: layer.inputs, numbers: &mut *numbers };
            if sequence.next_element_seed(seed)?.is_none() {
                return Err(wrong_count(&name, "rows of weights", layer.outputs, Some(row)));
            }
        }
        nothing_left(&mut sequence, &name, "rows of weights", layer.outputs)
    }
}

/// Reads exactly `count` numbers behind those there are.
struct NumbersSeed<'a, T> {
    place: String,
    count: usize,
    numbers: &'a mut Vec<T>,
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
        write!(f, "{}: {} numbers", self.place, self.count)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<(), A::Error> {
        let Self { place, count, numbers } = self;
        for index in 0..count {
            match sequence.next_element_seed(NumberSeed::at(format_args!("{place}, number {index}")))? {
                Some(number) => numbers.push(number),
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
