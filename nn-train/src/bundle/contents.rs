//! What is in the file of a bundle, as bytes and from bytes. The format is described in the module above.

use nn_kernels::Element;
use serde::{Deserialize, Serialize};

use super::{Arrays, Bundle, BundleFault, Preparation, at};
use crate::envelope::{BUNDLE, FileFault, Parts};
use crate::error::Error;
use crate::network::Network;
use crate::preprocess::Preprocess;

/// What is written behind the number type and the version of the library.
#[derive(Serialize)]
#[serde(bound = "T: Element")]
pub(super) struct Written<'a, T> {
    architecture: String,
    #[serde(serialize_with = "crate::number::list::serialize")]
    parameters: &'a [T],
    preparation: &'a Preparation,
}

/// What is written of a bundle.
pub(super) fn written<'a, N: Network>(network: &'a N, preparation: &'a Preparation) -> Written<'a, N::Scalar> {
    Written { architecture: network.architecture().to_string(), parameters: network.parameters(), preparation }
}

/// A [`Preparation`] as it is read: derived, so that what is wrong is said afterwards in words of its own.
#[derive(Deserialize)]
enum Read {
    Table(#[serde(with = "Preprocess")] Preprocess),
    Arrays(Arrays),
}

/// The bundle in the bytes of a file at `place`.
pub(super) fn read<N: Network>(bytes: &[u8], place: &str) -> Result<Bundle<N>, Error> {
    read_parts(BUNDLE.open(bytes).map_err(at(place))?, place)
}

/// The bundle in a file whose front and checksum are right.
pub(super) fn read_parts<N: Network>(mut parts: Parts<'_>, place: &str) -> Result<Bundle<N>, Error> {
    parts.check_number_type::<N::Scalar>().map_err(at(place))?;
    let (architecture, parameters) = parts.network::<N::Scalar>().map_err(at(place))?;
    let network = N::of_parts(architecture, parameters)?;
    let preparation = preparation(&mut parts).map_err(at(place))?;
    Bundle::of(network, preparation).map_err(at(place))
}

fn preparation(parts: &mut Parts<'_>) -> Result<Preparation, BundleFault> {
    let read = parts.next("what goes with the network")?;
    parts.end()?;
    match read {
        Read::Table(preprocess) => {
            preprocess.check().map_err(|(name, fault)| FileFault::Contents {
                what: "the preprocessing",
                expected: "what a preprocessing learns".to_owned(),
                found: format!("column {name:?} has {fault}"),
            })?;
            Ok(Preparation::Table(Box::new(preprocess)))
        }
        Read::Arrays(arrays) => Ok(Preparation::Arrays(arrays)),
    }
}
