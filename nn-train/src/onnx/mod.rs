//! ONNX files (feature `onnx`): networks out, for onnxruntime and whatever else reads the format, and plain networks in.
//!
//! [`Export`] writes a network, with what makes its inputs of a table's columns and values or classes of its outputs.
//! [`Import`] reads files of plain networks, from PyTorch, scikit-learn or here.
//!
//! ```
//! use nn_train::onnx::{Export, Import};
//! use nn_train::prelude::*;
//!
//! # let file = std::env::temp_dir().join(format!("nn-train-doc-{}.onnx", std::process::id()));
//! let flats = Csv::new().read_bytes(b"area,town,price\n51,Ulm,200\n80,Aalen,280\n66,Ulm,250\n40,Aalen,150\n")?;
//! let preprocess = Preprocess::for_target("price").fit(&flats)?;
//! let net = DynNetwork::<f32>::new(preprocess.architecture(&[16])?, Init::default(), 1)?;
//!
//! // Inputs `area` (f64) and `town` (text), each [N, 1]; output `predictions` (f64), [N, 1], in the units of the price.
//! Export::new(&net).preprocess(&preprocess).write(&file)?;
//! # std::fs::remove_file(&file).map_err(Error::source)?;
//!
//! // Without preprocessing what is written is read again.
//! let import = Import::from_bytes(&Export::new(&net).to_bytes()?)?;
//! assert_eq!(import.architecture().to_string(), "3 => 16 relu => 1 linear, mse");
//! assert_eq!(import.network::<f32>()?, net);
//! # Ok::<(), Error>(())
//! ```
//!
//! # What is written
//!
//! | | inputs | outputs |
//! |---|---|---|
//! | a network | `input`, `[N, S_1]`, of its numbers | `output`, `[N, S_L]`, of its numbers |
//! | with classes | the same | `label`, `[N]`, text, and `probabilities`, `[N, classes]`, of its numbers |
//! | with [`Preprocess`](crate::preprocess::Preprocess), a target of numbers | one a column by its name, `[N, 1]`: `f64` for numbers, text for text | `predictions`, `[N, targets]`, `f64`, in the units of the table |
//! | with [`Preprocess`](crate::preprocess::Preprocess), classes | the same | `label` and `probabilities` |
//!
//! N is any number of rows. An output whose name a column has gets `_2` behind it. Two classes have one output of the network,
//! the probability of the second, and two columns of probabilities.
//!
//! - **Versions**: operators of version 11, as that is the first with an `Equal` of `f64`, which columns of numbers that are
//!   categories need; for columns of text those of version 2 of `ai.onnx.ml`. Both came with ONNX 1.6, whose format is of
//!   version 6. Newer programs read it.
//! - **Numbers of columns are `f64`**, as in a [`Table`](crate::table::Table): scaling subtracts a mean, which in `f32` would cost digits where
//!   numbers are far from 0. They become the network's numbers when they are scaled.
//! - **A missing value** is NaN or the empty text; words such as `NA` that a CSV reader takes for missing are categories here.
//! - **What would be an error is NaN**: a graph cannot refuse a row. Where [`Preprocess::predict`](crate::preprocess::Preprocess::predict)
//!   refuses one, because of a missing value, an infinite number or a category that did not occur, its predictions and probabilities are NaN and its label is empty.
//! - **Dropout** is for training, and not in the graph. The loss is not either; the metadata name it, and the whole architecture,
//!   so that an import has both again: the keys `nn-train.loss` and `nn-train.architecture`.
//!
//! # What is read
//!
//! A chain from one input to one output: `Gemm`, or `MatMul` and `Add`, with the activations of this library between, as operators or
//! made of simpler ones, as PyTorch's exporter writes silu and gelu. What computes no activation that is known is refused, and so is any other operator,
//! by its name and its node's. `Identity`, `Dropout`, `Flatten` and the like, which change nothing, are passed over. Of a classifier's two
//! outputs that of the numbers is read.
//!
//! - The weights are `f32` or `f64`, in the file itself: PyTorch puts them beside it unless it is called with
//!   `external_data=False`.
//! - The loss is that of the file's metadata if it is from here, otherwise the one that goes with the output:
//!   [`Loss::for_output`](crate::Loss::for_output).
//! - Reading takes no more memory than 50 times the size of the file and 8 MiB, whatever is in it; a file of a network as long as it is, and the network
//!   beside it.

mod activation;
mod chain;
mod columns;
mod export;
mod fault;
mod functions;
mod graph;
mod import;
mod operator;
mod proto;
mod quantile;
mod summary;
mod tensors;

pub use export::Export;
pub use fault::OnnxFault;
pub use import::Import;
pub use summary::{Port, Summary};

/// The version of ONNX' own operators in files that are written.
pub const OPSET: i64 = 11;
/// The version of the operators `ai.onnx.ml` in files that are written, if there are any.
pub const ML_OPSET: i64 = 2;
/// The most bytes of a file, 2 GiB: what programs read of the encoding.
pub const MAX_BYTES: u64 = i32::MAX as u64;

/// The key of the metadata under which the architecture stands.
const ARCHITECTURE_KEY: &str = "nn-train.architecture";
/// The key of the metadata under which the loss stands.
const LOSS_KEY: &str = "nn-train.loss";
