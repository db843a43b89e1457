//! Numbers in files. Formats that people read (JSON, for one) have no numbers that are not finite, so there these are the
//! texts `"NaN"`, `"inf"` and `"-inf"`.

use std::borrow::Cow;
use std::fmt::{self, Display};
use std::marker::PhantomData;

use nn_kernels::Element;
use serde::de::{DeserializeSeed, Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The name of [`Element`]'s narrower type.
const SINGLE: &str = <f32 as Element>::NAME;
const NAN: &str = "NaN";
const INFINITE: &str = "inf";
const NEGATIVE_INFINITE: &str = "-inf";

/// A number as it is written and read.
struct Number<T>(T);

impl<T: Element> Serialize for Number<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let number = self.0.to_f64();
        if serializer.is_human_readable() && !number.is_finite() {
            return serializer.serialize_str(match number {
                f64::INFINITY => INFINITE,
                f64::NEG_INFINITY => NEGATIVE_INFINITE,
                _ => NAN,
            });
        }
        if T::NAME == SINGLE {
            // Exact: the number has been an f32 all along.
            serializer.serialize_f32(number as f32)
        } else {
            serializer.serialize_f64(number)
        }
    }
}

impl<'de, T: Element> Deserialize<'de> for Number<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        NumberSeed::at("the field").deserialize(deserializer).map(Number)
    }
}

/// Numbers as they are written, one behind the other.
pub(crate) struct Numbers<'a, T>(pub(crate) &'a [T]);

impl<T: Element> Serialize for Numbers<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().copied().map(Number))
    }
}

/// Reads a number. Errors name the place where it stands.
pub(crate) struct NumberSeed<P, T> {
    place: P,
    element: PhantomData<T>,
}

impl<P: Display, T: Element> NumberSeed<P, T> {
    pub(crate) fn at(place: P) -> Self {
        Self { place, element: PhantomData }
    }
}

impl<'de, P: Display, T: Element> DeserializeSeed<'de> for NumberSeed<P, T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        if deserializer.is_human_readable() {
            // A number, or the name of one that is not finite.
            deserializer.deserialize_any(self)
        } else if T::NAME == SINGLE {
            f32::deserialize(deserializer).map(|number| T::from_f64(f64::from(number)))
        } else {
            f64::deserialize(deserializer).map(T::from_f64)
        }
    }
}

impl<P: Display, T: Element> Visitor<'_> for NumberSeed<P, T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: a number, \"{NAN}\", \"{INFINITE}\" or \"{NEGATIVE_INFINITE}\"", self.place)
    }

    fn visit_f64<E: Error>(self, found: f64) -> Result<T, E> {
        let number = T::from_f64(if T::NAME == SINGLE { f64::from(single(found)) } else { found });
        if found.is_finite() && !number.is_finite() {
            let (place, name) = (self.place, T::NAME);
            let message = format_args!("{place} is {found:e}, which is infinite as an {name}; expected a smaller one");
            return Err(E::custom(message));
        }
        Ok(number)
    }

    fn visit_i64<E: Error>(self, found: i64) -> Result<T, E> {
        self.visit_f64(found as f64)
    }

    fn visit_u64<E: Error>(self, found: u64) -> Result<T, E> {
        self.visit_f64(found as f64)
    }

    fn visit_str<E: Error>(self, found: &str) -> Result<T, E> {
        match found {
            NAN => Ok(T::from_f64(f64::NAN)),
            INFINITE => Ok(T::from_f64(f64::INFINITY)),
            NEGATIVE_INFINITE => Ok(T::from_f64(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(Unexpected::Str(found), &self)),
        }
    }
}

/// The `f32` that was written as the decimal that was read as `found`.
///
/// To round a decimal to `f64` and that to `f32` goes wrong where the `f64` lies halfway between two `f32`s and the decimal
/// a little beside it, as 7.038531e-26 does. Then it is the one whose own decimal reads as `found`. So every `f32` comes
/// back; that was checked for all of them.
fn single(found: f64) -> f32 {
    let nearest = found as f32;
    let rest = found - f64::from(nearest);
    if rest == 0.0 || !rest.is_finite() {
        return nearest;
    }
    let other = if rest > 0.0 { nearest.next_up() } else { nearest.next_down() };
    if f64::from(other) - found != rest {
        return nearest;
    }
    let written = |candidate: &f32| format!("{candidate:e}").parse() == Ok(found);
    [nearest, other].into_iter().find(written).unwrap_or(nearest)
}

