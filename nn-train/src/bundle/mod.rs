//! A trained network in one file, with everything that a prediction needs (feature `bundle`).
//!
//! A network by itself takes numbers that were prepared as those of its training were, and gives numbers that somebody has to
//! make values or classes of. A [`Bundle`] holds both: the network and its [`Preprocess`], or a standardizer and the names of
//! the classes. So the program that predicts needs nothing of the program that trained.
//!
//! ```
//! use nn_train::prelude::*;
//!
//! let text = b"area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n40,Aalen,150\n";
//! let flats = Csv::new().read_bytes(text)?;
//! let preprocess = Preprocess::for_target("price").fit(&flats)?;
//! let mut network = DynNetwork::<f32>::new(preprocess.architecture(&[16])?, Init::default(), 1)?;
//! let data = preprocess.dataset(&flats)?;
//! Trainer::builder().learning_rate(0.01).epochs(200).build()?.fit(&mut network, &data, None)?;
//! # let file = std::env::temp_dir().join(format!("nn-train-doc-{}.nn", std::process::id()));
//! Bundle::new(network, preprocess)?.save(&file)?;
//!
//! // In another program:
//! let bundle: Bundle = Bundle::load(&file)?;
//! let prices = bundle.predict(&Csv::new().read_bytes(b"town,area\nUlm,51\n")?)?;
//! assert!((prices.values()[0] - 200.0).abs() < 20.0);
//! # std::fs::remove_file(file).map_err(Error::source)?;
//! # Ok::<(), Error>(())
//! ```
//!
//! A network that was trained on arrays has no table. What was done to its samples goes into the bundle too:
//!
//! ```
//! use nn_train::prelude::*;
//!
//! network! { struct Kinds<2 => 8 tanh => 3 softmax>; }
//!
//! let samples = vec![[150.0, 0.1], [170.0, 0.2], [250.0, 0.7]];
//! let data = Dataset::from_labels(samples, &[0, 1, 2])?.standardized()?;
//! let mut network = Kinds::new(1);
//! Trainer::builder().learning_rate(0.05).epochs(100).build()?.fit(&mut network, &data, None)?;
//!
//! let bundle = Bundle::of_arrays(network)?
//!     .with_standardizer(data.standardizer().cloned())?
//!     .with_classes(["apple", "pear", "melon"])?;
//! let bytes = bundle.to_bytes();
//!
//! // `Bundle<Kinds>` takes a file of this architecture, `Bundle` that of any.
//! let bundle: Bundle<Kinds> = Bundle::from_bytes(&bytes)?;
//! let probabilities = bundle.predict_rows(&[245.0, 0.65])?;
//! assert_eq!(bundle.labels(&probabilities)?, ["melon"]);
//! # Ok::<(), Error>(())
//! ```
//!
//! # The format
//!
//! Version 1. By convention such a file is called `….nn`. Front and checksum are those of checkpoints; numbers there are in
//! little-endian order.
//!
//! ```text
//! offset  bytes
//!      0      8  89 4E 4E 42 0D 0A 1A 0A: no text, and spoilt by whoever takes it for one
//!      8      4  version of the format
//!     12      8  length of the whole file
//!     20      …  contents
//!    end-4    4  CRC-32 (as in zlib) of all bytes before it
//! ```
//!
//! The contents are values in the [wire format of postcard](https://postcard.jamesmunns.com/wire-format), one behind the
//! other, and nothing else:
//!
//! ```text
//! number type           text, "f32" or "f64"
//! version of the library text
//! architecture          text, as in `64 => 32 relu => 10 softmax, cross_entropy`
//! parameters            a byte array: their bits, layer by layer, [out][in] and then the bias
//! kind                  0 for a table, 1 for arrays
//! of a table            Preprocess
//! of arrays             optional Standardizer of the inputs, optional one of the targets, list of the names of classes
//! ```
//!
//! Structures are their fields in the order of their declaration. Signature, version, length and checksum will stand where
//! they are in every version to come, and every version that there has been will be read.
//!
//! # Limits
//!
//! - A file is read into memory as a whole. Length and checksum are compared before anything else is looked at.
//! - It protects from accidents, not from somebody who writes files: such a file can hold any network, but leads to no
//!   panic. A length in it is compared with the bytes that are left, so that a bundle takes about as much memory as its
//!   file has bytes, and never more than a hundred times that, which takes a file of nothing but empty names.
//! - Parameters are finite, constants of scalings too. What the network computes of finite inputs may still overflow.
//! - A file is written whole or not at all, as checkpoints are.

mod any;
mod arrays;
mod contents;
mod fault;

