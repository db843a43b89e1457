//! Arrays in files: NumPy's NPY and NPZ, and IDX, the format of MNIST, to and from data sets.
//!
//! | | |
//! |---|---|
//! | [`Array::read_npy`], [`Array::write_npy`] | what `np.save` writes and `np.load` reads |
//! | `Npz`, `NpzWriter` (feature `npz`) | what `np.savez`, `np.savez_compressed` write and `np.load` reads |
//! | [`Array::read_idx`] | MNIST, Fashion-MNIST and the like, plain or packed by gzip |
//! | [`Array::with_targets`], [`Array::with_labels`] | a [`DynDataset`](crate::DynDataset) of two arrays |
//!
//! Predictions go back the same way:
//!
//! ```
//! use nn_train::arrays::Array;
//! use nn_train::prelude::*;
//!
//! # let file = std::env::temp_dir().join(format!("nn-train-doc-predictions-{}.npy", std::process::id()));
//! let inputs = Array::new(vec![0.0_f32, 0.0, 0.0, 1.0, 1.0, 1.0], [3, 2])?;
//! let net: DynNetwork<f32> = DynNetwork::new("2 => 4 tanh => 1".parse()?, Init::default(), 1)?;
//! let mut outputs = vec![0.0; 3];
//! net.predict_batch(inputs.numbers(), &mut outputs)?;
//! Array::new(outputs, [3, 1])?.write_npy(&file)?; // np.load(file).shape == (3, 1)
//! # std::fs::remove_file(file).map_err(Error::source)?;
//! # Ok::<(), Error>(())
//! ```
//!
//! # What is read
//!
//! - **NPY** of the versions 1 to 3: `bool`, `int8` to `int64`, `uint8` to `uint64`, `float16`, `float32` and `float64`, of either
//!   byte order, in C or Fortran order. Not read are complex numbers, texts, dates, records and Python objects: the error names
//!   the type.
//! - **NPZ** (feature `npz`): zip archives of such files, stored or deflated.
//! - **IDX**: unsigned and signed bytes, integers of 2 and 4 bytes, floats of 4 and 8.
//!
//! Numbers become those of the [`Array`] asked for ([`Item`]): a file of `uint8` is read as `Array<f32>`, or one of `float64` that
//! holds whole numbers as labels, `Array<usize>`.
//!
//! # Limits
//!
//! Sizes in a file are compared with the bytes that are there before memory is taken for them. So the array of a plain file takes at
//! most 8 times the file's bytes, bytes becoming `f64`. What is packed may say that it is larger than it is: its numbers take memory
//! as they come, and no more than 100 times its packed bytes and 1 MiB are unpacked, unless `Npz::limit` or
//! [`Array::read_idx_within`] allows it. While an array is read it can take more, for a moment: twice its memory where Fortran order
//! is turned round, and up to three times where the room for what is unpacked grows.

mod array;
mod fault;
mod idx;
mod item;
mod npy;
#[cfg(feature = "npz")]
mod npz;
mod numbers;

pub use array::Array;
pub use fault::ArrayFault;
pub use item::Item;
#[cfg(feature = "npz")]
pub use npz::{Npz, NpzWriter};