// How derived implementations write and read fields: `#[serde(with = "number")]` and so on.

pub(crate) fn serialize<T: Element, S: Serializer>(number: &T, serializer: S) -> Result<S::Ok, S::Error> {
    Number(*number).serialize(serializer)
}

pub(crate) fn deserialize<'de, T: Element, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    Number::deserialize(deserializer).map(|number| number.0)
}

/// A number that there may not be.
pub(crate) mod optional {
    use super::{Deserialize, Deserializer, Element, Number, Serialize, Serializer};

    pub(crate) fn serialize<T: Element, S: Serializer>(number: &Option<T>, serializer: S) -> Result<S::Ok, S::Error> {
        number.map(Number).serialize(serializer)
    }

    pub(crate) fn deserialize<'de, T: Element, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
        Ok(Option::<Number<T>>::deserialize(deserializer)?.map(|number| number.0))
    }
}

/// Any count of numbers: in formats that people do not read their bits, little-endian, as one string of bytes, since
/// millions of them would take long one by one.
pub(crate) mod list {
    use super::{Bytes, Cow, Deserialize, Deserializer, Element, Number, Numbers, PhantomData, Serialize, Serializer};

    pub(crate) fn serialize<T: Element, S: Serializer>(numbers: &[T], serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            return Numbers(numbers).serialize(serializer);
        }
        let bytes: &[u8] = bytemuck::cast_slice(numbers);
        serializer.serialize_bytes(&if cfg!(target_endian = "little") {
            Cow::Borrowed(bytes)
        } else {
            bytes.chunks(size_of::<T>()).flat_map(|number| number.iter().rev().copied()).collect()
        })
    }

    pub(crate) fn deserialize<'de, T: Element, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<T>, D::Error> {
        if !deserializer.is_human_readable() {
            return deserializer.deserialize_bytes(Bytes(PhantomData));
        }
        let numbers: Vec<Number<T>> = Vec::deserialize(deserializer)?;
        Ok(numbers.into_iter().map(|number| number.0).collect())
    }
}

/// Numbers from their bits.
struct Bytes<T>(PhantomData<T>);

impl<T: Element> Visitor<'_> for Bytes<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the bits of numbers, {} bytes each", size_of::<T>())
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<T>, E> {
        if !bytes.len().is_multiple_of(size_of::<T>()) {
            return Err(E::invalid_length(bytes.len(), &self));
        }
        let mut numbers = vec![T::ZERO; bytes.len() / size_of::<T>()];
        bytemuck::cast_slice_mut(&mut numbers).copy_from_slice(bytes);
        if cfg!(target_endian = "big") {
            numbers.iter_mut().for_each(|number| bytemuck::bytes_of_mut(number).reverse());
        }
        Ok(numbers)
    }
}

/// Any count of lists.
pub(crate) mod lists {
    use super::{Deserialize, Deserializer, Element, Serialize, Serializer, list};

    #[derive(Serialize)]
    #[serde(transparent, bound = "T: Element")]
    struct Written<'a, T>(#[serde(serialize_with = "list::serialize")] &'a [T]);

    #[derive(Deserialize)]
    #[serde(transparent, bound = "T: Element")]
    struct Read<T>(#[serde(deserialize_with = "list::deserialize")] Vec<T>);

    pub(crate) fn serialize<T: Element, S: Serializer>(lists: &[Vec<T>], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(lists.iter().map(|list| Written(list)))
    }

    pub(crate) fn deserialize<'de, T: Element, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Vec<T>>, D::Error> {
        let lists: Vec<Read<T>> = Vec::deserialize(deserializer)?;
        Ok(lists.into_iter().map(|list| list.0).collect())
    }
}