use std::path::Path;

pub use any::AnyBundle;
use arrays::Arrays;
pub use fault::BundleFault;
use nn_kernels::{Architecture, Element};
use serde::Serialize;

use crate::Standardizer;
use crate::disk::{self, System};
use crate::envelope::BUNDLE;
pub use crate::envelope::FileFault;
use crate::error::Error;
use crate::network::{DynNetwork, Network};
use crate::preprocess::{Predictions, Preprocess, no_probabilities};
use crate::table::{Csv, Table};

/// What stands for a path in messages about bytes and values in memory.
const MEMORY: &str = "the bundle";

/// A network with what makes its inputs of a user's data, and values or classes of its outputs. See the [module](self).
///
/// `N` is a declared network, or [`DynNetwork`], which takes its architecture from the file. `Bundle` alone is a
/// `Bundle<DynNetwork<f32>>`; [`AnyBundle`] reads a file of either number type.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle<N: Network = DynNetwork<f32>> {
    network: N,
    preparation: Preparation,
}

/// What is done before the network, and behind it.
#[derive(Debug, Clone, PartialEq, Serialize)]
enum Preparation {
    Table(Box<Preprocess>),
    Arrays(Arrays),
}

/// What a [`Bundle`] is made of.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct BundleParts<N> {
    /// The network.
    pub network: N,
    /// What makes inputs of a table's rows; none of a network on arrays.
    pub preprocess: Option<Preprocess>,
    /// The scales of a network's inputs, if it takes arrays that were standardised.
    pub standardizer: Option<Standardizer>,
    /// The scales of its targets, if they were standardised.
    pub target_standardizer: Option<Standardizer>,
    /// The names of the classes of a network on arrays, if it was given some.
    pub classes: Option<Vec<String>>,
}

impl<N: Network> Bundle<N> {
    /// A network that predicts from the rows of tables.
    ///
    /// # Errors
    /// [`BundleFault`] in [`Error::Bundle`] when the network has other widths than the preprocessing, when the target is
    /// classes and the outputs are no probabilities, and for a parameter that is not finite.
    pub fn new(network: N, preprocess: Preprocess) -> Result<Self, Error> {
        Self::of(network, Preparation::Table(Box::new(preprocess))).map_err(at(MEMORY))
    }

    /// A network that predicts from rows of numbers, which it takes as they are.
    ///
    /// # Errors
    /// [`BundleFault::Parameter`] in [`Error::Bundle`] for a parameter that is not finite.
    pub fn of_arrays(network: N) -> Result<Self, Error> {
        Self::of(network, Preparation::Arrays(Arrays::default())).map_err(at(MEMORY))
    }

    /// The standardizer of the training inputs, [`DynDataset::standardizer`](crate::DynDataset::standardizer), in place of
    /// the one there is: rows to predict from are standardised by it.
    ///
    /// # Errors
    /// [`BundleFault`] in [`Error::Bundle`] for a standardizer of another width, and for a bundle that predicts from tables.
    pub fn with_standardizer(self, standardizer: impl Into<Option<Standardizer>>) -> Result<Self, Error> {
        self.with(|arrays| arrays.inputs = standardizer.into())
    }

    /// The standardizer of the training targets,
    /// [`DynDataset::target_standardizer`](crate::DynDataset::target_standardizer), in place of the one there is:
    /// predictions are brought back to their units by it.
    ///
    /// # Errors
    /// As [`with_standardizer`](Self::with_standardizer), and for a bundle with classes.
    pub fn with_target_standardizer(self, standardizer: impl Into<Option<Standardizer>>) -> Result<Self, Error> {
        self.with(|arrays| arrays.targets = standardizer.into())
    }

    /// The names of the classes, one for each output, or two for one output, which is the probability of the second.
    ///
    /// # Errors
    /// [`BundleFault`] in [`Error::Bundle`] for more or fewer names, one that stands there twice, a network whose outputs are
    /// no probabilities, and a bundle that predicts from tables or has a standardizer of the targets.
    pub fn with_classes<S: Into<String>>(self, names: impl IntoIterator<Item = S>) -> Result<Self, Error> {
        self.with(|arrays| arrays.classes = names.into_iter().map(Into::into).collect())
    }

    /// Changes what is done to arrays, and checks it.
    fn with(self, change: impl FnOnce(&mut Arrays)) -> Result<Self, Error> {
        let mut arrays = self.arrays()?.clone();
        change(&mut arrays);
        arrays.check(self.network.architecture()).map_err(at(MEMORY))?;
        Ok(Self { preparation: Preparation::Arrays(arrays), ..self })
    }

