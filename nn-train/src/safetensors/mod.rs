//! Parameters to PyTorch and from it: files of safetensors (feature `safetensors`).
//!
//! A [file of safetensors](https://github.com/huggingface/safetensors) holds named arrays of numbers and nothing that can be
//! run. This library writes one whose names are those of PyTorch's `nn.Sequential`, and reads one that has linear layers.
//!
//! ```
//! use nn_train::prelude::*;
//! use nn_train::safetensors;
//!
//! network! { struct Digits<64 => 32 relu => 10 softmax>; }
//!
//! # let file = std::env::temp_dir().join(format!("nn-train-doc-{}.safetensors", std::process::id()));
//! let network = Digits::new(1);
//! safetensors::save(&network, &file)?;
//!
//! // In Python:
//! //     model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10), nn.Softmax(dim=-1))
//! //     model.load_state_dict(safetensors.torch.load_file(file))
//! println!("model = {}", safetensors::sequential(network.architecture()));
//!
//! let read: Bundle<Digits> = safetensors::load(&file)?;
//! assert_eq!(read.network(), &network);
//! # std::fs::remove_file(file).map_err(Error::source)?;
//! # Ok::<(), Error>(())
//! ```
//!
//! What `safetensors.torch.save_file(model.state_dict(), file)` wrote says nothing of activations; [`Reader`] is told what
//! they are.
//!
//! # Names
//!
//! Layer by layer `….weight`, of the shape \[outputs, inputs\], and `….bias`, \[outputs\], as in a network's own memory. Before
//! it stands the number of the layer in an `nn.Sequential`, counted from 0 over all its modules: an `nn.Linear`, one module more
//! for an activation other than `linear`, and one more for dropout. [`sequential`] prints it. So the layers of
//! `64 => 32 relu dropout(0.2) => 10 softmax` are 0 and 3. [`Writer::prefix`] and [`Writer::layers`] give other names.
//!
//! A reader takes any names: what stands before `.weight` orders the layers, numbers by their size.
//!
//! # What is read
//!
//! - `F32` and `F64`, and `F16` and `BF16`, which are converted. A number that is not finite in the network's type is refused.
//! - A layer without bias (`bias=False`) gets one of zeros.
//! - Everything else is refused by the name of its tensor: convolutions, normalisations, embeddings, integers.
//! - A `Softmax` or `Sigmoid` behind the last layer is often left out in PyTorch, whose losses take what stands before it. Name it
//!   as the activation of the output here, or predictions are no probabilities.
//! - PyTorch's `GELU()` is another function than [`gelu`](crate::Activation::Gelu), which is its `GELU(approximate="tanh")`: the two
//!   differ by up to 5·10⁻⁴. Its `ELU` and `Softplus` are the ones here where their settings are the default.
//!
//! # What else stands in the header
//!
//! One entry of the header's `__metadata__`, called `nn-train`, which PyTorch passes over. It is JSON:
//!
//! ```json
//! { "architecture": "64 => 32 relu => 10 softmax, cross_entropy",
//!   "standardizer": { "means": [0.5], "deviations": [2.0] },
//!   "target_standardizer": { "means": [0.0], "deviations": [1.0] },
//!   "classes": ["cat", "dog"] }
//! ```
//!
//! All but the architecture may be left out. The preprocessing of a table is not in it: [`bundle`](crate::bundle)s hold that.
//!
//! # Limits
//!
//! - A header has at most 1 MiB, which is enough for ten thousand tensors. Its length is compared with that of the file before anything
//!   else is read, and tensors must fill the rest of the file.
//! - A file is read into memory as a whole. Reading takes its bytes, those of the parameters (of `F16` read as `f64` four times
//!   the file's), and at most a hundred times those of the header.
//! - There is no checksum in the format.

mod fault;
mod modules;
mod note;
mod read;
mod write;

use std::path::Path;

pub use fault::SafetensorsFault;
pub use modules::sequential;
pub use read::Reader;
pub use write::Writer;

use crate::bundle::Bundle;
use crate::error::Error;
use crate::network::Network;

/// What stands for a path in messages about bytes in memory.
const MEMORY: &str = "the safetensors";

/// Writes a network's parameters to a file, whole or not at all: [`Writer`] with its defaults.
///
/// # Errors
/// As [`Writer::save`].
pub fn save<N: Network>(network: &N, path: impl AsRef<Path>) -> Result<(), Error> {
    Writer::new(network).save(path)
}

/// Reads a network from a file that says what its activations are: [`Reader`] with its defaults.
///
/// # Errors
/// As [`Reader::load`].
pub fn load<N: Network>(path: impl AsRef<Path>) -> Result<Bundle<N>, Error> {
    Reader::new().load(path)
}

/// The error of a fault of what is at `place`.
fn at(place: &str, fault: SafetensorsFault) -> Error {
    Error::Safetensors { place: place.to_owned(), fault }
}
