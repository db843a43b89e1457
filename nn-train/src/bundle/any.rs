//! A bundle of either number type.

use std::path::Path;

use nn_kernels::{Architecture, Element};

use super::{Bundle, FileFault, MEMORY, at, contents};
use crate::envelope::BUNDLE;
use crate::error::Error;
use crate::network::{DynNetwork, Network};
use crate::preprocess::{Predictions, Preprocess};
use crate::table::Table;

/// A [`Bundle`] whose number type is that of its file.
///
/// ```
/// use nn_train::bundle::AnyBundle;
/// use nn_train::prelude::*;
///
/// network! { struct Xor<2 => 4 tanh => 1>: f64; }
///
/// let bytes = Bundle::of_arrays(Xor::new(1))?.to_bytes();
/// let bundle = AnyBundle::from_bytes(&bytes)?;
/// assert_eq!(bundle.number_type(), "f64");
/// assert_eq!(bundle.declaration("Xor")?, "network! { pub struct Xor<2 => 4 tanh => 1 sigmoid>: f64; }");
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AnyBundle {
    /// Of a network of `f32`.
    F32(Bundle<DynNetwork<f32>>),
    /// Of a network of `f64`.
    F64(Bundle<DynNetwork<f64>>),
}

impl AnyBundle {
    /// Reads a bundle from a file.
    ///
    /// # Errors
    /// As [`Bundle::load`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let bytes = BUNDLE.read_file(path, at(&place))?;
        Self::read(&bytes, &place)
    }

    /// Reads a bundle from the bytes of its file.
    ///
    /// # Errors
    /// As [`load`](Self::load), but for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        Self::read(bytes, MEMORY)
    }

    fn read(bytes: &[u8], place: &str) -> Result<Self, Error> {
        let parts = BUNDLE.open(bytes).map_err(at(place))?;
        match parts.number_type() {
            <f32 as Element>::NAME => contents::read_parts(parts, place).map(Self::F32),
            <f64 as Element>::NAME => contents::read_parts(parts, place).map(Self::F64),
            found => {
                let (expected, found) = ("f32 or f64".to_owned(), found.to_owned());
                Err(at(place)(FileFault::Contents { what: "the number type", expected, found }))
            }
        }
    }

    /// The type of its network's numbers, `"f32"` or `"f64"`.
    #[must_use]
    pub const fn number_type(&self) -> &'static str {
        match self {
            Self::F32(_) => <f32 as Element>::NAME,
            Self::F64(_) => <f64 as Element>::NAME,
        }
    }

    /// Widths, activations, dropout and loss of its network.
    #[must_use]
    pub fn architecture(&self) -> &Architecture {
        match self {
            Self::F32(bundle) => bundle.network().architecture(),
            Self::F64(bundle) => bundle.network().architecture(),
        }
    }

    /// The `network!` line that declares its network, called `name`: see [`declaration`](crate::declaration()).
    ///
    /// # Errors
    /// As [`declaration`](crate::declaration()).
    pub fn declaration(&self, name: &str) -> Result<String, Error> {
        match self {
            Self::F32(bundle) => bundle.network().declaration(name),
            Self::F64(bundle) => bundle.network().declaration(name),
        }
    }

    /// What makes inputs of a table's rows: see [`Bundle::preprocess`].
    #[must_use]
    pub fn preprocess(&self) -> Option<&Preprocess> {
        match self {
            Self::F32(bundle) => bundle.preprocess(),
            Self::F64(bundle) => bundle.preprocess(),
        }
    }

    /// The names of the classes: see [`Bundle::classes`].
    #[must_use]
    pub fn classes(&self) -> Option<&[String]> {
        match self {
            Self::F32(bundle) => bundle.classes(),
            Self::F64(bundle) => bundle.classes(),
        }
    }

    /// What it predicts of each row of a table.
    ///
    /// # Errors
    /// As [`Bundle::predict`].
    pub fn predict(&self, table: &Table) -> Result<Predictions, Error> {
        match self {
            Self::F32(bundle) => bundle.predict(table),
            Self::F64(bundle) => bundle.predict(table),
        }
    }
}