    /// A network and a preparation that fits it.
    fn of(network: N, preparation: Preparation) -> Result<Self, BundleFault> {
        let architecture = network.architecture();
        for (index, range) in architecture.ranges().enumerate() {
            check_finite(index + 1, "weight", &network.parameters()[range.weights])?;
            check_finite(index + 1, "bias", &network.parameters()[range.bias])?;
        }
        match &preparation {
            Preparation::Table(preprocess) => check_preprocess(preprocess, architecture)?,
            Preparation::Arrays(arrays) => arrays.check(architecture)?,
        }
        Ok(Self { network, preparation })
    }

    /// The network.
    pub const fn network(&self) -> &N {
        &self.network
    }

    /// What makes inputs of a table's rows; none of a network on arrays.
    #[must_use]
    pub fn preprocess(&self) -> Option<&Preprocess> {
        match &self.preparation {
            Preparation::Table(preprocess) => Some(preprocess),
            Preparation::Arrays(_) => None,
        }
    }

    /// The standardizer of the inputs of a network on arrays, if it has one.
    #[must_use]
    pub fn standardizer(&self) -> Option<&Standardizer> {
        match &self.preparation {
            Preparation::Table(_) => None,
            Preparation::Arrays(arrays) => arrays.inputs.as_ref(),
        }
    }

    /// The standardizer of the targets of a network on arrays, if it has one.
    #[must_use]
    pub fn target_standardizer(&self) -> Option<&Standardizer> {
        match &self.preparation {
            Preparation::Table(_) => None,
            Preparation::Arrays(arrays) => arrays.targets.as_ref(),
        }
    }

    /// The names of the classes, in the order of the outputs, if there are some.
    #[must_use]
    pub fn classes(&self) -> Option<&[String]> {
        match &self.preparation {
            Preparation::Table(preprocess) => preprocess.classes(),
            Preparation::Arrays(arrays) => Some(arrays.classes.as_slice()).filter(|classes| !classes.is_empty()),
        }
    }

    /// What it predicts of each row of a table, as [`Preprocess::predict`] does.
    ///
    /// # Errors
    /// As [`Preprocess::predict`]; [`BundleFault::Inputs`] in [`Error::Bundle`] for a network on arrays.
    pub fn predict(&self, table: &Table) -> Result<Predictions, Error> {
        self.table()?.predict(&self.network, table)
    }

