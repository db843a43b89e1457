//! Models in files: whatever holds a network, told by the first bytes.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use nn_train::bundle::{AnyBundle, FileFault};
use nn_train::checkpoint::{CheckpointFault, load_network};
use nn_train::{Architecture, DynNetwork, Error, Network};

use crate::failure::Failure;

/// What a file is, by its first bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bundle,
    Checkpoint,
    Records,
    Embedded,
    Other,
}

impl Kind {
    pub(crate) fn of(path: &Path) -> Result<Self, Failure> {
        let mut first = Vec::new();
        let read = File::open(path).and_then(|file| file.take(8).read_to_end(&mut first));
        read.map_err(|error| Failure::file("read", path, &error))?;
        Ok(match first.as_slice() {
            b"\x89NNB\r\n\x1a\n" => Self::Bundle,
            b"\x89NNT\r\n\x1a\n" => Self::Checkpoint,
            b"\x89NNR\r\n\x1a\n" => Self::Records,
            b"\x89NNE\r\n\x1a\n" => Self::Embedded,
            _ => Self::Other,
        })
    }
}

/// A network in a file, with or without what goes with it.
pub(crate) enum Model {
    Bundle(Box<AnyBundle>),
    F32(DynNetwork<f32>),
    F64(DynNetwork<f64>),
}

impl Model {
    /// The model in a bundle or a checkpoint.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        match Kind::of(path)? {
            Kind::Bundle => Ok(Self::Bundle(Box::new(AnyBundle::load(path)?))),
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
}

/// What is said of a file that is something else.
fn no_model(path: &Path) -> Failure {
    Failure::work(format!("{}: this is no model; expected a file that `nn-train train` wrote", path.display()))
}

/// A bundle, which is what predicts.
pub(crate) fn bundle(path: &Path) -> Result<AnyBundle, Failure> {
    match Kind::of(path)? {
        Kind::Bundle => Ok(AnyBundle::load(path)?),
        Kind::Checkpoint => Err(Failure::work(format!(
            "{}: a checkpoint has the network of a run, and not what makes its inputs of a table; expected the model that \
             `nn-train train` wrote at the end of the run",
            path.display()
        ))),
        _ => Err(no_model(path)),
    }
}