    /// The rows of a table as samples of the network, targets and all: for metrics, whose numbers are in the units of the table,
    /// or to go on training.
    ///
    /// ```
    /// # use nn_train::prelude::*;
    /// let table = Csv::new().read_bytes(b"x,y\n1,2\n2,4\n3,6\n")?;
    /// let preprocess = Preprocess::for_target("y").fit(&table)?;
    /// let bundle = Bundle::new(DynNetwork::<f32>::zeros(preprocess.architecture(&[])?)?, preprocess)?;
    /// // It always predicts the mean, 4.
    /// let errors = Regression::evaluate(bundle.network(), &bundle.dataset(&table)?)?;
    /// assert!((errors.mae - 4.0 / 3.0).abs() < 1e-6);
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Preprocess::dataset_for`]; [`BundleFault::Inputs`] in [`Error::Bundle`] for a network on arrays.
    pub fn dataset(&self, table: &Table) -> Result<N::Data, Error> {
        self.table()?.dataset_for(&self.network, table)
    }

    /// How a file to predict from is read, so that each column is what it was in training: [`Preprocess::csv`].
    ///
    /// # Errors
    /// [`BundleFault::Inputs`] in [`Error::Bundle`] for a network on arrays.
    pub fn csv(&self) -> Result<Csv<'static>, Error> {
        Ok(self.table()?.csv())
    }

    /// What it predicts of rows of S_1 numbers one behind the other: S_L numbers for each, in the units of the targets or
    /// as probabilities of classes. Inputs are as they were before they were standardised.
    ///
    /// # Errors
    /// [`BundleFault::Inputs`] in [`Error::Bundle`] for a bundle that predicts from tables,
    /// [`StepError::Ragged`](crate::StepError::Ragged) in [`Error::Step`] when numbers do not fill their last row,
    /// [`Error::Empty`] without a row, and [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`].
    pub fn predict_rows(&self, inputs: &[N::Scalar]) -> Result<Vec<N::Scalar>, Error> {
        self.arrays()?.predict(&self.network, inputs)
    }

    /// The name of the class that each row of outputs decides for: the most probable, the first of several; of two classes
    /// with one output the second from ½ on.
    ///
    /// # Errors
    /// [`Error::Missing`] for a bundle without classes, [`Error::Features`] when the outputs are not whole rows,
    /// [`Error::NaNOutput`] where one is NaN.
    pub fn labels(&self, outputs: &[N::Scalar]) -> Result<Vec<&str>, Error> {
        let expected = "classes, as the bundle of a classifier has";
        let classes = self.classes().ok_or(Error::Missing { what: "class", expected })?;
        arrays::labels(classes, outputs, self.network.architecture().outputs())
    }

    /// What it is made of.
    #[must_use]
    pub fn into_parts(self) -> BundleParts<N> {
        let network = self.network;
        match self.preparation {
            Preparation::Table(preprocess) => BundleParts {
                network,
                preprocess: Some(*preprocess),
                standardizer: None,
                target_standardizer: None,
                classes: None,
            },
            Preparation::Arrays(Arrays { inputs, targets, classes }) => BundleParts {
                network,
                preprocess: None,
                standardizer: inputs,
                target_standardizer: targets,
                classes: Some(classes).filter(|classes| !classes.is_empty()),
            },
        }
    }

    /// Writes the bundle to a file, whole or not at all. The convention is a name that ends in `.nn`.
    ///
    /// # Errors
    /// [`Error::Io`] names the file and what could not be done with it. What stood there before stands there still.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), Error> {
        disk::write_whole(&System, path.as_ref(), |writer| {
            BUNDLE.write::<N::Scalar, _>(&contents::written(&self.network, &self.preparation), writer)
        })
    }

    /// Reads a bundle from a file.
    ///
    /// # Errors
    /// [`Error::Bundle`] for a file that is no bundle, is of another number type than the network's, is damaged, was written
    /// by a newer version, or whose parts do not fit together; [`Error::AnotherArchitecture`], which shows both, for a
    /// declared network with another architecture than the file's; [`Error::Io`] when it cannot be read, and
    /// [`StepError::Memory`](crate::StepError::Memory) in [`Error::Step`] when there is no memory for it.
    pub fn load(path: impl AsRef<Path>) -> Result<Self, Error> {
        let path = path.as_ref();
        let place = path.display().to_string();
        let bytes = BUNDLE.read_file(path, at(&place))?;
        contents::read(&bytes, &place)
    }

    /// The bytes of the file that [`save`](Self::save) writes, to be kept elsewhere than in a file.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        BUNDLE.to_bytes::<N::Scalar, _>(&contents::written(&self.network, &self.preparation))
    }

    /// The inverse of [`to_bytes`](Self::to_bytes).
    ///
    /// # Errors
    /// As [`load`](Self::load), but for [`Error::Io`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Error> {
        contents::read(bytes, MEMORY)
    }

    fn table(&self) -> Result<&Preprocess, Error> {
        match &self.preparation {
            Preparation::Table(preprocess) => Ok(preprocess),
            Preparation::Arrays(_) => {
                Err(at(MEMORY)(BundleFault::Inputs { expected: "a table", found: "rows of numbers" }))
            }
        }
    }

    fn arrays(&self) -> Result<&Arrays, Error> {
        match &self.preparation {
            Preparation::Table(_) => {
                Err(at(MEMORY)(BundleFault::Inputs { expected: "rows of numbers", found: "a table" }))
            }
            Preparation::Arrays(arrays) => Ok(arrays),
        }
    }
}

/// All of these parameters of a layer are finite.
fn check_finite<T: Element>(layer: usize, what: &'static str, numbers: &[T]) -> Result<(), BundleFault> {
    match numbers.iter().position(|number| !number.is_finite()) {
        Some(index) => Err(BundleFault::Parameter { layer, what, index, value: numbers[index].to_f64() }),
        None => Ok(()),
    }
}

/// The network makes of a table's columns what the preprocessing says.
fn check_preprocess(preprocess: &Preprocess, architecture: &Architecture) -> Result<(), BundleFault> {
    if let Some(fault) = preprocess.width_fault(architecture) {
        return Err(BundleFault::Preprocess(Box::new(fault)));
    }
    preprocess.classes().map_or(Ok(()), |_| check_probabilities(architecture))
}

/// The outputs are the probabilities of classes.
fn check_probabilities(architecture: &Architecture) -> Result<(), BundleFault> {
    match no_probabilities(architecture) {
        None => Ok(()),
        Some((found, expected)) => Err(BundleFault::Output { found, expected }),
    }
}

/// The error of a fault of what is at `place`.
fn at<F: Into<BundleFault>>(place: &str) -> impl Fn(F) -> Error + '_ {
    move |fault| Error::Bundle { place: place.to_owned(), fault: fault.into() }
}
